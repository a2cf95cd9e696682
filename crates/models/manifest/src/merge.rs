//! JSON merge patches (RFC 7396): what to send so that an object reads as wanted.

use serde_json::{Map, Value};

/// The merge patch that turns one value into another; nothing if they are equal.
#[must_use]
pub fn merge_patch(from: &Value, to: &Value) -> Option<Value> {
    if from == to {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (from, to) else {
        return Some(to.clone());
    };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        match old.get(key) {
            // A null in the wanted value means "absent", which a merge patch can only say as null.
            None if value.is_null() => {}
            None => {
                patch.insert(key.clone(), value.clone());
            }
            Some(before) => {
                if let Some(change) = merge_patch(before, value) {
                    patch.insert(key.clone(), change);
                }
            }
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// Applies a merge patch.
pub fn apply_merge_patch(value: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    if let Value::Object(fields) = value {
        for (key, change) in changes {
            if change.is_null() {
                fields.remove(key);
            } else {
                apply_merge_patch(fields.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
    }
}

/// Removes nulls from mappings, at every depth: clients written in Go send them for "absent".
pub fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_leads_from_one_to_the_other() {
        let check = |from: Value, to: Value, expected: Option<Value>| {
            let patch = merge_patch(&from, &to);
            assert_eq!(patch, expected);
            let mut patched = from;
            if let Some(patch) = patch {
                apply_merge_patch(&mut patched, &patch);
            }
            assert_eq!(patched, to);
        };
        check(json!({"a": 1}), json!({"a": 1}), None);
        check(
            json!({"a": 1, "b": {"c": 1}}),
            json!({"b": {"c": 2}}),
            Some(json!({"a": null, "b": {"c": 2}})),
        );
        check(json!({"a": [1, 2]}), json!({"a": [1]}), Some(json!({"a": [1]})));
    }
}
