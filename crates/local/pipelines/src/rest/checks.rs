//! `pipelines/checks`: which checks resources have, and how those before a stage stand.

use http::Method;
use pave_devops::{AreaError, AreaRequest, Project};
use pave_pipeline::CheckKind;
use serde_json::{Value, json};
use uuid::Uuid;

use super::shape::Links;
use super::{Answer, empty, id, list, nothing, number, ok, project, text};
use crate::access::Realm;
use crate::engine::{checks, timeline};
use crate::pipelines::Pipelines;
use crate::run::{CheckStatus, GateCheck, Run, StageGate};
use crate::store::{Kind, Stored};
use crate::things::{Check, Endpoint, Environment, VariableGroup};

/// Upstream's longest time limit, in minutes.
const LONGEST: i64 = 43_200;

/// `pipelines/checks`.
pub(crate) async fn serve(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    match (&request.method, rest) {
        (_, ["configurations", rest @ ..]) => configurations(pipelines, request, rest).await,
        (&Method::POST, ["queryconfigurations"]) => query(pipelines, request).await,
        (&Method::GET, ["runs"]) => suites(pipelines, request).await,
        (&Method::GET, ["runs", one]) => suite_of(pipelines, request, one).await,
        _ => Err(nothing(request)),
    }
}

async fn configurations(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let all = all(pipelines, request).await?;
            let same = |key: &str, own: &str| {
                request
                    .parameter(key)
                    .is_none_or(|it| it.eq_ignore_ascii_case(own))
            };
            let wanted = all.iter().filter(|it| {
                same("resourceType", &it.body.resource_kind) && same("resourceId", &it.body.resource_id)
            });
            list(wanted.map(|it| shape(&links, it)).collect())
        }
        (&Method::POST, []) => ok(shape(&links, &add(pipelines, request).await?)),
        (&Method::GET, [one]) => ok(shape(&links, &find(pipelines, request, one).await?)),
        (&Method::PATCH, [one]) => {
            let stored = find(pipelines, request, one).await?;
            ok(shape(&links, &change(pipelines, request, stored).await?))
        }
        (&Method::DELETE, [one]) => {
            let stored = find(pipelines, request, one).await?;
            manage(pipelines, request, &stored.body).await?;
            pipelines.store().remove(Kind::Check, stored.id).await?;
            pipelines.changed(&stored.body.project, "checks", stored.id.to_string());
            empty()
        }
        _ => Err(nothing(request)),
    }
}

async fn all(pipelines: &Pipelines, request: &AreaRequest) -> Result<Vec<Stored<Check>>, AreaError> {
    let project = project(request)?.id;
    Ok(pipelines.store().things(Kind::Check, Some(project)).await?)
}

/// The checks of several resources at once.
async fn query(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    let body = request.json()?;
    let wanted = body.as_array().cloned().unwrap_or_default();
    let all = all(pipelines, request).await?;
    let is_wanted = |it: &&Stored<Check>| {
        wanted.iter().any(|resource| {
            let id = number(resource, "/id").map(|it| it.to_string());
            let id = id.as_deref().or_else(|| text(resource, "/id"));
            text(resource, "/type").is_some_and(|kind| kind.eq_ignore_ascii_case(&it.body.resource_kind))
                && id.is_some_and(|id| id.eq_ignore_ascii_case(&it.body.resource_id))
        })
    };
    list(all.iter().filter(is_wanted).map(|it| shape(&links, it)).collect())
}

async fn find(pipelines: &Pipelines, request: &AreaRequest, one: &str) -> Result<Stored<Check>, AreaError> {
    let project = project(request)?;
    let found = pipelines.store().thing::<Check>(Kind::Check, id(one)?).await?;
    found
        .filter(|it| it.project == project.id)
        .ok_or_else(|| AreaError::not_found(format!("There is no check configuration {one}.")))
}

/// Where the rights on a kind of resource are asked for; `None` for kinds without checks here.
pub(super) fn realm(kind: &str) -> Option<Realm> {
    Some(match kind.to_lowercase().as_str() {
        "endpoint" => Realm::ServiceEndpoints,
        "variablegroup" => Realm::VariableGroups,
        "environment" => Realm::Environments,
        "repository" => Realm::Repositories,
        _ => return None,
    })
}

async fn manage(pipelines: &Pipelines, request: &AreaRequest, it: &Check) -> Result<(), AreaError> {
    let realm = realm(&it.resource_kind).unwrap_or(Realm::Pipelines);
    let (project, name) = (&it.project, &it.resource_name);
    pipelines
        .check(&request.principal, "manage", realm, project, name)
        .await
}

/// The name of a resource; a refusal when there is none, or when it cannot have checks.
pub(super) async fn named(
    pipelines: &Pipelines,
    project: &Project,
    kind: &str,
    of: &str,
) -> Result<String, AreaError> {
    let store = pipelines.store();
    let here = |it: Uuid| it == project.id;
    let name = match kind.to_lowercase().as_str() {
        "environment" => store
            .thing::<Environment>(Kind::Environment, id(of)?)
            .await?
            .filter(|it| here(it.project))
            .map(|it| it.body.name),
        "variablegroup" => store
            .thing::<VariableGroup>(Kind::VariableGroup, id(of)?)
            .await?
            .filter(|it| here(it.project))
            .map(|it| it.body.name),
        "endpoint" => {
            let all = store.things::<Endpoint>(Kind::Endpoint, Some(project.id)).await?;
            all.into_iter()
                .find(|it| it.body.uuid.to_string().eq_ignore_ascii_case(of))
                .map(|it| it.body.name)
        }
        "repository" => {
            let repository = of.split_once('.').map_or(of, |(_, repository)| repository);
            let repositories = &pipelines.options().repositories;
            let found = repositories.repository(Some(project), repository).await;
            found.map_err(crate::PipelinesError::from)?.map(|it| it.name)
        }
        other => {
            return Err(AreaError::bad_request(format!(
                "Resources of type `{other}` have no checks here; expected environment, endpoint, variablegroup or repository."
            )));
        }
    };
    name.ok_or_else(|| AreaError::not_found(format!("There is no {kind} {of} in project {}.", project.name)))
}

/// The id under which a resource is compared: of a repository always with its project.
pub(super) fn resource_id(project: &Project, kind: &str, of: &str) -> String {
    if kind.eq_ignore_ascii_case("repository") && !of.contains('.') {
        format!("{}.{of}", project.id)
    } else {
        of.to_owned()
    }
}

async fn add(pipelines: &Pipelines, request: &AreaRequest) -> Result<Stored<Check>, AreaError> {
    let project = project(request)?;
    let body = request.json()?;
    let kind = text(&body, "/resource/type")
        .ok_or_else(|| AreaError::bad_request("A check needs `resource.type`."))?;
    let of = number(&body, "/resource/id").map(|it| it.to_string());
    let of = of
        .as_deref()
        .or_else(|| text(&body, "/resource/id"))
        .unwrap_or_default();
    let mut it = Check {
        project: project.clone(),
        resource_kind: kind.to_lowercase(),
        resource_id: resource_id(project, kind, of),
        resource_name: named(pipelines, project, kind, of).await?,
        settings: body.get("settings").cloned().unwrap_or_else(|| json!({})),
        kind: body.get("type").cloned().unwrap_or_default(),
        timeout: number(&body, "/timeout").unwrap_or(LONGEST),
        created_by: request.principal.clone(),
        created_at: timeline::now(),
        version: 1,
        is_disabled: false,
        modified: None,
    };
    manage(pipelines, request, &it).await?;
    validate(pipelines, request, &mut it).await?;
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
    Ok(stored)
}

async fn change(
    pipelines: &Pipelines,
    request: &AreaRequest,
    mut stored: Stored<Check>,
) -> Result<Stored<Check>, AreaError> {
    manage(pipelines, request, &stored.body).await?;
    let body = request.json()?;
    let it = &mut stored.body;
    if let Some(settings) = body.get("settings") {
        it.settings = settings.clone();
    }
    if let Some(minutes) = number(&body, "/timeout") {
        it.timeout = minutes;
    }
    if let Some(disabled) = body.get("isDisabled").and_then(Value::as_bool) {
        it.is_disabled = disabled;
    }
    validate(pipelines, request, it).await?;
    it.version += 1;
    it.modified = Some((request.principal.clone(), timeline::now()));
    // Its name was chosen at random and is not shown; the number is as good.
    let name = format!("{}:{}", stored.id, Uuid::new_v4());
    pipelines
        .store()
        .replace(Kind::Check, stored.id, &name, &stored.body, None)
        .await?;
    pipelines.changed(&stored.body.project, "checks", stored.id.to_string());
    Ok(stored)
}

/// Refuses what could not be evaluated when the time comes, by name.
async fn validate(pipelines: &Pipelines, request: &AreaRequest, it: &mut Check) -> Result<(), AreaError> {
    let kind = it.what().map_err(|words| {
        AreaError::bad_request(format!(
            "Pave does not evaluate {words}; it knows Approval, Branch control, Business hours, Exclusive lock, Required template and Invoke REST API."
        ))
    })?;
    let (id, name) = kind.type_of();
    it.kind = json!({"id": id, "name": name, "url": ""});
    if !(1..=LONGEST).contains(&it.timeout) {
        return Err(AreaError::bad_request(format!(
            "`timeout` is 1 to {LONGEST} minutes, not {}.",
            it.timeout
        )));
    }
    let refusal = match kind {
        CheckKind::Approval => approvers(pipelines, &mut it.settings).await?,
        CheckKind::BranchControl => text(&it.settings, "/inputs/allowedBranches")
            .is_none()
            .then(|| "`inputs.allowedBranches` names no branch".to_owned()),
        CheckKind::BusinessHours => checks::business_hours(&it.settings).err(),
        CheckKind::ExclusiveLock => None,
        CheckKind::RequiredTemplate => {
            let templates = checks::required_templates(&it.settings, &it.project.name);
            let lacks = templates.iter().any(|template| template.path.is_empty());
            (templates.is_empty() || lacks)
                .then(|| "`extendsChecks` names no template with a `templatePath`".to_owned())
        }
        CheckKind::RestCall => call(pipelines, request, it).await?,
    };
    match refusal {
        Some(words) => Err(AreaError::bad_request(format!(
            "{} cannot be configured so: {words}.",
            kind.title()
        ))),
        None => Ok(()),
    }
}

/// Gives approvers the names that people know them by.
async fn approvers(pipelines: &Pipelines, settings: &mut Value) -> Result<Option<String>, AreaError> {
    let people = pipelines.options().identities.principals().await;
    let people = people.unwrap_or_default();
    let Some(list) = settings.get_mut("approvers").and_then(Value::as_array_mut) else {
        return Ok(Some("`approvers` names nobody".to_owned()));
    };
    for approver in list.iter_mut() {
        let id = text(approver, "/id").or_else(|| text(approver, "/uniqueName"));
        let Some(id) = id.map(str::to_owned) else {
            return Ok(Some("an approver has no `id`".to_owned()));
        };
        let is = |it: &&pave_auth::Principal| {
            it.id.to_string().eq_ignore_ascii_case(&id)
                || it.user == id
                || it.entity.to_string() == id
                || (!it.email.is_empty() && it.email.eq_ignore_ascii_case(&id))
        };
        if let (Some(person), None) = (people.iter().find(is), text(approver, "/displayName")) {
            approver["displayName"] = json!(person.display_name);
        }
    }
    let most = list.len() as u64;
    let minimum = settings
        .get("minRequiredApprovers")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    Ok(if most == 0 {
        Some("`approvers` names nobody".to_owned())
    } else if minimum > most {
        Some(format!(
            "`minRequiredApprovers` is {minimum}, but there are {most} approvers"
        ))
    } else {
        None
    })
}

/// Whoever lets us call a service must be allowed to use the connection to it.
async fn call(pipelines: &Pipelines, request: &AreaRequest, it: &Check) -> Result<Option<String>, AreaError> {
    if let Some(refusal) = checks::call_refusal(&it.settings) {
        return Ok(Some(refusal));
    }
    let found = checks::call_target(pipelines, it.project.id, &it.settings).await;
    match found {
        Err(words) => Ok(Some(words.trim_end_matches('.').to_owned())),
        Ok(name) => {
            let realm = Realm::ServiceEndpoints;
            pipelines
                .check(&request.principal, "use", realm, &it.project, &name)
                .await?;
            Ok(None)
        }
    }
}

fn shape(links: &Links<'_>, stored: &Stored<Check>) -> Value {
    let it = &stored.body;
    let (by, at) = it
        .modified
        .as_ref()
        .map_or((&it.created_by, &it.created_at), |(by, at)| (by, at));
    let url = links.api(
        &it.project,
        &format!("pipelines/checks/configurations/{}", stored.id),
    );
    json!({
        "id": stored.id, "version": it.version, "type": it.kind, "settings": it.settings, "timeout": it.timeout,
        "isDisabled": it.is_disabled,
        "resource": {"type": it.resource_kind, "id": it.resource_id, "name": it.resource_name},
        "createdBy": links.identity(&it.created_by, &it.project), "createdOn": it.created_at,
        "modifiedBy": links.identity(by, &it.project), "modifiedOn": at,
        "url": url, "_links": {"self": {"href": url}},
    })
}

/// How the checks before a stage stand, by the id of the record `Checkpoint`.
async fn suite_of(pipelines: &Pipelines, request: &AreaRequest, one: &str) -> Answer {
    let missing = || AreaError::not_found(format!("There is no check suite {one}."));
    let id = Uuid::try_parse(one).map_err(|_| missing())?;
    let build = pipelines.store().run_with(project(request)?.id, id).await?;
    let build = build.ok_or_else(missing)?;
    let run = super::builds::find(pipelines, request, &build.to_string()).await?;
    let gate = run.gates.iter().find(|gate| gate.checkpoint == id);
    let links = Links {
        base: &request.base_url,
    };
    ok(suite(&links, &run, gate.ok_or_else(missing)?))
}

/// All check suites of a build; the pages ask so.
async fn suites(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let Some(build) = request.parameter("buildId") else {
        return Err(AreaError::bad_request("`buildId` is needed."));
    };
    let run = super::builds::find(pipelines, request, build).await?;
    let links = Links {
        base: &request.base_url,
    };
    list(run.gates.iter().map(|gate| suite(&links, &run, gate)).collect())
}

fn suite(links: &Links<'_>, run: &Run, gate: &StageGate) -> Value {
    let stage = run.stages.iter().find(|stage| stage.name == gate.stage);
    let runs: Vec<Value> = gate
        .checks
        .iter()
        .map(|check| check_run(links, run, check))
        .collect();
    let resources: Vec<Value> = gate
        .checks
        .iter()
        .map(|it| json!({"type": it.resource_kind, "id": it.resource_id, "name": it.resource_name}))
        .collect();
    let has = |status: CheckStatus| gate.checks.iter().any(|check| check.status == status);
    let status = if has(CheckStatus::Rejected) {
        CheckStatus::Rejected
    } else if has(CheckStatus::TimedOut) {
        CheckStatus::TimedOut
    } else if has(CheckStatus::Canceled) {
        CheckStatus::Canceled
    } else if gate.checks.iter().all(|it| it.status == CheckStatus::Approved) {
        CheckStatus::Approved
    } else {
        CheckStatus::Running
    };
    let last = gate.checks.iter().filter_map(|it| it.finished_at.as_ref()).max();
    json!({
        "id": gate.checkpoint, "status": status.word(), "checkRuns": runs, "resources": resources,
        "completedDate": last.filter(|_| status.is_final()),
        "context": {
            "Id": gate.checkpoint, "PlanId": run.plan_id, "HubName": "Build",
            "Project": {"Id": run.project.id, "Name": run.project.name},
            "Pipeline": {"Id": run.definition.to_string(), "Name": run.definition_name, "Owner": {"Id": run.id, "Name": run.number}},
            "Branch": run.branch,
            "GraphNode": {"Id": stage.map(|stage| stage.record), "Name": gate.stage, "Attempt": gate.attempt},
        },
        "url": links.api(&run.project, &format!("pipelines/checks/runs/{}", gate.checkpoint)),
    })
}

fn check_run(links: &Links<'_>, run: &Run, check: &GateCheck) -> Value {
    let due = check.due_at.and_then(|at| jiff::Timestamp::from_second(at).ok());
    let resource = json!({
        "type": check.resource_kind, "id": check.resource_id, "name": check.resource_name,
    });
    let configuration = (check.check != 0).then(|| {
        json!({
            "id": check.check, "version": check.version, "type": check.kind, "resource": resource,
            "url": links.api(&run.project, &format!("pipelines/checks/configurations/{}", check.check)),
        })
    });
    json!({
        "id": check.id, "status": check.status.word(), "resultMessage": check.message, "displayName": check.title,
        "recordType": check.record, "resource": resource, "checkConfigurationRef": configuration,
        "createdDate": check.started_at, "completedDate": check.finished_at, "timeoutDate": due,
    })
}
