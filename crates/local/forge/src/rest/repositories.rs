//! Projects, repositories and references.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, list};
use crate::error::ApiError;
use crate::event::{project_json, repository_json};
use crate::forge::Forge;
use crate::repository::{Project, Repository};

/// `_apis/projects[/{project}]`.
pub(crate) async fn projects(forge: &Forge, call: &Call, name: Option<&str>) -> Result<Response, ApiError> {
    if call.method != Method::GET {
        return Err(ApiError::not_found("method for projects"));
    }
    let Some(name) = name else {
        let all = forge.store().projects(&call.organization).await?;
        return Ok(list(
            all.iter().map(|project| project_json(forge.base_url(), project)),
        ));
    };
    let project = project(forge, &call.organization, name).await?;
    let mut value = project_json(forge.base_url(), &project);
    value["capabilities"] = json!({
        "versioncontrol": { "sourceControlType": "Git", "gitEnabled": "True", "tfvcEnabled": "False" },
        "processTemplate": { "templateName": "Basic" },
    });
    value["defaultTeam"] = json!({ "id": project.id, "name": format!("{} Team", project.name) });
    Ok(Json(value).into_response())
}

async fn project(forge: &Forge, organization: &str, name: &str) -> Result<Project, ApiError> {
    let same = |it: &Project| {
        it.name.to_lowercase() == name.to_lowercase() || it.id.to_string().eq_ignore_ascii_case(name)
    };
    let found = forge.store().projects(organization).await?.into_iter().find(same);
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
    let repository = forge.add_repository(project, name).await?;
    Ok((StatusCode::CREATED, Json(describe(forge, &repository).await?)).into_response())
}

/// A repository, with its default branch once that exists.
pub(crate) async fn describe(forge: &Forge, repository: &Repository) -> Result<Value, ApiError> {
    let branch = repository.default_branch().await;
    let exists = repository.tip(&branch).await?.is_some();
    Ok(repository_json(
        forge.base_url(),
        repository,
        if exists { &branch } else { "" },
    ))
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
    // Who made a reference is not kept; clients only want the field to be there.
    let creator = json!({ "id": Uuid::nil(), "displayName": "", "uniqueName": "" });
    let found = repository.references(&["refs/heads", "refs/tags"]).await?;
    let wanted = found
        .into_iter()
        .filter(|(name, _)| name.starts_with(&start) && name.to_lowercase().contains(&contains));
    let value = wanted.map(|(name, object)| {
        let url = crate::event::api(forge.base_url(), repository, &["refs"]);
        json!({ "name": name, "objectId": object, "creator": creator, "url": format!("{url}?filter={}", name.trim_start_matches("refs/")) })
    });
    Ok(list(value))
}
