//! `x-kubernetes-list-type`, `x-kubernetes-list-map-keys` and `x-kubernetes-map-type`.

use serde_json::{Map, Value};

use super::kind;
use crate::error::FieldError;
use crate::trail::Trail;

const LIST_TYPE: &str = "x-kubernetes-list-type";
const MAP_KEYS: &str = "x-kubernetes-list-map-keys";
const MAP_TYPE: &str = "x-kubernetes-map-type";

pub(super) fn check(fields: &Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    if let Some(map_type) = fields.get(MAP_TYPE) {
        if kind(fields) != "object" {
            let detail = format!("must be object if {MAP_TYPE} is specified");
            errors.push(FieldError::invalid(
                trail.field("type").to_string(),
                kind(fields),
                detail,
            ));
        }
        expect_one_of(map_type, &["atomic", "granular"], &trail.field(MAP_TYPE), errors);
    }
    let list_type = fields.get(LIST_TYPE);
    if let Some(list_type) = list_type {
        if kind(fields) != "array" {
            let detail = format!("must be array if {LIST_TYPE} is specified");
            errors.push(FieldError::invalid(
                trail.field("type").to_string(),
                kind(fields),
                detail,
            ));
        }
        expect_one_of(
            list_type,
            &["atomic", "set", "map"],
            &trail.field(LIST_TYPE),
            errors,
        );
    }
    match list_type.and_then(Value::as_str) {
        Some("map") => map_list(fields, trail, errors),
        other => {
            if fields.contains_key(MAP_KEYS) {
                let detail = format!("must be map if {MAP_KEYS} is non-empty");
                let value = other.unwrap_or_default();
                errors.push(FieldError::invalid(
                    trail.field(LIST_TYPE).to_string(),
                    value,
                    detail,
                ));
            }
            if other == Some("set") {
                set_list(fields, trail, errors);
            }
        }
    }
}

fn expect_one_of(value: &Value, allowed: &[&str], trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    if !value.as_str().is_some_and(|text| allowed.contains(&text)) {
        let allowed: Vec<Value> = allowed.iter().map(|text| Value::from(*text)).collect();
        errors.push(FieldError::not_supported(
            trail.to_string(),
            value.clone(),
            &allowed,
        ));
    }
}

/// Members of a set must be comparable as a whole.
fn set_list(fields: &Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let Some(items) = fields.get("items").and_then(Value::as_object) else {
        return;
    };
    let trail = trail.field("items");
    if items.get("nullable") == Some(&Value::Bool(true)) {
        let detail = "cannot be nullable when x-kubernetes-list-type is set";
        errors.push(FieldError::forbidden(trail.field("nullable").to_string(), detail));
    }
    let atomic = match kind(items) {
        "object" => items.get(MAP_TYPE).and_then(Value::as_str) == Some("atomic"),
        "array" => matches!(
            items.get(LIST_TYPE).and_then(Value::as_str),
            None | Some("atomic")
        ),
        _ => true,
    };
    if !atomic {
        let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
        errors.push(FieldError::invalid(
            trail.field(MAP_TYPE).to_string(),
            Value::Null,
            detail,
        ));
    }
}

fn map_list(fields: &Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let keys: Vec<&str> = fields
        .get(MAP_KEYS)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if keys.is_empty() {
        errors.push(FieldError::required(
            trail.field(MAP_KEYS).to_string(),
            "must not be empty if x-kubernetes-list-type is map",
        ));
    }
    let items = trail.field("items");
    let Some(schema) = fields.get("items").and_then(Value::as_object) else {
        errors.push(FieldError::required(
            items.to_string(),
            "must have a schema if x-kubernetes-list-type is map",
        ));
        return;
    };
    if kind(schema) != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(
            items.field("type").to_string(),
            kind(schema),
            detail,
        ));
        return;
    }
    let required = |key: &str| {
        schema
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|names| names.iter().any(|name| name == key))
    };
    let map_keys = trail.field(MAP_KEYS);
    for (index, key) in keys.iter().enumerate() {
        let path = map_keys.index(index).to_string();
        match schema
            .get("properties")
            .and_then(|properties| properties.get(key))
            .and_then(Value::as_object)
        {
            None => errors.push(FieldError::invalid(
                path,
                *key,
                "entries must all be names of item properties",
            )),
            Some(property) => {
                if matches!(kind(property), "object" | "array") {
                    errors.push(FieldError::invalid(
                        path,
                        *key,
                        "entries must all be scalar item properties",
                    ));
                } else if !required(key) && !property.contains_key("default") {
                    let properties = items.field("properties");
                    let path = properties.key(key).field("default").to_string();
                    let detail = format!(
                        "this property is in {MAP_KEYS}, so it must have a default or be a required property"
                    );
                    errors.push(FieldError::required(path, detail));
                }
            }
        }
    }
    for (index, key) in keys
        .iter()
        .enumerate()
        .filter(|(index, key)| keys[..*index].contains(key))
    {
        let duplicate = FieldError::new(
            map_keys.index(index).to_string(),
            crate::FieldErrorReason::Duplicate,
            "",
        );
        errors.push(duplicate.with_value(*key));
    }
}
