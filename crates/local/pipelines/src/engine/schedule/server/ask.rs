//! `ManualValidation`: a person says whether the run goes on, as with an approval.

use pave_auth::Principal;
use pave_pipeline::Outcome;
use serde_json::json;
use uuid::Uuid;

use super::super::super::prepare::ServerJobFacts;
use super::super::super::{approve, timeline};
use super::{Here, Standing, say};
use crate::access::Realm;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::Run;
use crate::store::Kind;
use crate::things::{Approval, ApprovalStep};

/// Stands in the place of a check that asked.
const NO_CHECK: i64 = -1;
/// Where nobody is named.
const ANYBODY: &str = "anybody who may run the pipeline";
/// Minutes that a question stays open whose step has no limit of its own: the job's counts before.
const OPEN: i64 = 30 * 24 * 60;

/// Asks, or looks at what was answered.
pub(super) async fn look(
    pipelines: &Pipelines,
    run: &mut Run,
    facts: &ServerJobFacts,
    here: &Here<'_>,
) -> Result<Standing> {
    let Some(state) = here.state(run).map(|state| state.clone()) else {
        return Ok(Standing::Ended(Outcome::Failed, String::new()));
    };
    let Some(approval) = state.approval else {
        return ask(pipelines, run, facts, here).await;
    };
    let Some(found) = approve::find(pipelines, approval).await? else {
        let words = "The question was removed.".to_owned();
        return Ok(Standing::Ended(Outcome::Failed, words));
    };
    let it = found.body;
    let now = pipelines.clock().now().as_second();
    let decided = it.steps.iter().find(|step| step.status == it.status);
    let who = decided.and_then(|step| step.actual.as_ref());
    let who = who.map_or("somebody", |who| who.display_name.as_str());
    let comment = decided.map_or("", |step| step.comment.as_str());
    let comment = if comment.is_empty() {
        String::new()
    } else {
        format!(" \u{201c}{comment}\u{201d}")
    };
    Ok(match it.status.as_str() {
        "pending" if state.due_at.is_some_and(|due| due <= now) => {
            approve::end(pipelines, approval, "timedOut").await?;
            let nobody = format!("Nobody answered within {} minutes", state.minutes);
            if state.resumes {
                Standing::Ended(
                    Outcome::Succeeded,
                    format!("{nobody}; the run goes on, as `onTimeout: resume` says."),
                )
            } else {
                Standing::Ended(
                    Outcome::Failed,
                    format!("{nobody}; the validation counts as rejected."),
                )
            }
        }
        "pending" => Standing::Waits(waits(&it)),
        "approved" => match it.deferred_to.filter(|at| *at > now) {
            Some(at) => {
                if let Some(state) = here.state(run) {
                    state.next_at = Some(at);
                }
                let when = jiff::Timestamp::from_second(at).unwrap_or_default();
                Standing::Waits(format!("Resumed by {who}, but not before {when}."))
            }
            None => Standing::Ended(
                Outcome::Succeeded,
                format!("The run was resumed by {who}.{comment}"),
            ),
        },
        "rejected" => Standing::Ended(
            Outcome::Failed,
            format!("The validation was rejected by {who}.{comment}"),
        ),
        _ => Standing::Ended(Outcome::Failed, "The question was withdrawn.".to_owned()),
    })
}

fn waits(it: &Approval) -> String {
    let names: Vec<&str> = it.steps.iter().map(|step| step.display_name.as_str()).collect();
    let instructions = match it.instructions.as_str() {
        "" => String::new(),
        text => format!(" Instructions: {text}"),
    };
    format!("Waits for {}.{instructions}", names.join(" or "))
}

async fn ask(
    pipelines: &Pipelines,
    run: &mut Run,
    facts: &ServerJobFacts,
    here: &Here<'_>,
) -> Result<Standing> {
    // One record asks once, also where we were ended between the question and its note.
    let id = here.record(run).unwrap_or_else(Uuid::new_v4);
    let stage = run
        .job(here.job)
        .map(|(stage, _)| stage.name.clone())
        .unwrap_or_default();
    let own_runs = here.input(facts, &["allowApproversToApproveTheirOwnRuns"]);
    let now = pipelines.clock().now().as_second();
    let due = here.state(run).and_then(|state| state.due_at);
    let approval = Approval {
        uuid: id,
        project: run.project.clone(),
        build: run.id,
        definition: run.definition,
        definition_name: run.definition_name.clone(),
        number: run.number.clone(),
        stage: stage.clone(),
        resource: format!("step {}", here.step.display_name),
        check: NO_CHECK,
        status: "pending".to_owned(),
        minimum: 1,
        requester: run.requested_for.id,
        requester_may_not: own_runs.trim().eq_ignore_ascii_case("false"),
        instructions: here.input(facts, &["instructions"]),
        execution_order: json!("anyOrder"),
        steps: people(&here.input(facts, &["approvers"])),
        created_at: timeline::now(),
        changed_at: timeline::now(),
        due_at: due.unwrap_or(now + OPEN * 60),
        blocked: Vec::new(),
        deferred_to: None,
    };
    if approve::find(pipelines, id).await?.is_none() {
        let name = id.to_string();
        pipelines
            .store()
            .add(Kind::Approval, run.project.id, &name, &approval, None)
            .await?;
        pipelines.changed(&run.project, "approval", name);
    }
    let resumes = here
        .input(facts, &["onTimeout"])
        .trim()
        .eq_ignore_ascii_case("resume");
    if let Some(state) = here.state(run) {
        state.approval = Some(id);
        state.resumes = resumes;
    }
    if let Some(stage) = run.stage_mut(&stage)
        && !stage.approvals.contains(&id)
    {
        stage.approvals.push(id);
    }
    let words = waits(&approval);
    say(pipelines, run, here, &words);
    let notified = here.input(facts, &["notifyUsers"]);
    if !notified.trim().is_empty() {
        let names = notified.split_whitespace().collect::<Vec<_>>().join(" ");
        say(
            pipelines,
            run,
            here,
            &format!("No mail is sent here; to be told were: {names}"),
        );
    }
    Ok(Standing::Waits(words))
}

/// Who is named, separated by commas or lines; `[organization]\group` is the group.
fn people(text: &str) -> Vec<ApprovalStep> {
    let named = text
        .split([',', ';', '\n'])
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let entry = |approver: &str, display_name: &str| ApprovalStep {
        approver: approver.to_owned(),
        display_name: display_name.to_owned(),
        status: "pending".to_owned(),
        comment: String::new(),
        actual: None,
        at: None,
    };
    let all: Vec<ApprovalStep> = named
        .map(|name| {
            let short = name.rsplit('\\').next().unwrap_or(name);
            entry(short, short)
        })
        .collect();
    if all.is_empty() {
        vec![entry("", ANYBODY)]
    } else {
        all
    }
}

/// Lets somebody who may run the pipeline decide a question that names nobody.
pub(crate) async fn admit(pipelines: &Pipelines, principal: &Principal, approval: &mut Approval) -> Result {
    let open = |step: &&mut ApprovalStep| step.approver.is_empty() && step.status == "pending";
    let asks = approval.check == NO_CHECK;
    let Some(step) = approval.steps.iter_mut().find(open).filter(|_| asks) else {
        return Ok(());
    };
    let (project, name) = (&approval.project, &approval.definition_name);
    pipelines
        .check(principal, "queue", Realm::Pipelines, project, name)
        .await?;
    step.approver = principal.id.to_string();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approvers_are_separated_by_commas_or_lines() {
        for (text, expected) in [
            ("alice, bob@example.com", vec!["alice", "bob@example.com"]),
            ("[pave]\\platform\nalice", vec!["platform", "alice"]),
            (" , ", vec![""]),
        ] {
            let found: Vec<String> = people(text).into_iter().map(|step| step.approver).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
