//! Keywords that do not nest.

use regex::Regex;
use serde_json::{Map, Value};

use super::super::node::PatchStrategy;
use super::super::{Checks, ListKind};
use crate::error::FieldError;
use crate::trail::Trail;

/// Reads `x-kubernetes-list-type` and its keys; a map list without keys is atomic.
pub(super) fn list_kind(fields: &Map<String, Value>) -> ListKind {
    match fields.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => ListKind::Set,
        Some("map") => match strings(fields, "x-kubernetes-list-map-keys") {
            keys if keys.is_empty() => ListKind::Atomic,
            keys => ListKind::Map(keys),
        },
        _ => ListKind::Atomic,
    }
}

/// Reads the two extensions of strategic merge; a strategy may name several words.
pub(super) fn patch_strategy(fields: &Map<String, Value>) -> PatchStrategy {
    let words = fields
        .get("x-kubernetes-patch-strategy")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut strategy = PatchStrategy {
        merge_key: fields
            .get("x-kubernetes-patch-merge-key")
            .and_then(Value::as_str)
            .map(str::to_owned),
        ..PatchStrategy::default()
    };
    for word in words.split(',') {
        match word.trim() {
            "merge" => strategy.merge = true,
            "replace" => strategy.replace = true,
            "retainKeys" => strategy.retain_keys = true,
            _ => {}
        }
    }
    strategy
}

/// Reads all limits but the logical junctors.
pub(super) fn checks(fields: &Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) -> Checks {
    let number = |name: &str| fields.get(name).and_then(Value::as_f64);
    let count = |name: &str| fields.get(name).and_then(Value::as_u64);
    Checks {
        required: strings(fields, "required"),
        allowed: fields
            .get("enum")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default(),
        pattern: pattern(fields, trail, errors),
        format: fields.get("format").and_then(Value::as_str).map(str::to_owned),
        minimum: bound(fields, "minimum", "exclusiveMinimum"),
        maximum: bound(fields, "maximum", "exclusiveMaximum"),
        multiple_of: number("multipleOf").filter(|step| *step > 0.0),
        min_length: count("minLength"),
        max_length: count("maxLength"),
        min_items: count("minItems"),
        max_items: count("maxItems"),
        unique_items: fields
            .get("uniqueItems")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        min_properties: count("minProperties"),
        max_properties: count("maxProperties"),
        ..Checks::default()
    }
}

/// A bound and whether it excludes itself; the exclusive keyword is a flag in `OpenAPI` and a number in JSON schema.
fn bound(fields: &Map<String, Value>, inclusive: &str, exclusive: &str) -> Option<(f64, bool)> {
    match fields.get(exclusive) {
        Some(Value::Number(limit)) => limit.as_f64().map(|limit| (limit, true)),
        flag => {
            let excludes = flag.and_then(Value::as_bool).unwrap_or(false);
            fields
                .get(inclusive)
                .and_then(Value::as_f64)
                .map(|limit| (limit, excludes))
        }
    }
}

fn pattern(fields: &Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) -> Option<Regex> {
    let text = fields.get("pattern").and_then(Value::as_str)?;
    match Regex::new(text) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let detail = format!("must be a valid regular expression, but isn't: {error}");
            errors.push(FieldError::invalid(
                trail.field("pattern").to_string(),
                text,
                detail,
            ));
            None
        }
    }
}

fn strings(fields: &Map<String, Value>, name: &str) -> Vec<String> {
    let listed = fields
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    listed
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
