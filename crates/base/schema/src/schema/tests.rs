//! Asking a schema about itself.

use serde_json::{Value, json};

use crate::{ListKind, Schema};

fn schema() -> Schema {
    let (schema, errors) = Schema::parse(&json!({
        "type": "object", "description": "A team's environment.",
        "properties": { "spec": { "type": "object", "required": ["dbName"], "properties": {
            "dbName": { "type": "string", "description": "Name of the database." },
            "tier": { "type": "string", "enum": ["small", "large"], "default": "small" },
            "users": { "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } } },
            "tags": { "type": "object", "additionalProperties": { "type": "string" } },
            "port": { "x-kubernetes-int-or-string": true },
            "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true }
        } } }
    }));
    assert_eq!(errors, []);
    schema
}

fn check(path: &[&str], type_name: Option<&str>) {
    assert_eq!(
        schema().property(path).map(|found| found.type_name()),
        type_name,
        "{path:?}"
    );
}

#[test]
fn paths_lead_to_schemas() {
    check(&[], Some("object"));
    check(&["spec", "dbName"], Some("string"));
    check(&["spec", "params"], None);
    check(&["spec", "users"], Some("array"));
    check(&["spec", "users", "0"], Some("object"));
    check(&["spec", "users", "0", "name"], Some("string"));
    check(&["spec", "users", "name"], Some("string"));
    check(&["spec", "tags", "anything"], Some("string"));
    check(&["spec", "port"], Some("int-or-string"));
    check(&["spec", "free", "a", "b"], Some("any"));
    check(&["metadata", "labels", "app"], Some("string"));
    check(&["metadata", "ownerReferences", "uid"], Some("string"));
    check(&["apiVersion"], Some("string"));
}

#[test]
fn a_schema_describes_itself() {
    let schema = schema();
    assert_eq!(schema.description(), Some("A team's environment."));
    assert_eq!(
        schema.property_names(),
        ["apiVersion", "kind", "metadata", "spec"]
    );
    let spec = schema.property(&["spec"]).unwrap();
    assert_eq!(
        spec.property_names(),
        ["dbName", "free", "port", "tags", "tier", "users"]
    );
    assert_eq!(spec.required_names(), ["dbName"]);
    let tier = spec.property(&["tier"]).unwrap();
    assert_eq!(tier.enum_values(), [json!("small"), json!("large")]);
    assert_eq!(tier.default_value(), Some(&json!("small")));
    let users = spec.property(&["users"]).unwrap();
    assert_eq!(users.list_kind(), &ListKind::Map(vec!["name".to_owned()]));
    assert_eq!(users.property_names(), ["name"]);
    assert_eq!(
        tier.to_openapi(),
        json!({ "type": "string", "enum": ["small", "large"], "default": "small" })
    );
    assert!(spec.property(&["free"]).unwrap().preserves_unknown_fields());
}

#[test]
fn documents_come_back() {
    let document = json!({ "type": "object", "required": ["z"], "properties": {
        "z": { "type": "array", "items": { "type": "object", "properties": { "x": { "type": "string" } } } },
        "a": { "type": "object", "additionalProperties": { "type": "integer" } },
        "r": { "$ref": "#/$defs/leaf" } }, "$defs": { "leaf": { "type": "string", "maxLength": 3 } } });
    let mut expected = document.clone();
    expected["properties"]["r"] = json!({ "type": "string", "maxLength": 3 });
    expected.as_object_mut().unwrap().shift_remove("$defs");
    let (schema, _) = Schema::parse_fragment(&document);
    assert_eq!(schema.to_openapi().to_string(), expected.to_string());
    let (schema, _) = Schema::parse(&document);
    assert_eq!(schema.to_openapi(), expected);
}

#[test]
fn the_schema_of_anything_accepts_everything() {
    let any = Schema::any();
    for value in [
        json!(null),
        json!({ "a": [1, { "b": null }] }),
        json!("x"),
        json!(1.5),
    ] {
        let mut copy = value.clone();
        assert_eq!(any.prune(&mut copy), [""; 0]);
        any.default(&mut copy);
        assert_eq!(copy, value);
        assert_eq!(any.validate(&value, None), []);
    }
}

#[test]
fn schemas_are_shared_between_threads() {
    fn is_shared<T: Clone + Send + Sync>(_: &T) {}
    is_shared(&schema());
}

#[test]
fn odd_documents_are_survived() {
    let odd: [Value; 8] = [
        json!(null),
        json!([]),
        json!({ "properties": [] }),
        json!({ "type": 3, "items": [{}], "required": "x", "enum": 1 }),
        json!({ "type": ["string", "null"], "minimum": "x", "allOf": {}, "not": 3 }),
        json!({ "x-kubernetes-validations": [1, {}, { "rule": 3 }] }),
        json!({ "$ref": 3 }),
        json!({ "$ref": "#" }),
    ];
    for document in odd {
        let (schema, _) = Schema::parse(&document);
        let mut value = json!({ "metadata": { "name": "x" }, "spec": [1, null] });
        schema.prune(&mut value);
        schema.default(&mut value);
        let _errors = schema.validate(&value, None);
        let _errors = crate::structural::check(&document);
    }
}
