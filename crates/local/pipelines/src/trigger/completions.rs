//! Runs that start others when they have ended (`resources.pipelines[].trigger`).
//!
//! Which runs have ended and were not looked at stands in the store, so that nothing is lost with the process; that a run
//! started another stands in the other one, so that nothing happens twice.

use pave_pipeline::Outcome;

use super::standing::of_default_branch;
use crate::engine::queue::{Wish, queue};
use crate::engine::resources::source;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{Origin, Run};
use crate::store::Stored;
use crate::things::Definition;

/// Pipelines that start each other in a circle end after so many runs.
const LONGEST: u32 = 20;

/// Looks at what has ended.
pub(super) async fn look(pipelines: &Pipelines) {
    if let Err(error) = Box::pin(all(pipelines)).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "what runs start when they end cannot be found out"
        );
    }
}

async fn all(pipelines: &Pipelines) -> Result {
    for id in pipelines.store().completions().await? {
        if let Some((run, _)) = pipelines.store().run(id).await?
            && run.pull_request.is_none()
        {
            for definition in super::triggered(pipelines).await {
                if let Err(error) = start(pipelines, &definition, &run).await {
                    super::complain(&definition, &error);
                }
            }
        }
        pipelines.store().forget_completion(id).await?;
    }
    Ok(())
}

/// Starts a run of a definition if the end of a run does that.
async fn start(pipelines: &Pipelines, definition: &Stored<Definition>, ended: &Run) -> Result {
    let said = of_default_branch(pipelines, definition).await?;
    for resource in &said.pipelines {
        let Some(trigger) = &resource.trigger else {
            continue;
        };
        let of = source(pipelines, &definition.body.project, resource).await?;
        if of.is_none_or(|of| of.id != ended.definition) {
            continue;
        }
        let stages: Vec<&str> = ended
            .stages
            .iter()
            .filter(|stage| stage.outcome.is_some_and(Outcome::is_success))
            .map(|stage| stage.name.as_str())
            .collect();
        let succeeded = ended.result.is_some_and(Outcome::is_success);
        if !trigger.matches(&ended.branch, &ended.tags, &stages, succeeded) {
            continue;
        }
        let _turn = pipelines.queueing.lock().await;
        if pipelines.store().was_started_by(definition.id, ended.id).await? {
            return Ok(());
        }
        let depth = ended.origin.as_ref().map_or(0, |it| it.depth) + 1;
        if depth > LONGEST {
            tracing::warn!(
                definition = definition.id,
                run = ended.id,
                "pipelines start each other without end; this one is not started"
            );
            return Ok(());
        }
        // In the same repository, what was built there is built here.
        let same = ended.repository.id == definition.body.repository.id;
        let wish = Wish {
            branch: if same { ended.branch.clone() } else { String::new() },
            version: if same {
                ended.version.clone()
            } else {
                String::new()
            },
            reason: "resourceTrigger".to_owned(),
            origin: Some(Origin {
                category: "pipeline".to_owned(),
                alias: resource.alias.clone(),
                run: Some(ended.id),
                depth,
            }),
            ..Wish::default()
        };
        queue(pipelines, definition, &ended.requested_for, wish, true).await?;
        return Ok(());
    }
    Ok(())
}
