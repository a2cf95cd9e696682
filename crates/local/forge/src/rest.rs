//! The Azure DevOps REST API: the part that serves Git and service hooks.

mod batch;
mod commits;
mod diffs;
mod discovery;
mod favorites;
mod forks;
mod items;
mod jobs;
mod locations;
mod locks;
mod objects;
mod policies;
mod projects;
mod pulls;
mod pushes;
mod query;
mod refs;
mod repositories;
mod search;
mod statuses;
mod subscriptions;
mod teams;
mod users;
mod version;

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use pave_auth::Principal;
use pave_devops::AreaRequest;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::forge::Forge;
use crate::neighbours::project_at;
use crate::repository::Repository;
use crate::store::Kind;
pub(crate) use pulls::pull_json;
use query::Query;
pub(crate) use repositories::describe;

/// The largest body of a request.
const LARGEST: usize = 64 * 1024 * 1024;

/// One request, read so far.
pub(crate) struct Call {
    principal: Principal,
    method: Method,
    organization: String,
    project: Option<String>,
    query: Query,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn json(&self) -> Result<Value, ApiError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::bad_request(format!("The body is not JSON: {error}.")))
    }

    async fn repository(&self, forge: &Forge, name: &str) -> Result<Repository, ApiError> {
        let found = match &self.project {
            Some(project) => forge.repository(&self.organization, project, name).await?,
            // Without a project only an id is unique.
            None => match uuid::Uuid::parse_str(name) {
                Ok(id) => forge.repository_by_id(id).await.ok(),
                Err(_) => None,
            },
        };
        let here = |it: &Repository| it.project.organization.eq_ignore_ascii_case(&self.organization);
        let repository = found.filter(here).ok_or_else(|| ApiError::no_repository(name))?;
        forge.check_read(&self.principal, &repository).await?;
        Ok(repository)
    }
}

/// Answers one request below `/{organization}[/{project}]/_apis`.
pub(crate) async fn serve(
    forge: &Forge,
    organization: String,
    project: Option<String>,
    tail: &[String],
    request: Request,
) -> Result<Response, ApiError> {
    let folded: Vec<String> = tail.iter().map(|part| part.to_lowercase()).collect();
    let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
    if request.method() == Method::OPTIONS {
        // Clients look routes up before they have shown who they are.
        return Ok(discovery::locations(forge, folded.first().copied()));
    }
    let (parts, body) = request.into_parts();
    let principal = forge.principal(&parts.headers).await?;
    let body = axum::body::to_bytes(body, LARGEST).await.map_err(|_| {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            "The body is larger than 64 MB.",
        )
    })?;
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let call = Call {
        principal,
        method: parts.method,
        organization,
        project,
        query,
        headers: parts.headers,
        body,
    };
    match folded.as_slice() {
        ["resourceareas", ..] => Ok(Json(json!({ "count": 0, "value": null })).into_response()),
        ["connectiondata"] => Ok(discovery::connection(forge, &call)),
        ["process", "processes"] => discovery::processes(forge, &call, None),
        ["process", "processes", id] => discovery::processes(forge, &call, Some(id)),
        ["identities"] => discovery::identities(forge, &call, None).await,
        ["identities", id] => discovery::identities(forge, &call, Some(id)).await,
        ["projects", _, "teams", ..] => {
            let project = tail.get(1).map(String::as_str).unwrap_or_default();
            teams::serve(forge, &call, project, tail.get(3..).unwrap_or_default()).await
        }
        ["teams"] => teams::everywhere(forge, &call).await,
        ["userentitlements"] => users::all(forge, &call).await,
        ["userentitlements", id] => users::one(forge, &call, id).await,
        ["projects"] | ["projects", _] => {
            projects::serve(forge, &call, tail.get(1).map(String::as_str)).await
        }
        ["operations", id] => projects::operation(forge, &call, id).await,
        ["search", "codesearchresults"] if call.method == Method::POST => search::serve(forge, &call).await,
        ["policy", rest @ ..] => policies::serve(forge, &call, rest).await,
        ["git", "pullrequests"] => pulls::anywhere(forge, &call, None).await,
        ["git", "pullrequests", id] => pulls::anywhere(forge, &call, Some(id)).await,
        ["git", "favorites", "refs"] => favorites::serve(forge, &call, None).await,
        ["git", "favorites", "refs", id] => favorites::serve(forge, &call, Some(id)).await,
        ["hooks", "subscriptions", ..] => {
            subscriptions::serve(forge, &call, tail.get(2).map(String::as_str)).await
        }
        ["git", "repositories"] => repositories::serve(forge, &call, None).await,
        ["git", "repositories", _, rest @ ..] => {
            let name = tail.get(2).map(String::as_str).unwrap_or_default();
            in_repository(forge, &call, name, rest, tail.get(4..).unwrap_or_default()).await
        }
        _ => foreign(forge, call, tail)
            .await?
            .ok_or_else(|| ApiError::not_found(parts.uri.path())),
    }
}

/// What another area answers.
async fn foreign(forge: &Forge, call: Call, tail: &[String]) -> Result<Option<Response>, ApiError> {
    let project = match &call.project {
        Some(name) => {
            let found = forge.find_project(&call.organization, name).await?;
            Some(found.ok_or_else(|| ApiError::no_project(name))?)
        }
        None => None,
    };
    let request = AreaRequest {
        principal: call.principal,
        method: call.method,
        organization: call.organization,
        project: project.as_ref().map(project_at),
        tail: tail.to_vec(),
        query: call.query.pairs().to_vec(),
        headers: call.headers,
        body: call.body,
        base_url: forge.base_url().clone(),
    };
    Ok(forge.pass_on(request).await)
}

async fn in_repository(
    forge: &Forge,
    call: &Call,
    name: &str,
    rest: &[&str],
    tail: &[String],
) -> Result<Response, ApiError> {
    if rest.is_empty() {
        return repositories::serve(forge, call, Some(name)).await;
    }
    let repository = call.repository(forge, name).await?;
    match (&call.method, rest) {
        (&Method::GET, ["refs", ..]) => {
            repositories::references(forge, call, &repository, &tail.join("/")).await
        }
        (&Method::GET, ["items", ..]) => items::serve(forge, call, &repository, &tail.join("/")).await,
        (&Method::GET, ["commits"]) => commits::list(forge, &call.query, &repository).await,
        (&Method::POST, ["commitsbatch"]) => batch::commits(forge, call, &repository).await,
        (&Method::POST, ["itemsbatch"]) => batch::items(forge, call, &repository).await,
        (&Method::GET, ["blobs", id]) => objects::blob(forge, call, &repository, id).await,
        (&Method::GET, ["trees", id]) => objects::tree(forge, call, &repository, id).await,
        (&Method::GET, ["commits", id, "mergebases"]) => {
            objects::merge_bases(forge, call, &repository, id).await
        }
        (_, ["commits", id, "statuses"]) => statuses::serve(forge, call, &repository, id).await,
        (&Method::GET, ["forks", ..]) => forks::all(forge, call, &repository).await,
        (_, ["forksyncrequests", rest @ ..]) => {
            jobs::serve(forge, call, &repository, Kind::ForkSync, rest).await
        }
        (_, ["importrequests", rest @ ..]) => jobs::serve(forge, call, &repository, Kind::Import, rest).await,
        (_, ["cherrypicks", rest @ ..]) => {
            jobs::serve(forge, call, &repository, Kind::CherryPick, rest).await
        }
        (_, ["reverts", rest @ ..]) => jobs::serve(forge, call, &repository, Kind::Revert, rest).await,
        (&Method::POST, ["pullrequestquery"]) => pulls::query(forge, call, &repository).await,
        (&Method::GET, ["commits", id]) => commits::get(forge, &repository, id).await,
        (&Method::GET, ["commits", id, "changes"]) => commits::changes(forge, &repository, id).await,
        (&Method::POST, ["refs"]) => refs::update(forge, call, &repository).await,
        (&Method::PATCH, ["refs", ..]) => locks::change(forge, call, &repository, &tail.join("/")).await,
        (&Method::POST, ["annotatedtags"]) => refs::tag(forge, call, &repository).await,
        (&Method::GET, ["annotatedtags", id]) => refs::read_tag(forge, &repository, id).await,
        (&Method::GET, ["diffs", "commits"]) => diffs::commits(forge, call, &repository).await,
        (&Method::GET, ["stats", "branches"]) => diffs::branches(forge, call, &repository).await,
        (&Method::POST, ["stats", "branches"]) => diffs::versions(forge, call, &repository).await,
        (&Method::POST, ["pushes"]) => pushes::create(forge, call, &repository).await,
        (&Method::GET, ["pushes"]) => refs::pushes(forge, call, &repository, None).await,
        (&Method::GET, ["pushes", id]) => refs::pushes(forge, call, &repository, Some(id)).await,
        (_, ["pullrequests", rest @ ..]) => pulls::serve(forge, call, &repository, rest, tail).await,
        _ => Err(ApiError::not_found(&format!(
            "{} {}",
            call.method,
            rest.join("/")
        ))),
    }
}

/// A word of an enumeration, which the node client sends as a number.
fn word<'a>(value: &Value, words: &[(&'a str, u64)]) -> Option<&'a str> {
    let found = words.iter().find(|(word, number)| match value {
        Value::String(text) => text.eq_ignore_ascii_case(word) || *text == number.to_string(),
        Value::Number(given) => given.as_u64() == Some(*number),
        _ => false,
    });
    found.map(|(word, _)| *word)
}

/// A list as Azure DevOps wraps it.
fn list(value: impl IntoIterator<Item = Value>) -> Response {
    let value: Vec<Value> = value.into_iter().collect();
    Json(json!({ "count": value.len(), "value": value })).into_response()
}
