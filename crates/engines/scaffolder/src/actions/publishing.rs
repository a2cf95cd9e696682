//! Files to a branch of a remote repository, exactly once: what every publishing action has in common.

use std::path::PathBuf;

use pave_git::{Change, Commit, Credential, GitError, Remote, Signature, commit_and_push};
use pave_names::annotation::{REQUESTED_BY_TRAILER, ROAD_TRAILER};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::existing;
use crate::action::{ActionContext, ActionError};
use crate::hops;
use crate::model::PlannedFile;

/// A commit that is to be made.
pub(super) struct Commitment<'c> {
    pub(super) remote: &'c Remote,
    pub(super) branch: &'c str,
    /// The message as the template has it.
    pub(super) message: &'c str,
    pub(super) files: &'c [PlannedFile],
}

/// What came of it.
pub(super) struct Published {
    pub(super) commit: Commit,
    /// Files that existed and are now different.
    pub(super) changed: Vec<String>,
}

/// The remote with what is to be shown to it: the `token` of the input, else the person's or the integration's.
pub(super) async fn remote(context: &ActionContext<'_>, url: &Url) -> Result<Remote, ActionError> {
    let mut url = url.clone();
    without_user(&mut url);
    let credential = credential(context, &url).await?;
    Ok(Remote {
        url,
        credential,
        authority: context.services.authority.clone(),
    })
}

/// What is to be shown to a host: the `token` of the input, else the person's or the integration's.
pub(super) async fn credential(
    context: &ActionContext<'_>,
    url: &Url,
) -> Result<Option<Credential>, ActionError> {
    if let Some(token) = context.text("token") {
        return Ok(Some(pave_hosts::devops::credential_of_token(token)));
    }
    let found = context
        .services
        .credentials
        .credential(context.principal, url)
        .await?;
    Ok(found)
}

/// Credentials come from the person, never from a template; the user in Azure's clone URLs is the organization.
pub(super) fn without_user(url: &mut Url) {
    // Both fail only for URLs that cannot have user information.
    url.set_password(None).ok();
    url.set_username("").ok();
}

/// Asks the gate, commits, and tells the journal.
pub(super) async fn publish(
    context: &ActionContext<'_>,
    wanted: &Commitment<'_>,
) -> Result<Published, ActionError> {
    let services = context.services;
    let repository = wanted.remote.url.as_str();
    if let Err(diagnostics) = services
        .gate
        .check(context.principal, repository, wanted.branch, wanted.files)
        .await
    {
        return Err(refused(context, diagnostics).await);
    }
    let writes: Vec<Change> = wanted
        .files
        .iter()
        .map(|file| Change {
            path: file.path.clone(),
            content: file.content.clone(),
            executable: file.executable,
        })
        .collect();
    let work = copy_of(context, repository, "")?;
    let pushed = commit_and_push(
        &work,
        wanted.remote,
        wanted.branch,
        &author(context),
        &message(context, wanted.message),
        &writes,
        Some(&context.step_key),
    )
    .await
    .map_err(|error| failed(&error))?;
    context.interruption(&format!("pushed {}", context.step_id)).await;
    let commit = pushed.commit;
    let again = if pushed.already {
        " (it was there already)"
    } else {
        ""
    };
    context
        .log(&format!(
            "Commit {commit} is on {} of {repository}{again}",
            wanted.branch
        ))
        .await;
    let changed = if pushed.already {
        Vec::new()
    } else {
        existing::report(context, &work, &commit).await
    };
    tell(context, wanted, &commit).await;
    Ok(Published { commit, changed })
}

async fn tell(context: &ActionContext<'_>, wanted: &Commitment<'_>, commit: &Commit) {
    let link = json!({
        "taskId": context.task_id,
        "step": context.step_id,
        "repository": wanted.remote.url.as_str(),
        "branch": wanted.branch,
        "commit": commit.as_str(),
        "files": wanted.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
    });
    let title = wanted.message.lines().next().unwrap_or_default();
    hops::commit(
        &context.services.journal,
        context.road,
        context.direction,
        commit.as_str(),
        title,
        link,
    )
    .await;
}

fn message(context: &ActionContext<'_>, written: &str) -> String {
    format!(
        "{}\n\n{ROAD_TRAILER}: {}\n{REQUESTED_BY_TRAILER}: {}",
        written.trim_end(),
        context.road,
        context.principal.entity
    )
}

/// The directory of a private copy of a repository; `kind` tells copies for reading from those for writing, so that
/// neither waits for the other's locks.
pub(super) fn copy_of(
    context: &ActionContext<'_>,
    repository: &str,
    kind: &str,
) -> Result<PathBuf, ActionError> {
    let directory = context.services.data.join("repositories");
    std::fs::create_dir_all(&directory)
        .map_err(|error| format!("cannot make the repository's copy: {error}"))?;
    Ok(directory.join(directory_name(repository, kind)))
}

/// The gate's reasons, in the log and in the error.
async fn refused(context: &ActionContext<'_>, diagnostics: Vec<pave_diagnostic::Diagnostic>) -> ActionError {
    for diagnostic in &diagnostics {
        context.log(&format!("{diagnostic}")).await;
    }
    let words: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    let message = format!("the files were not committed: {}", words.join("; "));
    ActionError {
        name: "NotAllowedError".to_owned(),
        message,
        diagnostics,
    }
}

/// A failure of Git with all its causes.
pub(super) fn failed(error: &GitError) -> ActionError {
    let name = match error {
        GitError::Unauthorized { .. } | GitError::Rejected { .. } => "NotAllowedError",
        GitError::NotFound { .. } => "NotFoundError",
        GitError::InvalidPath { .. } | GitError::InvalidName { .. } | GitError::UnsupportedUrl { .. } => {
            "InputError"
        }
        _ => "Error",
    };
    ActionError::new(name, pave_diagnostic::with_causes(error))
}

/// The person, unless the template names somebody.
fn author(context: &ActionContext<'_>) -> Signature {
    let (name, email) = &context.services.defaults.author;
    let or_default = |text: &str, default: &str| {
        if text.is_empty() {
            default.to_owned()
        } else {
            text.to_owned()
        }
    };
    let name = or_default(&context.principal.display_name, name);
    let email = or_default(&context.principal.email, email);
    Signature::new(
        context.text("gitAuthorName").map_or(name, str::to_owned),
        context.text("gitAuthorEmail").map_or(email, str::to_owned),
    )
}

fn directory_name(repository: &str, kind: &str) -> String {
    let digest = Sha256::digest(repository.as_bytes());
    let name = digest
        .iter()
        .take(12)
        .fold(0_u128, |name, byte| name << 8 | u128::from(*byte));
    format!("{name:024x}{kind}.git")
}
