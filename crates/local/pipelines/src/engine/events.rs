//! What an agent reports, put into the run. Reports are read again from the start after a restart, so each may come twice.

use pave_pipeline::Outcome;
use uuid::Uuid;

use super::timeline;
use crate::agent::job::{Event, What};
use crate::run::{Artifact, Attachment, OutputValue, Progress, Run};

/// Applies one report of a job.
pub(crate) fn apply(run: &mut Run, job: Uuid, event: Event) {
    let steps = run.job(job).map(|(_, job)| job.steps.clone()).unwrap_or_default();
    let record = |step: usize| steps.get(step).copied();
    match event.what {
        What::JobStarted => timeline::begin_record(run, job),
        What::StepStarted { step, name, attempt } => {
            let Some(id) = record(step) else { return };
            if let Some(found) = run
                .record_mut(id)
                .filter(|found| found.progress != Progress::Completed)
            {
                found.progress = Progress::Running;
                found.name = name;
                found.attempt = attempt;
                found.started_at.get_or_insert(event.at);
            }
        }
        What::StepEnded {
            step,
            outcome,
            issues,
            lines,
        } => {
            let Some(id) = record(step) else { return };
            if let Some(found) = run.record_mut(id) {
                found.progress = Progress::Completed;
                found.outcome = Some(outcome);
                found.issues = issues;
                found.percent = None;
                if lines == 0 {
                    found.log = None;
                }
                if outcome != Outcome::Skipped {
                    found.finished_at = Some(event.at);
                }
            }
        }
        What::Progress { step, percent, text } => {
            if let Some(found) = record(step).and_then(|id| run.record_mut(id)) {
                found.percent = Some(percent);
                found.operation = Some(text).filter(|text| !text.is_empty());
            }
        }
        What::Output {
            step,
            name,
            value,
            secret,
        } => {
            if let Some(found) = run.job_mut(job) {
                found
                    .outputs
                    .insert(format!("{step}.{name}"), OutputValue { value, secret });
            }
        }
        What::Attachment { step, category, name } => {
            let record = record(step).unwrap_or(job);
            let known = run
                .attachments
                .iter()
                .any(|it| it.record == record && it.category == category && it.name == name);
            if !known {
                run.attachments.push(Attachment {
                    job,
                    record,
                    category,
                    name,
                    created_at: event.at,
                });
            }
        }
        of_the_run => of_run(run, job, of_the_run),
    }
}

fn of_run(run: &mut Run, job: Uuid, what: What) {
    match what {
        What::Artifact { name } => {
            let known = run.artifacts.iter().any(|it| it.name == name && it.job == job);
            if !known {
                let id = run.artifacts.last().map_or(1, |it| it.id + 1);
                run.artifacts.push(Artifact { id, name, job });
            }
        }
        What::Tag { tag } if !run.tags.contains(&tag) => run.tags.push(tag),
        What::BuildNumber { number } if !number.is_empty() => run.number = number,
        What::Leftovers { ended } => {
            tracing::info!(run = run.id, ended, "processes that a job left behind were ended");
        }
        _ => {}
    }
}
