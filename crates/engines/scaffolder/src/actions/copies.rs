//! Private copies of repositories for reading.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex as Lock, PoisonError};

use pave_git::{GitError, Mirror, Remote};
use tokio::sync::Mutex;

use super::publishing::copy_of;
use crate::action::ActionContext;

/// The copy of a repository, brought up to date with the person's own credential: who may not read it there, does
/// not read it here.
pub(super) async fn fetched(context: &ActionContext<'_>, remote: &Remote) -> Result<Mirror, GitError> {
    let directory = copy_of(context, remote.url.as_str(), "-read").map_err(|error| GitError::Io {
        action: error.message.clone(),
        source: std::io::Error::other(error.message),
    })?;
    let turn = turn(&directory);
    let _turn = turn.lock().await;
    let mirror = Mirror::open(&directory, remote.clone()).await?;
    mirror.fetch().await?;
    Ok(mirror)
}

/// One fetch at a time for each directory: each person has a mirror object of their own, and two would meet at
/// Git's locks.
fn turn(directory: &Path) -> Arc<Mutex<()>> {
    static TURNS: LazyLock<Lock<HashMap<PathBuf, Arc<Mutex<()>>>>> = LazyLock::new(Lock::default);
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    turns.retain(|_, turn| Arc::strong_count(turn) > 1);
    turns.entry(directory.to_owned()).or_default().clone()
}
