use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use kube::api::PropagationPolicy;
use pave_composite::composition::Composition;
use pave_composite::keys::{
    FINALIZER_COMPOSITE, LABEL_CLAIM_NAME, LABEL_CLAIM_NAMESPACE, LABEL_COMPOSITE, MANAGER_COMPOSITE,
    composed_manager,
};
use pave_composite::render::{Desired, ObservedResources, Reference, Rendered, prefix, render};
use pave_composite::xrd::{Layout, Scope};
use pave_diagnostic::Severity;
use pave_kube::EventKind;
use serde_json::{Value, json};

use super::Controller;
use super::select::Chosen;
use crate::applier::Applied;
use crate::cluster::{controller, is_controlled_by, is_deleting, kind_of, text};
use crate::error::{During as _, ReconcileError};
use crate::hub::group_kind;
use crate::queue::{Key, Outcome};

/// What came of applying: sentences by the name of the template.
pub(super) type Failures = BTreeMap<String, String>;

impl Controller {
    /// One round: observe, render, remember, delete, apply, publish, report. Nothing is made before it is remembered.
    pub(super) async fn compose(
        &self,
        composite: &Value,
        composition: &Composition,
        chosen: &Chosen,
    ) -> Result<Outcome, ReconcileError> {
        let observed = self.observe(composite, composition).await?;
        let secret = self.secret_reference(composite, composition).await?;
        let mut named = composite.clone();
        named["metadata"]["labels"][LABEL_COMPOSITE] = json!(prefix(composite));
        let mut rendered = render(&named, composition, &observed);
        self.say_findings(composite, &rendered);
        if let Some(fatal) = &rendered.fatal {
            return Err(ReconcileError::Said(format!("cannot compose resources: {fatal}")));
        }
        let collected = self.collect_garbage(composite, &rendered, &observed).await;
        self.remember(composite, &rendered, chosen, secret.as_ref())
            .await
            .during("cannot update composite resource")?;
        collected.during("cannot garbage collect composed resources")?;
        let failures = self.apply_all(composite, &mut rendered, &observed).await?;
        let published = self.publish(composite, &rendered, secret.as_ref()).await?;
        self.report_round(composite, &rendered, &observed, &failures, published)
            .await?;
        Ok(if failures.is_empty() {
            Outcome::Settled
        } else {
            Outcome::Failed
        })
    }

    fn say_findings(&self, composite: &Value, rendered: &Rendered) {
        for finding in &rendered.findings {
            let kind = if finding.diagnostic.severity == Severity::Info {
                EventKind::Normal
            } else {
                EventKind::Warning
            };
            let message = format!(
                "{} (at {} of the Composition)",
                finding.diagnostic, finding.pointer
            );
            self.hub.events.say(composite, kind, "ComposeResources", &message);
        }
    }

    /// Writes what was decided and what will exist into the composite resource, in one apply.
    async fn remember(
        &self,
        composite: &Value,
        rendered: &Rendered,
        chosen: &Chosen,
        secret: Option<&(String, String)>,
    ) -> Result<(), ReconcileError> {
        let namespaced = self.definition.scope == Scope::Namespaced;
        let mut references: Vec<Reference> = rendered
            .resources
            .iter()
            .map(|it| Reference::to(&it.object))
            .collect();
        references.sort();
        let references: Vec<Value> = references.iter().map(|it| it.to_value(namespaced)).collect();
        let mut machinery = json!({
            "compositionRef": {"name": chosen.composition},
            "compositionRevisionRef": {"name": chosen.revision},
            "resourceRefs": references,
        });
        if let (Layout::Legacy, Some((namespace, name))) = (self.definition.layout(), secret) {
            machinery["writeConnectionSecretToRef"] = json!({"name": name, "namespace": namespace});
        }
        let mut metadata = json!({
            "name": composite["metadata"]["name"],
            "labels": {LABEL_COMPOSITE: prefix(composite)},
            "finalizers": [FINALIZER_COMPOSITE],
        });
        if let Some(namespace) = text(composite, "/metadata/namespace") {
            metadata["namespace"] = json!(namespace);
        }
        let desired = json!({
            "apiVersion": composite["apiVersion"], "kind": composite["kind"], "metadata": metadata,
            "spec": self.definition.layout().wrap(machinery),
        });
        let slot = format!("{}/spec", text(composite, "/metadata/uid").unwrap_or_default());
        // Foreground deletion adds a finalizer of its own; only ours has to be there.
        let hub = &self.hub;
        hub.applier
            .apply(
                &hub.cluster,
                &slot,
                &desired,
                Some(composite),
                MANAGER_COMPOSITE,
                false,
            )
            .await
            .map(drop)
    }

    /// Deletes what is no longer wanted, and only what this composite resource controls.
    async fn collect_garbage(
        &self,
        composite: &Value,
        rendered: &Rendered,
        observed: &ObservedResources,
    ) -> Result<(), ReconcileError> {
        let wanted = |name: &String| rendered.resources.iter().any(|it| it.name == *name);
        for (name, resource) in observed.iter().filter(|(name, _)| !wanted(name)) {
            if !is_controlled_by(&resource.object, composite) || is_deleting(&resource.object) {
                continue;
            }
            let labels = json!({LABEL_COMPOSITE: null, LABEL_CLAIM_NAME: null, LABEL_CLAIM_NAMESPACE: null});
            let patch = json!({"metadata": {"labels": labels}});
            self.hub
                .cluster
                .merge(&resource.object, &patch, MANAGER_COMPOSITE)
                .await?;
            self.hub
                .cluster
                .delete(&resource.object, PropagationPolicy::Foreground)
                .await?;
            let kind = text(&resource.object, "/kind").unwrap_or_default();
            let message =
                format!("deleted {kind} (resource `{name}`): the Composition does not have it any more");
            self.hub
                .events
                .say(composite, EventKind::Normal, "ComposeResources", &message);
        }
        Ok(())
    }

    /// Applies all at once. One that is refused does not stop the others.
    async fn apply_all(
        &self,
        composite: &Value,
        rendered: &mut Rendered,
        observed: &ObservedResources,
    ) -> Result<Failures, ReconcileError> {
        let name = text(composite, "/metadata/name").unwrap_or_default();
        let manager = composed_manager(name, &self.kind.group, &self.kind.kind);
        let applied = rendered.resources.iter().map(|desired| async {
            let current = observed.get(&desired.name).map(|it| &it.object);
            (
                desired.name.clone(),
                self.apply_one(composite, desired, current, &manager).await,
            )
        });
        let mut failures = Failures::new();
        for (resource, result) in join_all(applied).await {
            let Err(error) = result else { continue };
            if error.is_conflict() {
                return Err(error);
            }
            if let Some(wanted) = error.unknown_kind() {
                let key = Key::new(text(composite, "/metadata/namespace").unwrap_or_default(), name);
                self.hub.wait_for_kind(wanted, group_kind(&self.kind), key);
            }
            let message = error.to_string();
            let event = format!("cannot apply composed resource `{resource}`: {message}");
            self.hub
                .events
                .say(composite, EventKind::Warning, "ComposeResources", &event);
            failures.insert(resource, message);
        }
        for desired in &mut rendered.resources {
            desired.ready &= !failures.contains_key(&desired.name);
        }
        Ok(failures)
    }

    async fn apply_one(
        &self,
        composite: &Value,
        desired: &Desired,
        current: Option<&Value>,
        manager: &str,
    ) -> Result<(), ReconcileError> {
        if let Some(blocked) = &desired.blocked {
            return Err(ReconcileError::Said(blocked.clone()));
        }
        let kind = kind_of(&desired.object);
        let hub: &Arc<_> = &self.hub;
        let resolved = hub.cluster.kinds.resolve(&kind).await?;
        hub.watch_composed(&kind).await;
        if current.is_some_and(is_deleting) {
            // It is recreated when it is gone; an apply now would only touch what goes away.
            return Ok(());
        }
        if resolved.namespaced && text(&desired.object, "/metadata/namespace").is_none() {
            return Err(ReconcileError::Said(format!(
                "{} lives in namespaces, but no namespace is given",
                kind.kind
            )));
        }
        if !resolved.namespaced && text(composite, "/metadata/namespace").is_some() {
            let message = format!(
                "{} is cluster-wide, but this composite resource lives in a namespace",
                kind.kind
            );
            return Err(ReconcileError::Said(message));
        }
        if current.is_none() {
            self.refuse_adoption(composite, desired).await?;
        }
        let slot = format!(
            "{}/{}",
            text(composite, "/metadata/uid").unwrap_or_default(),
            desired.name
        );
        let applied = hub
            .applier
            .apply(&hub.cluster, &slot, &desired.object, current, manager, false)
            .await?;
        if let Applied::Corrected(_, fields) = applied {
            let name = text(&desired.object, "/metadata/name").unwrap_or_default();
            let message = format!(
                "put back {} of {} `{name}`, which had been changed",
                fields.join(", "),
                kind.kind
            );
            hub.events
                .say_again(composite, EventKind::Normal, "CorrectedDrift", &message);
        }
        Ok(())
    }

    /// An object of that name which belongs to something else is left alone.
    async fn refuse_adoption(&self, composite: &Value, desired: &Desired) -> Result<(), ReconcileError> {
        let name = text(&desired.object, "/metadata/name").unwrap_or_default();
        let namespace = text(&desired.object, "/metadata/namespace");
        let existing = self
            .hub
            .cluster
            .get(&kind_of(&desired.object), namespace, name)
            .await?;
        let Some(existing) =
            existing.filter(|it| controller(it).is_some() && !is_controlled_by(it, composite))
        else {
            return Ok(());
        };
        let owner = controller(&existing).cloned().unwrap_or_default();
        let part = |key: &str| owner[key].as_str().unwrap_or_default().to_owned();
        let message = format!(
            "an object named `{name}` exists and belongs to {} `{}`",
            part("kind"),
            part("name")
        );
        Err(ReconcileError::Said(message))
    }
}
