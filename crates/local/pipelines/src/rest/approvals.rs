//! Approvals, and the checks that ask for them.

use http::Method;
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Value, json};
use uuid::Uuid;

use super::shape::Links;
use super::{Answer, empty, id, list, nothing, number, ok, project, text};
use crate::access::Realm;
use crate::engine::approve;
use crate::pipelines::Pipelines;
use crate::store::{Kind, Stored};
use crate::things::{Approval, Check, Endpoint, Environment, VariableGroup};

/// `pipelines/approvals`.
pub(crate) async fn approvals(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let all = pipelines
                .store()
                .things::<Approval>(Kind::Approval, Some(project(request)?.id))
                .await?;
            let ids = request.parameter("approvalIds").filter(|it| !it.is_empty());
            let state = request
                .parameter("state")
                .filter(|it| !it.is_empty() && !it.eq_ignore_ascii_case("undefined"));
            let builds = request.parameter("buildId");
            let wanted = all.iter().filter(|it| {
                let body = &it.body;
                ids.is_none_or(|ids| {
                    ids.split(',')
                        .any(|id| id.trim().eq_ignore_ascii_case(&body.uuid.to_string()))
                }) && state.is_none_or(|state| {
                    state.eq_ignore_ascii_case(&body.status) || (state == "1" && body.status == "pending")
                }) && builds.is_none_or(|build| build == body.build.to_string())
            });
            list(wanted.map(|it| shape(&links, &it.body)).collect())
        }
        (&Method::GET, [one]) => {
            let found = approve::find(pipelines, uuid(one)?).await?;
            let found = found.filter(|it| {
                request
                    .project
                    .as_ref()
                    .is_some_and(|project| project.id == it.project)
            });
            let found = found.ok_or_else(|| AreaError::not_found(format!("There is no approval {one}.")))?;
            ok(shape(&links, &found.body))
        }
        (&Method::PATCH, []) => {
            let body = request.json()?;
            let wishes = body.as_array().cloned().unwrap_or_else(|| vec![body]);
            let shared = pipelines.shared()?;
            let mut done = Vec::new();
            for wish in wishes {
                let id = uuid(text(&wish, "/approvalId").unwrap_or_default())?;
                let status = number(&wish, "/status").map(|it| it.to_string());
                let status = status
                    .as_deref()
                    .or_else(|| text(&wish, "/status"))
                    .unwrap_or_default()
                    .to_owned();
                let comment = text(&wish, "/comment").unwrap_or_default();
                let approval = approve::decide(&shared, &request.principal, id, &status, comment).await?;
                done.push(shape(&links, &approval));
            }
            list(done)
        }
        _ => Err(nothing(request)),
    }
}

fn uuid(given: &str) -> Result<Uuid, AreaError> {
    Uuid::try_parse(given)
        .map_err(|_| AreaError::bad_request(format!("`{given}` is not the id of an approval.")))
}

fn shape(links: &Links<'_>, it: &Approval) -> Value {
    let steps: Vec<Value> = it
        .steps
        .iter()
        .enumerate()
        .map(|(order, step)| {
            json!({
                "assignedApprover": {"id": step.approver, "displayName": if step.display_name.is_empty() { &step.approver } else { &step.display_name }},
                "actualApprover": step.actual.as_ref().map(|who| links.identity(who, &it.project)),
                "status": step.status, "comment": step.comment, "order": order + 1, "lastModifiedOn": step.at,
            })
        })
        .collect();
    json!({
        "id": it.uuid, "status": it.status, "steps": steps, "minRequiredApprovers": it.minimum, "createdOn": it.created_at,
        "lastModifiedOn": it.changed_at, "executionOrder": it.execution_order, "blockedApprovers": [], "instructions": it.instructions,
        "pipeline": {
            "id": it.definition.to_string(), "name": it.definition_name,
            "owner": {"id": it.build, "name": it.number, "_links": {"web": {"href": links.web(&it.project, &format!("_build/results?buildId={}", it.build))}}},
        },
        "resource": it.resource, "stage": it.stage,
        "_links": {"self": {"href": links.api(&it.project, &format!("pipelines/approvals/{}", it.uuid))}},
    })
}

/// `pipelines/checks/configurations`.
pub(crate) async fn checks(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let all = pipelines
                .store()
                .things::<Check>(Kind::Check, Some(project(request)?.id))
                .await?;
            let same = |key: &str, own: &str| {
                request
                    .parameter(key)
                    .is_none_or(|it| it.eq_ignore_ascii_case(own))
            };
            let wanted = all.iter().filter(|it| {
                same("resourceType", &it.body.resource_kind) && same("resourceId", &it.body.resource_id)
            });
            list(wanted.map(|it| check(&links, it)).collect())
        }
        (&Method::POST, []) => add(pipelines, request).await,
        (&Method::GET, [one]) => ok(check(&links, &find(pipelines, request, one).await?)),
        (&Method::PATCH, [one]) => {
            let mut stored = find(pipelines, request, one).await?;
            manage(pipelines, request, &stored.body).await?;
            let body = request.json()?;
            if let Some(settings) = body.get("settings") {
                stored.body.settings = settings.clone();
            }
            if let Some(minutes) = number(&body, "/timeout") {
                stored.body.timeout = minutes;
            }
            pipelines
                .store()
                .replace(Kind::Check, stored.id, &stored.id.to_string(), &stored.body, None)
                .await?;
            ok(check(&links, &stored))
        }
        (&Method::DELETE, [one]) => {
            let stored = find(pipelines, request, one).await?;
            manage(pipelines, request, &stored.body).await?;
            pipelines.store().remove(Kind::Check, stored.id).await?;
            empty()
        }
        _ => Err(nothing(request)),
    }
}

async fn find(pipelines: &Pipelines, request: &AreaRequest, one: &str) -> Result<Stored<Check>, AreaError> {
    let project = project(request)?;
    let found = pipelines.store().thing::<Check>(Kind::Check, id(one)?).await?;
    found
        .filter(|it| it.project == project.id)
        .ok_or_else(|| AreaError::not_found(format!("There is no check configuration {one}.")))
}

async fn manage(pipelines: &Pipelines, request: &AreaRequest, it: &Check) -> Result<(), AreaError> {
    let realm = match it.resource_kind.to_lowercase().as_str() {
        "endpoint" => Realm::ServiceEndpoints,
        "variablegroup" => Realm::VariableGroups,
        "environment" => Realm::Environments,
        _ => Realm::Pipelines,
    };
    pipelines
        .check(
            &request.principal,
            "manage",
            realm,
            &it.project,
            &it.resource_name,
        )
        .await
}

async fn add(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let project = project(request)?;
    let body = request.json()?;
    let kind = text(&body, "/resource/type")
        .ok_or_else(|| AreaError::bad_request("A check needs `resource.type`."))?;
    let of = number(&body, "/resource/id").map(|it| it.to_string());
    let of = of
        .as_deref()
        .or_else(|| text(&body, "/resource/id"))
        .unwrap_or_default()
        .to_owned();
    let name = match kind.to_lowercase().as_str() {
        "environment" => pipelines
            .store()
            .thing::<Environment>(Kind::Environment, id(&of)?)
            .await?
            .filter(|it| it.project == project.id)
            .map(|it| it.body.name),
        "variablegroup" => pipelines
            .store()
            .thing::<VariableGroup>(Kind::VariableGroup, id(&of)?)
            .await?
            .filter(|it| it.project == project.id)
            .map(|it| it.body.name),
        "endpoint" => {
            let all = pipelines
                .store()
                .things::<Endpoint>(Kind::Endpoint, Some(project.id))
                .await?;
            all.into_iter()
                .find(|it| it.body.uuid.to_string().eq_ignore_ascii_case(&of))
                .map(|it| it.body.name)
        }
        _ => Some(text(&body, "/resource/name").unwrap_or(&of).to_owned()),
    };
    let name = name.ok_or_else(|| {
        AreaError::not_found(format!("There is no {kind} {of} in project {}.", project.name))
    })?;
    let it = Check {
        project: project.clone(),
        resource_kind: kind.to_lowercase(),
        resource_id: of,
        resource_name: name,
        settings: body.get("settings").cloned().unwrap_or_default(),
        kind: body.get("type").cloned().unwrap_or_default(),
        timeout: number(&body, "/timeout").unwrap_or(43_200),
        created_by: request.principal.clone(),
        created_at: crate::engine::timeline::now(),
    };
    manage(pipelines, request, &it).await?;
    let added = pipelines
        .store()
        .add(Kind::Check, project.id, &Uuid::new_v4().to_string(), &it, None)
        .await?;
    let stored = Stored {
        id: added.unwrap_or_default(),
        project: project.id,
        body: it,
        secret: None,
    };
    pipelines.changed(project, "checks", stored.id.to_string());
    ok(check(
        &Links {
            base: &request.base_url,
        },
        &stored,
    ))
}

fn check(links: &Links<'_>, stored: &Stored<Check>) -> Value {
    let it = &stored.body;
    json!({
        "id": stored.id, "version": 1, "type": it.kind, "settings": it.settings, "timeout": it.timeout,
        "resource": {"type": it.resource_kind, "id": it.resource_id, "name": it.resource_name},
        "createdBy": links.identity(&it.created_by, &it.project), "createdOn": it.created_at, "modifiedOn": it.created_at,
        "url": links.api(&it.project, &format!("pipelines/checks/configurations/{}", stored.id)),
    })
}
