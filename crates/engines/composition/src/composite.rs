//! Composite resources: composes what they stand for, and says how that goes.

mod compose;
mod observe;
mod report;
mod select;

use std::sync::Arc;

use pave_composite::composition::Composition;
use pave_composite::condition::Condition;
use pave_composite::keys::{FINALIZER_COMPOSITE, MANAGER_COMPOSITE};
use pave_composite::xrd::{Definition, Scope};
use pave_kube::EventKind;
use pave_names::GroupVersionKind;
use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use crate::cluster::{gvk, is_deleting, is_paused, text};
use crate::error::{During as _, ReconcileError};
use crate::hub::{GroupKind, Hub, group_kind};
use crate::queue::{self, Key, Outcome};
use crate::watch::{Change, follow};

/// What one controller works with.
pub(crate) struct Controller {
    pub(crate) hub: Arc<Hub>,
    pub(crate) definition: Arc<Definition>,
    pub(crate) kind: GroupVersionKind,
}

/// Starts the controller of a composite kind and returns the kind.
pub(crate) async fn start(
    hub: &Arc<Hub>,
    definition: &Arc<Definition>,
    token: &CancellationToken,
) -> GroupKind {
    let kind = gvk(&definition.api_version(), &definition.names.kind);
    hub.cluster.kinds.forget(&kind).await;
    let route = group_kind(&kind);
    let (sender, receiver) = unbounded_channel();
    hub.register(route.clone(), sender, definition.scope == Scope::Namespaced);
    let controller = Arc::new(Controller {
        hub: Arc::clone(hub),
        definition: Arc::clone(definition),
        kind: kind.clone(),
    });
    let work = move |key| {
        let controller = Arc::clone(&controller);
        async move { controller.reconcile(key).await }
    };
    hub.tasks
        .spawn("composite resources", queue::run(receiver, token.clone(), work));
    let (watching, definition, token) = (Arc::clone(hub), Arc::clone(definition), token.clone());
    let seen = route.clone();
    hub.tasks.spawn("watch composite resources", async move {
        let api = match watching.cluster.api(&kind, None).await {
            Ok(api) => api,
            Err(error) => {
                tracing::error!(%kind, %error, "a composite kind cannot be watched");
                return;
            }
        };
        follow(api, token, |change, object| {
            on_change(&watching, &definition, &seen, change, object);
        })
        .await;
    });
    route
}

/// A change concerns the composite resource itself, its claim, the composite resource that composed it, and, when it
/// goes away, an XRD that waits for that.
fn on_change(hub: &Hub, definition: &Definition, kind: &GroupKind, change: Change, object: &Value) {
    let part = |pointer: &str| text(object, pointer).unwrap_or_default();
    hub.saw(
        kind,
        change,
        Key::new(part("/metadata/namespace"), part("/metadata/name")),
    );
    if let Some(names) = &definition.claim_names
        && let Some(claim) = text(object, "/spec/claimRef/name")
    {
        let key = Key::new(part("/spec/claimRef/namespace"), claim);
        hub.poke(&(definition.group.clone(), names.kind.clone()), key);
    }
    hub.poke_owner(object);
    if change == Change::Deleted {
        hub.poke(
            &group_kind(&crate::definition::definition_kind()),
            Key::new("", &definition.name),
        );
    }
}

impl Controller {
    async fn reconcile(&self, key: Key) -> Outcome {
        let hub = &self.hub;
        let composite = match hub.cluster.get(&self.kind, key.namespace(), &key.name).await {
            Ok(Some(composite)) => composite,
            Ok(None) => return Outcome::Gone,
            Err(error) => {
                tracing::warn!(kind = %self.kind, name = key.name, %error, "cannot read a composite resource");
                return Outcome::Failed;
            }
        };
        match self.reconcile_object(&composite).await {
            Ok(outcome) => outcome,
            Err(error) if error.is_conflict() => Outcome::Conflict,
            Err(error) => {
                if let Some(wanted) = error.unknown_kind() {
                    hub.wait_for_kind(wanted, group_kind(&self.kind), key);
                }
                self.fail(&composite, &error).await;
                Outcome::Failed
            }
        }
    }

    async fn reconcile_object(&self, composite: &Value) -> Result<Outcome, ReconcileError> {
        if is_paused(composite) {
            self.report(composite, None, &[Condition::reconcile_paused()])
                .await?;
            return Ok(Outcome::Settled);
        }
        if is_deleting(composite) {
            return self.let_go(composite).await;
        }
        let revision = self.select(composite).await.during("cannot select Composition")?;
        let (composition, _) = Composition::parse(&revision.object);
        self.compose(composite, &composition, &revision).await
    }

    /// What it composed goes by Kubernetes' own garbage collection, through the owner references.
    async fn let_go(&self, composite: &Value) -> Result<Outcome, ReconcileError> {
        let uid = text(composite, "/metadata/uid").unwrap_or_default();
        self.report(composite, None, &[Condition::deleting("")]).await?;
        let Some(fresh) = self.fresh(composite).await? else {
            return Ok(Outcome::Gone);
        };
        self.hub
            .cluster
            .finalizer(&fresh, FINALIZER_COMPOSITE, false, MANAGER_COMPOSITE)
            .await
            .during("cannot remove finalizer")?;
        self.hub.applier.forget(uid);
        self.hub.events.forget(uid);
        Ok(Outcome::Gone)
    }

    async fn fresh(&self, object: &Value) -> Result<Option<Value>, ReconcileError> {
        let name = text(object, "/metadata/name").unwrap_or_default();
        self.hub
            .cluster
            .get(&self.kind, text(object, "/metadata/namespace"), name)
            .await
    }

    /// Says that a round failed as a whole.
    async fn fail(&self, composite: &Value, error: &ReconcileError) {
        let message = error.to_string();
        tracing::info!(kind = %self.kind, name = text(composite, "/metadata/name"), %error, "composite resource");
        let reason = if message.starts_with("cannot select") {
            "SelectComposition"
        } else {
            "ComposeResources"
        };
        self.hub
            .events
            .say(composite, EventKind::Warning, reason, &message);
        if let Err(error) = self
            .report(composite, None, &[Condition::reconcile_error(message)])
            .await
        {
            tracing::debug!(%error, "cannot report on a composite resource");
        }
    }
}
