//! Names inside a repository: commits, references, paths.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::GitError;

/// The id of a commit: forty hexadecimal digits, lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commit(String);

impl Commit {
    /// Reads a full commit id.
    pub fn parse(text: &str) -> Result<Self, GitError> {
        if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(GitError::InvalidName {
                name: text.to_owned(),
            })
        }
    }

    /// The forty digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<str> for Commit {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Commit {
    type Error = GitError;

    fn try_from(text: String) -> Result<Self, GitError> {
        Self::parse(&text)
    }
}

impl From<Commit> for String {
    fn from(commit: Commit) -> Self {
        commit.0
    }
}

/// A name of a branch, a tag or a full reference, checked as `git check-ref-format` does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RefName(String);

impl RefName {
    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, GitError> {
        if is_reference(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(GitError::InvalidName {
                name: text.to_owned(),
            })
        }
    }

    /// The name as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full reference of a branch: `main` and `refs/heads/main` both give `refs/heads/main`.
    #[must_use]
    pub fn branch(&self) -> String {
        if self.0.starts_with("refs/heads/") {
            self.0.clone()
        } else {
            format!("refs/heads/{}", self.0)
        }
    }

    /// The name without `refs/heads/` or `refs/tags/`.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0
            .strip_prefix("refs/heads/")
            .or_else(|| self.0.strip_prefix("refs/tags/"))
            .unwrap_or(&self.0)
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for RefName {
    type Error = GitError;

    fn try_from(text: String) -> Result<Self, GitError> {
        Self::parse(&text)
    }
}

impl From<RefName> for String {
    fn from(name: RefName) -> Self {
        name.0
    }
}

fn is_reference(text: &str) -> bool {
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\\u{7f}".contains(c);
    let component = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && std::path::Path::new(part)
                .extension()
                .is_none_or(|extension| extension != "lock")
    };
    !text.starts_with('-')
        && text != "@"
        && !text.contains("..")
        && !text.contains("@{")
        && !text.ends_with('.')
        && !text.chars().any(forbidden)
        && text.split('/').all(component)
}

/// Refuses paths that lead out of a repository or into Git's own files, and returns the path without a
/// leading `./`.
///
/// # Examples
/// ```
/// assert_eq!(pave_git::check_path("a/b.yaml").unwrap(), "a/b.yaml");
/// assert!(pave_git::check_path("a/../../b").is_err());
/// assert!(pave_git::check_path("a/.GIT/config").is_err());
/// ```
pub fn check_path(path: &str) -> Result<String, GitError> {
    let refuse = |reason| {
        Err(GitError::InvalidPath {
            path: path.to_owned(),
            reason,
        })
    };
    let trimmed = path.strip_prefix("./").unwrap_or(path);
    if trimmed.is_empty() {
        return refuse("it is empty");
    }
    if trimmed.starts_with('/') {
        return refuse("it is absolute; paths are relative to the root of the repository");
    }
    if trimmed.chars().any(char::is_control) || trimmed.contains('\\') {
        return refuse("it contains a control character or a backslash");
    }
    for part in trimmed.split('/') {
        match part {
            "" => return refuse("it contains an empty part"),
            "." | ".." => return refuse("it contains `.` or `..`"),
            _ if is_git_directory(part) => return refuse("`.git` belongs to Git itself"),
            _ => {}
        }
    }
    Ok(trimmed.to_owned())
}

/// `.git` also in the spellings that case-folding and NTFS file systems take for it.
fn is_git_directory(part: &str) -> bool {
    let folded = part.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    folded == ".git" || folded == "git~1" || folded.starts_with(".git:")
}
