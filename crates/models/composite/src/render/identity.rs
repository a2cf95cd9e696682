use pave_names::annotation;
use serde_json::{Value, json};

use crate::composition::Template;
use crate::hash::sha256_hex;
use crate::keys::{LABEL_CLAIM_NAME, LABEL_CLAIM_NAMESPACE, LABEL_COMPOSITE, RESOURCE_NAME};

/// Longest name that is made up: it also has to fit a label value.
const LONGEST_NAME: usize = 63;

/// What `resourceRefs` says of one composed resource. The order is upstream's.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// `apiVersion`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name; empty if it has none yet.
    pub name: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
}

impl Reference {
    /// The reference to an object.
    #[must_use]
    pub fn to(object: &Value) -> Self {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Self {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            name: text("/metadata/name"),
            namespace: text("/metadata/namespace"),
        }
    }

    /// Reads one entry of `resourceRefs`.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        let text = |name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Self {
            api_version: text("apiVersion"),
            kind: text("kind"),
            name: text("name"),
            namespace: text("namespace"),
        }
    }

    /// One entry of `resourceRefs`; `namespaced` composite resources leave the namespace out.
    #[must_use]
    pub fn to_value(&self, namespaced: bool) -> Value {
        let mut value = json!({"apiVersion": self.api_version, "kind": self.kind, "name": self.name});
        if !namespaced && !self.namespace.is_empty() {
            value["namespace"] = json!(self.namespace);
        }
        value
    }
}

/// Name prefix of composed resources: the composite resource at the root of the tree.
#[must_use]
pub fn prefix(composite: &Value) -> &str {
    let label = composite
        .pointer("/metadata/labels")
        .and_then(|it| it.get(LABEL_COMPOSITE))
        .and_then(Value::as_str);
    label
        .or_else(|| composite.pointer("/metadata/name").and_then(Value::as_str))
        .unwrap_or_default()
}

/// As Crossplane 2.x: prefix, then 12 hex digits from the owner's UID and the name of the template.
///
/// The same input yields the same name, so a restart between naming and creating makes no second object.
#[must_use]
pub fn deterministic_name(prefix: &str, owner_uid: &str, resource_name: &str) -> String {
    let hash = sha256_hex(format!("{owner_uid}{resource_name}").as_bytes());
    let prefix: String = format!("{prefix}-").chars().take(LONGEST_NAME - 12).collect();
    format!("{prefix}{}", &hash[..12])
}

/// Copies the observed name in, before patches run: they may use it.
pub(super) fn adopt(object: &mut Value, observed: Option<&Value>) {
    let Some(observed) = observed else { return };
    for key in ["name", "namespace", "generateName"] {
        if let Some(value) = observed.pointer(&format!("/metadata/{key}")) {
            set(object, key, value.clone());
        }
    }
}

/// Names, labels, annotations and owner of a composed resource. Returns whether the name was made up.
pub(super) fn complete(
    object: &mut Value,
    composite: &Value,
    template: &Template,
    observed: Option<&Value>,
) -> bool {
    adopt(object, observed);
    if let Some(namespace) = composite.pointer("/metadata/namespace") {
        set(object, "namespace", namespace.clone());
    }
    let text = |pointer: &str| {
        composite
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let prefix = prefix(composite);
    let named = object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .is_some_and(|name| !name.is_empty());
    if !named {
        set(object, "generateName", json!(format!("{prefix}-")));
        set(
            object,
            "name",
            json!(deterministic_name(prefix, text("/metadata/uid"), &template.name)),
        );
    }
    label(object, "labels", LABEL_COMPOSITE, prefix);
    let labels = composite.pointer("/metadata/labels");
    for (key, reference) in [(LABEL_CLAIM_NAME, "name"), (LABEL_CLAIM_NAMESPACE, "namespace")] {
        let from_reference = composite
            .pointer(&format!("/spec/claimRef/{reference}"))
            .and_then(Value::as_str);
        let value = from_reference.or_else(|| labels.and_then(|it| it.get(key)).and_then(Value::as_str));
        if let Some(value) = value {
            label(object, "labels", key, value);
        }
    }
    label(object, "annotations", RESOURCE_NAME, &template.name);
    for key in [annotation::ROAD, annotation::REQUESTED_BY] {
        let value = composite
            .pointer("/metadata/annotations")
            .and_then(|it| it.get(key))
            .and_then(Value::as_str);
        if let Some(value) = value {
            label(object, "annotations", key, value);
        }
    }
    let owner = json!([{
        "apiVersion": text("/apiVersion"),
        "kind": text("/kind"),
        "name": text("/metadata/name"),
        "uid": text("/metadata/uid"),
        "controller": true,
        "blockOwnerDeletion": true,
    }]);
    set(object, "ownerReferences", owner);
    !named
}

fn set(object: &mut Value, key: &str, value: Value) {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    object["metadata"][key] = value;
}

fn label(object: &mut Value, map: &str, key: &str, value: &str) {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if !object["metadata"][map].is_object() {
        object["metadata"][map] = json!({});
    }
    object["metadata"][map][key] = json!(value);
}
