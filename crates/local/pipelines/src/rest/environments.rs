//! `distributedtask/environments` and what was deployed to them.

use http::Method;
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Value, json};

use super::listing::page_of;
use super::shape::Links;
use super::{Answer, empty, id, nothing, ok, project, text};
use crate::access::Realm;
use crate::pipelines::Pipelines;
use crate::store::{Kind, Stored};
use crate::things::{Deployment, Environment};

pub(super) async fn environments(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    let project = project(request)?;
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let all = pipelines
                .store()
                .things::<Environment>(Kind::Environment, Some(project.id))
                .await?;
            let named = |it: &&Stored<Environment>| {
                request
                    .parameter("name")
                    .is_none_or(|name| name.eq_ignore_ascii_case(&it.body.name))
            };
            let own = all.iter().filter(named).map(|it| environment(request, it));
            page_of(request, own.collect(), 1000)
        }
        (&Method::POST, []) => {
            let body = request.json()?;
            let name =
                text(&body, "/name").ok_or_else(|| AreaError::bad_request("An environment needs a name."))?;
            pipelines
                .check(&request.principal, "manage", Realm::Environments, project, name)
                .await?;
            let it = Environment {
                name: name.to_owned(),
                description: text(&body, "/description").unwrap_or_default().to_owned(),
                project: project.clone(),
                created_by: request.principal.clone(),
                created_at: crate::engine::timeline::now(),
            };
            let Some(id) = pipelines
                .store()
                .add(Kind::Environment, project.id, name, &it, None)
                .await?
            else {
                return Err(exists(name));
            };
            pipelines.changed(project, "distributedtask", id.to_string());
            ok(environment(
                request,
                &Stored {
                    id,
                    project: project.id,
                    body: it,
                    secret: None,
                },
            ))
        }
        (_, [one, rest @ ..]) => {
            let stored = pipelines
                .store()
                .thing::<Environment>(Kind::Environment, id(one)?)
                .await?;
            let stored = stored.filter(|it| it.project == project.id);
            let stored =
                stored.ok_or_else(|| AreaError::not_found(format!("Environment {one} does not exist.")))?;
            one_environment(pipelines, request, stored, rest).await
        }
        _ => Err(nothing(request)),
    }
}

async fn one_environment(
    pipelines: &Pipelines,
    request: &AreaRequest,
    mut stored: Stored<Environment>,
    rest: &[&str],
) -> Answer {
    let project = stored.body.project.clone();
    match (&request.method, rest) {
        (&Method::GET, []) => ok(environment(request, &stored)),
        (&Method::GET, ["environmentdeploymentrecords"]) => {
            let all = pipelines
                .store()
                .things::<Deployment>(Kind::Deployment, Some(project.id))
                .await?;
            let own = all.iter().rev().filter(|it| it.body.environment == stored.id);
            page_of(request, own.map(deployment).collect(), 100)
        }
        (&Method::PATCH, []) => {
            pipelines
                .check(
                    &request.principal,
                    "manage",
                    Realm::Environments,
                    &project,
                    &stored.body.name,
                )
                .await?;
            let body = request.json()?;
            if let Some(description) = body.get("description").and_then(Value::as_str) {
                description.clone_into(&mut stored.body.description);
            }
            if let Some(name) = text(&body, "/name") {
                name.clone_into(&mut stored.body.name);
            }
            let (store, name) = (pipelines.store(), &stored.body.name);
            let replaced = store.replace(Kind::Environment, stored.id, name, &stored.body, None);
            if !replaced.await? {
                return Err(exists(name));
            }
            ok(environment(request, &stored))
        }
        (&Method::DELETE, []) => {
            pipelines
                .check(
                    &request.principal,
                    "manage",
                    Realm::Environments,
                    &project,
                    &stored.body.name,
                )
                .await?;
            pipelines.store().remove(Kind::Environment, stored.id).await?;
            empty()
        }
        _ => Err(nothing(request)),
    }
}

fn exists(name: &str) -> AreaError {
    let words = format!("Environment {name} exists already.");
    AreaError::new(http::StatusCode::CONFLICT, "EnvironmentExistsException", words)
}

fn environment(request: &AreaRequest, stored: &Stored<Environment>) -> Value {
    let it = &stored.body;
    let who = Links {
        base: &request.base_url,
    }
    .identity(&it.created_by, &it.project);
    json!({
        "id": stored.id, "name": it.name, "description": it.description, "createdBy": who, "createdOn": it.created_at,
        "lastModifiedBy": who, "lastModifiedOn": it.created_at, "resources": [], "project": {"id": it.project.id, "name": it.project.name},
    })
}

fn deployment(stored: &Stored<Deployment>) -> Value {
    let it = &stored.body;
    json!({
        "id": stored.id, "environmentId": it.environment, "stageName": it.stage, "jobName": it.job, "result": it.result,
        "queueTime": it.queued_at, "startTime": it.queued_at, "finishTime": it.finished_at,
        "definition": {"id": it.definition, "name": it.definition_name}, "owner": {"id": it.build, "name": it.number},
        "planType": "Build",
    })
}
