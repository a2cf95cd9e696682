//! Server-side apply that writes only when there is something to write.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use pave_names::annotation;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::error::ReconcileError;

/// Remembers what was applied last, to tell a repetition from a change. It may forget: then one more apply is made.
#[derive(Default)]
pub(crate) struct Applier {
    applied: Mutex<HashMap<String, u64>>,
}

/// What an apply did.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Applied {
    /// Nothing: everything was as wanted.
    Unchanged,
    /// It wrote something new.
    Written(Value),
    /// Somebody had changed these fields; they were put back.
    Corrected(Value, Vec<String>),
}

impl Applier {
    /// Applies `object` unless the same was applied before and `current` still has all of it.
    pub(crate) async fn apply(
        &self,
        cluster: &Cluster,
        slot: &str,
        object: &Value,
        current: Option<&Value>,
        manager: &str,
        status: bool,
    ) -> Result<Applied, ReconcileError> {
        let hash = hash(object);
        let same = self.lock().get(slot) == Some(&hash);
        if same && current.is_some_and(|current| contains(current, object)) {
            return Ok(Applied::Unchanged);
        }
        let result = if status {
            pave_kube::apply_status(&cluster.kinds, object, manager).await?
        } else {
            pave_kube::apply(&cluster.kinds, object, manager, false).await?
        };
        self.lock().insert(slot.to_owned(), hash);
        let drift = current
            .filter(|_| same)
            .map(|current| differences(current, object))
            .unwrap_or_default();
        Ok(if drift.is_empty() {
            Applied::Written(result)
        } else {
            Applied::Corrected(result, drift)
        })
    }

    /// Forgets everything about an object.
    pub(crate) fn forget(&self, prefix: &str) {
        self.lock().retain(|slot, _| !slot.starts_with(prefix));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, u64>> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(object: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    object.to_string().hash(&mut hasher);
    hasher.finish()
}

/// Whether `current` has everything that `wanted` has. More is allowed in objects, not in arrays of scalars.
pub(crate) fn contains(current: &Value, wanted: &Value) -> bool {
    match (current, wanted) {
        (Value::Object(current), Value::Object(wanted)) => wanted.iter().all(|(key, value)| {
            current
                .get(key)
                .map_or(value.is_null(), |current| contains(current, value))
        }),
        (Value::Array(current), Value::Array(wanted)) if is_keyed(wanted) => wanted
            .iter()
            .all(|item| current.iter().any(|current| contains(current, item))),
        (Value::Array(current), Value::Array(wanted)) => {
            current.len() == wanted.len()
                && current
                    .iter()
                    .zip(wanted)
                    .all(|(left, right)| contains(left, right))
        }
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (current, wanted) => current == wanted,
    }
}

/// Lists that others may add to: conditions and owner references.
fn is_keyed(items: &[Value]) -> bool {
    !items.is_empty()
        && items
            .iter()
            .all(|it| it.get("lastTransitionTime").is_some() || it.get("blockOwnerDeletion").is_some())
}

/// Fields in which `current` differs from what is wanted; a difference in the road alone is none.
fn differences(current: &Value, wanted: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(Some(current), wanted, String::new(), &mut found);
    found
}

fn collect(current: Option<&Value>, wanted: &Value, path: String, found: &mut Vec<String>) {
    match (current, wanted) {
        (Some(Value::Object(current)), Value::Object(wanted)) => {
            for (key, value) in wanted {
                if [annotation::ROAD, annotation::REQUESTED_BY].contains(&key.as_str()) {
                    continue;
                }
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                collect(current.get(key), value, path, found);
            }
        }
        (Some(current), wanted) if contains(current, wanted) => {}
        _ => found.push(path),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn more_than_wanted_is_no_difference() {
        let check = |current: Value, wanted: Value, expected: &[&str]| {
            assert_eq!(differences(&current, &wanted), expected, "{current} {wanted}");
            assert_eq!(contains(&current, &wanted), expected.is_empty());
        };
        check(
            json!({"spec": {"a": 1, "default": true}}),
            json!({"spec": {"a": 1.0}}),
            &[],
        );
        check(
            json!({"spec": {"a": 2}}),
            json!({"spec": {"a": 1, "b": {"c": 1}}}),
            &["spec.a", "spec.b"],
        );
        check(json!({"l": ["a", "b"]}), json!({"l": ["a"]}), &["l"]);
        check(
            json!({"l": [{"type": "B", "lastTransitionTime": "t"}, {"type": "A", "lastTransitionTime": "t"}]}),
            json!({"l": [{"type": "A", "lastTransitionTime": "t"}]}),
            &[],
        );
        let road = json!({"metadata": {"annotations": {"pave.dev/road": "new"}}});
        assert!(
            differences(
                &json!({"metadata": {"annotations": {"pave.dev/road": "old"}}}),
                &road
            )
            .is_empty()
        );
    }
}
