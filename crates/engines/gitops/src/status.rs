//! The status of an Application, built from a comparison and written when it changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use pave_kube::EventKind;
use pave_manifest::application::{
    Application, ComparedTo, HealthStatus, Operation, ResourceStatus, Status, SyncStatus,
};
use pave_manifest::health::Health;
use pave_manifest::merge::merge_patch;
use pave_manifest::options::REFRESH;
use pave_names::ObjectKey;
use pave_runtime::clock;
use serde_json::{Value, json};

use crate::compare::{Comparison, Entry};
use crate::engine::Engine;
use crate::{conditions, events, objects};

/// The status that follows from a comparison; operation and history stay as they were.
pub(crate) fn from_comparison(
    application: &Application,
    comparison: &Comparison,
    reconciled: bool,
    control_namespace: &str,
) -> Status {
    let now = clock::rfc3339();
    let before = &application.status;
    let mut status = before.clone();
    status.sync = SyncStatus {
        status: comparison.code.to_owned(),
        revision: comparison.revision.clone(),
        compared_to: Some(ComparedTo {
            source: comparison.source.clone(),
            destination: application.spec.destination.clone(),
            ignore_differences: application.spec.ignore_differences.clone(),
        }),
    };
    if let Some(health) = &comparison.health {
        status.health = health_status(&before.health, health, &now);
    }
    status.resources = comparison
        .entries
        .iter()
        .map(|entry| resource(entry, comparison.code == "Unknown"))
        .collect();
    status.conditions = conditions::merge(&before.conditions, comparison.conditions.clone(), &now);
    let images = images(&comparison.entries);
    status.summary = if images.is_empty() {
        json!({})
    } else {
        json!({"images": images})
    };
    "Directory".clone_into(&mut status.source_type);
    control_namespace.clone_into(&mut status.controller_namespace);
    if reconciled || before.reconciled_at.is_empty() {
        status.reconciled_at = now;
    }
    status
}

fn health_status(before: &HealthStatus, health: &Health, now: &str) -> HealthStatus {
    let same = before.status == health.code.as_str() && !before.last_transition_time.is_empty();
    HealthStatus {
        status: health.code.to_string(),
        message: health.message.clone(),
        last_transition_time: if same {
            before.last_transition_time.clone()
        } else {
            now.to_owned()
        },
    }
}

fn resource(entry: &Entry, unknown: bool) -> ResourceStatus {
    let ObjectKey {
        group,
        kind,
        namespace,
        name,
    } = entry.key.clone();
    let status = match (entry.hook, unknown, entry.out_of_sync) {
        (true, ..) => "",
        (_, true, _) => "Unknown",
        (_, _, true) => "OutOfSync",
        _ => "Synced",
    };
    let missing = || Health::new(pave_manifest::health::HealthCode::Missing, "");
    let health = entry
        .health
        .clone()
        .or_else(|| entry.live.is_none().then(missing));
    ResourceStatus {
        group,
        version: entry.gvk.version.clone(),
        kind,
        namespace,
        name,
        status: status.to_owned(),
        health: health.map(|it| HealthStatus {
            status: it.code.to_string(),
            message: it.message,
            last_transition_time: String::new(),
        }),
        hook: entry.hook,
        requires_pruning: entry.requires_pruning() && !unknown,
        sync_wave: Some(entry.wave).filter(|wave| *wave != 0),
    }
}

/// Images named anywhere in the live objects' pod templates.
fn images(entries: &[Entry]) -> BTreeSet<String> {
    let mut images = BTreeSet::new();
    for live in entries.iter().filter_map(|entry| entry.live.as_deref()) {
        for spec in [
            "/spec/template/spec",
            "/spec",
            "/spec/jobTemplate/spec/template/spec",
        ] {
            let Some(spec) = live.pointer(spec) else { continue };
            let containers = ["containers", "initContainers"]
                .into_iter()
                .filter_map(|key| spec[key].as_array());
            images.extend(
                containers
                    .flatten()
                    .filter_map(|it| it["image"].as_str().map(str::to_owned)),
            );
        }
    }
    images
}

/// What is to be done with `.operation` while writing a status.
pub(crate) enum Intent<'a> {
    /// Leave it.
    Keep,
    /// Set it, so that it survives a crash.
    Set(&'a Operation),
    /// It has ended.
    Clear,
}

/// Writes a status if it differs, and tells of changes by events. Gives the Application as it stands then.
pub(crate) async fn write(
    engine: &Arc<Engine>,
    object: &Arc<Value>,
    application: &Application,
    status: &Status,
    intent: &Intent<'_>,
) -> Arc<Value> {
    let mut patch = json!({});
    let wanted = serde_json::to_value(status).unwrap_or_default();
    let before = object.get("status").cloned().unwrap_or_else(|| json!({}));
    if let Some(change) = merge_patch(&before, &wanted) {
        patch["status"] = change;
    }
    match intent {
        Intent::Set(operation) => {
            let wanted = serde_json::to_value(operation).unwrap_or_default();
            if object["operation"] != wanted {
                patch["operation"] = wanted;
            }
        }
        Intent::Clear if !object["operation"].is_null() => patch["operation"] = Value::Null,
        _ => {}
    }
    if application.annotation(REFRESH).is_some() {
        patch["metadata"] = json!({"annotations": {REFRESH: null}});
    }
    if patch.as_object().is_none_or(serde_json::Map::is_empty) {
        return Arc::clone(object);
    }
    match objects::merge(&engine.kinds, object, &patch).await {
        Ok(written) => {
            tell(engine, object, &application.status, status);
            engine.live.put(written.clone());
            Arc::new(written)
        }
        Err(error) => {
            tracing::warn!(%error, application = application.key(), "the status of an Application was not written");
            Arc::clone(object)
        }
    }
}

fn tell(engine: &Arc<Engine>, object: &Arc<Value>, before: &Status, after: &Status) {
    let changed = |what: &str, from: &str, to: &str| {
        if from != to {
            let from = if from.is_empty() { "" } else { from };
            let message = format!("Updated {what} status: {from} -> {to}");
            events::emit(engine, object, EventKind::Normal, "ResourceUpdated", message);
        }
    };
    changed("sync", &before.sync.status, &after.sync.status);
    changed("health", &before.health.status, &after.health.status);
    for condition in &after.conditions {
        let known = before
            .conditions
            .iter()
            .any(|it| it.type_ == condition.type_ && it.message == condition.message);
        if condition.type_.ends_with("Error") && !known {
            events::emit(
                engine,
                object,
                EventKind::Warning,
                "StatusRefreshed",
                condition.message.clone(),
            );
        }
    }
}
