//! `importRequests`, `forkSyncRequests`, `cherryPicks` and `reverts`: asked for now, done a little later.

use std::collections::BTreeSet;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use pave_git::RefName;
use serde_json::{Value, json};
use url::Url;

use super::repositories::describe;
use super::{Call, list};
use crate::error::ApiError;
use crate::event::api;
use crate::forge::Forge;
use crate::repository::Repository;
use crate::store::{Job, Kind};

/// What one kind is called on the wire: its path, and the field of its id.
fn names(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Import => ("importRequests", "importRequestId"),
        Kind::ForkSync => ("forkSyncRequests", "operationId"),
        Kind::CherryPick => ("cherryPicks", "cherryPickId"),
        Kind::Revert => ("reverts", "revertId"),
    }
}

/// Answers below the path of one kind.
pub(super) async fn serve(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    kind: Kind,
    rest: &[&str],
) -> Result<Response, ApiError> {
    match (&call.method, rest) {
        (&Method::GET, []) => all(forge, call, repository, kind).await,
        (&Method::GET, [id]) => {
            let job = find(forge, repository, kind, id).await?;
            Ok(Json(shown(forge, repository, &job).await?).into_response())
        }
        (&Method::POST, []) => {
            let body = call.json()?;
            let parameters = match kind {
                Kind::Import => import(forge, call, repository, &body).await?,
                Kind::ForkSync => sync(forge, call, &body).await?,
                Kind::CherryPick | Kind::Revert => copy(&body)?,
            };
            let job = forge
                .start_job(&call.principal, repository, kind, parameters)
                .await?;
            Ok((StatusCode::CREATED, Json(shown(forge, repository, &job).await?)).into_response())
        }
        (&Method::PATCH, [id]) if kind == Kind::Import => again(forge, call, repository, id).await,
        _ => Err(ApiError::not_found(&format!("method for {}", names(kind).0))),
    }
}

async fn find(forge: &Forge, repository: &Repository, kind: Kind, id: &str) -> Result<Job, ApiError> {
    let missing = || ApiError::not_found(&format!("{} {id}", names(kind).0));
    let number: i64 = id.parse().map_err(|_| missing())?;
    let job = forge.store().job(repository.id, kind, number).await?;
    job.ok_or_else(missing)
}

/// A list; of copies the one that a branch came from, where a query names the branch.
async fn all(forge: &Forge, call: &Call, repository: &Repository, kind: Kind) -> Result<Response, ApiError> {
    let jobs = forge.store().jobs(repository.id, kind).await?;
    if let Some(name) = call.query.get(&["refName"]) {
        let made = |job: &&Job| job.parameters["generatedRefName"] == *name;
        let job = jobs.iter().find(made);
        let job = job.ok_or_else(|| ApiError::not_found(&format!("{} for {name}", names(kind).0)))?;
        return Ok(Json(shown(forge, repository, job).await?).into_response());
    }
    let with_abandoned = call.query.get(&["includeAbandoned"]) != Some("false");
    let mut found = Vec::new();
    for job in jobs
        .iter()
        .filter(|job| with_abandoned || job.status != "abandoned")
    {
        found.push(shown(forge, repository, job).await?);
    }
    Ok(list(found))
}

async fn shown(forge: &Forge, repository: &Repository, job: &Job) -> Result<Value, ApiError> {
    let (path, id) = names(job.kind);
    let url = api(forge.base_url(), repository, &[path, &job.id.to_string()]);
    let mut value = json!({
        "status": job.status, "detailedStatus": job.detail, "url": url, "_links": { "self": { "href": url } },
    });
    value[id] = json!(job.id);
    if job.kind == Kind::ForkSync {
        value["source"] = job.parameters["source"].clone();
        value["sourceToTargetRefs"] = job.parameters["sourceToTargetRefs"].clone();
    } else {
        value["parameters"] = job.parameters.clone();
        value["repository"] = describe(forge, repository).await?;
    }
    if matches!(job.kind, Kind::CherryPick | Kind::Revert) {
        value["parameters"]["repository"] = value["repository"].clone();
    }
    Ok(value)
}

/// What is to be imported. Whoever asks must be allowed to make branches here.
async fn import(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    body: &Value,
) -> Result<Value, ApiError> {
    let parameters = body.get("parameters").unwrap_or(body);
    let given = |pointer: &str| parameters.pointer(pointer).filter(|it| !it.is_null());
    if given("/tfvcSource").is_some() {
        return Err(ApiError::bad_request(
            "Only Git is imported, no Team Foundation version control: give parameters.gitSource.url.",
        ));
    }
    if given("/serviceEndpointId").is_some_and(|id| id.as_str() != Some(NO_ENDPOINT)) {
        return Err(ApiError::bad_request(
            "Imports take no credentials from a service endpoint here: leave serviceEndpointId out and import what \
             is public, or push the repository with `git push --mirror`.",
        ));
    }
    if given("/gitSource/overwrite") == Some(&Value::Bool(true)) {
        return Err(ApiError::bad_request(
            "An import overwrites nothing here: leave gitSource.overwrite out and import into an empty repository.",
        ));
    }
    let text = given("/gitSource/url")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| {
        ApiError::bad_request(format!(
            "parameters.gitSource.url '{text}' is not an http or https URL of a Git repository."
        ))
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ApiError::bad_request(
            "parameters.gitSource.url holds a user name or password; imports are kept and shown, so give none.",
        ));
    }
    let asked = BTreeSet::from(["refs/heads/main".to_owned()]);
    let refusal = forge.review(&call.principal, repository, &asked).await;
    if !refusal.is_empty() {
        return Err(ApiError::forbidden(refusal.join("\n")));
    }
    if !repository
        .references(&["refs/heads", "refs/tags"])
        .await?
        .is_empty()
    {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "GitImportForbiddenOnNonEmptyRepository",
            format!(
                "{} is not empty; make another repository and import there.",
                repository.full_name()
            ),
        ));
    }
    Ok(
        json!({ "gitSource": { "url": url, "overwrite": false }, "deleteServiceEndpointAfterImportIsDone": false }),
    )
}

/// What clients send for no service endpoint.
const NO_ENDPOINT: &str = "00000000-0000-0000-0000-000000000000";

/// Tries a failed import once more; that is all that can be changed.
async fn again(forge: &Forge, call: &Call, repository: &Repository, id: &str) -> Result<Response, ApiError> {
    let job = find(forge, repository, Kind::Import, id).await?;
    let wanted = call.json()?.get("status").cloned().unwrap_or_default();
    let queued = super::word(&wanted, &[("queued", 1)]).is_some();
    if !queued || job.status != "failed" {
        return Err(ApiError::bad_request(format!(
            "The import is {}; only one that failed can be set to queued, to try it again.",
            job.status
        )));
    }
    import(forge, call, repository, &job.parameters).await?;
    let job = forge.run_job(&call.principal, repository, job).await?;
    Ok(Json(shown(forge, repository, &job).await?).into_response())
}

async fn sync(forge: &Forge, call: &Call, body: &Value) -> Result<Value, ApiError> {
    let id = body
        .pointer("/source/repositoryId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let missing = || ApiError::no_repository(id);
    let number = uuid::Uuid::parse_str(id).map_err(|_| missing())?;
    let from = forge.repository_by_id(number).await.map_err(|_| missing())?;
    forge.check_read(&call.principal, &from).await?;
    let pairs = body.get("sourceToTargetRefs").and_then(Value::as_array);
    for pair in pairs.into_iter().flatten() {
        for field in ["sourceRef", "targetRef"] {
            branch(pair, field)?;
        }
    }
    Ok(
        json!({ "source": body["source"], "sourceToTargetRefs": body.get("sourceToTargetRefs").cloned().unwrap_or(json!([])) }),
    )
}

fn copy(body: &Value) -> Result<Value, ApiError> {
    let (generated, onto) = (branch(body, "generatedRefName")?, branch(body, "ontoRefName")?);
    let commits = body.pointer("/source/commitList").and_then(Value::as_array);
    let has_commits = commits.is_some_and(|it| !it.is_empty());
    if !has_commits
        && body
            .pointer("/source/pullRequestId")
            .and_then(Value::as_i64)
            .is_none()
    {
        return Err(ApiError::bad_request(
            "Say what to take: source.commitList or source.pullRequestId.",
        ));
    }
    Ok(json!({ "generatedRefName": generated, "ontoRefName": onto, "source": body["source"] }))
}

/// A full branch or tag name.
fn branch(body: &Value, field: &str) -> Result<String, ApiError> {
    let text = body.get(field).and_then(Value::as_str).unwrap_or_default();
    let name = RefName::parse(text).map_err(|error| ApiError::bad_request(format!("{field}: {error}")))?;
    if text.starts_with("refs/") && !text.starts_with("refs/heads/") && !text.starts_with("refs/tags/") {
        return Err(ApiError::bad_request(format!(
            "{field} '{text}' is not a branch (refs/heads/…)."
        )));
    }
    Ok(if text.starts_with("refs/") {
        text.to_owned()
    } else {
        name.branch()
    })
}
