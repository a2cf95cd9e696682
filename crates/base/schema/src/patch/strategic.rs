//! Strategic merge patch.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::PatchError;
use super::directives::{
    Directive, RETAIN_KEYS, deletion_target, directive, is_directive, order_of, order_target,
    without_directives,
};
use crate::schema::{ListKind, Node, Schema};

/// Applies a strategic merge patch.
///
/// A list is merged by its `x-kubernetes-patch-merge-key` when its strategy says merge; a schema without the patch
/// extensions falls back on the first of its `x-kubernetes-list-map-keys`, and on set lists.
///
/// # Errors
/// When the patch is no object or a directive is used wrongly; `target` is then unchanged.
pub fn strategic(schema: &Schema, target: &mut Value, patch: &Value) -> Result<(), PatchError> {
    let (Value::Object(current), Value::Object(fields)) = (&*target, patch) else {
        return Err(PatchError::Malformed(
            "a strategic merge patch must be an object".to_owned(),
        ));
    };
    *target = Value::Object(patch_map(Some(schema.node()), current, fields)?);
    Ok(())
}

fn patch_map(
    node: Option<&Node>,
    current: &Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<Map<String, Value>, PatchError> {
    match directive(patch)? {
        Directive::Replace => return Ok(plain(patch)),
        Directive::Delete => return Ok(Map::new()),
        Directive::Merge => {}
    }
    let mut merged = current.clone();
    retain_keys(&mut merged, patch)?;
    for (name, value) in patch {
        if let Some(list) = deletion_target(name) {
            delete_members(&mut merged, list, value)?;
        }
    }
    for (name, value) in patch.iter().filter(|(name, _)| !is_directive(name)) {
        if value.is_null() {
            merged.shift_remove(name);
            continue;
        }
        let child = node.and_then(|node| node.child(name)).map(Schema::node);
        let order = order_of(patch, name);
        let outcome = patch_field(child, merged.get(name), value, order)?;
        match outcome {
            Some(value) => merged.insert(name.clone(), value),
            None => merged.shift_remove(name),
        };
    }
    for name in patch
        .keys()
        .filter_map(|name| order_target(name))
        .filter(|name| !patch.contains_key(*name))
    {
        let key = node
            .and_then(|node| node.child(name))
            .and_then(|schema| merge_key(schema.node()));
        if let (Some(Value::Array(items)), Some(order)) = (merged.get_mut(name), order_of(patch, name)) {
            sort_by_order(items, order, key);
        }
    }
    Ok(merged)
}

/// The new value of one field; `None` removes it.
fn patch_field(
    node: Option<&Node>,
    current: Option<&Value>,
    patch: &Value,
    order: Option<&Vec<Value>>,
) -> Result<Option<Value>, PatchError> {
    Ok(match (current, patch) {
        (_, Value::Object(fields)) if directive(fields)? == Directive::Delete => None,
        (Some(Value::Object(current)), Value::Object(fields)) if !replaces(node) => {
            Some(Value::Object(patch_map(node, current, fields)?))
        }
        (current, Value::Array(items)) => {
            let current = current.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            Some(Value::Array(patch_list(node, current, items, order)?))
        }
        (_, other) => Some(without_directives(other)),
    })
}

fn replaces(node: Option<&Node>) -> bool {
    node.is_some_and(|node| node.patch.replace)
}

fn plain(patch: &Map<String, Value>) -> Map<String, Value> {
    match without_directives(&Value::Object(patch.clone())) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// `$retainKeys` names all fields that may stay.
fn retain_keys(fields: &mut Map<String, Value>, patch: &Map<String, Value>) -> Result<(), PatchError> {
    let Some(listed) = patch.get(RETAIN_KEYS) else {
        return Ok(());
    };
    let listed = listed
        .as_array()
        .ok_or_else(|| PatchError::Directive("invalid patch format of retainKeys".to_owned()))?;
    let names: HashSet<&str> = listed.iter().filter_map(Value::as_str).collect();
    if patch
        .iter()
        .any(|(name, value)| !is_directive(name) && !value.is_null() && !names.contains(name.as_str()))
    {
        return Err(PatchError::Directive(
            "invalid patch format of retainKeys".to_owned(),
        ));
    }
    fields.retain(|name, _| names.contains(name.as_str()));
    Ok(())
}

fn delete_members(fields: &mut Map<String, Value>, list: &str, members: &Value) -> Result<(), PatchError> {
    let members = members
        .as_array()
        .ok_or_else(|| PatchError::Directive("invalid patch format of delete primitive list".to_owned()))?;
    if let Some(Value::Array(items)) = fields.get_mut(list) {
        items.retain(|item| !members.contains(item));
    }
    Ok(())
}

/// The field that tells the items of a merged list apart.
fn merge_key(node: &Node) -> Option<&str> {
    match (&node.patch.merge_key, &node.list) {
        (Some(key), _) => Some(key),
        (None, ListKind::Map(keys)) => keys.first().map(String::as_str),
        (None, _) => None,
    }
}

fn merges(node: &Node) -> bool {
    let unsaid = !node.patch.replace && node.patch.merge_key.is_none();
    node.patch.merge || (unsaid && node.list != ListKind::Atomic)
}

fn patch_list(
    node: Option<&Node>,
    current: &[Value],
    patch: &[Value],
    order: Option<&Vec<Value>>,
) -> Result<Vec<Value>, PatchError> {
    let replace_all = patch.iter().any(|item| {
        item.as_object()
            .is_some_and(|fields| fields.len() == 1 && matches!(directive(fields), Ok(Directive::Replace)))
    });
    let Some(node) = node.filter(|node| merges(node) && !replace_all) else {
        return match without_directives(&Value::Array(patch.to_vec())) {
            Value::Array(items) => Ok(items),
            _ => Ok(Vec::new()),
        };
    };
    let mut merged = current.to_vec();
    match merge_key(node) {
        Some(key) => merge_keyed(node, key, &mut merged, patch)?,
        None => {
            for member in patch {
                if !merged.contains(member) {
                    merged.push(member.clone());
                }
            }
        }
    }
    if let Some(order) = order {
        sort_by_order(&mut merged, order, merge_key(node));
    }
    Ok(merged)
}

fn merge_keyed(node: &Node, key: &str, merged: &mut Vec<Value>, patch: &[Value]) -> Result<(), PatchError> {
    let item_node = node.items.as_ref().map(Schema::node);
    for item in patch {
        let fields = item
            .as_object()
            .ok_or_else(|| PatchError::Directive("expected objects in a list with a merge key".to_owned()))?;
        let name = fields.get(key).ok_or_else(|| {
            PatchError::Directive(format!("map: {item} does not contain declared merge key: {key}"))
        })?;
        let position = merged.iter().position(|current| current.get(key) == Some(name));
        match (directive(fields)?, position) {
            (Directive::Delete, _) => merged.retain(|current| current.get(key) != Some(name)),
            (Directive::Merge, Some(position)) => {
                let current = merged[position].as_object().cloned().unwrap_or_default();
                merged[position] = Value::Object(patch_map(item_node, &current, fields)?);
            }
            (Directive::Replace, Some(position)) => merged[position] = Value::Object(plain(fields)),
            (Directive::Merge | Directive::Replace, None) => merged.push(Value::Object(plain(fields))),
        }
    }
    Ok(())
}

/// Items that the order names come in that order; the others stay behind the neighbour they stood behind.
fn sort_by_order(items: &mut Vec<Value>, order: &[Value], key: Option<&str>) {
    let name = |item: &Value| key.map_or_else(|| Some(item.clone()), |key| item.get(key).cloned());
    let wanted: Vec<Option<Value>> = order.iter().map(name).collect();
    let rank = |item: &Value| wanted.iter().position(|wanted| *wanted == name(item));
    let mut groups: Vec<(usize, Vec<Value>)> = vec![(0, Vec::new())];
    for item in items.drain(..) {
        match rank(&item) {
            Some(rank) => groups.push((rank + 1, vec![item])),
            None => {
                if let Some((_, group)) = groups.last_mut() {
                    group.push(item);
                }
            }
        }
    }
    groups.sort_by_key(|(rank, _)| *rank);
    items.extend(groups.into_iter().flat_map(|(_, group)| group));
}
