//! Takes an XRD away in order: claims, their CRD, composite resources, their CRD.

use std::time::Duration;

use kube::api::PropagationPolicy;
use pave_composite::condition::Condition;
use pave_composite::keys::{FINALIZER_DEFINED, FINALIZER_OFFERED};
use pave_composite::xrd::Definition;
use pave_names::GroupVersionKind;
use serde_json::Value;

use super::{Definitions, crd_kind, definition_kind};
use crate::cluster::{MANAGER_DEFINITION, gvk, is_controlled_by, is_deleting, text};
use crate::error::{During as _, ReconcileError};
use crate::queue::Outcome;

/// The objects' own events lead to the next round; this is for an event that was lost.
const WAIT: Outcome = Outcome::After(Duration::from_secs(5));

/// Does the next step of the removal.
pub(super) async fn remove(definitions: &Definitions, object: &Value) -> Result<Outcome, ReconcileError> {
    let name = text(object, "/metadata/name").unwrap_or_default();
    let conditions = [
        Condition::new("Established", "False", "TerminatingCompositeResource", ""),
        Condition::new("Offered", "False", "TerminatingCompositeResourceClaim", ""),
    ];
    let (definition, _) = Definition::parse(object);
    let Some(definition) = definition else {
        definitions.stop(name);
        return finish(definitions, object, FINALIZER_OFFERED, FINALIZER_DEFINED).await;
    };
    let count = if definition.claim_names.is_some() { 2 } else { 1 };
    definitions
        .report(object, Some(&definition), &conditions[..count])
        .await?;
    // The controllers must run, or nothing would let go of the objects: after a restart they do not yet.
    definitions.ensure_running_for_removal(object, &definition).await;
    if let Some(names) = &definition.claim_names {
        let kind = gvk(&definition.api_version(), &names.kind);
        let crd = format!("{}.{}", names.plural, definition.group);
        if !clear(definitions, object, &kind, &crd).await? {
            return Ok(WAIT);
        }
    }
    let kind = gvk(&definition.api_version(), &definition.names.kind);
    if !clear(definitions, object, &kind, &definition.name).await? {
        return Ok(WAIT);
    }
    definitions.stop(name);
    finish(definitions, object, FINALIZER_OFFERED, FINALIZER_DEFINED).await
}

/// Deletes all objects of a kind, then its CRD. Returns whether both are gone.
async fn clear(
    definitions: &Definitions,
    owner: &Value,
    kind: &GroupVersionKind,
    crd_name: &str,
) -> Result<bool, ReconcileError> {
    let cluster = &definitions.hub.cluster;
    let Some(crd) = cluster.get(&crd_kind(), None, crd_name).await? else {
        cluster.kinds.forget(kind).await;
        return Ok(true);
    };
    // A CRD of somebody else keeps its objects.
    if !is_controlled_by(&crd, owner) {
        return Ok(true);
    }
    let objects = cluster
        .list(kind, "")
        .await
        .during(format!("cannot list {}", kind.kind))?;
    for object in objects.iter().filter(|it| !is_deleting(it)) {
        cluster
            .delete(object, PropagationPolicy::Background)
            .await
            .during(format!("cannot delete {}", kind.kind))?;
    }
    if !objects.is_empty() {
        return Ok(false);
    }
    if !is_deleting(&crd) {
        cluster
            .delete(&crd, PropagationPolicy::Background)
            .await
            .during("cannot delete CustomResourceDefinition")?;
    }
    let gone = cluster.get(&crd_kind(), None, crd_name).await?.is_none();
    if gone {
        cluster.kinds.forget(kind).await;
    }
    Ok(gone)
}

async fn finish(
    definitions: &Definitions,
    object: &Value,
    first: &str,
    second: &str,
) -> Result<Outcome, ReconcileError> {
    let cluster = &definitions.hub.cluster;
    let name = text(object, "/metadata/name").unwrap_or_default();
    for finalizer in [first, second] {
        let Some(fresh) = cluster.get(&definition_kind(), None, name).await? else {
            return Ok(Outcome::Gone);
        };
        cluster
            .finalizer(&fresh, finalizer, false, MANAGER_DEFINITION)
            .await
            .during("cannot remove finalizer")?;
    }
    let uid = text(object, "/metadata/uid").unwrap_or_default();
    definitions.hub.events.forget(uid);
    definitions.hub.applier.forget(uid);
    Ok(Outcome::Gone)
}

impl Definitions {
    /// Starts the controllers of an XRD that was already being deleted when this process began.
    async fn ensure_running_for_removal(&self, object: &Value, definition: &Definition) {
        let name = definition.name.as_str();
        if self.lock().contains_key(name) {
            return;
        }
        let exists = self
            .hub
            .cluster
            .get(&crd_kind(), None, name)
            .await
            .is_ok_and(|it| it.is_some());
        if exists {
            self.ensure_running(object, definition).await;
        }
    }
}
