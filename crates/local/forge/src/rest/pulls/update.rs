//! `PATCH …/pullRequests/{id}`: what may be changed, and in what state.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use super::{At, branch, enumerated, no_branch, set_description, set_title, text};
use crate::ForgeError;
use crate::changes::ZERO;
use crate::error::ApiError;
use crate::pull::{PullRequest, Status};
use crate::store::Note;

const STATUSES: [(&str, u64); 4] = [("notSet", 0), ("active", 1), ("abandoned", 2), ("completed", 3)];

/// Changes a pull request; completing comes last, so that one request may set and use its options.
pub(super) async fn serve(at: &At<'_>, id: &str) -> Result<Response, ApiError> {
    let body = at.call.json()?;
    let (_turn, mut pull) = at.held(id).await?;
    let status = match body.get("status") {
        None | Some(Value::Null) => None,
        Some(given) => Some(enumerated(Some(given), &STATUSES).ok_or_else(|| {
            ApiError::bad_request(format!(
                "The status {given} is not one of active, abandoned, completed."
            ))
        })?),
    };
    if pull.is_active() {
        at.forge.follow(at.repository, &mut pull).await?;
    }
    let completes = status == Some("completed");
    if !completes {
        // Completing asks for the right to push what is merged instead.
        at.check_review(&pull, &format!("change pull request {id}"))
            .await?;
    }
    let before = pull.clone();
    edit(at, &mut pull, &body).await?;
    match status {
        Some("abandoned") => abandon(&mut pull)?,
        Some("active") if !pull.is_active() => reactivate(at, &mut pull).await?,
        _ => {}
    }
    if completes {
        if pull.target != before.target {
            at.forge.follow(at.repository, &mut pull).await?;
        }
        complete(at, &mut pull, &body).await?;
    } else if pull != before {
        at.forge
            .keep_pull(at.repository, &pull, vec![Note::UPDATED])
            .await?;
        at.forge.follow(at.repository, &mut pull).await?;
    }
    Ok(Json(at.shown(&pull).await).into_response())
}

async fn edit(at: &At<'_>, pull: &mut PullRequest, body: &Value) -> Result<(), ApiError> {
    if let Some(title) = text(body, "title") {
        set_title(pull, title.trim())?;
    }
    if let Some(description) = text(body, "description") {
        set_description(pull, description)?;
    }
    if pull.status == Status::Completed {
        return Ok(());
    }
    if let Some(draft) = body.get("isDraft").and_then(Value::as_bool) {
        pull.draft = draft;
    }
    if text(body, "targetRefName").is_some() {
        retarget(at, pull, branch(body, "targetRefName")?).await?;
    }
    read_options(pull, body);
    pull.held_up = String::new();
    match body.get("autoCompleteSetBy") {
        None => {}
        // Nobody, as some clients write it: zeros.
        Some(set_by) => match set_by.get("id").and_then(Value::as_str) {
            None => pull.auto_complete = None,
            Some(id) if Uuid::parse_str(id).is_ok_and(|id| id.is_nil()) => pull.auto_complete = None,
            Some(id) if id.eq_ignore_ascii_case(&at.call.principal.id.to_string()) => {
                pull.auto_complete = Some(at.call.principal.clone());
            }
            Some(id) => return Err(not_for_others(at, id)),
        },
    }
    Ok(())
}

fn not_for_others(at: &At<'_>, id: &str) -> ApiError {
    ApiError::forbidden(format!(
        "{} cannot set auto-complete for somebody else ({id}): it completes with the rights of who set it. Use your own id, {}, or ask them to set it.",
        at.call.principal.user, at.call.principal.id
    ))
}

/// Takes over what a body says of how it is to be completed.
pub(super) fn read_options(pull: &mut PullRequest, body: &Value) {
    let merge = |into: &mut Value, from: Option<&Value>| {
        if let (Some(into), Some(from)) = (into.as_object_mut(), from.and_then(Value::as_object)) {
            // To bypass is said by who completes, in the same breath; never left behind for somebody else.
            let kept = from.iter().filter(|(key, _)| !key.starts_with("bypass"));
            into.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
        }
    };
    merge(&mut pull.options, body.get("completionOptions"));
    merge(&mut pull.merge_options, body.get("mergeOptions"));
}

async fn retarget(at: &At<'_>, pull: &mut PullRequest, target: String) -> Result<(), ApiError> {
    if target == pull.target {
        return Ok(());
    }
    if target == pull.source {
        return Err(ApiError::bad_request(format!(
            "The target cannot be the source branch, {target}."
        )));
    }
    if at.repository.tip(&target).await?.is_none() {
        return Err(no_branch(at, &target));
    }
    pull.target = target;
    // Votes and builds were about another target.
    pull.checks.clear();
    ZERO.clone_into(&mut pull.merge.target);
    Ok(())
}

fn abandon(pull: &mut PullRequest) -> Result<(), ApiError> {
    if pull.status == Status::Completed {
        return Err(ForgeError::NotMergeable("it is completed and cannot be abandoned".to_owned()).into());
    }
    if pull.is_active() {
        pull.status = Status::Abandoned;
        pull.closed_at = Some(pave_runtime::clock::rfc3339());
        pull.auto_complete = None;
    }
    Ok(())
}

async fn reactivate(at: &At<'_>, pull: &mut PullRequest) -> Result<(), ApiError> {
    if pull.status == Status::Completed {
        return Err(ForgeError::NotMergeable("it is completed and cannot be reactivated".to_owned()).into());
    }
    for name in [&pull.source, &pull.target] {
        if at.repository.tip(name).await?.is_none() {
            return Err(no_branch(at, name));
        }
    }
    pull.status = Status::Active;
    pull.closed_at = None;
    ZERO.clone_into(&mut pull.merge.target);
    Ok(())
}

async fn complete(at: &At<'_>, pull: &mut PullRequest, body: &Value) -> Result<(), ApiError> {
    // A request that is repeated after its answer was lost finds the work done.
    if pull.status == Status::Completed {
        return Ok(());
    }
    if let Some(believed) = body
        .pointer("/lastMergeSourceCommit/commitId")
        .and_then(Value::as_str)
        && !believed.eq_ignore_ascii_case(&pull.merge.source)
    {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "GitPullRequestStaleException",
            format!(
                "TF401192: The source branch has been modified since the last merge attempt: {} is at {}, not at {believed}. Look at the new changes, then complete with lastMergeSourceCommit {}.",
                pull.source, pull.merge.source, pull.merge.source
            ),
        ));
    }
    let mut options = pull.options.clone();
    for key in ["bypassPolicy", "bypassReason"] {
        if let Some(value) = body.pointer(&format!("/completionOptions/{key}")) {
            options[key] = value.clone();
        }
    }
    let by = &at.call.principal;
    at.forge.complete(at.repository, pull, by, &options).await?;
    Ok(())
}
