//! An applied body laid over the live object.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::typed;
use crate::fields::PathElement;
use crate::schema::Node;

/// The live value with everything that the body gives a value to.
pub(super) fn merge(node: Option<&Node>, live: &Value, body: &Value) -> Value {
    match (live, body) {
        (Value::Object(old), Value::Object(new)) if !typed::is_atomic_map(node) => {
            let mut merged = old.clone();
            for (name, new) in new {
                let value = match old.get(name) {
                    Some(old) => merge(typed::field(node, name), old, new),
                    None => new.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        // An applied null cannot take a granular value away from its other owners.
        (Value::Object(old), Value::Null) if !typed::is_atomic_map(node) && !old.is_empty() => live.clone(),
        (Value::Array(old), Value::Null) if !typed::is_atomic_list(node) && !old.is_empty() => live.clone(),
        (Value::Array(old), Value::Array(new)) => {
            match (typed::named_items(node, old), typed::named_items(node, new)) {
                (Some(old), Some(new)) => Value::Array(interleave(typed::item(node), &old, &new)),
                _ => body.clone(),
            }
        }
        _ => body.clone(),
    }
}

/// Items of the body in the body's order, between live items that the body does not name: those come as early as
/// the order of the items that both have allows.
fn interleave(
    item: Option<&Node>,
    live: &[(PathElement, &Value)],
    body: &[(PathElement, &Value)],
) -> Vec<Value> {
    let live_by_name: HashMap<&PathElement, &Value> =
        live.iter().map(|(name, value)| (name, *value)).collect();
    let named_by_body: HashSet<&PathElement> = body.iter().map(|(name, _)| name).collect();
    let mut shared = body
        .iter()
        .map(|(name, _)| name)
        .filter(|name| live_by_name.contains_key(name))
        .peekable();
    let mut rest = live.iter().peekable();
    let mut merged = Vec::with_capacity(live.len() + body.len());
    for (name, new) in body {
        let next_shared = shared.peek().copied();
        while let Some((other, old)) = rest.next_if(|(other, _)| Some(other) != next_shared) {
            if !named_by_body.contains(other) {
                merged.push((*old).clone());
            }
        }
        match live_by_name.get(name) {
            Some(old) => {
                merged.push(merge(item, old, new));
                shared.next();
                rest.next_if(|(other, _)| other == name);
            }
            None => merged.push((*new).clone()),
        }
    }
    merged.extend(
        rest.filter(|(name, _)| !named_by_body.contains(name))
            .map(|(_, old)| (*old).clone()),
    );
    merged
}
