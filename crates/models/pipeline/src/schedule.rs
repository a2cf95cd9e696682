//! What starts next.
//!
//! [`next`] looks at a plan and at how far its run is, and says what to do now. Whoever runs it does that, records it
//! with [`RunState::apply`] and [`RunState::finish`], and asks again until nothing comes back.

mod jobs;
mod reasons;
mod scope;
mod state;

pub use reasons::why_step_skipped;
pub use scope::job_scope;
pub use state::{JobState, LegState, Progress, RunState, StageState};

use crate::runtime::{RuntimeScope, condition};
use crate::{Leg, Outcome, Plan, Stage};

use scope::{stage_dependencies, variables};

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
        /// Leg of the matrix, or run of a hook.
        leg: Option<String>,
    },
    /// A hook does not run; the job goes on.
    SkipLeg {
        /// Stage.
        stage: String,
        /// Job.
        job: String,
        /// Run of a hook.
        leg: String,
        /// Why, for people.
        reason: String,
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
            Progress::Running => jobs::of_stage(plan, state, stage, now, &mut out),
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
    let scope = RuntimeScope {
        variables: variables(run, now, &[]),
        dependencies,
        canceled: run.canceled,
        secrets: run.secrets.clone(),
        ..RuntimeScope::default()
    };
    match verdict(stage.condition.as_deref(), &scope, "stage") {
        // A stage that will not run does not wait for anybody.
        Ok(()) if stage.manual && !now.started_by_person && !run.canceled => None,
        Ok(()) => Some(Decision::StartStage {
            stage: stage.name.clone(),
        }),
        Err((outcome, reason)) => skip(outcome, reason),
    }
}

/// Whether a condition holds; otherwise how that ends and why.
fn verdict(text: Option<&str>, scope: &RuntimeScope, what: &str) -> Result<(), (Outcome, String)> {
    match condition(text.unwrap_or("succeeded()"), scope) {
        Ok(true) => Ok(()),
        Ok(false) if scope.canceled => Err((Outcome::Canceled, "the run was canceled".to_owned())),
        Ok(false) => Err((Outcome::Skipped, reasons::why_not(text, scope, what))),
        Err(error) => Err((
            Outcome::Failed,
            format!(
                "its condition `{}` cannot be worked out: {error}",
                text.unwrap_or_default()
            ),
        )),
    }
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
