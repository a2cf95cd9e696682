//! Stopping a run and making parts of it again: the model says what that means, the timeline keeps what was.

use pave_pipeline::{Outcome, RunState};
use uuid::Uuid;

use super::super::timeline;
use super::{leg_id, position, state};
use crate::run::{Progress, Run};

/// Ends what had not begun of jobs that are under way. What waits for an agent is decided anew.
pub(crate) fn cancel(run: &mut Run) {
    run.canceled = true;
    for job in run.stages.iter_mut().flat_map(|stage| &mut stage.jobs) {
        job.queued = false;
    }
    let before = state(run);
    let mut after = before.clone();
    after.cancel();
    let mut ended = Vec::new();
    each_leg(&before, &after, &mut |stage, job, leg, was, is| {
        if was.progress.outcome().is_none() && is.progress.outcome().is_some() {
            ended.extend(leg_id(run, stage, job, leg));
        }
    });
    for id in ended {
        timeline::end_job(run, id, Outcome::Canceled);
    }
}

/// Makes a stage and what comes after it ready to run again: jobs that failed or did not run, or all of them.
pub(crate) fn retry(run: &mut Run, name: &str, all: bool) -> bool {
    let before = state(run);
    let ended = before
        .stage(name)
        .is_some_and(|stage| stage.progress.outcome().is_some());
    if !ended {
        return false;
    }
    let mut after = before.clone();
    after.retry(&run.plan, name, all);
    // A stage that nobody wanted is wanted now.
    run.stages_to_skip
        .retain(|skipped| !skipped.eq_ignore_ascii_case(name));
    let mut renewed: Vec<Uuid> = Vec::new();
    each_leg(&before, &after, &mut |stage, job, leg, was, is| {
        if was.progress.outcome().is_some() && is.progress.outcome().is_none() {
            renewed.extend(leg_id(run, stage, job, leg));
        }
    });
    let mut anew: Vec<(String, String)> = Vec::new();
    for (was, is) in before.stages.iter().zip(&after.stages) {
        for (job, fresh) in was.jobs.iter().zip(&is.jobs) {
            let names = |legs: &[pave_pipeline::LegState]| -> Vec<Option<String>> {
                legs.iter().map(|leg| leg.name.clone()).collect()
            };
            if names(&job.legs) != names(&fresh.legs) {
                anew.push((was.name.clone(), job.name.clone()));
            }
        }
        if is.attempt > was.attempt {
            reopen(run, is);
        }
    }
    for id in renewed {
        timeline::renew_job(run, id);
    }
    for (stage, job) in anew {
        timeline::set_legs(run, &stage, &job, &[]);
    }
    run.progress = Progress::Running;
    run.result = None;
    run.finished_at = None;
    run.canceled = false;
    true
}

fn reopen(run: &mut Run, after: &pave_pipeline::StageState) {
    let Some(index) = position(run, &after.name) else {
        return;
    };
    let stage = &mut run.stages[index];
    stage.attempt = after.attempt;
    stage.released = after.started_by_person;
    stage.progress = Progress::Pending;
    stage.outcome = None;
    stage.checked = false;
    stage.approvals.clear();
    let (record, attempt) = (stage.record, stage.attempt);
    if let Some(record) = run.record_mut(record) {
        record.progress = Progress::Pending;
        record.outcome = None;
        record.finished_at = None;
        record.attempt = attempt;
        record.issues.clear();
        record.reason = None;
        record.operation = None;
    }
}

type Look<'a> = dyn FnMut(&str, &str, Option<&str>, &pave_pipeline::LegState, &pave_pipeline::LegState) + 'a;

fn each_leg(before: &RunState, after: &RunState, look: &mut Look<'_>) {
    for (was, is) in before.stages.iter().zip(&after.stages) {
        for (old, new) in was.jobs.iter().zip(&is.jobs) {
            for leg in &old.legs {
                if let Some(now) = new.legs.iter().find(|it| it.name == leg.name) {
                    look(&was.name, &old.name, leg.name.as_deref(), leg, now);
                }
            }
        }
    }
}
