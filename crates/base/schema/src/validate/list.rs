//! Lists of kind set and map.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::correlates;
use crate::error::{FieldError, FieldErrorReason};
use crate::fields::PathElement;
use crate::schema::{ListKind, Node};
use crate::trail::Trail;

/// Refuses items that stand twice in a set or map list, at any depth.
pub(crate) fn uniqueness(node: &Node, value: &Value, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    if !node.has_keyed_lists {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let Some(schema) = node.child(name) {
                    uniqueness(schema.node(), value, &trail.field(name), errors);
                }
            }
        }
        Value::Array(items) => {
            duplicates(node, items, trail, errors);
            if let Some(schema) = node.items.as_ref().filter(|schema| schema.node().has_keyed_lists) {
                for (index, item) in items.iter().enumerate() {
                    uniqueness(schema.node(), item, &trail.index(index), errors);
                }
            }
        }
        _ => {}
    }
}

fn duplicates(node: &Node, items: &[Value], trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let identity = match &node.list {
            ListKind::Atomic => return,
            ListKind::Set => item.clone(),
            ListKind::Map(keys) => match identity(keys, item) {
                Some(identity) => identity,
                None => continue,
            },
        };
        if !seen.insert(PathElement::value(&identity)) {
            let path = trail.index(index).to_string();
            errors.push(FieldError::new(path, FieldErrorReason::Duplicate, "").with_value(identity));
        }
    }
}

fn identity(keys: &[String], item: &Value) -> Option<Value> {
    let fields = item.as_object()?;
    let named: Map<String, Value> = keys
        .iter()
        .filter_map(|key| Some((key.clone(), fields.get(key)?.clone())))
        .collect();
    Some(Value::Object(named))
}

/// The item of `old` that `item` was before, when the list kind tells.
pub(crate) fn correlate<'a>(node: &Node, item: &Value, old: &'a [Value]) -> Option<&'a Value> {
    if !correlates(node) {
        return None;
    }
    let ListKind::Map(keys) = &node.list else {
        return None;
    };
    old.iter()
        .find(|old| keys.iter().all(|key| old.get(key) == item.get(key)))
}
