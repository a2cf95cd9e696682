use serde_json::Value;

use crate::application::IgnoreDifference;
use crate::glob::matches;
use crate::key_of;

/// Fields of one object that are left out of its comparison.
#[derive(Debug, Default)]
pub(crate) struct Ignored {
    pointers: Vec<String>,
    managed: Vec<Value>,
}

impl Ignored {
    /// The rules that fit an object. Ownership is read from the live object.
    pub(crate) fn for_object(live: &Value, rules: &[IgnoreDifference]) -> Self {
        let key = key_of(live);
        let mut ignored = Self::default();
        for rule in rules {
            let fits = matches(&rule.group, &key.group)
                && matches(&rule.kind, &key.kind)
                && (rule.name.is_empty() || rule.name == key.name)
                && (rule.namespace.is_empty() || rule.namespace == key.namespace);
            if !fits {
                continue;
            }
            ignored.pointers.extend(rule.json_pointers.iter().cloned());
            let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
            for entry in entries.into_iter().flatten() {
                let manager = entry["manager"].as_str().unwrap_or_default();
                if rule.managed_fields_managers.iter().any(|it| it == manager) {
                    ignored.managed.push(entry["fieldsV1"].clone());
                }
            }
        }
        ignored
    }

    pub(crate) fn remove_from(&self, object: &mut Value) {
        for pointer in &self.pointers {
            remove_pointer(object, pointer);
        }
        for fields in &self.managed {
            remove_owned(object, fields);
        }
    }
}

fn remove_pointer(object: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else {
        return;
    };
    let last = last.replace("~1", "/").replace("~0", "~");
    match object.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.shift_remove(&last);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse::<usize>().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// Removes the leaves of a `fieldsV1` set.
fn remove_owned(value: &mut Value, owned: &Value) {
    let Some(entries) = owned.as_object() else { return };
    for (path, below) in entries {
        let leaf = below.as_object().is_none_or(serde_json::Map::is_empty);
        if let (Some(name), Value::Object(fields)) = (path.strip_prefix("f:"), &mut *value) {
            if leaf {
                fields.shift_remove(name);
            } else if let Some(field) = fields.get_mut(name) {
                remove_owned(field, below);
            }
        } else if let (Some(key), Value::Array(items)) = (path.strip_prefix("k:"), &mut *value) {
            let Ok(Value::Object(key)) = serde_json::from_str(key) else {
                continue;
            };
            let is_it = |item: &Value| key.iter().all(|(name, wanted)| item.get(name) == Some(wanted));
            if leaf {
                items.retain(|item| !is_it(item));
            } else if let Some(item) = items.iter_mut().find(|item| is_it(item)) {
                remove_owned(item, below);
            }
        } else if let (Some(member), Value::Array(items)) = (path.strip_prefix("v:"), &mut *value) {
            let member = serde_json::from_str(member).unwrap_or(Value::Null);
            items.retain(|item| *item != member);
        }
    }
}
