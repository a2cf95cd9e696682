//! The demo: nothing is wrong with it, and each thing that could be is found.

mod support;

use pave_road::{Options, check};
use support::{draw, folder};

const ROOT: &str = "../../examples/team-environment/platform-configs";
const COMPOSITION: &str = "infra/composition.yaml";
const DEFINITION: &str = "infra/definition.yaml";
const TEMPLATE: &str = "templates/create-team-environment/template.yaml";
const TEAM: &str = "infra/teams/team-a.yaml";

#[test]
fn the_demo_is_sound() {
    let found = check(&folder(ROOT), &Options::default());
    assert!(found.is_empty(), "{}", draw(&found));
}

/// Changes one text of the demo and expects a finding at the line that the change begins in, or at the object around it.
fn spoil(file: &str, from: &str, to: &str, code: &str, word: &str) {
    let mut files = folder(ROOT);
    let Some((_, text)) = files
        .iter_mut()
        .find(|(path, text)| path == file && text.contains(from))
    else {
        unreachable!("{file} has no `{from}`");
    };
    let start = text.find(from).unwrap_or_default();
    let changed = from
        .bytes()
        .zip(to.bytes())
        .take_while(|(old, new)| old == new)
        .count();
    let line = text[..start + changed].matches('\n').count() + 1;
    text.replace_range(start..start + from.len(), to);
    let found = check(&files, &Options::default());
    let told = found.iter().any(|it| {
        let place = &it.labels[0].location;
        // What is missing altogether is told at the server.
        let near = place.file != file
            || to.is_empty()
            || ["PV2112", "PV2122"].contains(&code)
            || line.abs_diff(place.span.start.line) <= 5;
        it.code == code && near && draw(std::slice::from_ref(it)).contains(word)
    });
    assert!(
        told,
        "`{from}` to `{to}` at {file}:{line}: no {code} with `{word}`\n{}",
        draw(&found)
    );
}

#[test]
fn a_label_is_added_beside_others() {
    let mut files = folder(ROOT);
    for (path, text) in &mut files {
        if path == COMPOSITION {
            *text = text.replacen("    env: azure-dev", "    tier: small", 1);
        }
    }
    let found = check(&files, &Options::default());
    assert_eq!(
        found.iter().map(|it| it.code.as_str()).collect::<Vec<_>>(),
        ["PV2115"],
        "{}",
        draw(&found)
    );
    let fix = found[0].fix.as_ref().unwrap();
    assert_eq!(
        (fix.file.as_str(), fix.replacement.as_str()),
        (COMPOSITION, "    env: azure-dev\n")
    );
}

#[test]
fn compositions() {
    let check = |from: &str, to: &str, code: &str, word: &str| spoil(COMPOSITION, from, to, code, word);
    check(
        "fromFieldPath: spec.dbUser",
        "fromFieldPath: spec.dbUsr",
        "PV2113",
        "did you mean `spec.dbUser`",
    );
    check(
        "toFieldPath: spec.forProvider.administratorLogin",
        "toFieldPath: spec.forProvider.adminLogin",
        "PV2114",
        "adminLogin",
    );
    check(
        "skuName: B_Standard_B1ms",
        "skuNam: B_Standard_B1ms",
        "PV2104",
        "did you mean `spec.forProvider.skuName`",
    );
    check(
        "location: West Europe",
        "location: Westeuropa",
        "PV1401",
        "westeurope",
    );
    check("storageMb: 32768", "storageMb: large", "PV2106", "storageMb");
    check(
        "kind: FlexibleServer\n",
        "kind: FlexibelServer\n",
        "PV2102",
        "did you mean `FlexibleServer`",
    );
    check(
        "dbforpostgresql.azure.upbound.io/v1beta1",
        "dbforpostgresql.azure.upbound.io/v1beta9",
        "PV2103",
        "v1beta2",
    );
    check(
        "dbforpostgresql.azure.upbound.io/v1beta1",
        "dbforpostgresql.azure.upbond.io/v1beta1",
        "PV2102",
        "dbforpostgresql.azure.upbound.io",
    );
    check(
        "env: azure-dev",
        "env: azure-prod",
        "PV2115",
        "has the label `env: azure-prod` instead",
    );
    check(
        "kind: TeamEnvironment\n",
        "kind: TeamEnviroment\n",
        "PV2127",
        "did you mean `TeamEnvironment`",
    );
    check("  mode: Resources\n", "", "PV2124", "Pipeline");
    check(
        "kind: FlexibleServerFirewallRule",
        "kind: FlexibleServerConfiguration",
        "PV2122",
        "firewall",
    );
    check(
        "kind: FlexibleServerDatabase",
        "kind: FlexibleServerConfiguration",
        "PV2112",
        "no database",
    );
    check(
        "            resourceGroupNameSelector:\n              matchControllerRef: true\n",
        "",
        "PV2105",
        "resourceGroupName",
    );
    check(
        "startIpAddress: 0.0.0.0",
        "startIpAddres: 0.0.0.0",
        "PV2104",
        "startIpAddress",
    );
    check("charset: UTF8", "charset: ${CHARSET}", "PV1329", "${CHARSET}");
}

#[test]
fn definitions() {
    let check = |from: &str, to: &str, code: &str, word: &str| spoil(DEFINITION, from, to, code, word);
    check(
        "  connectionSecretKeys",
        "  scope: Namespaced\n  connectionSecretKeys",
        "PV1307",
        "claimNames",
    );
    check(
        "name: teamenvironments.platform",
        "name: teamenvironment.platform",
        "PV1302",
        "teamenvironments.platform.example.com",
    );
    check("required: [dbName, dbUser]", "required: []", "PV1312", "dbName");
    check(
        "                dbUser:",
        "                size:\n                  type: string\n                dbUser:",
        "PV2126",
        "spec.size",
    );
    check(
        "kind: TeamEnvironmentClaim",
        "kind: TeamEnvClaim",
        "PV2130",
        "TeamEnvironmentClaim",
    );
    check("name: v1alpha1", "name: v1", "PV2103", "v1");
}

#[test]
fn templates() {
    let check = |from: &str, to: &str, code: &str, word: &str| spoil(TEMPLATE, from, to, code, word);
    check(
        "            dbUser: $",
        "            dbUsr: $",
        "PV2104",
        "did you mean `spec.dbUser`",
    );
    check(
        "            dbUser: ${{ parameters.dbUser }}\n",
        "",
        "PV2105",
        "spec.dbUser",
    );
    check(
        "            dbName: $",
        "            dbName: A",
        "PV2106",
        "dbName",
    );
    check(
        "action: pave:repo:commit",
        "action: pave:repo:comit",
        "PV1517",
        "pave:repo:commit",
    );
    check(
        "commitMessage: Provision",
        "comitMessage: Provision",
        "PV1518",
        "commitMessage",
    );
    check(
        "dbUser: ${{ parameters.dbUser }}",
        "dbUser: ${{ parameters.dbUsr }}",
        "PV1511",
        "dbUser",
    );
    check(
        "            writeConnectionSecretToRef:\n              name: ${{ parameters.envName }}-connection\n",
        "",
        "PV2118",
        "writeConnectionSecretToRef",
    );
    check(
        "kind: TeamEnvironmentClaim\n          metadata:",
        "kind: TeamEnvironmntClaim\n          metadata:",
        "PV2130",
        "TeamEnvironmentClaim",
    );
    check(
        "          pattern: ^(?!pg_)",
        "          pattern: ^",
        "PV2123",
        "pg_",
    );
    check(
        "          spec:\n            comp",
        "          spec: [\n            comp",
        "PV2128",
        "not YAML",
    );
}

#[test]
fn the_rest() {
    let check = |from: &str, to: &str, code: &str, word: &str| spoil(TEAM, from, to, code, word);
    check("project: team-a", "project: team-c", "PV2131", "AppProject");
    check(
        "server: https://kubernetes.default.svc\n    namespace: team-a\n  syncPolicy",
        "server: https://kubernetes.default.svc\n    namespace: team-b\n  syncPolicy",
        "PV2131",
        "team-b",
    );
    check("selfHeal: true", "selfheal: true", "PV2104", "selfHeal");
    check(
        "kind: ClusterRole\n  name: team-environments",
        "kind: ClusterRole\n  name: team-environment",
        "PV2132",
        "team-environments",
    );
    spoil(
        "infra/roles.yaml",
        "resources: [teamenvironmentclaims]",
        "resources: [teamenvironmentclaim]",
        "PV2133",
        "teamenvironmentclaims",
    );
    spoil(
        "infra/provider-config.yaml",
        "source: Secret",
        "source: Secrets",
        "PV2106",
        "Secret",
    );
    spoil(
        "infra/provider-config.yaml",
        "name: default",
        "name: other",
        "PV2121",
        "default",
    );
    spoil(
        "teams/teams.yaml",
        "  children: []",
        "  childs: []",
        "PV1605",
        "children",
    );
}

#[test]
fn what_is_no_road_is_left_alone() {
    let check = |text: &str| {
        let found = check(&[("x.yaml".to_owned(), text.to_owned())], &Options::default());
        assert!(found.is_empty(), "{}", draw(&found));
    };
    check("");
    check("just: data\nlist: [1, 2]\n");
    check("- 1\n- 2\n");
    check("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {params: {a: 1}}\n");
    check("apiVersion: other.example.com/v1\nkind: Claim\nmetadata: {name: x}\n");
    check("apiVersion: v1\nkind: {{ .Values.kind }}\n{{- if .x }}\n  a: [\n");
    check("name: ${{ values.name }}\n{% if x %}\n[");
    check("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: $\n");
}
