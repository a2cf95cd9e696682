use serde_json::json;

use super::*;

fn team_environment() -> Value {
    json!({
        "apiVersion": "apiextensions.crossplane.io/v1",
        "kind": "CompositeResourceDefinition",
        "metadata": {"name": "teamenvironments.platform.example.com", "uid": "xrd-uid", "labels": {"team": "platform"}},
        "spec": {
            "group": "platform.example.com",
            "names": {"kind": "TeamEnvironment", "plural": "teamenvironments"},
            "claimNames": {"kind": "TeamEnvironmentClaim", "plural": "teamenvironmentclaims", "shortNames": ["te"]},
            "metadata": {"labels": {"extra": "yes"}, "annotations": {"note": "n"}},
            "connectionSecretKeys": ["endpoint"],
            "versions": [{
                "name": "v1alpha1", "served": true, "referenceable": true,
                "additionalPrinterColumns": [{"name": "DB", "type": "string", "jsonPath": ".spec.dbName"}],
                "schema": {"openAPIV3Schema": {"type": "object", "description": "An environment.", "properties": {
                    "spec": {"type": "object", "required": ["dbName"], "properties": {
                        "dbName": {"type": "string", "maxLength": 63},
                        "compositionRef": {"type": "string"},
                    }},
                    "status": {"type": "object", "properties": {"fqdn": {"type": "string"}}},
                }}},
            }],
        },
    })
}

fn modern(scope: &str) -> Value {
    let mut xrd = team_environment();
    xrd["apiVersion"] = json!("apiextensions.crossplane.io/v2");
    xrd["spec"]["scope"] = json!(scope);
    let spec = xrd["spec"].as_object_mut().unwrap();
    spec.remove("claimNames");
    spec.remove("connectionSecretKeys");
    xrd
}

#[test]
fn crds_are_generated_as_upstream_does() {
    let (definition, findings) = Definition::parse(&team_environment());
    assert_eq!(findings, []);
    let definition = definition.unwrap();
    assert_eq!(definition.layout(), Layout::Legacy);
    insta::assert_json_snapshot!("legacy_composite", definition.composite_crd());
    insta::assert_json_snapshot!("claim", definition.claim_crd().unwrap());
    let modern = Definition::parse(&modern("Namespaced")).0.unwrap();
    assert_eq!((modern.layout(), modern.claim_crd()), (Layout::Modern, None));
    insta::assert_json_snapshot!("namespaced_composite", modern.composite_crd());
}

#[test]
fn scopes_default_by_version() {
    let check = |version: &str, scope: Option<&str>, expected: Scope| {
        let mut xrd = team_environment();
        xrd["apiVersion"] = json!(format!("apiextensions.crossplane.io/{version}"));
        if let Some(scope) = scope {
            xrd["spec"]["scope"] = json!(scope);
        }
        assert_eq!(
            Definition::parse(&xrd).0.unwrap().scope,
            expected,
            "{version} {scope:?}"
        );
    };
    check("v1", None, Scope::LegacyCluster);
    check("v2", None, Scope::Namespaced);
    check("v2", Some("LegacyCluster"), Scope::LegacyCluster);
    check("v1", Some("Cluster"), Scope::Cluster);
}

#[test]
fn mistakes_are_found() {
    let check = |change: fn(&mut Value), expected: &[(&str, &str)]| {
        let mut xrd = team_environment();
        change(&mut xrd);
        let (_, findings) = Definition::parse(&xrd);
        let found: Vec<(&str, &str)> = findings
            .iter()
            .map(|it| (it.diagnostic.code.as_str(), it.pointer.as_str()))
            .collect();
        assert_eq!(found, expected, "{xrd}");
    };
    check(
        |xrd| xrd["metadata"]["name"] = json!("x"),
        &[("PV1302", "/metadata/name")],
    );
    check(
        |xrd| xrd["spec"]["claimNames"]["kind"] = json!("TeamEnvironment"),
        &[("PV1304", "/spec/claimNames/kind")],
    );
    check(
        |xrd| xrd["spec"]["claimNames"]["plural"] = json!("Claims"),
        &[("PV1303", "/spec/claimNames/plural")],
    );
    check(
        |xrd| xrd["apiVersion"] = json!("crossplane.io/v1"),
        &[("PV1305", "/apiVersion")],
    );
    check(
        |xrd| xrd["spec"]["scope"] = json!("Namespace"),
        &[
            ("PV1306", "/spec/scope"),
            ("PV1307", "/spec/scope"),
            ("PV1307", "/spec/connectionSecretKeys"),
        ],
    );
    check(
        |xrd| xrd["spec"]["scope"] = json!("Namespaced"),
        &[
            ("PV1307", "/spec/scope"),
            ("PV1307", "/spec/connectionSecretKeys"),
        ],
    );
    check(
        |xrd| xrd["spec"]["versions"][0]["referenceable"] = json!(false),
        &[("PV1308", "/spec/versions")],
    );
    check(
        |xrd| xrd["spec"]["versions"][0]["storage"] = json!(true),
        &[("PV1310", "/spec/versions/0/storage")],
    );
    check(
        |xrd| xrd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["data"] = json!({}),
        &[(
            "PV1311",
            "/spec/versions/0/schema/openAPIV3Schema/properties/data",
        )],
    );
    check(
        |xrd| {
            let spec = &mut xrd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
            spec["anyOf"] = json!([]);
            spec.as_object_mut().unwrap().remove("required");
        },
        &[
            (
                "PV1311",
                "/spec/versions/0/schema/openAPIV3Schema/properties/spec/anyOf",
            ),
            (
                "PV1312",
                "/spec/versions/0/schema/openAPIV3Schema/properties/spec",
            ),
        ],
    );
    check(
        |xrd| xrd["spec"]["versions"] = json!([]),
        &[("PV1301", "/spec/versions")],
    );
}
