use futures::future::BoxFuture;
use pave_auth::Principal;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::RunState;

/// A project of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Id.
    pub id: Uuid,
    /// Organization.
    pub organization: String,
    /// Name.
    pub name: String,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryAt {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Its project.
    pub project: Project,
    /// Full name of the default branch; empty while the repository is empty.
    pub default_branch: String,
    /// Clone URL, which is also the page of the repository.
    pub url: Url,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitAt {
    /// Forty hexadecimal digits.
    pub id: String,
    /// The whole message.
    pub message: String,
    /// Author's name.
    pub author: String,
    /// Author's address.
    pub email: String,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestAt {
    /// Id, unique in the organization.
    pub id: i64,
    /// Where.
    pub repository: RepositoryAt,
    /// Full name of the branch it comes from.
    pub source_ref: String,
    /// Full name of the branch it goes to.
    pub target_ref: String,
    /// Head of the source branch.
    pub source_commit: String,
    /// The test merge (`refs/pull/{id}/merge`); empty when there are conflicts.
    pub merge_commit: String,
    /// Upstream's word: active, completed, abandoned.
    pub status: String,
    /// Title.
    pub title: String,
    /// Who opened it.
    pub created_by: Principal,
}

/// What a stand-in could not do for its neighbour.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NeighbourError(pub String);

/// Repositories, as the pipelines read them.
pub trait Repositories: Send + Sync {
    /// A project by name or id.
    fn project<'a>(
        &'a self,
        organization: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Project>, NeighbourError>>;

    /// A repository by name or id; `None` for the project means that only an id is given.
    fn repository<'a>(
        &'a self,
        project: Option<&'a Project>,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<RepositoryAt>, NeighbourError>>;

    /// The commit that a full reference name or commit id means.
    fn commit<'a>(
        &'a self,
        repository: Uuid,
        revision: &'a str,
    ) -> BoxFuture<'a, Result<Option<CommitAt>, NeighbourError>>;

    /// The content of a file at a commit.
    fn file<'a>(
        &'a self,
        repository: Uuid,
        commit: &'a str,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, NeighbourError>>;

    /// Paths that differ between two commits; `from` of forty zeros gives all paths.
    fn changed_paths<'a>(
        &'a self,
        repository: Uuid,
        from: &'a str,
        to: &'a str,
    ) -> BoxFuture<'a, Result<Vec<String>, NeighbourError>>;

    /// Branches with their heads: full name, commit id.
    fn branches(&self, repository: Uuid) -> BoxFuture<'_, Result<Vec<(String, String)>, NeighbourError>>;

    /// A pull request by id.
    fn pull_request(&self, id: i64) -> BoxFuture<'_, Result<Option<PullRequestAt>, NeighbourError>>;

    /// Active pull requests of a repository.
    fn active_pull_requests(
        &self,
        repository: Uuid,
    ) -> BoxFuture<'_, Result<Vec<PullRequestAt>, NeighbourError>>;
}

/// A branch policy asks for a build.
#[derive(Debug, Clone)]
pub struct ValidationRequest {
    /// Definition that the policy names.
    pub definition: i64,
    /// What is to be built: its test merge.
    pub pull_request: PullRequestAt,
}

/// Builds, as branch policies need them.
pub trait Builds: Send + Sync {
    /// Queues a build of a pull request's test merge unless this very merge commit was queued before; gives its id.
    fn validate(&self, request: ValidationRequest) -> BoxFuture<'_, Result<i64, NeighbourError>>;

    /// State of a build; `None` if there is none of this id.
    fn state(&self, build: i64) -> BoxFuture<'_, Result<Option<RunState>, NeighbourError>>;
}
