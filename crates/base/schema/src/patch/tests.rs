//! Tables of patches.

use serde_json::{Value, json};

use super::{PatchError, json as json_patch, merge, strategic};
use crate::Schema;

fn schema() -> Schema {
    let by = |key: &str| {
        json!({ "type": "array", "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": key,
        "items": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } })
    };
    let (schema, errors) = Schema::parse(&json!({ "type": "object", "properties": {
        "containers": by("name"),
        "tags": { "type": "array", "x-kubernetes-patch-strategy": "merge", "items": { "type": "string" } },
        "args": { "type": "array", "items": { "type": "string" } },
        "strategy": { "type": "object", "x-kubernetes-patch-strategy": "retainKeys", "x-kubernetes-preserve-unknown-fields": true },
        "fixed": { "type": "object", "x-kubernetes-patch-strategy": "replace", "x-kubernetes-preserve-unknown-fields": true },
        "data": { "type": "object", "additionalProperties": { "type": "string" } },
        "conditions": { "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
            "items": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } }
    } }));
    assert_eq!(errors, []);
    schema
}

fn check(mut target: Value, patch: &Value, expected: &Value) {
    strategic(&schema(), &mut target, patch).unwrap();
    assert_eq!(&target, expected, "{patch}");
}

fn check_refused(patch: &Value, expected: &str) {
    let before = json!({ "containers": [{ "name": "a" }], "data": {} });
    let mut target = before.clone();
    let error = strategic(&schema(), &mut target, patch).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!(target, before);
}

#[test]
fn maps() {
    check(
        json!({ "data": { "a": "1", "b": "2" } }),
        &json!({ "data": { "a": "3", "b": null, "c": "4" } }),
        &json!({ "data": { "a": "3", "c": "4" } }),
    );
    check(
        json!({ "data": { "a": "1" } }),
        &json!({ "data": { "$patch": "replace", "b": "2" } }),
        &json!({ "data": { "b": "2" } }),
    );
    check(
        json!({ "data": { "a": "1" }, "args": [] }),
        &json!({ "data": { "$patch": "delete" } }),
        &json!({ "args": [] }),
    );
    check(
        json!({ "fixed": { "a": 1 } }),
        &json!({ "fixed": { "b": 2 } }),
        &json!({ "fixed": { "b": 2 } }),
    );
    check(
        json!({}),
        &json!({ "data": { "a": "1", "b": null } }),
        &json!({ "data": { "a": "1" } }),
    );
}

#[test]
fn keyed_lists() {
    let target = || json!({ "containers": [{ "name": "a", "image": "1" }, { "name": "b", "image": "2" }] });
    check(
        target(),
        &json!({ "containers": [{ "name": "b", "image": "3" }, { "name": "c" }] }),
        &json!({ "containers": [{ "name": "a", "image": "1" }, { "name": "b", "image": "3" }, { "name": "c" }] }),
    );
    check(
        target(),
        &json!({ "containers": [{ "name": "a", "$patch": "delete" }] }),
        &json!({ "containers": [{ "name": "b", "image": "2" }] }),
    );
    check(
        target(),
        &json!({ "containers": [{ "name": "a", "$patch": "replace", "x": 1 }] }),
        &json!({ "containers": [{ "name": "a", "x": 1 }, { "name": "b", "image": "2" }] }),
    );
    check(
        target(),
        &json!({ "containers": [{ "name": "z" }, { "$patch": "replace" }] }),
        &json!({ "containers": [{ "name": "z" }] }),
    );
    check(
        target(),
        &json!({ "$setElementOrder/containers": [{ "name": "b" }, { "name": "a" }], "containers": [{ "name": "a", "image": "9" }] }),
        &json!({ "containers": [{ "name": "b", "image": "2" }, { "name": "a", "image": "9" }] }),
    );
    check(
        target(),
        &json!({ "$setElementOrder/containers": [{ "name": "b" }, { "name": "a" }] }),
        &json!({ "containers": [{ "name": "b", "image": "2" }, { "name": "a", "image": "1" }] }),
    );
    check(
        json!({ "conditions": [{ "type": "Ready", "status": "False" }] }),
        &json!({ "conditions": [{ "type": "Ready", "status": "True" }, { "type": "Synced" }] }),
        &json!({ "conditions": [{ "type": "Ready", "status": "True" }, { "type": "Synced" }] }),
    );
    check(
        json!({ "metadata": { "ownerReferences": [{ "uid": "1", "name": "a" }], "finalizers": ["x"] } }),
        &json!({ "metadata": { "ownerReferences": [{ "uid": "2", "name": "b" }], "finalizers": ["y"] } }),
        &json!({ "metadata": { "ownerReferences": [{ "uid": "1", "name": "a" }, { "uid": "2", "name": "b" }], "finalizers": ["x", "y"] } }),
    );
}

#[test]
fn primitive_lists() {
    check(
        json!({ "tags": ["a"] }),
        &json!({ "tags": ["b", "a"] }),
        &json!({ "tags": ["a", "b"] }),
    );
    check(
        json!({ "args": ["a"] }),
        &json!({ "args": ["b"] }),
        &json!({ "args": ["b"] }),
    );
    check(
        json!({ "tags": ["a", "b"] }),
        &json!({ "$deleteFromPrimitiveList/tags": ["a"] }),
        &json!({ "tags": ["b"] }),
    );
    check(
        json!({ "tags": ["a", "b"] }),
        &json!({ "$deleteFromPrimitiveList/tags": ["a"], "$setElementOrder/tags": ["c", "b"], "tags": ["c"] }),
        &json!({ "tags": ["c", "b"] }),
    );
    check(json!({ "tags": ["a"] }), &json!({ "tags": null }), &json!({}));
}

#[test]
fn retain_keys() {
    check(
        json!({ "strategy": { "type": "Rolling", "rolling": { "max": 1 } } }),
        &json!({ "strategy": { "$retainKeys": ["type"], "type": "Recreate" } }),
        &json!({ "strategy": { "type": "Recreate" } }),
    );
    check_refused(
        &json!({ "$retainKeys": ["args"], "data": { "a": "b" } }),
        "invalid patch format of retainKeys",
    );
}

#[test]
fn refused_patches() {
    check_refused(
        &json!([]),
        "error decoding patch: a strategic merge patch must be an object",
    );
    check_refused(
        &json!({ "data": { "$patch": "shuffle" } }),
        "unknown patch type found: shuffle",
    );
    check_refused(
        &json!({ "containers": [{ "image": "1" }] }),
        r#"map: {"image":"1"} does not contain declared merge key: name"#,
    );
}

#[test]
fn merge_patch() {
    let mut target = json!({ "a": { "b": 1, "c": 2 }, "l": [1] });
    merge(&mut target, &json!({ "a": { "b": null, "d": 3 }, "l": [2] }));
    assert_eq!(target, json!({ "a": { "c": 2, "d": 3 }, "l": [2] }));
}

#[test]
fn json_patches() {
    let mut target = json!({ "a": [1, 2], "b": 1 });
    json_patch(
        &mut target,
        &json!([{ "op": "add", "path": "/a/-", "value": 3 }, { "op": "remove", "path": "/b" }]),
    )
    .unwrap();
    assert_eq!(target, json!({ "a": [1, 2, 3] }));

    let failing = json!([{ "op": "remove", "path": "/a" }, { "op": "test", "path": "/x", "value": 1 }]);
    let error = json_patch(&mut target, &failing).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server rejected our request due to an error in our request"
    );
    assert!(matches!(error, PatchError::Rejected { operation: 1, .. }));
    assert_eq!(target, json!({ "a": [1, 2, 3] }));

    let many: Vec<Value> = (0..10_001)
        .map(|_| json!({ "op": "test", "path": "", "value": 1 }))
        .collect();
    assert_eq!(
        json_patch(&mut target, &Value::Array(many)),
        Err(PatchError::TooManyOperations(10_001))
    );
    assert!(matches!(
        json_patch(&mut target, &json!({})),
        Err(PatchError::Malformed(_))
    ));
    assert!(matches!(
        json_patch(&mut target, &json!([{ "op": "fly", "path": "" }])),
        Err(PatchError::Malformed(_))
    ));
}
