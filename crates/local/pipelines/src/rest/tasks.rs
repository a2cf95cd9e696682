//! `distributedtask`: queues and pools, and federated tokens.

use http::Method;
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Value, json};

use super::shape::{Links, task_id};
use super::{Answer, environments, groups, list, nothing, ok, project};
use crate::access::Realm;
use crate::pipelines::Pipelines;
use crate::store::Kind;
use crate::things::Endpoint;

/// The only pool there is, and its queue in every project.
const POOL: &str = "Azure Pipelines";

/// Seconds that a federated token is good for.
const FEDERATED: i64 = 600;

/// `distributedtask`.
pub(crate) async fn serve(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    match rest {
        ["variablegroups", rest @ ..] => groups::groups(pipelines, request, rest).await,
        ["environments", rest @ ..] => environments::environments(pipelines, request, rest).await,
        ["queues", rest @ ..] => queues(request, rest),
        ["pools", rest @ ..] => pools(pipelines, request, rest),
        ["tasks"] if request.method == Method::GET => known(request, None),
        ["tasks", task] if request.method == Method::GET => known(request, Some(task)),
        // None of these is here.
        ["securefiles" | "taskgroups" | "deploymentgroups"] if request.method == Method::GET => {
            list(Vec::new())
        }
        ["hubs", _, "plans", plan, "jobs", job, "oidctoken"] if request.method == Method::POST => {
            token(pipelines, request, plan, job).await
        }
        _ => Err(nothing(request)),
    }
}

/// Whether a parameter that lists things names this one; every one when it is not given.
fn names(request: &AreaRequest, key: &str, own: &str) -> bool {
    let given = request.parameter(key).filter(|it| !it.is_empty());
    given.is_none_or(|it| it.split(',').any(|it| it.trim().eq_ignore_ascii_case(own)))
}

fn queues(request: &AreaRequest, rest: &[&str]) -> Answer {
    let queue = Links::queue(project(request)?);
    match rest {
        [] => {
            let wanted = names(request, "queueName", POOL)
                && names(request, "queueNames", POOL)
                && names(request, "queueIds", "1")
                && names(request, "poolIds", "1");
            list(if wanted { vec![queue] } else { Vec::new() })
        }
        ["1"] => ok(queue),
        [other] => Err(AreaError::not_found(format!(
            "There is one queue here, with the id 1, not {other}."
        ))),
        _ => Err(nothing(request)),
    }
}

fn pools(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    let isolation = pipelines.isolation();
    let pool = json!({
        "id": 1, "name": POOL, "isHosted": true, "poolType": "automation", "size": pipelines.options().limits.agents,
        "properties": {"isolated": isolation.is_isolated(), "isolation": isolation.describe()},
        "isolated": isolation.is_isolated(), "isolation": isolation.describe(),
    });
    let agent = json!({
        "id": 1, "name": "Pave", "status": "online", "enabled": true, "version": env!("CARGO_PKG_VERSION"),
        "osDescription": std::env::consts::OS, "maxParallelism": pipelines.options().limits.agents,
    });
    match rest {
        [] => {
            let wanted = names(request, "poolName", POOL)
                && names(request, "poolIds", "1")
                && (names(request, "poolType", "automation") || names(request, "poolType", "1"));
            list(if wanted { vec![pool] } else { Vec::new() })
        }
        ["1"] => ok(pool),
        ["1", "agents"] => {
            let wanted = names(request, "agentName", "Pave");
            list(if wanted { vec![agent] } else { Vec::new() })
        }
        ["1", "agents", "1"] => ok(agent),
        _ => Err(AreaError::not_found(
            "There is one pool here, with the id 1, and one agent in it.",
        )),
    }
}

/// Tasks that steps may name; `None` for the id of a task gives all.
fn known(request: &AreaRequest, wanted: Option<&str>) -> Answer {
    let all = pave_pipeline::known_tasks().iter().flat_map(|task| {
        let id = task_id(task.name);
        let shape = move |version: &u32| {
            json!({
                "id": id, "name": task.name, "friendlyName": task.name, "definitionType": "task",
                "version": {"major": version, "minor": 0, "patch": 0, "isTest": false},
                "visibility": ["Build", "Release"], "runsOn": ["Agent"],
            })
        };
        task.versions.iter().map(shape)
    });
    let found: Vec<Value> = all
        .filter(|it| {
            wanted.is_none_or(|id| it["id"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(id)))
        })
        .collect();
    if found.is_empty() && wanted.is_some() {
        return Err(nothing(request));
    }
    list(found)
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
