//! How a claim and its composite resource are kept in step.

use serde_json::{Map, Value, json};

use crate::hash::sha256_hex;
use crate::keys::{EXTERNAL_NAME, LABEL_CLAIM_NAME, LABEL_CLAIM_NAMESPACE};
use crate::render::Reference;
use crate::xrd::Definition;

/// Longest base of a made-up name: 63 without the random part.
const LONGEST_BASE: usize = 58;

/// The alphabet of Kubernetes' own name generator: no vowels, nothing easily confused.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Spec fields of a claim that are not passed on.
const NOT_PASSED: [&str; 5] = [
    "resourceRef",
    "resourceRefs",
    "claimRef",
    "writeConnectionSecretToRef",
    "compositeDeletePolicy",
];

/// Fields of a composite resource's status that a claim has for itself.
const OWN_STATUS: [&str; 3] = ["conditions", "connectionDetails", "claimConditionTypes"];

/// The composite resource that a claim points at.
#[must_use]
pub fn composite_name(claim: &Value) -> Option<&str> {
    claim
        .pointer("/spec/resourceRef/name")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
}

/// A name for the composite resource: `<claim>-xxxxx`.
///
/// Upstream takes five random characters; these follow from the claim's UID and the attempt, so that a restart
/// before the name was saved arrives at the same composite resource.
#[must_use]
pub fn propose_name(claim: &Value, attempt: u32) -> String {
    let text = |pointer: &str| claim.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let seed = format!(
        "{}/{}/{}/{attempt}",
        text("/metadata/uid"),
        text("/metadata/namespace"),
        text("/metadata/name")
    );
    let base: String = format!("{}-", text("/metadata/name"))
        .chars()
        .take(LONGEST_BASE)
        .collect();
    let hash = sha256_hex(seed.as_bytes());
    let suffix: String = (0..5)
        .filter_map(|index| usize::from_str_radix(hash.get(index * 2..index * 2 + 2)?, 16).ok())
        .map(|byte| char::from(ALPHABET[byte % ALPHABET.len()]))
        .collect();
    format!("{base}{suffix}")
}

/// Why a claim may not use a composite resource: it belongs to another claim.
#[must_use]
pub fn bound_elsewhere(claim: &Value, composite: &Value) -> Option<String> {
    let reference = composite.pointer("/spec/claimRef").filter(|it| it.is_object())?;
    let text = |value: &Value, pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let same = text(reference, "/name") == text(claim, "/metadata/name")
        && text(reference, "/namespace") == text(claim, "/metadata/namespace")
        && text(reference, "/kind") == text(claim, "/kind");
    (!same).then(|| {
        format!(
            "refusing to operate on composite resource `{}` that is not bound to this claim: bound to claim `{}/{}`",
            text(composite, "/metadata/name"),
            text(reference, "/namespace"),
            text(reference, "/name"),
        )
    })
}

/// What a claim wants its composite resource to be, to be applied by the claim's field manager.
#[must_use]
pub fn desired_composite(claim: &Value, definition: &Definition, name: &str) -> Value {
    let mut spec = Map::new();
    let manual = policy(claim, definition) == "Manual";
    for (key, value) in claim.get("spec").and_then(Value::as_object).into_iter().flatten() {
        let passes = !NOT_PASSED.contains(&key.as_str()) && (key != "compositionRevisionRef" || manual);
        if passes && !value.is_null() {
            spec.insert(key.clone(), value.clone());
        }
    }
    let claim_text = |pointer: &str| claim.pointer(pointer).cloned().unwrap_or_else(|| json!(""));
    spec.insert(
        "claimRef".to_owned(),
        json!({
            "apiVersion": claim_text("/apiVersion"),
            "kind": claim_text("/kind"),
            "namespace": claim_text("/metadata/namespace"),
            "name": claim_text("/metadata/name"),
        }),
    );
    let mut labels = passed(claim, "labels");
    labels.insert(LABEL_CLAIM_NAME.to_owned(), claim_text("/metadata/name"));
    labels.insert(
        LABEL_CLAIM_NAMESPACE.to_owned(),
        claim_text("/metadata/namespace"),
    );
    let mut metadata = json!({"name": name, "labels": labels});
    let annotations = passed(claim, "annotations");
    if !annotations.is_empty() {
        metadata["annotations"] = Value::Object(annotations);
    }
    json!({
        "apiVersion": definition.api_version(),
        "kind": definition.names.kind,
        "metadata": metadata,
        "spec": spec,
    })
}

fn policy<'a>(claim: &'a Value, definition: &'a Definition) -> &'a str {
    let own = claim
        .pointer("/spec/compositionUpdatePolicy")
        .and_then(Value::as_str);
    own.unwrap_or(&definition.default_update_policy)
}

/// Labels or annotations, without those of Kubernetes itself.
fn passed(claim: &Value, map: &str) -> Map<String, Value> {
    let own = claim
        .get("metadata")
        .and_then(|it| it.get(map))
        .and_then(Value::as_object);
    let kubernetes = |key: &str| {
        let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
        prefix.ends_with("kubernetes.io") || prefix.ends_with("k8s.io")
    };
    let entries = own
        .into_iter()
        .flatten()
        .filter(|(key, _)| !kubernetes(key) && *key != crate::keys::PAUSED);
    entries.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The reference that a claim keeps to its composite resource.
#[must_use]
pub fn resource_ref(definition: &Definition, name: &str) -> Value {
    Reference {
        api_version: definition.api_version(),
        kind: definition.names.kind.clone(),
        name: name.to_owned(),
        namespace: String::new(),
    }
    .to_value(true)
}

/// What the claim takes over from its composite resource, as a merge patch; none if it has it all.
#[must_use]
pub fn late_initialize(claim: &Value, composite: &Value, definition: &Definition) -> Option<Value> {
    let mut spec = Map::new();
    let mut take = |key: &str, always: bool| {
        let theirs = composite
            .get("spec")
            .and_then(|it| it.get(key))
            .filter(|it| !it.is_null());
        let own = claim
            .get("spec")
            .and_then(|it| it.get(key))
            .filter(|it| !it.is_null());
        if let Some(theirs) = theirs
            && own != Some(theirs)
            && (always || own.is_none())
        {
            spec.insert(key.to_owned(), theirs.clone());
        }
    };
    take("compositionRef", definition.enforced_composition.is_some());
    take("compositionSelector", false);
    take("compositionUpdatePolicy", false);
    take("compositionRevisionSelector", false);
    if policy(claim, definition) == "Automatic" {
        take("compositionRevisionRef", true);
    }
    let mut patch = json!({});
    if !spec.is_empty() {
        patch["spec"] = Value::Object(spec);
    }
    let external = |object: &Value| {
        object
            .pointer("/metadata/annotations")
            .and_then(|it| it.get(EXTERNAL_NAME))
            .cloned()
    };
    if let Some(name) = external(composite)
        && external(claim).as_ref() != Some(&name)
    {
        patch["metadata"] = json!({"annotations": {EXTERNAL_NAME: name}});
    }
    patch
        .as_object()
        .is_some_and(|it| !it.is_empty())
        .then_some(patch)
}

/// The status fields that a claim shows of its composite resource; conditions only if they are meant for claims.
#[must_use]
pub fn status(composite: &Value) -> (Map<String, Value>, Vec<Value>) {
    let Some(status) = composite.get("status").and_then(Value::as_object) else {
        return (Map::new(), Vec::new());
    };
    let fields = status
        .iter()
        .filter(|(key, _)| !OWN_STATUS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let types = status
        .get("claimConditionTypes")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let conditions = status
        .get("conditions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let conditions = conditions
        .into_iter()
        .filter(|it| types.contains(&it["type"]))
        .collect();
    (fields, conditions)
}

/// Whether deletion waits until the composite resource and what it composed are gone.
#[must_use]
pub fn deletes_in_foreground(claim: &Value, definition: &Definition) -> bool {
    let own = claim
        .pointer("/spec/compositeDeletePolicy")
        .and_then(Value::as_str);
    own.unwrap_or(&definition.default_delete_policy) == "Foreground"
}

#[cfg(test)]
mod tests;
