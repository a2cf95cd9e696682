use std::collections::HashMap;

use super::*;
use crate::{CompileRequest, compile};

fn plan(text: &str) -> Plan {
    let files: HashMap<(Option<String>, String), String> = HashMap::new();
    let compiled = compile(&CompileRequest {
        path: "azure-pipelines.yml",
        text,
        files: &files,
        parameters: &[],
        variables: &[],
    });
    compiled
        .plan
        .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

fn group(name: &str) -> Vec<(String, String)> {
    let text = format!(
        "provider \"azurerm\" {{\n  features {{}}\n}}\nresource \"azurerm_resource_group\" \"example\" {{\n  name     = \"{name}\"\n  location = \"westeurope\"\n}}\n"
    );
    vec![("terraform/changed/main.tf".to_owned(), text)]
}

fn codes_of(text: &str, files: &[(String, String)]) -> Vec<String> {
    warnings(&plan(text), files)
        .into_iter()
        .map(|one| one.code)
        .collect()
}

#[test]
fn the_second_post_is_warned_about() {
    let text = include_str!("../compile/tests/second_post.yml");
    assert_eq!(
        codes_of(text, &group("a")),
        ["PV2230", "PV2231", "PV2233", "PV2232"]
    );
}

#[test]
fn a_careful_pipeline_is_not() {
    let text = "trigger:\n  branches: {include: [main]}\n  paths: {include: [terraform]}\npool: {vmImage: ubuntu-latest}\nsteps:\n- task: TerraformInstaller@1\n- task: TerraformTaskV4@4\n  inputs: {command: init, backendServiceArm: c, backendAzureRmResourceGroupName: r, backendAzureRmStorageAccountName: s, backendAzureRmContainerName: n, backendAzureRmKey: k, workingDirectory: terraform}\n- task: TerraformTaskV4@4\n  inputs: {command: plan, commandOptions: -out=tfplan, environmentServiceNameAzureRM: c, workingDirectory: terraform}\n- task: TerraformTaskV4@4\n  inputs: {command: apply, commandOptions: tfplan, environmentServiceNameAzureRM: c, workingDirectory: terraform}\n";
    let files = vec![(
        "terraform/main.tf".to_owned(),
        "terraform {\n  backend \"azurerm\" {}\n}\n".to_owned(),
    )];
    assert_eq!(codes_of(text, &files), Vec::<String>::new());
}

#[test]
fn a_second_request_destroys_the_first() {
    let found = destroys(&group("orders"), &group("billing"));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].name.as_str(), found[0].becomes.as_deref()),
        ("orders", Some("billing"))
    );
    assert_eq!(
        found[0].diagnostic.to_string(),
        "terraform/changed/main.tf:5:14: `azurerm_resource_group.example` (`orders`) would be destroyed: `name` cannot change from `orders` to `billing` (help: give each request a directory and a state of its own) [PV2234]"
    );
    assert_eq!(destroys(&group("orders"), &group("orders")), []);
    assert_eq!(destroys(&group("orders"), &[])[0].becomes, None);
    let moved = group("orders")[0].1.replace("\"example\"", "\"other\"")
        + "moved {\n  from = azurerm_resource_group.example\n  to = azurerm_resource_group.other\n}\n";
    assert_eq!(
        destroys(
            &group("orders"),
            &[("terraform/changed/main.tf".to_owned(), moved)]
        ),
        []
    );
}

#[test]
fn applied_directories_are_paths_in_the_repository() {
    let check = |variables: &str, written: &str, expected: &str| {
        let text = format!(
            "steps:\n- task: TerraformTaskV4@4\n  inputs: {{command: apply, environmentServiceNameAzureRM: c, workingDirectory: '{written}'}}\n{variables}"
        );
        let found = applied_directories(&plan(&text));
        assert_eq!(found[0].path, expected, "{written}");
    };
    check(
        "",
        "$(System.DefaultWorkingDirectory)/terraform/changed",
        "terraform/changed",
    );
    check("", "./infra/", "infra");
    check("", "", "");
    check(
        "variables:\n  root: $(Build.SourcesDirectory)/requests\n  directory: $(root)/$(request)\n",
        "$(directory)",
        "requests/$(request)",
    );
    let directory = |path: &str| AppliedDirectory {
        path: path.to_owned(),
        place: Location::default(),
    };
    for (path, folder, expected) in [
        ("requests/$(request)", "requests/orders", true),
        ("requests/$(request)", "requests", false),
        ("requests/$(request)", "requests/a/b", false),
        ("terraform", "terraform", true),
        ("terraform", "terraform/base", false),
        ("", "", true),
    ] {
        assert_eq!(directory(path).covers(folder), expected, "{path} {folder}");
    }
}

#[test]
fn directories_that_are_known_only_at_run_time_are_looked_at_too() {
    let text = "steps:\n- task: TerraformTaskV4@4\n  inputs: {command: init, backendServiceArm: c, backendAzureRmResourceGroupName: r, backendAzureRmStorageAccountName: s, backendAzureRmContainerName: n, backendAzureRmKey: k, workingDirectory: 'requests/$(request)'}\npool: {vmImage: ubuntu-22.04}\n";
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let backend = "terraform {\n  backend \"azurerm\" {}\n}\n";
    let group = &group("a")[0].1;
    let both = [
        file("requests/a/main.tf", group),
        file("requests/a/state.tf", backend),
    ];
    assert_eq!(codes_of(text, &both), Vec::<String>::new());
    assert_eq!(
        codes_of(text, &[both[0].clone(), file("requests/b/state.tf", backend)]),
        ["PV2231"]
    );
    assert_eq!(
        codes_of(text, &[file("other/main.tf", group)]),
        Vec::<String>::new()
    );
}

#[test]
fn what_a_merge_does_to_what_is_there() {
    let check = |before: &[(String, String)], after: &[(String, String)], expected: &[&str]| {
        let found: Vec<String> = merge_findings(before, after)
            .iter()
            .map(|one| format!("{} {} {}", one.code, one.labels[0].location, one.message))
            .collect();
        assert_eq!(found, expected);
    };
    let code = "terraform/changed/main.tf";
    check(&[], &group("a"), &[]);
    check(&group("a"), &group("a"), &[]);
    check(
        &group("a"),
        &group("b"),
        &[
            "PV2234 terraform/changed/main.tf:5:14 `azurerm_resource_group.example` (`a`) would be destroyed: `name` cannot change from `a` to `b`",
        ],
    );
    check(
        &group("a"),
        &[(
            code.to_owned(),
            "provider \"azurerm\" {\n  features {}\n}\n".to_owned(),
        )],
        &["PV2234 terraform/changed/main.tf:4:1 `azurerm_resource_group.example` (`a`) would be destroyed"],
    );
    check(
        &group("a"),
        &[],
        &["PV2235 terraform/changed/main.tf:4:1 `azurerm_resource_group.example` (`a`) would be left behind"],
    );
    let broken = merge_findings(&group("a"), &[(code.to_owned(), "resource {".to_owned())]);
    assert_eq!(
        broken.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(),
        ["PV2301"]
    );
}
