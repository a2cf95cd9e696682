//! `…/commits/{id}/statuses`: what services say of a commit.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::pulls::STATES;
use super::{Call, commits, list, word};
use crate::error::ApiError;
use crate::event::{api, identity_json};
use crate::forge::Forge;
use crate::repository::Repository;

/// Lists statuses, or adds one.
pub(super) async fn serve(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    id: &str,
) -> Result<Response, ApiError> {
    let commit = commits::find(repository, id).await?.commit;
    match call.method {
        Method::GET => {
            let all = forge
                .store()
                .commit_statuses(repository.id, commit.as_str())
                .await?;
            let latest_only = call.query.get(&["latestOnly"]) == Some("true");
            let mut found: Vec<Value> = Vec::new();
            for (id, mut value) in all {
                let known = |it: &Value| it["context"] == value["context"];
                if latest_only && found.iter().any(known) {
                    continue;
                }
                value["id"] = json!(id);
                found.push(value);
            }
            let number = |name: &str, otherwise| {
                call.query
                    .number(name, call.query.number(&format!("${name}"), otherwise))
            };
            Ok(list(
                found
                    .into_iter()
                    .skip(number("skip", 0))
                    .take(number("top", 1000)),
            ))
        }
        Method::POST => {
            forge
                .check_verb(&call.principal, repository, "review", "post a status")
                .await?;
            let mut value = read(forge, call)?;
            value["url"] = json!(api(
                forge.base_url(),
                repository,
                &["commits", commit.as_str(), "statuses"]
            ));
            let id = forge
                .store()
                .add_commit_status(repository.id, commit.as_str(), value.clone())
                .await?;
            value["id"] = json!(id);
            Ok((StatusCode::CREATED, Json(value)).into_response())
        }
        _ => Err(ApiError::not_found("method for statuses")),
    }
}

fn read(forge: &Forge, call: &Call) -> Result<Value, ApiError> {
    let body = call.json()?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let state = body.get("state").and_then(|state| word(state, &STATES));
    let state = state.ok_or_else(|| {
        ApiError::bad_request("A status has a state: pending, succeeded, failed, error or notApplicable.")
    })?;
    if text("/context/name").is_empty() {
        return Err(ApiError::bad_request(
            "A status has a context.name: what it is about.",
        ));
    }
    let now = pave_runtime::clock::now().to_string();
    Ok(json!({
        "state": state, "description": text("/description"), "targetUrl": body.get("targetUrl"),
        "context": { "name": text("/context/name"), "genre": text("/context/genre") },
        "creationDate": now, "updatedDate": now,
        "createdBy": identity_json(forge.base_url(), &call.organization, &call.principal),
    }))
}
