//! What can go wrong with Git, in words a person can act on.

/// A failure of a Git operation.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The `git` program cannot be started.
    #[error("the program `git` was not found; install it (Debian and Ubuntu: `apt-get install git`)")]
    NotInstalled,
    /// The remote repository, a branch or a commit does not exist.
    #[error("{what} was not found")]
    NotFound {
        /// What was looked for, e.g. `revision 'main'`.
        what: String,
    },
    /// The remote wants another credential.
    #[error("{url} refused the credential; give a token that may read and push this repository")]
    Unauthorized {
        /// The repository, without user information.
        url: String,
    },
    /// The remote, or a hook in it, refused the push.
    #[error("the push to `{branch}` was refused: {reason}")]
    Rejected {
        /// The branch that was to be changed.
        branch: String,
        /// What the remote said, its `remote:` lines joined by line breaks.
        reason: String,
    },
    /// Others kept changing the branch faster than we could.
    #[error("`{branch}` kept moving: {tries} attempts to add a commit were overtaken; try again")]
    Conflict {
        /// The branch that was to be changed.
        branch: String,
        /// How often it was tried.
        tries: u32,
    },
    /// The operation took too long and was stopped.
    #[error("`git {command}` was stopped after {seconds} s without finishing; is {url} reachable?")]
    Timeout {
        /// Which command.
        command: String,
        /// After how many seconds.
        seconds: u64,
        /// The remote, or the local directory.
        url: String,
    },
    /// The remote cannot be reached at all.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// The repository, without user information.
        url: String,
        /// What the connection said.
        reason: String,
    },
    /// A path that must not be written or read.
    #[error("the path `{path}` is not usable: {reason}")]
    InvalidPath {
        /// The path as given.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// A branch, tag or revision name that Git would refuse or misread.
    #[error("`{name}` is not a usable name of a branch, tag or commit")]
    InvalidName {
        /// The name as given.
        name: String,
    },
    /// A URL of a scheme that is not spoken.
    #[error("`{url}` is not usable as a repository: only http, https and file are spoken")]
    UnsupportedUrl {
        /// The URL, without user information.
        url: String,
    },
    /// Anything else that Git said.
    #[error("`git {command}` failed{}: {message}", status.map(|code| format!(" with status {code}")).unwrap_or_default())]
    Failed {
        /// Which command.
        command: String,
        /// Its exit status, unless a signal ended it.
        status: Option<i32>,
        /// The end of what it printed on standard error.
        message: String,
    },
    /// Git answered in a form that was not understood.
    #[error("`git {command}` answered something unexpected: {detail}")]
    Unexpected {
        /// Which command.
        command: String,
        /// What was odd.
        detail: String,
    },
    /// A file or pipe could not be used.
    #[error("{action}")]
    Io {
        /// What was attempted.
        action: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

impl GitError {
    pub(crate) fn io(action: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io {
            action: action.into(),
            source,
        }
    }

    /// Whether trying again later, with nothing changed, may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Timeout { .. } | Self::Unreachable { .. } | Self::Conflict { .. } | Self::Io { .. }
        )
    }
}
