//! The schema of `metadata`, the same for every object.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{Schema, parse};

/// `ObjectMeta` of Kubernetes 1.36, with the keys by which apply and strategic merge match its lists.
pub(super) fn object_meta() -> Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
        let document = openapi();
        parse::document(&document, &document, false).0
    });
    SCHEMA.clone()
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn openapi() -> Value {
    let labels = |description: &str| json!({ "type": "object", "description": description, "additionalProperties": { "type": "string" } });
    json!({
        "type": "object",
        "description": "Standard object's metadata.",
        "properties": {
            "name": text("Name, unique within a namespace and kind; it cannot be changed."),
            "generateName": text("Prefix from which the server makes a unique name when `name` is empty."),
            "namespace": text("Namespace in which the name must be unique."),
            "selfLink": text("Legacy field that the server no longer fills."),
            "uid": text("Identity of this object in time and space, given by the server."),
            "resourceVersion": text("Opaque version of the stored object, for optimistic concurrency and watches."),
            "generation": { "type": "integer", "format": "int64", "description": "Number of the desired state." },
            "creationTimestamp": { "type": "string", "format": "date-time", "description": "When the object was created." },
            "deletionTimestamp": { "type": "string", "format": "date-time", "description": "When deletion was asked for." },
            "deletionGracePeriodSeconds": { "type": "integer", "format": "int64", "description": "Seconds to terminate." },
            "labels": labels("Keys and values that organize and select objects."),
            "annotations": labels("Free keys and values kept with the object."),
            "finalizers": {
                "type": "array", "description": "Must be empty before the object is removed.",
                "items": { "type": "string" },
                "x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"
            },
            "ownerReferences": owner_references(),
            "managedFields": {
                "type": "array", "description": "Which manager owns which fields.",
                "items": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                "x-kubernetes-list-type": "atomic"
            }
        }
    })
}

fn owner_references() -> Value {
    json!({
        "type": "array", "description": "Objects that this one depends on.",
        "items": {
            "type": "object", "required": ["apiVersion", "kind", "name", "uid"],
            "x-kubernetes-map-type": "atomic",
            "properties": {
                "apiVersion": text("API version of the owner."),
                "kind": text("Kind of the owner."),
                "name": text("Name of the owner."),
                "uid": text("Identity of the owner."),
                "controller": { "type": "boolean", "description": "Whether the owner is the managing controller." },
                "blockOwnerDeletion": { "type": "boolean", "description": "Whether the owner waits for this object." }
            }
        },
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"],
        "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "uid"
    })
}
