use futures::future::try_join_all;
use pave_composite::composition::Composition;
use pave_composite::connection::Details;
use pave_composite::keys::RESOURCE_NAME;
use pave_composite::render::{Observed, ObservedResources, Reference};
use pave_kube::KindsError;
use serde_json::Value;

use super::Controller;
use crate::cluster::{controller, gvk, is_controlled_by, secret_data, text};
use crate::error::{During as _, ReconcileError};

impl Controller {
    /// The composed resources that exist, from the references that the composite resource keeps.
    pub(super) async fn observe(
        &self,
        composite: &Value,
        composition: &Composition,
    ) -> Result<ObservedResources, ReconcileError> {
        let machinery = self.definition.layout().machinery(composite);
        let references = machinery
            .get("resourceRefs")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let anonymous: Vec<&str> = composition
            .steps
            .iter()
            .flat_map(|step| &step.templates)
            .filter(|template| template.anonymous)
            .map(|template| template.name.as_str())
            .collect();
        let looked_at = references
            .iter()
            .map(|reference| self.observe_one(composite, reference));
        let found = try_join_all(looked_at)
            .await
            .during("cannot get composed resources")?;
        let mut observed = ObservedResources::new();
        for (index, resource) in found.into_iter().enumerate() {
            let Some(resource) = resource else { continue };
            let annotation = resource
                .object
                .pointer("/metadata/annotations")
                .and_then(|it| it.get(RESOURCE_NAME));
            // Resources that an older engine made from templates without names are known by their position.
            let name = annotation
                .and_then(Value::as_str)
                .or_else(|| anonymous.get(index).copied());
            let Some(name) = name else {
                let name = text(&resource.object, "/metadata/name").unwrap_or_default();
                let message = format!("composed resource `{name}` lacks the annotation `{RESOURCE_NAME}`");
                return Err(ReconcileError::Said(message));
            };
            observed.insert(name.to_owned(), resource);
        }
        Ok(observed)
    }

    async fn observe_one(
        &self,
        composite: &Value,
        reference: &Value,
    ) -> Result<Option<Observed>, ReconcileError> {
        let mut reference = Reference::from_value(reference);
        if reference.name.is_empty() {
            return Ok(None);
        }
        if let Some(namespace) = text(composite, "/metadata/namespace") {
            namespace.clone_into(&mut reference.namespace);
        }
        let kind = gvk(&reference.api_version, &reference.kind);
        let namespace = Some(reference.namespace.as_str()).filter(|it| !it.is_empty());
        let object = match self.hub.cluster.get(&kind, namespace, &reference.name).await {
            // What is of a kind that is not served any more cannot exist.
            Err(ReconcileError::Kind(KindsError::Unknown(_))) => return Ok(None),
            other => other?,
        };
        self.hub.watch_composed(&kind).await;
        let Some(object) = object else { return Ok(None) };
        if controller(&object).is_some() && !is_controlled_by(&object, composite) {
            return Ok(None);
        }
        let connection = self.connection(&object).await?;
        Ok(Some(Observed { object, connection }))
    }

    async fn connection(&self, object: &Value) -> Result<Details, ReconcileError> {
        let Some(name) = text(object, "/spec/writeConnectionSecretToRef/name") else {
            return Ok(Details::new());
        };
        let namespace = text(object, "/spec/writeConnectionSecretToRef/namespace")
            .or_else(|| text(object, "/metadata/namespace"))
            .unwrap_or("default");
        let secret = self.hub.cluster.secret(namespace, name).await?;
        Ok(secret.as_ref().map(secret_data).unwrap_or_default())
    }
}
