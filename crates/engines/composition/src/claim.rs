//! Claims: each is bound to a composite resource, and shows how that one is doing.

use std::sync::Arc;
use std::time::Duration;

use kube::api::PropagationPolicy;
use pave_composite::cause;
use pave_composite::claim as model;
use pave_composite::condition::{Condition, find, is_true};
use pave_composite::keys::{FINALIZER_CLAIM, MANAGER_CLAIM};
use pave_composite::xrd::Definition;
use pave_kube::EventKind;
use pave_names::GroupVersionKind;
use pave_runtime::clock;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use crate::applier::Applied;
use crate::cluster::{gvk, is_deleting, is_paused, secret_data, text};
use crate::error::{During as _, ReconcileError};
use crate::hub::{GroupKind, Hub, group_kind};
use crate::queue::{self, Key, Outcome};
use crate::secret;
use crate::watch::{Change, follow};

/// How many names are tried for a new composite resource.
const NAME_ATTEMPTS: u32 = 10;

struct Controller {
    hub: Arc<Hub>,
    definition: Arc<Definition>,
    kind: GroupVersionKind,
    composite_kind: GroupVersionKind,
}

/// Starts the controller of a claim kind, if the XRD offers one, and returns the kind.
pub(crate) async fn start(
    hub: &Arc<Hub>,
    definition: &Arc<Definition>,
    token: &CancellationToken,
) -> Option<GroupKind> {
    let kind = gvk(&definition.api_version(), &definition.claim_names.as_ref()?.kind);
    hub.cluster.kinds.forget(&kind).await;
    let route = group_kind(&kind);
    let (sender, receiver) = unbounded_channel();
    hub.register(route.clone(), sender, true);
    let controller = Arc::new(Controller {
        hub: Arc::clone(hub),
        definition: Arc::clone(definition),
        kind: kind.clone(),
        composite_kind: gvk(&definition.api_version(), &definition.names.kind),
    });
    let work = move |key| {
        let controller = Arc::clone(&controller);
        async move { controller.reconcile(key).await }
    };
    hub.tasks
        .spawn("claims", queue::run(receiver, token.clone(), work));
    let (watching, definition, token) = (Arc::clone(hub), Arc::clone(definition), token.clone());
    let seen = route.clone();
    hub.tasks.spawn("watch claims", async move {
        let api = match watching.cluster.api(&kind, None).await {
            Ok(api) => api,
            Err(error) => {
                tracing::error!(%kind, %error, "a claim kind cannot be watched");
                return;
            }
        };
        follow(api, token, |change, object| {
            let part = |pointer: &str| text(object, pointer).unwrap_or_default();
            watching.saw(
                &seen,
                change,
                Key::new(part("/metadata/namespace"), part("/metadata/name")),
            );
            if change == Change::Deleted {
                let definitions = group_kind(&crate::definition::definition_kind());
                watching.poke(&definitions, Key::new("", &definition.name));
            }
        })
        .await;
    });
    Some(route)
}

impl Controller {
    async fn reconcile(&self, key: Key) -> Outcome {
        let claim = match self.hub.cluster.get(&self.kind, key.namespace(), &key.name).await {
            Ok(Some(claim)) => claim,
            Ok(None) => return Outcome::Gone,
            Err(error) => {
                tracing::warn!(kind = %self.kind, name = key.name, %error, "cannot read a claim");
                return Outcome::Failed;
            }
        };
        match self.reconcile_object(&claim).await {
            Ok(outcome) => outcome,
            Err(error) if error.is_conflict() => Outcome::Conflict,
            Err(error) => {
                let message = error.to_string();
                self.say(&claim, EventKind::Warning, "ConfigureCompositeResource", &message);
                let conditions = [Condition::reconcile_error(message), Condition::waiting(None)];
                if let Err(error) = self.report(&claim, None, &conditions).await {
                    tracing::debug!(%error, "cannot report on a claim");
                }
                Outcome::Failed
            }
        }
    }

    async fn reconcile_object(&self, claim: &Value) -> Result<Outcome, ReconcileError> {
        if is_paused(claim) {
            self.report(claim, None, &[Condition::reconcile_paused()]).await?;
            return Ok(Outcome::Settled);
        }
        if is_deleting(claim) {
            return self.let_go(claim).await;
        }
        let bound = self.bind(claim).await?;
        let name = model::composite_name(&bound).unwrap_or_default().to_owned();
        let existing = self.composite(&name).await?;
        if let Some(message) = existing
            .as_ref()
            .and_then(|it| model::bound_elsewhere(&bound, it))
        {
            self.say(&bound, EventKind::Warning, "BindCompositeResource", &message);
            self.report(
                &bound,
                None,
                &[Condition::reconcile_error(message), Condition::waiting(None)],
            )
            .await?;
            return Ok(Outcome::Settled);
        }
        if existing.as_ref().is_some_and(is_deleting) {
            let cause = format!("composite resource `{name}` is being deleted and will be made anew");
            self.report(&bound, None, &[Condition::waiting(Some(&cause))])
                .await?;
            return Ok(Outcome::After(Duration::from_secs(5)));
        }
        let composite = self.configure(&bound, existing, &name).await?;
        self.follow(&bound, &composite).await
    }

    /// Gives the claim its finalizer and the name of its composite resource, before that one is created.
    async fn bind(&self, claim: &Value) -> Result<Value, ReconcileError> {
        let finalizers = claim
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let kept = finalizers.iter().any(|it| it == FINALIZER_CLAIM);
        let named = model::composite_name(claim).is_some();
        if kept && named {
            return Ok(claim.clone());
        }
        let mut patch = json!({"metadata": {"resourceVersion": claim["metadata"]["resourceVersion"]}});
        if !kept {
            let mut finalizers = finalizers;
            finalizers.push(json!(FINALIZER_CLAIM));
            patch["metadata"]["finalizers"] = Value::Array(finalizers);
        }
        if !named {
            let name = self.free_name(claim).await?;
            patch["spec"] = json!({"resourceRef": model::resource_ref(&self.definition, &name)});
        }
        self.hub
            .cluster
            .merge(claim, &patch, MANAGER_CLAIM)
            .await
            .during("cannot bind to composite resource")
    }

    /// A name that no other composite resource has. One that is bound to this claim already is its own.
    async fn free_name(&self, claim: &Value) -> Result<String, ReconcileError> {
        for attempt in 0..NAME_ATTEMPTS {
            let name = model::propose_name(claim, attempt);
            match self.composite(&name).await? {
                None => return Ok(name),
                Some(composite) => {
                    let bound = composite.pointer("/spec/claimRef").is_some_and(Value::is_object);
                    if bound && model::bound_elsewhere(claim, &composite).is_none() {
                        return Ok(name);
                    }
                }
            }
        }
        Err(ReconcileError::Said(
            "cannot generate a name for the composite resource: all tries are taken".to_owned(),
        ))
    }

    async fn composite(&self, name: &str) -> Result<Option<Value>, ReconcileError> {
        self.hub
            .cluster
            .get(&self.composite_kind, None, name)
            .await
            .during("cannot get composite resource")
    }

    /// Applies what the claim wants of its composite resource.
    async fn configure(
        &self,
        claim: &Value,
        existing: Option<Value>,
        name: &str,
    ) -> Result<Value, ReconcileError> {
        let desired = model::desired_composite(claim, &self.definition, name);
        let slot = format!("{}/composite", text(claim, "/metadata/uid").unwrap_or_default());
        let hub = &self.hub;
        let applied = hub
            .applier
            .apply(
                &hub.cluster,
                &slot,
                &desired,
                existing.as_ref(),
                MANAGER_CLAIM,
                false,
            )
            .await
            .during("cannot apply composite resource")?;
        match applied {
            Applied::Unchanged => {
                existing.ok_or_else(|| ReconcileError::Said("composite resource vanished".to_owned()))
            }
            Applied::Corrected(composite, fields) => {
                let message = format!("put back {} of composite resource `{name}`", fields.join(", "));
                self.hub
                    .events
                    .say_again(claim, EventKind::Normal, "CorrectedDrift", &message);
                Ok(composite)
            }
            Applied::Written(composite) => {
                if existing.is_none() {
                    let message = format!("created composite resource `{name}`");
                    self.say(claim, EventKind::Normal, "ConfigureCompositeResource", &message);
                }
                Ok(composite)
            }
        }
    }

    /// Takes over what the composite resource decided, and says how it is doing.
    async fn follow(&self, claim: &Value, composite: &Value) -> Result<Outcome, ReconcileError> {
        if let Some(patch) = model::late_initialize(claim, composite, &self.definition) {
            self.hub
                .cluster
                .merge(claim, &patch, MANAGER_CLAIM)
                .await
                .during("cannot update claim")?;
        }
        let (mut fields, inherited) = model::status(composite);
        if let Some(time) = text(claim, "/status/connectionDetails/lastPublishedTime") {
            fields.insert("connectionDetails".to_owned(), json!({"lastPublishedTime": time}));
        }
        let cause = cause::of_claim(composite);
        let mut conditions = vec![self.synced(composite, cause.as_deref())];
        if is_true(composite, "Ready") {
            if self.copy_secret(claim, composite).await? {
                fields.insert(
                    "connectionDetails".to_owned(),
                    json!({"lastPublishedTime": clock::rfc3339()}),
                );
            }
            conditions.push(Condition::available());
            if !is_true(claim, "Ready") {
                self.say(
                    claim,
                    EventKind::Normal,
                    "ConfigureCompositeResource",
                    "composite resource is ready",
                );
            }
        } else {
            conditions.push(Condition::waiting(cause.as_deref()));
        }
        self.report(claim, Some((fields, inherited)), &conditions).await?;
        Ok(Outcome::Settled)
    }

    /// Upstream keeps an error of the composite resource from its claim; the people who wrote the claim look there.
    fn synced(&self, composite: &Value, cause: Option<&str>) -> Condition {
        let failed = find(composite, "Synced")
            .is_some_and(|it| it["status"] == "False" && it["reason"] == "ReconcileError");
        match cause.filter(|_| failed) {
            Some(cause) => {
                let name = text(composite, "/metadata/name").unwrap_or_default();
                Condition::reconcile_error(format!("{} `{name}`: {cause}", self.composite_kind.kind))
            }
            None => Condition::reconcile_success(),
        }
    }

    async fn copy_secret(&self, claim: &Value, composite: &Value) -> Result<bool, ReconcileError> {
        let target = text(claim, "/spec/writeConnectionSecretToRef/name");
        let source = text(composite, "/spec/writeConnectionSecretToRef/name");
        let (Some(target), Some(source), Some(namespace)) =
            (target, source, text(claim, "/metadata/namespace"))
        else {
            return Ok(false);
        };
        let from = text(composite, "/spec/writeConnectionSecretToRef/namespace").unwrap_or_default();
        let Some(secret) = self.hub.cluster.secret(from, source).await? else {
            return Ok(false);
        };
        if !crate::cluster::is_controlled_by(&secret, composite) {
            let message =
                "cannot propagate connection details: the secret does not belong to the composite resource";
            return Err(ReconcileError::Said(message.to_owned()));
        }
        let details = secret_data(&secret);
        let written = secret::publish(&self.hub, claim, namespace, target, &details, MANAGER_CLAIM).await?;
        if written {
            let message = format!(
                "copied {} connection details to the secret `{target}`",
                details.len()
            );
            self.say(claim, EventKind::Normal, "PropagateConnectionSecret", &message);
        }
        Ok(written)
    }

    /// Background: the composite resource is deleted and the claim goes. Foreground: the claim waits for it.
    async fn let_go(&self, claim: &Value) -> Result<Outcome, ReconcileError> {
        self.report(claim, None, &[Condition::deleting("")]).await?;
        let foreground = model::deletes_in_foreground(claim, &self.definition);
        let name = model::composite_name(claim).unwrap_or_default();
        let composite = if name.is_empty() {
            None
        } else {
            self.composite(name).await?
        };
        // One that was never bound to this claim is not the claim's to delete.
        let own = composite.filter(|it| {
            it.pointer("/spec/claimRef").is_some_and(Value::is_object)
                && model::bound_elsewhere(claim, it).is_none()
        });
        if let Some(composite) = own {
            let policy = if foreground {
                PropagationPolicy::Foreground
            } else {
                PropagationPolicy::Background
            };
            if !is_deleting(&composite) {
                self.hub
                    .cluster
                    .delete(&composite, policy)
                    .await
                    .during("cannot delete composite resource")?;
            }
            if foreground && self.composite(name).await?.is_some() {
                return Ok(Outcome::After(Duration::from_secs(5)));
            }
        }
        let namespace = text(claim, "/metadata/namespace");
        let claim_name = text(claim, "/metadata/name").unwrap_or_default();
        let uid = text(claim, "/metadata/uid").unwrap_or_default();
        if let Some(fresh) = self.hub.cluster.get(&self.kind, namespace, claim_name).await? {
            self.hub
                .cluster
                .finalizer(&fresh, FINALIZER_CLAIM, false, MANAGER_CLAIM)
                .await
                .during("cannot remove finalizer")?;
        }
        self.hub.applier.forget(uid);
        self.hub.events.forget(uid);
        Ok(Outcome::Gone)
    }

    async fn report(
        &self,
        claim: &Value,
        fields: Option<(Map<String, Value>, Vec<Value>)>,
        conditions: &[Condition],
    ) -> Result<(), ReconcileError> {
        let generation = claim.pointer("/metadata/generation").and_then(Value::as_i64);
        let now = clock::rfc3339();
        let (mut status, inherited) = fields.unwrap_or_else(|| {
            let mut kept = claim
                .get("status")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default();
            kept.remove("conditions");
            (kept, Vec::new())
        });
        let mut values: Vec<Value> = conditions
            .iter()
            .map(|it| it.to_value(claim, generation, &now))
            .collect();
        for kind in ["Synced", "Ready"] {
            if let Some(present) = find(claim, kind).filter(|_| !conditions.iter().any(|it| it.kind == kind))
            {
                values.push(present.clone());
            }
        }
        values.extend(inherited);
        status.insert("conditions".to_owned(), Value::Array(values));
        let desired = json!({
            "apiVersion": claim["apiVersion"], "kind": claim["kind"],
            "metadata": {"name": claim["metadata"]["name"], "namespace": claim["metadata"]["namespace"]},
            "status": status,
        });
        let slot = format!("{}/status", text(claim, "/metadata/uid").unwrap_or_default());
        let hub = &self.hub;
        hub.applier
            .apply(&hub.cluster, &slot, &desired, Some(claim), MANAGER_CLAIM, true)
            .await
            .map(drop)
    }

    fn say(&self, claim: &Value, kind: EventKind, reason: &str, message: &str) {
        self.hub.events.say(claim, kind, reason, message);
    }
}
