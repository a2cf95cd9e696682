//! `azure:repo:pr`: a pull request, opened once.

use pave_hosts::devops::{DevOpsError, NewPullRequest, PullRequest, PullRequestQuery};
use serde_json::{Map, Value, json};

use super::target::{Target, named};
use crate::action::{ActionContext, ActionError, Outputs};

/// Upstream's branches where none are given. (There they never take effect, for want of care.)
const SOURCE: &str = "scaffolder";
const TARGET: &str = "main";
/// Azure DevOps cuts longer descriptions off with an error.
const LONGEST_DESCRIPTION: usize = 4000;

pub(super) async fn run(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let repository = context
        .text("repoId")
        .or(context.text("repoName"))
        .unwrap_or_default();
    let target = named(context, repository, context.text("server")).await?;
    let branch = |key: &str, default: &str| {
        let written = context.text(key).unwrap_or(default);
        written.trim_start_matches("refs/heads/").to_owned()
    };
    let iterations = context.input.get("supportsIterations").and_then(Value::as_bool);
    let wanted = NewPullRequest {
        source: branch("sourceBranch", SOURCE),
        target: branch("targetBranch", TARGET),
        title: context.text("title").unwrap_or_default().to_owned(),
        description: context.text("description").unwrap_or_default().to_owned(),
        supports_iterations: iterations,
        work_items: context
            .text("workItemId")
            .map(str::to_owned)
            .into_iter()
            .collect(),
        ..NewPullRequest::default()
    };
    if context.dry_run {
        context
            .log(&format!(
                "Would open a pull request from {} to {} in {}/{}",
                wanted.source, wanted.target, target.project, target.repository
            ))
            .await;
        return Ok(Map::from_iter([
            ("pullRequestId".to_owned(), Value::from(0)),
            ("pullRequestUrl".to_owned(), Value::from("<example>")),
            ("existing".to_owned(), Value::from(false)),
        ]));
    }
    let opened = open(context, &target, &wanted).await?;
    if context.flag("autoComplete") {
        auto_complete(context, &target, &opened.pull_request).await?;
    }
    Ok(outputs(&opened))
}

/// A pull request, and whether it was open before this request.
pub(super) struct Opened {
    pub(super) pull_request: PullRequest,
    pub(super) existing: bool,
}

pub(super) fn outputs(opened: &Opened) -> Outputs {
    let pull_request = &opened.pull_request;
    Map::from_iter([
        ("pullRequestId".to_owned(), Value::from(pull_request.id)),
        (
            "pullRequestUrl".to_owned(),
            Value::from(pull_request.web_url.as_str()),
        ),
        ("existing".to_owned(), Value::from(opened.existing)),
    ])
}

/// The open pull request from one branch to another, if there is one.
pub(super) async fn active(
    target: &Target,
    wanted: &NewPullRequest,
) -> Result<Option<PullRequest>, DevOpsError> {
    let query = PullRequestQuery {
        source: Some(&wanted.source),
        target: Some(&wanted.target),
        status: "active",
    };
    let found = target
        .client
        .find_pull_requests(&target.project, &target.repository, &query)
        .await?;
    Ok(found.into_iter().next())
}

/// Opens a pull request, or takes the one that is open for the two branches: a host allows only one (TF401179), and
/// what was pushed is in it already.
pub(super) async fn open(
    context: &ActionContext<'_>,
    target: &Target,
    wanted: &NewPullRequest,
) -> Result<Opened, ActionError> {
    if let Some(found) = active(target, wanted).await? {
        return Ok(join(context, target, wanted, found).await);
    }
    context
        .interruption(&format!("opening {}", context.step_id))
        .await;
    let created = target
        .client
        .create_pull_request(&target.project, &target.repository, wanted)
        .await;
    context.interruption(&format!("opened {}", context.step_id)).await;
    match created {
        Ok(pull_request) => {
            context
                .log(&format!(
                    "Pull request {} from {} to {} is open: {}",
                    pull_request.id, wanted.source, wanted.target, pull_request.web_url
                ))
                .await;
            Ok(Opened {
                pull_request,
                existing: false,
            })
        }
        // Somebody else was quicker.
        Err(error @ DevOpsError::Conflict { .. }) => match active(target, wanted).await? {
            Some(found) => Ok(join(context, target, wanted, found).await),
            None => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// Takes an open pull request. One that says exactly what was wanted is our own from before an interruption.
async fn join(
    context: &ActionContext<'_>,
    target: &Target,
    wanted: &NewPullRequest,
    found: PullRequest,
) -> Opened {
    let url = &found.web_url;
    if found.title == wanted.title && found.description == wanted.description {
        context
            .log(&format!("Pull request {} is open already: {url}", found.id))
            .await;
        return Opened {
            pull_request: found,
            existing: true,
        };
    }
    context
        .log(&format!(
            "warn: pull request {} (\"{}\", opened by {}) from {} to {} was open before; a host allows one for two branches (TF401179), so this change is now part of it, and whoever completes it completes both: {url}",
            found.id, found.title, found.creator.display_name, wanted.source, wanted.target
        ))
        .await;
    let pull_request = mention(context, target, wanted, found).await;
    Opened {
        pull_request,
        existing: true,
    }
}

/// Adds this request to the description, so that reviewers see that there are two. Not being allowed to is no failure.
async fn mention(
    context: &ActionContext<'_>,
    target: &Target,
    wanted: &NewPullRequest,
    found: PullRequest,
) -> PullRequest {
    let line = format!(
        "Also in this pull request: {} (asked for by {}, request {})",
        wanted.title, context.principal.entity, context.road
    );
    if found.description.contains(&line) {
        return found;
    }
    let description = format!("{}\n\n{line}", found.description).trim_start().to_owned();
    if description.chars().count() > LONGEST_DESCRIPTION {
        return found;
    }
    let changes = json!({ "description": description });
    let answer = target
        .client
        .update_pull_request(&target.project, &target.repository, found.id, &changes)
        .await;
    match answer {
        Ok(updated) => updated,
        Err(error) => {
            context
                .log(&format!(
                    "the description of the pull request was left as it is: {error}"
                ))
                .await;
            found
        }
    }
}

/// Lets the pull request complete by itself once its policies are met, and the source branch go, as upstream.
async fn auto_complete(
    context: &ActionContext<'_>,
    target: &Target,
    pull_request: &PullRequest,
) -> Result<(), ActionError> {
    let mut options = json!({ "deleteSourceBranch": true });
    if let Some(strategy) = context.text("mergeStrategy") {
        let mut letters = strategy.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        options["mergeStrategy"] = Value::from(first.into_iter().chain(letters).collect::<String>());
    }
    let changes = json!({
        "autoCompleteSetBy": { "id": pull_request.creator.id },
        "completionOptions": options,
    });
    target
        .client
        .update_pull_request(&target.project, &target.repository, pull_request.id, &changes)
        .await?;
    context
        .log(&format!(
            "Pull request {} completes by itself once its policies are met",
            pull_request.id
        ))
        .await;
    Ok(())
}
