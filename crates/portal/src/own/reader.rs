//! A repository of a Git host, read as the person who asks.

use serde_json::Value;

use crate::context::Portal;
use crate::error::ApiError;
use crate::hosts::Target;

/// Reads a repository as the person.
pub(super) struct Reader<'a> {
    pub(super) portal: &'a Portal,
    pub(super) own: String,
    /// Host, organization and project, up to `_apis`.
    pub(super) base: String,
    repository: String,
}

impl<'a> Reader<'a> {
    /// A repository by host, organization, project and name.
    pub(super) fn new(portal: &'a Portal, own: String, place: [&str; 4]) -> Self {
        let [host, organization, project, repository] = place;
        Self {
            portal,
            own,
            base: format!("{host}/{}/{}/_apis", segment(organization), segment(project)),
            repository: segment(repository),
        }
    }

    fn target(&self, tail: &str, query: &str) -> Result<Target, ApiError> {
        let path = format!("{}/git/repositories/{}/{tail}", self.base, self.repository);
        let query = format!(
            "{query}{}api-version=7.1",
            if query.is_empty() { "" } else { "&" }
        );
        self.portal.hosts.target(&path, Some(&query))
    }

    /// Something below the repository.
    pub(super) async fn json(&self, tail: &str, query: &str) -> Result<Value, ApiError> {
        self.portal
            .hosts
            .json(&self.target(tail, query)?, &self.own)
            .await
    }

    /// A file at a commit; nothing where there is none.
    pub(super) async fn text(&self, path: &str, commit: &str) -> Option<String> {
        self.text_at(path, "commit", commit).await.ok()
    }

    /// A file at a `branch`, `tag` or `commit`; an empty version is the default branch.
    pub(super) async fn text_at(&self, path: &str, kind: &str, version: &str) -> Result<String, ApiError> {
        let mut query = format!("path=/{}&$format=octetStream", segment(path));
        if !version.is_empty() {
            let version = segment(version);
            query =
                format!("{query}&versionDescriptor.versionType={kind}&versionDescriptor.version={version}");
        }
        let target = self.target("items", &query)?;
        let bytes = self
            .portal
            .hosts
            .read(&target, "application/octet-stream", &self.own)
            .await?;
        String::from_utf8(bytes).map_err(|_| ApiError::input(format!("`{path}` is not a text")))
    }
}

/// Percent-encodes a name for a path or a query.
pub(super) fn segment(name: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    encoded.replace('+', "%20")
}
