//! `…/pullRequests/{id}/attachments/{name}`: files for its description and its comments.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, Method, StatusCode, header};
use serde_json::{Value, json};

use super::{At, list};
use crate::error::ApiError;
use crate::event::{api, identity_json};
use crate::store::Attachment;

/// The largest file.
const LARGEST: usize = 25 * 1024 * 1024;
/// The longest name.
const LONGEST: usize = 255;

/// Lists the files, or answers for one.
pub(super) async fn serve(at: &At<'_>, id: &str, name: Option<&str>) -> Result<Response, ApiError> {
    let pull = at.pull(id).await?;
    let missing = || ApiError::not_found(&format!("attachment {}", name.unwrap_or_default()));
    let store = at.forge.store();
    match (&at.call.method, name) {
        (&Method::GET, None) => {
            let all = store.attachments(pull.id).await?;
            Ok(list(all.iter().map(|it| shown(at, id, it))))
        }
        (&Method::GET, Some(name)) => {
            let content = store.attachment(pull.id, name).await?.ok_or_else(missing)?;
            Ok((as_a_file(), content).into_response())
        }
        (&Method::POST, Some(name)) => {
            at.check_review(&pull, &format!("attach a file to pull request {id}"))
                .await?;
            create(at, id, pull.id, name).await
        }
        (&Method::DELETE, Some(name)) => {
            let all = store.attachments(pull.id).await?;
            let found = all.iter().find(|it| it.name == name).ok_or_else(missing)?;
            let who = &at.call.principal;
            if found.author.id != who.id {
                return Err(ApiError::forbidden(format!(
                    "{} cannot remove a file of {}.",
                    who.user, found.author.display_name
                )));
            }
            store.delete_attachment(pull.id, name).await?;
            Ok(StatusCode::OK.into_response())
        }
        _ => Err(ApiError::not_found("method for attachments")),
    }
}

async fn create(at: &At<'_>, id: &str, pull: i64, name: &str) -> Result<Response, ApiError> {
    let strange = |c: char| c.is_control() || matches!(c, '/' | '\\');
    if name.is_empty() || name.len() > LONGEST || name.contains(strange) {
        return Err(ApiError::bad_request(format!(
            "The name of an attachment has up to {LONGEST} bytes, and no slashes."
        )));
    }
    if at.call.body.len() > LARGEST {
        return Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            "An attachment has at most 25 MB.",
        ));
    }
    let content = at.call.body.to_vec();
    let store = at.forge.store();
    let added = store
        .add_attachment(pull, name, &at.call.principal, content)
        .await?;
    let added = added.ok_or_else(|| {
        ApiError::new(
            StatusCode::CONFLICT,
            "GitPullRequestAttachmentExistsException",
            format!("Pull request {id} has an attachment {name} already; choose another name."),
        )
    })?;
    Ok((StatusCode::CREATED, Json(shown(at, id, &added))).into_response())
}

/// Whatever a file holds, a browser must not run it here.
fn as_a_file() -> [(HeaderName, &'static str); 3] {
    [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}

fn shown(at: &At<'_>, id: &str, it: &Attachment) -> Value {
    let base = at.forge.base_url();
    json!({
        "id": it.id,
        "displayName": it.name,
        "author": identity_json(base, &at.repository.project.organization, &it.author),
        "createdDate": it.created_at,
        "url": api(base, at.repository, &["pullRequests", id, "attachments", &it.name]),
    })
}
