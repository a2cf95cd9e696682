//! A run as the model sees it.

use pave_pipeline::{Job, JobState, LegState, Outcome, RunState, Stage, StageState};

use super::super::variables;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{JobRun, Progress, Run, StageRun};

/// How far a run is. Output variables that are secret are left out: conditions must not show them.
pub(crate) fn state(run: &Run) -> RunState {
    let stages = run.plan.stages.iter().filter_map(|planned| {
        let stage = run
            .stages
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(&planned.name))?;
        Some(stage_state(run, planned, stage))
    });
    RunState {
        canceled: run.canceled,
        outcome: run.result,
        variables: Vec::new(),
        secrets: Vec::new(),
        skipped_by_person: run.stages_to_skip.clone(),
        stages: stages.collect(),
    }
}

fn stage_state(run: &Run, planned: &Stage, stage: &StageRun) -> StageState {
    StageState {
        name: stage.name.clone(),
        progress: match stage.progress {
            Progress::Pending if stage.checked => pave_pipeline::Progress::Waiting,
            other => progress(other, stage.outcome, false),
        },
        variables: Vec::new(),
        started_by_person: stage.released,
        attempt: stage.attempt,
        jobs: planned
            .jobs
            .iter()
            .map(|job| job_state(run, job, stage))
            .collect(),
    }
}

fn job_state(run: &Run, planned: &Job, stage: &StageRun) -> JobState {
    let own: Vec<&JobRun> = stage
        .jobs
        .iter()
        .filter(|it| it.name.eq_ignore_ascii_case(&planned.name))
        .collect();
    let legs: Vec<LegState> = own.iter().map(|leg| leg_state(leg)).collect();
    let record = |id| run.records.iter().find(|it| it.id == id);
    let phase = own
        .first()
        .and_then(|leg| record(leg.id)?.parent)
        .and_then(record);
    let running = legs
        .iter()
        .any(|leg| leg.progress == pave_pipeline::Progress::Running);
    JobState {
        name: planned.name.clone(),
        progress: phase.map_or_else(pave_pipeline::Progress::default, |phase| {
            progress(phase.progress, phase.outcome, running)
        }),
        legs,
    }
}

fn leg_state(leg: &JobRun) -> LegState {
    let visible = leg.outputs.iter().filter(|(_, output)| !output.secret);
    LegState {
        name: Some(leg.leg.clone()).filter(|name| !name.is_empty()),
        progress: progress(leg.progress, leg.outcome, leg.queued),
        attempt: 0,
        outputs: visible
            .map(|(name, output)| (name.clone(), output.value.clone()))
            .collect(),
    }
}

/// `begun`: something of it waits for an agent.
fn progress(progress: Progress, outcome: Option<Outcome>, begun: bool) -> pave_pipeline::Progress {
    match progress {
        Progress::Completed => pave_pipeline::Progress::Completed(outcome.unwrap_or(Outcome::Failed)),
        Progress::Running => pave_pipeline::Progress::Running,
        Progress::Pending if begun => pave_pipeline::Progress::Running,
        Progress::Pending => pave_pipeline::Progress::Pending,
    }
}

/// Adds the variables that conditions see, where a condition asks for any.
pub(super) async fn add_variables(pipelines: &Pipelines, run: &Run, state: &mut RunState) -> Result {
    if !run.plan.stages.iter().any(asks) {
        return Ok(());
    }
    (state.variables, state.secrets) = variables::shown(pipelines, run, &Stage::default()).await?;
    for planned in run.plan.stages.iter().filter(|it| !it.variables.is_empty()) {
        let found = state.stage_mut(&planned.name);
        if let Some(stage) = found.filter(|it| it.progress.outcome().is_none()) {
            let (own, secrets) = variables::shown(pipelines, run, planned).await?;
            stage.variables = own;
            state.secrets.extend(secrets);
        }
    }
    Ok(())
}

fn asks(stage: &Stage) -> bool {
    let jobs = stage
        .jobs
        .iter()
        .flat_map(|job| [&job.condition, &job.matrix_expression]);
    std::iter::once(&stage.condition)
        .chain(jobs)
        .flatten()
        .any(|text| text.to_ascii_lowercase().contains("variables"))
}
