//! What will come of the demo's claim.

mod support;

use pave_road::{Definitions, PlannedFile, preview};
use pave_template::provenance::{Piece, SourceRef};
use serde_json::Value;
use support::folder;

const CLAIM: &str = "apiVersion: platform.example.com/v1alpha1
kind: TeamEnvironmentClaim
metadata:
  name: orders
  namespace: team-a
spec:
  compositionSelector:
    matchLabels:
      env: azure-dev
  dbName: orders
  dbUser: appuser
  writeConnectionSecretToRef:
    name: orders-connection
";

fn definitions() -> Definitions {
    let mut definitions = Definitions::default();
    for (path, text) in folder("../../examples/team-environment/platform-configs") {
        for document in pave_yaml::parse(&path, &text, pave_yaml::Dialect::Kubernetes).0 {
            let value = document.to_value();
            match value["kind"].as_str() {
                Some("CompositeResourceDefinition") => definitions.definitions.push(value),
                Some("Composition") => definitions.compositions.push(value),
                Some("ProviderConfig") => definitions.provider_configs.push(value),
                _ => {}
            }
        }
    }
    definitions
}

fn planned(content: &str) -> PlannedFile {
    let pieces = [
        ("orders", "parameters.envName"),
        ("appuser", "parameters.dbUser"),
        ("team-a", "parameters.team"),
    ];
    let pieces = pieces.iter().flat_map(|(word, source)| {
        content.match_indices(word).map(|(start, _)| Piece {
            start,
            end: start + word.len(),
            source: SourceRef::new(source),
        })
    });
    PlannedFile {
        path: "environments/team-a/orders.yaml".into(),
        content: content.to_owned(),
        pieces: pieces.collect(),
    }
}

#[test]
fn the_demo_claim_becomes_a_database() {
    let found = preview(&[planned(CLAIM)], &definitions());
    assert_eq!(found.diagnostics, []);
    insta::assert_json_snapshot!(found.resources);
}

#[test]
fn findings_are_about_planned_files_and_point_at_the_cluster() {
    let check = |from: &str, to: &str, code: &str, line: usize, who: &str| {
        let found = preview(&[planned(&CLAIM.replace(from, to))], &definitions());
        let finding = found.diagnostics.iter().find(|it| it.code == code);
        let finding = finding.unwrap_or_else(|| panic!("{code}: {:?}", found.diagnostics));
        assert_eq!(finding.labels[0].location.span.start.line, line, "{finding:?}");
        assert!(
            finding
                .labels
                .iter()
                .any(|label| label.location.file.starts_with(who)),
            "{finding:?}"
        );
    };
    check(
        "  dbUser: appuser\n",
        "  dbUsr: appuser\n",
        "PV2104",
        11,
        "cluster:compositeresourcedefinition/",
    );
    check(
        "dbUser: appuser",
        "dbUser: admin",
        "PV2106",
        11,
        "cluster:compositeresourcedefinition/",
    );
    check(
        "env: azure-dev",
        "env: azure-prod",
        "PV2115",
        9,
        "cluster:composition/",
    );
    check(
        "dbName: orders",
        "dbName: Orders",
        "PV2106",
        10,
        "cluster:compositeresourcedefinition/",
    );
    let long = format!("dbName: {}", "o".repeat(60));
    check("dbName: orders", &long, "PV1401", 10, "cluster:composition/");
}

#[test]
fn what_cannot_be_composed_is_still_shown() {
    let found = preview(&[planned(&CLAIM.replace("azure-dev", "gcp"))], &definitions());
    let kinds: Vec<&str> = found.resources.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, ["TeamEnvironmentClaim", "TeamEnvironment", "Secret"]);
    assert!(
        found.resources[1].summary.contains("no compatible Compositions"),
        "{:?}",
        found.resources[1]
    );
    let none: Value = serde_json::to_value(preview(&[], &definitions())).unwrap();
    assert_eq!(none, serde_json::json!({ "resources": [], "diagnostics": [] }));
}
