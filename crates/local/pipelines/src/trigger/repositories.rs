//! Pushes to other repositories that start a pipeline (`resources.repositories[].trigger`).

use pave_auth::Principal;
use pave_devops::RepositoryAt;
use pave_pipeline::RepositoryResource;
use uuid::Uuid;

use super::standing::of_default_branch;
use crate::engine::compile::resolve;
use crate::engine::queue::{Wish, queue};
use crate::engine::resources::Asked;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::Origin;
use crate::store::Stored;
use crate::things::Definition;

/// How a branch of another repository is noted among a definition's own.
fn noted(repository: Uuid, branch: &str) -> String {
    format!("{repository}:{branch}")
}

/// Notes the heads of what a new definition names: what was pushed before it is not built.
pub(super) async fn begin(pipelines: &Pipelines, definition: &Stored<Definition>) -> Result {
    let said = of_default_branch(pipelines, definition).await?;
    for resource in &said.repositories {
        if let Some(repository) = other(pipelines, definition, resource).await? {
            note(pipelines, definition, &repository).await?;
        }
    }
    Ok(())
}

async fn note(pipelines: &Pipelines, definition: &Stored<Definition>, repository: &RepositoryAt) -> Result {
    let branches = pipelines.options().repositories.branches(repository.id).await?;
    for (branch, head) in branches {
        let name = noted(repository.id, &branch);
        pipelines.store().note_built(definition.id, &name, &head).await?;
    }
    Ok(())
}

/// The repository that a resource means, if it is not the pipeline's own.
async fn other(
    pipelines: &Pipelines,
    definition: &Stored<Definition>,
    resource: &RepositoryResource,
) -> Result<Option<RepositoryAt>> {
    let own = &definition.body.repository;
    let found = resolve(pipelines, own, resource).await?;
    Ok(found
        .map(|(repository, ..)| repository)
        .filter(|it| it.id != own.id))
}

/// Compares the branches of what a definition names with what was seen of them last.
pub(super) async fn compare(
    pipelines: &Pipelines,
    definition: &Stored<Definition>,
    repository_pushed: Option<Uuid>,
    pusher: Option<&Principal>,
) -> Result {
    let said = of_default_branch(pipelines, definition).await?;
    for resource in &said.repositories {
        let Some(repository) = other(pipelines, definition, resource).await? else {
            continue;
        };
        let built = pipelines.store().built(definition.id).await?;
        let prefix = noted(repository.id, "");
        if !built.iter().any(|(name, _)| name.starts_with(&prefix)) {
            // Named only now, or empty so far.
            note(pipelines, definition, &repository).await?;
            continue;
        }
        let own = definition.body.repository.id;
        if repository_pushed.is_none_or(|id| id == repository.id || id == own) {
            branches(pipelines, definition, resource, &repository, &built, pusher).await?;
        }
    }
    Ok(())
}

async fn branches(
    pipelines: &Pipelines,
    definition: &Stored<Definition>,
    resource: &RepositoryResource,
    repository: &RepositoryAt,
    built: &[(String, String)],
    pusher: Option<&Principal>,
) -> Result {
    let repositories = &pipelines.options().repositories;
    let last = |branch: &str| {
        let name = noted(repository.id, branch);
        built
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, version)| version.clone())
    };
    for (branch, head) in repositories.branches(repository.id).await? {
        if last(&branch).as_deref() == Some(head.as_str()) {
            continue;
        }
        let from = last(&branch).or_else(|| last(&repository.default_branch));
        let from = from.unwrap_or_else(|| super::ZERO.to_owned());
        let paths = repositories
            .changed_paths(repository.id, &from, &head)
            .await
            .unwrap_or_default();
        let message = repositories
            .commit(repository.id, &head)
            .await?
            .map(|commit| commit.message);
        let skipped = message.is_some_and(|message| pave_pipeline::skips_ci(&message));
        let note = (noted(repository.id, &branch), head.clone());
        if skipped || !resource.trigger.matches(&branch, &paths) {
            pipelines
                .store()
                .note_built(definition.id, &note.0, &note.1)
                .await?;
            continue;
        }
        let wish = Wish {
            reason: "resourceTrigger".to_owned(),
            origin: Some(Origin {
                category: "repository".to_owned(),
                alias: resource.alias.clone(),
                ..Origin::default()
            }),
            repositories: vec![Asked {
                alias: resource.alias.clone(),
                reference: branch,
                version: head,
            }],
            note: Some(note),
            ..Wish::default()
        };
        let requester = pusher.unwrap_or(&definition.body.author);
        let _turn = pipelines.queueing.lock().await;
        queue(pipelines, definition, requester, wish, true).await?;
    }
    Ok(())
}
