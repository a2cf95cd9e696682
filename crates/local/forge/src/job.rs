//! Work that goes on after its request was answered: imports, fork syncs, cherry-picks, reverts.
//!
//! A job prepares objects at leisure and moves references in one step at its end, by the same way as a push, so
//! that one that is stopped in the middle has changed nothing. Start at [`Forge::start_job`].

mod copy;
mod transfer;

use pave_auth::Principal;
use serde_json::{Value, json};

use crate::ForgeError;
use crate::error::ApiError;
use crate::forge::Forge;
use crate::repository::Repository;
use crate::store::{Job, Kind};
pub(crate) use transfer::{Source, Wanted, take_over, tidy_up};

/// What upstream tells of an import.
const IMPORT_STEPS: [&str; 4] = [
    "Processing request",
    "Storing objects",
    "Updating references",
    "Import completed successfully",
];
/// What upstream tells of a fork that is brought up to date.
const SYNC_STEPS: [&str; 3] = ["Processing request", "Storing objects", "Updating references"];

/// Upstream's word for a right that is missing.
const PERMISSION: &str = "createBranchPermissionRequired";

/// Why a job could not be done, with upstream's word where it has one.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    word: &'static str,
    conflict: bool,
}

impl Failure {
    /// Whether somebody lacks a right.
    pub(crate) fn is_refusal(&self) -> bool {
        self.word == PERMISSION
    }

    /// What it says to a person.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    fn new(word: &'static str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            word,
            conflict: false,
        }
    }
}

impl From<ForgeError> for Failure {
    fn from(error: ForgeError) -> Self {
        let word = match &error {
            ForgeError::Refused(_) | ForgeError::Guarded(_) => PERMISSION,
            ForgeError::Stale(_) => "refNameConflict",
            _ => "other",
        };
        let message = match error {
            // What Git says of a remote is what its owner has to know.
            ForgeError::Git(git) => git.to_string(),
            other => ApiError::from(other).message().to_owned(),
        };
        Self::new(word, message)
    }
}

impl From<pave_git::GitError> for Failure {
    fn from(error: pave_git::GitError) -> Self {
        ForgeError::from(error).into()
    }
}

impl From<pave_store::StoreError> for Failure {
    fn from(error: pave_store::StoreError) -> Self {
        ForgeError::from(error).into()
    }
}

impl Forge {
    /// Writes a job down, begins it, and returns at once.
    pub(crate) async fn start_job(
        &self,
        principal: &Principal,
        repository: &Repository,
        kind: Kind,
        parameters: Value,
    ) -> Result<Job, ForgeError> {
        let job = Job {
            id: 0,
            repository: repository.id,
            kind,
            status: "queued".to_owned(),
            parameters,
            detail: detail(kind, 0, None),
        };
        self.run_job(principal, repository, job).await
    }

    /// The same for one that is written down already: once more.
    pub(crate) async fn run_job(
        &self,
        principal: &Principal,
        repository: &Repository,
        mut job: Job,
    ) -> Result<Job, ForgeError> {
        "queued".clone_into(&mut job.status);
        job.detail = detail(job.kind, 0, None);
        let job = self.store().keep_job(job).await?;
        let (worker, principal, repository, running) =
            (self.clone(), principal.clone(), repository.clone(), job.clone());
        self.tasks().spawn("forge job", async move {
            let token = worker.tasks().token();
            tokio::select! {
                // What is broken off is marked at the next start.
                () = token.cancelled() => {}
                () = work(&worker, &principal, &repository, running) => {}
            }
        });
        Ok(job)
    }
}

async fn work(forge: &Forge, principal: &Principal, repository: &Repository, mut job: Job) {
    "inProgress".clone_into(&mut job.status);
    job.detail = detail(job.kind, 1, None);
    if let Err(error) = forge.store().keep_job(job.clone()).await {
        tracing::error!(job = job.id, %error, "job not noted");
    }
    let done = match job.kind {
        Kind::Import => transfer::import(forge, principal, repository, &job).await,
        Kind::ForkSync => transfer::sync(forge, principal, repository, &job).await,
        Kind::CherryPick | Kind::Revert => copy::copy(forge, principal, repository, &job).await,
    };
    let failure = done.as_ref().err();
    let status = if failure.is_some() { "failed" } else { "completed" };
    status.clone_into(&mut job.status);
    job.detail = detail(job.kind, usize::MAX, failure);
    if let Some(failure) = failure {
        let reason = &failure.message;
        tracing::info!(
            job = job.id,
            repository = repository.full_name(),
            reason,
            "job failed"
        );
    }
    if let Err(error) = forge.store().keep_job(job.clone()).await {
        tracing::error!(job = job.id, %error, "job not noted");
    }
}

/// How far a job is, in upstream's form for its kind.
fn detail(kind: Kind, step: usize, failure: Option<&Failure>) -> Value {
    let steps: &[&str] = match kind {
        Kind::Import => &IMPORT_STEPS,
        Kind::ForkSync => &SYNC_STEPS,
        Kind::CherryPick | Kind::Revert => {
            let mut value = json!({
                "status": failure.map_or("none", |it| it.word), "conflict": failure.is_some_and(|it| it.conflict),
                "progress": if step > 1 { 1.0 } else { 0.0 }, "timedout": false,
            });
            if let Some(failure) = failure {
                value["failureMessage"] = json!(failure.message);
            }
            return value;
        }
    };
    let at = if failure.is_some() {
        2
    } else {
        step.min(steps.len())
    };
    let mut value = json!({ "currentStep": at, "allSteps": steps });
    if let Some(failure) = failure {
        value["errorMessage"] = json!(failure.message);
    }
    value
}
