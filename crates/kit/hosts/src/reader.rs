//! Reading files and folders from hosts.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{StatusCode, header};
use pave_git::{Commit, Credential, EntryKind, Mirror};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use url::Url;

use crate::location::segments;
use crate::repository::{Known, Repository, Trees};
use crate::tips::Advertisement;
use crate::{HostsError, Integrations, Provider, RepositoryLocation, azure, glob};

/// The content of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFile {
    /// Where it was read from; differs from what was asked only for a pattern.
    pub url: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// Changes when the content does; empty if the host does not tell.
    pub etag: String,
}

/// One file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// The path from the folder that was asked for.
    pub path: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// Whether it may be executed.
    pub executable: bool,
}

/// The files of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadTree {
    /// The files, in the order of their paths.
    pub files: Vec<TreeFile>,
    /// The commit they were read at.
    pub etag: String,
}

/// Reads what URLs point to.
pub trait Reader: Send + Sync {
    /// Reads one file.
    fn read_url<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<ReadFile, HostsError>>;

    /// Reads a folder with all that is below it.
    fn read_tree<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<ReadTree, HostsError>>;

    /// Reads every file that a URL with `*`, `?` or `**` in its path matches, or the one that it names.
    fn search<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<ReadFile>, HostsError>>;
}

/// Reads from the configured hosts: files over their REST APIs, folders through a private Git mirror.
#[derive(Clone)]
pub struct HostReader {
    shared: Arc<Shared>,
}

struct Shared {
    integrations: Integrations,
    http: reqwest::Client,
    cache: PathBuf,
    authority: Option<PathBuf>,
    repositories: Mutex<HashMap<String, Arc<Repository>>>,
    trees: Trees,
}

impl HostReader {
    /// A reader that keeps its mirrors in `cache`. `http` and, for Git, `authority` (a PEM file) say whom to trust.
    #[must_use]
    pub fn new(
        integrations: Integrations,
        http: reqwest::Client,
        cache: PathBuf,
        authority: Option<PathBuf>,
    ) -> Self {
        let shared = Shared {
            integrations,
            http,
            cache,
            authority,
            repositories: Mutex::default(),
            trees: Trees::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The hosts it reads from.
    #[must_use]
    pub fn integrations(&self) -> &Integrations {
        &self.shared.integrations
    }

    /// The copy of the repository that a location is in, as the repository is now.
    pub(crate) async fn fresh(
        &self,
        location: &RepositoryLocation,
    ) -> Result<(Arc<Repository>, Arc<Known>), HostsError> {
        let repository = self.repository(location).await?;
        let known = repository.fresh().await?;
        Ok((repository, known))
    }

    async fn repository(&self, location: &RepositoryLocation) -> Result<Arc<Repository>, HostsError> {
        let shared = &self.shared;
        let key = location.clone_url.to_string().to_lowercase();
        let mut repositories = shared.repositories.lock().await;
        if let Some(repository) = repositories.get(&key) {
            return Ok(Arc::clone(repository));
        }
        let credential = shared.integrations.credential(location)?;
        let mut remote = location.remote(credential.clone());
        remote.authority.clone_from(&shared.authority);
        let advertisement = Advertisement::new(shared.http.clone(), remote.public_url(), credential);
        let mirror = Mirror::open(&shared.cache.join(directory_name(&key)), remote).await?;
        let repository = Arc::new(Repository::new(mirror, advertisement));
        repositories.insert(key, Arc::clone(&repository));
        Ok(repository)
    }

    async fn file(&self, url: &str) -> Result<ReadFile, HostsError> {
        let location = self.shared.integrations.repository_of(url)?;
        if location.path.is_empty() {
            return Err(HostsError::malformed(url, "it names no file"));
        }
        let credential = self.shared.integrations.credential(&location)?;
        let address = match location.provider {
            Provider::Azure => azure_file(&location),
            Provider::Github => self.github_file(url, &location, credential.as_ref())?,
        };
        let mut request = self.shared.http.get(address);
        // Without this Azure DevOps would answer some files as JSON.
        request = request.header(header::ACCEPT, accept(location.provider, credential.as_ref()));
        if let Some(credential) = &credential {
            request = request.header(header::AUTHORIZATION, credential.header());
        }
        let failed = |source: reqwest::Error| HostsError::Unreachable {
            url: url.to_owned(),
            source: source.without_url(),
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(refusal(url, status));
        }
        let etag = response
            .headers()
            .get(header::ETAG)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let bytes = response.bytes().await.map_err(failed)?.to_vec();
        Ok(ReadFile {
            url: url.to_owned(),
            bytes,
            etag,
        })
    }

    fn github_file(
        &self,
        url: &str,
        location: &RepositoryLocation,
        credential: Option<&Credential>,
    ) -> Result<Url, HostsError> {
        let malformed = || HostsError::malformed(url, "the host has no usable API address");
        let host = Url::parse(url)
            .ok()
            .and_then(|url| self.shared.integrations.host(&url).cloned());
        let host = host.ok_or_else(malformed)?;
        let reference = location.version.as_ref().map_or("HEAD", |version| version.name());
        let (owner, repository) = (location.organization.as_str(), location.repository.as_str());
        let raw = host.raw.as_deref().unwrap_or("https://raw.githubusercontent.com");
        let api = host.api.as_deref().unwrap_or("https://api.github.com");
        // The raw host does not take tokens everywhere, the API does not take strangers often.
        let (base, head): (&str, Vec<&str>) = if credential.is_some() {
            (api, vec!["repos", owner, repository, "contents"])
        } else {
            (raw, vec![owner, repository, reference])
        };
        let mut address = Url::parse(base).map_err(|_| malformed())?;
        address
            .path_segments_mut()
            .map_err(|()| malformed())?
            .pop_if_empty()
            .extend(head)
            .extend(location.path.split('/'));
        if credential.is_some() {
            address.query_pairs_mut().append_pair("ref", reference);
        }
        Ok(address)
    }

    async fn tree(&self, url: &str) -> Result<ReadTree, HostsError> {
        let location = self.shared.integrations.repository_of(url)?;
        self.folder(url, &location).await
    }

    /// A folder with the paths of its files as seen from it. What has been read of a commit is not read again.
    pub(crate) async fn folder(
        &self,
        url: &str,
        location: &RepositoryLocation,
    ) -> Result<ReadTree, HostsError> {
        let (repository, known) = self.fresh(location).await?;
        let commit = known.resolve(&repository.mirror, &location.revision()).await?;
        if let Some(tree) = self.shared.trees.get(&commit, &location.path) {
            return Ok(tree);
        }
        let mut tree = read_files(&repository.mirror, &commit, &location.path, |_| true).await?;
        if tree.files.is_empty() && !location.path.is_empty() {
            return Err(HostsError::NotFound { url: url.to_owned() });
        }
        let prefix = format!("{}/", location.path);
        for file in &mut tree.files {
            if let Some(path) = file.path.strip_prefix(&prefix) {
                file.path = path.to_owned();
            }
        }
        self.shared.trees.keep(&commit, &location.path, &tree);
        Ok(tree)
    }

    async fn matching(&self, url: &str) -> Result<Vec<ReadFile>, HostsError> {
        let location = self.shared.integrations.repository_of(url)?;
        if !glob::is_glob(&location.path) {
            return Ok(vec![self.file(url).await?]);
        }
        let pattern = location.path.clone();
        let (repository, known) = self.fresh(&location).await?;
        let commit = known.resolve(&repository.mirror, &location.revision()).await?;
        let matches = |path: &str| glob::matches(&pattern, path);
        let found = read_files(&repository.mirror, &commit, &glob::base(&pattern), matches).await?;
        let files = found.files.into_iter().map(|file| {
            let url = self
                .shared
                .integrations
                .resolve(url, &format!("/{}", encode(&file.path)))?;
            Ok(ReadFile {
                url,
                bytes: file.bytes,
                etag: found.etag.clone(),
            })
        });
        files.collect()
    }
}

impl Reader for HostReader {
    fn read_url<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<ReadFile, HostsError>> {
        Box::pin(self.file(url))
    }

    fn read_tree<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<ReadTree, HostsError>> {
        Box::pin(self.tree(url))
    }

    fn search<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<ReadFile>, HostsError>> {
        Box::pin(self.matching(url))
    }
}

/// The files below a folder of a commit that are wanted, with their paths from the root.
async fn read_files(
    mirror: &Mirror,
    commit: &Commit,
    folder: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<ReadTree, HostsError> {
    // A symbolic link would hand out its target's name as content, a submodule has none.
    let entries = mirror.list(commit, folder, true).await?;
    let entries: Vec<_> = entries
        .into_iter()
        .filter(|entry| entry.kind == EntryKind::File && !entry.is_symlink() && wanted(&entry.path))
        .collect();
    let paths: Vec<String> = entries.iter().map(|entry| entry.path.clone()).collect();
    let contents = mirror.read_many(commit, &paths).await?;
    let remote = mirror.remote().public_url();
    tracing::debug!(%remote, folder, files = contents.len(), commit = commit.short(), "read");
    let mut executable = entries.iter().map(pave_git::TreeEntry::is_executable);
    let files = contents.into_iter().map(|(path, bytes)| TreeFile {
        path,
        bytes,
        executable: executable.next().unwrap_or_default(),
    });
    Ok(ReadTree {
        files: files.collect(),
        etag: commit.to_string(),
    })
}

/// A name that no URL can break out of.
fn directory_name(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let name = digest
        .iter()
        .take(16)
        .fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    format!("{name:032x}.git")
}

fn azure_file(location: &RepositoryLocation) -> Url {
    let path = format!("/{}", location.path);
    let mut parameters = vec![("path", path.as_str())];
    if let Some(version) = &location.version {
        parameters.push(("version", version.name()));
    }
    azure::api(location, "items", &parameters)
}

fn accept(provider: Provider, credential: Option<&Credential>) -> &'static str {
    match provider {
        Provider::Github if credential.is_some() => "application/vnd.github.v3.raw",
        _ => "*/*",
    }
}

/// Azure DevOps answers a bad token with 203 and a sign-in page.
fn refusal(url: &str, status: StatusCode) -> HostsError {
    let url = url.to_owned();
    match status {
        StatusCode::NOT_FOUND => HostsError::NotFound { url },
        StatusCode::NOT_MODIFIED => HostsError::NotModified { url },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NON_AUTHORITATIVE_INFORMATION => {
            HostsError::Unauthorized {
                url,
                status: status.as_u16(),
            }
        }
        status => HostsError::Failed { url, status },
    }
}

/// A path with what would end it or change its meaning in a URL encoded.
fn encode(path: &str) -> String {
    let mut url = Url::parse("https://repository.invalid/").ok();
    if let Some(mut parts) = url.as_mut().and_then(|url| url.path_segments_mut().ok()) {
        parts.clear().extend(path.split('/'));
    }
    debug_assert!(url.as_ref().is_none_or(|url| segments(url).join("/") == path));
    url.map(|url| url.path().trim_start_matches('/').to_owned())
        .unwrap_or_default()
}
