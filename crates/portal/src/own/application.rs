use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use kube::api::{Patch, PatchParams};
use pave_auth::{AccessRequest, Principal};
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::Readable;
use super::permit;
use crate::audit::Action;
use crate::context::Portal;
use crate::error::ApiError;
use crate::live::Watched;
use crate::session::Caller;

type Place = Path<(String, String)>;

pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/applications", get(list))
        .route("/applications/{namespace}/{name}", get(one))
        .route("/applications/{namespace}/{name}/sync", post(sync))
        .route("/applications/{namespace}/{name}/refresh", post(refresh))
}

async fn list(State(portal): State<Portal>, caller: Caller) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "items": all(&portal, &caller.0).await })))
}

/// The Applications a person may see, the ones in trouble first.
pub(super) async fn all(portal: &Portal, principal: &Principal) -> Vec<Value> {
    let mut readable = Readable::new(portal, principal);
    let mut items = Vec::new();
    for application in portal.live.all(Watched::Application) {
        if readable.allows(&application).await {
            items.push(row(&application));
        }
    }
    let urgency = |item: &Value| match (item["health"].as_str(), item["sync"].as_str()) {
        (Some("Degraded" | "Missing"), _) | (_, Some("Unknown")) => 0,
        (_, Some("OutOfSync")) => 1,
        (Some("Progressing"), _) => 2,
        _ => 3,
    };
    items.sort_by_key(urgency);
    items
}

/// An Application as lists show it.
pub(crate) fn row(application: &Value) -> Value {
    let at = |pointer: &str| application.pointer(pointer).cloned().unwrap_or_default();
    let text = |pointer: &str, otherwise: &str| {
        application
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or(otherwise)
            .to_owned()
    };
    let conditions = application
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    let trouble = conditions
        .into_iter()
        .flatten()
        .next()
        .map(|condition| condition["message"].clone());
    let message = trouble.unwrap_or_else(|| {
        let failed = matches!(
            text("/status/operationState/phase", "").as_str(),
            "Failed" | "Error"
        );
        if failed {
            at("/status/operationState/message")
        } else {
            at("/status/health/message")
        }
    });
    let automated = application.pointer("/spec/syncPolicy/automated");
    json!({
        "namespace": at("/metadata/namespace"),
        "name": at("/metadata/name"),
        "project": text("/spec/project", "default"),
        "sync": text("/status/sync/status", "Unknown"),
        "health": text("/status/health/status", "Unknown"),
        "message": message.as_str().unwrap_or_default(),
        "revision": text("/status/sync/revision", ""),
        "repoURL": text("/spec/source/repoURL", ""),
        "path": text("/spec/source/path", ""),
        "targetRevision": text("/spec/source/targetRevision", "HEAD"),
        "reconciledAt": at("/status/reconciledAt"),
        "resources": application.pointer("/status/resources").and_then(Value::as_array).map_or(0, Vec::len),
        "operation": at("/status/operationState/phase"),
        "autoSync": automated.is_some_and(|automated| !automated.is_null() && automated["enabled"] != false),
    })
}

async fn one(State(portal): State<Portal>, caller: Caller, place: Place) -> Result<Json<Value>, ApiError> {
    let application = find(&portal, &caller.0, "get", &place).await?;
    let mut answer = row(&application);
    let list = |pointer: &str| {
        application
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let mut resources = list("/status/resources");
    super::tree::add_children(&portal.kinds_as(&caller.0), &mut resources).await;
    let mut history = list("/status/history");
    history.reverse();
    answer["resources"] = json!(resources);
    answer["conditions"] = json!(list("/status/conditions"));
    answer["history"] = json!(history);
    answer["syncResult"] = json!(list("/status/operationState/syncResult/resources"));
    answer["events"] =
        json!(super::object::events_about(&portal.kinds, std::slice::from_ref(&application)).await);
    answer["object"] = super::object::without_bookkeeping(&application);
    Ok(Json(answer))
}

async fn find(portal: &Portal, principal: &Principal, verb: &str, place: &Place) -> Result<Value, ApiError> {
    let (namespace, name) = &place.0;
    let request = AccessRequest {
        verb: verb.into(),
        group: "argoproj.io".into(),
        resource: "applications".into(),
        namespace: namespace.clone(),
        name: name.clone(),
        ..AccessRequest::default()
    };
    permit(portal, principal, &request).await?;
    portal
        .live
        .one(Watched::Application, namespace, name)
        .map(|application| application.as_ref().clone())
        .ok_or_else(|| ApiError::not_found(format!("there is no Application `{namespace}/{name}`")))
}

#[derive(Deserialize)]
struct Sync {
    #[serde(default)]
    prune: bool,
    revision: Option<String>,
}

/// Starts a sync by the operation field, as the person.
async fn sync(
    State(portal): State<Portal>,
    caller: Caller,
    place: Place,
    Json(sync): Json<Sync>,
) -> Result<StatusCode, ApiError> {
    find(&portal, &caller.0, "update", &place).await?;
    let operation = json!({
        "operation": {
            "initiatedBy": { "username": caller.0.entity.to_string() },
            "sync": { "prune": sync.prune, "revision": sync.revision },
        },
    });
    patch(&portal, &caller.0, &place, &operation).await?;
    portal
        .audit
        .record(
            &caller.0,
            Action::SyncApplication,
            format!("{}/{}", place.0.0, place.0.1),
            "",
        )
        .await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize)]
struct Refresh {
    #[serde(default)]
    hard: bool,
}

/// Asks for a fresh look by the refresh annotation, as the person.
async fn refresh(
    State(portal): State<Portal>,
    caller: Caller,
    place: Place,
    Json(refresh): Json<Refresh>,
) -> Result<StatusCode, ApiError> {
    find(&portal, &caller.0, "update", &place).await?;
    let how = if refresh.hard { "hard" } else { "normal" };
    let annotation = json!({ "metadata": { "annotations": { "argocd.argoproj.io/refresh": how } } });
    patch(&portal, &caller.0, &place, &annotation).await?;
    portal
        .audit
        .record(
            &caller.0,
            Action::RefreshApplication,
            format!("{}/{}", place.0.0, place.0.1),
            how,
        )
        .await?;
    Ok(StatusCode::ACCEPTED)
}

async fn patch(portal: &Portal, principal: &Principal, place: &Place, patch: &Value) -> Result<(), ApiError> {
    let kinds = portal.kinds_as(principal);
    let kind = kinds
        .of(&json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application" }))
        .await?;
    let api = kind.api(kinds.client(), Some(&place.0.0));
    api.patch(&place.0.1, &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}
