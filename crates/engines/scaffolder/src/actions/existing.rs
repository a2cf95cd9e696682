//! Files that stood in a repository before a step wrote them: nobody's work is replaced without a word.

use std::path::Path;

use pave_diagnostic::{Diagnostic, Label, Location};
use pave_git::{ChangeKind, Commit, CommitInfo, GitError, Objects, Remote};
use pave_names::annotation::{REQUESTED_BY_TRAILER, ROAD_TRAILER};

use super::copies;
use crate::action::ActionContext;
use crate::model::PlannedFile;

/// Files that are named one by one; of more only their number is told.
const NAMED: usize = 20;

/// Says in the log which files a commit changed that were there before. Gives their paths.
pub(super) async fn report(context: &ActionContext<'_>, work: &Path, commit: &Commit) -> Vec<String> {
    match modified(work, commit).await {
        Ok((changed, previous)) => {
            for (path, last) in changed.iter().zip(previous) {
                let owner = last.map_or_else(String::new, |last| format!(": it came with {}", words(&last)));
                context
                    .log(&format!("warn: `{path}` existed and was changed{owner}"))
                    .await;
            }
            if changed.len() > NAMED {
                let more = changed.len() - NAMED;
                context
                    .log(&format!("warn: {more} more files existed and were changed"))
                    .await;
            }
            changed
        }
        // The commit is made; that its parent could not be looked at is no failure of the step.
        Err(error) => {
            tracing::warn!(%error, %commit, "what a commit changed could not be read");
            Vec::new()
        }
    }
}

async fn modified(work: &Path, commit: &Commit) -> Result<(Vec<String>, Vec<Option<CommitInfo>>), GitError> {
    let objects = Objects::new(work);
    let own = objects.log(commit, None, 1).await?;
    let Some(parent) = own.first().and_then(|own| own.parents.first()).cloned() else {
        return Ok((Vec::new(), Vec::new()));
    };
    let differences = objects.diff_names(&parent, commit).await?;
    let changed: Vec<String> = differences
        .into_iter()
        .filter(|change| change.kind == ChangeKind::Modified)
        .map(|change| change.path)
        .collect();
    let mut previous = Vec::new();
    for path in changed.iter().take(NAMED) {
        let found = objects.log(&parent, Some(path), 1).await?;
        previous.push(found.into_iter().next());
    }
    Ok((changed, previous))
}

/// A commit in words: its request and who asked, else its subject and author.
pub(super) fn words(commit: &CommitInfo) -> String {
    let asked = commit.trailer(REQUESTED_BY_TRAILER);
    match (commit.trailer(ROAD_TRAILER), asked) {
        (Some(road), Some(asked)) => {
            format!("\"{}\", asked for by {asked} (request {road})", commit.subject)
        }
        _ => format!(
            "\"{}\" by {} (commit {})",
            commit.subject,
            commit.author,
            commit.commit.short()
        ),
    }
}

/// For a plan: which of the files stand in the branch already with another content.
pub(super) async fn foresee(
    context: &ActionContext<'_>,
    remote: &Remote,
    branch: &str,
    files: &[PlannedFile],
) -> Vec<Diagnostic> {
    match foreseen(context, remote, branch, files).await {
        Ok(found) => found,
        // The real run will say why the repository cannot be read; a plan goes on without.
        Err(error) => {
            tracing::debug!(%error, "a plan could not look at the repository");
            Vec::new()
        }
    }
}

async fn foreseen(
    context: &ActionContext<'_>,
    remote: &Remote,
    branch: &str,
    files: &[PlannedFile],
) -> Result<Vec<Diagnostic>, GitError> {
    let mirror = copies::fetched(context, remote).await?;
    let Ok(tip) = mirror.resolve(&format!("refs/heads/{branch}")).await else {
        return Ok(Vec::new());
    };
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let present = mirror.read_many(&tip, &paths).await?;
    let mut found = Vec::new();
    for (path, content) in present {
        let planned = files.iter().find(|file| file.path == path);
        let Some(planned) = planned.filter(|file| file.content.as_ref().is_some_and(|new| *new != content))
        else {
            continue;
        };
        let last = mirror.log(&tip, Some(&path), 1).await?.into_iter().next();
        found.push(warning(planned, branch, last.as_ref()));
        if found.len() == NAMED {
            break;
        }
    }
    Ok(found)
}

fn warning(file: &PlannedFile, branch: &str, last: Option<&CommitInfo>) -> Diagnostic {
    let message = format!(
        "`{}` exists in `{branch}` already and would be changed",
        file.path
    );
    let label = Label::at(Location::new(file.path.as_str(), 1, 1));
    let label = match last {
        Some(last) => label.with_text(format!("it came with {}", words(last))),
        None => label,
    };
    Diagnostic::warning("PV1530", message)
        .with_label(label)
        .with_help("choose another name, unless this request is meant to change what is there")
        .with_effect("what the file describes is changed, and may be replaced by something else")
}
