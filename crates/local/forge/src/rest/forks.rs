//! Forks: repositories made as copies of others, and who has them.

use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, list};
use crate::error::ApiError;
use crate::event::{account_id, api, project_json};
use crate::forge::Forge;
use crate::job::{Source, Wanted, take_over};
use crate::repository::Repository;

/// The repository that the body of a creation names as its parent.
pub(super) async fn parent(forge: &Forge, call: &Call, body: &Value) -> Result<Option<Repository>, ApiError> {
    let Some(given) = body.get("parentRepository").filter(|it| !it.is_null()) else {
        return Ok(None);
    };
    let id = given.get("id").and_then(Value::as_str).unwrap_or_default();
    let missing = || ApiError::no_repository(id);
    let number = Uuid::parse_str(id).map_err(|_| missing())?;
    let found = forge.repository_by_id(number).await.map_err(|_| missing())?;
    let here = found
        .project
        .organization
        .eq_ignore_ascii_case(&call.organization);
    if !here {
        return Err(missing());
    }
    forge.check_read(&call.principal, &found).await?;
    Ok(Some(found))
}

/// Fills a new fork: with all of its parent, or with the one branch that `sourceRef` names.
pub(super) async fn fill(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    parent: &Repository,
) -> Result<(), ApiError> {
    let one = call.query.get(&["sourceRef"]);
    let pairs: Vec<(String, String)> = one
        .into_iter()
        .map(|name| (name.to_owned(), name.to_owned()))
        .collect();
    let wanted = Wanted {
        pairs,
        into_empty: true,
    };
    if let Some(name) = one
        && parent.tip(name).await?.is_none()
    {
        return Err(ApiError::no_version(name));
    }
    let source = Source::Here(Box::new(parent.clone()));
    take_over(forge, &call.principal, repository, &source, &wanted)
        .await
        .map_err(|failure| {
            let message = failure.message();
            if failure.is_refusal() {
                ApiError::forbidden(message)
            } else {
                let key = "GitRepositoryForkFailedException";
                ApiError::new(
                    http::StatusCode::CONFLICT,
                    key,
                    format!("The fork was not made: {message}"),
                )
            }
        })?;
    Ok(())
}

/// `GET …/forks/{collection}`: forks of a repository that the caller may read.
pub(super) async fn all(forge: &Forge, call: &Call, repository: &Repository) -> Result<Response, ApiError> {
    let mut found = Vec::new();
    for fork in forge.store().repositories().await? {
        if fork.parent == Some(repository.id) && forge.check_read(&call.principal, &fork).await.is_ok() {
            found.push(reference(forge, &fork));
        }
    }
    Ok(list(found))
}

/// A repository as others point to it.
pub(super) fn reference(forge: &Forge, repository: &Repository) -> Value {
    let base = forge.base_url();
    let organization = &repository.project.organization;
    json!({
        "id": repository.id, "name": repository.name, "isFork": repository.parent.is_some(),
        "url": api(base, repository, &[]), "project": project_json(base, &repository.project),
        "remoteUrl": repository.clone_url(base), "sshUrl": "",
        "collection": { "id": account_id(organization), "name": organization },
    })
}
