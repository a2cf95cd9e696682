//! `…/pullRequests`: pull requests, their reviewers, discussions and history.

mod attachments;
mod conflicts;
mod discussion;
mod history;
mod lookup;
mod properties;
mod reviewers;
mod show;
mod statuses;
mod update;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use pave_git::RefName;
use serde_json::{Map, Value};
use tokio::sync::OwnedMutexGuard;

use super::{Call, list, word};
use crate::changes::ZERO;
use crate::error::ApiError;
use crate::forge::Forge;
use crate::pull::{PullRequest, Status, TestMerge};
use crate::repository::Repository;
use crate::store::{Note, Wanted};

pub(crate) use history::difference;
pub(crate) use show::pull_json;
pub(super) use statuses::STATES;

/// The most pull requests in one answer.
const LISTED: usize = 1000;
/// The longest title and description.
const TITLE: usize = 400;
const DESCRIPTION: usize = 16_000;

/// What one request is about.
pub(super) struct At<'a> {
    pub(super) forge: &'a Forge,
    pub(super) call: &'a Call,
    pub(super) repository: &'a Repository,
}

impl At<'_> {
    /// The pull request that the path names, as it is now.
    async fn pull(&self, id: &str) -> Result<PullRequest, ApiError> {
        let missing = || no_pull(id);
        let number: i64 = id.parse().map_err(|_| missing())?;
        let found = self.forge.fresh_pull(self.repository, number).await?;
        found.ok_or_else(missing)
    }

    /// The pull request as it is written down, and the turn to change it.
    async fn held(&self, id: &str) -> Result<(OwnedMutexGuard<()>, PullRequest), ApiError> {
        let number: i64 = id.parse().map_err(|_| no_pull(id))?;
        let turn = self.forge.turn(self.repository).await;
        let stored = self.forge.store().pull(number).await?;
        let here = stored.filter(|it| it.repository == self.repository.id);
        Ok((turn, here.ok_or_else(|| no_pull(id))?))
    }

    async fn shown(&self, pull: &PullRequest) -> Value {
        let branch = self.repository.default_branch().await;
        pull_json(self.forge.base_url(), self.repository, pull, &branch)
    }

    /// Refuses who may neither review here nor opened the pull request.
    async fn check_review(&self, pull: &PullRequest, what: &str) -> Result<(), ApiError> {
        if pull.created_by.id == self.call.principal.id {
            return Ok(());
        }
        self.forge
            .check_verb(&self.call.principal, self.repository, "review", what)
            .await
    }
}

pub(super) fn no_pull(id: &str) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "GitPullRequestNotFoundException",
        format!("TF401180: The requested pull request was not found: {id}."),
    )
}

/// `_apis/git/pullRequests[/{id}]`, with or without a project.
pub(super) async fn anywhere(forge: &Forge, call: &Call, id: Option<&str>) -> Result<Response, ApiError> {
    let Some(id) = id else {
        let project = match &call.project {
            Some(name) => Some(
                super::repositories::project(forge, &call.organization, name)
                    .await?
                    .id,
            ),
            None => None,
        };
        let mut found = Vec::new();
        for repository in forge.store().repositories().await? {
            let place = &repository.project;
            let here = place.organization.eq_ignore_ascii_case(&call.organization)
                && project.is_none_or(|id| id == place.id);
            if here && forge.check_read(&call.principal, &repository).await.is_ok() {
                let at = At {
                    forge,
                    call,
                    repository: &repository,
                };
                found.extend(matching(&at).await?);
            }
        }
        found.sort_by_key(|(pull, _)| std::cmp::Reverse(pull.id));
        return Ok(page(call, found));
    };
    let number: i64 = id.parse().map_err(|_| no_pull(id))?;
    let pull = forge.store().pull(number).await?.ok_or_else(|| no_pull(id))?;
    let repository = forge
        .repository_by_id(pull.repository)
        .await
        .map_err(|_| no_pull(id))?;
    if !repository
        .project
        .organization
        .eq_ignore_ascii_case(&call.organization)
    {
        return Err(no_pull(id));
    }
    forge.check_read(&call.principal, &repository).await?;
    let at = At {
        forge,
        call,
        repository: &repository,
    };
    let pull = at.pull(id).await?;
    Ok(Json(at.shown(&pull).await).into_response())
}

/// Answers below `…/repositories/{repository}/pullRequests`; `tail` keeps the case of what was asked.
pub(super) async fn serve(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    rest: &[&str],
    tail: &[String],
) -> Result<Response, ApiError> {
    let at = At {
        forge,
        call,
        repository,
    };
    match (&call.method, rest) {
        (&Method::GET, []) => Ok(page(call, matching(&at).await?)),
        (&Method::POST, []) => create(&at).await,
        (&Method::GET, [id]) => {
            let pull = at.pull(id).await?;
            Ok(Json(at.shown(&pull).await).into_response())
        }
        (&Method::PATCH, [id]) => update::serve(&at, id).await,
        (_, [id, "reviewers", ..]) => reviewers::serve(&at, id, tail.get(2).map(String::as_str)).await,
        (_, [id, "threads", rest @ ..]) => discussion::serve(&at, id, rest).await,
        (_, [id, "statuses", rest @ ..]) => statuses::serve(&at, id, None, rest).await,
        (_, [id, "iterations", iteration, "statuses", rest @ ..]) => {
            statuses::serve(&at, id, Some(iteration), rest).await
        }
        (_, [id, "labels", ..]) => statuses::labels(&at, id, tail.get(2).map(String::as_str)).await,
        (_, [id, "attachments", ..]) => attachments::serve(&at, id, tail.get(2).map(String::as_str)).await,
        (_, [id, "conflicts", rest @ ..]) => conflicts::serve(&at, id, rest).await,
        (_, [id, "properties"]) => properties::serve(&at, id).await,
        (&Method::GET, [id, rest @ ..]) => history::serve(&at, id, rest).await,
        _ => Err(ApiError::not_found(&format!(
            "{} pullRequests/{}",
            call.method,
            rest.join("/")
        ))),
    }
}

/// `POST …/pullRequestQuery`.
pub(super) async fn query(forge: &Forge, call: &Call, repository: &Repository) -> Result<Response, ApiError> {
    lookup::serve(&At {
        forge,
        call,
        repository,
    })
    .await
}

fn page(call: &Call, found: Vec<(PullRequest, Value)>) -> Response {
    let number = |name: &str, otherwise: usize| {
        call.query.number(
            name,
            call.query.number(&format!("searchCriteria.{name}"), otherwise),
        )
    };
    let (top, skip) = (number("$top", 101).min(LISTED), number("$skip", 0));
    list(found.into_iter().map(|(_, value)| value).skip(skip).take(top))
}

/// The pull requests of a repository that a query asks for, newest first.
async fn matching(at: &At<'_>) -> Result<Vec<(PullRequest, Value)>, ApiError> {
    let query = |name: &str| at.call.query.get(&[&format!("searchCriteria.{name}"), name]);
    let status = match query("status").map(str::to_lowercase).as_deref() {
        None | Some("active" | "1" | "notset" | "0") => Some("active"),
        Some("abandoned" | "2") => Some("abandoned"),
        Some("completed" | "3") => Some("completed"),
        Some("all" | "4") => None,
        Some(other) => {
            return Err(ApiError::bad_request(format!(
                "The status '{other}' is not one of active, abandoned, completed, all."
            )));
        }
    };
    let wanted = Wanted {
        repository: Some(at.repository.id),
        status,
    };
    let same = |name: &str, value: &str| query(name).is_none_or(|it| it.eq_ignore_ascii_case(value));
    let branch = |name: &str, value: &str| {
        query(name).is_none_or(|it| it == value || format!("refs/heads/{it}") == value)
    };
    let reviewed = |pull: &PullRequest| {
        query("reviewerId").is_none_or(|id| {
            pull.reviewers
                .iter()
                .any(|it| it.id.to_string().eq_ignore_ascii_case(id))
        })
    };
    let default = at.repository.default_branch().await;
    let mut found = Vec::new();
    for pull in at.forge.store().pulls(wanted).await? {
        let asked = same("creatorId", &pull.created_by.id.to_string())
            && same("repositoryId", &at.repository.id.to_string())
            && branch("sourceRefName", &pull.source)
            && branch("targetRefName", &pull.target)
            && reviewed(&pull);
        if asked {
            let value = pull_json(at.forge.base_url(), at.repository, &pull, &default);
            found.push((pull, value));
        }
    }
    Ok(found)
}

async fn create(at: &At<'_>) -> Result<Response, ApiError> {
    let body = at.call.json()?;
    let mut pull = read(at, &body)?;
    for wanted in body
        .get("reviewers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let reviewer = reviewers::read(at, wanted).await?;
        if !pull.reviewers.iter().any(|it| it.id == reviewer.id) {
            pull.reviewers.push(reviewer);
        }
    }
    let _turn = at.forge.turn(at.repository).await;
    for name in [&pull.source, &pull.target] {
        if at.repository.tip(name).await?.is_none() {
            return Err(no_branch(at, name));
        }
    }
    let key = (pull.source.clone(), pull.target.clone());
    let added = at
        .forge
        .store()
        .add_pull(pull.clone(), at.repository, Vec::new())
        .await?;
    let Some(mut pull) = added else {
        let there = at.forge.store().active_pull(&pull).await?.unwrap_or_default();
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "GitPullRequestExistsException",
            format!(
                "TF401179: An active pull request for the source and target branch already exists: {there}, from {} to {}. Push to the source branch to update it.",
                key.0, key.1
            ),
        ));
    };
    at.forge.follow(at.repository, &mut pull).await?;
    if pull.is_active() {
        at.forge
            .keep_pull(at.repository, &pull, vec![Note::CREATED])
            .await?;
    }
    Ok((StatusCode::CREATED, Json(at.shown(&pull).await)).into_response())
}

pub(super) fn no_branch(at: &At<'_>, name: &str) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "GitPullRequestReferenceNotFoundException",
        format!(
            "TF401398: The branch {name} does not exist in {}; push it first.",
            at.repository.full_name()
        ),
    )
}

fn read(at: &At<'_>, body: &Value) -> Result<PullRequest, ApiError> {
    if body.get("forkSource").is_some_and(|it| !it.is_null()) {
        return Err(ApiError::bad_request(format!(
            "Pull requests from a fork are not kept here: push the branch to {} and open the pull request from there.",
            at.repository.full_name()
        )));
    }
    let source = branch(body, "sourceRefName")?;
    let target = branch(body, "targetRefName")?;
    if source == target {
        return Err(ApiError::bad_request(format!(
            "Source and target are the same branch, {source}."
        )));
    }
    let title = text(body, "title").unwrap_or_default().trim().to_owned();
    let labels = body.get("labels").and_then(Value::as_array);
    let label = |it: &Value| it.get("name").and_then(Value::as_str).map(str::to_owned);
    let mut pull = PullRequest {
        id: 0,
        repository: at.repository.id,
        source,
        target,
        status: Status::Active,
        title: String::new(),
        description: String::new(),
        draft: body.get("isDraft").and_then(Value::as_bool).unwrap_or_default(),
        created_by: at.call.principal.clone(),
        created_at: pave_runtime::clock::now().to_string(),
        closed_by: None,
        closed_at: None,
        merge: TestMerge {
            source: ZERO.to_owned(),
            target: ZERO.to_owned(),
            ..TestMerge::default()
        },
        reviewers: Vec::new(),
        iterations: Vec::new(),
        threads: Vec::new(),
        statuses: Vec::new(),
        labels: labels.into_iter().flatten().filter_map(label).collect(),
        checks: std::collections::BTreeMap::new(),
        auto_complete: None,
        options: Value::Object(Map::new()),
        merge_options: Value::Object(Map::new()),
        completing: None,
        held_up: String::new(),
        properties: Map::new(),
    };
    set_title(&mut pull, &title)?;
    set_description(&mut pull, text(body, "description").unwrap_or_default())?;
    update::read_options(&mut pull, body);
    Ok(pull)
}

fn set_title(pull: &mut PullRequest, title: &str) -> Result<(), ApiError> {
    let length = title.chars().count();
    if length == 0 || length > TITLE {
        return Err(ApiError::bad_request(format!(
            "A pull request needs a title of 1 to {TITLE} characters; this one has {length}."
        )));
    }
    title.clone_into(&mut pull.title);
    Ok(())
}

fn set_description(pull: &mut PullRequest, description: &str) -> Result<(), ApiError> {
    let length = description.chars().count();
    if length > DESCRIPTION {
        return Err(ApiError::bad_request(format!(
            "A description has at most {DESCRIPTION} characters; this one has {length}."
        )));
    }
    description.clone_into(&mut pull.description);
    Ok(())
}

/// A full branch name from a field that may hold a short one.
fn branch(body: &Value, field: &str) -> Result<String, ApiError> {
    let name = text(body, field).filter(|name| !name.is_empty()).ok_or_else(|| {
        ApiError::bad_request(format!("{field} is missing: give a branch, as refs/heads/name."))
    })?;
    if name.starts_with("refs/") && !name.starts_with("refs/heads/") {
        return Err(ApiError::bad_request(format!(
            "{field} '{name}' is not a branch (refs/heads/…)."
        )));
    }
    let name = RefName::parse(name).map_err(|error| ApiError::bad_request(error.to_string()))?;
    Ok(name.branch())
}

fn text<'a>(body: &'a Value, field: &str) -> Option<&'a str> {
    body.get(field).and_then(Value::as_str)
}

/// A word that may come as upstream's number.
fn enumerated<'a>(value: Option<&Value>, words: &[(&'a str, u64)]) -> Option<&'a str> {
    word(value?, words)
}
