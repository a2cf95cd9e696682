//! Carries out what the model says is next ([`pave_pipeline::next`]): what of a run starts, is skipped, or has ended.

mod again;
mod server;
mod state;

use pave_devops::AreaError;
use pave_pipeline::{Decision, JobKind, Outcome, Plan, Stage, next};
use uuid::Uuid;

use super::{approve, timeline, variables};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{JobRun, Progress, Run};

pub(crate) use again::{cancel, retry};
pub(crate) use server::admit;
pub(crate) use state::state;

/// Takes a run as far as it goes without anything ending; gives the jobs that want an agent.
pub(crate) async fn step(pipelines: &Pipelines, run: &mut Run) -> Result<Vec<Uuid>> {
    let mut starting = Vec::new();
    if run.progress == Progress::Pending {
        variables::count(pipelines, run).await?;
    }
    loop {
        let looked = server::look(pipelines, run).await?;
        let mut now = state(run);
        state::add_variables(pipelines, run, &mut now).await?;
        let decisions = next(&run.plan, &now);
        let mut moved = looked || !decisions.is_empty();
        let waiting = now
            .stages
            .iter()
            .filter(|stage| stage.progress == pave_pipeline::Progress::Waiting && !run.canceled);
        for stage in waiting.map(|stage| stage.name.clone()).collect::<Vec<_>>() {
            moved |= open(pipelines, run, &stage).await?;
        }
        for decision in decisions {
            carry_out(pipelines, run, decision, &mut starting).await?;
        }
        if !moved || run.progress == Progress::Completed {
            return Ok(starting);
        }
    }
}

async fn carry_out(
    pipelines: &Pipelines,
    run: &mut Run,
    decision: Decision,
    starting: &mut Vec<Uuid>,
) -> Result {
    match decision {
        Decision::StartStage { stage } => {
            open(pipelines, run, &stage).await?;
        }
        Decision::SkipStage {
            stage,
            outcome,
            reason,
        } => end_stage(run, &stage, outcome, &reason),
        Decision::SetMatrix { stage, job, legs } => timeline::set_legs(run, &stage, &job, &legs),
        Decision::StartJob { stage, job, leg } => {
            start(pipelines, run, (&stage, &job, leg.as_deref()), starting).await?;
        }
        Decision::SkipLeg {
            stage,
            job,
            leg,
            reason,
        } => {
            if let Some(id) = leg_id(run, &stage, &job, Some(&leg)) {
                timeline::explain(run, id, &sentence(&reason));
                timeline::end_job(run, id, Outcome::Skipped);
            }
        }
        Decision::SkipJob {
            stage,
            job,
            outcome,
            reason,
        } => skip_job(run, &stage, &job, outcome, &reason),
        Decision::FinishJob { stage, job, outcome } => {
            let legs = legs(run, &stage, &job);
            if let Some(first) = legs.first() {
                timeline::end_phase(run, *first, outcome);
                approve::end_deployment(pipelines, run, *first, outcome).await?;
            }
        }
        Decision::FinishStage { stage, outcome } => end_stage(run, &stage, outcome, ""),
        Decision::FinishRun { outcome } => {
            run.result = Some(outcome);
            run.progress = Progress::Completed;
            run.finished_at = Some(timeline::now());
        }
    }
    Ok(())
}

/// Starts a stage unless something guards it; false when it waits.
async fn open(pipelines: &Pipelines, run: &mut Run, name: &str) -> Result<bool> {
    let Some(index) = position(run, name) else {
        return Ok(false);
    };
    let Some(plan) = plan_of(run, index) else {
        return Ok(false);
    };
    match approve::gate(pipelines, run, index, &plan).await? {
        approve::Gate::Open => timeline::begin_stage(run, index),
        approve::Gate::Waiting => return Ok(false),
        approve::Gate::Shut(why) => end_stage(run, name, Outcome::Failed, &why),
    }
    Ok(true)
}

async fn start(
    pipelines: &Pipelines,
    run: &mut Run,
    (stage, job, leg): (&str, &str, Option<&str>),
    starting: &mut Vec<Uuid>,
) -> Result {
    let Some(id) = leg_id(run, stage, job, leg) else {
        return Ok(());
    };
    let planned = position(run, stage)
        .and_then(|index| plan_of(run, index))
        .and_then(|plan| plan.jobs.into_iter().find(|it| it.name == job));
    if let Some(words) = planned.as_ref().and_then(refusal) {
        timeline::begin_record(run, id);
        timeline::complain(run, id, &words);
        timeline::end_job(run, id, Outcome::Failed);
        return Ok(());
    }
    if planned.is_some_and(|planned| planned.kind == JobKind::Server) {
        return server::begin(pipelines, run, id).await;
    }
    if let Some(found) = run.job_mut(id) {
        found.queued = true;
        starting.push(id);
    }
    Ok(())
}

/// Why a job cannot run here, whatever its steps are.
fn refusal(job: &pave_pipeline::Job) -> Option<String> {
    match &job.kind {
        JobKind::Deployment {
            environment,
            strategy,
        } if strategy == "rolling" => Some(format!(
            "PV2260: {}: job `{}` rolls out over the virtual machines of environment `{}`, which has none. Use `runOnce` or `canary`, or an environment of a service where machines are registered.",
            job.place, job.name, environment.name
        )),
        _ => None,
    }
}

fn skip_job(run: &mut Run, stage: &str, job: &str, outcome: Outcome, reason: &str) {
    let legs = legs(run, stage, job);
    for id in &legs {
        let open = run
            .job(*id)
            .is_some_and(|(_, job)| job.progress != Progress::Completed);
        if open {
            if outcome == Outcome::Failed {
                timeline::complain(run, *id, &sentence(reason));
            }
            timeline::explain(run, *id, &sentence(reason));
            timeline::end_job(run, *id, outcome);
        }
    }
    if let Some(first) = legs.first() {
        if let Some(phase) = timeline::phase_of_job(run, *first) {
            timeline::explain(run, phase, &sentence(reason));
        }
        timeline::end_phase(run, *first, outcome);
    }
}

/// Ends a stage, with whatever of it has not begun.
fn end_stage(run: &mut Run, name: &str, outcome: Outcome, reason: &str) {
    let Some(index) = position(run, name) else { return };
    let skipped = match outcome {
        Outcome::Canceled => Outcome::Canceled,
        _ => Outcome::Skipped,
    };
    let mut names: Vec<String> = run.stages[index]
        .jobs
        .iter()
        .map(|job| job.name.clone())
        .collect();
    names.dedup();
    let why = match outcome {
        _ if reason.is_empty() => "",
        Outcome::Failed => "its stage did not start",
        _ => "its stage does not run",
    };
    for job in names {
        let open = run.stages[index]
            .jobs
            .iter()
            .any(|it| it.name == job && it.progress == Progress::Pending);
        if open {
            skip_job(run, name, &job, skipped, why);
        }
    }
    let stage = &mut run.stages[index];
    stage.progress = Progress::Completed;
    stage.outcome = Some(outcome);
    let record = stage.record;
    if outcome == Outcome::Failed && !reason.is_empty() {
        timeline::complain(run, record, &sentence(reason));
    }
    timeline::explain(run, record, &sentence(reason));
    timeline::end_record(run, record, outcome);
}

/// What the model says in half a sentence, as a whole one.
fn sentence(reason: &str) -> String {
    if reason.is_empty() {
        return String::new();
    }
    let mut letters = reason.chars();
    let first = letters.next().map(char::to_uppercase);
    let text: String = first.into_iter().flatten().chain(letters).collect();
    if text.ends_with('.') {
        text
    } else {
        format!("{text}.")
    }
}

fn position(run: &Run, stage: &str) -> Option<usize> {
    run.stages
        .iter()
        .position(|it| it.name.eq_ignore_ascii_case(stage))
}

pub(crate) fn plan_of(run: &Run, index: usize) -> Option<Stage> {
    let name = &run.stages[index].name;
    run.plan
        .stages
        .iter()
        .find(|stage| stage.name.eq_ignore_ascii_case(name))
        .cloned()
}

/// Jobs of the run that a job of the plan has become.
fn legs(run: &Run, stage: &str, job: &str) -> Vec<Uuid> {
    let Some(index) = position(run, stage) else {
        return Vec::new();
    };
    let jobs = run.stages[index].jobs.iter();
    jobs.filter(|it| it.name.eq_ignore_ascii_case(job))
        .map(|it| it.id)
        .collect()
}

fn leg_id(run: &Run, stage: &str, job: &str, leg: Option<&str>) -> Option<Uuid> {
    let index = position(run, stage)?;
    let same = |it: &&JobRun| it.name.eq_ignore_ascii_case(job) && it.leg == leg.unwrap_or_default();
    run.stages[index].jobs.iter().find(same).map(|it| it.id)
}

/// The first of the jobs that a job of the plan has become; a deployment is written down under it.
pub(crate) fn is_first_leg(run: &Run, id: Uuid) -> bool {
    run.job(id).is_some_and(|(stage, job)| {
        let first = stage.jobs.iter().find(|it| it.name == job.name);
        first.is_some_and(|first| first.id == id)
    })
}

/// Refuses to leave out stages that are not there or may not be left out.
pub(crate) fn check_skips(plan: &Plan, names: &[String]) -> Result {
    for name in names {
        let found = plan
            .stages
            .iter()
            .find(|stage| stage.name.eq_ignore_ascii_case(name));
        match found {
            Some(stage) if stage.is_skippable => {}
            Some(_) => {
                return Err(AreaError::bad_request(format!(
                    "Stage `{name}` cannot be skipped: it says `isSkippable: false`."
                ))
                .into());
            }
            None => {
                let known: Vec<&str> = plan.stages.iter().map(|stage| stage.name.as_str()).collect();
                return Err(AreaError::bad_request(format!(
                    "There is no stage `{name}` to skip; stages are: {}.",
                    known.join(", ")
                ))
                .into());
            }
        }
    }
    Ok(())
}
