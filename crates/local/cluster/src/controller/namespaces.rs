//! What belongs into every namespace, and how one ends.

use std::sync::Arc;

use serde_json::json;

use super::{bootstrap, collector};
use crate::api::{Deletion, Server};
use crate::storage::{Object, ObjectName};

/// Furnishes a new namespace, empties a terminating one.
pub(super) async fn follow(server: &Server, namespace: &Arc<Object>) {
    if namespace.is_terminating() {
        finish(server, namespace).await;
    } else {
        furnish(server, &namespace.name.name).await;
    }
}

async fn furnish(server: &Server, namespace: &str) {
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default", "namespace": namespace },
    });
    bootstrap::ensure(server, "", "serviceaccounts", account).await;
    let certificate = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "kube-root-ca.crt", "namespace": namespace, "annotations": {
            "kubernetes.io/description": "Contains a CA bundle that can be used to verify the API server." } },
        "data": { "ca.crt": server.keys.ca_pem() },
    });
    bootstrap::ensure(server, "", "configmaps", certificate).await;
}

async fn finish(server: &Server, namespace: &Arc<Object>) {
    let name = &*namespace.name.name;
    let mut remaining = Vec::new();
    for resource in server
        .registry
        .snapshot()
        .stored()
        .iter()
        .filter(|resource| resource.namespaced)
    {
        for object in server.storage.list(&resource.table, Some(name)).1 {
            if !object.is_terminating() {
                drop(server.delete(resource, &object, &Deletion::default()).await);
            }
        }
        let left = server.storage.list(&resource.table, Some(name)).1.len();
        if left > 0 {
            remaining.push(format!("{} has {left} resource instances", resource.qualified()));
        }
    }
    if remaining.is_empty() {
        collector::rewrite(server, namespace, |value| value["spec"]["finalizers"] = json!([])).await;
        return;
    }
    let message = format!("Some resources are remaining: {}", remaining.join(", "));
    let now = pave_runtime::clock::rfc3339();
    collector::rewrite(server, namespace, |value| {
        let known = value["status"]["conditions"].as_array().into_iter().flatten();
        if known
            .clone()
            .any(|condition| condition["message"] == message.as_str())
        {
            return;
        }
        value["status"]["conditions"] = json!([
            { "type": "NamespaceContentRemaining", "status": "True", "lastTransitionTime": now,
                "reason": "SomeResourcesRemain", "message": message },
            { "type": "NamespaceFinalizersRemaining", "status": "True", "lastTransitionTime": now,
                "reason": "SomeFinalizersRemain", "message": message },
        ]);
    })
    .await;
}

/// The last thing in a terminating namespace may have gone.
pub(super) async fn content_gone(server: &Server, namespace: &str) {
    if namespace.is_empty() {
        return;
    }
    let table = server.builtin_table("", "namespaces");
    let found = server.storage.get(&table, &ObjectName::new("", namespace));
    match found {
        Some(found) if found.is_terminating() => finish(server, &found).await,
        // The furniture of a living namespace comes back.
        Some(_) => furnish(server, namespace).await,
        None => {}
    }
}

pub(super) async fn sweep(server: &Server) {
    for namespace in server
        .storage
        .list(&server.builtin_table("", "namespaces"), None)
        .1
    {
        follow(server, &namespace).await;
    }
}
