//! Keeps a revision of every content that a Composition had.

use std::sync::Arc;

use pave_composite::composition::Composition;
use pave_composite::condition::Condition;
use pave_composite::keys::{GROUP, LABEL_COMPOSITION_NAME, MANAGER_COMPOSITE};
use pave_composite::revision::{Plan, plan};
use pave_diagnostic::Severity;
use pave_kube::EventKind;
use pave_names::GroupVersionKind;
use pave_runtime::clock;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use crate::cluster::{gvk, is_deleting, is_paused, text};
use crate::error::{During as _, ReconcileError};
use crate::hub::{Hub, group_kind};
use crate::queue::{self, Key, Outcome};
use crate::watch::follow;

/// The kind of Compositions.
pub(crate) fn composition_kind() -> GroupVersionKind {
    gvk(&format!("{GROUP}/v1"), "Composition")
}

/// The kind of their revisions.
pub(crate) fn revision_kind() -> GroupVersionKind {
    gvk(&format!("{GROUP}/v1"), "CompositionRevision")
}

/// Starts the controller.
pub(crate) fn start(hub: &Arc<Hub>) {
    let (sender, receiver) = unbounded_channel();
    let kind = group_kind(&composition_kind());
    hub.register(kind.clone(), sender, false);
    let tasks = hub.tasks.clone();
    let working = Arc::clone(hub);
    let token = tasks.token();
    tasks.spawn(
        "compositions",
        queue::run(receiver, token, move |key| reconcile(Arc::clone(&working), key)),
    );
    let hub = Arc::clone(hub);
    let token = tasks.token();
    tasks.spawn("watch compositions", async move {
        let apis = (
            hub.cluster.api(&composition_kind(), None).await,
            hub.cluster.api(&revision_kind(), None).await,
        );
        let (Ok(compositions), Ok(revisions)) = apis else {
            tracing::error!("Compositions cannot be watched");
            return;
        };
        let follow_compositions = follow(compositions, token.clone(), |change, object| {
            hub.saw(
                &kind,
                change,
                Key::new("", text(object, "/metadata/name").unwrap_or_default()),
            );
        });
        let follow_revisions = follow(revisions, token, |_, object| {
            hub.poke_owner(object);
            // What a composite resource is made of may be another now, or exist at last.
            let reference = object
                .pointer("/spec/compositeTypeRef")
                .cloned()
                .unwrap_or_default();
            hub.poke_all(&group_kind(&crate::cluster::kind_of(&reference)));
        });
        futures::join!(follow_compositions, follow_revisions);
    });
}

async fn reconcile(hub: Arc<Hub>, key: Key) -> Outcome {
    let result = match hub.cluster.get(&composition_kind(), None, &key.name).await {
        Ok(None) => return Outcome::Gone,
        Ok(Some(composition)) => revise(&hub, &composition).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Outcome::Settled,
        Err(error) if error.is_conflict() => Outcome::Conflict,
        Err(error) => {
            tracing::warn!(composition = key.name, %error, "cannot keep the revisions of a Composition");
            Outcome::Failed
        }
    }
}

async fn revise(hub: &Hub, composition: &Value) -> Result<(), ReconcileError> {
    if is_deleting(composition) || is_paused(composition) {
        return Ok(());
    }
    let name = text(composition, "/metadata/name").unwrap_or_default();
    let revisions = hub
        .cluster
        .list(&revision_kind(), &format!("{LABEL_COMPOSITION_NAME}={name}"))
        .await?;
    match plan(composition, &revisions) {
        Plan::Nothing => {}
        Plan::Create(revision) => {
            pave_kube::apply(&hub.cluster.kinds, &revision, MANAGER_COMPOSITE, false)
                .await
                .during("cannot create CompositionRevision")?;
        }
        Plan::Raise { name, revision } => {
            let target = json!({"apiVersion": format!("{GROUP}/v1"), "kind": "CompositionRevision", "metadata": {"name": name}});
            let patch = json!({"spec": {"revision": revision}});
            hub.cluster
                .merge(&target, &patch, MANAGER_COMPOSITE)
                .await
                .during("cannot update CompositionRevision")?;
        }
    }
    report(hub, composition).await
}

/// Says on the Composition what is wrong with it: a condition for errors, events for all.
async fn report(hub: &Hub, composition: &Value) -> Result<(), ReconcileError> {
    let (_, findings) = Composition::parse(composition);
    for finding in &findings {
        let kind = if finding.diagnostic.severity == Severity::Info {
            EventKind::Normal
        } else {
            EventKind::Warning
        };
        let message = format!("{}: {}", finding.pointer, finding.diagnostic);
        hub.events.say(composition, kind, "CheckComposition", &message);
    }
    let errors: Vec<String> = findings
        .iter()
        .filter(|it| it.diagnostic.severity == Severity::Error)
        .map(|it| format!("{}: {}", it.pointer, it.diagnostic))
        .collect();
    let condition = if errors.is_empty() {
        Condition::new("Valid", "True", "Readable", "")
    } else {
        Condition::new("Valid", "False", "Unreadable", errors.join("; "))
    };
    let name = text(composition, "/metadata/name").unwrap_or_default();
    let status = json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "Composition", "metadata": {"name": name},
        "status": {"conditions": [condition.to_value(composition, None, &clock::rfc3339())]},
    });
    let slot = format!(
        "{}/status",
        text(composition, "/metadata/uid").unwrap_or_default()
    );
    hub.applier
        .apply(
            &hub.cluster,
            &slot,
            &status,
            Some(composition),
            MANAGER_COMPOSITE,
            true,
        )
        .await
        .map(drop)
}
