//! What the server keeps of an object whatever a writer sends.

use serde_json::{Map, Value};

use crate::http::failure::Failure;
use crate::resource::Resource;
use crate::storage::Object;

/// Whether anything still holds the object.
pub(super) fn has_finalizers(value: &Value) -> bool {
    value["metadata"]["finalizers"]
        .as_array()
        .is_some_and(|finalizers| !finalizers.is_empty())
}

/// Gives back what a writer may not change.
pub(super) fn restore(resource: &Resource, subresource: &str, old: &Value, new: &mut Value) {
    if subresource == "status" {
        let status = new["status"].take();
        *new = old.clone();
        new["status"] = status;
        if new["status"].is_null()
            && let Some(object) = new.as_object_mut()
        {
            object.shift_remove("status");
        }
        return;
    }
    if resource.traits.has_status
        && let Some(object) = new.as_object_mut()
    {
        match old.get("status") {
            Some(status) => object.insert("status".to_owned(), status.clone()),
            None => object.shift_remove("status"),
        };
    }
    let empty = Map::new();
    let kept = old["metadata"].as_object().unwrap_or(&empty);
    let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    metadata.shift_remove("selfLink");
    metadata.shift_remove("managedFields");
    for key in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    ] {
        match kept.get(key) {
            Some(value) => metadata.insert(key.to_owned(), value.clone()),
            None => metadata.shift_remove(key),
        };
    }
}

pub(super) fn check_finalizers(resource: &Resource, current: &Object, new: &Value) -> Result<(), Failure> {
    if !current.is_terminating() {
        return Ok(());
    }
    let had: Vec<&str> = current.finalizers().collect();
    let added: Vec<String> = new["metadata"]["finalizers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|finalizer| !had.contains(finalizer))
        .map(|finalizer| format!("\"{finalizer}\""))
        .collect();
    if added.is_empty() {
        return Ok(());
    }
    let why = format!(
        "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        added.join(", ")
    );
    Err(Failure::invalid_field(
        resource,
        &current.name.name,
        "metadata.finalizers",
        "FieldValueForbidden",
        &why,
    ))
}

/// Whether anything outside metadata and status differs.
pub(super) fn changes_generation(resource: &Resource, old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else {
        return true;
    };
    let counts = |key: &str| key != "metadata" && !(key == "status" && resource.traits.has_status);
    let differs = |left: &Map<String, Value>, right: &Map<String, Value>| {
        left.iter()
            .any(|(key, value)| counts(key) && right.get(key) != Some(value))
    };
    differs(old, new) || differs(new, old)
}
