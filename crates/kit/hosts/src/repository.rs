//! The private copy of one repository: brought up to date before each reading, fetched only when something changed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Instant;

use pave_git::{Commit, GitError, Mirror};
use tokio::sync::Mutex;

use crate::ReadTree;
use crate::tips::{Advertisement, Tips};

/// A copy, and what is known about how fresh it is.
pub(crate) struct Repository {
    pub(crate) mirror: Mirror,
    advertisement: Advertisement,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    /// When the last comparison with the remote that succeeded began.
    began: Option<Instant>,
}

/// What the copy holds between two fetches.
#[derive(Debug, Default)]
pub(crate) struct Known {
    tips: Tips,
    /// Revisions that have been looked up.
    commits: Lock<HashMap<String, Commit>>,
}

impl Repository {
    pub(crate) fn new(mirror: Mirror, advertisement: Advertisement) -> Self {
        Self {
            mirror,
            advertisement,
            state: Mutex::default(),
        }
    }

    /// Brings the copy to where the remote is, or was later than this call began: what has been pushed before is in
    /// it. Who comes while others wait shares their next comparison, but never one that had begun before.
    pub(crate) async fn fresh(&self) -> Result<Arc<Known>, GitError> {
        let arrived = Instant::now();
        let mut state = self.state.lock().await;
        if let (Some(known), Some(began)) = (&state.known, state.began)
            && began > arrived
        {
            return Ok(Arc::clone(known));
        }
        let began = Instant::now();
        let known = self.compare(state.known.take()).await?;
        *state = State {
            known: Some(Arc::clone(&known)),
            began: Some(began),
        };
        Ok(known)
    }

    async fn compare(&self, known: Option<Arc<Known>>) -> Result<Arc<Known>, GitError> {
        // A copy from before a start is fetched in any case: Git looks then whether it is whole.
        if let Some(known) = known
            && self.advertisement.tips().await.as_ref() == Some(&known.tips)
        {
            return Ok(known);
        }
        self.mirror.fetch().await?;
        // Read back rather than believed: the remote may have moved on since it was asked.
        Ok(Arc::new(Known::of(&self.mirror).await?))
    }
}

impl Known {
    async fn of(mirror: &Mirror) -> Result<Self, GitError> {
        let tips = mirror.tips().await?;
        Ok(Self {
            tips,
            commits: Lock::default(),
        })
    }

    /// The commit that a revision stands for.
    pub(crate) async fn resolve(&self, mirror: &Mirror, revision: &str) -> Result<Commit, GitError> {
        let commits = || self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let found = commits().get(revision).cloned();
        if let Some(commit) = found {
            return Ok(commit);
        }
        let commit = mirror.resolve(revision).await?;
        commits().insert(revision.to_owned(), commit.clone());
        Ok(commit)
    }
}

/// How many bytes of folders are kept, and how many of one.
const KEPT: usize = 8 * 1024 * 1024;
const LARGEST: usize = 1024 * 1024;

/// Folders that were read lately. A commit never changes, so nothing of this can be out of date.
#[derive(Default)]
pub(crate) struct Trees {
    kept: Lock<Kept>,
}

/// A commit and a folder of it.
type Key = (Commit, String);

#[derive(Default)]
struct Kept {
    /// The one used last at the end.
    trees: VecDeque<(Key, ReadTree)>,
    bytes: usize,
}

impl Trees {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, commit: &Commit, folder: &str) -> Option<ReadTree> {
        let mut kept = self.lock();
        let at = kept
            .trees
            .iter()
            .position(|((of, path), _)| of == commit && path == folder)?;
        let entry = kept.trees.remove(at)?;
        let tree = entry.1.clone();
        kept.trees.push_back(entry);
        Some(tree)
    }

    pub(crate) fn keep(&self, commit: &Commit, folder: &str, tree: &ReadTree) {
        let bytes = weight(tree);
        if bytes > LARGEST || self.get(commit, folder).is_some() {
            return;
        }
        let mut kept = self.lock();
        let key = (commit.clone(), folder.to_owned());
        kept.trees.push_back((key, tree.clone()));
        kept.bytes += bytes;
        while kept.bytes > KEPT
            && let Some((_, oldest)) = kept.trees.pop_front()
        {
            kept.bytes -= weight(&oldest);
        }
    }
}

/// Bytes of a folder, its bookkeeping guessed.
fn weight(tree: &ReadTree) -> usize {
    let files = tree.files.iter();
    files
        .map(|file| file.bytes.len() + file.path.len() + 100)
        .sum::<usize>()
        + 100
}
