//! What can go wrong with a URL or a host.

use pave_git::GitError;

/// A failure to understand or read a URL.
#[derive(Debug, thiserror::Error)]
pub enum HostsError {
    /// The configuration of integrations is wrong.
    #[error("{field}: {message}")]
    Configuration {
        /// Where, e.g. `integrations.azure[0].credentials`.
        field: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// The text is not an absolute URL.
    #[error("`{url}` is not a URL: {reason}")]
    NotAUrl {
        /// The text.
        url: String,
        /// What the parser said.
        reason: String,
    },
    /// No integration is configured for the URL's host.
    #[error("No integration found for location {url}")]
    NoIntegration {
        /// The URL.
        url: String,
    },
    /// The URL belongs to the host but names no repository, or names a version in an unknown way.
    #[error("`{url}` does not name a file or folder of a repository: {reason}")]
    Malformed {
        /// The URL.
        url: String,
        /// Why, and what it should look like.
        reason: String,
    },
    /// The file, folder, version or repository does not exist.
    #[error("{url} could not be read, 404 Not Found")]
    NotFound {
        /// The URL.
        url: String,
    },
    /// The host refused the credential.
    #[error(
        "{url} could not be read, the host refused the credential ({status}); check the token of this host under `integrations`"
    )]
    Unauthorized {
        /// The URL.
        url: String,
        /// What the host answered.
        status: u16,
    },
    /// The host answered something else than the content.
    #[error("{url} could not be read, {status}")]
    Failed {
        /// The URL.
        url: String,
        /// What the host answered.
        status: http::StatusCode,
    },
    /// The host cannot be reached.
    #[error("{url} could not be read, the host cannot be reached")]
    Unreachable {
        /// The URL.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The content is what the caller has already.
    #[error("{url} has not changed")]
    NotModified {
        /// The URL.
        url: String,
    },
    /// Git could not read the repository.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl HostsError {
    /// Whether the thing does not exist, as opposed to not being readable now.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::Git(GitError::NotFound { .. }))
    }

    /// The name of the error in Backstage's APIs.
    #[must_use]
    pub fn backstage_name(&self) -> &'static str {
        match self {
            error if error.is_not_found() => "NotFoundError",
            Self::Configuration { .. }
            | Self::NotAUrl { .. }
            | Self::Malformed { .. }
            | Self::NoIntegration { .. } => "InputError",
            Self::Unauthorized { .. } | Self::Git(GitError::Unauthorized { .. }) => "AuthenticationError",
            Self::NotModified { .. } => "NotModifiedError",
            _ => "Error",
        }
    }

    pub(crate) fn malformed(url: &str, reason: impl Into<String>) -> Self {
        Self::Malformed {
            url: url.to_owned(),
            reason: reason.into(),
        }
    }
}
