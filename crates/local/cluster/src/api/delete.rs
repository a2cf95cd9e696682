//! Deletion: finalizers, propagation, preconditions.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use pave_runtime::clock;
use serde_json::{Value, json};

use super::write::ATTEMPTS;
use super::{Call, Server};
use crate::http::body;
use crate::http::failure::Failure;
use crate::http::respond;
use crate::resource::{self, Resource};
use crate::storage::{Change, CommitError, Object};

/// What happens to dependents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Propagation {
    #[default]
    Background,
    Foreground,
    Orphan,
}

/// How to delete.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deletion {
    pub(crate) propagation: Propagation,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) is_dry_run: bool,
}

/// What became of the object.
pub(crate) enum Deleted {
    Removed,
    /// It waits for its finalizers.
    Terminating(Arc<Object>),
    /// What a dry run would have left waiting.
    Dry(Value),
}

/// The answer is the object while it lives on, otherwise a `Status`.
pub(super) async fn one(server: &Server, call: &Call) -> Result<Response, Failure> {
    let deletion = options(call)?;
    let current = server.find(call)?;
    let uid = current.uid().to_owned();
    let resource = &call.resource;
    Ok(match server.delete(resource, &current, &deletion).await? {
        Deleted::Terminating(object) => {
            respond::object(StatusCode::OK, &call.accept, &call.query, resource, &object)
        }
        Deleted::Dry(value) => respond::json_value(StatusCode::OK, &value),
        Deleted::Removed => {
            let mut details = json!({ "name": call.target.name, "kind": resource.plural, "uid": uid });
            if !resource.group.is_empty() {
                details["group"] = json!(resource.group);
            }
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
            });
            respond::value(StatusCode::OK, &call.accept, &call.query, &status)
        }
    })
}

pub(super) async fn collection(server: &Server, call: &Call) -> Result<Response, Failure> {
    let deletion = options(call)?;
    let selectors = call.selectors()?;
    let (revision, mut objects) = server.storage.list(&call.resource.table, call.namespace());
    objects.retain(|object| selectors.matches(&object.value));
    for object in &objects {
        match server.delete(&call.resource, object, &deletion).await {
            Err(failure) if failure.code != 404 => return Err(failure),
            _ => {}
        }
    }
    let items: Vec<Value> = objects
        .iter()
        .map(|object| respond::view(&call.resource, object).into_owned())
        .collect();
    let list = json!({
        "kind": call.resource.list_kind, "apiVersion": call.resource.api_version(),
        "metadata": { "resourceVersion": revision.to_string() }, "items": items,
    });
    Ok(respond::value(StatusCode::OK, &call.accept, &call.query, &list))
}

fn options(call: &Call) -> Result<Deletion, Failure> {
    let body = if call.body.is_empty() {
        json!({})
    } else {
        body::decode(&call.headers, &call.body)?.value
    };
    let from_query = call.query.get("propagationPolicy");
    let policy = body["propagationPolicy"].as_str().unwrap_or(from_query);
    let orphans = body["orphanDependents"]
        .as_bool()
        .unwrap_or_else(|| call.query.get("orphanDependents") == "true");
    let propagation = match policy {
        "Foreground" => Propagation::Foreground,
        "Orphan" => Propagation::Orphan,
        "" if orphans => Propagation::Orphan,
        "Background" | "" => Propagation::Background,
        other => {
            let supported = "\"Background\", \"Foreground\", \"Orphan\"";
            let why =
                format!("propagationPolicy: Unsupported value: \"{other}\": supported values: {supported}");
            return Err(Failure::new(
                422,
                "Invalid",
                format!("DeleteOptions.meta.k8s.io \"\" is invalid: {why}"),
            ));
        }
    };
    let in_body = body["dryRun"]
        .as_array()
        .is_some_and(|list| list.iter().any(|entry| entry == "All"));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Ok(Deletion {
        propagation,
        uid: text(&body["preconditions"]["uid"]),
        revision: text(&body["preconditions"]["resourceVersion"]),
        is_dry_run: in_body || call.is_dry_run()?,
    })
}

impl Server {
    /// Deletes an object, or marks it when finalizers hold it.
    pub(crate) async fn delete(
        &self,
        resource: &Resource,
        object: &Arc<Object>,
        deletion: &Deletion,
    ) -> Result<Deleted, Failure> {
        let name = &*object.name.name;
        let mut current = object.clone();
        for _ in 0..ATTEMPTS {
            check(resource, &current, deletion)?;
            let mut value = current.value.clone();
            let finalizers = finalizers(resource, &current, deletion.propagation);
            let is_removed = finalizers.is_empty() && !waits_for_content(resource);
            if current.is_terminating() && !is_removed && finalizers.len() <= current.finalizers().count() {
                return Ok(Deleted::Terminating(current));
            }
            if !is_removed {
                mark(resource, &mut value, &finalizers);
            }
            if deletion.is_dry_run {
                return Ok(if is_removed {
                    Deleted::Removed
                } else {
                    Deleted::Dry(value)
                });
            }
            let change = Change {
                table: resource.table.clone(),
                name: current.name.clone(),
                expected: Some(current.revision),
                value,
                delete: is_removed,
            };
            match self.storage.commit(change).await {
                Ok(_) if is_removed => return Ok(Deleted::Removed),
                Ok(object) => return Ok(Deleted::Terminating(object)),
                Err(CommitError::Mismatch) => {
                    let again = self.storage.get(&resource.table, &current.name);
                    current = again.ok_or_else(|| Failure::not_found(resource, name))?;
                }
                Err(other) => return Err(other.into()),
            }
        }
        Err(Failure::modified(resource, name))
    }
}

fn check(resource: &Resource, current: &Object, deletion: &Deletion) -> Result<(), Failure> {
    let name = &*current.name.name;
    if let Some(uid) = deletion.uid.as_deref().filter(|uid| *uid != current.uid()) {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            current.uid()
        );
        return Err(Failure::conflict(resource, name, &why));
    }
    if let Some(revision) = deletion
        .revision
        .as_deref()
        .filter(|revision| *revision != current.revision.to_string())
    {
        let why = format!(
            "Precondition failed: ResourceVersion in precondition: {revision}, ResourceVersion in object meta: {}",
            current.revision
        );
        return Err(Failure::conflict(resource, name, &why));
    }
    if resource.is("", "namespaces") && matches!(name, "default" | "kube-system" | "kube-public") {
        return Err(Failure::forbidden(
            resource,
            name,
            "this namespace may not be deleted",
        ));
    }
    Ok(())
}

/// Namespaces go when their contents are gone, and `finalize` lets them.
fn waits_for_content(resource: &Resource) -> bool {
    resource.is("", "namespaces")
}

/// The finalizers that will hold the object.
fn finalizers(resource: &Resource, current: &Object, propagation: Propagation) -> Vec<String> {
    let mut finalizers: Vec<String> = current
        .finalizers()
        .filter(|finalizer| {
            !matches!(*finalizer, "orphan" | "foregroundDeletion") || current.is_terminating()
        })
        .map(str::to_owned)
        .collect();
    let mut add = |name: &str| {
        if !finalizers.iter().any(|finalizer| finalizer == name) {
            finalizers.push(name.to_owned());
        }
    };
    match propagation {
        Propagation::Orphan => add("orphan"),
        Propagation::Foreground => add("foregroundDeletion"),
        Propagation::Background => {}
    }
    if resource.is("apiextensions.k8s.io", "customresourcedefinitions") && !current.is_terminating() {
        add(resource::CLEANUP_FINALIZER);
    }
    finalizers
}

fn mark(resource: &Resource, value: &mut Value, finalizers: &[String]) {
    let metadata = &mut value["metadata"];
    if metadata["deletionTimestamp"].is_null() {
        metadata["deletionTimestamp"] = json!(clock::rfc3339());
        metadata["deletionGracePeriodSeconds"] = json!(0);
        if resource.traits.has_generation {
            metadata["generation"] = json!(metadata["generation"].as_i64().unwrap_or(0) + 1);
        }
    }
    if !finalizers.is_empty() {
        metadata["finalizers"] = json!(finalizers);
    }
    if resource.is("", "namespaces") {
        value["status"]["phase"] = json!("Terminating");
    }
    if resource.is("apiextensions.k8s.io", "customresourcedefinitions") {
        resource::terminate(value, &clock::rfc3339());
    }
}
