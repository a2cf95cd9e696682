//! What may stand under `allOf`, `anyOf`, `oneOf` and `not`.

use serde_json::{Map, Value};

use crate::error::FieldError;
use crate::trail::Trail;

const SHAPE: [&str; 10] = [
    "type",
    "default",
    "description",
    "title",
    "nullable",
    "additionalProperties",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
];

/// Checks all branches of `fields` against `spine`, the node whose values they narrow.
pub(super) fn check_all(
    fields: &Map<String, Value>,
    spine: &Map<String, Value>,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) {
    for name in ["allOf", "anyOf", "oneOf"] {
        let trail = trail.field(name);
        for (index, branch) in fields
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            if let Some(branch) = branch.as_object() {
                check_branch(branch, spine, &trail.index(index), errors);
            }
        }
    }
    if let Some(branch) = fields.get("not").and_then(Value::as_object) {
        check_branch(branch, spine, &trail.field("not"), errors);
    }
}

fn check_branch(
    branch: &Map<String, Value>,
    spine: &Map<String, Value>,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) {
    // The one pattern in which branches say types: what int-or-string means.
    let int_or_string = spine.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true));
    for name in SHAPE.iter().filter(|name| branch.contains_key(**name)) {
        if !(int_or_string && *name == "type") {
            let detail =
                format!("must be empty to be structural, {name} belongs outside of logical junctors");
            errors.push(FieldError::forbidden(trail.field(name).to_string(), detail));
        }
    }
    check_all(branch, spine, trail, errors);
    check_properties(branch, spine, trail, errors);
    if let Some(items) = branch.get("items").and_then(Value::as_object) {
        below(items, spine.get("items"), &trail.field("items"), errors);
    }
}

fn check_properties(
    branch: &Map<String, Value>,
    spine: &Map<String, Value>,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) {
    let Some(properties) = branch.get("properties").and_then(Value::as_object) else {
        return;
    };
    let trail = trail.field("properties");
    for (name, schema) in properties {
        let Some(schema) = schema.as_object() else {
            continue;
        };
        let declared = spine
            .get("properties")
            .and_then(|properties| properties.get(name));
        below(
            schema,
            declared.or_else(|| spine.get("additionalProperties")),
            &trail.key(name),
            errors,
        );
    }
}

fn below(
    schema: &Map<String, Value>,
    declared: Option<&Value>,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) {
    match declared.and_then(Value::as_object) {
        Some(declared) => check_branch(schema, declared, trail, errors),
        None => errors.push(FieldError::required(
            trail.to_string(),
            "must also be specified outside of logical junctors to be structural",
        )),
    }
}

/// Int-or-string leaves its type open, or spells it out as integer and string branches.
pub(super) fn check_int_or_string(
    fields: &Map<String, Value>,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) {
    if let Some(kind) = fields
        .get("type")
        .and_then(Value::as_str)
        .filter(|kind| !kind.is_empty())
    {
        let detail = "must be empty if x-kubernetes-int-or-string is true";
        errors.push(FieldError::invalid(trail.field("type").to_string(), kind, detail));
    }
}
