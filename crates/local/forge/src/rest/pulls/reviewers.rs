//! `…/pullRequests/{id}/reviewers`: who is asked, and how they voted.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::Value;

use super::show::reviewer_json;
use super::{At, list};
use crate::error::ApiError;
use crate::pull::{PullRequest, Reviewer};
use crate::store::Note;

/// Lists, adds, votes and removes.
pub(super) async fn serve(at: &At<'_>, id: &str, who: Option<&str>) -> Result<Response, ApiError> {
    let shown =
        |pull: &PullRequest, it: &Reviewer| reviewer_json(at.forge.base_url(), at.repository, pull, it);
    if at.call.method == Method::GET {
        let pull = at.pull(id).await?;
        return match who {
            None => Ok(list(pull.reviewers.iter().map(|it| shown(&pull, it)))),
            Some(who) => {
                let found = find(&pull, who).ok_or_else(|| no_reviewer(who))?;
                Ok(Json(shown(&pull, found)).into_response())
            }
        };
    }
    let (_turn, mut pull) = at.held(id).await?;
    if !pull.is_active() {
        return Err(crate::ForgeError::NotMergeable(format!("it is {}", pull.status.word())).into());
    }
    at.forge.follow(at.repository, &mut pull).await?;
    let (answer, note) = match (&at.call.method, who) {
        (&Method::POST, None) => (add(at, &mut pull).await?, Note::REVIEWERS),
        (&Method::PATCH, None) => (reset(at, &mut pull).await?, Note::VOTED),
        (&Method::PUT | &Method::PATCH, Some(who)) => (put(at, &mut pull, who).await?, Note::VOTED),
        (&Method::PUT, None) => {
            let body = at.call.json()?;
            let who = name(&body).ok_or_else(|| ApiError::bad_request("The reviewer has no id."))?;
            (put(at, &mut pull, who).await?, Note::VOTED)
        }
        (&Method::DELETE, Some(who)) => {
            at.check_review(&pull, "remove reviewers").await?;
            let found = find(&pull, who).ok_or_else(|| no_reviewer(who))?;
            if found.required {
                return Err(ApiError::forbidden(format!(
                    "{} is required by a policy and cannot be removed.",
                    found.name
                )));
            }
            let gone = found.id;
            pull.reviewers.retain(|it| it.id != gone);
            (StatusCode::NO_CONTENT.into_response(), Note::REVIEWERS)
        }
        _ => return Err(ApiError::not_found("method for reviewers")),
    };
    at.forge.keep_pull(at.repository, &pull, vec![note]).await?;
    // A vote may be the last thing that auto-complete waited for.
    at.forge.follow(at.repository, &mut pull).await?;
    Ok(answer)
}

/// A reviewer as a body names it: by id, or by mail address or name.
pub(super) async fn read(at: &At<'_>, body: &Value) -> Result<Reviewer, ApiError> {
    let wanted = name(body).ok_or_else(|| ApiError::bad_request("A reviewer has no id."))?;
    let mut reviewer = at
        .forge
        .reviewer(wanted)
        .await?
        .ok_or_else(|| no_identity(wanted))?;
    reviewer.required = body
        .get("isRequired")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    Ok(reviewer)
}

fn name(body: &Value) -> Option<&str> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|it| !it.is_empty());
    text("id").or_else(|| text("uniqueName"))
}

fn find<'a>(pull: &'a PullRequest, who: &str) -> Option<&'a Reviewer> {
    pull.reviewers
        .iter()
        .find(|it| it.id.to_string().eq_ignore_ascii_case(who) || it.unique.eq_ignore_ascii_case(who))
}

fn no_reviewer(who: &str) -> ApiError {
    ApiError::not_found(&format!("reviewer {who}"))
}

fn no_identity(who: &str) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "IdentityNotFoundException",
        format!(
            "TF14045: The identity '{who}' is not known here. Reviewers are people or groups of this platform, by id or mail address."
        ),
    )
}

async fn add(at: &At<'_>, pull: &mut PullRequest) -> Result<Response, ApiError> {
    at.check_review(pull, "add reviewers").await?;
    let body = at.call.json()?;
    let wanted = match &body {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    let mut added = Vec::new();
    for wanted in &wanted {
        let reviewer = read(at, wanted).await?;
        if find(pull, &reviewer.id.to_string()).is_none() {
            pull.reviewers.push(reviewer.clone());
        }
        added.push(reviewer_json(at.forge.base_url(), at.repository, pull, &reviewer));
    }
    Ok(list(added))
}

/// Upstream's way to take votes back; nobody votes for others here.
async fn reset(at: &At<'_>, pull: &mut PullRequest) -> Result<Response, ApiError> {
    at.check_review(pull, "reset votes").await?;
    let body = at.call.json()?;
    for wanted in body.as_array().into_iter().flatten() {
        let id = name(wanted).unwrap_or_default();
        if wanted.get("vote").and_then(Value::as_i64).unwrap_or_default() != 0 {
            return Err(ApiError::bad_request("Votes can only be reset for others, to 0."));
        }
        for reviewer in &mut pull.reviewers {
            if reviewer.id.to_string().eq_ignore_ascii_case(id) {
                reviewer.vote = 0;
            }
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn put(at: &At<'_>, pull: &mut PullRequest, who: &str) -> Result<Response, ApiError> {
    let body = at.call.json()?;
    let me = &at.call.principal;
    let mut reviewer = match who {
        "me" => Reviewer::person(me),
        _ => at.forge.reviewer(who).await?.ok_or_else(|| no_identity(who))?,
    };
    let mine = reviewer.id == me.id;
    let old = find(pull, &reviewer.id.to_string()).cloned();
    let vote = body.get("vote").and_then(Value::as_i64);
    let old_vote = old.as_ref().map_or(0, |it| it.vote);
    if let Some(vote) = vote
        && vote != old_vote
    {
        if ![10, 5, 0, -5, -10].contains(&vote) {
            return Err(ApiError::bad_request(format!(
                "The vote {vote} is not one of 10 (approved), 5 (approved with suggestions), 0, -5 (waiting for author), -10 (rejected)."
            )));
        }
        if !mine {
            return Err(ApiError::forbidden(format!(
                "{} cannot vote for {}: everybody votes for themselves.",
                me.user, reviewer.name
            )));
        }
        at.forge
            .check_verb(
                me,
                at.repository,
                "review",
                &format!("vote on pull request {}", pull.id),
            )
            .await?;
    } else {
        at.check_review(pull, "change reviewers").await?;
    }
    if mine {
        // Groups count as they are at the time of the vote.
        reviewer.groups.clone_from(&me.groups);
    }
    let flag = |name: &str, otherwise: bool| body.get(name).and_then(Value::as_bool).unwrap_or(otherwise);
    reviewer.vote = vote.unwrap_or(old_vote);
    reviewer.required = flag("isRequired", old.as_ref().is_some_and(|it| it.required));
    reviewer.flagged = flag("isFlagged", old.as_ref().is_some_and(|it| it.flagged));
    match pull.reviewers.iter_mut().find(|it| it.id == reviewer.id) {
        Some(there) => *there = reviewer.clone(),
        None => pull.reviewers.push(reviewer.clone()),
    }
    let shown = reviewer_json(at.forge.base_url(), at.repository, pull, &reviewer);
    Ok(Json(shown).into_response())
}
