//! Limits on lists and maps as such.

use serde_json::{Map, Value};

use crate::error::{FieldError, FieldErrorReason};
use crate::schema::{Checks, Node};
use crate::trail::Trail;

pub(super) fn check_list(checks: &Checks, items: &[Value], trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let count = items.len() as u64;
    if let Some(limit) = checks.max_items.filter(|limit| count > *limit) {
        errors.push(too_many(trail, count, limit));
    }
    if let Some(limit) = checks.min_items.filter(|limit| count < *limit) {
        let detail = format!("{trail} in body should have at least {limit} items");
        errors.push(FieldError::invalid(trail.to_string(), count, detail));
    }
    if checks.unique_items
        && items
            .iter()
            .enumerate()
            .any(|(index, item)| items[..index].contains(item))
    {
        let detail = format!("{trail} in body shouldn't contain duplicates");
        errors.push(FieldError::new(
            trail.to_string(),
            FieldErrorReason::Invalid,
            detail,
        ));
    }
}

pub(super) fn check_map(
    node: &Node,
    fields: &Map<String, Value>,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) {
    let checks = &node.checks;
    for name in checks.required.iter().filter(|name| !fields.contains_key(*name)) {
        errors.push(FieldError::required(trail.field(name).to_string(), ""));
    }
    if node.embedded_resource {
        for name in ["apiVersion", "kind"] {
            if fields.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
                errors.push(FieldError::required(
                    trail.field(name).to_string(),
                    "must not be empty",
                ));
            }
        }
    }
    let count = fields.len() as u64;
    if let Some(limit) = checks.max_properties.filter(|limit| count > *limit) {
        errors.push(too_many(trail, count, limit));
    }
    if let Some(limit) = checks.min_properties.filter(|limit| count < *limit) {
        let detail = format!("{trail} in body should have at least {limit} properties");
        errors.push(FieldError::invalid(trail.to_string(), count, detail));
    }
}

fn too_many(trail: &Trail<'_>, count: u64, limit: u64) -> FieldError {
    let noun = if limit == 1 { "item" } else { "items" };
    let detail = format!("must have at most {limit} {noun}");
    FieldError::new(trail.to_string(), FieldErrorReason::TooMany, detail).with_value(count)
}
