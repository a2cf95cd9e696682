use super::*;

fn definition() -> Definition {
    let object = json!({"apiVersion": "apiextensions.crossplane.io/v1", "metadata": {"name": "things.example.com"}, "spec": {
        "group": "example.com", "names": {"kind": "Thing", "plural": "things"},
        "claimNames": {"kind": "ThingClaim", "plural": "thingclaims"},
        "versions": [{"name": "v1", "served": true, "referenceable": true, "schema": {"openAPIV3Schema": {}}}]}});
    Definition::parse(&object).0.unwrap()
}

fn claim() -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "ThingClaim",
        "metadata": {"name": "dev", "namespace": "team-a", "uid": "u1",
            "labels": {"env": "dev", "app.kubernetes.io/name": "x"},
            "annotations": {"pave.dev/road": "r", "kubectl.kubernetes.io/last-applied-configuration": "{}"}},
        "spec": {"dbName": "orders", "compositionSelector": {"matchLabels": {"env": "dev"}},
            "compositionRevisionRef": {"name": "c-1"}, "writeConnectionSecretToRef": {"name": "s"},
            "resourceRef": {"name": "dev-abc"}}})
}

#[test]
fn a_claim_passes_on_what_is_its_authors() {
    insta::assert_json_snapshot!(
        "desired_composite",
        desired_composite(&claim(), &definition(), "dev-abc")
    );
    let mut manual = claim();
    manual["spec"]["compositionUpdatePolicy"] = json!("Manual");
    let composite = desired_composite(&manual, &definition(), "dev-abc");
    assert_eq!(composite["spec"]["compositionRevisionRef"]["name"], "c-1");
}

#[test]
fn names_follow_from_the_claim() {
    let name = propose_name(&claim(), 0);
    assert!(name.starts_with("dev-") && name.len() == 9, "{name}");
    assert_eq!(name, propose_name(&claim(), 0));
    assert_ne!(name, propose_name(&claim(), 1));
    let mut long = claim();
    long["metadata"]["name"] = json!("x".repeat(100));
    assert_eq!(propose_name(&long, 0).len(), 63);
}

#[test]
fn a_composite_of_another_claim_is_refused() {
    let check = |reference: Value, refused: bool| {
        let composite = json!({"metadata": {"name": "x"}, "spec": {"claimRef": reference}});
        assert_eq!(
            bound_elsewhere(&claim(), &composite).is_some(),
            refused,
            "{composite}"
        );
    };
    check(Value::Null, false);
    check(
        json!({"kind": "ThingClaim", "name": "dev", "namespace": "team-a"}),
        false,
    );
    check(
        json!({"kind": "ThingClaim", "name": "dev", "namespace": "team-b"}),
        true,
    );
}

#[test]
fn the_claim_takes_over_what_was_decided() {
    let check = |spec: Value, expected: Option<Value>| {
        let composite = json!({"metadata": {}, "spec": spec});
        assert_eq!(
            late_initialize(&claim(), &composite, &definition()),
            expected,
            "{composite}"
        );
    };
    check(json!({}), None);
    check(
        json!({"compositionRef": {"name": "c"}}),
        Some(json!({"spec": {"compositionRef": {"name": "c"}}})),
    );
    check(
        json!({"compositionRevisionRef": {"name": "c-2"}}),
        Some(json!({"spec": {"compositionRevisionRef": {"name": "c-2"}}})),
    );
    check(
        json!({"compositionRevisionRef": {"name": "c-1"}, "dbName": "other"}),
        None,
    );
    let composite = json!({"metadata": {"annotations": {"crossplane.io/external-name": "e"}}});
    let patch = late_initialize(&claim(), &composite, &definition());
    assert_eq!(
        patch,
        Some(json!({"metadata": {"annotations": {"crossplane.io/external-name": "e"}}}))
    );
}

#[test]
fn status_is_copied_without_conditions() {
    let composite = json!({"status": {"fqdn": "x", "conditions": [{"type": "Ready"}, {"type": "Backup"}],
        "claimConditionTypes": ["Backup"], "connectionDetails": {}}});
    let (fields, conditions) = status(&composite);
    assert_eq!(Value::Object(fields), json!({"fqdn": "x"}));
    assert_eq!(conditions, [json!({"type": "Backup"})]);
}
