//! What the Rust types do not say of the built-ins: how lists and maps merge.

use serde_json::{Map, Value, json};

/// `(definition suffix, property, list keys, patch key)`: associative lists.
const LIST_MAPS: &[(&str, &str, &[&str], &str)] = &[
    ("ObjectMeta", "ownerReferences", &["uid"], "uid"),
    ("ServiceAccount", "secrets", &["name"], "name"),
    ("core.v1.ServiceSpec", "ports", &["port", "protocol"], "port"),
    ("core.v1.PodSpec", "containers", &["name"], "name"),
    ("core.v1.PodSpec", "initContainers", &["name"], "name"),
    ("core.v1.PodSpec", "ephemeralContainers", &["name"], "name"),
    ("core.v1.PodSpec", "imagePullSecrets", &["name"], "name"),
    ("core.v1.PodSpec", "volumes", &["name"], "name"),
    ("core.v1.PodSpec", "hostAliases", &["ip"], "ip"),
    (
        "core.v1.PodSpec",
        "topologySpreadConstraints",
        &["topologyKey", "whenUnsatisfiable"],
        "topologyKey",
    ),
    (
        "core.v1.Container",
        "ports",
        &["containerPort", "protocol"],
        "containerPort",
    ),
    ("core.v1.Container", "env", &["name"], "name"),
    ("core.v1.Container", "volumeMounts", &["mountPath"], "mountPath"),
    (
        "core.v1.Container",
        "volumeDevices",
        &["devicePath"],
        "devicePath",
    ),
    ("WebhookConfiguration", "webhooks", &["name"], "name"),
    ("ValidatingWebhook", "matchConditions", &["name"], "name"),
    ("MutatingWebhook", "matchConditions", &["name"], "name"),
    ("CustomResourceDefinitionStatus", "conditions", &["type"], "type"),
];

/// Lists of scalars that merge.
const LIST_SETS: &[(&str, &str)] = &[("ObjectMeta", "finalizers")];

/// Objects that are replaced whole.
const ATOMIC_MAPS: &[&str] = &[
    "v1.LabelSelector",
    "v1.ObjectReference",
    "v1.LocalObjectReference",
    "v1.TypedLocalObjectReference",
    "v1.RoleRef",
    "v1.Subject",
    "v1.SecretKeySelector",
    "v1.ConfigMapKeySelector",
    "v1.ResourceFieldSelector",
    "v1.ObjectFieldSelector",
    "v1.NodeSelector",
];

/// Adds merge rules, and drops what the Rust types demand although the wire does not.
pub(super) fn annotate(name: &str, schema: &mut Map<String, Value>) {
    if ATOMIC_MAPS.iter().any(|suffix| name.ends_with(suffix)) {
        schema.insert("x-kubernetes-map-type".to_owned(), json!("atomic"));
    }
    if name.ends_with(".core.v1.ServiceSpec") {
        set(schema, "selector", "x-kubernetes-map-type", json!("atomic"));
    }
    for (suffix, property, keys, patch_key) in LIST_MAPS {
        if name.ends_with(suffix) {
            set(schema, property, "x-kubernetes-list-type", json!("map"));
            set(schema, property, "x-kubernetes-list-map-keys", json!(keys));
            set(schema, property, "x-kubernetes-patch-merge-key", json!(patch_key));
            set(schema, property, "x-kubernetes-patch-strategy", json!("merge"));
        }
    }
    for (suffix, property) in LIST_SETS {
        if name.ends_with(suffix) {
            set(schema, property, "x-kubernetes-list-type", json!("set"));
            set(schema, property, "x-kubernetes-patch-strategy", json!("merge"));
        }
    }
    if name.ends_with("Status") && !name.ends_with("PodStatus") {
        mark_conditions(schema);
    }
    if name.ends_with(".core.v1.ServicePort") || name.ends_with(".core.v1.ContainerPort") {
        set(schema, "protocol", "default", json!("TCP"));
    }
    if name.ends_with("core.v1.PodSpec") {
        set(
            schema,
            "volumes",
            "x-kubernetes-patch-strategy",
            json!("merge,retainKeys"),
        );
    }
    if name.ends_with("apps.v1.DeploymentSpec") {
        set(
            schema,
            "strategy",
            "x-kubernetes-patch-strategy",
            json!("retainKeys"),
        );
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name != "metadata");
        if required.is_empty() {
            schema.remove("required");
        }
    }
}

fn mark_conditions(schema: &mut Map<String, Value>) {
    let is_list = schema
        .get("properties")
        .is_some_and(|properties| properties["conditions"]["type"] == "array");
    if is_list {
        set(schema, "conditions", "x-kubernetes-list-type", json!("map"));
        set(
            schema,
            "conditions",
            "x-kubernetes-list-map-keys",
            json!(["type"]),
        );
        set(
            schema,
            "conditions",
            "x-kubernetes-patch-merge-key",
            json!("type"),
        );
        set(
            schema,
            "conditions",
            "x-kubernetes-patch-strategy",
            json!("merge"),
        );
    }
}

fn set(schema: &mut Map<String, Value>, property: &str, key: &str, value: Value) {
    if let Some(Value::Object(property)) = schema
        .get_mut("properties")
        .and_then(|properties| properties.get_mut(property))
    {
        property.insert(key.to_owned(), value);
    }
}

/// Definitions that hold anything: the Rust types call them objects.
pub(super) fn is_opaque(name: &str) -> bool {
    const OPAQUE: &[&str] = &[
        "apiextensions.v1.JSON",
        "JSONSchemaPropsOrArray",
        "JSONSchemaPropsOrBool",
        "JSONSchemaPropsOrStringArray",
        "apiextensions.v1.JSONSchemaProps",
        "runtime.RawExtension",
        "meta.v1.FieldsV1",
    ];
    OPAQUE.iter().any(|suffix| name.ends_with(suffix))
}
