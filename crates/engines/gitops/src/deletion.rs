//! The deletion of an Application that takes its objects along.

use std::sync::Arc;

use kube::api::PropagationPolicy;
use pave_kube::EventKind;
use pave_manifest::application::{Application, RESOURCES_FINALIZER};
use pave_manifest::options::{DELETION_APPROVED, value_of};
use pave_manifest::plan::wave_of;
use pave_manifest::target::is_crd;
use pave_manifest::{annotation, api_version_and_kind};
use pave_names::{GroupVersionKind, ObjectKey};
use serde_json::{Value, json};

use crate::conditions::{self, DELETION_ERROR};
use crate::engine::Engine;
use crate::sites::{DestinationError, Site};
use crate::{events, explain, objects, status};

/// Goes as far as it can; what is deleted wakes the worker again.
pub(crate) async fn cascade(
    engine: &Arc<Engine>,
    object: &Arc<Value>,
    application: &Application,
    instance: &str,
) {
    let finalizers = &application.metadata.finalizers;
    let Some(finalizer) = finalizers.iter().find(|it| is_cascade(it)) else {
        // Hooks before and after a deletion are not run; their finalizers must not keep the object for ever.
        if finalizers.iter().any(|it| is_ours(it)) {
            release(engine, object, finalizers).await;
        }
        return;
    };
    let project = application.project();
    let site = match engine.sites.find(&application.spec.destination, project).await {
        Ok(site) => site,
        // Nobody knows any more where the objects are: as upstream, they do not hold the Application for ever.
        Err(DestinationError::Unknown(why)) => {
            let message = format!("let go without deleting anything: {why}");
            events::emit(engine, object, EventKind::Warning, "DestinationUnknown", message);
            return release(engine, object, finalizers).await;
        }
        Err(error) => return report(engine, object, application, &error.to_string()).await,
    };
    if let Err(why) = site.check().await {
        let message =
            format!("{why}; remove the cluster Secret to let the Application go without its objects");
        return report(engine, object, application, &message).await;
    }
    for known in &application.status.resources {
        let gvk = GroupVersionKind {
            group: known.group.clone(),
            version: known.version.clone(),
            kind: known.kind.clone(),
        };
        if let Err(error) = site.live.ensure(&gvk).await {
            tracing::debug!(%error, "a kind of a deleted Application is not served");
        }
    }
    let doomed: Vec<(ObjectKey, Arc<Value>)> = site
        .live
        .owned_by(instance)
        .into_iter()
        .filter(|(key, live)| is_deleted_along(application, key, live))
        .collect();
    if doomed.is_empty() {
        release(engine, object, finalizers).await;
        return;
    }
    if doomed
        .iter()
        .any(|(_, live)| !live["metadata"]["deletionTimestamp"].is_null())
    {
        return;
    }
    let background = finalizer.ends_with("/background");
    delete_highest_wave(engine, &site, object, application, doomed, background).await;
}

async fn delete_highest_wave(
    engine: &Arc<Engine>,
    site: &Site,
    object: &Arc<Value>,
    application: &Application,
    doomed: Vec<(ObjectKey, Arc<Value>)>,
    background: bool,
) {
    let account = engine.project(application.project()).and_then(|project| {
        let namespace = &application.spec.destination.namespace;
        project.service_account(&site.server, namespace)
    });
    let kinds = match site.kinds_as(account.as_ref()) {
        Ok(kinds) => kinds,
        Err(why) => return report(engine, object, application, &why).await,
    };
    let highest = doomed.iter().map(|(_, live)| wave_of(live)).max();
    let policy = if background {
        PropagationPolicy::Background
    } else {
        PropagationPolicy::Foreground
    };
    for (key, live) in doomed
        .into_iter()
        .filter(|(_, live)| Some(wave_of(live)) == highest)
    {
        match objects::delete(&kinds, &live, policy.clone()).await {
            Ok(Some(left)) => site.live.put(left),
            Ok(None) => site.live.remove(&key, u64::MAX),
            Err(error) => {
                let words = explain::explain(&error, &explain::Blame::default());
                report(
                    engine,
                    object,
                    application,
                    &format!("{key} was not deleted: {words}"),
                )
                .await;
                return;
            }
        }
    }
}

async fn report(engine: &Arc<Engine>, object: &Arc<Value>, application: &Application, message: &str) {
    let mut found = application.status.clone();
    let now = pave_runtime::clock::rfc3339();
    found.conditions = conditions::merge(
        &found.conditions,
        vec![(DELETION_ERROR, message.to_owned())],
        &now,
    );
    status::write(engine, object, application, &found, &status::Intent::Keep).await;
}

fn is_cascade(finalizer: &str) -> bool {
    finalizer.split('/').next() == Some(RESOURCES_FINALIZER)
}

fn is_ours(finalizer: &str) -> bool {
    let name = finalizer.split('/').next().unwrap_or_default();
    is_cascade(finalizer)
        || name == "pre-delete-finalizer.argocd.argoproj.io"
        || name == "post-delete-finalizer.argocd.argoproj.io"
}

fn is_deleted_along(application: &Application, key: &ObjectKey, live: &Value) -> bool {
    let is_self = key.kind == "Application"
        && key.group == "argoproj.io"
        && key.name == application.metadata.name
        && key.namespace == application.metadata.namespace;
    let kept = match value_of(live, application.sync_options(), "Delete") {
        Some("false") => true,
        Some("confirm") => application.annotation(DELETION_APPROVED).is_none(),
        _ => annotation(live, "helm.sh/resource-policy") == Some("keep"),
    };
    !is_self && !kept && !is_crd(&api_version_and_kind(live))
}

/// Lets the Application go; finalizers of others stay.
async fn release(engine: &Arc<Engine>, object: &Arc<Value>, finalizers: &[String]) {
    let rest: Vec<_> = finalizers.iter().filter(|it| !is_ours(it)).collect();
    match objects::merge(&engine.kinds, object, &json!({"metadata": {"finalizers": rest}})).await {
        Ok(_) => {
            let message = "deleted the objects of the Application".to_owned();
            events::emit(engine, object, EventKind::Normal, "ResourceDeleted", message);
        }
        Err(pave_kube::KindsError::Cluster(kube::Error::Api(status))) if status.code == 404 => {}
        Err(error) => tracing::warn!(%error, "the finalizer of an Application was not removed"),
    }
}
