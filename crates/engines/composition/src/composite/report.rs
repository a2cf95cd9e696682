use pave_composite::cause::{self, Part};
use pave_composite::composition::Composition;
use pave_composite::condition::{Condition, find, name_list};
use pave_composite::keys::MANAGER_COMPOSITE;
use pave_composite::render::{ObservedResources, Rendered};
use pave_composite::xrd::Layout;
use pave_kube::EventKind;
use pave_runtime::clock;
use serde_json::{Map, Value, json};

use super::Controller;
use super::compose::Failures;
use crate::cluster::{gvk, text};
use crate::error::ReconcileError;
use crate::secret;

impl Controller {
    /// Where the connection secret goes: namespace and name. None for composite resources of 2.x.
    pub(super) async fn secret_reference(
        &self,
        composite: &Value,
        composition: &Composition,
    ) -> Result<Option<(String, String)>, ReconcileError> {
        if self.definition.layout() == Layout::Modern {
            return Ok(None);
        }
        let part = |name: &str| text(composite, &format!("/spec/writeConnectionSecretToRef/{name}"));
        if let (Some(namespace), Some(name)) = (part("namespace"), part("name")) {
            return Ok(Some((namespace.to_owned(), name.to_owned())));
        }
        let uid = text(composite, "/metadata/uid").unwrap_or_default().to_owned();
        if let Some(namespace) = &composition.secrets_namespace {
            return Ok(Some((namespace.clone(), uid)));
        }
        // Upstream would publish nothing here, even if the claim asks for a secret. We keep it where the claim lives.
        let (Some(names), Some(claim)) = (
            &self.definition.claim_names,
            text(composite, "/spec/claimRef/name"),
        ) else {
            return Ok(None);
        };
        let namespace = text(composite, "/spec/claimRef/namespace");
        let kind = gvk(&self.definition.api_version(), &names.kind);
        let claim = self.hub.cluster.get(&kind, namespace, claim).await?;
        let asked = claim.is_some_and(|it| text(&it, "/spec/writeConnectionSecretToRef/name").is_some());
        Ok(namespace
            .filter(|_| asked)
            .map(|namespace| (namespace.to_owned(), uid)))
    }

    /// Publishes the connection details. Returns the time, if anything was written.
    pub(super) async fn publish(
        &self,
        composite: &Value,
        rendered: &Rendered,
        secret: Option<&(String, String)>,
    ) -> Result<Option<String>, ReconcileError> {
        let Some((namespace, name)) = secret else {
            return Ok(None);
        };
        let allowed = &self.definition.connection_secret_keys;
        let mut details = rendered.connection.clone();
        details.retain(|key, _| allowed.is_empty() || allowed.contains(key));
        if details.is_empty() {
            return Ok(None);
        }
        let written =
            secret::publish(&self.hub, composite, namespace, name, &details, MANAGER_COMPOSITE).await?;
        if written {
            let message = format!("published {} connection details", details.len());
            let hub = &self.hub;
            hub.events
                .say(composite, EventKind::Normal, "PublishConnectionSecret", &message);
        }
        Ok(written.then(clock::rfc3339))
    }

    /// Writes the conditions of a round that went through.
    pub(super) async fn report_round(
        &self,
        composite: &Value,
        rendered: &Rendered,
        observed: &ObservedResources,
        failures: &Failures,
        published: Option<String>,
    ) -> Result<(), ReconcileError> {
        let unready = rendered.unready();
        let cause = cause::deepest(&parts(rendered, observed, failures)).map(|it| it.sentence);
        let synced = if failures.is_empty() {
            Condition::reconcile_success()
        } else {
            let names: Vec<String> = failures.keys().cloned().collect();
            let reasons: Vec<String> = failures
                .iter()
                .take(3)
                .map(|(name, why)| format!("{name}: {why}"))
                .collect();
            let message = format!(
                "Unsynced resources: {}; {}",
                name_list(&names),
                reasons.join("; ")
            );
            Condition::reconcile_error(message)
        };
        let ready = if unready.is_empty() {
            Condition::available()
        } else {
            let cause = cause.map_or_else(String::new, |cause| format!("; {cause}"));
            Condition::creating(format!("Unready resources: {}{cause}", name_list(&unready)))
        };
        self.say_transition(composite, &ready);
        let mut status = rendered.status.as_object().cloned().unwrap_or_default();
        let published = published
            .or_else(|| text(composite, "/status/connectionDetails/lastPublishedTime").map(str::to_owned));
        if let Some(time) = published {
            status.insert("connectionDetails".to_owned(), json!({"lastPublishedTime": time}));
        }
        self.report(composite, Some(status), &[synced, ready]).await
    }

    fn say_transition(&self, composite: &Value, ready: &Condition) {
        let was = find(composite, "Ready")
            .and_then(|it| it["status"].as_str())
            .unwrap_or_default();
        if was != ready.status && ready.status == "True" {
            let hub = &self.hub;
            let message = "all composed resources are ready";
            // What went wrong before is over; should it come again, that is news.
            hub.events
                .forget(text(composite, "/metadata/uid").unwrap_or_default());
            hub.events
                .say(composite, EventKind::Normal, "ComposeResources", message);
        }
    }

    /// Applies the status. Without fields of its own, those that are there stay.
    pub(super) async fn report(
        &self,
        composite: &Value,
        fields: Option<Map<String, Value>>,
        conditions: &[Condition],
    ) -> Result<(), ReconcileError> {
        let generation = composite.pointer("/metadata/generation").and_then(Value::as_i64);
        let now = clock::rfc3339();
        let current = composite
            .get("status")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let mut status = fields.unwrap_or_else(|| {
            let mut kept = current;
            kept.remove("conditions");
            kept
        });
        let mut values: Vec<Value> = conditions
            .iter()
            .map(|it| it.to_value(composite, generation, &now))
            .collect();
        for kind in ["Synced", "Ready"] {
            if let Some(present) =
                find(composite, kind).filter(|_| !conditions.iter().any(|it| it.kind == kind))
            {
                values.push(present.clone());
            }
        }
        status.insert("conditions".to_owned(), Value::Array(values));
        let mut metadata = json!({"name": composite["metadata"]["name"]});
        if let Some(namespace) = text(composite, "/metadata/namespace") {
            metadata["namespace"] = json!(namespace);
        }
        let desired = json!({
            "apiVersion": composite["apiVersion"], "kind": composite["kind"], "metadata": metadata, "status": status,
        });
        let slot = format!("{}/status", text(composite, "/metadata/uid").unwrap_or_default());
        let hub = &self.hub;
        hub.applier
            .apply(
                &hub.cluster,
                &slot,
                &desired,
                Some(composite),
                MANAGER_COMPOSITE,
                true,
            )
            .await
            .map(drop)
    }
}

fn parts<'a>(
    rendered: &'a Rendered,
    observed: &'a ObservedResources,
    failures: &'a Failures,
) -> Vec<Part<'a>> {
    rendered
        .resources
        .iter()
        .map(|desired| Part {
            name: &desired.name,
            desired: &desired.object,
            observed: observed.get(&desired.name).map(|it| &it.object),
            ready: desired.ready,
            failure: failures.get(&desired.name).map(String::as_str),
            waiting_for: desired.waiting_for.as_deref(),
            skipped: rendered
                .skipped
                .iter()
                .find(|(name, _)| *name == desired.name)
                .map(|(_, text)| text.as_str()),
        })
        .collect()
}
