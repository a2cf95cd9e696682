//! Garbage collection by owner uid.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::{Deletion, Propagation, Server};
use crate::storage::{Change, Object, ObjectName};

/// Deletes dependents whose owners are all gone.
pub(super) async fn owner_gone(server: &Server, uid: &str) {
    for dependent in server.storage.dependents(&server.cluster, uid) {
        check(server, &dependent).await;
    }
}

/// Deletes an object if none of its owners exists, after looking at each of them.
pub(super) async fn check(server: &Server, object: &Arc<Object>) {
    let Some(object) = server.storage.get(&object.table, &object.name) else {
        return;
    };
    if object.is_terminating() {
        return;
    }
    let (present, gone): (Vec<_>, Vec<_>) = object.owners().partition(|owner| exists(server, &object, owner));
    if gone.is_empty() {
        return;
    }
    if !present.is_empty() {
        // Somebody still holds it: forget the owners that are gone.
        let kept: Vec<Value> = present.into_iter().cloned().collect();
        rewrite(server, &object, |value| {
            value["metadata"]["ownerReferences"] = json!(kept);
        })
        .await;
        return;
    }
    remove(server, &object, Propagation::Background).await;
}

async fn remove(server: &Server, object: &Arc<Object>, propagation: Propagation) {
    let Some(resource) = server.registry.snapshot().of_table(&object.table) else {
        return;
    };
    let deletion = Deletion {
        propagation,
        uid: Some(object.uid().to_owned()),
        ..Deletion::default()
    };
    if let Err(failure) = server.delete(&resource, object, &deletion).await
        && failure.code != 404
    {
        tracing::warn!(object = ?object, message = failure.message, "a dependent could not be deleted");
    }
}

/// Whether an owner lives. An owner of a kind that is not served cannot be looked at, so it counts as living.
fn exists(server: &Server, object: &Object, owner: &Value) -> bool {
    let text = |key: &str| owner[key].as_str().unwrap_or_default();
    let api_version = text("apiVersion");
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let snapshot = server.registry.snapshot();
    let Some(resource) = snapshot.find_kind(group, text("kind")) else {
        return true;
    };
    let namespace = if resource.namespaced {
        &*object.name.namespace
    } else {
        ""
    };
    if resource.namespaced && namespace.is_empty() {
        tracing::warn!(object = ?object, owner = text("name"), "a cluster-scoped object names a namespaced owner");
        return true;
    }
    let found = server
        .storage
        .get(&resource.table, &ObjectName::new(namespace, text("name")));
    found.is_some_and(|found| found.uid() == text("uid"))
}

/// Works off the finalizers `orphan` and `foregroundDeletion` of a terminating object.
pub(super) async fn release(server: &Server, object: &Arc<Object>) {
    let Some(object) = server.storage.get(&object.table, &object.name) else {
        return;
    };
    let has = |name: &str| object.finalizers().any(|finalizer| finalizer == name);
    if has("orphan") {
        for dependent in server.storage.dependents(&server.cluster, object.uid()) {
            let uid = object.uid().to_owned();
            rewrite(server, &dependent, |value| {
                if let Some(owners) = value["metadata"]["ownerReferences"].as_array_mut() {
                    owners.retain(|owner| owner["uid"] != uid.as_str());
                }
            })
            .await;
        }
        drop_finalizer(server, &object, "orphan").await;
    } else if has("foregroundDeletion") {
        let dependents = server.storage.dependents(&server.cluster, object.uid());
        for dependent in dependents.iter().filter(|dependent| !dependent.is_terminating()) {
            remove(server, dependent, Propagation::Foreground).await;
        }
        if !server
            .storage
            .dependents(&server.cluster, object.uid())
            .iter()
            .any(|dependent| blocks(dependent, object.uid()))
        {
            drop_finalizer(server, &object, "foregroundDeletion").await;
        }
    }
}

fn blocks(dependent: &Object, uid: &str) -> bool {
    dependent
        .owners()
        .any(|owner| owner["uid"] == uid && owner["blockOwnerDeletion"] == true)
}

/// A foreground deletion of an owner may have waited for this object.
pub(super) async fn dependent_gone(server: &Server, object: &Object) {
    let snapshot = server.registry.snapshot();
    for owner in object.owners() {
        let text = |key: &str| owner[key].as_str().unwrap_or_default();
        let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
        let Some(resource) = snapshot.find_kind(group, text("kind")) else {
            continue;
        };
        let namespace = if resource.namespaced {
            &*object.name.namespace
        } else {
            ""
        };
        let name = ObjectName::new(namespace, text("name"));
        if let Some(owner) = server
            .storage
            .get(&resource.table, &name)
            .filter(|owner| owner.is_terminating())
        {
            release(server, &owner).await;
        }
    }
}

/// Takes a finalizer off; the object goes with its last one.
pub(super) async fn drop_finalizer(server: &Server, object: &Arc<Object>, finalizer: &str) {
    rewrite(server, object, |value| {
        let metadata = &mut value["metadata"];
        if let Some(finalizers) = metadata["finalizers"].as_array_mut() {
            finalizers.retain(|other| other != finalizer);
            if finalizers.is_empty()
                && let Some(metadata) = metadata.as_object_mut()
            {
                metadata.shift_remove("finalizers");
            }
        }
    })
    .await;
}

/// Changes the newest version of an object, again if somebody else was faster.
pub(super) async fn rewrite(server: &Server, object: &Object, change: impl Fn(&mut Value)) {
    for _ in 0..10 {
        let Some(current) = server.storage.get(&object.table, &object.name) else {
            return;
        };
        if current.uid() != object.uid() {
            return;
        }
        let mut value = current.value.clone();
        change(&mut value);
        let is_free = value["metadata"]["finalizers"]
            .as_array()
            .is_none_or(Vec::is_empty);
        let waits = &*current.table.resource == "namespaces"
            && current.table.group.is_empty()
            && value["spec"]["finalizers"]
                .as_array()
                .is_some_and(|list| !list.is_empty());
        let delete = current.is_terminating() && is_free && !waits;
        if !delete && value == current.value {
            return;
        }
        let change = Change {
            table: current.table.clone(),
            name: current.name.clone(),
            expected: Some(current.revision),
            value,
            delete,
        };
        match server.storage.commit(change).await {
            Ok(_) => return,
            Err(crate::storage::CommitError::Mismatch) => {}
            Err(error) => {
                tracing::warn!(object = ?object, error = ?error, "an object could not be rewritten");
                return;
            }
        }
    }
}
