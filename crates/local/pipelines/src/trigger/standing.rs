use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pave_pipeline::{PipelineResource, RepositoryResource, Schedule, Trigger};

use crate::engine::queue::{Wish, prepare};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::store::Stored;
use crate::things::Definition;

/// What the file at the head of a branch says about when it starts, besides pushes.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) schedules: Vec<Schedule>,
    /// Those with a trigger.
    pub(super) pipelines: Vec<PipelineResource>,
    /// Those with a trigger.
    pub(super) repositories: Vec<RepositoryResource>,
}

/// Definition and branch to revision, head, and what was said.
type Known = HashMap<(i64, String), (i64, String, Arc<Said>)>;

/// What is known of files, kept until a head moves.
#[derive(Default)]
pub(crate) struct Standing(Mutex<Known>);

/// What a definition's file says at the head of a branch.
pub(super) async fn said(
    pipelines: &Pipelines,
    definition: &Stored<Definition>,
    branch: &str,
    head: &str,
) -> Result<Arc<Said>> {
    let (key, revision) = ((definition.id, branch.to_owned()), definition.body.revision);
    let standing = &pipelines.standing.0;
    let known = standing
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
        .cloned();
    if let Some((_, _, said)) = known.filter(|(of, at, _)| *of == revision && at == head) {
        return Ok(said);
    }
    let wish = Wish {
        branch: branch.to_owned(),
        version: head.to_owned(),
        reason: "schedule".to_owned(),
        ..Wish::default()
    };
    let prepared = prepare(pipelines, definition, &wish).await?;
    // A file with errors says nothing; it is reported when it is pushed.
    let said = prepared.plan.map_or_else(Said::default, |plan| Said {
        schedules: plan.schedules,
        pipelines: plan
            .pipelines
            .into_iter()
            .filter(|it| it.trigger.is_some())
            .collect(),
        repositories: plan
            .repositories
            .into_iter()
            .filter(|it| it.trigger != Trigger::None)
            .collect(),
    });
    let said = Arc::new(said);
    standing
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(key, (revision, head.to_owned(), Arc::clone(&said)));
    Ok(said)
}

/// What a definition's file says on its default branch, which is what counts for triggers of resources.
pub(super) async fn of_default_branch(
    pipelines: &Pipelines,
    definition: &Stored<Definition>,
) -> Result<Arc<Said>> {
    let repositories = &pipelines.options().repositories;
    let id = definition.body.repository.id;
    let now = repositories.repository(None, &id.to_string()).await?;
    let branch = now.map_or_else(
        || definition.body.repository.default_branch.clone(),
        |it| it.default_branch,
    );
    match repositories.commit(id, &branch).await? {
        Some(commit) => said(pipelines, definition, &branch, &commit.id).await,
        None => Ok(Arc::default()),
    }
}
