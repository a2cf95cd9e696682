//! When the first start of the demo is over: what the summary tells people to try works from then on.

use std::time::{Duration, Instant};

use kube::api::{Api, DynamicObject};
use pave_catalog::Catalog;
use pave_kube::{Kinds, api_resource};
use pave_names::{EntityRef, GroupVersionKind};

/// Longest wait. A start never fails for this: what is missing is said, and comes later.
const PATIENCE: Duration = Duration::from_secs(15);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until the demo's template is in the catalog, its kind in the cluster, and its Applications are in step.
pub(super) async fn wait(kinds: &Kinds, catalog: &Catalog) {
    let begun = Instant::now();
    while let Some(missing) = missing(kinds, catalog).await {
        if begun.elapsed() > PATIENCE {
            tracing::warn!("the demo is not there yet: {missing}");
            return;
        }
        tracing::debug!("not ready: {missing}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn missing(kinds: &Kinds, catalog: &Catalog) -> Option<&'static str> {
    let entities = [
        EntityRef::new("template", "default", "create-team-environment"),
        EntityRef::new("user", "default", "alice"),
    ];
    if entities.iter().any(|entity| catalog.entity(entity).is_none()) {
        return Some("the catalog has not read the repository");
    }
    let claim = GroupVersionKind {
        group: "platform.example.com".into(),
        version: "v1alpha1".into(),
        kind: "TeamEnvironmentClaim".into(),
    };
    if kinds.resolve(&claim).await.is_err() {
        return Some("the cluster does not know TeamEnvironmentClaim");
    }
    let resource = api_resource("argoproj.io", "v1alpha1", "Application", "applications");
    let api: Api<DynamicObject> = Api::namespaced_with(kinds.client().clone(), "argocd", &resource);
    let applications = api.list(&kube::api::ListParams::default()).await.ok();
    let applications = applications.map(|list| list.items).unwrap_or_default();
    let in_step = |application: &DynamicObject| {
        let status = application.data.pointer("/status/sync/status");
        status.is_some_and(|status| status == "Synced")
    };
    let all_in_step = applications.len() > 1 && applications.iter().all(in_step);
    (!all_in_step).then_some("its Applications are not synced")
}
