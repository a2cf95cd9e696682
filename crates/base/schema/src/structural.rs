//! The rules that the schema of a custom resource must keep to be accepted.
//!
//! A structural schema says the type of every field in its spine; logical junctors only narrow values. Paths are
//! those of Kubernetes: `properties[spec].items.type`.

mod junctor;
mod lists;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::cel;
use crate::error::FieldError;
use crate::schema::Schema;
use crate::trail::Trail;

/// Checks `openapi`, the `openAPIV3Schema` of one version; paths start at the schema.
#[must_use]
pub fn check(openapi: &Value) -> Vec<FieldError> {
    check_at("", openapi)
}

/// Checks `openapi` with paths below `path`, such as `spec.versions[0].schema.openAPIV3Schema`.
#[must_use]
pub fn check_at(path: &str, openapi: &Value) -> Vec<FieldError> {
    let trail = Trail::root(path);
    let mut errors = Vec::new();
    match openapi.as_object() {
        Some(fields) => {
            root(fields, &trail, &mut errors);
            spine(fields, &trail, Place::Root, &mut errors);
        }
        None => errors.push(FieldError::required(trail.to_string(), "schemas are required")),
    }
    let (schema, unreadable) = Schema::parse_at(path, openapi);
    errors.extend(unreadable);
    if errors.is_empty() {
        defaults(openapi, &schema, &trail, &mut errors);
        cel::check_rules(&schema, &trail, &mut errors);
    }
    errors
}

/// Where a node stands, which decides how its missing type is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Field,
    Items,
    Additional,
}

impl Place {
    fn missing_type(self) -> &'static str {
        match self {
            Self::Root => "must not be empty at the root",
            Self::Field => "must not be empty for specified object fields",
            Self::Items => "must not be empty for specified array items",
            Self::Additional => "must not be empty for specified map values",
        }
    }
}

fn flag(fields: &Map<String, Value>, name: &str) -> bool {
    fields.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn kind(fields: &Map<String, Value>) -> &str {
    fields.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn root(fields: &Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    if !matches!(kind(fields), "" | "object") {
        errors.push(FieldError::invalid(
            trail.field("type").to_string(),
            kind(fields),
            "must be object at the root",
        ));
    }
    if flag(fields, "nullable") {
        errors.push(FieldError::forbidden(
            trail.field("nullable").to_string(),
            "nullable cannot be true at the root",
        ));
    }
    let properties = trail.field("properties");
    let metadata = fields
        .get("properties")
        .and_then(|properties| properties.get("metadata"))
        .and_then(Value::as_object);
    if let Some(metadata) = metadata {
        metadata_restrictions(metadata, &properties.key("metadata"), errors);
    }
}

/// A schema may restrict the name of its objects, and nothing else of their metadata.
fn metadata_restrictions(metadata: &Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    if !matches!(kind(metadata), "" | "object") {
        errors.push(FieldError::invalid(
            trail.field("type").to_string(),
            kind(metadata),
            "must be object",
        ));
    }
    let allowed = ["type", "description", "properties", "title", "example"];
    let names = metadata.keys().filter(|name| !allowed.contains(&name.as_str()));
    for name in names {
        errors.push(FieldError::forbidden(
            trail.field(name).to_string(),
            "must not be set for metadata",
        ));
    }
    let properties = metadata.get("properties").and_then(Value::as_object);
    for name in properties.into_iter().flat_map(Map::keys) {
        if !matches!(name.as_str(), "name" | "generateName") {
            let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
            errors.push(FieldError::forbidden(
                trail.field("properties").key(name).to_string(),
                detail,
            ));
        }
    }
}

/// Checks a node that describes the shape of values.
fn spine(fields: &Map<String, Value>, trail: &Trail<'_>, place: Place, errors: &mut Vec<FieldError>) {
    let int_or_string = flag(fields, "x-kubernetes-int-or-string");
    let preserves = flag(fields, "x-kubernetes-preserve-unknown-fields");
    if kind(fields).is_empty() && !int_or_string && (!preserves || place == Place::Root) {
        errors.push(FieldError::required(
            trail.field("type").to_string(),
            place.missing_type(),
        ));
    }
    forbidden_keywords(fields, trail, errors);
    extensions(fields, trail, errors);
    lists::check(fields, trail, errors);
    if int_or_string {
        junctor::check_int_or_string(fields, trail, errors);
    }
    junctor::check_all(fields, fields, trail, errors);
    children(fields, trail, errors);
}

fn children(fields: &Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
        let trail = trail.field("properties");
        for (name, schema) in properties {
            if let Some(schema) = schema.as_object() {
                spine(schema, &trail.key(name), Place::Field, errors);
            }
        }
    }
    if let Some(schema) = fields.get("items").and_then(Value::as_object) {
        spine(schema, &trail.field("items"), Place::Items, errors);
    }
    if let Some(schema) = fields.get("additionalProperties").and_then(Value::as_object) {
        spine(
            schema,
            &trail.field("additionalProperties"),
            Place::Additional,
            errors,
        );
    }
}

fn forbidden_keywords(fields: &Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let mut forbid =
        |name: &str, detail: &str| errors.push(FieldError::forbidden(trail.field(name).to_string(), detail));
    for name in [
        "$ref",
        "id",
        "patternProperties",
        "additionalItems",
        "definitions",
        "dependencies",
        "deprecated",
        "discriminator",
        "readOnly",
        "writeOnly",
        "xml",
    ] {
        if fields.contains_key(name) {
            forbid(name, &format!("{name} is not supported"));
        }
    }
    if flag(fields, "uniqueItems") {
        forbid(
            "uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        );
    }
    let properties = fields
        .get("properties")
        .and_then(Value::as_object)
        .is_some_and(|map| !map.is_empty());
    match fields.get("additionalProperties") {
        Some(Value::Bool(false)) => forbid(
            "additionalProperties",
            "additionalProperties cannot be set to false",
        ),
        Some(_) if properties => forbid(
            "additionalProperties",
            "additionalProperties and properties are mutual exclusive",
        ),
        _ => {}
    }
    if fields.get("items").is_some_and(Value::is_array) {
        forbid("items", "items must be a schema object and not an array");
    }
    if fields.get("type").is_some_and(Value::is_array) {
        forbid("type", "type must be a single name, use nullable for null");
    }
}

fn extensions(fields: &Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let mut invalid = |name: &str, value: Value, detail: &str| {
        errors.push(FieldError::invalid(trail.field(name).to_string(), value, detail));
    };
    let preserve = "x-kubernetes-preserve-unknown-fields";
    if fields.get(preserve) == Some(&Value::Bool(false)) {
        invalid(preserve, Value::Bool(false), "must be true or undefined");
    }
    let embedded = flag(fields, "x-kubernetes-embedded-resource");
    if embedded && kind(fields) != "object" {
        invalid(
            "type",
            Value::from(kind(fields)),
            "must be object if x-kubernetes-embedded-resource is true",
        );
    }
    let described = fields.contains_key("properties") || flag(fields, preserve);
    if embedded && !described {
        errors.push(FieldError::required(
            trail.field("properties").to_string(),
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        ));
    }
}

/// Every default must itself be pruned, complete and valid.
fn defaults(openapi: &Value, root: &Schema, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    default_of(openapi, root, trail, errors);
}

fn default_of(openapi: &Value, schema: &Schema, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    if let Some(default) = openapi.get("default") {
        let trail = trail.field("default");
        let mut completed = default.clone();
        for dropped in schema.prune(&mut completed) {
            let path = format!("{trail}.{dropped}");
            errors.push(FieldError::invalid(
                path,
                default.clone(),
                "must not have unknown fields",
            ));
        }
        schema.default(&mut completed);
        for mut error in schema.validate(&completed, None) {
            error.path = if error.path.is_empty() {
                trail.to_string()
            } else {
                format!("{trail}.{}", error.path)
            };
            errors.push(error);
        }
    }
    if let Some(properties) = openapi.get("properties").and_then(Value::as_object) {
        let trail = trail.field("properties");
        for (name, below) in properties {
            if let Some(schema) = schema.node().properties.get(name) {
                default_of(below, schema, &trail.key(name), errors);
            }
        }
    }
    for (name, schema) in [
        ("items", schema.items()),
        ("additionalProperties", schema.map_values()),
    ] {
        if let (Some(below), Some(schema)) = (openapi.get(name), schema) {
            default_of(below, schema, &trail.field(name), errors);
        }
    }
}
