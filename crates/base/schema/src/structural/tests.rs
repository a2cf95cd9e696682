//! Tables of schemas and what makes them not structural.

use serde_json::{Value, json};

use super::{check, check_at};

fn check_spec(spec: &Value, expected: &[&str]) {
    let errors = check(&json!({ "type": "object", "properties": { "spec": spec } }));
    let texts: Vec<String> = errors
        .iter()
        .map(|error| error.to_string().replace("properties[spec].", ""))
        .collect();
    assert_eq!(texts, expected, "{spec}");
}

fn check_paths(spec: &Value, expected: &[&str]) {
    let errors = check(&json!({ "type": "object", "properties": { "spec": spec } }));
    let paths: Vec<String> = errors
        .iter()
        .map(|error| error.path.replace("properties[spec].", ""))
        .collect();
    assert_eq!(paths, expected, "{spec}: {errors:?}");
}

#[test]
fn sound_schemas_pass() {
    check_spec(
        &json!({ "type": "object", "properties": {
        "port": { "x-kubernetes-int-or-string": true, "anyOf": [{ "type": "integer" }, { "type": "string" }] },
        "free": { "x-kubernetes-preserve-unknown-fields": true },
        "map": { "type": "object", "additionalProperties": { "type": "string" } },
        "list": { "type": "array", "items": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } },
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] },
        "a": { "type": "string" }, "b": { "type": "string", "default": "x", "enum": ["x", "y"] }
    }, "oneOf": [{ "required": ["a"] }, { "properties": { "b": { "enum": ["y"] } } }] }),
        &[],
    );
}

#[test]
fn types_are_required() {
    assert_eq!(
        check(&json!({}))[0].to_string(),
        "type: Required value: must not be empty at the root"
    );
    check_spec(
        &json!({}),
        &["type: Required value: must not be empty for specified object fields"],
    );
    check_spec(
        &json!({ "type": "array", "items": {} }),
        &["items.type: Required value: must not be empty for specified array items"],
    );
    check_paths(
        &json!({ "type": "object", "additionalProperties": {} }),
        &["additionalProperties.type"],
    );
    assert_eq!(
        check_at(
            "spec.versions[0].schema.openAPIV3Schema",
            &json!({ "type": "object", "properties": { "x": {} } })
        )[0]
        .path,
        "spec.versions[0].schema.openAPIV3Schema.properties[x].type"
    );
}

#[test]
fn forbidden_keywords() {
    check_paths(
        &json!({ "type": "object", "$ref": "#/x" }),
        &["$ref", "properties[spec]"],
    );
    check_paths(
        &json!({ "type": "array", "uniqueItems": true, "items": { "type": "string" } }),
        &["uniqueItems"],
    );
    check_paths(
        &json!({ "type": "object", "additionalProperties": false }),
        &["additionalProperties"],
    );
    check_paths(
        &json!({ "type": "object", "properties": { "a": { "type": "string" } }, "additionalProperties": { "type": "string" } }),
        &["additionalProperties"],
    );
    check_paths(
        &json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": false }),
        &["x-kubernetes-preserve-unknown-fields"],
    );
    check_paths(&json!({ "type": "object", "definitions": {} }), &["definitions"]);
    check_paths(
        &json!({ "type": "string", "x-kubernetes-int-or-string": true }),
        &["type"],
    );
    check_paths(
        &json!({ "type": "string", "x-kubernetes-embedded-resource": true }),
        &["type", "properties"],
    );
    check_paths(&json!({ "type": "string", "pattern": "(" }), &["pattern"]);
}

#[test]
fn junctors_only_narrow() {
    let with = |branch: Value| json!({ "type": "object", "properties": { "a": { "type": "string" } }, "anyOf": [branch] });
    check_paths(&with(json!({ "type": "object" })), &["anyOf[0].type"]);
    check_paths(
        &with(json!({ "properties": { "a": { "default": "x" } } })),
        &["anyOf[0].properties[a].default"],
    );
    check_paths(
        &with(json!({ "properties": { "b": { "enum": ["x"] } } })),
        &["anyOf[0].properties[b]"],
    );
    check_paths(
        &with(json!({ "not": { "nullable": true } })),
        &["anyOf[0].not.nullable"],
    );
    check_paths(
        &with(json!({ "additionalProperties": { "maxLength": 1 } })),
        &["anyOf[0].additionalProperties"],
    );
}

#[test]
fn metadata_is_implied() {
    let errors = check(
        &json!({ "type": "object", "properties": { "metadata": { "type": "object",
        "properties": { "name": { "type": "string", "maxLength": 5 }, "labels": { "type": "object" } } } } }),
    );
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].path, "properties[metadata].properties[labels]");
}

#[test]
fn list_types() {
    let list = |items: Value, keys: Value| json!({ "type": "array", "items": items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys });
    let item = json!({ "type": "object", "properties": { "name": { "type": "string" }, "o": { "type": "object" } }, "required": ["name", "o"] });
    check_paths(&list(item.clone(), json!(["name"])), &[]);
    check_paths(&list(item.clone(), json!([])), &["x-kubernetes-list-map-keys"]);
    check_paths(
        &list(item.clone(), json!(["other"])),
        &["x-kubernetes-list-map-keys[0]"],
    );
    check_paths(
        &list(item.clone(), json!(["o"])),
        &["x-kubernetes-list-map-keys[0]"],
    );
    check_paths(
        &list(item, json!(["name", "name"])),
        &["x-kubernetes-list-map-keys[1]"],
    );
    check_paths(
        &list(json!({ "type": "string" }), json!(["name"])),
        &["items.type"],
    );
    check_paths(
        &list(
            json!({ "type": "object", "properties": { "name": { "type": "string" } } }),
            json!(["name"]),
        ),
        &["items.properties[name].default"],
    );
    check_paths(
        &json!({ "type": "string", "x-kubernetes-list-type": "set" }),
        &["type"],
    );
    check_paths(
        &json!({ "type": "array", "items": { "type": "string" }, "x-kubernetes-list-type": "bag" }),
        &["x-kubernetes-list-type"],
    );
    check_paths(
        &json!({ "type": "array", "items": { "type": "object" }, "x-kubernetes-list-type": "set" }),
        &["items.x-kubernetes-map-type"],
    );
}

#[test]
fn defaults_must_be_valid() {
    check_spec(
        &json!({ "type": "integer", "default": "x" }),
        &[r#"default: Invalid value: "string":  in body must be of type integer: "string""#],
    );
    check_paths(
        &json!({ "type": "object", "default": { "a": 1 } }),
        &["default.a"],
    );
    check_paths(
        &json!({ "type": "object", "default": {}, "required": ["a"], "properties": { "a": { "type": "string", "default": "b" } } }),
        &[],
    );
}
