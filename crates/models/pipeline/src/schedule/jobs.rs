//! Jobs of a stage that is under way, their legs, and the hooks of deployments.

use super::scope::job_scope;
use super::{Decision, JobState, LegState, Progress, RunState, StageState, together, verdict};
use crate::runtime::{matrix_from_json, runtime_value};
use crate::{Job, JobKind, Outcome, Plan, Stage};

/// What to do in a stage.
pub(super) fn of_stage(
    plan: &Plan,
    run: &RunState,
    stage: &Stage,
    now: &StageState,
    out: &mut Vec<Decision>,
) {
    for job in &stage.jobs {
        let Some(job_state) = now.job(&job.name) else {
            continue;
        };
        match job_state.progress {
            Progress::Completed(_) => {}
            Progress::Pending => out.extend(start(plan, run, stage, now, job, job_state)),
            _ => out.extend(legs(stage, job, job_state)),
        }
    }
    let ended: Option<Vec<Outcome>> = now.jobs.iter().map(|job| job.progress.outcome()).collect();
    if let Some(outcomes) = ended {
        out.push(Decision::FinishStage {
            stage: stage.name.clone(),
            outcome: together(&outcomes),
        });
    }
}

fn start(
    plan: &Plan,
    run: &RunState,
    stage: &Stage,
    now: &StageState,
    job: &Job,
    job_state: &JobState,
) -> Vec<Decision> {
    let waits = job.depends_on.iter().any(|name| {
        now.job(name)
            .is_some_and(|above| above.progress.outcome().is_none())
    });
    if waits {
        return Vec::new();
    }
    let scope = job_scope(plan, run, stage, job);
    let skip = |(outcome, reason)| {
        vec![Decision::SkipJob {
            stage: stage.name.clone(),
            job: job.name.clone(),
            outcome,
            reason,
        }]
    };
    if let Err(refusal) = verdict(job.condition.as_deref(), &scope, "job") {
        return skip(refusal);
    }
    // Legs with names were worked out at an earlier attempt.
    let fresh = job_state.legs.iter().all(|leg| leg.name.is_none());
    let Some(expression) = job.matrix_expression.as_ref().filter(|_| fresh) else {
        return legs(stage, job, job_state);
    };
    let legs = runtime_value(expression, &scope).map_err(|error| error.message);
    match legs.and_then(|text| matrix_from_json(&text)) {
        Ok(legs) if legs.is_empty() => skip((Outcome::Skipped, "its matrix has no legs".to_owned())),
        Ok(legs) => vec![Decision::SetMatrix {
            stage: stage.name.clone(),
            job: job.name.clone(),
            legs,
        }],
        Err(reason) => skip((
            Outcome::Failed,
            format!("its matrix `{expression}` cannot be worked out: {reason}"),
        )),
    }
}

/// Legs that start now, or the end of the job.
fn legs(stage: &Stage, job: &Job, now: &JobState) -> Vec<Decision> {
    let ended: Option<Vec<Outcome>> = now.legs.iter().map(|leg| leg.progress.outcome()).collect();
    if let Some(outcomes) = ended {
        let outcome = match together(&outcomes) {
            Outcome::Failed if job.continue_on_error => Outcome::SucceededWithIssues,
            other => other,
        };
        return vec![Decision::FinishJob {
            stage: stage.name.clone(),
            job: job.name.clone(),
            outcome,
        }];
    }
    if matches!(job.kind, JobKind::Deployment { .. }) {
        return hooks(stage, job, now);
    }
    let running = now
        .legs
        .iter()
        .filter(|leg| leg.progress == Progress::Running)
        .count();
    let free = match job.max_parallel {
        0 => usize::MAX,
        most => (most as usize).saturating_sub(running),
    };
    now.legs
        .iter()
        .filter(|leg| leg.progress == Progress::Pending)
        .take(free)
        .map(|leg| start_leg(stage, job, leg))
        .collect()
}

fn start_leg(stage: &Stage, job: &Job, leg: &LegState) -> Decision {
    Decision::StartJob {
        stage: stage.name.clone(),
        job: job.name.clone(),
        leg: leg.name.clone(),
    }
}

/// Hooks run one after the other. After one has failed only `on.failure` runs; `on.success` runs when none has.
fn hooks(stage: &Stage, job: &Job, now: &JobState) -> Vec<Decision> {
    let mut out = Vec::new();
    let mut before = Outcome::Succeeded;
    for leg in &now.legs {
        match leg.progress {
            Progress::Completed(Outcome::Failed | Outcome::Canceled) => {
                before = together(&[before, leg.progress.outcome().unwrap_or(before)]);
            }
            Progress::Completed(_) => {}
            Progress::Running | Progress::Waiting => return out,
            Progress::Pending => {
                let name = leg.name.clone().unwrap_or_default();
                let planned = job.matrix.iter().find(|one| one.name == name);
                let hook = planned.map_or("", |leg| leg.hook.as_str());
                let refusal = match (hook, before) {
                    ("failure", Outcome::Succeeded) => Some("nothing has failed"),
                    ("failure", Outcome::Failed) | (_, Outcome::Succeeded) => None,
                    (_, Outcome::Canceled) => Some("the hook before it was canceled"),
                    _ => Some("a hook before it has failed"),
                };
                let Some(reason) = refusal else {
                    out.push(start_leg(stage, job, leg));
                    return out;
                };
                out.push(Decision::SkipLeg {
                    stage: stage.name.clone(),
                    job: job.name.clone(),
                    leg: name,
                    reason: reason.to_owned(),
                });
            }
        }
    }
    out
}
