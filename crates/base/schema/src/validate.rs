//! Checking values against a schema.
//!
//! Three passes as upstream: values, uniqueness of list items, and rules (only when the first two found nothing).

mod collection;
mod duration;
mod format;
mod junctor;
mod list;
mod number;
mod text;

use serde_json::{Map, Value};

use crate::cel;
use crate::error::{FieldError, FieldErrorReason};
use crate::schema::{Additional, Kind, ListKind, Node, Schema};
use crate::trail::Trail;
pub(crate) use list::{correlate, uniqueness};

/// Checks `new`, tolerating what is invalid but unchanged from `old`.
pub(crate) fn validate(schema: &Schema, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let node = schema.node();
    let mut errors = Vec::new();
    let trail = Trail::root("");
    check(node, new, old, &trail, &mut errors);
    if node.has_keyed_lists {
        list_errors(node, new, old, &mut errors);
    }
    if node.has_rules {
        if errors.is_empty() {
            cel::evaluate(node, new, old, &trail, &mut errors);
        } else {
            let detail = "some validation rules were not checked because the object was invalid; \
                          correct the existing errors to complete validation";
            errors.push(FieldError::invalid("", Value::Null, detail));
        }
    }
    errors
}

/// Duplicates are refused as a whole, and tolerated as a whole when the old object had some already.
fn list_errors(node: &Node, new: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    let mut found = Vec::new();
    uniqueness(node, new, &Trail::root(""), &mut found);
    let had_before = !found.is_empty()
        && old.is_some_and(|old| {
            let mut before = Vec::new();
            uniqueness(node, old, &Trail::root(""), &mut before);
            !before.is_empty()
        });
    if !had_before {
        errors.append(&mut found);
    }
}

/// Checks one value and all below it; unchanged values pass, whatever they are.
pub(crate) fn check(
    node: &Node,
    new: &Value,
    old: Option<&Value>,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) {
    if old == Some(new) || (new.is_null() && node.nullable) {
        return;
    }
    if !has_type(node, new) {
        errors.push(type_error(node, new, trail));
        return;
    }
    own_limits(node, new, trail, errors);
    junctor::check(node, new, trail, errors);
    below(node, new, old, trail, errors);
}

fn own_limits(node: &Node, value: &Value, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let checks = &node.checks;
    if !checks.allowed.is_empty() && !checks.allowed.contains(value) {
        errors.push(FieldError::not_supported(
            trail.to_string(),
            value.clone(),
            &checks.allowed,
        ));
    }
    match value {
        Value::String(content) => text::check(node, content, trail, errors),
        Value::Number(content) => number::check(checks, content, trail, errors),
        Value::Array(items) => collection::check_list(checks, items, trail, errors),
        Value::Object(fields) => collection::check_map(node, fields, trail, errors),
        Value::Null | Value::Bool(_) => {}
    }
}

fn below(node: &Node, new: &Value, old: Option<&Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    match new {
        Value::Object(fields) => below_map(node, fields, old, trail, errors),
        Value::Array(items) => {
            let Some(schema) = &node.items else { return };
            let old_items = old.and_then(Value::as_array).map(Vec::as_slice);
            for (index, item) in items.iter().enumerate() {
                let old = old_items.and_then(|old| correlate(node, item, old));
                check(schema.node(), item, old, &trail.index(index), errors);
            }
        }
        _ => {}
    }
}

fn below_map(
    node: &Node,
    fields: &Map<String, Value>,
    old: Option<&Value>,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) {
    if node.properties.is_empty() && !matches!(node.additional, Additional::Schema(_)) {
        return;
    }
    for (name, value) in fields {
        if let Some(schema) = node.child(name) {
            let old = old.and_then(|old| old.get(name));
            check(schema.node(), value, old, &trail.field(name), errors);
        }
    }
}

fn has_type(node: &Node, value: &Value) -> bool {
    if node.int_or_string {
        return value.is_string() || is_integer(value);
    }
    match node.kind {
        None => true,
        Some(Kind::Object) => value.is_object(),
        Some(Kind::Array) => value.is_array(),
        Some(Kind::String) => value.is_string(),
        Some(Kind::Boolean) => value.is_boolean(),
        Some(Kind::Number) => value.is_number(),
        Some(Kind::Integer) => is_integer(value),
    }
}

/// Kubernetes reads `1.0` as a whole number, as its JSON reader does.
pub(crate) fn is_integer(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        _ => false,
    }
}

fn type_error(node: &Node, value: &Value, trail: &Trail<'_>) -> FieldError {
    let wanted = match node.kind {
        _ if node.int_or_string => "integer,string",
        Some(kind) => kind.name(),
        None => "any",
    };
    let found = kind_name(value);
    let detail = format!("{trail} in body must be of type {wanted}: \"{found}\"");
    FieldError::new(trail.to_string(), FieldErrorReason::TypeInvalid, detail).with_value(found)
}

fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) if is_integer(value) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether items of this list can be followed from the old object to the new one.
fn correlates(node: &Node) -> bool {
    matches!(node.list, ListKind::Map(_))
}

#[cfg(test)]
mod tests;
