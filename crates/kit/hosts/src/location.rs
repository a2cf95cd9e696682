//! A place in a repository.

use std::fmt;

use pave_git::{Credential, Remote};
use url::Url;

use crate::Provider;

/// A version that a URL names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// A branch.
    Branch(String),
    /// A tag.
    Tag(String),
    /// A branch, tag or commit: GitHub's URLs do not say which.
    Any(String),
}

impl Version {
    /// The name without its kind.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Branch(name) | Self::Tag(name) | Self::Any(name) => name,
        }
    }

    /// The reference that Git looks for.
    #[must_use]
    pub fn revision(&self) -> String {
        match self {
            Self::Branch(name) => format!("refs/heads/{name}"),
            Self::Tag(name) => format!("refs/tags/{name}"),
            Self::Any(name) => name.clone(),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A repository on a host, and a path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryLocation {
    /// Whose language the host speaks.
    pub provider: Provider,
    /// The host, with its port if the URL has one.
    pub host: String,
    /// Azure's organization, GitHub's owner.
    pub organization: String,
    /// Azure's project; empty on GitHub.
    pub project: String,
    /// The repository.
    pub repository: String,
    /// The URL to clone it from, without user information.
    pub clone_url: Url,
    /// The path from the root of the repository, without slashes around it; empty for the root.
    pub path: String,
    /// The version, if the URL names one.
    pub version: Option<Version>,
}

impl RepositoryLocation {
    /// Reads a URL of Azure Repos on any host, also on one that no integration names.
    pub fn azure(url: &Url) -> Result<Self, crate::HostsError> {
        crate::azure::parse(url)
    }

    /// The revision for Git; empty for the default branch.
    #[must_use]
    pub fn revision(&self) -> String {
        self.version.as_ref().map(Version::revision).unwrap_or_default()
    }

    /// The repository as Git reaches it.
    #[must_use]
    pub fn remote(&self, credential: Option<Credential>) -> Remote {
        Remote {
            url: self.clone_url.clone(),
            credential,
            authority: None,
        }
    }

    /// Whether both are in the same repository, whatever the case of its name.
    #[must_use]
    pub fn is_same_repository(&self, other: &Self) -> bool {
        let same = |one: &str, two: &str| one.to_lowercase() == two.to_lowercase();
        same(&self.host, &other.host)
            && same(&self.organization, &other.organization)
            && same(&self.project, &other.project)
            && same(&self.repository, &other.repository)
    }
}

/// The host of a URL as integrations name it: with its port unless that is the scheme's own.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().to_lowercase();
    url.port().map_or(host.clone(), |port| format!("{host}:{port}"))
}

/// The segments of a URL's path, percent-decoded.
pub(crate) fn segments(url: &Url) -> Vec<String> {
    let decode = |segment: &str| {
        // A plus sign is itself in a path; only the query gives it another meaning.
        let pair = format!("_={}", segment.replace('+', "%2B").replace('&', "%26"));
        url::form_urlencoded::parse(pair.as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    url.path()
        .split('/')
        .filter(|part| !part.is_empty())
        .map(decode)
        .collect()
}

pub(crate) fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
