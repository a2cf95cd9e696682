//! A private bare copy of a remote repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::program::init_bare;
use crate::{Commit, CommitInfo, GitError, Objects, PathChange, Program, RefName, Remote, TreeEntry};

/// The commit that the remote's `HEAD` stood at when it was last fetched.
const HEAD: &str = "refs/pave/head";
/// Where the remote's branches and its tags are kept.
const BRANCHES: &str = "refs/remotes/origin/";
const TAGS: &str = "refs/tags/";

/// A bare copy of a remote repository: its branches under `refs/remotes/origin/`, its tags under `refs/tags/`.
///
/// Cloning is cheap; the copies share the directory. It is a cache: delete the directory and it comes again.
#[derive(Debug, Clone)]
pub struct Mirror {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    remote: Remote,
    objects: Objects,
    fetching: Mutex<()>,
}

impl Mirror {
    /// Opens the copy in `directory`, creating an empty one if there is none. Talks to nobody.
    pub async fn open(directory: &Path, remote: Remote) -> Result<Self, GitError> {
        remote.check()?;
        init_bare(directory).await?;
        let objects = Objects::new(directory);
        let shared = Shared {
            directory: directory.to_owned(),
            remote,
            objects,
            fetching: Mutex::new(()),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The directory of the copy.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.shared.directory
    }

    /// The remote it is a copy of.
    #[must_use]
    pub fn remote(&self) -> &Remote {
        &self.shared.remote
    }

    /// Brings all branches and tags up to date; those that are gone from the remote go here too.
    pub async fn fetch(&self) -> Result<(), GitError> {
        let _one_at_a_time = self.shared.fetching.lock().await;
        let program = fetching(&self.shared.directory, &self.shared.remote);
        let all = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
        let head = format!("+HEAD:{HEAD}");
        let mut arguments = vec![
            "fetch",
            "--quiet",
            "--prune",
            "--no-tags",
            "--no-write-fetch-head",
            "origin",
        ];
        arguments.extend(all);
        arguments.push(&head);
        match program.run(&arguments, b"").await {
            // A repository without commits has no HEAD to fetch; its (zero) branches still count.
            Err(GitError::NotFound { what }) if what.starts_with("the branch") => {
                arguments.pop();
                program.run(&arguments, b"").await?;
            }
            other => {
                other?;
            }
        }
        program.tidy().await?;
        Ok(())
    }

    /// The commit that a branch, tag, full or shortened id, `HEAD` or the empty string (both: the remote's
    /// default branch) stands for, as of the last fetch.
    pub async fn resolve(&self, revision: &str) -> Result<Commit, GitError> {
        let revision = revision.trim();
        let candidates = candidates(revision)?;
        let found = self.shared.objects.first_commit(&candidates).await?;
        found.ok_or_else(|| GitError::NotFound {
            what: format!(
                "revision `{}` in {}",
                if revision.is_empty() { "HEAD" } else { revision },
                self.shared.remote.public_url()
            ),
        })
    }

    /// What the remote's `HEAD`, branches and tags pointed to at the last fetch, under the names they have there.
    pub async fn tips(&self) -> Result<BTreeMap<String, String>, GitError> {
        let program = Program::new(&self.shared.directory);
        let arguments = [
            "for-each-ref",
            "--format=%(objectname) %(refname)",
            HEAD,
            BRANCHES,
            TAGS,
        ];
        let printed = program.run(&arguments, b"").await?;
        let text = String::from_utf8_lossy(&printed);
        Ok(text.lines().filter_map(tip).collect())
    }

    /// Lists `path` of a commit: with `recurse` every file below it, otherwise its direct files and folders.
    /// A path that does not exist gives an empty list.
    pub async fn list(&self, commit: &Commit, path: &str, recurse: bool) -> Result<Vec<TreeEntry>, GitError> {
        self.shared.objects.list(commit, path, recurse).await
    }

    /// Reads one file; `None` if the commit has no such file.
    pub async fn read(&self, commit: &Commit, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        self.shared.objects.read(commit, path).await
    }

    /// Reads several files with one process; absent ones are left out.
    pub async fn read_many(
        &self,
        commit: &Commit,
        paths: &[String],
    ) -> Result<Vec<(String, Vec<u8>)>, GitError> {
        self.shared.objects.read_many(commit, paths).await
    }

    /// The history that leads to `commit`, newest first, of one path or of all.
    pub async fn log(
        &self,
        commit: &Commit,
        path: Option<&str>,
        limit: usize,
    ) -> Result<Vec<CommitInfo>, GitError> {
        self.shared.objects.log(commit, path, limit).await
    }

    /// For each file below `directory` the last commit that touched it, found in one walk.
    pub async fn last_commits(
        &self,
        commit: &Commit,
        directory: &str,
    ) -> Result<BTreeMap<String, CommitInfo>, GitError> {
        self.shared.objects.last_commits(commit, directory).await
    }

    /// The paths that differ between two commits.
    pub async fn diff_names(&self, from: &Commit, to: &Commit) -> Result<Vec<PathChange>, GitError> {
        self.shared.objects.diff_names(from, to).await
    }

    /// Whether the copy has the commit.
    pub async fn has_commit(&self, commit: &Commit) -> bool {
        self.shared.objects.has_commit(commit).await
    }

    /// Packs what has gathered when it is much. Cheap when there is nothing to do.
    pub async fn tidy(&self) -> Result<(), GitError> {
        let _one_at_a_time = self.shared.fetching.lock().await;
        Program::new(&self.shared.directory).tidy().await?;
        Ok(())
    }
}

/// A line of `for-each-ref` as name and id, the name as the remote has it.
fn tip(line: &str) -> Option<(String, String)> {
    let (id, name) = line.split_once(' ')?;
    let name = match name.strip_prefix(BRANCHES) {
        Some(branch) => format!("refs/heads/{branch}"),
        None if name == HEAD => "HEAD".to_owned(),
        None => name.to_owned(),
    };
    Some((name, id.to_owned()))
}

/// Git with the remote, and without the disk flushes that a cache does not need.
pub(crate) fn fetching(directory: &Path, remote: &Remote) -> Program {
    Program::new(directory)
        .with_remote(remote)
        .config("core.fsync", "none")
        // Small imports stay packs too; unpacking them would cost a process.
        .config("fastimport.unpackLimit", "1")
        .config("fetch.unpackLimit", "1")
        .config("fetch.fsckObjects", "true")
}

/// What a revision may mean, likeliest first.
fn candidates(revision: &str) -> Result<Vec<String>, GitError> {
    if revision.is_empty() || revision == "HEAD" {
        return Ok(vec![HEAD.to_owned()]);
    }
    let name = RefName::parse(revision)?;
    let is_hex = (4..=40).contains(&revision.len()) && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut candidates = Vec::new();
    if revision.len() == 40 && is_hex {
        candidates.push(revision.to_owned());
    }
    if let Some(branch) = revision.strip_prefix("refs/heads/") {
        candidates.push(format!("refs/remotes/origin/{branch}"));
    } else if revision.starts_with("refs/") {
        candidates.push(revision.to_owned());
    } else {
        candidates.push(format!("refs/remotes/origin/{}", name.short()));
        candidates.push(format!("refs/tags/{}", name.short()));
    }
    if is_hex && revision.len() < 40 {
        candidates.push(revision.to_owned());
    }
    Ok(candidates)
}
