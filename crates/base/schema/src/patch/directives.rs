//! The words of strategic merge that are not data.

use serde_json::{Map, Value};

use super::PatchError;

pub(super) const PATCH: &str = "$patch";
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_PREFIX: &str = "$deleteFromPrimitiveList/";
const ORDER_PREFIX: &str = "$setElementOrder/";

/// What `$patch` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

/// Reads `$patch` of a map.
pub(super) fn directive(fields: &Map<String, Value>) -> Result<Directive, PatchError> {
    match fields.get(PATCH).map(Value::as_str) {
        None | Some(Some("merge")) => Ok(Directive::Merge),
        Some(Some("replace")) => Ok(Directive::Replace),
        Some(Some("delete")) => Ok(Directive::Delete),
        Some(other) => {
            let other = other.unwrap_or("not a string");
            Err(PatchError::Directive(format!(
                "unknown patch type found: {other}"
            )))
        }
    }
}

/// Whether a field of a patch is a directive.
pub(super) fn is_directive(name: &str) -> bool {
    name == PATCH || name == RETAIN_KEYS || name.starts_with(DELETE_PREFIX) || name.starts_with(ORDER_PREFIX)
}

/// The list that a `$deleteFromPrimitiveList/` field is about.
pub(super) fn deletion_target(name: &str) -> Option<&str> {
    name.strip_prefix(DELETE_PREFIX)
}

/// The list that a `$setElementOrder/` field is about.
pub(super) fn order_target(name: &str) -> Option<&str> {
    name.strip_prefix(ORDER_PREFIX)
}

/// The order that the patch wants for the list `name`.
pub(super) fn order_of<'a>(patch: &'a Map<String, Value>, name: &str) -> Option<&'a Vec<Value>> {
    patch.get(&format!("{ORDER_PREFIX}{name}"))?.as_array()
}

/// A patch value used where there is nothing to merge with: without directives, deletions and nulls.
pub(super) fn without_directives(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields
                .iter()
                .filter(|(name, value)| !is_directive(name) && !value.is_null());
            Value::Object(
                kept.map(|(name, value)| (name.clone(), without_directives(value)))
                    .collect(),
            )
        }
        Value::Array(items) => {
            let kept = items.iter().filter(|item| !is_marker(item));
            Value::Array(kept.map(without_directives).collect())
        }
        scalar => scalar.clone(),
    }
}

/// Whether a list item is only there to delete or to replace.
fn is_marker(item: &Value) -> bool {
    let Some(fields) = item.as_object() else {
        return false;
    };
    match fields.get(PATCH).and_then(Value::as_str) {
        Some("delete") => true,
        Some("replace") => fields.len() == 1,
        _ => false,
    }
}
