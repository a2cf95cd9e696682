//! `…/pullRequests/{id}/statuses` and `…/labels`: what services say, and what people stick on.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::Value;

use super::show::{label_json, posted_json};
use super::{At, enumerated, list};
use crate::error::ApiError;
use crate::pull::{Posted, PullRequest};
use crate::store::Note;

/// Upstream's words for what a service says.
pub(in crate::rest) const STATES: [(&str, u64); 6] = [
    ("notSet", 0),
    ("pending", 1),
    ("succeeded", 2),
    ("failed", 3),
    ("error", 4),
    ("notApplicable", 5),
];

/// Answers below `statuses`, of the whole or of one iteration.
pub(super) async fn serve(
    at: &At<'_>,
    id: &str,
    iteration: Option<&str>,
    rest: &[&str],
) -> Result<Response, ApiError> {
    let base = at.forge.base_url();
    let iteration: Option<i64> = iteration.and_then(|it| it.parse().ok());
    if at.call.method == Method::GET {
        let pull = at.pull(id).await?;
        let here = |it: &&Posted| iteration.is_none() || it.iteration == iteration;
        return match rest {
            [] => Ok(list(
                pull.statuses
                    .iter()
                    .filter(here)
                    .map(|it| posted_json(base, at.repository, it)),
            )),
            [n, ..] => {
                let found = pull.statuses.iter().find(|it| it.id.to_string() == *n);
                let found = found.ok_or_else(|| ApiError::not_found(&format!("status {n}")))?;
                Ok(Json(posted_json(base, at.repository, found)).into_response())
            }
        };
    }
    let (_turn, mut pull) = at.held(id).await?;
    // A status may satisfy a policy, so that whoever opened the pull request cannot post one by that alone.
    at.forge
        .check_verb(&at.call.principal, at.repository, "review", "post a status")
        .await?;
    let answer = match (&at.call.method, rest) {
        (&Method::POST, []) => {
            let posted = read(at, &pull, &at.call.json()?, iteration)?;
            let shown = posted_json(base, at.repository, &posted);
            pull.statuses.push(posted);
            Json(shown).into_response()
        }
        (&Method::DELETE, [n]) => {
            pull.statuses.retain(|it| it.id.to_string() != *n);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => return Err(ApiError::not_found("method for statuses")),
    };
    at.forge
        .keep_pull(at.repository, &pull, vec![Note::UPDATED])
        .await?;
    if pull.is_active() {
        at.forge.follow(at.repository, &mut pull).await?;
    }
    Ok(answer)
}

fn read(at: &At<'_>, pull: &PullRequest, body: &Value, iteration: Option<i64>) -> Result<Posted, ApiError> {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let state = enumerated(body.get("state"), &STATES).ok_or_else(|| {
        ApiError::bad_request("The status needs a state: pending, succeeded, failed, error or notApplicable.")
    })?;
    let name = text("/context/name");
    if name.is_empty() {
        return Err(ApiError::bad_request("The status needs context.name."));
    }
    let url = text("/targetUrl");
    Ok(Posted {
        id: pull.statuses.iter().map(|it| it.id).max().unwrap_or_default() + 1,
        state: state.to_owned(),
        description: text("/description").to_owned(),
        target_url: (!url.is_empty()).then(|| url.to_owned()),
        name: name.to_owned(),
        genre: text("/context/genre").to_owned(),
        iteration: iteration.or_else(|| body.get("iterationId").and_then(Value::as_i64)),
        created_by: at.call.principal.clone(),
        created_at: pave_runtime::clock::now().to_string(),
    })
}

/// Answers below `labels`.
pub(super) async fn labels(at: &At<'_>, id: &str, label: Option<&str>) -> Result<Response, ApiError> {
    let same = |name: &str, wanted: &str| {
        name.eq_ignore_ascii_case(wanted) || label_json(name)["id"].as_str() == Some(wanted)
    };
    if at.call.method == Method::GET {
        let pull = at.pull(id).await?;
        return match label {
            None => Ok(list(pull.labels.iter().map(|name| label_json(name)))),
            Some(wanted) => {
                let found = pull.labels.iter().find(|name| same(name, wanted));
                let found = found.ok_or_else(|| ApiError::not_found(&format!("label {wanted}")))?;
                Ok(Json(label_json(found)).into_response())
            }
        };
    }
    let (_turn, mut pull) = at.held(id).await?;
    at.check_review(&pull, "label pull requests").await?;
    let answer = match (&at.call.method, label) {
        (&Method::POST, None) => {
            let body = at.call.json()?;
            let name = body
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .trim();
            if name.is_empty() {
                return Err(ApiError::bad_request("The label has no name."));
            }
            if !pull.labels.iter().any(|it| it.eq_ignore_ascii_case(name)) {
                pull.labels.push(name.to_owned());
            }
            Json(label_json(name)).into_response()
        }
        (&Method::DELETE, Some(wanted)) => {
            pull.labels.retain(|name| !same(name, wanted));
            StatusCode::OK.into_response()
        }
        _ => return Err(ApiError::not_found("method for labels")),
    };
    at.forge
        .keep_pull(at.repository, &pull, vec![Note::UPDATED])
        .await?;
    Ok(answer)
}
