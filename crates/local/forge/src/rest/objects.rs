//! Objects by their ids: `blobs`, `trees`, and where two commits came from.

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::{Value, json};

use super::{Call, commits, list, version};
use crate::error::ApiError;
use crate::event::api;
use crate::forge::Forge;
use crate::pull::merge;
use crate::repository::Repository;

/// An object of the wanted kind; a commit leads to its tree.
async fn object(repository: &Repository, id: &str, kind: &str) -> Result<(String, Vec<u8>), ApiError> {
    let name = format!("{}^{{{kind}}}", version::commit_id(id)?);
    let missing = || ApiError::no_version(id);
    let git = repository.git();
    let printed = git.run(&["rev-parse", "--verify", &name], b"").await;
    let printed = printed.map_err(|_| missing())?;
    let id = String::from_utf8_lossy(&printed).trim().to_owned();
    let content = git
        .run(&["cat-file", kind, &id], b"")
        .await
        .map_err(|_| missing())?;
    Ok((id, content))
}

/// `GET …/blobs/{id}`: its bytes, or with JSON what it is.
pub(super) async fn blob(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    id: &str,
) -> Result<Response, ApiError> {
    let (id, content) = object(repository, id, "blob").await?;
    let accept = call.headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    let format = call
        .query
        .get(&["$format"])
        .or(accept)
        .unwrap_or_default()
        .to_lowercase();
    if format.contains("json") {
        let url = api(forge.base_url(), repository, &["blobs", &id]);
        return Ok(Json(json!({ "objectId": id, "size": content.len(), "url": url })).into_response());
    }
    let kind = if format.contains("text") {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    };
    Ok(([(header::CONTENT_TYPE, kind)], Body::from(content)).into_response())
}

/// `GET …/trees/{id}`.
pub(super) async fn tree(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    id: &str,
) -> Result<Response, ApiError> {
    let (id, content) = object(repository, id, "tree").await?;
    let recursive = call
        .query
        .get(&["recursive"])
        .is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let mut arguments = vec!["ls-tree", "-z", "-l"];
    if recursive {
        arguments.extend(["-r", "-t"]);
    }
    arguments.push(&id);
    let printed = repository.git().run(&arguments, b"").await?;
    let text = String::from_utf8_lossy(&printed).into_owned();
    let entries: Vec<Value> = text
        .split('\0')
        .filter_map(|line| entry(forge, repository, line))
        .collect();
    let url = api(forge.base_url(), repository, &["trees", &id]);
    Ok(
        Json(json!({ "objectId": id, "size": content.len(), "url": url, "treeEntries": entries }))
            .into_response(),
    )
}

fn entry(forge: &Forge, repository: &Repository, line: &str) -> Option<Value> {
    let (head, path) = line.split_once('\t')?;
    let mut fields = head.split_whitespace();
    let (mode, kind, id) = (fields.next()?, fields.next()?, fields.next()?);
    let size: u64 = fields.next().and_then(|it| it.parse().ok()).unwrap_or_default();
    let folder = if kind == "tree" { "trees" } else { "blobs" };
    Some(json!({
        "objectId": id, "relativePath": path, "mode": mode.trim_start_matches('0'), "gitObjectType": kind, "size": size,
        "url": api(forge.base_url(), repository, &[folder, id]),
    }))
}

/// `GET …/commits/{id}/mergeBases?otherCommitId=…`: the best common ancestor, if there is one.
pub(super) async fn merge_bases(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    id: &str,
) -> Result<Response, ApiError> {
    let other = call.query.get(&["otherCommitId"]).unwrap_or_default();
    let elsewhere = call.query.get(&["otherRepositoryId"]);
    if elsewhere.is_some_and(|it| !it.eq_ignore_ascii_case(&repository.id.to_string())) {
        return Err(ApiError::bad_request(
            "Commits of two repositories are not compared; fetch both into one clone and use `git merge-base`.",
        ));
    }
    let one = commits::find(repository, id).await?.commit;
    let other = commits::find(repository, other).await?.commit;
    match merge::common(&repository.git(), one.as_str(), other.as_str()).await? {
        Some(id) => Ok(list([commits::one(forge, repository, &id).await?])),
        None => Ok(list([])),
    }
}
