//! Connection secrets: publishing them, and reacting when one changes.

use std::sync::Arc;

use pave_composite::connection::Details;
use pave_composite::keys::SECRET_TYPE;
use pave_names::annotation;
use serde_json::{Map, Value, json};

use crate::cluster::{
    controller, controller_reference, encode_data, gvk, is_controlled_by, secret_data, text,
};
use crate::error::{During as _, ReconcileError};
use crate::hub::Hub;
use crate::watch::follow;

/// Follows all connection secrets.
pub(crate) fn start(hub: &Arc<Hub>) {
    let hub = Arc::clone(hub);
    let (tasks, token) = (hub.tasks.clone(), hub.tasks.token());
    tasks.spawn("connection secrets", async move {
        let Ok(api) = hub.cluster.api(&gvk("v1", "Secret"), None).await else {
            tracing::warn!("the cluster serves no secrets; connection details will be late");
            return;
        };
        follow(api, token, |_, secret| {
            if text(secret, "/type") == Some(SECRET_TYPE) || controller(secret).is_some() {
                // Of a composite resource or claim itself, else of a composed resource.
                if !hub.poke_owner(secret) {
                    hub.poke_owner_of_owner(secret);
                }
            }
        })
        .await;
    });
}

/// Publishes details as the connection secret of an object. Keys that are there stay, as upstream keeps them.
///
/// Returns whether anything was written.
pub(crate) async fn publish(
    hub: &Hub,
    owner: &Value,
    namespace: &str,
    name: &str,
    details: &Details,
    manager: &str,
) -> Result<bool, ReconcileError> {
    let existing = hub
        .cluster
        .secret(namespace, name)
        .await
        .during("cannot get connection secret")?;
    if let Some(existing) = &existing
        && controller(existing).is_some()
        && !is_controlled_by(existing, owner)
    {
        let message = format!(
            "cannot publish connection details: the secret `{namespace}/{name}` belongs to something else"
        );
        return Err(ReconcileError::Said(message));
    }
    let mut merged = existing.as_ref().map(secret_data).unwrap_or_default();
    merged.extend(details.iter().map(|(key, value)| (key.clone(), value.clone())));
    let mut metadata = json!({
        "name": name, "namespace": namespace, "ownerReferences": controller_reference(owner),
    });
    let followed: Map<String, Value> = [annotation::ROAD, annotation::REQUESTED_BY]
        .into_iter()
        .filter_map(|key| {
            Some((
                key.to_owned(),
                owner.pointer("/metadata/annotations")?.get(key)?.clone(),
            ))
        })
        .collect();
    if !followed.is_empty() {
        metadata["annotations"] = Value::Object(followed);
    }
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": SECRET_TYPE, "data": encode_data(&merged),
    });
    if existing
        .as_ref()
        .is_some_and(|it| crate::applier::contains(it, &secret))
    {
        return Ok(false);
    }
    pave_kube::apply(&hub.cluster.kinds, &secret, manager, false)
        .await
        .during("cannot publish connection details")?;
    Ok(true)
}
