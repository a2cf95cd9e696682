#![expect(clippy::needless_pass_by_value, reason = "tables read better with values")]

use serde_json::json;

use super::*;

/// Codes and pointers of the findings, and what is unsupported.
fn check(spec: Value, expected: &[(&str, &str)], unsupported: &str) -> Composition {
    let object = json!({"metadata": {"name": "c"}, "spec": spec});
    let (composition, findings) = Composition::parse(&object);
    let found: Vec<(&str, &str)> = findings
        .iter()
        .map(|it| (it.diagnostic.code.as_str(), it.pointer.as_str()))
        .collect();
    assert_eq!(found, expected, "{object}");
    assert!(
        composition.unsupported.join("; ").contains(unsupported),
        "{:?}",
        composition.unsupported
    );
    composition
}

fn of(mut spec: Value) -> Value {
    spec["compositeTypeRef"] = json!({"apiVersion": "example.com/v1", "kind": "XThing"});
    spec
}

const BASE: &str = r#"{"apiVersion": "v1", "kind": "ConfigMap"}"#;

fn base() -> Value {
    serde_json::from_str(BASE).unwrap()
}

#[test]
fn both_modes_are_read() {
    let resources =
        json!([{"name": "a", "base": base(), "patches": [{"type": "PatchSet", "patchSetName": "p"}]}]);
    let sets = json!([{"name": "p", "patches": [{"fromFieldPath": "spec.x"}]}]);
    let native = check(of(json!({"resources": resources, "patchSets": sets})), &[], "");
    assert_eq!(native.steps[0].templates[0].patches.len(), 1);
    let pipeline = check(
        of(json!({"mode": "Pipeline", "pipeline": [
            {"step": "pt", "functionRef": {"name": "crossplane-contrib-function-patch-and-transform"},
             "input": {"resources": resources, "patchSets": sets}},
            {"step": "ready", "functionRef": {"name": "function-auto-ready"}},
        ]})),
        &[],
        "",
    );
    assert_eq!(pipeline.steps.len(), 1);
    assert_eq!(
        pipeline.steps[0].templates[0].patches[0].place.pointer,
        "/spec/pipeline/0/input/patchSets/0/patches/0"
    );
}

#[test]
fn what_cannot_run_is_said_in_words() {
    check(
        of(json!({"pipeline": [{"step": "go", "functionRef": {"name": "function-go-templating"}}]})),
        &[("PV1321", "/spec/mode")],
        "step `go` needs the function `function-go-templating`, which is not built in",
    );
    check(
        of(json!({"mode": "Magic"})),
        &[("PV1321", "/spec/mode")],
        "mode `Magic` is unknown",
    );
    check(
        json!({"resources": []}),
        &[("PV1320", "/spec/compositeTypeRef")],
        "",
    );
}

#[test]
fn mistakes_name_their_place() {
    let composition = check(
        of(json!({"resources": [
            {"name": "a", "base": {"kind": "X"}, "patches": [{"type": "Nope"}], "readinessChecks": [{}]},
            {"name": "a", "base": {"apiVersion": "v1", "kind": "X", "spec": {"login": "${DB_USER}"}},
             "patches": [{"type": "ToCompositeFieldPath", "fromFieldPath": "status.a", "toFieldPath": "spec.b"}],
             "connectionDetails": [{"name": "u", "type": "FromCombine", "string": {"fmt": "%s"},
                 "variables": [{"fromConnectionSecretKey": "k"}]}, {"name": "x"}]},
            {"base": {"apiVersion": "v1", "kind": "X"}},
        ]})),
        &[
            ("PV1323", "/spec/resources/0/patches/0"),
            ("PV1325", "/spec/resources/0/readinessChecks/0"),
            ("PV1328", "/spec/resources/0/base"),
            ("PV1327", "/spec/resources/1/patches/0"),
            ("PV1326", "/spec/resources/1/connectionDetails/0"),
            ("PV1324", "/spec/resources/1/connectionDetails/1"),
            ("PV1329", "/spec/resources/1/base/spec/login"),
            ("PV1322", "/spec/resources/1/name"),
            ("PV1322", "/spec/resources"),
        ],
        "",
    );
    assert_eq!(composition.steps[0].templates[0].problems.len(), 3);
    assert!(composition.steps[0].templates[1].problems.is_empty());
}

#[test]
fn extra_connection_details_come_from_the_annotation() {
    let text = "- resource: a\n  name: uri\n  type: FromCombine\n  string: {fmt: 'x://%s'}\n  variables:\n  - fromConnectionSecretKey: host\n";
    let object = json!({"metadata": {"name": "c", "annotations": {"pave.dev/connection-details": text}},
        "spec": of(json!({"resources": [{"name": "a", "base": base()}, {"name": "b", "base": base()}]}))});
    let (composition, findings) = Composition::parse(&object);
    assert_eq!(findings, []);
    assert_eq!(
        composition.template("a").unwrap().connection_details[0].name,
        "uri"
    );
    assert!(composition.template("b").unwrap().connection_details.is_empty());
}
