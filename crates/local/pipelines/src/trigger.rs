//! What starts runs by itself: pushes, branch policies, the clock, and other pipelines and repositories.
//!
//! The event is a hint. What counts is the last commit of each branch that was built or looked at, which is compared with
//! the branch at every event and at the start. A pipeline with `batch: true` is not compared while a run of the branch
//! goes on, so that what is pushed meanwhile is built together when it ends.

mod completions;
mod repositories;
mod schedules;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use pave_auth::Principal;
use pave_devops::{Event, ValidationRequest};
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::engine::queue::{Prepared, Wish, add, prepare};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::PullRequestFacts;
use crate::store::{Kind, Stored};
use crate::things::Definition;

pub(crate) use schedules::run as schedules;
pub(crate) use standing::Standing;

const ZERO: &str = "0000000000000000000000000000000000000000";
/// How often branches are compared without any event.
const COMPARE: Duration = Duration::from_secs(300);

/// Listens for pushes until the end.
pub(crate) async fn listen(pipelines: Arc<Pipelines>) {
    let mut events = pipelines.options().feed.subscribe();
    let token = pipelines.options().tasks.token();
    compare_all(&pipelines, None, None).await;
    completions::look(&pipelines).await;
    loop {
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(COMPARE) => {
                compare_all(&pipelines, None, None).await;
                completions::look(&pipelines).await;
            }
            event = events.recv() => match event {
                Ok(event) => match event.as_ref() {
                    Event::Push { repository, pusher, .. } => {
                        compare_all(&pipelines, Some(repository.id), Some(pusher)).await;
                    }
                    Event::Run { definition, state, .. } if state.is_final() => {
                        compare_one(&pipelines, *definition).await;
                        completions::look(&pipelines).await;
                    }
                    _ => {}
                },
                Err(RecvError::Lagged(_)) => {
                    compare_all(&pipelines, None, None).await;
                    completions::look(&pipelines).await;
                }
                Err(RecvError::Closed) => return,
            }
        }
    }
}

/// Definitions that may start by themselves.
async fn triggered(pipelines: &Pipelines) -> Vec<Stored<Definition>> {
    let all = pipelines
        .store()
        .things::<Definition>(Kind::Definition, None)
        .await;
    let mut all = all.unwrap_or_else(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "definitions cannot be read"
        );
        Vec::new()
    });
    all.retain(|it| it.body.triggered && it.body.queue_status == "enabled");
    all
}

fn complain(definition: &Stored<Definition>, error: &crate::PipelinesError) {
    tracing::error!(
        name = definition.body.name,
        error = error as &dyn std::error::Error,
        "a pipeline could not be triggered"
    );
}

/// Compares all definitions of a repository, or all there are; then those that name it as a resource.
async fn compare_all(pipelines: &Pipelines, repository: Option<Uuid>, pusher: Option<&Principal>) {
    for definition in triggered(pipelines).await {
        if repository.is_none_or(|id| id == definition.body.repository.id)
            && let Err(error) = compare(pipelines, &definition, pusher).await
        {
            complain(&definition, &error);
        }
        if let Err(error) = repositories::compare(pipelines, &definition, repository, pusher).await {
            complain(&definition, &error);
        }
    }
}

/// What was pushed while a run went on.
async fn compare_one(pipelines: &Pipelines, definition: i64) {
    let all = triggered(pipelines).await;
    let Some(definition) = all.into_iter().find(|it| it.id == definition) else {
        return;
    };
    if let Err(error) = compare(pipelines, &definition, None).await {
        complain(&definition, &error);
    }
}

/// Notes the heads of all branches of a new definition: what was pushed before it is not built.
pub(crate) async fn begin(pipelines: &Pipelines, definition: i64, repository: Uuid) -> Result {
    for (branch, head) in pipelines.options().repositories.branches(repository).await? {
        pipelines.store().note_built(definition, &branch, &head).await?;
    }
    let stored = pipelines
        .store()
        .thing::<Definition>(Kind::Definition, definition)
        .await?;
    if let Some(stored) = stored {
        repositories::begin(pipelines, &stored).await?;
    }
    Ok(())
}

async fn compare(
    pipelines: &Pipelines,
    definition: &Stored<Definition>,
    pusher: Option<&Principal>,
) -> Result {
    let _turn = pipelines.queueing.lock().await;
    let built = pipelines.store().built(definition.id).await?;
    let repository = definition.body.repository.id;
    for (branch, head) in pipelines.options().repositories.branches(repository).await? {
        let last = built
            .iter()
            .find(|(name, _)| *name == branch)
            .map(|(_, version)| version.as_str());
        if last == Some(head.as_str()) {
            continue;
        }
        pushed(pipelines, definition, &branch, &head, last, pusher).await?;
    }
    Ok(())
}

async fn pushed(
    pipelines: &Pipelines,
    definition: &Stored<Definition>,
    branch: &str,
    head: &str,
    last: Option<&str>,
    pusher: Option<&Principal>,
) -> Result {
    let repository = definition.body.repository.id;
    let repositories = &pipelines.options().repositories;
    let mut wish = Wish {
        branch: branch.to_owned(),
        version: head.to_owned(),
        reason: "individualCI".to_owned(),
        ..Wish::default()
    };
    let prepared = prepare(pipelines, definition, &wish).await?;
    // A branch that was not seen before is compared with where the default branch was last seen.
    let default = definition.body.repository.default_branch.clone();
    let built = pipelines.store().built(definition.id).await?;
    let from = match last {
        Some(last) => last.to_owned(),
        None => built
            .into_iter()
            .find(|(name, _)| *name == default)
            .map_or_else(|| ZERO.to_owned(), |(_, it)| it),
    };
    let paths = repositories
        .changed_paths(repository, &from, head)
        .await
        .unwrap_or_default();
    if !wanted(&prepared, branch, &paths) {
        pipelines.store().note_built(definition.id, branch, head).await?;
        return Ok(());
    }
    if prepared
        .plan
        .as_ref()
        .is_some_and(|plan| plan.trigger.is_batched())
    {
        "batchedCI".clone_into(&mut wish.reason);
        let running = pipelines.store().active_of(definition.id, branch).await?;
        if running
            .iter()
            .any(|run| matches!(run.reason.as_str(), "individualCI" | "batchedCI"))
        {
            // Nothing is noted: when the run has ended, this is compared again with what it built.
            return Ok(());
        }
    }
    let requester = match pusher {
        Some(pusher) => pusher.clone(),
        // Nobody told us who pushed: the definition's author stands for it.
        None => definition.body.author.clone(),
    };
    add(pipelines, definition, &requester, wish, prepared, true).await?;
    Ok(())
}

fn wanted(prepared: &Prepared, branch: &str, paths: &[String]) -> bool {
    if pave_pipeline::skips_ci(&prepared.message) {
        return false;
    }
    match &prepared.plan {
        Some(plan) => plan.trigger.matches(branch, paths),
        // A file with errors is a run that failed and says where; a branch without the file is nothing of ours.
        None => !prepared.diagnostics.iter().any(|found| found.code == "PV2250"),
    }
}

/// Queues the build of a pull request's test merge, once for each merge commit.
pub(crate) async fn pull_request(pipelines: &Pipelines, request: ValidationRequest) -> Result<i64> {
    let _turn = pipelines.queueing.lock().await;
    let pull_request = request.pull_request;
    let merge = pull_request.merge_commit.clone();
    if merge.is_empty() {
        let words = format!(
            "Pull request {} has conflicts; there is no merge to build.",
            pull_request.id
        );
        return Err(pave_devops::AreaError::bad_request(words).into());
    }
    if let Some(known) = pipelines
        .store()
        .of_pull_request(request.definition, pull_request.id, &merge)
        .await?
    {
        return Ok(known);
    }
    let Some(definition) = pipelines
        .store()
        .thing::<Definition>(Kind::Definition, request.definition)
        .await?
    else {
        let words = format!("Build definition {} does not exist.", request.definition);
        return Err(pave_devops::AreaError::not_found(words).into());
    };
    let wish = Wish {
        branch: format!("refs/pull/{}/merge", pull_request.id),
        version: merge,
        reason: "pullRequest".to_owned(),
        pull_request: Some(PullRequestFacts {
            id: pull_request.id,
            source_branch: pull_request.source_ref,
            target_branch: pull_request.target_ref,
            source_commit: pull_request.source_commit,
            title: pull_request.title,
        }),
        ..Wish::default()
    };
    let prepared = prepare(pipelines, &definition, &wish).await?;
    Ok(add(
        pipelines,
        &definition,
        &pull_request.created_by,
        wish,
        prepared,
        true,
    )
    .await?
    .id)
}
