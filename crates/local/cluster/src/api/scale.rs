//! The scale subresource: an `autoscaling/v1` view of two or three paths.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::write::{ATTEMPTS, Refused, check_preconditions, replace};
use super::{Call, Server};
use crate::http::body;
use crate::http::failure::Failure;
use crate::http::respond;
use crate::resource::{Resource, Scale};

fn paths(resource: &Resource) -> Result<&Scale, Failure> {
    resource.scale.as_ref().ok_or_else(Failure::unknown_resource)
}

fn pointer(path: &str) -> String {
    path.replace('.', "/")
}

pub(super) fn read(resource: &Resource, object: &Value) -> Result<Value, Failure> {
    let scale = paths(resource)?;
    let number = |path: &str| {
        object
            .pointer(&pointer(path))
            .and_then(Value::as_i64)
            .unwrap_or(0)
    };
    let metadata = &object["metadata"];
    let mut value = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": number(&scale.specification) },
        "status": { "replicas": number(&scale.status) },
    });
    if !metadata["namespace"].is_null() {
        value["metadata"]["namespace"] = metadata["namespace"].clone();
    }
    if let Some(selector) = &scale.selector {
        value["status"]["selector"] = object.pointer(&pointer(selector)).cloned().unwrap_or_default();
    }
    Ok(value)
}

pub(super) async fn write(server: &Server, call: &Call) -> Result<Response, Failure> {
    let paths = paths(&call.resource)?;
    for _ in 0..ATTEMPTS {
        let current = server.find(call)?;
        let object = respond::view(&call.resource, &current);
        let mut scale = read(&call.resource, &object)?;
        match body::media_type(&call.headers).as_str() {
            "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
                pave_schema::patch::merge(&mut scale, &body::json(&call.body)?.value);
            }
            "application/json-patch+json" => {
                pave_schema::patch::json(&mut scale, &body::json(&call.body)?.value)
                    .map_err(|error| Failure::bad_request(error.to_string()))?;
            }
            _ => scale = body::decode(&call.headers, &call.body)?.value,
        }
        check_preconditions(&call.resource, &current, &scale)?;
        let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
        let mut value = object.into_owned();
        let steps: Vec<&str> = paths.specification.trim_start_matches('.').split('.').collect();
        let mut place = &mut value;
        for step in steps {
            place = &mut place[step];
        }
        *place = json!(replicas);
        crate::resource::to_stored(&call.resource, &mut value);
        match replace(server, call, &current, value, None).await {
            Ok(_) => {
                let stored = server.find(call)?;
                let scale = read(&call.resource, &respond::view(&call.resource, &stored))?;
                return Ok(respond::value(StatusCode::OK, &call.accept, &call.query, &scale));
            }
            Err(Refused::For(failure)) => return Err(failure),
            Err(Refused::Stale) => {}
        }
    }
    Err(Failure::modified(&call.resource, &call.target.name))
}
