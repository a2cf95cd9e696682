//! Rewrites objects between the version they are stored in and the one a request speaks.
//!
//! Versions of a custom kind differ in `apiVersion` only (conversion `None`). Events are stored as `v1` and seen as
//! `events.k8s.io/v1` through other field names.

use serde_json::{Value, json};

use super::Resource;

/// `(v1, events.k8s.io/v1)`.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// The stored object as this version shows it.
pub(crate) fn to_served(resource: &Resource, value: &mut Value) {
    if resource.serves_stored() {
        return;
    }
    if resource.group == "events.k8s.io" {
        rename(value, |(stored, served)| (stored, served));
    }
    value["apiVersion"] = json!(resource.api_version());
}

/// An object written in this version as it is stored.
pub(crate) fn to_stored(resource: &Resource, value: &mut Value) {
    if resource.serves_stored() {
        return;
    }
    if resource.group == "events.k8s.io" {
        rename(value, |(stored, served)| (served, stored));
    }
    value["apiVersion"] = json!(resource.stored_api_version);
}

fn rename(value: &mut Value, direction: fn((&'static str, &'static str)) -> (&'static str, &'static str)) {
    let Some(object) = value.as_object_mut() else {
        return;
    };
    for pair in EVENT_FIELDS {
        let (from, to) = direction(*pair);
        if let Some(field) = object.shift_remove(from) {
            object.insert(to.to_owned(), field);
        }
    }
}
