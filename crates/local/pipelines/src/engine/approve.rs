//! Approvals: asked for when a stage that uses a guarded resource is about to start; and deployments to environments.

use std::sync::Arc;
use std::time::Duration;

use pave_auth::Principal;
use pave_devops::AreaError;
use pave_pipeline::{Action, Outcome, Stage};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{advance_later, timeline};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{Record, Run};
use crate::store::{Kind, Stored};
use crate::things::{Approval, ApprovalStep, Check, Deployment, Endpoint, Environment, VariableGroup};

/// How often approvals are looked at for being too late.
const LOOK: Duration = Duration::from_secs(30);

/// Whether a stage may start.
pub(crate) enum Gate {
    Open,
    Waiting,
    Shut(String),
}

/// Asks for the approvals that a stage needs, once, and says how they stand.
pub(crate) async fn gate(pipelines: &Pipelines, run: &mut Run, index: usize, plan: &Stage) -> Result<Gate> {
    if !run.stages[index].checked {
        let resources = resources(pipelines, run, plan).await?;
        let checks = pipelines
            .store()
            .things::<Check>(Kind::Check, Some(run.project.id))
            .await?;
        let wanted = checks.iter().filter(|check| {
            let body = &check.body;
            let same = |kind: &String, id: &String| {
                body.resource_kind.eq_ignore_ascii_case(kind) && body.resource_id.eq_ignore_ascii_case(id)
            };
            is_approval(body) && resources.iter().any(|(kind, id, _)| same(kind, id))
        });
        for check in wanted.collect::<Vec<_>>() {
            ask(pipelines, run, index, check).await?;
        }
        run.stages[index].checked = true;
    }
    let mut waiting = false;
    for id in run.stages[index].approvals.clone() {
        let Some(approval) = find(pipelines, id).await? else {
            continue;
        };
        match approval.body.status.as_str() {
            "approved" => {}
            "pending" if !run.canceled => waiting = true,
            "rejected" => {
                return Ok(Gate::Shut(format!(
                    "The approval for {} was rejected.",
                    approval.body.resource
                )));
            }
            "timedOut" => {
                return Ok(Gate::Shut(format!(
                    "Nobody approved the use of {} in time.",
                    approval.body.resource
                )));
            }
            _ => return Ok(Gate::Shut("The approval was withdrawn.".to_owned())),
        }
    }
    Ok(if waiting { Gate::Waiting } else { Gate::Open })
}

fn is_approval(check: &Check) -> bool {
    let id = check.kind.get("id").and_then(Value::as_str).unwrap_or_default();
    let name = check.kind.get("name").and_then(Value::as_str).unwrap_or_default();
    id.eq_ignore_ascii_case("8c6f20a7-a545-4486-9777-f762fafe0d4d") || name.eq_ignore_ascii_case("approval")
}

/// What of a stage can be guarded: kind, id, name.
async fn resources(pipelines: &Pipelines, run: &Run, plan: &Stage) -> Result<Vec<(String, String, String)>> {
    let mut all = vec![(
        "repository".to_owned(),
        format!("{}.{}", run.project.id, run.repository.id),
        run.repository.name.clone(),
    )];
    let mut groups: Vec<&String> = Vec::new();
    let scopes = [&run.plan.variables, &plan.variables]
        .into_iter()
        .chain(plan.jobs.iter().map(|job| &job.variables));
    for variable in scopes.flatten() {
        if let pave_pipeline::Variable::Group { name, .. } = variable {
            groups.push(name);
        }
    }
    for name in groups {
        let found = pipelines
            .store()
            .named::<VariableGroup>(Kind::VariableGroup, run.project.id, name)
            .await?;
        all.extend(found.map(|it| ("variablegroup".to_owned(), it.id.to_string(), it.body.name)));
    }
    for job in &plan.jobs {
        if let Some(name) = timeline::environment_of(job) {
            let environment = environment(pipelines, run, name).await?;
            all.push((
                "environment".to_owned(),
                environment.id.to_string(),
                environment.body.name,
            ));
        }
        for step in &job.steps {
            let Action::Task { inputs, .. } = &step.action else {
                continue;
            };
            for (_, value) in inputs.iter().filter(|(key, _)| {
                key.to_lowercase().contains("service") || key.eq_ignore_ascii_case("azureSubscription")
            }) {
                let found = pipelines
                    .store()
                    .named::<Endpoint>(Kind::Endpoint, run.project.id, value)
                    .await?;
                all.extend(found.map(|it| ("endpoint".to_owned(), it.body.uuid.to_string(), it.body.name)));
            }
        }
    }
    Ok(all)
}

/// The environment of this name; made on first use, as upstream.
async fn environment(pipelines: &Pipelines, run: &Run, name: &str) -> Result<Stored<Environment>> {
    let body = Environment {
        name: name.to_owned(),
        description: String::new(),
        project: run.project.clone(),
        created_by: run.requested_for.clone(),
        created_at: timeline::now(),
    };
    let made = pipelines
        .store()
        .add(Kind::Environment, run.project.id, name, &body, None)
        .await?;
    if let Some(id) = made {
        pipelines.changed(&run.project, "distributedtask", id.to_string());
    }
    match pipelines
        .store()
        .named(Kind::Environment, run.project.id, name)
        .await?
    {
        Some(found) => Ok(found),
        None => Err(AreaError::not_found(format!("Environment {name} was removed.")).into()),
    }
}

async fn ask(pipelines: &Pipelines, run: &mut Run, index: usize, check: &Stored<Check>) -> Result {
    let body = &check.body;
    let list = body
        .settings
        .get("approvers")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let steps: Vec<ApprovalStep> = list
        .iter()
        .map(|approver| {
            let text = |key: &str| {
                approver
                    .get(key)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let id = if text("id").is_empty() {
                text("uniqueName")
            } else {
                text("id")
            };
            ApprovalStep {
                display_name: text("displayName"),
                approver: id,
                status: "pending".to_owned(),
                comment: String::new(),
                actual: None,
                at: None,
            }
        })
        .collect();
    let minimum = body
        .settings
        .get("minRequiredApprovers")
        .and_then(Value::as_u64)
        .and_then(|it| usize::try_from(it).ok())
        .unwrap_or(0);
    let approval = Approval {
        uuid: Uuid::new_v4(),
        project: run.project.clone(),
        build: run.id,
        definition: run.definition,
        definition_name: run.definition_name.clone(),
        number: run.number.clone(),
        stage: run.stages[index].name.clone(),
        resource: format!("{} {}", body.resource_kind, body.resource_name),
        check: check.id,
        status: "pending".to_owned(),
        // 0 means everybody who is named, as upstream.
        minimum: if minimum == 0 {
            steps.len()
        } else {
            minimum.min(steps.len())
        },
        requester: run.requested_for.id,
        requester_may_not: body
            .settings
            .get("requesterCannotBeApprover")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        instructions: body
            .settings
            .get("instructions")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        execution_order: body
            .settings
            .get("executionOrder")
            .cloned()
            .unwrap_or_else(|| json!("anyOrder")),
        steps,
        created_at: timeline::now(),
        changed_at: timeline::now(),
        due_at: pave_runtime::clock::unix_seconds() + body.timeout.max(1) * 60,
    };
    let id = approval.uuid;
    pipelines
        .store()
        .add(Kind::Approval, run.project.id, &id.to_string(), &approval, None)
        .await?;
    run.stages[index].approvals.push(id);
    add_records(run, index, id);
    pipelines.changed(&run.project, "approval", id.to_string());
    Ok(())
}

fn add_records(run: &mut Run, index: usize, approval: Uuid) {
    let stage = run.stages[index].record;
    let checkpoint = Record {
        id: Uuid::new_v4(),
        parent: Some(stage),
        kind: "Checkpoint".to_owned(),
        name: "Checkpoint".to_owned(),
        ref_name: "Checkpoint".to_owned(),
        identifier: "Checkpoint".to_owned(),
        progress: crate::run::Progress::Running,
        started_at: Some(timeline::now()),
        order: 0,
        attempt: 1,
        ..Record::default()
    };
    run.records.push(Record {
        id: approval,
        parent: Some(checkpoint.id),
        kind: "Checkpoint.Approval".to_owned(),
        name: "Checkpoint.Approval".to_owned(),
        ref_name: "Checkpoint.Approval".to_owned(),
        identifier: approval.to_string(),
        ..checkpoint.clone()
    });
    run.records.push(checkpoint);
}

/// An approval by its id.
pub(crate) async fn find(pipelines: &Pipelines, id: Uuid) -> Result<Option<Stored<Approval>>> {
    let all = pipelines.store().things::<Approval>(Kind::Approval, None).await?;
    Ok(all.into_iter().find(|it| it.body.uuid == id))
}

/// What a person says about an approval.
pub(crate) async fn decide(
    pipelines: &Arc<Pipelines>,
    principal: &Principal,
    id: Uuid,
    status: &str,
    comment: &str,
) -> Result<Approval> {
    // Two people at once must not lose each other's vote.
    let _turn = pipelines.queueing.lock().await;
    let Some(mut stored) = find(pipelines, id).await? else {
        return Err(AreaError::not_found(format!("There is no approval {id}.")).into());
    };
    let approval = &mut stored.body;
    if approval.status != "pending" {
        return Err(AreaError::bad_request(format!("Approval {id} is {} already.", approval.status)).into());
    }
    let Some(step) = approval.step_of(principal) else {
        let names: Vec<&str> = approval
            .steps
            .iter()
            .map(|it| {
                if it.display_name.is_empty() {
                    it.approver.as_str()
                } else {
                    it.display_name.as_str()
                }
            })
            .collect();
        let message = format!(
            "{} is not an approver of {}; approvers are: {}.",
            principal.display_name,
            approval.resource,
            names.join(", ")
        );
        return Err(AreaError::forbidden(message).into());
    };
    if approval.requester_may_not && approval.requester == principal.id {
        return Err(AreaError::forbidden("Who requested the run cannot approve it.").into());
    }
    let word = match status.to_lowercase().as_str() {
        "approved" | "4" => "approved",
        "rejected" | "8" => "rejected",
        other => {
            return Err(AreaError::bad_request(format!(
                "`{other}` is not a decision; expected approved or rejected."
            ))
            .into());
        }
    };
    let step = &mut approval.steps[step];
    word.clone_into(&mut step.status);
    comment.clone_into(&mut step.comment);
    step.actual = Some(principal.clone());
    step.at = Some(timeline::now());
    let approved = approval.steps.iter().filter(|it| it.status == "approved").count();
    if word == "rejected" || approved >= approval.minimum {
        word.clone_into(&mut approval.status);
    }
    settle(pipelines, &mut stored).await?;
    Ok(stored.body)
}

/// Saves what became of an approval, and lets the run look at it.
async fn settle(pipelines: &Arc<Pipelines>, stored: &mut Stored<Approval>) -> Result {
    stored.body.changed_at = timeline::now();
    let approval = &stored.body;
    pipelines
        .store()
        .replace(
            Kind::Approval,
            stored.id,
            &approval.uuid.to_string(),
            approval,
            None,
        )
        .await?;
    pipelines.changed(&approval.project, "approval", approval.uuid.to_string());
    if approval.status == "pending" {
        return Ok(());
    }
    if let Some(active) = pipelines.active(approval.build) {
        let mut run = active.lock().await;
        let outcome = if approval.status == "approved" {
            Outcome::Succeeded
        } else {
            Outcome::Failed
        };
        let checkpoint = run
            .records
            .iter()
            .find(|it| it.id == approval.uuid)
            .and_then(|it| it.parent);
        for record in [Some(approval.uuid), checkpoint].into_iter().flatten() {
            timeline::end_record(&mut run, record, outcome);
        }
    }
    advance_later(pipelines, approval.build);
    Ok(())
}

/// Ends the approvals that a cancelled run waits for.
pub(crate) async fn withdraw(pipelines: &Pipelines, run: &Run) -> Result {
    for id in run.stages.iter().flat_map(|stage| &stage.approvals) {
        if let Some(mut stored) = find(pipelines, *id)
            .await?
            .filter(|it| it.body.status == "pending")
        {
            "canceled".clone_into(&mut stored.body.status);
            let name = stored.body.uuid.to_string();
            pipelines
                .store()
                .replace(Kind::Approval, stored.id, &name, &stored.body, None)
                .await?;
            pipelines.changed(&run.project, "approval", name);
        }
    }
    Ok(())
}

/// Ends approvals that nobody gave in time.
pub(crate) async fn watch(pipelines: Arc<Pipelines>) {
    let token = pipelines.options().tasks.token();
    loop {
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let now = pave_runtime::clock::unix_seconds();
        let Ok(all) = pipelines.store().things::<Approval>(Kind::Approval, None).await else {
            continue;
        };
        for mut late in all
            .into_iter()
            .filter(|it| it.body.status == "pending" && it.body.due_at <= now)
        {
            "timedOut".clone_into(&mut late.body.status);
            if let Err(error) = settle(&pipelines, &mut late).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "an approval could not be ended"
                );
            }
        }
    }
}

/// Writes down that a deployment to an environment begins.
pub(crate) async fn note_deployment(pipelines: &Pipelines, run: &Run, job: Uuid) -> Result {
    let Some((name, stage, display)) = deployed(run, job) else {
        return Ok(());
    };
    let environment = environment(pipelines, run, &name).await?;
    let body = Deployment {
        environment: environment.id,
        build: run.id,
        definition: run.definition,
        definition_name: run.definition_name.clone(),
        stage,
        job: display,
        number: run.number.clone(),
        result: None,
        queued_at: timeline::now(),
        finished_at: None,
    };
    pipelines
        .store()
        .add(Kind::Deployment, run.project.id, &job.to_string(), &body, None)
        .await?;
    Ok(())
}

/// Writes down how it ended.
pub(crate) async fn end_deployment(pipelines: &Pipelines, run: &Run, job: Uuid, outcome: Outcome) -> Result {
    if deployed(run, job).is_none() {
        return Ok(());
    }
    let found = pipelines
        .store()
        .named::<Deployment>(Kind::Deployment, run.project.id, &job.to_string())
        .await?;
    if let Some(mut found) = found {
        found.body.result = Some(crate::rest::shape::result_word(outcome).to_owned());
        found.body.finished_at = Some(timeline::now());
        pipelines
            .store()
            .replace(Kind::Deployment, found.id, &job.to_string(), &found.body, None)
            .await?;
        pipelines.changed(
            &run.project,
            "distributedtask",
            found.body.environment.to_string(),
        );
    }
    Ok(())
}

fn deployed(run: &Run, job: Uuid) -> Option<(String, String, String)> {
    let (stage, found) = run.job(job)?;
    let plan = run.plan.stages.iter().find(|it| it.name == stage.name)?;
    let planned = plan
        .jobs
        .iter()
        .find(|it| it.name.eq_ignore_ascii_case(&found.name))?;
    Some((
        timeline::environment_of(planned)?.to_owned(),
        stage.name.clone(),
        found.display_name.clone(),
    ))
}
