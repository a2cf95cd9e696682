//! `…/pullRequests/{id}/threads`: discussions and their comments.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::Value;

use super::show::{comment_json, thread_json};
use super::{At, enumerated, list};
use crate::error::ApiError;
use crate::event::identity_json;
use crate::pull::{Comment, PullRequest, Thread};
use crate::store::Note;

const STATUSES: [(&str, u64); 7] = [
    ("unknown", 0),
    ("active", 1),
    ("fixed", 2),
    ("wontFix", 3),
    ("closed", 4),
    ("byDesign", 5),
    ("pending", 6),
];
const KINDS: [(&str, u64); 4] = [("unknown", 0), ("text", 1), ("codeChange", 2), ("system", 3)];
/// The longest comment.
const LONGEST: usize = 150_000;

/// Answers below `threads`.
pub(super) async fn serve(at: &At<'_>, id: &str, rest: &[&str]) -> Result<Response, ApiError> {
    let base = at.forge.base_url();
    if at.call.method == Method::GET {
        let pull = at.pull(id).await?;
        let thread = |n: &str| find(&pull, n).ok_or_else(|| missing("thread", n));
        return match rest {
            [] => Ok(list(
                pull.threads.iter().map(|it| thread_json(base, at.repository, it)),
            )),
            [n] => Ok(Json(thread_json(base, at.repository, thread(n)?)).into_response()),
            [n, "comments"] => {
                let thread = thread(n)?;
                Ok(list(
                    thread
                        .comments
                        .iter()
                        .map(|it| comment_json(base, at.repository, it)),
                ))
            }
            [n, "comments", m] => {
                let found = thread(n)?.comments.iter().find(|it| it.id.to_string() == *m);
                let found = found.ok_or_else(|| missing("comment", m))?;
                Ok(Json(comment_json(base, at.repository, found)).into_response())
            }
            [n, "comments", m, "likes"] => {
                let found = thread(n)?.comments.iter().find(|it| it.id.to_string() == *m);
                let found = found.ok_or_else(|| missing("comment", m))?;
                let organization = &at.repository.project.organization;
                Ok(list(
                    found.likes.iter().map(|it| identity_json(base, organization, it)),
                ))
            }
            _ => Err(ApiError::not_found("part of a thread")),
        };
    }
    let (_turn, mut pull) = at.held(id).await?;
    at.check_review(&pull, &format!("comment on pull request {id}"))
        .await?;
    let answer = change(at, &mut pull, rest)?;
    at.forge
        .keep_pull(at.repository, &pull, vec![Note::UPDATED])
        .await?;
    if pull.is_active() {
        at.forge.follow(at.repository, &mut pull).await?;
    }
    Ok(answer)
}

fn change(at: &At<'_>, pull: &mut PullRequest, rest: &[&str]) -> Result<Response, ApiError> {
    let base = at.forge.base_url();
    let now = pave_runtime::clock::now().to_string();
    match (&at.call.method, rest) {
        (&Method::POST, []) => {
            let thread = open(at, pull, &at.call.json()?)?;
            let shown = thread_json(base, at.repository, &thread);
            pull.threads.push(thread);
            Ok(Json(shown).into_response())
        }
        (&Method::PATCH, [n]) => {
            let body = at.call.json()?;
            let thread = find_mut(pull, n)?;
            if let Some(status) = status(&body)? {
                thread.status = status;
            }
            for (key, field) in [
                ("threadContext", &mut thread.context),
                ("properties", &mut thread.properties),
            ] {
                if let Some(value) = body.get(key).filter(|it| !it.is_null()) {
                    field.clone_from(value);
                }
            }
            thread.updated_at = now;
            Ok(Json(thread_json(base, at.repository, thread)).into_response())
        }
        (&Method::POST, [n, "comments"]) => {
            let body = at.call.json()?;
            let thread = find_mut(pull, n)?;
            let id = thread.comments.iter().map(|it| it.id).max().unwrap_or_default() + 1;
            let comment = say(at, &body, id)?;
            let shown = comment_json(base, at.repository, &comment);
            thread.comments.push(comment);
            thread.updated_at = now;
            Ok(Json(shown).into_response())
        }
        (&Method::POST | &Method::DELETE, [n, "comments", m, "likes"]) => {
            let comment = find_comment(find_mut(pull, n)?, m)?;
            let who = &at.call.principal;
            comment.likes.retain(|it| it.id != who.id);
            if at.call.method == Method::POST {
                comment.likes.push(who.clone());
            }
            Ok(StatusCode::OK.into_response())
        }
        (&Method::PATCH | &Method::DELETE, [n, "comments", m]) => {
            let thread = find_mut(pull, n)?;
            let comment = find_comment(thread, m)?;
            if comment.author.id != at.call.principal.id {
                return Err(ApiError::forbidden(format!(
                    "{} cannot change a comment of {}; answer it instead.",
                    at.call.principal.user, comment.author.display_name
                )));
            }
            comment.updated_at.clone_from(&now);
            let answer = if at.call.method == Method::DELETE {
                comment.deleted = true;
                comment.content.clear();
                StatusCode::OK.into_response()
            } else {
                comment.content = content(&at.call.json()?)?;
                Json(comment_json(base, at.repository, comment)).into_response()
            };
            thread.deleted = thread.comments.iter().all(|it| it.deleted);
            thread.updated_at = now;
            Ok(answer)
        }
        _ => Err(ApiError::not_found("method for threads")),
    }
}

fn open(at: &At<'_>, pull: &PullRequest, body: &Value) -> Result<Thread, ApiError> {
    let given = body.get("comments").and_then(Value::as_array);
    let given = given
        .filter(|it| !it.is_empty())
        .ok_or_else(|| ApiError::bad_request("A thread needs at least one comment."))?;
    let mut comments = Vec::new();
    for (index, comment) in given.iter().enumerate() {
        comments.push(say(at, comment, i64::try_from(index).unwrap_or_default() + 1)?);
    }
    let now = pave_runtime::clock::now().to_string();
    let value = |key: &str| body.get(key).cloned().unwrap_or_default();
    Ok(Thread {
        id: pull.next_thread(),
        status: status(body)?.unwrap_or_default(),
        context: value("threadContext"),
        iteration: value("pullRequestThreadContext"),
        properties: value("properties"),
        comments,
        created_at: now.clone(),
        updated_at: now,
        deleted: false,
    })
}

fn say(at: &At<'_>, body: &Value, id: i64) -> Result<Comment, ApiError> {
    let now = pave_runtime::clock::now().to_string();
    Ok(Comment {
        id,
        parent: body
            .get("parentCommentId")
            .and_then(Value::as_i64)
            .unwrap_or_default(),
        author: at.call.principal.clone(),
        content: content(body)?,
        kind: enumerated(body.get("commentType"), &KINDS)
            .unwrap_or("text")
            .to_owned(),
        created_at: now.clone(),
        updated_at: now,
        deleted: false,
        likes: Vec::new(),
    })
}

fn content(body: &Value) -> Result<String, ApiError> {
    let content = body.get("content").and_then(Value::as_str).unwrap_or_default();
    if content.trim().is_empty() {
        return Err(ApiError::bad_request("The comment has no content."));
    }
    if content.chars().count() > LONGEST {
        return Err(ApiError::bad_request(format!(
            "A comment has at most {LONGEST} characters."
        )));
    }
    Ok(content.to_owned())
}

fn status(body: &Value) -> Result<Option<String>, ApiError> {
    match body.get("status") {
        None | Some(Value::Null) => Ok(None),
        Some(given) => match enumerated(Some(given), &STATUSES) {
            Some("unknown") => Ok(Some(String::new())),
            Some(word) => Ok(Some(word.to_owned())),
            None => Err(ApiError::bad_request(format!(
                "The thread status {given} is not one of active, fixed, wontFix, closed, byDesign, pending."
            ))),
        },
    }
}

fn find<'a>(pull: &'a PullRequest, id: &str) -> Option<&'a Thread> {
    pull.threads.iter().find(|it| it.id.to_string() == id)
}

fn find_mut<'a>(pull: &'a mut PullRequest, id: &str) -> Result<&'a mut Thread, ApiError> {
    let found = pull.threads.iter_mut().find(|it| it.id.to_string() == id);
    found.ok_or_else(|| missing("thread", id))
}

fn find_comment<'a>(thread: &'a mut Thread, id: &str) -> Result<&'a mut Comment, ApiError> {
    let found = thread.comments.iter_mut().find(|it| it.id.to_string() == id);
    found.ok_or_else(|| missing("comment", id))
}

fn missing(what: &str, id: &str) -> ApiError {
    ApiError::not_found(&format!("{what} {id}"))
}
