//! Revisions of Compositions: their hash, their name, and which one is the newest.

use pave_names::annotation;
use serde_json::{Map, Value, json};

use crate::hash::sha256_hex;
use crate::keys::{GROUP, LABEL_COMPOSITION_HASH, LABEL_COMPOSITION_NAME};

/// What has to be done so that a Composition has its revision.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// The newest revision is the right one.
    Nothing,
    /// A revision has to be made.
    Create(Value),
    /// An old content came back: its revision becomes the newest.
    Raise {
        /// Name of the revision.
        name: String,
        /// Its new number.
        revision: i64,
    },
}

/// Hash of what makes two contents different: labels, annotations and spec.
///
/// Upstream hashes Go's YAML rendering; ours is over JSON with sorted keys. Annotations that only tell where the
/// object came from are left out, else every commit would make a revision.
#[must_use]
pub fn hash(composition: &Value) -> String {
    let part = |pointer: &str| composition.pointer(pointer).cloned().unwrap_or(Value::Null);
    let content = json!([
        part("/metadata/labels"),
        own_annotations(composition),
        part("/spec")
    ]);
    sha256_hex(sorted(&content).to_string().as_bytes())
}

/// The annotations of a Composition without those by which a request is followed.
fn own_annotations(composition: &Value) -> Map<String, Value> {
    let annotations = composition
        .pointer("/metadata/annotations")
        .and_then(Value::as_object);
    let passing = |key: &str| {
        [annotation::ROAD, annotation::SOURCE, annotation::REQUESTED_BY].contains(&key)
            || key == "kubectl.kubernetes.io/last-applied-configuration"
    };
    let annotations = annotations.into_iter().flatten().filter(|(key, _)| !passing(key));
    annotations
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|left, right| left.0.cmp(right.0));
            Value::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// `<composition>-<first 7 hex of hash>`.
#[must_use]
pub fn name(composition_name: &str, hash: &str) -> String {
    format!("{composition_name}-{}", &hash[..hash.len().min(7)])
}

/// Number of a revision.
#[must_use]
pub fn number(revision: &Value) -> i64 {
    revision
        .pointer("/spec/revision")
        .and_then(Value::as_i64)
        .unwrap_or(0)
}

/// What has to be done, given the revisions that belong to the Composition.
#[must_use]
pub fn plan(composition: &Value, revisions: &[Value]) -> Plan {
    let hash = hash(composition);
    let composition_name = composition
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let name = name(composition_name, &hash);
    let latest = revisions.iter().map(number).max().unwrap_or(0);
    let existing = revisions
        .iter()
        .find(|it| it.pointer("/metadata/name").and_then(Value::as_str) == Some(&name));
    match existing {
        Some(existing) if number(existing) == latest => Plan::Nothing,
        Some(_) => Plan::Raise {
            name,
            revision: latest + 1,
        },
        None => Plan::Create(build(composition, composition_name, &name, &hash, latest + 1)),
    }
}

fn build(composition: &Value, composition_name: &str, name: &str, hash: &str, revision: i64) -> Value {
    let mut labels = composition
        .pointer("/metadata/labels")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    labels.insert(LABEL_COMPOSITION_NAME.to_owned(), json!(composition_name));
    labels.insert(
        LABEL_COMPOSITION_HASH.to_owned(),
        json!(&hash[..hash.len().min(63)]),
    );
    let mut spec = composition.get("spec").cloned().unwrap_or_else(|| json!({}));
    spec["revision"] = json!(revision);
    json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": "CompositionRevision",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": own_annotations(composition),
            "ownerReferences": [{
                "apiVersion": format!("{GROUP}/v1"),
                "kind": "Composition",
                "name": composition_name,
                "uid": composition.pointer("/metadata/uid").cloned().unwrap_or_else(|| json!("")),
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composition(value: i64) -> Value {
        json!({"metadata": {"name": "c", "uid": "u", "labels": {"env": "dev"}}, "spec": {"x": value, "mode": "Resources"}})
    }

    #[test]
    fn a_change_makes_a_revision_and_a_revert_raises_the_old_one() {
        let Plan::Create(first) = plan(&composition(1), &[]) else {
            panic!("nothing made")
        };
        assert_eq!(number(&first), 1);
        assert_eq!(first["metadata"]["labels"]["env"], "dev");
        let Plan::Create(second) = plan(&composition(2), std::slice::from_ref(&first)) else {
            panic!("nothing made")
        };
        assert_eq!(number(&second), 2);
        let both = [first.clone(), second];
        assert_eq!(plan(&composition(2), &both), Plan::Nothing);
        let name = first["metadata"]["name"].as_str().unwrap().to_owned();
        assert_eq!(plan(&composition(1), &both), Plan::Raise { name, revision: 3 });
    }

    #[test]
    fn the_hash_is_of_the_content_only() {
        let mut moved = json!({"spec": {"mode": "Resources", "x": 1}, "metadata": {"uid": "other", "labels": {"env": "dev"},
            "annotations": {"pave.dev/road": "r"}}});
        assert_eq!(hash(&moved), hash(&composition(1)));
        moved["metadata"]["annotations"]["note"] = json!("x");
        assert_ne!(hash(&moved), hash(&composition(1)));
    }
}
