//! Reviews: questions that are posted and never stored.

use std::borrow::Cow;

use axum::response::Response;
use http::StatusCode;
use pave_auth::{AccessRequest, Principal};
use serde_json::{Value, json};

use super::{Call, Server};
use crate::access;
use crate::http::body;
use crate::http::failure::Failure;
use crate::http::respond;

pub(super) async fn answer(server: &Server, call: &Call) -> Result<Response, Failure> {
    let mut review = body::decode(&call.headers, &call.body)?.value;
    if !review.is_object() {
        return Err(Failure::bad_request("the body must be an object"));
    }
    let spec = review["spec"].clone();
    let status = match call.resource.plural.as_str() {
        "selfsubjectaccessreviews" => decision(server, &call.principal, &spec),
        "subjectaccessreviews" | "localsubjectaccessreviews" => decision(server, &subject(&spec), &spec),
        "selfsubjectrulesreviews" => rules(server, call, &spec),
        "selfsubjectreviews" => json!({ "userInfo": user_info(&call.principal) }),
        "tokenreviews" => token(server, &spec).await?,
        _ => return Err(Failure::unknown_resource()),
    };
    review["kind"] = json!(call.resource.kind);
    review["apiVersion"] = json!(call.resource.api_version());
    if !review["metadata"].is_object() {
        review["metadata"] = json!({});
    }
    review["status"] = status;
    Ok(respond::one(
        StatusCode::CREATED,
        &call.accept,
        &call.query,
        &call.resource,
        Cow::Owned(review),
    ))
}

fn request(spec: &Value) -> AccessRequest {
    let resource = &spec["resourceAttributes"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if resource.is_object() {
        return AccessRequest {
            verb: text(&resource["verb"]),
            group: text(&resource["group"]),
            resource: text(&resource["resource"]),
            subresource: text(&resource["subresource"]),
            namespace: text(&resource["namespace"]),
            name: text(&resource["name"]),
            path: String::new(),
        };
    }
    let path = &spec["nonResourceAttributes"];
    AccessRequest::path(&text(&path["verb"]), text(&path["path"]))
}

fn decision(server: &Server, principal: &Principal, spec: &Value) -> Value {
    let decision = server.rbac.decide(principal, &request(spec));
    let mut status = json!({ "allowed": decision.allowed });
    if !decision.reason.is_empty() {
        status["reason"] = json!(decision.reason);
    }
    status
}

/// The subject of a review as a principal: only name and groups matter.
fn subject(spec: &Value) -> Principal {
    let mut principal = Principal::anonymous();
    spec["user"]
        .as_str()
        .unwrap_or_default()
        .clone_into(&mut principal.user);
    let groups = spec["groups"].as_array().into_iter().flatten();
    principal.groups = groups.filter_map(Value::as_str).map(str::to_owned).collect();
    principal
}

fn rules(server: &Server, call: &Call, spec: &Value) -> Value {
    let namespace = spec["namespace"].as_str().unwrap_or_default();
    let (paths, resources): (Vec<_>, Vec<_>) = server
        .rbac
        .rules_for(&call.principal, namespace)
        .into_iter()
        .partition(|rule| !rule.paths.is_empty());
    let values = |rules: Vec<access::Rule>| rules.iter().map(access::Rule::to_value).collect::<Vec<_>>();
    json!({ "resourceRules": values(resources), "nonResourceRules": values(paths), "incomplete": false })
}

fn user_info(principal: &Principal) -> Value {
    json!({ "username": principal.user, "uid": principal.id.to_string(), "groups": access::groups(principal) })
}

async fn token(server: &Server, spec: &Value) -> Result<Value, Failure> {
    let token = spec["token"].as_str().unwrap_or_default();
    let found = access::principal_of(server, token).await;
    Ok(
        match found.map_err(|error| Failure::internal(error.to_string()))? {
            Some(principal) => json!({ "authenticated": true, "user": user_info(&principal) }),
            None => json!({ "authenticated": false, "error": "unknown token" }),
        },
    )
}
