//! Definitions that are being deleted: their objects go first.

use std::sync::Arc;

use super::collector;
use crate::api::{Deletion, Server};
use crate::resource::CLEANUP_FINALIZER;
use crate::storage::{Object, TableId};

fn table_of(definition: &Object) -> TableId {
    let spec = &definition.value["spec"];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    TableId::new(
        &definition.table.cluster,
        &text(&spec["group"]),
        &text(&spec["names"]["plural"]),
    )
}

/// Deletes the objects of a terminating definition, and lets it go when none is left.
pub(super) async fn follow(server: &Server, definition: &Arc<Object>) {
    if !definition.is_terminating() || !definition.finalizers().any(|name| name == CLEANUP_FINALIZER) {
        return;
    }
    let table = table_of(definition);
    let (_, objects) = server.storage.list(&table, None);
    if let Some(resource) = server.registry.snapshot().of_table(&table) {
        for object in objects.iter().filter(|object| !object.is_terminating()) {
            drop(server.delete(&resource, object, &Deletion::default()).await);
        }
    } else {
        // No version is served any more: nobody could take finalizers off.
        for object in &objects {
            collector::rewrite(server, object, |value| {
                value["metadata"]["deletionTimestamp"] = serde_json::json!(pave_runtime::clock::rfc3339());
                value["metadata"]["finalizers"] = serde_json::json!([]);
            })
            .await;
        }
    }
    if server.storage.list(&table, None).1.is_empty() {
        collector::drop_finalizer(server, definition, CLEANUP_FINALIZER).await;
    }
}

/// The last object of a terminating definition may have gone.
pub(super) async fn instance_gone(server: &Server, table: &TableId) {
    let definitions = server.builtin_table("apiextensions.k8s.io", "customresourcedefinitions");
    let name = crate::storage::ObjectName::new("", &format!("{}.{}", table.resource, table.group));
    if let Some(definition) = server.storage.get(&definitions, &name) {
        follow(server, &definition).await;
    }
}

pub(super) async fn sweep(server: &Server) {
    let definitions = server.builtin_table("apiextensions.k8s.io", "customresourcedefinitions");
    for definition in server.storage.list(&definitions, None).1 {
        follow(server, &definition).await;
    }
}
