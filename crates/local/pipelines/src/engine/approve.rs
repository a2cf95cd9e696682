//! Approvals: asked for when a stage that uses a guarded resource is about to start, and decided by people.

use std::sync::Arc;

use pave_auth::Principal;
use pave_devops::AreaError;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use super::checks::{Gate, gate};
pub(crate) use super::deployments::{end_deployment, note_deployment};
use super::{advance_later, timeline};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{GateCheck, Run};
use crate::store::{Kind, Stored};
use crate::things::{Approval, ApprovalStep};

/// Asks for an approval; nothing when it was asked for already, before a crash.
pub(super) async fn ask(pipelines: &Pipelines, run: &mut Run, index: usize, check: &GateCheck) -> Result {
    let settings = &check.settings;
    let steps: Vec<ApprovalStep> = list(settings, "approvers").iter().map(step).collect();
    let minimum = settings
        .get("minRequiredApprovers")
        .and_then(Value::as_u64)
        .and_then(|it| usize::try_from(it).ok())
        .unwrap_or(0);
    let approval = Approval {
        uuid: check.id,
        project: run.project.clone(),
        build: run.id,
        definition: run.definition,
        definition_name: run.definition_name.clone(),
        number: run.number.clone(),
        stage: run.stages[index].name.clone(),
        resource: format!("{} {}", check.resource_kind, check.resource_name),
        check: check.check,
        status: "pending".to_owned(),
        // 0 means everybody who is named, as upstream.
        minimum: if minimum == 0 {
            steps.len()
        } else {
            minimum.min(steps.len())
        },
        requester: run.requested_for.id,
        requester_may_not: settings
            .get("requesterCannotBeApprover")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        instructions: settings
            .get("instructions")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        execution_order: settings
            .get("executionOrder")
            .cloned()
            .unwrap_or_else(|| json!("anyOrder")),
        steps,
        created_at: timeline::now(),
        changed_at: timeline::now(),
        due_at: check.due_at.unwrap_or(i64::MAX),
        blocked: list(settings, "blockedApprovers")
            .iter()
            .map(|it| step(it).approver)
            .collect(),
        deferred_to: None,
    };
    let name = check.id.to_string();
    pipelines
        .store()
        .add(Kind::Approval, run.project.id, &name, &approval, None)
        .await?;
    if !run.stages[index].approvals.contains(&check.id) {
        run.stages[index].approvals.push(check.id);
    }
    pipelines.changed(&run.project, "approval", name);
    Ok(())
}

fn list(settings: &Value, key: &str) -> Vec<Value> {
    let found = settings.get(key).and_then(Value::as_array);
    found.cloned().unwrap_or_default()
}

fn step(approver: &Value) -> ApprovalStep {
    let text = |key: &str| {
        let found = approver.get(key).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
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
}

/// An approval by its id.
pub(crate) async fn find(pipelines: &Pipelines, id: Uuid) -> Result<Option<Stored<Approval>>> {
    pipelines.store().anywhere(Kind::Approval, &id.to_string()).await
}

/// What a person wants of an approval.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decision {
    /// `approved`, `rejected`, or nothing when only somebody else is to decide.
    pub(crate) status: String,
    pub(crate) comment: String,
    /// Who is to decide instead: id, user name or group, and a name for people.
    pub(crate) reassign_to: Option<(String, String)>,
    /// Seconds since the epoch until which a yes does not count.
    pub(crate) deferred_to: Option<i64>,
}

/// What a person says about an approval.
pub(crate) async fn decide(
    pipelines: &Arc<Pipelines>,
    principal: &Principal,
    id: Uuid,
    wish: &Decision,
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
    super::schedule::admit(pipelines, principal, approval).await?;
    let index = entitled(approval, principal)?;
    if let Some((to, name)) = &wish.reassign_to {
        let step = &mut approval.steps[index];
        to.clone_into(&mut step.approver);
        name.clone_into(&mut step.display_name);
        wish.comment.clone_into(&mut step.comment);
    } else {
        vote(approval, index, principal, wish)?;
    }
    settle(pipelines, &mut stored).await?;
    Ok(stored.body)
}

/// The entry that a person may decide now.
fn entitled(approval: &Approval, principal: &Principal) -> std::result::Result<usize, AreaError> {
    let Some(index) = approval.step_of(principal) else {
        let shown = |it: &ApprovalStep| {
            if it.display_name.is_empty() {
                it.approver.clone()
            } else {
                it.display_name.clone()
            }
        };
        let names: Vec<String> = approval.steps.iter().map(shown).collect();
        return Err(AreaError::forbidden(format!(
            "{} is not an approver of {}; approvers are: {}.",
            principal.display_name,
            approval.resource,
            names.join(", ")
        )));
    };
    if approval.requester_may_not && approval.requester == principal.id {
        return Err(AreaError::forbidden("Who requested the run cannot approve it."));
    }
    if approval.is_blocked(principal) {
        let words = format!(
            "{} is among those who may not approve {}.",
            principal.display_name, approval.resource
        );
        return Err(AreaError::forbidden(words));
    }
    let step = &approval.steps[index];
    if step.status != "pending" {
        let words = format!("{} has {} already.", principal.display_name, step.status);
        return Err(AreaError::bad_request(words));
    }
    let first = approval.steps.iter().position(|it| it.status == "pending");
    if approval.is_in_sequence() && first != Some(index) {
        let before = first.map_or("", |first| approval.steps[first].display_name.as_str());
        let words = format!("Approvers decide one after the other here; it is the turn of {before}.");
        return Err(AreaError::bad_request(words));
    }
    Ok(index)
}

fn vote(
    approval: &mut Approval,
    index: usize,
    principal: &Principal,
    wish: &Decision,
) -> std::result::Result<(), AreaError> {
    let word = match wish.status.to_lowercase().as_str() {
        "approved" | "4" => "approved",
        "rejected" | "8" => "rejected",
        other => {
            return Err(AreaError::bad_request(format!(
                "`{other}` is not a decision; expected approved or rejected."
            )));
        }
    };
    let step = &mut approval.steps[index];
    word.clone_into(&mut step.status);
    wish.comment.clone_into(&mut step.comment);
    step.actual = Some(principal.clone());
    step.at = Some(timeline::now());
    let approved = approval.steps.iter().filter(|it| it.status == "approved").count();
    if word == "rejected" || approved >= approval.minimum {
        word.clone_into(&mut approval.status);
    }
    if word == "approved" {
        approval.deferred_to = approval.deferred_to.max(wish.deferred_to);
    }
    Ok(())
}

/// Saves what became of an approval, and lets the run look at it.
async fn settle(pipelines: &Arc<Pipelines>, stored: &mut Stored<Approval>) -> Result {
    save(pipelines, stored).await?;
    if stored.body.status != "pending" {
        advance_later(pipelines, stored.body.build);
    }
    Ok(())
}

async fn save(pipelines: &Pipelines, stored: &mut Stored<Approval>) -> Result {
    stored.body.changed_at = timeline::now();
    let approval = &stored.body;
    let name = approval.uuid.to_string();
    pipelines
        .store()
        .replace(Kind::Approval, stored.id, &name, approval, None)
        .await?;
    pipelines.changed(&approval.project, "approval", name);
    Ok(())
}

/// Ends an approval that is no longer wanted, or that nobody gave in time.
pub(super) async fn end(pipelines: &Pipelines, id: Uuid, status: &str) -> Result {
    let found = find(pipelines, id).await?;
    if let Some(mut stored) = found.filter(|it| it.body.status == "pending") {
        status.clone_into(&mut stored.body.status);
        save(pipelines, &mut stored).await?;
    }
    Ok(())
}

/// Ends the approvals that a cancelled run waits for.
pub(crate) async fn withdraw(pipelines: &Pipelines, run: &Run) -> Result {
    for id in run.stages.iter().flat_map(|stage| &stage.approvals) {
        end(pipelines, *id, "canceled").await?;
    }
    Ok(())
}
