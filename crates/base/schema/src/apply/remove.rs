//! Removing what an applier no longer mentions.

use std::collections::HashSet;

use serde_json::Value;

use super::typed;
use crate::fields::{FieldSet, PathElement};
use crate::schema::{ListKind, Node};

/// Removes from `value` the fields in `previous` at and below which nobody owns anything in `kept`.
///
/// Declared parents of previously owned fields go with them even when other content is left in them: content
/// that nobody owns, such as defaults, lives and dies with the field that brought it.
pub(super) fn remove(node: Option<&Node>, value: &mut Value, previous: &FieldSet, kept: &FieldSet) {
    match value {
        Value::Object(fields) if !typed::is_atomic_map(node) => {
            for (element, before) in previous.children() {
                let PathElement::Field(name) = element else {
                    continue;
                };
                let kept = kept
                    .at(std::slice::from_ref(element))
                    .filter(|kept| !kept.is_empty());
                let declared = node.is_some_and(|node| node.properties.contains_key(name));
                match kept {
                    None if declared || before.is_member() => {
                        fields.shift_remove(name);
                    }
                    kept => {
                        if let Some(value) = fields.get_mut(name) {
                            remove(
                                typed::field(node, name),
                                value,
                                before,
                                kept.unwrap_or(&FieldSet::new()),
                            );
                        }
                    }
                }
            }
        }
        Value::Array(items) => {
            if let Some(node) = node.filter(|_| !typed::is_atomic_list(node)) {
                remove_items(node, items, previous, kept);
            }
        }
        _ => {}
    }
}

fn remove_items(node: &Node, items: &mut Vec<Value>, previous: &FieldSet, kept: &FieldSet) {
    let nothing = FieldSet::new();
    let mut seen = HashSet::new();
    items.retain_mut(|value| {
        let Some(name) = typed::name_of(node, value) else {
            return true;
        };
        let Some(before) = previous.children().get(&name) else {
            return true;
        };
        let kept = kept.children().get(&name).filter(|kept| !kept.is_empty());
        if kept.is_none() && before.is_member() {
            return false;
        }
        if seen.insert(name) {
            let before = without_keys(node, before);
            remove(typed::item(Some(node)), value, &before, kept.unwrap_or(&nothing));
        }
        true
    });
}

/// An item that stays keeps the fields that name it, whoever set them.
fn without_keys(node: &Node, fields: &FieldSet) -> FieldSet {
    let ListKind::Map(keys) = &node.list else {
        return fields.clone();
    };
    let keys: FieldSet = keys
        .iter()
        .map(|key| crate::fields::FieldPath::of(&[key]))
        .collect();
    fields.recursive_difference(&keys)
}
