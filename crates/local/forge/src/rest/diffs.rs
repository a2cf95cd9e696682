//! `…/diffs/commits` and `…/stats/branches`: how two versions differ.

use axum::Json;
use axum::response::{IntoResponse, Response};
use pave_git::Commit;
use serde_json::{Value, json};

use super::pulls::difference;
use super::query::Query;
use super::{Call, list, version};
use crate::error::ApiError;
use crate::event::commit_json;
use crate::forge::Forge;
use crate::pull::{merge, short};
use crate::repository::Repository;

/// The most versions of one request.
const ASKED: usize = 1000;

/// The changes between a base and a target, by default since their common commit.
pub(super) async fn commits(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
) -> Result<Response, ApiError> {
    let (base, _) = version::resolve(
        repository,
        &call.query,
        &["baseVersionDescriptor.base", "baseVersionDescriptor.", "base"],
    )
    .await?;
    let (target, _) = version::resolve(
        repository,
        &call.query,
        &[
            "targetVersionDescriptor.target",
            "targetVersionDescriptor.",
            "target",
        ],
    )
    .await?;
    let git = repository.git();
    let common = merge::common(&git, base.as_str(), target.as_str()).await?;
    let since_common = call
        .query
        .get(&["diffCommonCommit"])
        .is_none_or(|it| !it.eq_ignore_ascii_case("false"));
    let from = match &common {
        Some(common) if since_common => common.as_str(),
        _ => base.as_str(),
    };
    let found = difference(repository, from, target.as_str()).await?;
    let total = found.len();
    let (skip, top) = (call.query.number("$skip", 0), call.query.number("$top", 100));
    let mut counts = serde_json::Map::new();
    for change in &found {
        let (first, rest) = change.kind.split_at(1);
        let key = format!("{}{rest}", first.to_uppercase());
        let count = counts.get(&key).and_then(Value::as_u64).unwrap_or_default();
        counts.insert(key, json!(count + 1));
    }
    let shown: Vec<Value> = found
        .iter()
        .skip(skip)
        .take(top)
        .map(|change| {
            let mut item = change.item_json(forge.base_url(), repository);
            item["commitId"] = json!(target);
            let mut value = json!({ "item": item, "changeType": change.kind });
            if let Some(before) = &change.before {
                value["sourceServerItem"] = json!(format!("/{before}"));
            }
            value
        })
        .collect();
    let (ahead, behind) = distance(repository, base.as_str(), target.as_str()).await?;
    Ok(Json(json!({
        "allChangesIncluded": skip + shown.len() >= total,
        "changeCounts": counts,
        "changes": shown,
        "commonCommit": common,
        "baseCommit": base,
        "targetCommit": target,
        "aheadCount": ahead,
        "behindCount": behind,
    }))
    .into_response())
}

/// How many commits the target has that the base lacks, and the other way round.
async fn distance(repository: &Repository, base: &str, target: &str) -> Result<(u64, u64), ApiError> {
    let range = format!("{target}...{base}");
    let printed = repository
        .git()
        .run(&["rev-list", "--left-right", "--count", &range], b"")
        .await?;
    let text = String::from_utf8_lossy(&printed).into_owned();
    let mut numbers = text.split_whitespace().map(|it| it.parse().unwrap_or_default());
    Ok((
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    ))
}

/// Branches with how far they are from the default branch.
pub(super) async fn branches(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
) -> Result<Response, ApiError> {
    let default = repository.default_branch().await;
    let wanted = call.query.get(&["name"]).map(str::to_owned);
    let all = repository.references(&["refs/heads"]).await?;
    let main = all
        .iter()
        .find(|(name, _)| *name == default)
        .map(|(_, id)| id.clone());
    let mut found = Vec::new();
    for (name, id) in &all {
        if wanted
            .as_deref()
            .is_some_and(|it| it != short(name) && it != name)
        {
            continue;
        }
        found.push(
            stats(
                forge,
                repository,
                (short(name), id),
                main.as_deref(),
                *name == default,
            )
            .await?,
        );
    }
    match (wanted, found.pop()) {
        (Some(name), None) => Err(ApiError::no_version(&name)),
        (Some(_), Some(one)) => Ok(Json(one).into_response()),
        (None, last) => Ok(list(found.into_iter().chain(last))),
    }
}

/// How far a version is from another one.
async fn stats(
    forge: &Forge,
    repository: &Repository,
    (name, id): (&str, &str),
    base: Option<&str>,
    is_base: bool,
) -> Result<Value, ApiError> {
    let (ahead, behind) = match base {
        Some(base) => distance(repository, base, id).await?,
        None => (0, 0),
    };
    let log = repository.objects().log(&Commit::parse(id)?, None, 1).await?;
    let commit = log
        .first()
        .map(|it| commit_json(forge.base_url(), repository, it));
    Ok(json!({
        "name": name, "aheadCount": ahead, "behindCount": behind, "isBaseVersion": is_base, "commit": commit,
    }))
}

/// `POST …/stats/branches`: versions with how far they are from a base, both as the body names them.
pub(super) async fn versions(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
) -> Result<Response, ApiError> {
    let body = call.json()?;
    let targets = body.get("targetCommits").and_then(Value::as_array);
    let targets = targets
        .filter(|it| !it.is_empty() && it.len() <= ASKED)
        .ok_or_else(|| {
            ApiError::bad_request(format!(
                "Give 1 to {ASKED} targetCommits: {{version, versionType}}."
            ))
        })?;
    let base = match body.get("baseCommit").filter(|it| !it.is_null()) {
        Some(base) => described(repository, base).await?,
        None => described(repository, &json!({})).await?,
    };
    let mut found = Vec::with_capacity(targets.len());
    for target in targets {
        let id = described(repository, target).await?;
        let name = target.get("version").and_then(Value::as_str).unwrap_or_default();
        found.push(
            stats(
                forge,
                repository,
                (short(name), id.as_str()),
                Some(base.as_str()),
                id == base,
            )
            .await?,
        );
    }
    Ok(list(found))
}

/// The commit that a version descriptor in a body means.
async fn described(repository: &Repository, descriptor: &Value) -> Result<Commit, ApiError> {
    let pairs = ["version", "versionType"].into_iter().filter_map(|key| {
        let value = descriptor.get(key)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some((key.to_lowercase(), text))
    });
    let (commit, _) = version::resolve(repository, &Query::of(pairs.collect()), &[""]).await?;
    Ok(commit)
}
