//! Provider configurations stay as long as a managed resource uses them.

use std::sync::Arc;

use kube::api::{ListParams, Patch, PatchParams};
use pave_azure::mapping::{PROVIDER_CONFIG, PROVIDER_CONFIG_USAGE};
use pave_runtime::Tasks;
use serde_json::{Value, json};

use crate::engine::{Engine, configuration_api};
use crate::failure::kube_words;

/// Crossplane's finalizer of provider configurations in use.
const IN_USE: &str = "in-use.crossplane.io";

/// Label of a usage with the name of its configuration.
pub(crate) const CONFIGURATION_LABEL: &str = "crossplane.io/provider-config";

/// Brings finalizer and user count of one configuration up to date, in the background.
pub(crate) fn attend(engine: &Arc<Engine>, tasks: &Tasks, name: String) {
    let engine = Arc::clone(engine);
    tasks.spawn("providers/configuration", async move {
        let Some(configuration) = engine.cache.configuration(&name) else {
            return;
        };
        if let Err(error) = bring_up_to_date(&engine, &name, &configuration).await {
            tracing::debug!(
                name,
                error = kube_words(&error),
                "a provider configuration is attended to later"
            );
        }
    });
}

/// As [`attend`], for all configurations that are being deleted.
pub(crate) fn attend_leaving(engine: &Arc<Engine>, tasks: &Tasks) {
    for name in engine.cache.leaving_configurations() {
        attend(engine, tasks, name);
    }
}

async fn bring_up_to_date(engine: &Engine, name: &str, configuration: &Value) -> Result<(), kube::Error> {
    let usages = configuration_api(&engine.client, PROVIDER_CONFIG_USAGE);
    let selector = ListParams::default().labels(&format!("{CONFIGURATION_LABEL}={name}"));
    let users = usages.list(&selector).await?.items.len();
    let api = configuration_api(&engine.client, PROVIDER_CONFIG);
    if configuration["status"]["users"] != users {
        let patch = json!({"status": {"users": users}});
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
    }
    let Some(finalizers) = next_finalizers(&configuration["metadata"], users) else {
        return Ok(());
    };
    let patch = json!({"metadata": {"finalizers": finalizers}});
    api.patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map(drop)
}

/// The finalizers as they should be; none if they are.
pub(crate) fn next_finalizers(metadata: &Value, users: usize) -> Option<Vec<Value>> {
    let mut finalizers = metadata["finalizers"].as_array().cloned().unwrap_or_default();
    let held = finalizers.iter().any(|it| it == IN_USE);
    let leaving = !metadata["deletionTimestamp"].is_null();
    match (leaving, held) {
        (false, false) => finalizers.push(json!(IN_USE)),
        (true, true) if users == 0 => finalizers.retain(|it| it != IN_USE),
        _ => return None,
    }
    Some(finalizers)
}
