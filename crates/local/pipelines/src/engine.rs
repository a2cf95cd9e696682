//! The course of runs: what starts next, agents followed to their end, and going on after a crash.
//!
//! A run is changed under its lock, and saved before anything that depends on the change happens.

pub(crate) mod approve;
pub(crate) mod cancel;
pub(crate) mod checks;
pub(crate) mod clock;
pub(crate) mod compile;
mod deployments;
mod events;
mod follow;
mod prepare;
pub(crate) mod queue;
pub(crate) mod resources;
mod schedule;
pub(crate) mod timeline;
mod variables;

use std::sync::Arc;

use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{Progress, Run};
use crate::store::Kind;
use crate::things::Lease;

/// Goes on with every run that has not ended.
pub(crate) async fn resume(pipelines: &Arc<Pipelines>) -> Result {
    let mut known = std::collections::HashSet::new();
    for id in pipelines.store().active().await? {
        let Some((run, _)) = pipelines.store().run(id).await? else {
            continue;
        };
        let running: Vec<_> = run
            .stages
            .iter()
            .flat_map(|stage| &stage.jobs)
            .filter(|job| job.progress == Progress::Running && job.server.is_none())
            .map(|job| job.id)
            .collect();
        known.extend(running.iter().map(|job| pipelines.workspace(*job)));
        drop(pipelines.activate(run));
        for job in running {
            follow::adopt(pipelines, id, job);
        }
        advance_later(pipelines, id);
    }
    // What an agent that died left behind.
    for entry in std::fs::read_dir(pipelines.work())
        .into_iter()
        .flatten()
        .flatten()
    {
        if !known.contains(&entry.path()) {
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
    Ok(())
}

/// Looks at a run in the background.
pub(crate) fn advance_later(pipelines: &Arc<Pipelines>, id: i64) {
    let own = Arc::clone(pipelines);
    pipelines
        .options()
        .tasks
        .spawn("pipeline run", async move { advance(&own, id).await });
}

/// Starts everything of a run that can start, and ends it when all has ended.
pub(crate) async fn advance(pipelines: &Arc<Pipelines>, id: i64) {
    if let Err(error) = try_advance(pipelines, id).await {
        tracing::error!(
            run = id,
            error = &error as &dyn std::error::Error,
            "a run could not go on"
        );
    }
}

async fn try_advance(pipelines: &Arc<Pipelines>, id: i64) -> Result {
    let Some(active) = pipelines.active(id) else {
        return Ok(());
    };
    let mut run = active.lock().await;
    if run.progress == Progress::Completed {
        return Ok(());
    }
    let starting = schedule::step(pipelines, &mut run).await?;
    save(pipelines, &mut run).await?;
    if checks::after(pipelines, &mut run).await? {
        save(pipelines, &mut run).await?;
    }
    for job in starting {
        follow::start(pipelines, id, job);
    }
    if run.progress == Progress::Completed {
        pipelines.deactivate(id);
        sweep(pipelines, &run).await?;
    }
    Ok(())
}

/// Saves a run and tells of it.
pub(crate) async fn save(pipelines: &Pipelines, run: &mut Run) -> Result {
    run.change += 1;
    pipelines.store().save_run(run).await?;
    pipelines.tell(run);
    Ok(())
}

/// Removes the files of runs that are too old to keep.
async fn sweep(pipelines: &Pipelines, run: &Run) -> Result {
    let kept = pipelines.options().limits.kept_runs;
    let runs = pipelines
        .store()
        .runs(run.project.id, vec![run.definition], kept + 20)
        .await?;
    let leased = leased(pipelines, run.project.id).await?;
    for old in runs
        .iter()
        .skip(kept)
        .filter(|old| old.progress == Progress::Completed && !leased.contains(&old.id))
    {
        for job in old.stages.iter().flat_map(|stage| &stage.jobs) {
            drop(std::fs::remove_dir_all(pipelines.job_directory(job.id).0));
        }
    }
    Ok(())
}

/// Runs whose files somebody wants kept.
async fn leased(pipelines: &Pipelines, project: uuid::Uuid) -> Result<Vec<i64>> {
    let now = pave_runtime::clock::now();
    let all = pipelines
        .store()
        .things::<Lease>(Kind::Lease, Some(project))
        .await?;
    let valid = |lease: &Lease| {
        lease
            .valid_until
            .parse::<jiff::Timestamp>()
            .is_ok_and(|until| until > now)
    };
    Ok(all
        .into_iter()
        .filter(|it| valid(&it.body))
        .map(|it| it.body.run)
        .collect())
}
