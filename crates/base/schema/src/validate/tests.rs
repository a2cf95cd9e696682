//! Tables of values and the errors Kubernetes prints for them.

use serde_json::{Value, json};

use crate::Schema;

fn schema(spec: &Value) -> Schema {
    let (schema, errors) = Schema::parse(&json!({ "type": "object", "properties": { "spec": spec } }));
    assert_eq!(errors, []);
    schema
}

fn check(spec_schema: &Value, spec: &Value, expected: &[&str]) {
    check_update(spec_schema, spec, None, expected);
}

fn check_update(spec_schema: &Value, spec: &Value, old: Option<&Value>, expected: &[&str]) {
    let old = old.map(|old| json!({ "spec": old }));
    let errors = schema(spec_schema).validate(&json!({ "spec": spec }), old.as_ref());
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts, expected, "{spec_schema} on {spec}");
}

fn object(properties: &Value) -> Value {
    json!({ "type": "object", "properties": properties })
}

#[test]
fn types() {
    let spec = object(&json!({
        "y": { "type": "integer" }, "s": { "type": "string" }, "b": { "type": "boolean" }, "n": { "type": "number" },
        "l": { "type": "array", "items": { "type": "string" } }, "i": { "x-kubernetes-int-or-string": true },
        "o": { "type": "object", "nullable": true }, "any": { "x-kubernetes-preserve-unknown-fields": true }
    }));
    check(
        &spec,
        &json!({ "y": "x" }),
        &[r#"spec.y: Invalid value: "string": spec.y in body must be of type integer: "string""#],
    );
    check(
        &spec,
        &json!({ "y": 1, "s": "", "b": true, "n": 1, "l": ["a"], "i": 1, "o": null, "any": [{}] }),
        &[],
    );
    check(&spec, &json!({ "y": 1.0, "n": 1.5, "i": "50%" }), &[]);
    check(
        &spec,
        &json!({ "y": 1.5 }),
        &[r#"spec.y: Invalid value: "number": spec.y in body must be of type integer: "number""#],
    );
    check(
        &spec,
        &json!({ "i": true }),
        &[r#"spec.i: Invalid value: "boolean": spec.i in body must be of type integer,string: "boolean""#],
    );
    check(
        &spec,
        &json!({ "l": ["a", 1] }),
        &[r#"spec.l[1]: Invalid value: "integer": spec.l[1] in body must be of type string: "integer""#],
    );
    check(
        &spec,
        &json!({ "s": null }),
        &[r#"spec.s: Invalid value: "null": spec.s in body must be of type string: "null""#],
    );
    check(
        &spec,
        &json!("x"),
        &[r#"spec: Invalid value: "string": spec in body must be of type object: "string""#],
    );
}

#[test]
fn required_and_enumerated() {
    let spec = json!({ "type": "object", "required": ["x"], "properties": {
        "x": { "type": "string" }, "size": { "type": "string", "enum": ["a", "b"] } } });
    check(&spec, &json!({}), &["spec.x: Required value"]);
    check(&spec, &json!({ "x": "" }), &[]);
    check(
        &spec,
        &json!({ "x": "", "size": "x" }),
        &[r#"spec.size: Unsupported value: "x": supported values: "a", "b""#],
    );
}

#[test]
fn strings() {
    let spec = json!({ "type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-z]+$" });
    check(&spec, &json!("ab"), &[]);
    check(
        &spec,
        &json!("abcd"),
        &["spec: Too long: may not be more than 3 bytes"],
    );
    check(
        &spec,
        &json!("a"),
        &[r#"spec: Invalid value: "a": spec in body should be at least 2 chars long"#],
    );
    check(
        &spec,
        &json!("AB"),
        &[r#"spec: Invalid value: "AB": spec in body should match '^[a-z]+$'"#],
    );
    check(
        &json!({ "type": "string", "format": "date-time" }),
        &json!("now"),
        &[r#"spec: Invalid value: "now": spec in body must be of type date-time: "now""#],
    );
}

#[test]
fn numbers() {
    let spec = json!({ "type": "integer", "minimum": 1, "maximum": 5 });
    check(
        &spec,
        &json!(0),
        &["spec: Invalid value: 0: spec in body should be greater than or equal to 1"],
    );
    check(
        &spec,
        &json!(6),
        &["spec: Invalid value: 6: spec in body should be less than or equal to 5"],
    );
    check(&spec, &json!(5), &[]);
    let exclusive = json!({ "type": "number", "minimum": 1, "exclusiveMinimum": true, "maximum": 2, "exclusiveMaximum": true });
    check(
        &exclusive,
        &json!(1),
        &["spec: Invalid value: 1: spec in body should be greater than 1"],
    );
    check(
        &exclusive,
        &json!(2),
        &["spec: Invalid value: 2: spec in body should be less than 2"],
    );
    check(
        &json!({ "type": "integer", "multipleOf": 5 }),
        &json!(7),
        &["spec: Invalid value: 7: spec in body should be a multiple of 5"],
    );
    check(&json!({ "type": "number", "multipleOf": 0.1 }), &json!(0.3), &[]);
    check(
        &json!({ "type": "integer", "format": "int32" }),
        &json!(3_000_000_000_i64),
        &[
            "spec: Invalid value: 3000000000: spec in body must be of type integer with format int32: 3000000000",
        ],
    );
}

#[test]
fn collections() {
    let list = json!({ "type": "array", "minItems": 1, "maxItems": 2, "items": { "type": "integer" } });
    check(
        &list,
        &json!([]),
        &["spec: Invalid value: 0: spec in body should have at least 1 items"],
    );
    check(
        &list,
        &json!([1, 2, 3]),
        &["spec: Too many: 3: must have at most 2 items"],
    );
    let map = json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": { "type": "string" } });
    check(
        &map,
        &json!({}),
        &["spec: Invalid value: 0: spec in body should have at least 1 properties"],
    );
    check(
        &map,
        &json!({ "a": "", "b": "" }),
        &["spec: Too many: 2: must have at most 1 item"],
    );
    check(
        &map,
        &json!({ "a": 1 }),
        &[r#"spec.a: Invalid value: "integer": spec.a in body must be of type string: "integer""#],
    );
}

#[test]
fn duplicates() {
    let set = json!({ "type": "array", "x-kubernetes-list-type": "set", "items": { "type": "string" } });
    check(
        &set,
        &json!(["a", "b", "a"]),
        &[r#"spec[2]: Duplicate value: "a""#],
    );
    let map = json!({ "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        "items": { "type": "object", "properties": { "name": { "type": "string" }, "x": { "type": "integer" } } } });
    check(
        &map,
        &json!([{ "name": "a" }, { "name": "a", "x": 1 }]),
        &[r#"spec[1]: Duplicate value: {"name":"a"}"#],
    );
    check(&map, &json!([{ "name": "a" }, { "name": "b" }]), &[]);
    check_update(&set, &json!(["a", "a", "b"]), Some(&json!(["a", "a"])), &[]);
    check_update(
        &set,
        &json!(["a", "a"]),
        Some(&json!(["a"])),
        &[r#"spec[1]: Duplicate value: "a""#],
    );
}

#[test]
fn junctors() {
    let spec = json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "string" } },
        "oneOf": [{ "required": ["a"] }, { "required": ["b"] }] });
    check(&spec, &json!({ "a": "" }), &[]);
    check(
        &spec,
        &json!({ "a": "", "b": "" }),
        &[
            r#"spec: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives"#,
        ],
    );
    check(
        &spec,
        &json!({}),
        &[
            r#"spec: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid"#,
            "spec.a: Required value",
        ],
    );
    check(
        &json!({ "type": "integer", "anyOf": [{ "maximum": 1 }, { "minimum": 5 }] }),
        &json!(3),
        &[
            r#"spec: Invalid value: "": "spec" must validate at least one schema (anyOf)"#,
            "spec: Invalid value: 3: spec in body should be less than or equal to 1",
        ],
    );
    check(
        &json!({ "type": "integer", "allOf": [{ "minimum": 1 }, { "maximum": 2 }] }),
        &json!(3),
        &["spec: Invalid value: 3: spec in body should be less than or equal to 2"],
    );
    check(
        &json!({ "type": "string", "not": { "enum": ["root", "admin"] } }),
        &json!("root"),
        &[
            r#"spec: Invalid value: "": "spec" must not validate the schema (not): "root" is not allowed, nor is any other of "root", "admin""#,
        ],
    );
    check(
        &json!({ "type": "string", "not": { "pattern": "^pg_" } }),
        &json!("pg_root"),
        &[
            r#"spec: Invalid value: "": "spec" must not validate the schema (not): "pg_root" matches '^pg_', which is not allowed"#,
        ],
    );
}

#[test]
fn unchanged_values_are_tolerated() {
    let spec = object(&json!({
        "a": { "type": "string", "maxLength": 1 }, "b": { "type": "string" },
        "map": { "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": { "type": "object", "properties": { "name": { "type": "string" }, "v": { "type": "string", "maxLength": 1 },
                "w": { "type": "string" } } } },
        "atomic": { "type": "array", "items": { "type": "string", "maxLength": 1 } }
    }));
    check_update(
        &spec,
        &json!({ "a": "long", "b": "new" }),
        Some(&json!({ "a": "long" })),
        &[],
    );
    check_update(
        &spec,
        &json!({ "a": "longer" }),
        Some(&json!({ "a": "long" })),
        &["spec.a: Too long: may not be more than 1 bytes"],
    );
    check_update(
        &spec,
        &json!({ "map": [{ "name": "y" }, { "name": "x", "v": "long", "w": "new" }] }),
        Some(&json!({ "map": [{ "name": "x", "v": "long" }] })),
        &[],
    );
    check_update(
        &spec,
        &json!({ "atomic": ["long", "b"] }),
        Some(&json!({ "atomic": ["long"] })),
        &["spec.atomic[0]: Too long: may not be more than 1 bytes"],
    );
}

#[test]
fn embedded_resources_and_metadata() {
    let spec = json!({ "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true });
    check(
        &spec,
        &json!({ "kind": "" , "metadata": { "labels": { "a": 1 } } }),
        &[
            "spec.apiVersion: Required value: must not be empty",
            "spec.kind: Required value: must not be empty",
            r#"spec.metadata.labels.a: Invalid value: "integer": spec.metadata.labels.a in body must be of type string: "integer""#,
        ],
    );
}

#[test]
fn metadata_restrictions_of_the_schema_hold() {
    let (schema, _) = Schema::parse(&json!({ "type": "object", "properties": { "metadata": {
        "type": "object", "properties": { "name": { "type": "string", "maxLength": 2 } } } } }));
    let errors = schema.validate(&json!({ "metadata": { "name": "abc", "labels": {} } }), None);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].path, "metadata.name");
}

#[test]
fn parsing_reports_and_survives() {
    let cases = [
        (json!({ "type": "thing" }), "type"),
        (json!({ "type": "string", "pattern": "(" }), "pattern"),
        (json!({ "$ref": "#/definitions/absent" }), ""),
        (json!(3), ""),
    ];
    for (document, path) in cases {
        let (schema, errors) = Schema::parse_fragment(&document);
        assert_eq!(errors.len(), 1, "{document}");
        assert_eq!(errors[0].path, path);
        assert_eq!(schema.validate(&json!("x"), None), []);
    }
}

#[test]
fn references_are_followed_once() {
    let (schema, errors) = Schema::parse_fragment(&json!({
        "$ref": "#/definitions/tree",
        "definitions": { "tree": { "type": "object", "properties": {
            "name": { "type": "string" }, "child": { "$ref": "#/definitions/tree" },
            "leaf": { "allOf": [{ "$ref": "#/definitions/leaf" }], "description": "own words", "default": {} } } },
            "leaf": { "type": "object", "description": "a leaf", "properties": { "size": { "type": "integer" } } } }
    }));
    assert_eq!(errors, []);
    assert_eq!(schema.property_names(), ["child", "leaf", "name"]);
    assert_eq!(
        schema.property(&["leaf"]).unwrap().description(),
        Some("own words")
    );
    assert_eq!(schema.property(&["leaf", "size"]).unwrap().type_name(), "integer");
    assert!(schema.property(&["leaf", "nothing"]).is_none());
    assert_eq!(
        schema.property(&["child", "whatever"]).unwrap().type_name(),
        "any"
    );
}
