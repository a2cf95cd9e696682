use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use kube::api::ListParams;
use pave_kube::{Kinds, metadata_text};
use pave_names::GroupVersionKind;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::context::Portal;
use crate::error::ApiError;
use crate::session::Caller;

/// Events shown about an object, at most.
const EVENTS: usize = 50;

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/objects", get(one))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Which {
    api_version: String,
    kind: String,
    #[serde(default)]
    namespace: String,
    name: String,
}

/// Any object of the cluster, read as the person. Secrets come without their values.
async fn one(
    State(portal): State<Portal>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Json<Value>, ApiError> {
    let gvk = GroupVersionKind::from_api_version(&which.api_version, &which.kind)
        .map_err(|error| ApiError::input(error.to_string()))?;
    let kinds = portal.kinds_as(&caller.0);
    let kind = kinds.resolve(&gvk).await?;
    let namespace = Some(which.namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let found = kind.api(kinds.client(), namespace).get(&which.name).await?;
    let mut object = serde_json::to_value(found).unwrap_or_default();
    if gvk.group.is_empty() && gvk.kind == "Secret" {
        mask(&mut object);
    }
    let yaml = pave_yaml::to_string(&without_bookkeeping(&object));
    let events = events_about(&portal.kinds, std::slice::from_ref(&object)).await;
    Ok(Json(json!({ "object": object, "yaml": yaml, "events": events })))
}

fn mask(secret: &mut Value) {
    for value in secret["data"]
        .as_object_mut()
        .into_iter()
        .flat_map(|data| data.values_mut())
    {
        *value = json!("******");
    }
    if let Some(annotations) = secret["metadata"]["annotations"].as_object_mut() {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// An object as a person wants to read it: without `managedFields`.
pub(super) fn without_bookkeeping(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

/// The events about some objects, newest first.
pub(super) async fn events_about(kinds: &Kinds, objects: &[Value]) -> Vec<Value> {
    let events = GroupVersionKind {
        group: String::new(),
        version: "v1".into(),
        kind: "Event".into(),
    };
    let Ok(kind) = kinds.resolve(&events).await else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for object in objects {
        let Some(uid) = metadata_text(object, "uid") else {
            continue;
        };
        let namespace = metadata_text(object, "namespace").unwrap_or("default");
        let only = ListParams::default().fields(&format!("involvedObject.uid={uid}"));
        let Ok(list) = kind.api(kinds.client(), Some(namespace)).list(&only).await else {
            continue;
        };
        found.extend(list.items.into_iter().filter_map(|event| serde_json::to_value(event).ok()).map(|event| {
            json!({
                "type": event["type"],
                "reason": event["reason"],
                "message": event["message"],
                "time": event["lastTimestamp"],
                "object": format!("{} {}", event["involvedObject"]["kind"].as_str().unwrap_or_default(), event["involvedObject"]["name"].as_str().unwrap_or_default()),
            })
        }));
    }
    found.sort_by(|left, right| right["time"].as_str().cmp(&left["time"].as_str()));
    found.truncate(EVENTS);
    found
}
