//! Small writes that nothing waits for: events, and who uses which provider configuration.

use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::PostParams;
use kube::core::DynamicObject;
use pave_azure::mapping::{PROVIDER_CONFIG_GROUP, PROVIDER_CONFIG_USAGE};
use pave_runtime::clock;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::engine::configuration_api;
use crate::failure::kube_words;
use crate::secrets::owner_reference;
use crate::usage::CONFIGURATION_LABEL;

/// Events of cluster-scoped objects stand in this namespace, by Kubernetes' convention.
const EVENT_NAMESPACE: &str = "default";

/// One small write.
pub(crate) enum Chore {
    /// Tells people what happened to an object.
    Event {
        /// The object, as far as [`identity`] keeps it.
        object: Value,
        warning: bool,
        reason: &'static str,
        message: String,
    },
    /// Records that an object uses a provider configuration.
    Usage {
        /// The object, as far as [`identity`] keeps it.
        object: Value,
        configuration: String,
    },
}

/// What events and usages need of an object.
pub(crate) fn identity(object: &Value) -> Value {
    let metadata = &object["metadata"];
    json!({
        "apiVersion": object["apiVersion"],
        "kind": object["kind"],
        "metadata": {
            "name": metadata["name"], "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"],
        },
    })
}

/// Does chores in order until the tasks end. A failed one is dropped: none of them decides anything.
pub(crate) async fn work(
    client: kube::Client,
    mut chores: UnboundedReceiver<Chore>,
    token: CancellationToken,
) {
    loop {
        let chore = tokio::select! {
            () = token.cancelled() => return,
            chore = chores.recv() => match chore {
                Some(chore) => chore,
                None => return,
            },
        };
        if let Err(error) = perform(&client, &chore).await {
            tracing::debug!(error = kube_words(&error), "a chore failed");
        }
    }
}

async fn perform(client: &kube::Client, chore: &Chore) -> Result<(), kube::Error> {
    match chore {
        Chore::Event {
            object,
            warning,
            reason,
            message,
        } => {
            let event = event(object, *warning, reason, message);
            let event: Event = serde_json::from_value(event).map_err(kube::Error::SerdeError)?;
            let api: Api<Event> = Api::namespaced(client.clone(), EVENT_NAMESPACE);
            api.create(&PostParams::default(), &event).await.map(drop)
        }
        Chore::Usage {
            object,
            configuration,
        } => {
            let usage: DynamicObject =
                serde_json::from_value(usage(object, configuration)).map_err(kube::Error::SerdeError)?;
            let api = configuration_api(client, PROVIDER_CONFIG_USAGE);
            match api.create(&PostParams::default(), &usage).await {
                Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
                other => other.map(drop),
            }
        }
    }
}

fn event(object: &Value, warning: bool, reason: &str, message: &str) -> Value {
    let now = clock::rfc3339();
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    // The API server refuses longer ones.
    let message: String = message.chars().take(1024).collect();
    json!({
        "metadata": {"generateName": format!("{name}."), "namespace": EVENT_NAMESPACE},
        "involvedObject": {
            "apiVersion": object["apiVersion"], "kind": object["kind"], "name": metadata["name"],
            "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"],
        },
        "type": if warning { "Warning" } else { "Normal" },
        "reason": reason,
        "message": message,
        "source": {"component": "pave-providers"},
        "reportingComponent": "pave-providers",
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    })
}

fn usage(object: &Value, configuration: &str) -> Value {
    let metadata = &object["metadata"];
    json!({
        "apiVersion": format!("{PROVIDER_CONFIG_GROUP}/v1beta1"),
        "kind": PROVIDER_CONFIG_USAGE,
        "metadata": {
            "name": metadata["uid"],
            "labels": {CONFIGURATION_LABEL: configuration},
            "ownerReferences": [owner_reference(object, true)],
        },
        "providerConfigRef": {"name": configuration},
        "resourceRef": {
            "apiVersion": object["apiVersion"], "kind": object["kind"], "name": metadata["name"], "uid": metadata["uid"],
        },
    })
}
