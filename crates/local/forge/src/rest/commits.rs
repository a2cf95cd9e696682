//! Commits and what they changed.

use axum::Json;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use pave_git::{ChangeKind, Commit, CommitInfo};
use serde_json::{Value, json};

use super::query::Query;
use super::version;
use crate::error::ApiError;
use crate::event::{api, commit_json};
use crate::forge::Forge;
use crate::repository::Repository;

/// The most commits that are looked through for filters.
const SEARCHED: usize = 10_000;

/// The commits that a query asks for.
async fn list_of(forge: &Forge, asked: &Query, repository: &Repository) -> Result<Vec<Value>, ApiError> {
    let prefixes = [
        "searchCriteria.itemVersion.",
        "searchCriteria.compareVersion.",
        "itemVersion.",
    ];
    let (commit, _) = version::resolve(repository, asked, &prefixes).await?;
    let query = |name: &str| asked.get(&[&format!("searchCriteria.{name}"), name]);
    let path = query("itemPath")
        .map(|path| path.trim_matches('/'))
        .filter(|path| !path.is_empty());
    let number = |name: &str, otherwise: usize| {
        let plain = asked.number(name, otherwise);
        asked
            .number(&format!("searchCriteria.{name}"), plain)
            .min(SEARCHED)
    };
    let (top, skip) = (number("$top", 100), number("$skip", 0));
    let author = query("author").map(str::to_lowercase);
    let time = |name: &str| query(name).and_then(|text| text.parse::<Timestamp>().ok());
    let (from, to) = (time("fromDate"), time("toDate"));
    let is_filtered = author.is_some() || from.is_some() || to.is_some();
    let limit = if is_filtered { SEARCHED } else { top + skip };
    let log = repository.objects().log(&commit, path, limit).await?;
    let wanted = |commit: &CommitInfo| {
        let by = author.as_ref().is_none_or(|author| {
            commit.author.to_lowercase().contains(author) || commit.email.to_lowercase().contains(author)
        });
        by && from.is_none_or(|from| commit.time >= from) && to.is_none_or(|to| commit.time <= to)
    };
    let found = log.iter().filter(|commit| wanted(commit)).skip(skip).take(top);
    Ok(found
        .map(|commit| commit_json(forge.base_url(), repository, commit))
        .collect())
}

/// `…/commits`; an empty repository has an empty list.
pub(crate) async fn list(
    forge: &Forge,
    asked: &Query,
    repository: &Repository,
) -> Result<Response, ApiError> {
    let names_version = asked.get(&["searchCriteria.itemVersion.version"]).is_some();
    if !names_version
        && repository
            .tip(&repository.default_branch().await)
            .await?
            .is_none()
    {
        return Ok(super::list(Vec::new()));
    }
    Ok(super::list(list_of(forge, asked, repository).await?))
}

/// `…/commits/{id}`.
pub(crate) async fn get(forge: &Forge, repository: &Repository, id: &str) -> Result<Response, ApiError> {
    Ok(Json(one(forge, repository, id).await?).into_response())
}

/// One commit, shown.
pub(super) async fn one(forge: &Forge, repository: &Repository, id: &str) -> Result<Value, ApiError> {
    let commit = find(repository, id).await?;
    Ok(commit_json(forge.base_url(), repository, &commit))
}

/// `…/commits/{id}/changes`.
pub(crate) async fn changes(forge: &Forge, repository: &Repository, id: &str) -> Result<Response, ApiError> {
    let commit = find(repository, id).await?;
    let objects = repository.objects();
    let changes = if let Some(parent) = commit.parents.first() {
        objects.diff_names(parent, &commit.commit).await?
    } else {
        let files = objects.list(&commit.commit, "", true).await?;
        let added = |entry: pave_git::TreeEntry| pave_git::PathChange {
            path: entry.path,
            kind: ChangeKind::Added,
        };
        files.into_iter().map(added).collect()
    };
    let kind = |kind| match kind {
        ChangeKind::Added => "add",
        ChangeKind::Modified => "edit",
        ChangeKind::Deleted => "delete",
    };
    let count = |wanted| changes.iter().filter(|change| change.kind == wanted).count();
    let counts = json!({
        "Add": count(ChangeKind::Added), "Edit": count(ChangeKind::Modified), "Delete": count(ChangeKind::Deleted),
    });
    let value = changes.iter().map(|change| {
        let url = api(forge.base_url(), repository, &["items"]);
        let path = format!("/{}", change.path);
        let item = json!({ "path": path, "gitObjectType": "blob", "commitId": commit.commit, "url": url });
        json!({ "item": item, "changeType": kind(change.kind) })
    });
    Ok(Json(json!({ "changeCounts": counts, "changes": value.collect::<Vec<_>>() })).into_response())
}

pub(super) async fn find(repository: &Repository, id: &str) -> Result<CommitInfo, ApiError> {
    let id = version::commit_id(id)?;
    let objects = repository.objects();
    let commit: Option<Commit> = objects.first_commit(std::slice::from_ref(&id)).await?;
    let commit = commit.ok_or_else(|| ApiError::no_version(&id))?;
    let log = objects.log(&commit, None, 1).await?;
    log.into_iter().next().ok_or_else(|| ApiError::no_version(&id))
}
