//! Approvals: which are open, and what people say about them.

use http::Method;
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Value, json};
use uuid::Uuid;

use super::shape::Links;
use super::{Answer, list, nothing, number, ok, project, text};
use crate::engine::approve::{self, Decision};
use crate::pipelines::Pipelines;
use crate::store::Kind;
use crate::things::Approval;

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
                let wish = decision(&wish)?;
                let approval = approve::decide(&shared, &request.principal, id, &wish).await?;
                done.push(shape(&links, &approval));
            }
            list(done)
        }
        _ => Err(nothing(request)),
    }
}

/// What of an update is acted on.
fn decision(wish: &Value) -> Result<Decision, AreaError> {
    let status = number(wish, "/status").map(|it| it.to_string());
    let status = status
        .as_deref()
        .or_else(|| text(wish, "/status"))
        .unwrap_or_default();
    let deferred = text(wish, "/deferredTo").map(|given| {
        given
            .parse::<jiff::Timestamp>()
            .map(jiff::Timestamp::as_second)
            .map_err(|_| {
                AreaError::bad_request(format!(
                    "`deferredTo` is a time such as 2026-01-31T12:00:00Z, not `{given}`."
                ))
            })
    });
    let to = text(wish, "/reassignTo/id").or_else(|| text(wish, "/reassignTo/uniqueName"));
    let name = text(wish, "/reassignTo/displayName").unwrap_or_default();
    Ok(Decision {
        status: status.to_owned(),
        comment: text(wish, "/comment").unwrap_or_default().to_owned(),
        reassign_to: to.map(|to| (to.to_owned(), name.to_owned())),
        deferred_to: deferred.transpose()?,
    })
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
        "lastModifiedOn": it.changed_at, "executionOrder": it.execution_order, "blockedApprovers": it.blocked.iter().map(|id| json!({"id": id})).collect::<Vec<_>>(),
        "instructions": it.instructions, "deferredTo": it.deferred_to.and_then(|at| jiff::Timestamp::from_second(at).ok()),
        "pipeline": {
            "id": it.definition.to_string(), "name": it.definition_name,
            "owner": {"id": it.build, "name": it.number, "_links": {"web": {"href": links.web(&it.project, &format!("_build/results?buildId={}", it.build))}}},
        },
        "resource": it.resource, "stage": it.stage,
        "_links": {"self": {"href": links.api(&it.project, &format!("pipelines/approvals/{}", it.uuid))}},
    })
}
