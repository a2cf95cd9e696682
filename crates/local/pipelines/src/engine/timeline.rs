//! The timeline: records of stages, phases, jobs and steps.

use std::collections::BTreeMap;

use pave_pipeline::{Action, JobKind, Leg, Outcome, Plan, Stage};
use uuid::Uuid;

use crate::agent::job::Issue;
use crate::run::{JobRun, Progress, Record, Run, StageRun};

/// Stages of a plan with their records, nothing begun.
pub(crate) fn stages(plan: &Plan) -> (Vec<StageRun>, Vec<Record>) {
    let mut records = Vec::new();
    let mut stages = Vec::new();
    for (order, stage) in plan.stages.iter().enumerate() {
        let record = stage_record(stage, order);
        let id = record.id;
        records.push(record);
        let mut jobs = Vec::new();
        for (order, job) in stage.jobs.iter().enumerate() {
            add_job(stage, job, order, id, &job.matrix, &mut jobs, &mut records);
        }
        stages.push(StageRun {
            name: stage.name.clone(),
            record: id,
            progress: Progress::Pending,
            outcome: None,
            attempt: 1,
            approvals: Vec::new(),
            checked: false,
            released: false,
            jobs,
        });
    }
    (stages, records)
}

fn stage_record(stage: &Stage, order: usize) -> Record {
    Record {
        id: Uuid::new_v4(),
        kind: "Stage".to_owned(),
        name: name_of(&stage.display_name, &stage.name),
        ref_name: stage.name.clone(),
        identifier: stage.name.clone(),
        order: position(order),
        attempt: 1,
        ..Record::default()
    }
}

fn add_job(
    stage: &Stage,
    job: &pave_pipeline::Job,
    order: usize,
    parent: Uuid,
    legs: &[Leg],
    jobs: &mut Vec<JobRun>,
    records: &mut Vec<Record>,
) {
    let display = name_of(&job.display_name, &job.name);
    let phase = Record {
        id: Uuid::new_v4(),
        parent: Some(parent),
        kind: "Phase".to_owned(),
        name: display,
        ref_name: job.name.clone(),
        identifier: format!("{}.{}", stage.name, job.name),
        order: position(order),
        attempt: 1,
        ..Record::default()
    };
    add_legs(stage, job, &phase, legs, jobs, records);
    records.push(phase);
}

/// Jobs of the run for the legs of a job; its phase is the parent of their records.
fn add_legs(
    stage: &Stage,
    job: &pave_pipeline::Job,
    phase: &Record,
    legs: &[Leg],
    jobs: &mut Vec<JobRun>,
    records: &mut Vec<Record>,
) {
    let display = name_of(&job.display_name, &job.name);
    let single = [Leg::default()];
    let legs = if legs.is_empty() { &single[..] } else { legs };
    // A deployment that has nothing but its deployment is shown as one job.
    let lone = legs.len() == 1 && legs[0].hook == "deploy";
    for (order, leg) in legs.iter().enumerate() {
        let name = if leg.name.is_empty() || lone {
            display.clone()
        } else {
            format!("{display} {}", leg.name)
        };
        let leg_name = if leg.name.is_empty() {
            "__default"
        } else {
            &leg.name
        };
        let record = Record {
            id: Uuid::new_v4(),
            parent: Some(phase.id),
            kind: "Job".to_owned(),
            name: name.clone(),
            ref_name: leg_name.to_owned(),
            identifier: format!("{}.{}.{leg_name}", stage.name, job.name),
            order: position(order),
            attempt: phase.attempt,
            ..Record::default()
        };
        jobs.push(JobRun {
            name: job.name.clone(),
            display_name: name,
            leg: leg.name.clone(),
            leg_variables: leg.variables.clone(),
            hook: leg.hook.clone(),
            id: record.id,
            progress: Progress::Pending,
            outcome: None,
            outputs: BTreeMap::new(),
            steps: Vec::new(),
            server: None,
            queued: false,
        });
        records.push(record);
    }
}

/// Puts legs that were worked out just now in the place of the ones that a job has. Records of what ran stay.
pub(crate) fn set_legs(run: &mut Run, stage: &str, job: &str, legs: &[Leg]) {
    let Some((index, plan)) = run
        .stages
        .iter()
        .position(|it| it.name.eq_ignore_ascii_case(stage))
        .and_then(|index| Some((index, super::schedule::plan_of(run, index)?)))
    else {
        return;
    };
    let Some(planned) = plan.jobs.iter().find(|it| it.name.eq_ignore_ascii_case(job)) else {
        return;
    };
    let same = |it: &JobRun| it.name.eq_ignore_ascii_case(job);
    let old: Vec<(Uuid, bool)> = run.stages[index]
        .jobs
        .iter()
        .filter(|it| same(it))
        .map(|it| (it.id, it.progress == Progress::Pending))
        .collect();
    let phase = old.first().and_then(|(id, _)| phase_of(run, *id));
    let Some(phase) = phase.and_then(|phase| {
        reset_phase(run, phase);
        run.records.iter().find(|it| it.id == phase).cloned()
    }) else {
        return;
    };
    run.records
        .retain(|record| !old.iter().any(|(id, open)| *open && *id == record.id));
    let (mut jobs, mut records) = (Vec::new(), Vec::new());
    add_legs(&plan, planned, &phase, legs, &mut jobs, &mut records);
    for record in &mut records {
        let earlier = run
            .records
            .iter()
            .filter(|it| it.kind == "Job" && it.identifier == record.identifier);
        record.previous = earlier.map(|it| (it.attempt, it.id)).collect();
    }
    let at = run.stages[index].jobs.iter().position(same).unwrap_or_default();
    run.stages[index].jobs.retain(|it| !same(it));
    run.stages[index].jobs.splice(at..at, jobs);
    run.records.extend(records);
}

fn phase_of(run: &Run, job: Uuid) -> Option<Uuid> {
    run.records.iter().find(|record| record.id == job)?.parent
}

/// A phase that has not begun, at the attempt of its stage.
fn reset_phase(run: &mut Run, phase: Uuid) {
    let stage = phase_of(run, phase);
    let attempt = run
        .stages
        .iter()
        .find(|it| Some(it.record) == stage)
        .map_or(1, |it| it.attempt);
    if let Some(phase) = run.record_mut(phase) {
        phase.progress = Progress::Pending;
        phase.outcome = None;
        phase.finished_at = None;
        phase.reason = None;
        phase.operation = None;
        phase.attempt = attempt;
    }
}

/// Marks a stage as begun.
pub(crate) fn begin_stage(run: &mut Run, index: usize) {
    run.stages[index].progress = Progress::Running;
    let record = run.stages[index].record;
    begin_record(run, record);
    if run.progress == Progress::Pending {
        run.progress = Progress::Running;
        run.started_at = Some(now());
    }
}

/// Makes the records of a job's steps.
pub(crate) fn add_steps(run: &mut Run, job: Uuid, steps: &[pave_pipeline::Step]) -> Vec<(Uuid, i64)> {
    let mut made = Vec::new();
    for (order, step) in steps.iter().enumerate() {
        let log = run.next_log();
        let record = Record {
            id: Uuid::new_v4(),
            parent: Some(job),
            kind: "Task".to_owned(),
            name: step.display_name.clone(),
            ref_name: step.name.clone().unwrap_or_else(|| format!("step{}", order + 1)),
            order: position(order),
            attempt: 1,
            log: Some(log),
            task: Some(task_of(&step.action)),
            ..Record::default()
        };
        run.logs.push(crate::run::Log {
            id: log,
            job,
            record: record.id,
            created_at: now(),
        });
        made.push((record.id, log));
        run.records.push(record);
    }
    if let Some(job) = run.job_mut(job) {
        job.steps = made.iter().map(|(record, _)| *record).collect();
    }
    made
}

/// Name and major version of the task that a step is.
fn task_of(action: &Action) -> (String, u32) {
    match action {
        Action::Script { shell, .. } => match shell {
            pave_pipeline::Shell::Pwsh | pave_pipeline::Shell::PowerShell => ("PowerShell".to_owned(), 2),
            pave_pipeline::Shell::Bash => ("Bash".to_owned(), 3),
            pave_pipeline::Shell::Script => ("CmdLine".to_owned(), 2),
        },
        Action::Checkout(_) => ("Checkout".to_owned(), 1),
        Action::Task { name, major, .. } => (name.clone(), *major),
        Action::Publish { .. } => ("PublishPipelineArtifact".to_owned(), 1),
        Action::Download { .. } => ("DownloadPipelineArtifact".to_owned(), 2),
    }
}

/// Marks a record as begun, and what it is part of.
pub(crate) fn begin_record(run: &mut Run, id: Uuid) {
    let mut next = Some(id);
    while let Some(current) = next {
        let Some(record) = run.record_mut(current) else {
            return;
        };
        if record.progress == Progress::Pending {
            record.progress = Progress::Running;
            record.started_at = Some(now());
        }
        next = record.parent;
    }
}

pub(crate) fn end_record(run: &mut Run, id: Uuid, outcome: Outcome) {
    if let Some(record) = run.record_mut(id) {
        record.progress = Progress::Completed;
        record.outcome = Some(outcome);
        record.finished_at = Some(now());
        record.percent = None;
    }
}

/// Marks a job as ended, with whatever of its steps did not begin.
pub(crate) fn end_job(run: &mut Run, id: Uuid, outcome: Outcome) {
    let Some(job) = run.job_mut(id) else { return };
    job.progress = Progress::Completed;
    job.queued = false;
    job.outcome = Some(outcome);
    let steps = job.steps.clone();
    for step in steps {
        let open = run
            .records
            .iter()
            .any(|record| record.id == step && record.progress != Progress::Completed);
        if open {
            let begun = run
                .records
                .iter()
                .any(|it| it.id == step && it.progress == Progress::Running);
            end_record(run, step, if begun { outcome } else { Outcome::Skipped });
        }
    }
    end_record(run, id, outcome);
}

/// Marks a job of the plan as ended; `leg` is one of the jobs of the run that it has become.
pub(crate) fn end_phase(run: &mut Run, leg: Uuid, outcome: Outcome) {
    if let Some(phase) = phase_of(run, leg) {
        end_record(run, phase, outcome);
    }
}

/// Notes at a record why it did not run.
pub(crate) fn explain(run: &mut Run, id: Uuid, words: &str) {
    if words.is_empty() {
        return;
    }
    if let Some(record) = run.record_mut(id) {
        record.reason = Some(words.to_owned());
        record.operation = Some(words.to_owned());
    }
}

/// The record that holds those of the legs of a job.
pub(crate) fn phase_of_job(run: &Run, leg: Uuid) -> Option<Uuid> {
    phase_of(run, leg)
}

/// Notes an error at a record.
pub(crate) fn complain(run: &mut Run, record: Uuid, message: &str) {
    let mut data = BTreeMap::new();
    data.insert("type".to_owned(), "error".to_owned());
    let issue = Issue {
        kind: "error".to_owned(),
        category: "General".to_owned(),
        message: message.to_owned(),
        data,
    };
    if let Some(record) = run.record_mut(record) {
        record.issues.push(issue);
    }
}

/// The same job once more, under an id of its own; the earlier attempt stays in the timeline.
pub(crate) fn renew_job(run: &mut Run, old: Uuid) {
    let id = Uuid::new_v4();
    let Some(attempt) = run.job(old).map(|(stage, _)| stage.attempt) else {
        return;
    };
    if let Some(job) = run.job_mut(old) {
        job.id = id;
        job.progress = Progress::Pending;
        job.outcome = None;
        job.outputs.clear();
        job.steps.clear();
        job.server = None;
        job.queued = false;
    }
    let Some(before) = run.records.iter().find(|record| record.id == old).cloned() else {
        return;
    };
    let mut previous = before.previous.clone();
    previous.push((before.attempt, old));
    if let Some(phase) = before.parent {
        reset_phase(run, phase);
    }
    run.records.push(Record {
        id,
        parent: before.parent,
        kind: before.kind,
        name: before.name,
        ref_name: before.ref_name,
        identifier: before.identifier,
        order: before.order,
        attempt,
        previous,
        ..Record::default()
    });
}

/// Name of the environment of a job, if it deploys.
pub(crate) fn environment_of(job: &pave_pipeline::Job) -> Option<&str> {
    match &job.kind {
        JobKind::Deployment { environment, .. } => Some(&environment.name),
        _ => None,
    }
}

fn name_of(display: &str, name: &str) -> String {
    if display.is_empty() {
        name.to_owned()
    } else {
        display.to_owned()
    }
}

fn position(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX - 1) + 1
}

pub(crate) fn now() -> String {
    pave_runtime::clock::now().to_string()
}
