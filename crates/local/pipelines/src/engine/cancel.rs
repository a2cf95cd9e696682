//! Stopping a run, and running stages of it again.

use std::sync::Arc;

use super::{advance_later, follow, save, schedule};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{Progress, Run};

/// Stops a run; `None` when it has ended already.
pub(crate) async fn cancel(pipelines: &Arc<Pipelines>, id: i64) -> Result<Option<Run>> {
    let Some(active) = pipelines.active(id) else {
        return Ok(None);
    };
    let mut run = active.lock().await;
    schedule::cancel(&mut run);
    super::approve::withdraw(pipelines, &run).await?;
    save(pipelines, &mut run).await?;
    for job in run.stages.iter().flat_map(|stage| &stage.jobs) {
        if job.progress == Progress::Running && job.server.is_none() {
            follow::cancel(pipelines, job.id);
        }
    }
    pipelines.cancelled.notify_waiters();
    let now = run.clone();
    drop(run);
    advance_later(pipelines, id);
    Ok(Some(now))
}

/// Runs a stage again; false when there is no such stage, or it has not ended.
pub(crate) async fn retry(pipelines: &Arc<Pipelines>, id: i64, stage: &str, all: bool) -> Result<bool> {
    let active = match pipelines.active(id) {
        Some(active) => active,
        None => match pipelines.store().run(id).await? {
            Some((run, _)) => pipelines.activate(run),
            None => return Ok(false),
        },
    };
    let mut run = active.lock().await;
    if !schedule::retry(&mut run, stage, all) {
        if run.progress == Progress::Completed {
            pipelines.deactivate(id);
        }
        return Ok(false);
    }
    save(pipelines, &mut run).await?;
    drop(run);
    advance_later(pipelines, id);
    Ok(true)
}

/// Starts a stage that waits for a person (`trigger: manual`).
pub(crate) async fn release(pipelines: &Arc<Pipelines>, id: i64, stage: &str) -> Result<bool> {
    let Some(active) = pipelines.active(id) else {
        return Ok(false);
    };
    let mut run = active.lock().await;
    let Some(found) = run
        .stage_mut(stage)
        .filter(|stage| stage.progress == Progress::Pending)
    else {
        return Ok(false);
    };
    found.released = true;
    save(pipelines, &mut run).await?;
    drop(run);
    advance_later(pipelines, id);
    Ok(true)
}
