//! What a branch holds already that the clone did not: the change of another request, as a rule.
//!
//! A template that pushes every request to one fixed branch puts the second request on top of the first one while
//! that is still open. Upstream's push is refused then, or goes through without a word, as the histories happen to
//! lie. Here it goes on top, never by force, and is told.

use std::collections::HashSet;

use pave_git::{Commit, CommitInfo, GitError, Mirror, Program, Remote};
use pave_names::annotation::{ROAD_TRAILER, STEP_TRAILER};

use super::super::existing::words;
use super::super::publishing::failed;
use crate::action::{ActionContext, ActionError};
use crate::model::PlannedFile;
use crate::workspace::Checkout;

/// Commits that are looked at, and files that are compared, at most.
const MOST: usize = 50;

/// Where a branch stands before the push.
pub(super) struct Standing {
    pub(super) tip: Option<Commit>,
    /// Commits that are in the branch but not in what was cloned, newest first; without those of this step.
    pub(super) foreign: Vec<CommitInfo>,
}

pub(super) async fn standing(
    context: &ActionContext<'_>,
    mirror: &Mirror,
    base: &Commit,
    branch: &str,
) -> Result<Standing, ActionError> {
    let Ok(tip) = mirror.resolve(&format!("refs/heads/{branch}")).await else {
        return Ok(Standing {
            tip: None,
            foreign: Vec::new(),
        });
    };
    let ahead = ahead(mirror, base, &tip).await.map_err(|error| failed(&error))?;
    let mut foreign = Vec::new();
    if !ahead.is_empty() {
        let log = mirror
            .log(&tip, None, MOST)
            .await
            .map_err(|error| failed(&error))?;
        let road = context.road.to_string();
        foreign = log
            .into_iter()
            .filter(|commit| ahead.contains(commit.commit.as_str()))
            .filter(|commit| {
                commit.trailer(STEP_TRAILER) != Some(&context.step_key)
                    && commit.trailer(ROAD_TRAILER) != Some(&road)
            })
            .collect();
    }
    Ok(Standing {
        tip: Some(tip),
        foreign,
    })
}

async fn ahead(mirror: &Mirror, base: &Commit, tip: &Commit) -> Result<HashSet<String>, GitError> {
    let range = format!("{base}..{tip}");
    let count = format!("--max-count={MOST}");
    let printed = Program::new(mirror.directory())
        .run(&["rev-list", &count, &range], b"")
        .await?;
    Ok(String::from_utf8_lossy(&printed)
        .lines()
        .map(str::to_owned)
        .collect())
}

/// Lets a new or a merged branch begin where the clone stands, when that is not where it would begin anyway.
///
/// A branch that is not there starts at the repository's default branch; one that lies behind the clone is merged
/// history, on which a change of the same file would conflict.
pub(super) async fn begin(
    context: &ActionContext<'_>,
    mirror: &Mirror,
    remote: &Remote,
    checkout: &Checkout,
    branch: &str,
    standing: &Standing,
) -> Result<(), ActionError> {
    let base = Commit::parse(&checkout.commit).map_err(|error| failed(&error))?;
    let needed = match &standing.tip {
        Some(tip) if *tip == base || !is_behind(mirror, tip, &base).await => false,
        Some(_) => true,
        None => {
            let default = mirror.resolve("").await.ok();
            let cloned = mirror
                .resolve(&format!("refs/heads/{}", checkout.branch))
                .await
                .ok();
            default != cloned
        }
    };
    if !needed {
        return Ok(());
    }
    let pushed = Program::new(mirror.directory())
        .with_remote(remote)
        .run(
            &[
                "push",
                "--quiet",
                "--no-verify",
                "origin",
                &format!("{base}:refs/heads/{branch}"),
            ],
            b"",
        )
        .await;
    match (pushed, &standing.tip) {
        (Ok(_), _) => Ok(()),
        // The commit can go on top of the old branch as well; the pull request shows whether that merges.
        (Err(error), Some(_)) => {
            let message = format!(
                "warn: `{branch}` could not be brought up to date with `{}`, the change goes on top of it as it is: {}",
                checkout.branch,
                failed(&error).message
            );
            context.log(&message).await;
            Ok(())
        }
        (Err(error), None) => Err(failed(&error)),
    }
}

async fn is_behind(mirror: &Mirror, tip: &Commit, base: &Commit) -> bool {
    ahead(mirror, base, tip).await.is_ok_and(|ahead| ahead.is_empty())
}

/// Says what the branch held before, and which of its files this change replaces. Gives the sentences.
pub(super) async fn tell(
    context: &ActionContext<'_>,
    mirror: &Mirror,
    checkout: &Checkout,
    branch: &str,
    standing: &Standing,
    files: &[PlannedFile],
) -> Vec<String> {
    let (Some(tip), false) = (&standing.tip, standing.foreign.is_empty()) else {
        return Vec::new();
    };
    let mut sentences = Vec::new();
    let count = standing.foreign.len();
    let (commits, them) = if count == 1 {
        ("commit that is", "it")
    } else {
        ("commits that are", "them")
    };
    sentences.push(format!(
        "`{branch}` already holds {count} {commits} not in `{}`; this change goes on top of {them}, so that a pull request of `{branch}` brings them all together. To keep requests apart, give each a branch of its own, such as `request-${{{{ parameters.name }}}}`",
        checkout.branch
    ));
    for commit in standing.foreign.iter().take(5) {
        sentences.push(format!("`{branch}` holds {}", words(commit)));
    }
    sentences.extend(replaced(mirror, checkout, tip, standing, files).await);
    for sentence in &sentences {
        context.log(&format!("warn: {sentence}")).await;
    }
    sentences
}

/// Files that others changed in the branch and that this change replaces as a whole.
async fn replaced(
    mirror: &Mirror,
    checkout: &Checkout,
    tip: &Commit,
    standing: &Standing,
    files: &[PlannedFile],
) -> Vec<String> {
    let Ok(base) = Commit::parse(&checkout.commit) else {
        return Vec::new();
    };
    let changed = mirror.diff_names(&base, tip).await.unwrap_or_default();
    let mut found = Vec::new();
    for change in changed.iter().take(MOST) {
        if !files.iter().any(|file| file.path == change.path) {
            continue;
        }
        let last = mirror.log(tip, Some(&change.path), 1).await.unwrap_or_default();
        let last = last.first().or(standing.foreign.first());
        let owner = last.map_or_else(String::new, |last| format!(" by {}", words(last)));
        found.push(format!(
            "`{}` was changed in the branch{owner}; this change replaces it, and that request's version is gone when both are merged",
            change.path
        ));
    }
    found
}
