//! Server-side apply and the tracking of all other writes.
//!
//! The algorithm is that of structured-merge-diff 6: an applier owns what stands in its body, a conflict is a
//! value that changes while somebody else owns it, and what an applier no longer mentions goes unless somebody else
//! owns it. Objects of all versions share one schema, since conversion only renames the version.

mod ancient;
mod collect;
mod compare;
mod conflict;
mod last_applied;
mod merge;
mod never_tracked;
mod remove;
#[cfg(test)]
mod tests;
mod typed;
mod update;

use serde_json::{Map, Value};

use crate::fields::{FieldSet, ManagedFields, ManagedFieldsEntry, ManagedFieldsError, Operation};
use crate::schema::Schema;
pub use conflict::{Conflict, Conflicts};
pub use typed::TypedError;
pub use update::{Update, track_update};

/// Who writes, how it is recorded, and when.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// The group version of the request, such as `apps/v1`.
    pub api_version: &'a str,
    /// The subresource written to; empty for the object itself.
    pub subresource: &'a str,
    /// The time for entries that change, RFC 3339 with seconds and `Z`.
    pub now: &'a str,
    /// Whether the resource has a status subresource, which keeps spec and status writes apart.
    pub has_status: bool,
}

impl Writer<'_> {
    /// Takes away what a write to this subresource cannot touch and what is never tracked.
    fn restrict(&self, fields: &FieldSet) -> FieldSet {
        let tracked = never_tracked::strip(fields);
        match (self.subresource, self.has_status) {
            ("status", _) => tracked.only_field("status"),
            (_, true) => tracked.recursive_difference(&tracked_status()),
            (_, false) => tracked,
        }
    }

    fn entry(&self, operation: Operation, fields: FieldSet) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: self.manager.to_owned(),
            operation,
            api_version: self.api_version.to_owned(),
            time: Some(self.now.to_owned()),
            subresource: self.subresource.to_owned(),
            fields,
        }
    }
}

fn tracked_status() -> FieldSet {
    std::iter::once(crate::fields::FieldPath::of(&["status"])).collect()
}

/// One apply request.
#[derive(Debug, Clone, Copy)]
pub struct ApplyRequest<'a> {
    /// The schema of the object.
    pub schema: &'a Schema,
    /// The stored object, with its `managedFields`; `None` when it is to be created.
    pub live: Option<&'a Value>,
    /// What is applied, without `managedFields`.
    pub body: &'a Value,
    /// Who applies.
    pub writer: Writer<'a>,
    /// Whether to take conflicting fields over.
    pub force: bool,
}

/// What an apply leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The new object, defaulted, with `managedFields` written into its metadata.
    pub object: Value,
    /// The same managed fields, parsed.
    pub managed: ManagedFields,
    /// Whether anything changed, be it only ownership; if not, nothing may be written.
    pub changed: bool,
}

/// Why an apply was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApplyError {
    /// Others own fields whose values would change; 409 Conflict.
    #[error(transparent)]
    Conflicts(Conflicts),
    /// The body has fields that the schema does not declare; pruning it beforehand avoids this.
    #[error("failed to create typed patch object: {}", not_declared(.0))]
    NotDeclared(Vec<String>),
    /// The body has duplicate or nameless list items.
    #[error("failed to create typed patch object: {0}")]
    Typed(TypedError),
    /// The body brings its own `managedFields`; 400 `BadRequest`.
    #[error("metadata.managedFields must be nil")]
    ManagedFieldsGiven,
    /// The stored object's managed fields cannot be read.
    #[error("failed to decode managed fields")]
    ManagedFields(#[source] ManagedFieldsError),
}

fn not_declared(paths: &[String]) -> String {
    let lines: Vec<String> = paths
        .iter()
        .map(|path| format!(".{path}: field not declared in schema"))
        .collect();
    lines.join("\n")
}

/// Applies the body over the live object.
///
/// # Errors
/// On conflicts without force, and on bodies that the schema cannot type.
pub fn apply(request: &ApplyRequest<'_>) -> Result<Applied, ApplyError> {
    let body = prepare_body(request)?;
    match apply_once(request, &body, request.force) {
        Err(ApplyError::Conflicts(conflicts)) if last_applied::is_kubectl(&request.writer) => {
            let allowed = last_applied::allowed_conflicts(request);
            match conflicts.without(&allowed) {
                Some(remaining) => Err(ApplyError::Conflicts(remaining)),
                None => apply_once(request, &body, true),
            }
        }
        outcome => outcome,
    }
}

/// The body without what this request cannot write, checked against the schema.
fn prepare_body(request: &ApplyRequest<'_>) -> Result<Value, ApplyError> {
    let given = request.body.pointer("/metadata/managedFields");
    if given.is_some_and(|given| !given.is_null() && given.as_array().is_none_or(|list| !list.is_empty())) {
        return Err(ApplyError::ManagedFieldsGiven);
    }
    let mut body = request.body.clone();
    if let Value::Object(fields) = &mut body {
        match (request.writer.subresource, request.writer.has_status) {
            ("status", _) => {
                fields.retain(|name, _| matches!(name.as_str(), "apiVersion" | "kind" | "status"));
            }
            (_, true) => fields.retain(|name, _| name != "status"),
            (_, false) => {}
        }
    }
    without_managed_fields(&mut body);
    let dropped = request.schema.prune(&mut body);
    if !dropped.is_empty() {
        return Err(ApplyError::NotDeclared(dropped));
    }
    typed::check(request.schema, &body).map_err(ApplyError::Typed)?;
    Ok(body)
}

fn apply_once(request: &ApplyRequest<'_>, body: &Value, force: bool) -> Result<Applied, ApplyError> {
    let writer = &request.writer;
    let live_managed = live_managed(request)?;
    let mut managed = live_managed.clone();
    let live = bare(request.live);
    if request.live.is_some() && managed.is_empty() {
        managed = update::before_first_apply(request.schema, &live, writer);
    }

    let applied = writer.entry(
        Operation::Apply,
        writer.restrict(&collect::collect(request.schema, body)),
    );
    let previous = take(&mut managed, &applied);
    let mut object = merge::merge(Some(request.schema.node()), &live, body);
    if let Some(previous) = &previous {
        let kept = managed
            .entries
            .iter()
            .fold(applied.fields.clone(), |kept, other| kept.union(&other.fields));
        remove::remove(Some(request.schema.node()), &mut object, &previous.fields, &kept);
    }

    let changes = compare::compare(request.schema, &live, &object);
    let conflicts = conflict::find(&managed, &changes);
    if !conflicts.is_empty() && !force {
        return Err(ApplyError::Conflicts(conflicts));
    }
    update::leave_to_writer(&mut managed, &changes);
    put_back(&mut managed, applied, previous);
    last_applied::keep_in_step(request, &mut object);
    request.schema.default(&mut object);
    Ok(finish(request.live, &live, object, &live_managed, managed))
}

fn live_managed(request: &ApplyRequest<'_>) -> Result<ManagedFields, ApplyError> {
    match request.live {
        Some(live) => ManagedFields::from_object(live).map_err(ApplyError::ManagedFields),
        None => Ok(ManagedFields::default()),
    }
}

/// Takes the applier's previous entry out, so that the others remain.
fn take(managed: &mut ManagedFields, applier: &ManagedFieldsEntry) -> Option<ManagedFieldsEntry> {
    let index = managed
        .entries
        .iter()
        .position(|entry| entry.is_same_manager(applier))?;
    Some(managed.entries.remove(index))
}

/// Adds the applier's new entry; its time stays when it says the same as before.
fn put_back(
    managed: &mut ManagedFields,
    mut applied: ManagedFieldsEntry,
    previous: Option<ManagedFieldsEntry>,
) {
    if let Some(previous) = previous
        && previous.fields == applied.fields
        && previous.api_version == applied.api_version
    {
        applied.time = previous.time;
    }
    if !applied.fields.is_empty() {
        managed.entries.push(applied);
    }
}

fn finish(
    stored: Option<&Value>,
    live: &Value,
    mut object: Value,
    live_managed: &ManagedFields,
    managed: ManagedFields,
) -> Applied {
    let unchanged = *live == object && managed.is_same_ownership(live_managed);
    match stored {
        Some(stored) if unchanged => Applied {
            object: stored.clone(),
            managed: live_managed.clone(),
            changed: false,
        },
        _ => {
            managed.write_to(&mut object);
            Applied {
                object,
                managed,
                changed: true,
            }
        }
    }
}

/// The stored object without its managed fields; an absent one is empty.
fn bare(stored: Option<&Value>) -> Value {
    let mut bare = stored.cloned().unwrap_or_else(|| Value::Object(Map::new()));
    without_managed_fields(&mut bare);
    bare
}

fn without_managed_fields(object: &mut Value) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.shift_remove("managedFields");
    }
}
