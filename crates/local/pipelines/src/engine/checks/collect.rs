//! What of a stage is guarded, and by which checks.

use pave_pipeline::{Action, Stage};
use serde_json::json;
use uuid::Uuid;

use super::super::{compile, deployments, timeline, variables};
use super::Verdict;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{GateCheck, Progress, Record, Run, StageGate};
use crate::store::{Kind, Stored};
use crate::things::{Check, Endpoint, Permission, VariableGroup};

/// Minutes that a pipeline waits to be permitted.
const PERMISSION: i64 = 30 * 24 * 60;

/// Something that checks can be put on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) name: String,
}

/// The checks of what a stage uses; `None` when there are none.
pub(super) async fn begin(
    pipelines: &Pipelines,
    run: &Run,
    index: usize,
    plan: &Stage,
) -> Result<Option<StageGate>> {
    let stage = &run.stages[index];
    let configured = pipelines
        .store()
        .things::<Check>(Kind::Check, Some(run.project.id))
        .await?;
    let mut checks = Vec::new();
    for resource in resources(pipelines, run, plan).await? {
        let permitted = permits(pipelines, run, resource.kind, &resource.id).await?;
        if permitted == Some(false) {
            checks.push(GateCheck {
                id: Uuid::new_v4(),
                kind: json!({"name": "Authorization"}),
                record: "Checkpoint.Authorization".to_owned(),
                title: "Permission".to_owned(),
                timeout: PERMISSION,
                ..of(&resource)
            });
        }
        let own = configured.iter().filter(|check| is_on(&check.body, &resource));
        checks.extend(own.map(|check| planned(run, stage, &resource, check)));
    }
    if checks.is_empty() {
        return Ok(None);
    }
    checks.sort_by(|a, b| {
        let key = |it: &GateCheck| {
            (
                it.turn,
                it.resource_kind.clone(),
                it.resource_id.clone(),
                it.check,
            )
        };
        key(a).cmp(&key(b))
    });
    Ok(Some(StageGate {
        stage: stage.name.clone(),
        attempt: stage.attempt,
        checkpoint: Uuid::new_v4(),
        checks,
        closed: false,
        released: false,
    }))
}

fn is_on(check: &Check, resource: &Resource) -> bool {
    !check.is_disabled
        && check.resource_kind.eq_ignore_ascii_case(resource.kind)
        && check.resource_id.eq_ignore_ascii_case(&resource.id)
}

fn of(resource: &Resource) -> GateCheck {
    GateCheck {
        resource_kind: resource.kind.to_owned(),
        resource_id: resource.id.clone(),
        resource_name: resource.name.clone(),
        ..GateCheck::default()
    }
}

fn planned(run: &Run, stage: &crate::run::StageRun, resource: &Resource, check: &Stored<Check>) -> GateCheck {
    let body = &check.body;
    let what = body.what();
    // The same after a crash, so that nobody is asked twice.
    let name = format!("{}:{}:{}", stage.name, stage.attempt, check.id);
    GateCheck {
        id: Uuid::new_v5(&run.plan_id, name.as_bytes()),
        check: check.id,
        version: body.version,
        kind: body.kind.clone(),
        record: what
            .as_ref()
            .map_or("Checkpoint.TaskCheck", |kind| kind.record())
            .to_owned(),
        title: match &what {
            Ok(kind) => body.title(*kind),
            Err(words) => words.clone(),
        },
        settings: body.settings.clone(),
        turn: what.map_or(0, pave_pipeline::CheckKind::turn),
        timeout: body.timeout,
        ..of(resource)
    }
}

/// What of a stage can be guarded.
async fn resources(pipelines: &Pipelines, run: &Run, plan: &Stage) -> Result<Vec<Resource>> {
    let repository = |project: Uuid, id: Uuid, name: &str| Resource {
        kind: "repository",
        id: format!("{project}.{id}"),
        name: name.to_owned(),
    };
    let mut all = vec![repository(
        run.project.id,
        run.repository.id,
        &run.repository.name,
    )];
    for resource in checked_out(run, plan) {
        let found = compile::resolve(pipelines, &run.repository, resource).await?;
        all.extend(found.map(|(it, ..)| repository(it.project.id, it.id, &it.name)));
    }
    for name in groups(run, plan) {
        let found = pipelines
            .store()
            .named::<VariableGroup>(Kind::VariableGroup, run.project.id, name)
            .await?;
        all.extend(found.map(|it| Resource {
            kind: "variablegroup",
            id: it.id.to_string(),
            name: it.body.name,
        }));
    }
    for job in &plan.jobs {
        if let Some(name) = timeline::environment_of(job) {
            let environment = deployments::environment(pipelines, run, name).await?;
            all.push(Resource {
                kind: "environment",
                id: environment.id.to_string(),
                name: environment.body.name,
            });
        }
    }
    all.extend(connections(pipelines, run, plan).await?);
    let mut seen = Vec::new();
    for resource in all {
        if !seen.contains(&resource) {
            seen.push(resource);
        }
    }
    Ok(seen)
}

/// Other repositories that jobs of the stage check out.
fn checked_out<'a>(run: &'a Run, plan: &Stage) -> Vec<&'a pave_pipeline::RepositoryResource> {
    let steps = plan.jobs.iter().flat_map(|job| &job.steps);
    let aliases: Vec<&str> = steps
        .filter_map(|step| match &step.action {
            Action::Checkout(checkout) => Some(checkout.repository.as_str()),
            _ => None,
        })
        .collect();
    let named = |alias: &str| aliases.iter().any(|it| it.eq_ignore_ascii_case(alias));
    run.plan
        .repositories
        .iter()
        .filter(|it| named(&it.alias))
        .collect()
}

fn groups<'a>(run: &'a Run, plan: &'a Stage) -> impl Iterator<Item = &'a String> {
    [&run.plan.variables, &plan.variables]
        .into_iter()
        .chain(plan.jobs.iter().map(|job| &job.variables))
        .flatten()
        .filter_map(|variable| match variable {
            pave_pipeline::Variable::Group { name, .. } => Some(name),
            pave_pipeline::Variable::Value { .. } => None,
        })
}

/// Service connections that inputs of tasks name, as far as their names are known now; see [`guard`] for the others.
async fn connections(pipelines: &Pipelines, run: &Run, plan: &Stage) -> Result<Vec<Resource>> {
    let endpoints = pipelines
        .store()
        .things::<Endpoint>(Kind::Endpoint, Some(run.project.id))
        .await?;
    let known = variables::of_stage(pipelines, run, plan).await?;
    let mut found = Vec::new();
    for job in &plan.jobs {
        let own = job.variables.iter().filter_map(|variable| match variable {
            pave_pipeline::Variable::Value { name, value, .. } => Some((name.clone(), value.clone())),
            pave_pipeline::Variable::Group { .. } => None,
        });
        let all: Vec<(String, String)> = known.iter().cloned().chain(own).collect();
        let value = |name: &str| {
            let found = all
                .iter()
                .rev()
                .find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        for step in &job.steps {
            let Action::Task { inputs, .. } = &step.action else {
                continue;
            };
            for (_, written) in inputs {
                let name = pave_pipeline::expand_macros(written, &value);
                let fits = |it: &&Stored<Endpoint>| {
                    it.body.name.eq_ignore_ascii_case(&name)
                        || it.body.uuid.to_string().eq_ignore_ascii_case(&name)
                };
                found.extend(endpoints.iter().find(fits).map(|it| Resource {
                    kind: "endpoint",
                    id: it.body.uuid.to_string(),
                    name: it.body.name.clone(),
                }));
            }
        }
    }
    Ok(found)
}

/// Whether a job may use a resource that it names only now. `Err` says why not: something guards it that was not asked
/// before the stage, since its name was not known then.
pub(crate) async fn guard(
    pipelines: &Pipelines,
    run: &Run,
    stage: &str,
    kind: &'static str,
    id: &str,
    name: &str,
) -> Result<std::result::Result<(), String>> {
    let resource = Resource {
        kind,
        id: id.to_owned(),
        name: name.to_owned(),
    };
    let configured = pipelines
        .store()
        .things::<Check>(Kind::Check, Some(run.project.id))
        .await?;
    let guarded = configured.iter().any(|check| is_on(&check.body, &resource))
        || permits(pipelines, run, kind, id).await? == Some(false);
    let asked = run.gates.iter().any(|gate| {
        let named = |check: &GateCheck| check.resource_kind == kind && check.resource_id == id;
        gate.stage.eq_ignore_ascii_case(stage) && gate.closed && gate.checks.iter().any(named)
    });
    Ok(if guarded && !asked {
        Err(format!(
            "{kind} `{name}` has checks, and they were not asked before the stage since its name was not known then. \
             Write the name itself, or put it into a variable of the pipeline."
        ))
    } else {
        Ok(())
    })
}

/// The name under which the permissions of a resource are kept.
pub(crate) fn permission_name(kind: &str, id: &str) -> String {
    format!("{}:{}", kind.to_lowercase(), id.to_lowercase())
}

/// Whether the pipeline was permitted to use a resource; `None` where nobody has said anything about it.
pub(crate) async fn permits(pipelines: &Pipelines, run: &Run, kind: &str, id: &str) -> Result<Option<bool>> {
    let found = pipelines
        .store()
        .named::<Permission>(Kind::Permission, run.project.id, &permission_name(kind, id))
        .await?;
    Ok(found.and_then(|it| {
        let all = it.body.all.as_ref().map(|it| it.allowed);
        let own = it.body.pipelines.get(&run.definition).map(|it| it.allowed);
        match (all, own) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, None) if it.body.pipelines.is_empty() => None,
            _ => Some(false),
        }
    }))
}

/// How the permission of the pipeline to use a resource stands.
pub(super) async fn permission(pipelines: &Pipelines, run: &Run, check: &GateCheck) -> Result<Verdict> {
    let permitted = permits(pipelines, run, &check.resource_kind, &check.resource_id).await?;
    Ok(if permitted == Some(false) {
        Verdict::Waits(
            format!(
                "Waits until somebody who may manage {} `{}` permits pipeline `{}` to use it.",
                check.resource_kind, check.resource_name, run.definition_name
            ),
            None,
        )
    } else {
        Verdict::Granted("The pipeline is permitted.".to_owned())
    })
}

/// The records of a gate: one for the whole, one for each check.
pub(super) fn add_records(run: &mut Run, index: usize, gate: &StageGate) {
    let checkpoint = Record {
        id: gate.checkpoint,
        parent: Some(run.stages[index].record),
        kind: "Checkpoint".to_owned(),
        name: "Checkpoint".to_owned(),
        ref_name: "Checkpoint".to_owned(),
        identifier: format!("{}.Checkpoint", gate.stage),
        progress: Progress::Running,
        started_at: Some(timeline::now()),
        attempt: gate.attempt,
        ..Record::default()
    };
    run.records.push(checkpoint.clone());
    for (order, check) in gate.checks.iter().enumerate() {
        let is_approval = check.record == "Checkpoint.Approval";
        run.records.push(Record {
            id: check.id,
            parent: Some(gate.checkpoint),
            kind: check.record.clone(),
            name: if is_approval {
                check.record.clone()
            } else {
                check.title.clone()
            },
            ref_name: check.record.clone(),
            identifier: check.id.to_string(),
            progress: Progress::Pending,
            started_at: None,
            order: i64::try_from(order + 1).unwrap_or_default(),
            ..checkpoint.clone()
        });
    }
}
