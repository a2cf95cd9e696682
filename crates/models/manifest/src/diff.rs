//! Whether a live object is what Git says.
//!
//! The prediction is what a server-side apply would make of the live object: ask the server with a dry run, or, where
//! no server is at hand, [`predict`] it. [`compare`] then looks for differences that count.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use pave_names::annotation;
use serde_json::{Map, Value};

use crate::application::IgnoreDifference;
use crate::ignore::Ignored;
use crate::merge::strip_nulls;

/// Annotation in which `kubectl apply` keeps what it sent last.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Metadata that the server writes, and that is never a difference.
const SERVER_METADATA: [&str; 6] = [
    "creationTimestamp",
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "selfLink",
];

/// Annotations in which a difference alone is not drift.
const UNCOUNTED_ANNOTATIONS: [&str; 4] = [
    annotation::ROAD,
    annotation::SOURCE,
    annotation::REQUESTED_BY,
    LAST_APPLIED,
];

/// A field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDifference {
    /// JSON pointer.
    pub pointer: String,
    /// What the cluster has; nothing if it lacks the field.
    pub live: Option<Value>,
    /// What Git wants; nothing if the field should not be there.
    pub desired: Option<Value>,
}

impl fmt::Display for FieldDifference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self
            .pointer
            .trim_start_matches('/')
            .replace('/', ".")
            .replace("~1", "/")
            .replace("~0", "~");
        match (&self.live, &self.desired) {
            (Some(live), Some(desired)) => {
                write!(
                    formatter,
                    "`{path}` is {}, Git says {}",
                    brief(live),
                    brief(desired)
                )
            }
            (None, Some(desired)) => write!(formatter, "`{path}` is missing, Git says {}", brief(desired)),
            (Some(live), None) => write!(formatter, "`{path}` is {}, Git has no such field", brief(live)),
            (None, None) => write!(formatter, "`{path}` differs"),
        }
    }
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        text
    } else {
        format!("{}…", text.chars().take(60).collect::<String>())
    }
}

/// Finds the fields in which the prediction differs from the live object, ignoring what does not count.
///
/// Values of Secrets are replaced by marks, so that the result may be shown.
#[must_use]
pub fn compare(predicted: &Value, live: &Value, rules: &[IgnoreDifference]) -> Vec<FieldDifference> {
    let ignored = Ignored::for_object(live, rules);
    let (mut desired, mut found) = (normalised(predicted), normalised(live));
    ignored.remove_from(&mut desired);
    ignored.remove_from(&mut found);
    let mut differences = Vec::new();
    walk(&mut String::new(), Some(&found), Some(&desired), &mut differences);
    if live["kind"] == "Secret" {
        differences.iter_mut().for_each(mask);
    }
    differences
}

fn mask(difference: &mut FieldDifference) {
    if difference.pointer.starts_with("/data") || difference.pointer.starts_with("/stringData") {
        difference.live = difference.live.take().map(|_| Value::String("+++++".to_owned()));
        difference.desired = difference
            .desired
            .take()
            .map(|_| Value::String("++++++++".to_owned()));
    }
}

/// An object without what the server writes and what Pave stamps.
#[must_use]
pub fn normalised(object: &Value) -> Value {
    let mut object = object.clone();
    fold_string_data(&mut object);
    strip_nulls(&mut object);
    let Some(fields) = object.as_object_mut() else {
        return object;
    };
    fields.shift_remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in SERVER_METADATA {
            metadata.shift_remove(key);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !UNCOUNTED_ANNOTATIONS.contains(&key.as_str()));
        }
        metadata.retain(|_, value| value.as_object().is_none_or(|it| !it.is_empty()));
    }
    object
}

/// Secrets are written with `stringData` and stored as base64 `data`.
fn fold_string_data(object: &mut Value) {
    if object["kind"] != "Secret" || object["apiVersion"] != "v1" {
        return;
    }
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    let Some(Value::Object(plain)) = fields.shift_remove("stringData") else {
        return;
    };
    let data = fields.entry("data").or_insert_with(|| Value::Object(Map::new()));
    for (key, value) in plain {
        let text = value.as_str().unwrap_or_default();
        data[key] = Value::String(base64::engine::general_purpose::STANDARD.encode(text));
    }
}

fn walk(
    pointer: &mut String,
    live: Option<&Value>,
    desired: Option<&Value>,
    found: &mut Vec<FieldDifference>,
) {
    if live == desired {
        return;
    }
    let length = pointer.len();
    match (live, desired) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
            for key in keys {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                walk(pointer, left.get(key), right.get(key), found);
                pointer.truncate(length);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                walk(pointer, Some(left), Some(right), found);
                pointer.truncate(length);
            }
        }
        // `1` and `1.0` are one number to the API.
        (Some(Value::Number(left)), Some(Value::Number(right))) if left.as_f64() == right.as_f64() => {}
        _ => found.push(FieldDifference {
            pointer: pointer.clone(),
            live: live.cloned(),
            desired: desired.cloned(),
        }),
    }
}

/// What applying a target would make of a live object, without asking the server.
///
/// Three-way as `kubectl apply`: fields of the last applied object that the target lacks are removed, the target's
/// fields are set, everything else stays. Lists are atomic unless they have the same length, so that fields a server
/// defaulted inside their items do not count.
#[must_use]
pub fn predict(target: &Value, live: &Value) -> Value {
    let original = crate::annotation(live, LAST_APPLIED)
        .and_then(|text| serde_json::from_str::<Value>(text).ok())
        .unwrap_or_else(|| target.clone());
    let mut folded = target.clone();
    fold_string_data(&mut folded);
    let mut predicted = live.clone();
    three_way(&mut predicted, &original, &folded);
    predicted
}

fn three_way(live: &mut Value, original: &Value, target: &Value) {
    match (&mut *live, target) {
        (Value::Object(fields), Value::Object(wanted)) => {
            if let Value::Object(before) = original {
                for key in before.keys().filter(|key| !wanted.contains_key(*key)) {
                    fields.shift_remove(key);
                }
            }
            for (key, value) in wanted {
                let original = original.get(key).unwrap_or(&Value::Null);
                three_way(fields.entry(key.clone()).or_insert(Value::Null), original, value);
            }
        }
        (Value::Array(items), Value::Array(wanted)) if items.len() == wanted.len() => {
            for (index, (item, value)) in items.iter_mut().zip(wanted).enumerate() {
                three_way(item, original.get(index).unwrap_or(&Value::Null), value);
            }
        }
        _ => *live = target.clone(),
    }
}

#[cfg(test)]
mod tests;
