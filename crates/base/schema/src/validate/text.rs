//! Limits on strings.

use serde_json::Value;

use super::format;
use crate::error::{FieldError, FieldErrorReason};
use crate::schema::Node;
use crate::trail::Trail;

pub(super) fn check(node: &Node, text: &str, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let checks = &node.checks;
    if checks.min_length.is_some() || checks.max_length.is_some() {
        // Lengths count characters, as upstream's validation does.
        let length = text.chars().count() as u64;
        if let Some(limit) = checks.max_length.filter(|limit| length > *limit) {
            let detail = format!("may not be more than {limit} bytes");
            errors
                .push(FieldError::new(trail.to_string(), FieldErrorReason::TooLong, detail).with_value(text));
        }
        if let Some(limit) = checks.min_length.filter(|limit| length < *limit) {
            let detail = format!("{trail} in body should be at least {limit} chars long");
            errors.push(FieldError::invalid(trail.to_string(), text, detail));
        }
    }
    if let Some(pattern) = checks.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
        let detail = format!("{trail} in body should match '{pattern}'");
        errors.push(FieldError::invalid(trail.to_string(), text, detail));
    }
    if let Some(name) = checks.format.as_deref().filter(|_| !node.int_or_string)
        && !format::is_valid(name, text)
    {
        let detail = format!("{trail} in body must be of type {name}: {}", Value::from(text));
        errors
            .push(FieldError::new(trail.to_string(), FieldErrorReason::TypeInvalid, detail).with_value(text));
    }
}
