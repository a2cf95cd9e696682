//! Who owns which fields: the seam to `pave_schema`.

use pave_runtime::clock;
use pave_schema::apply::{Update, Writer, track_update};
use serde_json::Value;

use super::Call;

/// Records the fields of a create or update in `new`.
pub(super) fn track(call: &Call, old: Option<&Value>, new: &mut Value) {
    let now = clock::rfc3339();
    let name = call.manager();
    let writer = writer(call, &name, &now);
    let managed = track_update(&Update {
        schema: call.resource.schema(),
        live: old,
        new,
        writer,
    });
    managed.write_to(new);
}

/// The same where the request may have brought `managedFields` of its own.
pub(super) fn track_sent(call: &Call, old: &Value, new: &mut Value, sent: &Value) {
    if let Some(metadata) = new["metadata"].as_object_mut() {
        metadata.shift_remove("managedFields");
        if !sent.is_null() {
            metadata.insert("managedFields".to_owned(), sent.clone());
        }
    }
    track(call, Some(old), new);
}

pub(super) fn set(new: &mut Value, managed: Value) {
    if let Some(metadata) = new["metadata"].as_object_mut() {
        match managed {
            Value::Null => metadata.shift_remove("managedFields"),
            managed => metadata.insert("managedFields".to_owned(), managed),
        };
    }
}

pub(super) fn writer<'a>(call: &'a Call, manager: &'a str, now: &'a str) -> Writer<'a> {
    Writer {
        manager,
        api_version: &call.resource.stored_api_version,
        subresource: &call.target.subresource,
        now,
        has_status: call.resource.traits.has_status,
    }
}

/// Whether nothing differs: such a write makes no revision and no event.
pub(super) fn is_unchanged(old: &Value, new: &Value) -> bool {
    old == new
}
