//! Two repositories as one neighbour.

use std::sync::Arc;

use pave_devops::{CommitAt, Project, PullRequestAt, Repositories, RepositoryAt};
use uuid::Uuid;

use super::repository::{Answer, Repository};

/// Two repositories of a project.
pub(super) struct Both(pub(super) Arc<Repository>, pub(super) Arc<Repository>);

impl Both {
    fn of(&self, id: Uuid) -> &Repository {
        if self.1.at.id == id { &self.1 } else { &self.0 }
    }
}

impl Repositories for Both {
    fn project<'a>(&'a self, organization: &'a str, name: &'a str) -> Answer<'a, Option<Project>> {
        self.0.project(organization, name)
    }

    fn repository<'a>(
        &'a self,
        project: Option<&'a Project>,
        name: &'a str,
    ) -> Answer<'a, Option<RepositoryAt>> {
        if name == self.1.at.name || name == self.1.at.id.to_string() {
            return self.1.repository(project, name);
        }
        self.0.repository(project, name)
    }

    fn commit<'a>(&'a self, id: Uuid, revision: &'a str) -> Answer<'a, Option<CommitAt>> {
        self.of(id).commit(id, revision)
    }

    fn file<'a>(&'a self, id: Uuid, commit: &'a str, path: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        self.of(id).file(id, commit, path)
    }

    fn changed_paths<'a>(&'a self, id: Uuid, from: &'a str, to: &'a str) -> Answer<'a, Vec<String>> {
        self.of(id).changed_paths(id, from, to)
    }

    fn branches(&self, id: Uuid) -> Answer<'_, Vec<(String, String)>> {
        self.of(id).branches(id)
    }

    fn pull_request(&self, id: i64) -> Answer<'_, Option<PullRequestAt>> {
        self.0.pull_request(id)
    }

    fn active_pull_requests(&self, id: Uuid) -> Answer<'_, Vec<PullRequestAt>> {
        self.0.active_pull_requests(id)
    }
}
