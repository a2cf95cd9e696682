//! One private copy for each repository, fetched once however many Applications ask.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use pave_git::{Credential, Mirror, Remote};
use pave_manifest::urls::normalise;
use serde_json::Value;
use url::Url;

/// Who gives the credential for a repository that no Secret describes.
pub trait Credentials: Send + Sync {
    /// The remote for a URL, with what proves who we are there; nothing to go on without.
    fn remote(&self, url: &str) -> Option<Remote>;
}

/// Knows no credential.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn remote(&self, _url: &str) -> Option<Remote> {
        None
    }
}

/// Why a repository could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum RepositoryError {
    /// The URL is none.
    #[error("`{url}` is not a URL of a repository: {reason}")]
    Url { url: String, reason: String },
    /// Git failed.
    #[error("{0}")]
    Git(Arc<pave_git::GitError>),
}

impl From<pave_git::GitError> for RepositoryError {
    fn from(error: pave_git::GitError) -> Self {
        Self::Git(Arc::new(error))
    }
}

/// All repositories.
pub(crate) struct Repositories {
    directory: PathBuf,
    fallback: Arc<dyn Credentials>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    open: HashMap<String, (Remote, Arc<Repository>)>,
    secrets: HashMap<String, RepositorySecret>,
}

/// A Secret of Argo CD that describes one repository, or a prefix of many.
#[derive(Clone, Debug)]
struct RepositorySecret {
    url: String,
    prefix: bool,
    credential: Option<Credential>,
}

/// One repository.
pub(crate) struct Repository {
    /// The private copy.
    pub(crate) mirror: Mirror,
    requests: AtomicU64,
    last: tokio::sync::Mutex<LastFetch>,
}

struct LastFetch {
    covers: u64,
    result: Result<(), RepositoryError>,
}

impl Repositories {
    pub(crate) fn new(directory: PathBuf, fallback: Arc<dyn Credentials>) -> Self {
        Self {
            directory,
            fallback,
            inner: Mutex::default(),
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a Secret, or that it is gone.
    pub(crate) fn set_secret(&self, name: &str, secret: Option<&Value>) {
        let mut inner = self.inner();
        match secret.and_then(read_secret) {
            Some(secret) => inner.secrets.insert(name.to_owned(), secret),
            None => inner.secrets.remove(name),
        };
    }

    /// The repository of a URL, opened if this is the first time.
    pub(crate) async fn open(&self, url: &str) -> Result<Arc<Repository>, RepositoryError> {
        let remote = self.remote(url)?;
        let name = normalise(url);
        if let Some((known, repository)) = self.inner().open.get(&name)
            && *known == remote
        {
            return Ok(Arc::clone(repository));
        }
        let directory = self.directory.join(directory_name(&name));
        let mirror = Mirror::open(&directory, remote.clone()).await?;
        let repository = Arc::new(Repository {
            mirror,
            requests: AtomicU64::new(0),
            last: tokio::sync::Mutex::new(LastFetch {
                covers: 0,
                result: Ok(()),
            }),
        });
        self.inner().open.insert(name, (remote, Arc::clone(&repository)));
        Ok(repository)
    }

    fn remote(&self, url: &str) -> Result<Remote, RepositoryError> {
        if let Some(remote) = self.fallback.remote(url) {
            let credential = self.credential(url).or_else(|| remote.credential.clone());
            return Ok(Remote { credential, ..remote });
        }
        let parsed = Url::parse(url).map_err(|error| RepositoryError::Url {
            url: url.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Remote {
            credential: self.credential(url),
            ..Remote::new(parsed)
        })
    }

    /// The Secret for exactly this repository, else the one with the longest prefix.
    fn credential(&self, url: &str) -> Option<Credential> {
        let wanted = normalise(url);
        let inner = self.inner();
        let fits = |secret: &&RepositorySecret| {
            let own = normalise(&secret.url);
            if secret.prefix {
                wanted.starts_with(&own)
            } else {
                wanted == own
            }
        };
        let best = inner
            .secrets
            .values()
            .filter(fits)
            .max_by_key(|it| (!it.prefix, it.url.len()))?;
        best.credential.clone()
    }
}

impl Repository {
    /// Fetches, once for all who ask at the same time; who asks gets what the remote had after asking.
    pub(crate) async fn fetch(&self) -> Result<(), RepositoryError> {
        let ticket = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let mut last = self.last.lock().await;
        if last.covers >= ticket {
            return last.result.clone();
        }
        last.covers = self.requests.load(Ordering::SeqCst);
        last.result = self.mirror.fetch().await.map_err(RepositoryError::from);
        last.result.clone()
    }
}

/// A readable directory name that differs for every repository.
fn directory_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
        .collect();
    let tail: String = safe
        .chars()
        .rev()
        .take(60)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{}-{hash:016x}.git", tail.trim_matches('-'))
}

fn read_secret(secret: &Value) -> Option<RepositorySecret> {
    let kind = secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"].as_str()?;
    let prefix = match kind {
        "repository" => false,
        "repo-creds" => true,
        _ => return None,
    };
    let text = |key: &str| {
        if let Some(plain) = secret["stringData"][key].as_str() {
            return Some(plain.to_owned());
        }
        let encoded = secret["data"][key].as_str()?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
        String::from_utf8(bytes).ok().filter(|it| !it.is_empty())
    };
    let credential = match (text("bearerToken"), text("password")) {
        (Some(token), _) => Some(Credential::Bearer(token)),
        (None, Some(password)) => Some(Credential::Basic {
            user: text("username").unwrap_or_default(),
            password,
        }),
        (None, None) => None,
    };
    Some(RepositorySecret {
        url: text("url")?,
        prefix,
        credential,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_secret_of_a_repository_wins_over_prefixes() {
        let repositories = Repositories::new(PathBuf::new(), Arc::new(NoCredentials));
        let secret = |kind: &str, url: &str, password: &str| {
            json!({"metadata": {"labels": {"argocd.argoproj.io/secret-type": kind}},
                "stringData": {"url": url, "username": "x", "password": password}})
        };
        repositories.set_secret("a", Some(&secret("repo-creds", "https://h/pave", "short")));
        repositories.set_secret(
            "b",
            Some(&secret("repo-creds", "https://h/pave/platform", "long")),
        );
        repositories.set_secret(
            "c",
            Some(&secret("repository", "https://h/pave/platform/_git/x", "exact")),
        );
        let check = |url: &str, expected: Option<&str>| {
            let found = repositories.remote(url).unwrap().credential;
            let expected = expected.map(|password| Credential::Basic {
                user: "x".into(),
                password: password.into(),
            });
            assert_eq!(found, expected, "{url}");
        };
        check("https://h/pave/platform/_git/x", Some("exact"));
        check("https://h/pave/platform/_git/y", Some("long"));
        check("https://h/pave/other/_git/y", Some("short"));
        check("https://h/else", None);
        repositories.set_secret("c", None);
        check("https://h/pave/platform/_git/x", Some("long"));
    }
}
