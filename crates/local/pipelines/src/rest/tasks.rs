//! `distributedtask`: variable groups, environments, queues and pools, and federated tokens.

use std::collections::BTreeMap;

use http::Method;
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Map, Value, json};

use super::shape::Links;
use super::{Answer, empty, id, list, nothing, ok, project, text, top};
use crate::access::Realm;
use crate::pipelines::Pipelines;
use crate::store::{Kind, Stored};
use crate::things::{DefinitionVariable, Deployment, Endpoint, Environment, VariableGroup};

/// Seconds that a federated token is good for.
const FEDERATED: i64 = 600;

/// `distributedtask`.
pub(crate) async fn serve(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    match rest {
        ["variablegroups", rest @ ..] => groups(pipelines, request, rest).await,
        ["environments", rest @ ..] => environments(pipelines, request, rest).await,
        ["queues", rest @ ..] => queues(request, rest),
        ["pools", rest @ ..] => pools(pipelines, rest),
        ["hubs", _, "plans", plan, "jobs", job, "oidctoken"] if request.method == Method::POST => {
            token(pipelines, request, plan, job).await
        }
        _ => Err(nothing(request)),
    }
}

fn queues(request: &AreaRequest, rest: &[&str]) -> Answer {
    let queue = Links::queue(project(request)?);
    match rest {
        [] => {
            let wanted = request
                .parameter("queueName")
                .or_else(|| request.parameter("queueNames"));
            let hit =
                wanted.is_none_or(|it| it.split(',').any(|it| it.eq_ignore_ascii_case("Azure Pipelines")));
            list(if hit { vec![queue] } else { Vec::new() })
        }
        ["1"] => ok(queue),
        _ => Err(nothing(request)),
    }
}

fn pools(pipelines: &Pipelines, rest: &[&str]) -> Answer {
    let isolation = pipelines.isolation();
    let pool = json!({
        "id": 1, "name": "Azure Pipelines", "isHosted": true, "poolType": "automation", "size": pipelines.options().limits.agents,
        "properties": {"isolated": isolation.is_isolated(), "isolation": isolation.describe()},
        "isolated": isolation.is_isolated(), "isolation": isolation.describe(),
    });
    match rest {
        [] => list(vec![pool]),
        ["1"] => ok(pool),
        ["1", "agents"] => list(vec![
            json!({"id": 1, "name": "Pave", "status": "online", "enabled": true, "version": env!("CARGO_PKG_VERSION")}),
        ]),
        _ => Err(AreaError::not_found("There is one pool here, with the id 1.")),
    }
}

async fn groups(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let all = pipelines
                .store()
                .things::<VariableGroup>(Kind::VariableGroup, Some(project(request)?.id))
                .await?;
            let mut shown = Vec::new();
            for it in all {
                let named = request.parameter("groupName").is_none_or(|name| {
                    name.strip_suffix('*').map_or_else(
                        || name.eq_ignore_ascii_case(&it.body.name),
                        |prefix| it.body.name.starts_with(prefix),
                    )
                });
                let body = &it.body;
                if named
                    && pipelines
                        .allows(
                            &request.principal,
                            "get",
                            Realm::VariableGroups,
                            &body.project,
                            &body.name,
                        )
                        .await
                        .is_ok()
                {
                    shown.push(group(request, &it));
                }
            }
            list(shown.into_iter().take(top(request, 1000)).collect())
        }
        (&Method::POST, []) => save_group(pipelines, request, None).await,
        (&Method::GET, [one]) => ok(group(request, &find_group(pipelines, request, one).await?)),
        (&Method::PUT, [one]) => {
            let stored = pipelines.store().thing(Kind::VariableGroup, id(one)?).await?;
            let stored =
                stored.ok_or_else(|| AreaError::not_found(format!("There is no variable group {one}.")))?;
            save_group(pipelines, request, Some(stored)).await
        }
        (&Method::DELETE, [one]) => {
            let stored = pipelines
                .store()
                .thing::<VariableGroup>(Kind::VariableGroup, id(one)?)
                .await?;
            let stored =
                stored.ok_or_else(|| AreaError::not_found(format!("There is no variable group {one}.")))?;
            let it = &stored.body;
            pipelines
                .check(
                    &request.principal,
                    "manage",
                    Realm::VariableGroups,
                    &it.project,
                    &it.name,
                )
                .await?;
            pipelines.store().remove(Kind::VariableGroup, stored.id).await?;
            empty()
        }
        _ => Err(nothing(request)),
    }
}

async fn find_group(
    pipelines: &Pipelines,
    request: &AreaRequest,
    one: &str,
) -> Result<Stored<VariableGroup>, AreaError> {
    let project = project(request)?;
    let found = pipelines
        .store()
        .thing::<VariableGroup>(Kind::VariableGroup, id(one)?)
        .await?;
    let found = found.filter(|it| it.project == project.id);
    let found = found.ok_or_else(|| AreaError::not_found(format!("There is no variable group {one}.")))?;
    pipelines
        .check(
            &request.principal,
            "get",
            Realm::VariableGroups,
            project,
            &found.body.name,
        )
        .await?;
    Ok(found)
}

async fn save_group(
    pipelines: &Pipelines,
    request: &AreaRequest,
    before: Option<Stored<VariableGroup>>,
) -> Answer {
    let body = request.json()?;
    let reference = |key: &str| {
        text(
            &body,
            &format!("/variableGroupProjectReferences/0/projectReference/{key}"),
        )
    };
    let project = match (&request.project, reference("id").or_else(|| reference("name"))) {
        (Some(project), _) => project.clone(),
        (None, Some(given)) => super::endpoints::project_of(pipelines, request, given).await?,
        (None, None) => {
            let words = "A variable group needs `variableGroupProjectReferences`.";
            return Err(AreaError::bad_request(words));
        }
    };
    let name =
        text(&body, "/name").ok_or_else(|| AreaError::bad_request("A variable group needs a name."))?;
    pipelines
        .check(
            &request.principal,
            "manage",
            Realm::VariableGroups,
            &project,
            name,
        )
        .await?;
    let known = match &before {
        Some(before) if before.body.project.id != project.id => {
            return Err(AreaError::not_found("The variable group is in another project."));
        }
        Some(before) => {
            let old = &before.body.name;
            pipelines
                .check(&request.principal, "manage", Realm::VariableGroups, &project, old)
                .await?;
            pipelines.unseal(before.secret.as_deref())?
        }
        None => BTreeMap::new(),
    };
    let (variables, secrets) = super::definitions::defined(&body, known);
    let now = crate::engine::timeline::now();
    let group_body = VariableGroup {
        name: name.to_owned(),
        description: text(&body, "/description").unwrap_or_default().to_owned(),
        kind: text(&body, "/type").unwrap_or("Vsts").to_owned(),
        variables,
        project: project.clone(),
        created_by: before
            .as_ref()
            .map_or_else(|| request.principal.clone(), |it| it.body.created_by.clone()),
        created_at: before
            .as_ref()
            .map_or_else(|| now.clone(), |it| it.body.created_at.clone()),
        modified_at: now,
    };
    let sealed = pipelines.seal(&secrets)?;
    let saved = match &before {
        Some(before) => {
            let saved = pipelines
                .store()
                .replace(Kind::VariableGroup, before.id, name, &group_body, sealed)
                .await?;
            saved.then_some(before.id)
        }
        None => {
            pipelines
                .store()
                .add(Kind::VariableGroup, project.id, name, &group_body, sealed)
                .await?
        }
    };
    let Some(id) = saved else {
        let words = format!("Variable group {name} exists already.");
        return Err(AreaError::new(
            http::StatusCode::CONFLICT,
            "VariableGroupExistsException",
            words,
        ));
    };
    pipelines.changed(&project, "distributedtask", id.to_string());
    ok(group(
        request,
        &Stored {
            id,
            project: project.id,
            body: group_body,
            secret: None,
        },
    ))
}

fn group(request: &AreaRequest, stored: &Stored<VariableGroup>) -> Value {
    let it = &stored.body;
    let links = Links {
        base: &request.base_url,
    };
    let shown = |variable: &DefinitionVariable| {
        if variable.is_secret {
            json!({"value": null, "isSecret": true})
        } else {
            json!({"value": variable.value})
        }
    };
    let variables: Map<String, Value> = it
        .variables
        .iter()
        .map(|(name, variable)| (name.clone(), shown(variable)))
        .collect();
    let who = links.identity(&it.created_by, &it.project);
    json!({
        "id": stored.id, "name": it.name, "description": it.description, "type": it.kind, "variables": variables,
        "isShared": false, "createdBy": who, "modifiedBy": who, "createdOn": it.created_at, "modifiedOn": it.modified_at,
        "variableGroupProjectReferences": [{"projectReference": {"id": it.project.id, "name": it.project.name}, "name": it.name, "description": it.description}],
    })
}

async fn environments(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
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
            list(
                all.iter()
                    .filter(named)
                    .take(top(request, 1000))
                    .map(|it| environment(request, it))
                    .collect(),
            )
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
                let words = format!("Environment {name} exists already.");
                return Err(AreaError::new(
                    http::StatusCode::CONFLICT,
                    "EnvironmentExistsException",
                    words,
                ));
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
            list(own.take(top(request, 100)).map(deployment).collect())
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
            if let Some(description) = text(&body, "/description") {
                description.clone_into(&mut stored.body.description);
            }
            if let Some(name) = text(&body, "/name") {
                name.clone_into(&mut stored.body.name);
            }
            pipelines
                .store()
                .replace(
                    Kind::Environment,
                    stored.id,
                    &stored.body.name,
                    &stored.body,
                    None,
                )
                .await?;
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

/// A token by which a job shows the cloud for which service connection it runs.
async fn token(pipelines: &Pipelines, request: &AreaRequest, plan: &str, job: &str) -> Answer {
    let refused =
        || AreaError::forbidden("Only a job that runs, with its own token, is given a federated token.");
    let build_identity = pave_auth::Principal::service_account("pave-system", "build-service");
    if request.principal.id != build_identity.id {
        return Err(refused());
    }
    let project = project(request)?;
    let mut running = None;
    for id in pipelines.store().active().await? {
        let run = pipelines.run(id).await?;
        running = run
            .filter(|run| run.plan_id.to_string().eq_ignore_ascii_case(plan) && run.project.id == project.id);
        if running.is_some() {
            break;
        }
    }
    let run = running.ok_or_else(refused)?;
    let job = uuid::Uuid::try_parse(job).map_err(|_| refused())?;
    if !Pipelines::has_begun(&run, job) {
        return Err(refused());
    }
    let wanted = request.parameter("serviceConnectionId").unwrap_or_default();
    let all = pipelines
        .store()
        .things::<Endpoint>(Kind::Endpoint, Some(project.id))
        .await?;
    let endpoint = all
        .into_iter()
        .find(|it| it.body.uuid.to_string().eq_ignore_ascii_case(wanted));
    let endpoint =
        endpoint.ok_or_else(|| AreaError::not_found(format!("There is no service connection {wanted}.")))?;
    if let Err(reason) = pipelines
        .may_use(&run, Realm::ServiceEndpoints, &endpoint.body.name)
        .await?
    {
        return Err(AreaError::forbidden(reason));
    }
    let token = federated(pipelines, &endpoint.body)?;
    ok(json!({"oidcToken": token}))
}

/// Subject of a federated token.
pub(crate) fn subject(it: &Endpoint) -> String {
    format!("sc://{}/{}/{}", it.project.organization, it.project.name, it.name)
}

/// Issuer of federated tokens.
pub(crate) fn issuer(pipelines: &Pipelines) -> String {
    pipelines
        .options()
        .base_url
        .as_str()
        .trim_end_matches('/')
        .to_owned()
}

pub(crate) fn federated(pipelines: &Pipelines, it: &Endpoint) -> Result<String, AreaError> {
    let now = pave_runtime::clock::unix_seconds();
    let claims = json!({
        "iss": issuer(pipelines), "sub": subject(it), "aud": "api://AzureADTokenExchange",
        "iat": now, "nbf": now, "exp": now + FEDERATED, "jti": uuid::Uuid::new_v4(),
    });
    Ok(pipelines
        .options()
        .keys
        .sign_jwt(&claims)
        .map_err(crate::PipelinesError::from)?)
}
