//! XRDs: makes their CRDs and runs a controller for each kind that they define.

mod removal;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pave_composite::Finding;
use pave_composite::condition::{Condition, find};
use pave_composite::keys::{FINALIZER_DEFINED, FINALIZER_OFFERED, GROUP};
use pave_composite::xrd::Definition;
use pave_diagnostic::Severity;
use pave_kube::EventKind;
use pave_names::GroupVersionKind;
use pave_runtime::clock;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use crate::cluster::{MANAGER_DEFINITION, controller, gvk, is_controlled_by, is_deleting, is_paused, text};
use crate::error::{During as _, ReconcileError};
use crate::hub::{GroupKind, Hub, group_kind};
use crate::queue::{self, Key, Outcome};
use crate::watch::follow;

/// The kind of XRDs.
pub(crate) fn definition_kind() -> GroupVersionKind {
    gvk(&format!("{GROUP}/v1"), "CompositeResourceDefinition")
}

pub(crate) fn crd_kind() -> GroupVersionKind {
    gvk("apiextensions.k8s.io/v1", "CustomResourceDefinition")
}

/// Controllers that run, by the name of their XRD.
pub(crate) struct Definitions {
    hub: Arc<Hub>,
    running: Mutex<HashMap<String, Running>>,
}

struct Running {
    generation: i64,
    composite: CancellationToken,
    claim: CancellationToken,
    kinds: (GroupKind, Option<GroupKind>),
}

/// Starts the controller.
pub(crate) fn start(hub: &Arc<Hub>) {
    let (sender, receiver) = unbounded_channel();
    let kind = group_kind(&definition_kind());
    hub.register(kind.clone(), sender, false);
    let definitions = Arc::new(Definitions {
        hub: Arc::clone(hub),
        running: Mutex::default(),
    });
    let tasks = hub.tasks.clone();
    let token = tasks.token();
    tasks.spawn(
        "definitions",
        queue::run(receiver, token, move |key| {
            reconcile(Arc::clone(&definitions), key)
        }),
    );
    let hub = Arc::clone(hub);
    let token = tasks.token();
    tasks.spawn("watch definitions", async move {
        let apis = (
            hub.cluster.api(&definition_kind(), None).await,
            hub.cluster.api(&crd_kind(), None).await,
        );
        let (Ok(definitions), Ok(crds)) = apis else {
            tracing::error!("XRDs cannot be watched");
            return;
        };
        let follow_definitions = follow(definitions, token.clone(), |change, object| {
            hub.saw(
                &kind,
                change,
                Key::new("", text(object, "/metadata/name").unwrap_or_default()),
            );
        });
        let follow_crds = follow(crds, token, |_, crd| {
            hub.poke_owner(crd);
            if is_established(crd) {
                let part = |pointer: &str| text(crd, pointer).unwrap_or_default().to_owned();
                hub.kind_is_served(&(part("/spec/group"), part("/spec/names/kind")));
            }
        });
        futures::join!(follow_definitions, follow_crds);
    });
}

fn is_established(crd: &Value) -> bool {
    pave_composite::condition::is_true(crd, "Established")
}

async fn reconcile(definitions: Arc<Definitions>, key: Key) -> Outcome {
    let hub = &definitions.hub;
    let object = match hub.cluster.get(&definition_kind(), None, &key.name).await {
        Ok(Some(object)) => object,
        Ok(None) => {
            definitions.stop(&key.name);
            return Outcome::Gone;
        }
        Err(error) => {
            tracing::warn!(definition = key.name, %error, "cannot read an XRD");
            return Outcome::Failed;
        }
    };
    if is_paused(&object) {
        return Outcome::Settled;
    }
    let result = if is_deleting(&object) {
        removal::remove(&definitions, &object).await
    } else {
        definitions.establish(&object).await
    };
    match result {
        Ok(outcome) => outcome,
        Err(error) if error.is_conflict() => Outcome::Conflict,
        Err(error) => {
            tracing::warn!(definition = key.name, %error, "cannot establish an XRD");
            hub.events.say(
                &object,
                EventKind::Warning,
                "EstablishComposite",
                &error.to_string(),
            );
            let condition = Condition::new("Established", "False", "ReconcileError", error.to_string());
            if let Err(error) = definitions.report(&object, None, &[condition]).await {
                tracing::debug!(%error, "cannot report on an XRD");
            }
            Outcome::Failed
        }
    }
}

impl Definitions {
    async fn establish(&self, object: &Value) -> Result<Outcome, ReconcileError> {
        let (definition, findings) = Definition::parse(object);
        self.say_findings(object, &findings);
        let errors: Vec<String> = findings
            .iter()
            .filter(|it| it.diagnostic.severity == Severity::Error)
            .map(|it| format!("{}: {}", it.pointer, it.diagnostic))
            .collect();
        let Some(definition) = definition.filter(|_| errors.is_empty()) else {
            let condition = Condition::new("Established", "False", "InvalidDefinition", errors.join("; "));
            self.report(object, None, &[condition]).await?;
            return Ok(Outcome::Settled);
        };
        self.hub
            .cluster
            .finalizer(object, FINALIZER_DEFINED, true, MANAGER_DEFINITION)
            .await
            .during("cannot add finalizer")?;
        let mut served = self.ensure_crd(object, &definition.composite_crd()).await?;
        let claim_crd = definition.claim_crd();
        if let Some(crd) = &claim_crd {
            self.claim_finalizer(object).await?;
            served &= self.ensure_crd(object, crd).await?;
        }
        if !served {
            // The CRD's own event comes as soon as it is established.
            return Ok(Outcome::After(Duration::from_secs(1)));
        }
        self.ensure_running(object, &definition).await;
        let mut conditions = vec![Condition::new(
            "Established",
            "True",
            "WatchingCompositeResource",
            "",
        )];
        if claim_crd.is_some() {
            conditions.push(Condition::new(
                "Offered",
                "True",
                "WatchingCompositeResourceClaim",
                "",
            ));
        }
        self.report(object, Some(&definition), &conditions).await?;
        Ok(Outcome::Settled)
    }

    /// The first finalizer has changed the object, so the second one needs a fresh copy.
    async fn claim_finalizer(&self, object: &Value) -> Result<(), ReconcileError> {
        let has = |object: &Value| {
            let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
            finalizers.is_some_and(|it| it.iter().any(|it| it == FINALIZER_OFFERED))
        };
        if has(object) {
            return Ok(());
        }
        let name = text(object, "/metadata/name").unwrap_or_default();
        let Some(fresh) = self.hub.cluster.get(&definition_kind(), None, name).await? else {
            return Ok(());
        };
        self.hub
            .cluster
            .finalizer(&fresh, FINALIZER_OFFERED, true, MANAGER_DEFINITION)
            .await
            .during("cannot add finalizer")
    }

    /// Returns whether the CRD is established.
    async fn ensure_crd(&self, owner: &Value, crd: &Value) -> Result<bool, ReconcileError> {
        let cluster = &self.hub.cluster;
        let name = text(crd, "/metadata/name").unwrap_or_default();
        let existing = cluster.get(&crd_kind(), None, name).await?;
        if let Some(existing) = &existing {
            if controller(existing).is_some() && !is_controlled_by(existing, owner) {
                let message = format!(
                    "cannot apply the CustomResourceDefinition `{name}`: it belongs to something else"
                );
                return Err(ReconcileError::Said(message));
            }
            if is_deleting(existing) {
                return Ok(false);
            }
        }
        let slot = format!("crd/{name}");
        let applied = self
            .hub
            .applier
            .apply(cluster, &slot, crd, existing.as_ref(), MANAGER_DEFINITION, false)
            .await;
        match applied.during(format!("cannot apply the CustomResourceDefinition `{name}`"))? {
            crate::applier::Applied::Unchanged => Ok(existing.as_ref().is_some_and(is_established)),
            crate::applier::Applied::Written(crd) | crate::applier::Applied::Corrected(crd, _) => {
                Ok(is_established(&crd))
            }
        }
    }

    async fn ensure_running(&self, object: &Value, definition: &Definition) {
        let generation = object
            .pointer("/metadata/generation")
            .and_then(Value::as_i64)
            .unwrap_or(0);
        {
            let running = self.lock();
            if running
                .get(&definition.name)
                .is_some_and(|it| it.generation == generation)
            {
                return;
            }
        }
        self.stop(&definition.name);
        let hub = &self.hub;
        let composite = hub.tasks.token().child_token();
        let claim = hub.tasks.token().child_token();
        let shared = Arc::new(definition.clone());
        let composite_kind = crate::composite::start(hub, &shared, &composite).await;
        let claim_kind = crate::claim::start(hub, &shared, &claim).await;
        let entry = Running {
            generation,
            composite,
            claim,
            kinds: (composite_kind, claim_kind),
        };
        self.lock().insert(definition.name.clone(), entry);
        hub.kind_is_served(&(definition.group.clone(), definition.names.kind.clone()));
    }

    /// Stops both controllers of an XRD.
    fn stop(&self, name: &str) {
        if let Some(running) = self.lock().remove(name) {
            running.composite.cancel();
            running.claim.cancel();
            self.hub.unregister(&running.kinds.0);
            if let Some(kind) = &running.kinds.1 {
                self.hub.unregister(kind);
            }
        }
    }

    fn say_findings(&self, object: &Value, findings: &[Finding]) {
        for finding in findings {
            let kind = if finding.diagnostic.severity == Severity::Info {
                EventKind::Normal
            } else {
                EventKind::Warning
            };
            let message = format!("{}: {}", finding.pointer, finding.diagnostic);
            self.hub.events.say(object, kind, "CheckDefinition", &message);
        }
    }

    async fn report(
        &self,
        object: &Value,
        definition: Option<&Definition>,
        conditions: &[Condition],
    ) -> Result<(), ReconcileError> {
        let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
        // The condition of claims stays as it is while only the composite resource is spoken of.
        let mut values: Vec<Value> = conditions
            .iter()
            .map(|it| it.to_value(object, generation, &clock::rfc3339()))
            .collect();
        for kind in ["Established", "Offered"] {
            if let Some(present) = find(object, kind).filter(|_| !conditions.iter().any(|it| it.kind == kind))
            {
                values.push(present.clone());
            }
        }
        let mut status = json!({"conditions": values});
        if let Some(definition) = definition {
            let reference = |kind: &str| json!({"apiVersion": definition.api_version(), "kind": kind});
            status["controllers"] = json!({"compositeResourceType": reference(&definition.names.kind)});
            if let Some(names) = &definition.claim_names {
                status["controllers"]["compositeResourceClaimType"] = reference(&names.kind);
            }
        }
        let name = text(object, "/metadata/name").unwrap_or_default();
        let desired = json!({
            "apiVersion": format!("{GROUP}/v1"), "kind": "CompositeResourceDefinition",
            "metadata": {"name": name}, "status": status,
        });
        let slot = format!("{}/status", text(object, "/metadata/uid").unwrap_or_default());
        self.hub
            .applier
            .apply(
                &self.hub.cluster,
                &slot,
                &desired,
                Some(object),
                MANAGER_DEFINITION,
                true,
            )
            .await
            .map(drop)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
