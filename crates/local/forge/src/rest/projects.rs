//! `_apis/projects` and `_apis/operations`: projects made, changed and deleted.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::repositories::project;
use super::{Call, list, word};
use crate::error::ApiError;
use crate::event::project_json;
use crate::forge::Forge;
use crate::repository::{Project, below, check_name};

/// The longest description.
const DESCRIPTION: usize = 16_000;

/// `_apis/projects[/{project}]`.
pub(super) async fn serve(forge: &Forge, call: &Call, name: Option<&str>) -> Result<Response, ApiError> {
    match (&call.method, name) {
        (&Method::GET, None) => {
            let all = forge.store().projects(&call.organization).await?;
            let top = call.query.number("$top", usize::MAX);
            let page = all.iter().skip(call.query.number("$skip", 0)).take(top);
            Ok(list(page.map(|it| project_json(forge.base_url(), it))))
        }
        (&Method::GET, Some(name)) => {
            let project = project(forge, &call.organization, name).await?;
            Ok(Json(in_full(forge, &project)).into_response())
        }
        (&Method::POST, None) => create(forge, call).await,
        (&Method::PATCH, Some(name)) => change(forge, call, name).await,
        (&Method::DELETE, Some(name)) => delete(forge, call, name).await,
        _ => Err(ApiError::not_found("method for projects")),
    }
}

fn in_full(forge: &Forge, project: &Project) -> Value {
    let mut value = project_json(forge.base_url(), project);
    value["capabilities"] = json!({
        "versioncontrol": { "sourceControlType": "Git", "gitEnabled": "True", "tfvcEnabled": "False" },
        "processTemplate": { "templateName": "Basic", "templateTypeId": "b8a3a935-7e91-48b8-a94c-606d37c3e9f2" },
    });
    value["defaultTeam"] = super::teams::reference(forge.base_url(), project);
    value
}

async fn check_manage(forge: &Forge, call: &Call, organization: &str, name: &str) -> Result<(), ApiError> {
    let path = format!("/forge/{organization}/{name}");
    forge
        .allows(&call.principal, "manage", path.clone())
        .await
        .map_err(|reason| {
            ApiError::forbidden(format!(
                "{} may not manage project {name}: verb manage on nonResourceURL {path} is missing. {reason}",
                call.principal.user
            ))
        })
}

/// The work is done when the answer goes out; clients poll all the same.
async fn accepted(forge: &Forge, call: &Call, message: &str) -> Result<Response, ApiError> {
    let id = forge.store().add_operation(message).await?;
    let url = operation_url(forge, call, id);
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "id": id, "status": "queued", "url": url })),
    )
        .into_response())
}

fn operation_url(forge: &Forge, call: &Call, id: Uuid) -> url::Url {
    below(
        forge.base_url(),
        &[&call.organization, "_apis", "operations", &id.to_string()],
    )
}

/// `_apis/operations/{id}`.
pub(super) async fn operation(forge: &Forge, call: &Call, id: &str) -> Result<Response, ApiError> {
    let missing = || ApiError::not_found(&format!("operation {id}"));
    let id = Uuid::parse_str(id).map_err(|_| missing())?;
    let (status, message) = forge.store().operation(id).await?.ok_or_else(missing)?;
    let url = operation_url(forge, call, id);
    Ok(Json(json!({
        "id": id, "status": status, "url": url, "resultMessage": message, "detailedMessage": message,
    }))
    .into_response())
}

async fn create(forge: &Forge, call: &Call) -> Result<Response, ApiError> {
    let body = call.json()?;
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    check_name(name)?;
    let kind = body
        .pointer("/capabilities/versioncontrol/sourceControlType")
        .and_then(Value::as_str);
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("git")) {
        return Err(ApiError::bad_request(
            "Only Git is kept here, no Team Foundation version control.",
        ));
    }
    check_manage(forge, call, &call.organization, name).await?;
    if forge.find_project(&call.organization, name).await?.is_some() {
        return Err(taken(name));
    }
    let (description, visibility) = described(&body)?;
    let project = forge
        .store()
        .describe_project(
            &call.organization,
            name,
            description.unwrap_or_default(),
            visibility.unwrap_or("private"),
        )
        .await?;
    // Every project begins with a repository of its name.
    forge.add_repository(project, name, None).await?;
    accepted(forge, call, &format!("The project {name} was made.")).await
}

/// Description and visibility, where the body says something of them.
fn described(body: &Value) -> Result<(Option<&str>, Option<&'static str>), ApiError> {
    let description = body.get("description").and_then(Value::as_str);
    if description.is_some_and(|it| it.chars().count() > DESCRIPTION) {
        return Err(ApiError::bad_request(format!(
            "The description of a project has at most {DESCRIPTION} characters."
        )));
    }
    let visibility = match body.get("visibility").filter(|it| !it.is_null()) {
        None => None,
        Some(given) => {
            let known = word(given, &[("private", 0), ("public", 2)]);
            let unknown = || {
                ApiError::bad_request(format!(
                    "The visibility {given} is not one of private, public; who may read is for the access rules to say."
                ))
            };
            Some(known.ok_or_else(unknown)?)
        }
    };
    Ok((description, visibility))
}

fn taken(name: &str) -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "ProjectAlreadyExistsException",
        format!("TF200019: The following project already exists: {name}. Choose another name."),
    )
}

async fn change(forge: &Forge, call: &Call, name: &str) -> Result<Response, ApiError> {
    let mut project = project(forge, &call.organization, name).await?;
    check_manage(forge, call, &project.organization, &project.name).await?;
    let body = call.json()?;
    let (description, visibility) = described(&body)?;
    if let Some(new) = body.get("name").and_then(Value::as_str) {
        check_name(new)?;
        check_manage(forge, call, &project.organization, new).await?;
        new.clone_into(&mut project.name);
    }
    if let Some(description) = description {
        description.clone_into(&mut project.description);
    }
    if let Some(visibility) = visibility {
        visibility.clone_into(&mut project.visibility);
    }
    if !forge.store().change_project(project.clone()).await? {
        return Err(taken(&project.name));
    }
    accepted(forge, call, &format!("The project {} was changed.", project.name)).await
}

async fn delete(forge: &Forge, call: &Call, name: &str) -> Result<Response, ApiError> {
    let project = project(forge, &call.organization, name).await?;
    check_manage(forge, call, &project.organization, &project.name).await?;
    for repository in forge.store().repositories().await? {
        if repository.project.id == project.id {
            forge.delete_repository(&repository).await?;
        }
    }
    forge.store().delete_project(project.id).await?;
    accepted(forge, call, &format!("The project {} was deleted.", project.name)).await
}
