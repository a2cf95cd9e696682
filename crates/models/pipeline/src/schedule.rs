//! What starts next.
//!
//! [`next`] looks at a plan and at how far its run is, and says what to do now. Whoever runs it does that, records it
//! with [`RunState::apply`] and [`RunState::finish`], and asks again until nothing comes back.

mod state;

pub use state::{JobState, LegState, Progress, RunState, StageState};

use std::collections::HashSet;

use crate::runtime::{
    Dependency, RuntimeScope, condition, is_runtime_expression, matrix_from_json, runtime_value,
};
use crate::{Job, JobKind, Leg, Outcome, Plan, Stage, Variable};

/// Something to do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Its checks and approvals come first; then its jobs.
    StartStage {
        /// Which.
        stage: String,
    },
    /// It does not run.
    SkipStage {
        /// Which.
        stage: String,
        /// `Skipped`, `Canceled`, or `Failed` where its condition cannot be worked out.
        outcome: Outcome,
        /// Why, for people.
        reason: String,
    },
    /// A matrix that was worked out just now.
    SetMatrix {
        /// Stage.
        stage: String,
        /// Job.
        job: String,
        /// Legs.
        legs: Vec<Leg>,
    },
    /// A job, or one leg of it, starts on an agent.
    StartJob {
        /// Stage.
        stage: String,
        /// Job.
        job: String,
        /// Leg of the matrix.
        leg: Option<String>,
    },
    /// It does not run.
    SkipJob {
        /// Stage.
        stage: String,
        /// Job.
        job: String,
        /// As for stages.
        outcome: Outcome,
        /// Why, for people.
        reason: String,
    },
    /// All legs of a job have ended.
    FinishJob {
        /// Stage.
        stage: String,
        /// Job.
        job: String,
        /// How.
        outcome: Outcome,
    },
    /// All jobs of a stage have ended.
    FinishStage {
        /// Stage.
        stage: String,
        /// How.
        outcome: Outcome,
    },
    /// All stages have ended.
    FinishRun {
        /// How.
        outcome: Outcome,
    },
}

/// What to do now. Empty: wait for something that runs, for an approval, or for a person.
#[must_use]
pub fn next(plan: &Plan, state: &RunState) -> Vec<Decision> {
    let mut out = Vec::new();
    for stage in &plan.stages {
        let Some(now) = state.stage(&stage.name) else {
            continue;
        };
        match now.progress {
            Progress::Pending => out.extend(start_stage(plan, state, stage, now)),
            Progress::Running => jobs(plan, state, stage, now, &mut out),
            Progress::Waiting if state.canceled => out.push(Decision::SkipStage {
                stage: stage.name.clone(),
                outcome: Outcome::Canceled,
                reason: "the run was canceled".to_owned(),
            }),
            Progress::Waiting | Progress::Completed(_) => {}
        }
    }
    let ended: Option<Vec<Outcome>> = state
        .stages
        .iter()
        .map(|stage| stage.progress.outcome())
        .collect();
    if let (Some(outcomes), None) = (ended, state.outcome) {
        let outcome = match together(&outcomes) {
            _ if state.canceled => Outcome::Canceled,
            Outcome::Skipped => Outcome::Succeeded,
            other => other,
        };
        out.push(Decision::FinishRun { outcome });
    }
    out
}

fn start_stage(plan: &Plan, run: &RunState, stage: &Stage, now: &StageState) -> Option<Decision> {
    let skip = |outcome, reason: String| {
        Some(Decision::SkipStage {
            stage: stage.name.clone(),
            outcome,
            reason,
        })
    };
    if run.is_skipped_by_person(&stage.name) {
        return skip(Outcome::Skipped, "left out when the run was queued".to_owned());
    }
    let dependencies = stage_dependencies(plan, run, stage)?;
    if stage.manual && !now.started_by_person && !run.canceled {
        return None;
    }
    let scope = RuntimeScope {
        variables: variables(run, &[]),
        dependencies,
        canceled: run.canceled,
        ..RuntimeScope::default()
    };
    match verdict(stage.condition.as_deref(), &scope) {
        Ok(()) => Some(Decision::StartStage {
            stage: stage.name.clone(),
        }),
        Err((outcome, reason)) => skip(outcome, reason),
    }
}

/// Whether a condition holds; otherwise how that ends and why.
fn verdict(text: Option<&str>, scope: &RuntimeScope) -> Result<(), (Outcome, String)> {
    match condition(text.unwrap_or("succeeded()"), scope) {
        Ok(true) => Ok(()),
        Ok(false) if scope.canceled => Err((Outcome::Canceled, "the run was canceled".to_owned())),
        Ok(false) => Err((Outcome::Skipped, why_not(text, scope))),
        Err(error) => Err((
            Outcome::Failed,
            format!("its condition cannot be worked out: {error}"),
        )),
    }
}

fn why_not(text: Option<&str>, scope: &RuntimeScope) -> String {
    let counts =
        |one: &&Dependency| !one.outcome.is_success() && (one.direct || one.outcome != Outcome::Skipped);
    let bad: Vec<String> = scope
        .dependencies
        .iter()
        .filter(counts)
        .map(|one| format!("`{}` {}", one.name, in_words(one.outcome)))
        .collect();
    match text {
        None => bad.join(", "),
        Some(text) if bad.is_empty() => format!("its condition does not hold: {text}"),
        Some(text) => format!("its condition does not hold: {text} ({})", bad.join(", ")),
    }
}

fn in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded | Outcome::SucceededWithIssues => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Canceled => "was canceled",
        Outcome::Skipped => "was skipped",
    }
}

/// Stages above a stage; `None` while one of its own has not ended. Stages that a person left out do not count.
fn stage_dependencies(plan: &Plan, run: &RunState, stage: &Stage) -> Option<Vec<Dependency>> {
    let above = ancestors(&stage.depends_on, &|name| {
        plan.stages
            .iter()
            .find(|one| one.name.eq_ignore_ascii_case(name))
            .map(|one| one.depends_on.as_slice())
    });
    let mut out = Vec::new();
    for (name, direct) in above {
        let Some(found) = run.stage(&name) else { continue };
        if run.is_skipped_by_person(&name) {
            continue;
        }
        match found.progress.outcome() {
            Some(outcome) => out.push(Dependency {
                name: found.name.clone(),
                outcome,
                direct,
                outputs: stage_outputs(plan, found),
            }),
            None if direct => return None,
            None => {}
        }
    }
    Some(out)
}

/// Names above, nearest first, and whether they are named directly.
fn ancestors<'a>(direct: &'a [String], above: &dyn Fn(&str) -> Option<&'a [String]>) -> Vec<(String, bool)> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut out = Vec::new();
    let mut waiting: Vec<(&String, bool)> = direct.iter().map(|name| (name, true)).collect();
    while !waiting.is_empty() {
        let mut further = Vec::new();
        for (name, direct) in waiting {
            if seen.insert(name.to_ascii_lowercase()) {
                out.push((name.clone(), direct));
                further.extend(above(name).unwrap_or_default().iter().map(|name| (name, false)));
            }
        }
        waiting = further;
    }
    out
}

fn stage_outputs(plan: &Plan, stage: &StageState) -> Vec<(String, String)> {
    let jobs = plan.stages.iter().find(|one| one.name == stage.name);
    let mut out = Vec::new();
    for job in &stage.jobs {
        let kind = jobs.and_then(|stage| stage.jobs.iter().find(|one| one.name == job.name));
        let outputs = job_outputs(kind, job);
        out.extend(
            outputs
                .into_iter()
                .map(|(key, value)| (format!("{}.{key}", job.name), value)),
        );
    }
    out
}

/// Outputs as they are addressed: `step.variable`, with the leg before it in a matrix; of a deployment also with the
/// job before it, as upstream.
fn job_outputs(job: Option<&Job>, state: &JobState) -> Vec<(String, String)> {
    let deployment = job.is_some_and(|job| matches!(job.kind, JobKind::Deployment { .. }));
    let mut out = Vec::new();
    for leg in &state.legs {
        for (key, value) in &leg.outputs {
            match &leg.name {
                Some(name) => out.push((format!("{name}.{key}"), value.clone())),
                None => out.push((key.clone(), value.clone())),
            }
            if deployment {
                out.push((format!("{}.{key}", state.name), value.clone()));
            }
        }
    }
    out
}

fn variables(run: &RunState, further: &[&[Variable]]) -> Vec<(String, String)> {
    let mut out = run.variables.clone();
    for variable in further.iter().copied().flatten() {
        if let Variable::Value { name, value, .. } = variable
            && !is_runtime_expression(value)
        {
            out.push((name.clone(), value.clone()));
        }
    }
    out
}

fn jobs(plan: &Plan, run: &RunState, stage: &Stage, now: &StageState, out: &mut Vec<Decision>) {
    let above = stage_dependencies(plan, run, stage).unwrap_or_default();
    for job in &stage.jobs {
        let Some(job_state) = now.job(&job.name) else {
            continue;
        };
        if job_state.progress.outcome().is_some() {
            continue;
        }
        if job_state.progress == Progress::Pending {
            out.extend(start_job(plan, run, stage, now, job, &above));
        } else {
            out.extend(legs(run, stage, job, job_state));
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

/// Legs that start now, as many as may run at the same time; or the end of the job.
fn legs(run: &RunState, stage: &Stage, job: &Job, now: &JobState) -> Vec<Decision> {
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
    if run.canceled {
        return Vec::new();
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
        .map(|leg| Decision::StartJob {
            stage: stage.name.clone(),
            job: job.name.clone(),
            leg: leg.name.clone(),
        })
        .collect()
}

fn start_job(
    plan: &Plan,
    run: &RunState,
    stage: &Stage,
    now: &StageState,
    job: &Job,
    stages_above: &[Dependency],
) -> Vec<Decision> {
    let Some(dependencies) = job_dependencies(stage, now, job) else {
        return Vec::new();
    };
    let scope = RuntimeScope {
        variables: variables(run, &[&stage.variables, &job.variables]),
        dependencies,
        stage_dependencies: stages_above
            .iter()
            .filter_map(|above| Some((above.name.clone(), jobs_of(plan, run.stage(&above.name)?))))
            .collect(),
        canceled: run.canceled,
        ..RuntimeScope::default()
    };
    let skip = |(outcome, reason)| {
        vec![Decision::SkipJob {
            stage: stage.name.clone(),
            job: job.name.clone(),
            outcome,
            reason,
        }]
    };
    if let Err(refusal) = verdict(job.condition.as_deref(), &scope) {
        return skip(refusal);
    }
    let Some(expression) = &job.matrix_expression else {
        let fresh = now.job(&job.name).cloned().unwrap_or_default();
        return legs(
            &RunState {
                canceled: false,
                ..RunState::default()
            },
            stage,
            job,
            &fresh,
        );
    };
    let legs = runtime_value(expression, &scope).map_err(|error| error.message);
    match legs.and_then(|text| matrix_from_json(&text)) {
        Ok(legs) => vec![Decision::SetMatrix {
            stage: stage.name.clone(),
            job: job.name.clone(),
            legs,
        }],
        Err(reason) => skip((
            Outcome::Failed,
            format!("its matrix cannot be worked out: {reason}"),
        )),
    }
}

fn job_dependencies(stage: &Stage, now: &StageState, job: &Job) -> Option<Vec<Dependency>> {
    let above = ancestors(&job.depends_on, &|name| {
        let found = stage.jobs.iter().find(|one| one.name.eq_ignore_ascii_case(name));
        found.map(|one| one.depends_on.as_slice())
    });
    let mut out = Vec::new();
    for (name, direct) in above {
        let Some(found) = now.job(&name) else { continue };
        match found.progress.outcome() {
            Some(outcome) => out.push(Dependency {
                name: found.name.clone(),
                outcome,
                direct,
                outputs: job_outputs(stage.jobs.iter().find(|one| one.name == found.name), found),
            }),
            None if direct => return None,
            None => {}
        }
    }
    Some(out)
}

fn jobs_of(plan: &Plan, stage: &StageState) -> Vec<Dependency> {
    let jobs = plan.stages.iter().find(|one| one.name == stage.name);
    stage
        .jobs
        .iter()
        .filter_map(|job| {
            Some(Dependency {
                name: job.name.clone(),
                outcome: job.progress.outcome()?,
                direct: true,
                outputs: job_outputs(
                    jobs.and_then(|stage| stage.jobs.iter().find(|one| one.name == job.name)),
                    job,
                ),
            })
        })
        .collect()
}

/// How several things ended together.
fn together(outcomes: &[Outcome]) -> Outcome {
    let any = |outcome| outcomes.contains(&outcome);
    if any(Outcome::Failed) {
        Outcome::Failed
    } else if any(Outcome::Canceled) {
        Outcome::Canceled
    } else if any(Outcome::SucceededWithIssues) {
        Outcome::SucceededWithIssues
    } else if !outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == Outcome::Skipped) {
        Outcome::Skipped
    } else {
        Outcome::Succeeded
    }
}

#[cfg(test)]
mod tests;
