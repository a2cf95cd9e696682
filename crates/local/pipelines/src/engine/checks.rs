//! The checks before a stage: what of the resources it uses must be granted first, and how that stands.
//!
//! A stage comes here when everything else lets it start. What it finds then counts for this attempt; YAML has no say in
//! it. [`gate`] is asked again whenever something may have changed, and works only from what is stored with the run.

mod call;
mod collect;
mod facts;
mod lock;
mod watch;

use pave_pipeline::{CheckKind, Outcome, Stage};

use super::{approve, timeline};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{CheckStatus, GateCheck, Progress, Run, StageGate};

pub(crate) use call::{call, refusal as call_refusal, target_of as call_target};
pub(crate) use collect::{guard, permission_name, permits};
pub(crate) use facts::{business_hours, required_templates};
pub(crate) use lock::after;
pub(crate) use watch::watch;

/// Whether a stage may start.
pub(crate) enum Gate {
    Open,
    Waiting,
    Shut(String),
}

/// What one look at a check gave.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Granted(String),
    /// In words what it waits for; when to look again, in seconds since the epoch.
    Waits(String, Option<i64>),
    Denied(String),
}

/// Looks at the checks of a stage, and says how they stand.
pub(crate) async fn gate(pipelines: &Pipelines, run: &mut Run, index: usize, plan: &Stage) -> Result<Gate> {
    let attempt = run.stages[index].attempt;
    let name = run.stages[index].name.clone();
    let known = run
        .gates
        .iter()
        .position(|gate| gate.stage == name && gate.attempt == attempt);
    let position = match known {
        Some(position) => position,
        None => match collect::begin(pipelines, run, index, plan).await? {
            Some(gate) => {
                collect::add_records(run, index, &gate);
                run.gates.push(gate);
                run.stages[index].checked = true;
                run.gates.len() - 1
            }
            None => return Ok(Gate::Open),
        },
    };
    let mut gate = run.gates[position].clone();
    if gate.closed {
        return Ok(closed(&gate));
    }
    let decided = look(pipelines, run, index, plan, &mut gate).await?;
    show(run, &gate);
    if !matches!(decided, Gate::Waiting) {
        gate.closed = true;
        if !matches!(decided, Gate::Open) {
            gate.released = true;
            lock::give_back(pipelines, run, &gate).await?;
        }
    }
    run.gates[position] = gate;
    pipelines.gates_changed.notify_one();
    Ok(decided)
}

fn closed(gate: &StageGate) -> Gate {
    let bad = gate
        .checks
        .iter()
        .find(|check| check.status != CheckStatus::Approved);
    bad.map_or(Gate::Open, |check| Gate::Shut(check.message.clone()))
}

/// One turn after the other: what facts decide, then people and services, then locks.
async fn look(
    pipelines: &Pipelines,
    run: &mut Run,
    index: usize,
    plan: &Stage,
    gate: &mut StageGate,
) -> Result<Gate> {
    for turn in 0..=2 {
        let mut waiting = false;
        for position in 0..gate.checks.len() {
            let mut check = gate.checks[position].clone();
            if check.turn != turn || check.status.is_final() {
                continue;
            }
            if run.canceled {
                finish(&mut check, CheckStatus::Canceled, "The run was canceled.");
            } else {
                step(pipelines, run, index, plan, gate, &mut check).await?;
            }
            waiting |= !check.status.is_final();
            gate.checks[position] = check;
            // Locks are taken in order, so that two runs never wait for each other.
            if turn == 2 && waiting {
                break;
            }
        }
        let bad = gate
            .checks
            .iter()
            .find(|check| check.status.is_final() && check.status != CheckStatus::Approved);
        if let Some(bad) = bad {
            let why = format!(
                "{} of {} `{}`: {}",
                bad.title, bad.resource_kind, bad.resource_name, bad.message
            );
            withdraw(pipelines, gate, "Another check has failed.").await?;
            return Ok(Gate::Shut(why));
        }
        if waiting {
            return Ok(Gate::Waiting);
        }
    }
    Ok(Gate::Open)
}

/// Looks at one check, and ends it when its time is over.
async fn step(
    pipelines: &Pipelines,
    run: &mut Run,
    index: usize,
    plan: &Stage,
    gate: &StageGate,
    check: &mut GateCheck,
) -> Result {
    let now = pipelines.clock().now().as_second();
    if check.status == CheckStatus::Queued {
        check.status = CheckStatus::Running;
        check.started_at = Some(timeline::now());
        check.due_at = Some(now.saturating_add(check.timeout.max(1).saturating_mul(60)));
        if kind_of(check) == Some(CheckKind::Approval) {
            approve::ask(pipelines, run, index, check).await?;
        }
    }
    let verdict = match kind_of(check) {
        None if check.check == 0 => collect::permission(pipelines, run, check).await?,
        None => Verdict::Denied("There is no such check here, so nobody can grant it.".to_owned()),
        Some(CheckKind::Approval) => approval(pipelines, check).await?,
        Some(CheckKind::BranchControl) => facts::branches(pipelines, run, check).await?,
        Some(CheckKind::RequiredTemplate) => facts::template(pipelines, run, check).await?,
        Some(CheckKind::BusinessHours) => facts::hours(pipelines, check),
        Some(CheckKind::RestCall) => call::verdict(pipelines, run, gate, check)?,
        Some(CheckKind::ExclusiveLock) => lock::verdict(pipelines, run, plan, check).await?,
    };
    match verdict {
        Verdict::Granted(words) => finish(check, CheckStatus::Approved, &words),
        Verdict::Denied(words) => finish(check, CheckStatus::Rejected, &words),
        Verdict::Waits(words, _) if check.due_at.is_some_and(|due| due <= now) => {
            let words = format!(
                "Nothing came of it within {} minutes. {words}",
                check.timeout.max(1)
            );
            finish(check, CheckStatus::TimedOut, &words);
            if kind_of(check) == Some(CheckKind::Approval) {
                approve::end(pipelines, check.id, "timedOut").await?;
            }
        }
        Verdict::Waits(words, next) => {
            check.message = words;
            check.next_at = next;
        }
    }
    Ok(())
}

/// Which check it is; `None` for the permission of the pipeline itself.
fn kind_of(check: &GateCheck) -> Option<CheckKind> {
    let text = |value: &serde_json::Value, pointer: &str| {
        let found = value.pointer(pointer).and_then(serde_json::Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    CheckKind::find(
        &text(&check.kind, "/id"),
        &text(&check.kind, "/name"),
        &text(&check.settings, "/definitionRef/id"),
        &text(&check.settings, "/definitionRef/name"),
    )
    .ok()
}

fn finish(check: &mut GateCheck, status: CheckStatus, words: &str) {
    check.status = status;
    words.clone_into(&mut check.message);
    check.next_at = None;
    check.finished_at = Some(timeline::now());
}

async fn approval(pipelines: &Pipelines, check: &GateCheck) -> Result<Verdict> {
    let Some(found) = approve::find(pipelines, check.id).await? else {
        return Ok(Verdict::Denied("The approval was removed.".to_owned()));
    };
    let it = found.body;
    let named = |step: &crate::things::ApprovalStep| {
        let names = [&step.display_name, &step.approver];
        names
            .into_iter()
            .find(|name| !name.is_empty())
            .cloned()
            .unwrap_or_default()
    };
    let decided: Vec<String> = it
        .steps
        .iter()
        .filter(|step| step.status != "pending")
        .filter_map(|step| step.actual.as_ref())
        .map(|who| who.display_name.clone())
        .collect();
    Ok(match it.status.as_str() {
        "pending" => {
            let open: Vec<String> = it
                .steps
                .iter()
                .filter(|step| step.status == "pending")
                .map(named)
                .collect();
            let given = it.steps.iter().filter(|step| step.status == "approved").count();
            let words = format!(
                "Waits for {} of {} approvals; asked are: {}.",
                it.minimum - given.min(it.minimum),
                it.minimum,
                open.join(", ")
            );
            Verdict::Waits(words, None)
        }
        "approved" => match it
            .deferred_to
            .filter(|at| *at > pipelines.clock().now().as_second())
        {
            Some(at) => {
                let when = jiff::Timestamp::from_second(at).unwrap_or_default();
                Verdict::Waits(format!("Approved, but not before {when}."), Some(at))
            }
            None => Verdict::Granted(format!("Approved by {}.", decided.join(", "))),
        },
        "rejected" => {
            let comment = it
                .steps
                .iter()
                .find(|step| step.status == "rejected")
                .map(|step| step.comment.as_str())
                .filter(|comment| !comment.is_empty());
            let comment = comment.map_or_else(String::new, |comment| format!(" \u{201c}{comment}\u{201d}"));
            let who = decided.last().cloned().unwrap_or_default();
            Verdict::Denied(format!("The approval was rejected by {who}.{comment}"))
        }
        _ => Verdict::Denied("The approval was withdrawn.".to_owned()),
    })
}

/// What still waits need not be decided any more.
async fn withdraw(pipelines: &Pipelines, gate: &mut StageGate, why: &str) -> Result {
    for check in gate.checks.iter_mut().filter(|check| !check.status.is_final()) {
        if kind_of(check) == Some(CheckKind::Approval) {
            approve::end(pipelines, check.id, "canceled").await?;
        }
        finish(check, CheckStatus::Canceled, why);
    }
    Ok(())
}

/// Puts into the timeline how the checks stand.
fn show(run: &mut Run, gate: &StageGate) {
    for check in &gate.checks {
        let (id, message) = (check.id, check.message.clone());
        let Some(record) = run.record_mut(id) else {
            continue;
        };
        if record.progress == Progress::Completed {
            continue;
        }
        if check.status != CheckStatus::Queued {
            record.progress = Progress::Running;
            record.started_at.clone_from(&check.started_at);
        }
        record.operation = Some(message.clone()).filter(|words| !words.is_empty());
        match check.status {
            CheckStatus::Queued | CheckStatus::Running => {}
            CheckStatus::Approved => timeline::end_record(run, id, Outcome::Succeeded),
            CheckStatus::Canceled => timeline::end_record(run, id, Outcome::Canceled),
            CheckStatus::Rejected | CheckStatus::TimedOut => {
                timeline::complain(run, id, &message);
                timeline::end_record(run, id, Outcome::Failed);
            }
        }
    }
    let outcome = if gate.checks.iter().all(|it| it.status == CheckStatus::Approved) {
        Outcome::Succeeded
    } else if gate.checks.iter().all(|it| it.status.is_final()) {
        Outcome::Failed
    } else {
        return;
    };
    timeline::end_record(run, gate.checkpoint, outcome);
}
