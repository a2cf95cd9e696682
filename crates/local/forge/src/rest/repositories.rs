//! Projects, repositories and references.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use pave_git::RefName;
use serde_json::Value;

use super::{Call, forks, list, locks};
use crate::error::ApiError;
use crate::event::repository_json;
use crate::forge::Forge;
use crate::repository::{Project, Repository, check_name};

/// A project by name or id.
pub(super) async fn project(forge: &Forge, organization: &str, name: &str) -> Result<Project, ApiError> {
    let found = forge.find_project(organization, name).await?;
    found.ok_or_else(|| ApiError::no_project(name))
}

/// `_apis/git/repositories[/{repository}]`.
pub(crate) async fn serve(forge: &Forge, call: &Call, name: Option<&str>) -> Result<Response, ApiError> {
    match (&call.method, name) {
        (&Method::GET, None) => all(forge, call).await,
        (&Method::GET, Some(name)) => {
            let repository = call.repository(forge, name).await?;
            Ok(Json(describe(forge, &repository).await?).into_response())
        }
        (&Method::POST, None) => create(forge, call).await,
        (&Method::PATCH, Some(name)) => change(forge, call, name).await,
        (&Method::DELETE, Some(name)) => {
            let repository = call.repository(forge, name).await?;
            forge
                .check_verb(&call.principal, &repository, "manage", "delete this repository")
                .await?;
            forge.delete_repository(&repository).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(ApiError::not_found("method for repositories")),
    }
}

async fn all(forge: &Forge, call: &Call) -> Result<Response, ApiError> {
    let wanted = match &call.project {
        Some(name) => Some(project(forge, &call.organization, name).await?.id),
        None => None,
    };
    let mut found = Vec::new();
    for repository in forge.store().repositories().await? {
        let here = repository
            .project
            .organization
            .eq_ignore_ascii_case(&call.organization)
            && wanted.is_none_or(|id| id == repository.project.id);
        if here && forge.check_read(&call.principal, &repository).await.is_ok() {
            found.push(describe(forge, &repository).await?);
        }
    }
    Ok(list(found))
}

async fn create(forge: &Forge, call: &Call) -> Result<Response, ApiError> {
    let body = call.json()?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let name = text("/name").ok_or_else(|| ApiError::bad_request("The repository has no name."))?;
    let wanted = text("/project/id")
        .or_else(|| text("/project/name"))
        .or(call.project.as_deref());
    let wanted =
        wanted.ok_or_else(|| ApiError::bad_request("Say in which project the repository is to be."))?;
    let project = project(forge, &call.organization, wanted).await?;
    let path = format!("/forge/{}/{}/{name}", project.organization, project.name);
    forge
        .allows(&call.principal, "create", path.clone())
        .await
        .map_err(|reason| {
            let who = &call.principal.user;
            ApiError::forbidden(format!(
                "{who} may not create {name}: verb create on nonResourceURL {path} is missing. {reason}"
            ))
        })?;
    let parent = forks::parent(forge, call, &body).await?;
    let repository = forge
        .add_repository(project, name, parent.as_ref().map(Repository::id))
        .await?;
    if let Some(parent) = parent
        && let Err(error) = forks::fill(forge, call, &repository, &parent).await
    {
        forge.delete_repository(&repository).await?;
        return Err(error);
    }
    Ok((StatusCode::CREATED, Json(describe(forge, &repository).await?)).into_response())
}

/// Renames a repository, or chooses another default branch.
async fn change(forge: &Forge, call: &Call, name: &str) -> Result<Response, ApiError> {
    let mut repository = call.repository(forge, name).await?;
    forge
        .check_verb(&call.principal, &repository, "manage", "change this repository")
        .await?;
    let body = call.json()?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|it| !it.is_empty());
    if let Some(branch) = text("defaultBranch") {
        let branch = RefName::parse(branch)
            .map_err(|error| ApiError::bad_request(error.to_string()))?
            .branch();
        if repository.tip(&branch).await?.is_none() {
            return Err(ApiError::no_version(&branch));
        }
        let _turn = forge.turn(&repository).await;
        repository
            .git()
            .run(&["symbolic-ref", "HEAD", &branch], b"")
            .await?;
    }
    if let Some(new) = text("name").filter(|new| *new != repository.name) {
        check_name(new)?;
        if !forge.store().rename_repository(&repository, new).await? {
            return Err(crate::ForgeError::RepositoryExists {
                organization: repository.project.organization.clone(),
                project: repository.project.name.clone(),
                name: new.to_owned(),
            }
            .into());
        }
        new.clone_into(&mut repository.name);
    }
    Ok(Json(describe(forge, &repository).await?).into_response())
}

/// A repository, with its default branch once that exists.
pub(crate) async fn describe(forge: &Forge, repository: &Repository) -> Result<Value, ApiError> {
    let branch = repository.default_branch().await;
    let exists = repository.tip(&branch).await?.is_some();
    let mut value = repository_json(forge.base_url(), repository, if exists { &branch } else { "" });
    if let Some(id) = repository.parent
        && let Ok(parent) = forge.repository_by_id(id).await
    {
        value["parentRepository"] = forks::reference(forge, &parent);
    }
    Ok(value)
}

/// `…/refs[/{filter}]`.
pub(crate) async fn references(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    filter: &str,
) -> Result<Response, ApiError> {
    let filter = if filter.is_empty() {
        call.query.get(&["filter"]).unwrap_or_default()
    } else {
        filter
    };
    let contains = call
        .query
        .get(&["filterContains"])
        .unwrap_or_default()
        .to_lowercase();
    let start = format!(
        "refs/{}",
        filter.trim_start_matches('/').trim_start_matches("refs/")
    );
    let locks = forge.store().locks(repository.id).await?;
    let found = repository.references(&["refs/heads", "refs/tags"]).await?;
    let wanted = found
        .into_iter()
        .filter(|(name, _)| name.starts_with(&start) && name.to_lowercase().contains(&contains));
    let value = wanted.map(|(name, object)| {
        let lock = locks.iter().find(|it| it.name == name);
        locks::reference(forge, repository, (&name, &object), lock)
    });
    Ok(list(value))
}
