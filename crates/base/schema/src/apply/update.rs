//! Ownership after writes other than apply.

use serde_json::{Map, Value};

use super::compare::{self, Changes};
use super::{Writer, ancient, bare};
use crate::fields::{FieldSet, ManagedFields, ManagedFieldsEntry, Operation};
use crate::schema::Schema;

/// A create, update or patch that has been worked out but not stored.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// The schema of the object.
    pub schema: &'a Schema,
    /// The stored object; `None` on creation.
    pub live: Option<&'a Value>,
    /// The object as it will be stored, with the `managedFields` that the request brought, if any.
    pub new: &'a Value,
    /// Who writes.
    pub writer: Writer<'a>,
}

/// Who owns what after the update: the writer owns what it changed and everybody loses what is gone.
///
/// The request's own `managedFields` replace the stored ones when they are readable; `[]` and `[{}]` reset
/// ownership. An update that changes nothing returns the stored entries untouched.
#[must_use]
pub fn track_update(update: &Update<'_>) -> ManagedFields {
    let mut managed = starting_point(update);
    let changes = compare::compare(update.schema, &bare(update.live), &bare(Some(update.new)));
    let writer = &update.writer;
    let written = writer.restrict(&changes.written());

    let own = writer.entry(Operation::Update, FieldSet::new());
    let previous = super::take(&mut managed, &own);
    leave_to_writer(&mut managed, &restricted(&changes, writer));
    let before = previous
        .as_ref()
        .map_or_else(FieldSet::new, |entry| entry.fields.clone());
    let fields = before.difference(&changes.removed).union(&written);
    super::put_back(&mut managed, ManagedFieldsEntry { fields, ..own }, previous);
    ancient::cap(&mut managed);
    managed
}

/// The entries before this update: those that the request brought, unless it brought none or nonsense.
fn starting_point(update: &Update<'_>) -> ManagedFields {
    let stored = || {
        update
            .live
            .and_then(|live| ManagedFields::from_object(live).ok())
            .unwrap_or_default()
    };
    if !update.writer.subresource.is_empty() {
        return stored();
    }
    let given = update.new.pointer("/metadata/managedFields");
    if given.is_some_and(is_reset) {
        return ManagedFields::default();
    }
    match given.map(ManagedFields::from_json) {
        Some(Ok(given)) if !given.is_empty() => given,
        _ => stored(),
    }
}

fn is_reset(given: &Value) -> bool {
    match given.as_array().map(Vec::as_slice) {
        Some([]) => true,
        Some([Value::Object(only)]) => only.is_empty(),
        _ => false,
    }
}

fn restricted(changes: &Changes, writer: &Writer<'_>) -> Changes {
    Changes {
        added: writer.restrict(&changes.added),
        modified: writer.restrict(&changes.modified),
        removed: writer.restrict(&changes.removed),
    }
}

/// Takes from all entries what the writer has set and what no longer exists; entries left with nothing go.
pub(super) fn leave_to_writer(others: &mut ManagedFields, changes: &Changes) {
    let written = changes.written();
    for entry in &mut others.entries {
        entry.fields = entry.fields.difference(&written).difference(&changes.removed);
    }
    others.entries.retain(|entry| !entry.fields.is_empty());
}

/// The owner of everything in an object that was stored before anybody was tracked.
pub(super) fn before_first_apply(schema: &Schema, live: &Value, writer: &Writer<'_>) -> ManagedFields {
    let changes = compare::compare(schema, &Value::Object(Map::new()), live);
    let owner = Writer {
        manager: "before-first-apply",
        ..*writer
    };
    let fields = owner.restrict(&changes.added);
    let mut entry = owner.entry(Operation::Update, fields);
    if let Some(version) = live.get("apiVersion").and_then(Value::as_str) {
        version.clone_into(&mut entry.api_version);
    }
    ManagedFields {
        entries: if entry.fields.is_empty() {
            Vec::new()
        } else {
            vec![entry]
        },
    }
}
