//! Peace between `kubectl apply` with and without `--server-side`.
//!
//! Only requests of the manager `kubectl` get this treatment, as upstream; whoever does not want it names
//! another manager.

use serde_json::Value;

use super::{ApplyRequest, Writer, bare, collect, compare};
use crate::fields::FieldSet;

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Whether this is kubectl applying the object itself.
pub(super) fn is_kubectl(writer: &Writer<'_>) -> bool {
    writer.manager == "kubectl" && writer.subresource.is_empty()
}

/// Fields that client-side apply has set and that nobody has changed since: kubectl may take them over.
pub(super) fn allowed_conflicts(request: &ApplyRequest<'_>) -> FieldSet {
    let annotation = request.live.and_then(annotation_of);
    let Some(applied) = annotation.and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
        return FieldSet::new();
    };
    let changes = compare::compare(request.schema, &applied, &bare(request.live));
    collect::collect(request.schema, &applied)
        .difference(&changes.modified)
        .difference(&changes.removed)
}

/// Writes what is applied into the annotation of an object that has it, so that client-side apply goes on from here.
pub(super) fn keep_in_step(request: &ApplyRequest<'_>, object: &mut Value) {
    if !is_kubectl(&request.writer) || request.live.and_then(annotation_of).is_none() {
        return;
    }
    let text = format!("{}\n", request.body);
    if let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") {
        annotations.insert(ANNOTATION.to_owned(), Value::from(text));
    }
}

fn annotation_of(object: &Value) -> Option<&str> {
    object
        .get("metadata")?
        .get("annotations")?
        .get(ANNOTATION)?
        .as_str()
}
