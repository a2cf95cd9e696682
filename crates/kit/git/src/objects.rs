//! Reading commits, trees and files of a repository on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{Commit, CommitInfo, GitError, PathChange, Program, TreeEntry, history, tree};

/// The objects of a local bare repository. It reads only, and knows no branch names beyond what it is asked.
#[derive(Debug, Clone)]
pub struct Objects {
    directory: PathBuf,
    program: Program,
}

impl Objects {
    /// The objects of the repository in `directory`.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            program: Program::new(directory),
        }
    }

    /// The directory of the repository.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The commit that the first existing one of several references or ids leads to, tags followed.
    pub async fn first_commit(&self, candidates: &[String]) -> Result<Option<Commit>, GitError> {
        let mut input = String::new();
        for candidate in candidates {
            input.push_str(candidate);
            input.push_str("^{commit}\n");
        }
        let printed = self
            .program
            .run(&["cat-file", "--batch-check=%(objectname)"], input.as_bytes())
            .await?;
        let text = String::from_utf8_lossy(&printed);
        Ok(text.lines().find_map(|line| Commit::parse(line.trim()).ok()))
    }

    /// Lists `path` of a commit: with `recurse` every file below it, otherwise its direct files and folders.
    /// A path that does not exist gives an empty list.
    pub async fn list(&self, commit: &Commit, path: &str, recurse: bool) -> Result<Vec<TreeEntry>, GitError> {
        tree::list(&self.program, commit, path, recurse).await
    }

    /// What a path of a commit is, without its content; `None` if it does not exist.
    pub async fn entry(&self, commit: &Commit, path: &str) -> Result<Option<TreeEntry>, GitError> {
        tree::entry(&self.program, commit, path).await
    }

    /// Reads one file; `None` if the commit has no such file.
    pub async fn read(&self, commit: &Commit, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let files = self.read_many(commit, &[path.to_owned()]).await?;
        Ok(files.into_iter().next().map(|(_, content)| content))
    }

    /// Reads several files with one process; absent ones are left out.
    pub async fn read_many(
        &self,
        commit: &Commit,
        paths: &[String],
    ) -> Result<Vec<(String, Vec<u8>)>, GitError> {
        tree::read_many(&self.program, commit, paths).await
    }

    /// The history that leads to `commit`, newest first, of one path or of all.
    pub async fn log(
        &self,
        commit: &Commit,
        path: Option<&str>,
        limit: usize,
    ) -> Result<Vec<CommitInfo>, GitError> {
        history::log(&self.program, commit, path, limit).await
    }

    /// For each file below `directory` the last commit that touched it, found in one walk.
    pub async fn last_commits(
        &self,
        commit: &Commit,
        directory: &str,
    ) -> Result<BTreeMap<String, CommitInfo>, GitError> {
        history::last_commits(&self.program, commit, directory).await
    }

    /// The paths that differ between two commits.
    pub async fn diff_names(&self, from: &Commit, to: &Commit) -> Result<Vec<PathChange>, GitError> {
        history::diff_names(&self.program, from, to).await
    }

    /// Whether the commit is here.
    pub async fn has_commit(&self, commit: &Commit) -> bool {
        let name = format!("{commit}^{{commit}}");
        self.program.run(&["cat-file", "-e", &name], b"").await.is_ok()
    }
}
