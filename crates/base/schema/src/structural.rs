//! The rules a schema must keep to be structural.

use serde_json::Value;

use crate::error::FieldError;

/// Checks `openapi`.
#[must_use]
pub fn check(openapi: &Value) -> Vec<FieldError> {
    check_at("", openapi)
}

/// Checks.
#[must_use]
pub fn check_at(_path: &str, _openapi: &Value) -> Vec<FieldError> {
    Vec::new()
}
