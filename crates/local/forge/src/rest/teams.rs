//! `_apis/projects/{project}/teams`: every project has one team, whose members are those who may read there.
//!
//! It is shown for clients that ask for it; who may do what is for the access rules to say.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::Method;
use pave_auth::Principal;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::repositories::project;
use super::{Call, list};
use crate::ForgeError;
use crate::error::ApiError;
use crate::event::identity_json;
use crate::forge::Forge;
use crate::repository::{Project, below};

fn team_id(project: &Project) -> Uuid {
    Uuid::new_v5(&project.id, b"team")
}

/// The team as a project shows it.
pub(super) fn reference(base: &Url, project: &Project) -> Value {
    let (id, project_id) = (team_id(project), project.id.to_string());
    let path = [
        &project.organization,
        "_apis",
        "projects",
        &project_id,
        "teams",
        &id.to_string(),
    ];
    json!({ "id": id, "name": format!("{} Team", project.name), "url": below(base, &path) })
}

fn in_full(base: &Url, project: &Project) -> Value {
    let mut value = reference(base, project);
    let id = team_id(project).to_string();
    value["description"] = json!("The default project team.");
    value["identityUrl"] = json!(below(base, &[&project.organization, "_apis", "Identities", &id]));
    value["projectId"] = json!(project.id);
    value["projectName"] = json!(project.name);
    value
}

/// `_apis/teams`: the teams of all projects.
pub(super) async fn everywhere(forge: &Forge, call: &Call) -> Result<Response, ApiError> {
    let all = forge.store().projects(&call.organization).await?;
    let top = call.query.number("$top", usize::MAX);
    let page = all.iter().skip(call.query.number("$skip", 0)).take(top);
    Ok(list(page.map(|it| in_full(forge.base_url(), it))))
}

/// `_apis/projects/{project}/teams[/{team}[/members]]`.
pub(super) async fn serve(
    forge: &Forge,
    call: &Call,
    name: &str,
    rest: &[String],
) -> Result<Response, ApiError> {
    let project = project(forge, &call.organization, name).await?;
    if call.method != Method::GET {
        return Err(ApiError::bad_request(
            "A project has one team, which cannot be changed. Groups of people come from the catalog, and what they may do from the access rules.",
        ));
    }
    let base = forge.base_url();
    let (skip, top) = (
        call.query.number("$skip", 0),
        call.query.number("$top", usize::MAX),
    );
    let Some(team) = rest.first() else {
        let all = std::iter::once(in_full(base, &project));
        return Ok(list(all.skip(skip).take(top)));
    };
    let is_it = team.eq_ignore_ascii_case(&team_id(&project).to_string())
        || team.to_lowercase() == format!("{} Team", project.name).to_lowercase();
    if !is_it {
        return Err(ApiError::new(
            http::StatusCode::NOT_FOUND,
            "TeamNotFoundException",
            format!("The team with id '{team}' does not exist."),
        ));
    }
    match rest.get(1).map(|part| part.to_lowercase()).as_deref() {
        None => Ok(Json(in_full(base, &project)).into_response()),
        Some("members") => {
            let all = members(forge, &project).await?;
            Ok(list(all.into_iter().skip(skip).take(top)))
        }
        Some(other) => Err(ApiError::not_found(&format!("part {other} of a team"))),
    }
}

async fn members(forge: &Forge, project: &Project) -> Result<Vec<Value>, ApiError> {
    let people = forge.identities().principals().await.map_err(ForgeError::from)?;
    let all = forge.store().repositories().await?;
    let here = all.iter().filter(|it| it.project.id == project.id);
    let paths: Vec<String> = here.map(crate::Repository::access_path).collect();
    let place = format!("/forge/{}/{}", project.organization, project.name);
    let mut found = Vec::new();
    for person in &people {
        let admin = forge.allows(person, "manage", place.clone()).await.is_ok();
        if admin || reads(forge, person, &paths).await {
            let identity = identity_json(forge.base_url(), &project.organization, person);
            found.push(json!({ "identity": identity, "isTeamAdmin": admin }));
        }
    }
    Ok(found)
}

async fn reads(forge: &Forge, person: &Principal, paths: &[String]) -> bool {
    for path in paths {
        if forge.allows(person, "get", path.clone()).await.is_ok() {
            return true;
        }
    }
    false
}
