//! The CRDs of what this engine manages.

use std::time::Duration;

use futures::future::try_join_all;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{Patch, PatchParams};
use pave_azure::mapping;
use serde_json::Value;

use crate::failure::kube_words;

const MANAGER: &str = "pave-providers";

/// Installs or updates all CRDs; tries again until the API server has taken and serves them.
pub(crate) async fn until_done(client: &kube::Client) {
    let mut wait = Duration::from_millis(200);
    loop {
        match try_join_all(mapping::crds().into_iter().map(|crd| install(client, crd))).await {
            Ok(_) => return,
            Err(error) => tracing::warn!(
                error = kube_words(&error),
                "cannot install the CRDs of the providers yet"
            ),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(30));
    }
}

async fn install(client: &kube::Client, crd: Value) -> Result<(), kube::Error> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = crd["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let mut applied = api
        .patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&crd))
        .await?;
    let mut wait = Duration::from_millis(2);
    while !is_established(&applied) {
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(1));
        applied = api.get(&name).await?;
    }
    Ok(())
}

fn is_established(crd: &CustomResourceDefinition) -> bool {
    let conditions = crd.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .any(|it| it.type_ == "Established" && it.status == "True")
}
