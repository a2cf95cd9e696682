//! What differs between two objects, as sets of fields.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::typed;
use crate::fields::{FieldSet, PathElement};
use crate::schema::{Node, Schema};

/// The paths that came, went, or got another value.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) added: FieldSet,
    pub(super) removed: FieldSet,
    pub(super) modified: FieldSet,
}

impl Changes {
    /// What the writer of the new object has set.
    pub(super) fn written(&self) -> FieldSet {
        self.added.union(&self.modified)
    }
}

/// Compares `new` with `old`.
pub(super) fn compare(schema: &Schema, old: &Value, new: &Value) -> Changes {
    let mut changes = Changes::default();
    both(Some(schema.node()), old, new, &mut Vec::new(), &mut changes);
    changes
}

fn both(node: Option<&Node>, old: &Value, new: &Value, path: &mut Vec<PathElement>, changes: &mut Changes) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) if !typed::is_atomic_map(node) => {
            maps(node, old, new, path, changes);
        }
        // Null stands for an empty value of whatever the other side is.
        (Value::Null, Value::Object(new)) if !typed::is_atomic_map(node) && !new.is_empty() => {
            maps(node, &Map::new(), new, path, changes);
        }
        (Value::Object(old), Value::Null) if !typed::is_atomic_map(node) && !old.is_empty() => {
            maps(node, old, &Map::new(), path, changes);
        }
        (Value::Array(_) | Value::Null, Value::Array(_) | Value::Null) => {
            let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
            let (old, new) = (items(old), items(new));
            match (typed::named_items(node, &old), typed::named_items(node, &new)) {
                (Some(old), Some(new)) if !(old.is_empty() && new.is_empty()) => {
                    lists(typed::item(node), &old, &new, path, changes);
                }
                _ => changes.modified.insert_elements(path),
            }
        }
        _ => changes.modified.insert_elements(path),
    }
}

fn maps(
    node: Option<&Node>,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    path: &mut Vec<PathElement>,
    changes: &mut Changes,
) {
    for (name, new) in new {
        path.push(PathElement::field(name.as_str()));
        match old.get(name) {
            Some(old) => both(typed::field(node, name), old, new, path, changes),
            None => one_side(typed::field(node, name), new, path, &mut changes.added),
        }
        path.pop();
    }
    for (name, old) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        path.push(PathElement::field(name.as_str()));
        one_side(typed::field(node, name), old, path, &mut changes.removed);
        path.pop();
    }
}

fn lists(
    item: Option<&Node>,
    old: &[(PathElement, &Value)],
    new: &[(PathElement, &Value)],
    path: &mut Vec<PathElement>,
    changes: &mut Changes,
) {
    let old_by_name: HashMap<&PathElement, &Value> = old.iter().map(|(name, value)| (name, *value)).collect();
    let new_by_name: HashMap<&PathElement, &Value> = new.iter().map(|(name, value)| (name, *value)).collect();
    for (name, new) in new {
        path.push(name.clone());
        match old_by_name.get(name) {
            Some(old) => both(item, old, new, path, changes),
            None => one_side(item, new, path, &mut changes.added),
        }
        path.pop();
    }
    for (name, old) in old.iter().filter(|(name, _)| !new_by_name.contains_key(name)) {
        path.push(name.clone());
        one_side(item, old, path, &mut changes.removed);
        path.pop();
    }
}

/// A value that only one side has: it and everything in it.
fn one_side(node: Option<&Node>, value: &Value, path: &mut Vec<PathElement>, fields: &mut FieldSet) {
    fields.insert_elements(path);
    match value {
        Value::Object(map) if !typed::is_atomic_map(node) => {
            for (name, value) in map {
                path.push(PathElement::field(name.as_str()));
                one_side(typed::field(node, name), value, path, fields);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (name, value) in typed::named_items(node, items).unwrap_or_default() {
                path.push(name);
                one_side(typed::item(node), value, path, fields);
                path.pop();
            }
        }
        _ => {}
    }
}
