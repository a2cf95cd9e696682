//! What the forge is to its neighbours: it reads repositories for them, tells them of pushes, and passes on what
//! is asked of their areas.

use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use http::StatusCode;
use pave_devops::{
    AreaError, AreaRequest, CommitAt, Event, NeighbourError, Project, PullRequestAt, Repositories,
    RepositoryAt,
};
use pave_git::Commit;
use uuid::Uuid;

use crate::ForgeError;
use crate::changes::ZERO;
use crate::error::ApiError;
use crate::forge::Forge;
use crate::repository::{Project as OwnProject, Repository};
use crate::store::Update;

impl Forge {
    /// Puts a push that happened into the feed.
    pub(crate) async fn tell_of_push(
        &self,
        id: i64,
        repository: &Repository,
        applied: &[Update],
    ) -> Result<(), ForgeError> {
        if applied.is_empty() {
            return Ok(());
        }
        let Some(push) = self.store().push(id).await? else {
            return Ok(());
        };
        let updates = applied
            .iter()
            .map(|it| (it.name.clone(), it.old.clone(), it.new.clone()));
        self.feed().publish(Event::Push {
            repository: self.repository_at(repository).await?,
            updates: updates.collect(),
            pusher: push.pusher,
        });
        Ok(())
    }

    /// A repository as neighbours know it.
    pub(crate) async fn repository_at(&self, repository: &Repository) -> Result<RepositoryAt, ForgeError> {
        let branch = repository.default_branch().await;
        // Usually one small file, where asking Git would start a process for every push.
        let now = repository.current(&[&branch]).await?;
        let exists = now.iter().any(|(name, _)| *name == branch);
        Ok(RepositoryAt {
            id: repository.id,
            name: repository.name.clone(),
            project: project_at(&repository.project),
            default_branch: if exists { branch } else { String::new() },
            url: repository.clone_url(self.base_url()),
        })
    }

    /// Finds a project by name or id.
    pub(crate) async fn find_project(
        &self,
        organization: &str,
        name: &str,
    ) -> Result<Option<OwnProject>, ForgeError> {
        let same = |it: &OwnProject| {
            it.name.to_lowercase() == name.to_lowercase() || it.id.to_string().eq_ignore_ascii_case(name)
        };
        Ok(self.store().projects(organization).await?.into_iter().find(same))
    }

    /// Answers by the area that lists the first segment; `None` if there is no such area.
    pub(crate) async fn pass_on(&self, request: AreaRequest) -> Option<Response> {
        let wanted = request.tail.first().cloned().unwrap_or_default();
        let area = self.neighbours()?.areas.iter().find(|area| {
            area.locations()
                .iter()
                .any(|it| it.area.eq_ignore_ascii_case(&wanted))
        })?;
        Some(area.serve(request).await.unwrap_or_else(|error| refusal(&error)))
    }
}

fn refusal(error: &AreaError) -> Response {
    if error.status == StatusCode::UNAUTHORIZED {
        return ApiError::unauthorized().into_response();
    }
    (error.status, axum::Json(error.body())).into_response()
}

/// A project as neighbours know it.
pub(crate) fn project_at(project: &OwnProject) -> Project {
    Project {
        id: project.id,
        organization: project.organization.clone(),
        name: project.name.clone(),
    }
}

fn told(error: &(dyn std::error::Error + 'static)) -> NeighbourError {
    NeighbourError(error.to_string())
}

fn problem(error: impl Into<ForgeError>) -> NeighbourError {
    told(&error.into())
}

impl Repositories for Forge {
    fn project<'a>(
        &'a self,
        organization: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Project>, NeighbourError>> {
        Box::pin(async move {
            let found = self.find_project(organization, name).await.map_err(problem)?;
            Ok(found.as_ref().map(project_at))
        })
    }

    fn repository<'a>(
        &'a self,
        project: Option<&'a Project>,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<RepositoryAt>, NeighbourError>> {
        Box::pin(async move {
            let all = self.store().repositories().await.map_err(problem)?;
            let same = |it: &Repository| match project {
                Some(project) => {
                    it.project.id == project.id
                        && (it.name.to_lowercase() == name.to_lowercase()
                            || it.id.to_string().eq_ignore_ascii_case(name))
                }
                None => it.id.to_string().eq_ignore_ascii_case(name),
            };
            match all.iter().find(|it| same(it)) {
                Some(found) => Ok(Some(self.repository_at(found).await.map_err(problem)?)),
                None => Ok(None),
            }
        })
    }

    fn commit<'a>(
        &'a self,
        repository: Uuid,
        revision: &'a str,
    ) -> BoxFuture<'a, Result<Option<CommitAt>, NeighbourError>> {
        Box::pin(async move {
            let repository = self.repository_by_id(repository).await.map_err(problem)?;
            if revision.is_empty() || revision.chars().any(|c| c.is_whitespace() || c.is_control()) {
                return Ok(None);
            }
            let objects = repository.objects();
            let found = objects
                .first_commit(&[revision.to_owned()])
                .await
                .map_err(problem)?;
            let Some(commit) = found else { return Ok(None) };
            let log = objects.log(&commit, None, 1).await.map_err(problem)?;
            Ok(log.into_iter().next().map(|info| CommitAt {
                id: info.commit.to_string(),
                message: info.message(),
                author: info.author,
                email: info.email,
            }))
        })
    }

    fn file<'a>(
        &'a self,
        repository: Uuid,
        commit: &'a str,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, NeighbourError>> {
        Box::pin(async move {
            let repository = self.repository_by_id(repository).await.map_err(problem)?;
            let commit = Commit::parse(commit).map_err(problem)?;
            let path = path.trim_start_matches('/');
            repository.objects().read(&commit, path).await.map_err(problem)
        })
    }

    fn changed_paths<'a>(
        &'a self,
        repository: Uuid,
        from: &'a str,
        to: &'a str,
    ) -> BoxFuture<'a, Result<Vec<String>, NeighbourError>> {
        Box::pin(async move {
            let repository = self.repository_by_id(repository).await.map_err(problem)?;
            let objects = repository.objects();
            let to = Commit::parse(to).map_err(problem)?;
            if from == ZERO {
                let files = objects.list(&to, "", true).await.map_err(problem)?;
                return Ok(files.into_iter().map(|entry| entry.path).collect());
            }
            let from = Commit::parse(from).map_err(problem)?;
            let changes = objects.diff_names(&from, &to).await.map_err(problem)?;
            Ok(changes.into_iter().map(|change| change.path).collect())
        })
    }

    fn branches(&self, repository: Uuid) -> BoxFuture<'_, Result<Vec<(String, String)>, NeighbourError>> {
        Box::pin(async move {
            let repository = self.repository_by_id(repository).await.map_err(problem)?;
            repository.references(&["refs/heads"]).await.map_err(problem)
        })
    }

    fn pull_request(&self, id: i64) -> BoxFuture<'_, Result<Option<PullRequestAt>, NeighbourError>> {
        Box::pin(async move {
            let Some(pull) = self.store().pull(id).await.map_err(problem)? else {
                return Ok(None);
            };
            let Ok(repository) = self.repository_by_id(pull.repository).await else {
                return Ok(None);
            };
            Ok(Some(self.pull_at(&repository, &pull).await.map_err(problem)?))
        })
    }

    fn active_pull_requests(
        &self,
        repository: Uuid,
    ) -> BoxFuture<'_, Result<Vec<PullRequestAt>, NeighbourError>> {
        Box::pin(async move {
            let repository = self.repository_by_id(repository).await.map_err(problem)?;
            let mut found = Vec::new();
            for pull in self.active_pulls(Some(repository.id)).await.map_err(problem)? {
                found.push(self.pull_at(&repository, &pull).await.map_err(problem)?);
            }
            Ok(found)
        })
    }
}
