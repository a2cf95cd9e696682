//! Objects that are there from the first start.

use pave_runtime::clock;
use serde_json::{Value, json};

use crate::access::bootstrap_objects;
use crate::api::Server;
use crate::storage::{Change, ObjectName};

/// How long an event is kept.
const EVENT_SECONDS: i64 = 3600;

/// Creates namespaces and roles that are missing.
pub(crate) async fn bootstrap(server: &Server) {
    let mut work = Vec::new();
    for object in bootstrap_objects() {
        let plural = if object["kind"] == "ClusterRole" {
            "clusterroles"
        } else {
            "clusterrolebindings"
        };
        work.push(("rbac.authorization.k8s.io", plural, object));
    }
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": name, "labels": { "kubernetes.io/metadata.name": name } },
            "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Active" },
        });
        work.push(("", "namespaces", namespace));
    }
    // All at once, so that they share a transaction.
    let made = work
        .into_iter()
        .map(|(group, plural, object)| ensure(server, group, plural, object));
    futures::future::join_all(made).await;
}

/// Creates a built-in object unless one of that name exists.
pub(crate) async fn ensure(server: &Server, group: &str, plural: &str, mut value: Value) {
    let table = server.builtin_table(group, plural);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &mut value["metadata"];
    let name = ObjectName::new(&text(&metadata["namespace"]), &text(&metadata["name"]));
    if server.storage.get(&table, &name).is_some() {
        return;
    }
    metadata["uid"] = json!(uuid::Uuid::new_v4().to_string());
    metadata["creationTimestamp"] = json!(clock::rfc3339());
    // Losing a race to somebody who made it is as good.
    drop(
        server
            .storage
            .commit(Change {
                table,
                name,
                expected: None,
                value,
                delete: false,
            })
            .await,
    );
}

/// Removes events that are over an hour old.
pub(super) async fn expire_events(server: &Server) {
    let oldest = clock::unix_seconds() - EVENT_SECONDS;
    let table = server.builtin_table("", "events");
    for event in server.storage.list(&table, None).1 {
        let newest = ["lastTimestamp", "eventTime"]
            .iter()
            .filter_map(|key| event.value[*key].as_str())
            .chain(event.metadata()["creationTimestamp"].as_str())
            .filter_map(|time| time.parse::<jiff::Timestamp>().ok())
            .max();
        if newest.is_none_or(|newest| newest.as_second() > oldest) {
            continue;
        }
        let change = Change {
            table: table.clone(),
            name: event.name.clone(),
            expected: Some(event.revision),
            value: event.value.clone(),
            delete: true,
        };
        drop(server.storage.commit(change).await);
    }
}
