//! What of a run starts, waits or is skipped.

use pave_pipeline::{Dependency, JobKind, Level, Outcome, RuntimeScope, Stage};
use uuid::Uuid;

use super::{approve, timeline, variables};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{Progress, Run, StageRun};

/// Takes a run as far as it goes without anything ending; gives the jobs that want an agent.
pub(crate) async fn step(pipelines: &Pipelines, run: &mut Run) -> Result<Vec<Uuid>> {
    let mut starting = Vec::new();
    loop {
        let mut moved = false;
        for index in 0..run.stages.len() {
            moved |= stage(pipelines, run, index, &mut starting).await?;
        }
        if !moved {
            break;
        }
    }
    if run
        .stages
        .iter()
        .all(|stage| stage.progress == Progress::Completed)
    {
        let outcome = together(run.stages.iter().filter_map(|stage| stage.outcome));
        run.result = Some(if run.canceled { Outcome::Canceled } else { outcome });
        run.progress = Progress::Completed;
        run.finished_at = Some(pave_runtime::clock::now().to_string());
    }
    Ok(starting)
}

async fn stage(pipelines: &Pipelines, run: &mut Run, index: usize, starting: &mut Vec<Uuid>) -> Result<bool> {
    match run.stages[index].progress {
        Progress::Completed => Ok(false),
        Progress::Running => jobs(pipelines, run, index, starting).await,
        Progress::Pending => begin(pipelines, run, index).await,
    }
}

async fn begin(pipelines: &Pipelines, run: &mut Run, index: usize) -> Result<bool> {
    let Some(plan) = plan_of(run, index) else {
        return Ok(end(run, index, Outcome::Failed));
    };
    let ended = |name: &String| {
        run.stages
            .iter()
            .any(|it| it.name.eq_ignore_ascii_case(name) && it.progress == Progress::Completed)
    };
    if !plan.depends_on.iter().all(ended) {
        return Ok(false);
    }
    let skipped = run
        .stages_to_skip
        .iter()
        .any(|name| name.eq_ignore_ascii_case(&plan.name));
    let scope = RuntimeScope {
        variables: variables::of_stage(pipelines, run, &plan).await?,
        dependencies: stage_dependencies(run, &plan),
        level: Level::Dependencies,
        canceled: run.canceled,
        ..RuntimeScope::default()
    };
    let condition = plan.condition.as_deref().unwrap_or("succeeded()");
    match holds(condition, &scope) {
        Ok(true) if !skipped => {}
        Ok(_) => return Ok(skip(run, index)),
        Err(message) => {
            timeline::complain(run, run.stages[index].record, &message);
            return Ok(end(run, index, Outcome::Failed));
        }
    }
    if plan.manual && !run.stages[index].released && !run.canceled {
        return Ok(false);
    }
    match approve::gate(pipelines, run, index, &plan).await? {
        approve::Gate::Open => {}
        approve::Gate::Waiting => return Ok(false),
        approve::Gate::Shut(why) => {
            timeline::complain(run, run.stages[index].record, &why);
            return Ok(end(run, index, Outcome::Failed));
        }
    }
    timeline::begin_stage(run, index, &plan);
    Ok(true)
}

async fn jobs(pipelines: &Pipelines, run: &mut Run, index: usize, starting: &mut Vec<Uuid>) -> Result<bool> {
    let Some(plan) = plan_of(run, index) else {
        return Ok(end(run, index, Outcome::Failed));
    };
    let mut moved = false;
    for job in &plan.jobs {
        if let Some(expression) = &job.matrix_expression {
            moved |= matrix(pipelines, run, index, &plan, job, expression).await?;
        }
        let legs = legs(&run.stages[index], &job.name);
        let open: Vec<usize> = legs
            .iter()
            .copied()
            .filter(|leg| {
                run.stages[index].jobs[*leg].progress == Progress::Pending
                    && !run.stages[index].jobs[*leg].queued
            })
            .collect();
        if open.is_empty()
            || !job
                .depends_on
                .iter()
                .all(|name| all_ended(&run.stages[index], name))
        {
            continue;
        }
        let running = legs.iter().filter(|leg| {
            let leg = &run.stages[index].jobs[**leg];
            leg.progress != Progress::Completed && (leg.queued || leg.progress == Progress::Running)
        });
        let room = if job.max_parallel == 0 {
            usize::MAX
        } else {
            (job.max_parallel as usize).saturating_sub(running.count())
        };
        let scope = job_scope(pipelines, run, index, &plan, job).await?;
        let condition = job.condition.as_deref().unwrap_or("succeeded()");
        let verdict = holds(condition, &scope);
        for leg in open.into_iter().take(room) {
            let id = run.stages[index].jobs[leg].id;
            moved = true;
            match &verdict {
                Ok(true) if job.kind == JobKind::Server => {
                    timeline::complain(run, id, "Agentless jobs (`pool: server`) are not run here.");
                    timeline::end_job(run, id, Outcome::Failed);
                }
                Ok(true) => {
                    run.stages[index].jobs[leg].queued = true;
                    starting.push(id);
                }
                Ok(false) => timeline::end_job(run, id, Outcome::Skipped),
                Err(message) => {
                    timeline::complain(run, id, message);
                    timeline::end_job(run, id, Outcome::Failed);
                }
            }
        }
    }
    if run.stages[index]
        .jobs
        .iter()
        .all(|job| job.progress == Progress::Completed)
    {
        let outcome = stage_outcome(run, index, &plan);
        return Ok(end(run, index, outcome));
    }
    Ok(moved)
}

/// Works out a matrix once what it depends on has ended.
async fn matrix(
    pipelines: &Pipelines,
    run: &mut Run,
    index: usize,
    plan: &Stage,
    job: &pave_pipeline::Job,
    expression: &str,
) -> Result<bool> {
    let own = legs(&run.stages[index], &job.name);
    let fresh = |leg: &usize| {
        let leg = &run.stages[index].jobs[*leg];
        leg.leg.is_empty() && leg.progress == Progress::Pending && !leg.queued
    };
    let ready = job
        .depends_on
        .iter()
        .all(|name| all_ended(&run.stages[index], name));
    if !ready || own.len() != 1 || !own.iter().all(fresh) {
        return Ok(false);
    }
    let scope = job_scope(pipelines, run, index, plan, job).await?;
    // Where the job is going to be skipped, what it depends on may have no outputs.
    if !holds(job.condition.as_deref().unwrap_or("succeeded()"), &scope).unwrap_or(false) {
        return Ok(false);
    }
    let text = pave_pipeline::runtime_value(expression, &scope).map_err(|error| error.to_string());
    match text.and_then(|text| pave_pipeline::matrix_from_json(&text)) {
        Ok(found) if !found.is_empty() => timeline::set_legs(run, index, plan, job, &found),
        Ok(_) => {
            let id = run.stages[index].jobs[own[0]].id;
            timeline::end_job(run, id, Outcome::Skipped);
        }
        Err(words) => {
            let id = run.stages[index].jobs[own[0]].id;
            timeline::complain(
                run,
                id,
                &format!("The matrix `{expression}` cannot be worked out: {words}."),
            );
            timeline::end_job(run, id, Outcome::Failed);
        }
    }
    Ok(true)
}

/// How a stage ended: jobs that may fail do not fail it.
fn stage_outcome(run: &Run, index: usize, plan: &Stage) -> Outcome {
    let tolerated = |name: &str| {
        plan.jobs
            .iter()
            .any(|job| job.name.eq_ignore_ascii_case(name) && job.continue_on_error)
    };
    together(run.stages[index].jobs.iter().filter_map(|job| match job.outcome {
        Some(Outcome::Failed) if tolerated(&job.name) => Some(Outcome::SucceededWithIssues),
        other => other,
    }))
}

pub(crate) async fn job_scope(
    pipelines: &Pipelines,
    run: &Run,
    index: usize,
    stage: &Stage,
    job: &pave_pipeline::Job,
) -> Result<RuntimeScope> {
    Ok(RuntimeScope {
        variables: variables::of_stage(pipelines, run, stage).await?,
        dependencies: job_dependencies(&run.stages[index], stage, job),
        stage_dependencies: earlier_stages(run, stage),
        level: Level::Dependencies,
        canceled: run.canceled,
        ..RuntimeScope::default()
    })
}

fn holds(condition: &str, scope: &RuntimeScope) -> std::result::Result<bool, String> {
    let expanded = pave_pipeline::expand_macros(condition, &|name: &str| {
        scope
            .variables
            .iter()
            .rev()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    });
    pave_pipeline::condition(&expanded, scope)
        .map_err(|error| format!("The condition `{condition}` cannot be evaluated: {error}"))
}

pub(crate) fn plan_of(run: &Run, index: usize) -> Option<Stage> {
    let name = &run.stages[index].name;
    run.plan
        .stages
        .iter()
        .find(|stage| stage.name.eq_ignore_ascii_case(name))
        .cloned()
}

fn legs(stage: &StageRun, name: &str) -> Vec<usize> {
    let jobs = stage.jobs.iter().enumerate();
    jobs.filter(|(_, job)| job.name.eq_ignore_ascii_case(name))
        .map(|(index, _)| index)
        .collect()
}

fn all_ended(stage: &StageRun, name: &str) -> bool {
    legs(stage, name)
        .iter()
        .all(|leg| stage.jobs[*leg].progress == Progress::Completed)
}

/// Names above `name`, with whether they are named in `dependsOn` itself.
fn above(name: &str, parents: &dyn Fn(&str) -> Vec<String>) -> Vec<(String, bool)> {
    let mut found: Vec<(String, bool)> = parents(name).into_iter().map(|it| (it, true)).collect();
    let mut next = 0;
    while let Some((current, _)) = found.get(next).cloned() {
        for parent in parents(&current) {
            if !found.iter().any(|(other, _)| other.eq_ignore_ascii_case(&parent)) {
                found.push((parent, false));
            }
        }
        next += 1;
    }
    found
}

fn stage_dependencies(run: &Run, stage: &Stage) -> Vec<Dependency> {
    let parents = |name: &str| {
        let found = run
            .plan
            .stages
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(name));
        found.map(|it| it.depends_on.clone()).unwrap_or_default()
    };
    let names = above(&stage.name, &parents);
    let found = names.into_iter().filter_map(|(name, direct)| {
        let ended = run.stages.iter().find(|it| it.name.eq_ignore_ascii_case(&name))?;
        let outputs = ended.jobs.iter().flat_map(|job| {
            let own = job.dependency(true);
            own.outputs
                .into_iter()
                .map(move |(key, value)| (format!("{}.{key}", own.name), value))
        });
        Some(Dependency {
            name,
            outcome: ended.outcome.unwrap_or(Outcome::Skipped),
            direct,
            outputs: outputs.collect(),
        })
    });
    found.collect()
}

pub(crate) fn job_dependencies(run: &StageRun, stage: &Stage, job: &pave_pipeline::Job) -> Vec<Dependency> {
    let parents = |name: &str| {
        let found = stage.jobs.iter().find(|it| it.name.eq_ignore_ascii_case(name));
        found.map(|it| it.depends_on.clone()).unwrap_or_default()
    };
    let names = above(&job.name, &parents);
    names
        .into_iter()
        .filter_map(|(name, direct)| merged(run, &name, direct))
        .collect()
}

/// All legs of a job as one dependency.
fn merged(stage: &StageRun, name: &str, direct: bool) -> Option<Dependency> {
    let all: Vec<Dependency> = legs(stage, name)
        .iter()
        .map(|leg| stage.jobs[*leg].dependency(direct))
        .collect();
    let outcome = together(all.iter().map(|it| it.outcome));
    let first = all.first()?.clone();
    Some(Dependency {
        outcome,
        outputs: all.into_iter().flat_map(|it| it.outputs).collect(),
        ..first
    })
}

pub(crate) fn earlier_stages(run: &Run, stage: &Stage) -> Vec<(String, Vec<Dependency>)> {
    let parents = |name: &str| {
        let found = run
            .plan
            .stages
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(name));
        found.map(|it| it.depends_on.clone()).unwrap_or_default()
    };
    let names = above(&stage.name, &parents);
    let found = names.into_iter().filter_map(|(name, _)| {
        let ended = run.stages.iter().find(|it| it.name.eq_ignore_ascii_case(&name))?;
        let mut jobs: Vec<String> = ended.jobs.iter().map(|job| job.name.clone()).collect();
        jobs.dedup();
        Some((
            name,
            jobs.iter().filter_map(|job| merged(ended, job, true)).collect(),
        ))
    });
    found.collect()
}

fn skip(run: &mut Run, index: usize) -> bool {
    for job in 0..run.stages[index].jobs.len() {
        let id = run.stages[index].jobs[job].id;
        timeline::end_job(run, id, Outcome::Skipped);
    }
    end(run, index, Outcome::Skipped)
}

fn end(run: &mut Run, index: usize, outcome: Outcome) -> bool {
    let open: Vec<Uuid> = run.stages[index]
        .jobs
        .iter()
        .filter(|job| job.progress == Progress::Pending)
        .map(|job| job.id)
        .collect();
    for id in open {
        timeline::end_job(run, id, Outcome::Skipped);
    }
    let stage = &mut run.stages[index];
    stage.progress = Progress::Completed;
    stage.outcome = Some(outcome);
    let record = stage.record;
    timeline::end_record(run, record, outcome);
    true
}

/// The outcome of several that belong together.
pub(crate) fn together(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let all: Vec<Outcome> = outcomes.collect();
    let any = |outcome: Outcome| all.contains(&outcome);
    if any(Outcome::Canceled) {
        Outcome::Canceled
    } else if any(Outcome::Failed) {
        Outcome::Failed
    } else if any(Outcome::SucceededWithIssues) {
        Outcome::SucceededWithIssues
    } else if !all.is_empty() && all.iter().all(|it| *it == Outcome::Skipped) {
        Outcome::Skipped
    } else {
        Outcome::Succeeded
    }
}
