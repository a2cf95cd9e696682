//! Exclusive locks: one stage at a time uses the resource.

use pave_pipeline::Stage;

use super::Verdict;
use crate::engine::advance_later;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{GateCheck, Progress, Run, StageGate};
use crate::store::{LockWish, Turn};

const RECORD: &str = "Checkpoint.ExclusiveLock";

/// Takes the lock, or says whose turn it is.
pub(super) async fn verdict(
    pipelines: &Pipelines,
    run: &mut Run,
    plan: &Stage,
    check: &GateCheck,
) -> Result<Verdict> {
    let behavior = plan.lock_behavior.as_ref().or(run.plan.lock_behavior.as_ref());
    let latest = behavior.is_none_or(|it| it == "runLatest");
    let wish = LockWish {
        resource: super::permission_name(&check.resource_kind, &check.resource_id),
        definition: run.definition,
        build: run.id,
        stage: plan.name.clone(),
        latest,
    };
    Ok(match pipelines.store().lock(wish).await? {
        Turn::Held => Verdict::Granted("The stage holds the lock.".to_owned()),
        Turn::Superseded(by) => {
            // As upstream: of the runs that wait, only the newest goes on (`lockBehavior: runLatest`).
            run.canceled = true;
            Verdict::Denied(format!("Run {by} is newer and takes the place of this one."))
        }
        Turn::After(other, earlier) => {
            let words = format!(
                "Waits until run {other} no longer uses {} `{}`.",
                check.resource_kind, check.resource_name
            );
            // Whoever waited before this one came may now be out of date.
            if latest && check.message != words {
                let shared = pipelines.shared()?;
                for earlier in earlier {
                    advance_later(&shared, earlier);
                }
            }
            Verdict::Waits(words, None)
        }
    })
}

/// Gives back what stages that have ended held, and lets the next ones go on; true when the run was changed.
pub(crate) async fn after(pipelines: &Pipelines, run: &mut Run) -> Result<bool> {
    let mut changed = false;
    for position in 0..run.gates.len() {
        let gate = &run.gates[position];
        let ended = run.progress == Progress::Completed
            || run.stages.iter().any(|stage| {
                stage.name == gate.stage
                    && (stage.progress == Progress::Completed || stage.attempt != gate.attempt)
            });
        if gate.released || !ended {
            continue;
        }
        let mut gate = gate.clone();
        if !gate.closed {
            super::withdraw(pipelines, &mut gate, "The stage is no longer waiting.").await?;
            gate.closed = true;
            super::show(run, &gate);
        }
        gate.released = true;
        give_back(pipelines, run, &gate).await?;
        run.gates[position] = gate;
        changed = true;
    }
    Ok(changed)
}

pub(super) async fn give_back(pipelines: &Pipelines, run: &Run, gate: &StageGate) -> Result {
    if !gate.checks.iter().any(|check| check.record == RECORD) {
        return Ok(());
    }
    for waiting in pipelines.store().unlock(run.id, &gate.stage).await? {
        advance_later(&pipelines.shared()?, waiting);
    }
    Ok(())
}
