//! Adding a commit to a remote branch, exactly once, against all comers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex as Lock, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::build::{Built, Plan};
use crate::mirror::fetching;
use crate::program::{Output, init_bare};
use crate::{Change, Commit, GitError, Program, RefName, Remote, Signature, history, stderr};

pub use pave_names::annotation::STEP_TRAILER;

/// How often a commit is built anew after the branch has moved.
const TRIES: u32 = 8;

/// What came of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The commit that now is in the branch.
    pub commit: Commit,
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Nothing was pushed: an earlier attempt of the same step had done it, or the files are already so.
    pub already: bool,
}

/// Adds one commit with `changes` to `branch` of `remote`.
///
/// `work` is a private bare repository, created if absent and kept to make the next call fast; a
/// [`crate::Mirror`]'s directory will do. The commit is built on the branch as we last saw it and pushed on the
/// condition that it is still there; if not, it is built again on the new tip, up to eight times. A branch that
/// does not exist starts at the remote's default branch, or from nothing in an empty repository.
///
/// With `step_key` the message gets the trailer `Pave-Step: <key>`, and a commit of the branch that already has
/// it is returned instead of making another: call it again after a crash.
pub async fn commit_and_push(
    work: &Path,
    remote: &Remote,
    branch: &str,
    author: &Signature,
    message: &str,
    changes: &[Change],
    step_key: Option<&str>,
) -> Result<Pushed, GitError> {
    remote.check()?;
    let name = RefName::parse(branch)?;
    let message = with_step(message, step_key);
    // Checks the paths before anything is fetched.
    Plan::new(None, author, &message, changes)?;
    init_bare(work).await?;
    let turn = turn(work);
    let _turn = turn.lock().await;
    let publisher = Publisher {
        program: fetching(work, remote),
        branch: name.short().to_owned(),
        step_key,
    };
    let pushed = publisher.publish(author, &message, changes).await?;
    // The push is done; that its leftovers could not be packed is nobody's concern now.
    if let Err(error) = publisher.program.tidy().await {
        tracing::warn!(%error, "work directory could not be tidied");
    }
    Ok(pushed)
}

struct Publisher<'a> {
    program: Program,
    branch: String,
    step_key: Option<&'a str>,
}

/// How one attempt to push ended.
enum Attempt {
    Done,
    /// The very same commit, to the second, had been pushed before.
    WasThere,
    Overtaken,
}

impl Publisher<'_> {
    async fn publish(
        &self,
        author: &Signature,
        message: &str,
        changes: &[Change],
    ) -> Result<Pushed, GitError> {
        // What we last saw of the branch is good enough to start with: the push holds only if it is still true,
        // so the common case needs no fetch.
        let mut tip = self.known_tip().await?;
        let mut fresh = false;
        if tip.is_none() {
            tip = self.fetch().await?;
            fresh = true;
        }
        for attempt in 0..TRIES {
            if attempt > 0 {
                self.pause(attempt).await;
                tip = self.fetch().await?;
                fresh = true;
            }
            let base = match &tip {
                Some(tip) => Some(tip.clone()),
                None => self.fetch_default().await?,
            };
            let plan = Plan::new(base.as_ref(), author, message, changes)?;
            // The search reads while the objects are made; usually there is nothing to find.
            let (earlier, built) = tokio::join!(self.find_step(base.as_ref()), plan.build(&self.program));
            if let (Some(earlier), Some(_)) = (earlier?, &tip) {
                return Ok(self.pushed(earlier, true));
            }
            let Built { commit, unchanged } = built?;
            if unchanged && let Some(tip) = &tip {
                // "Nothing to do" must be true of the remote, not of our memory of it.
                if fresh || self.fetch().await?.as_ref() == Some(tip) {
                    return Ok(self.pushed(tip.clone(), true));
                }
                continue;
            }
            match self.push(&commit, tip.as_ref()).await? {
                Attempt::Done => return Ok(self.pushed(commit, false)),
                Attempt::WasThere => return Ok(self.pushed(commit, true)),
                Attempt::Overtaken => {}
            }
        }
        Err(GitError::Conflict {
            branch: self.branch.clone(),
            tries: TRIES,
        })
    }

    fn pushed(&self, commit: Commit, already: bool) -> Pushed {
        Pushed {
            commit,
            branch: self.branch.clone(),
            already,
        }
    }

    async fn known_tip(&self) -> Result<Option<Commit>, GitError> {
        let reference = format!("refs/remotes/origin/{}", self.branch);
        if let Some(tip) = self.program.loose_reference(&reference).await {
            return Ok(Some(tip));
        }
        let output = self
            .program
            .output(&["rev-parse", "--verify", "--quiet", &reference], b"")
            .await?;
        Ok(Commit::parse(String::from_utf8_lossy(&output.stdout).trim()).ok())
    }

    /// Fetches the branch; `None` if the remote has none of that name.
    async fn fetch(&self) -> Result<Option<Commit>, GitError> {
        let reference = format!("refs/remotes/origin/{}", self.branch);
        let from = format!("+refs/heads/{}:{reference}", self.branch);
        if self.fetch_one(&from).await? {
            return self.known_tip().await;
        }
        self.program
            .output(&["update-ref", "-d", &reference], b"")
            .await?;
        Ok(None)
    }

    /// The tip of the remote's default branch, which a new branch starts at.
    async fn fetch_default(&self) -> Result<Option<Commit>, GitError> {
        if !self.fetch_one("+HEAD:refs/pave/head").await? {
            return Ok(None);
        }
        let printed = self
            .program
            .run(&["rev-parse", "--verify", "refs/pave/head"], b"")
            .await?;
        Commit::parse(String::from_utf8_lossy(&printed).trim()).map(Some)
    }

    async fn fetch_one(&self, refspec: &str) -> Result<bool, GitError> {
        let arguments = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "origin",
            refspec,
        ];
        match self.program.run(&arguments, b"").await {
            Ok(_) => Ok(true),
            Err(GitError::NotFound { what }) if what.starts_with("the branch") => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn find_step(&self, tip: Option<&Commit>) -> Result<Option<Commit>, GitError> {
        let (Some(key), Some(tip)) = (self.step_key, tip) else {
            return Ok(None);
        };
        let needle = format!("--grep={STEP_TRAILER}: {key}");
        let arguments = [
            "log",
            "-z",
            "--fixed-strings",
            &needle,
            history::FORMAT,
            tip.as_str(),
        ];
        let printed = self.program.run(&arguments, b"").await?;
        let commits = history::parse(&printed)?;
        // The search also finds longer keys and mentions in prose.
        let commit = commits
            .into_iter()
            .find(|commit| commit.trailer(STEP_TRAILER) == Some(key));
        Ok(commit.map(|commit| commit.commit))
    }

    async fn push(&self, commit: &Commit, tip: Option<&Commit>) -> Result<Attempt, GitError> {
        let reference = format!("refs/heads/{}", self.branch);
        let expected = tip.map_or("", Commit::as_str);
        let lease = format!("--force-with-lease={reference}:{expected}");
        let refspec = format!("{commit}:{reference}");
        let arguments = [
            "push",
            "--porcelain",
            "--no-progress",
            "--no-verify",
            &lease,
            "origin",
            &refspec,
        ];
        let output = self.program.output(&arguments, b"").await?;
        if output.success {
            let up_to_date = output
                .stdout
                .split(|byte| *byte == b'\n')
                .any(|line| line.starts_with(b"="));
            return Ok(if up_to_date {
                Attempt::WasThere
            } else {
                Attempt::Done
            });
        }
        if was_overtaken(&output) {
            return Ok(Attempt::Overtaken);
        }
        Err(self.refusal(&arguments, &output))
    }

    /// The error for a failed push: what the other side said, if it said something.
    fn refusal(&self, arguments: &[&str], output: &Output) -> GitError {
        let line = status_line(output);
        let said = stderr::remote_lines(&output.stderr);
        match line {
            Some(line) if line.contains("[remote rejected]") || line.contains("[rejected]") => {
                let reason = if said.is_empty() {
                    summary(&line)
                } else {
                    said.join("\n")
                };
                GitError::Rejected {
                    branch: self.branch.clone(),
                    reason,
                }
            }
            _ => self.program.failure(arguments, output),
        }
    }

    /// Waits a little, differently long in each process, so that rivals do not meet again and again.
    async fn pause(&self, attempt: u32) {
        let most = 10_u64 << attempt.min(6);
        let milliseconds = rand::random_range(0..most);
        tracing::debug!(
            branch = self.branch,
            attempt,
            milliseconds,
            "branch moved, trying again"
        );
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

/// The `!` line of `git push --porcelain`.
fn status_line(output: &Output) -> Option<String> {
    let printed = String::from_utf8_lossy(&output.stdout);
    printed
        .lines()
        .find(|line| line.starts_with('!'))
        .map(str::to_owned)
}

fn summary(line: &str) -> String {
    line.rsplit('\t')
        .next()
        .unwrap_or(line)
        .trim_start_matches("[remote rejected]")
        .trim()
        .to_owned()
}

/// Whether somebody else changed the branch between our look and our push.
fn was_overtaken(output: &Output) -> bool {
    const SIGNS: [&str; 7] = [
        "stale info",
        "non-fast-forward",
        "fetch first",
        "incorrect old value provided",
        "cannot lock ref",
        "failed to update ref",
        "reference already exists",
    ];
    let line = status_line(output).unwrap_or_default();
    SIGNS.iter().any(|sign| line.contains(sign))
}

fn with_step(message: &str, step_key: Option<&str>) -> String {
    let message = message.trim_end();
    let Some(key) = step_key else {
        return format!("{message}\n");
    };
    let body = message.split_once('\n').map_or("", |(_, body)| body);
    let found = history::trailers(body);
    if found
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case(STEP_TRAILER) && value == key)
    {
        return format!("{message}\n");
    }
    let separator = if found.is_empty() { "\n\n" } else { "\n" };
    format!("{message}{separator}{STEP_TRAILER}: {key}\n")
}

/// One writer at a time for each working directory: two would only overtake each other.
fn turn(work: &Path) -> Arc<Mutex<()>> {
    static TURNS: LazyLock<Lock<HashMap<PathBuf, Arc<Mutex<()>>>>> = LazyLock::new(Lock::default);
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    turns.retain(|_, turn| Arc::strong_count(turn) > 1);
    turns.entry(work.to_owned()).or_default().clone()
}
