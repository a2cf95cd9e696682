use serde_json::{Value, json};
use url::Url;

use super::{DevOps, DevOpsError, Identity, text};

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number, unique in the organization.
    pub id: u64,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// `active`, `completed` or `abandoned`.
    pub status: String,
    /// `refs/heads/…` that is merged.
    pub source: String,
    /// `refs/heads/…` that it is merged into.
    pub target: String,
    /// How the test merge came out: `succeeded`, `conflicts`, `queued`, …
    pub merge_status: String,
    /// Who opened it.
    pub creator: Identity,
    /// The page that shows it.
    pub web_url: String,
}

/// A pull request that is to be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewPullRequest {
    /// Branch that is merged, with or without `refs/heads/`.
    pub source: String,
    /// Branch that it is merged into, with or without `refs/heads/`.
    pub target: String,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Whether it is not ready for review.
    pub draft: bool,
    /// Whether later pushes are kept apart as iterations; the host decides when this is not said.
    pub supports_iterations: Option<bool>,
    /// Ids of reviewers.
    pub reviewers: Vec<String>,
    /// Ids of work items.
    pub work_items: Vec<String>,
}

/// Which pull requests are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullRequestQuery<'a> {
    /// Branch that is merged, with or without `refs/heads/`.
    pub source: Option<&'a str>,
    /// Branch that it is merged into.
    pub target: Option<&'a str>,
    /// `active`, `completed`, `abandoned` or `all`.
    pub status: &'a str,
}

/// `refs/heads/…` of a branch, however it was written.
fn reference(branch: &str) -> String {
    if branch.starts_with("refs/") {
        branch.to_owned()
    } else {
        format!("refs/heads/{branch}")
    }
}

impl DevOps {
    /// Opens a pull request.
    ///
    /// # Errors
    /// A second active one for the same two branches is [`DevOpsError::Conflict`] (TF401179).
    pub async fn create_pull_request(
        &self,
        project: &str,
        repository: &str,
        wanted: &NewPullRequest,
    ) -> Result<PullRequest, DevOpsError> {
        let mut body = json!({
            "sourceRefName": reference(&wanted.source),
            "targetRefName": reference(&wanted.target),
            "title": wanted.title,
            "description": wanted.description,
        });
        if wanted.draft {
            body["isDraft"] = Value::Bool(true);
        }
        let ids = |ids: &[String]| -> Value { ids.iter().map(|id| json!({ "id": id })).collect() };
        if !wanted.reviewers.is_empty() {
            body["reviewers"] = ids(&wanted.reviewers);
        }
        if !wanted.work_items.is_empty() {
            body["workItemRefs"] = ids(&wanted.work_items);
        }
        let iterations = wanted.supports_iterations.map(|value| value.to_string());
        let parameters: Vec<(&str, &str)> = iterations
            .iter()
            .map(|value| ("supportsIterations", value.as_str()))
            .collect();
        let answer = self
            .post(
                &[
                    project,
                    "_apis",
                    "git",
                    "repositories",
                    repository,
                    "pullrequests",
                ],
                &parameters,
                &body,
            )
            .await?;
        Ok(self.read_pull_request(project, repository, &answer))
    }

    /// Finds pull requests, newest first.
    pub async fn find_pull_requests(
        &self,
        project: &str,
        repository: &str,
        query: &PullRequestQuery<'_>,
    ) -> Result<Vec<PullRequest>, DevOpsError> {
        let (source, target) = (query.source.map(reference), query.target.map(reference));
        let mut parameters = vec![("searchCriteria.status", query.status)];
        if let Some(source) = &source {
            parameters.push(("searchCriteria.sourceRefName", source));
        }
        if let Some(target) = &target {
            parameters.push(("searchCriteria.targetRefName", target));
        }
        let answer = self
            .get(
                &[
                    project,
                    "_apis",
                    "git",
                    "repositories",
                    repository,
                    "pullrequests",
                ],
                &parameters,
            )
            .await?;
        let found = answer["value"].as_array().into_iter().flatten();
        Ok(found
            .map(|value| self.read_pull_request(project, repository, value))
            // A host that does not know a criterion gives more than was asked for.
            .filter(|found| {
                source.as_ref().is_none_or(|source| found.source == *source)
                    && target.as_ref().is_none_or(|target| found.target == *target)
            })
            .collect())
    }

    /// A pull request by its number.
    pub async fn pull_request(
        &self,
        project: &str,
        repository: &str,
        id: u64,
    ) -> Result<PullRequest, DevOpsError> {
        let id = id.to_string();
        let path = [
            project,
            "_apis",
            "git",
            "repositories",
            repository,
            "pullrequests",
            &id,
        ];
        let answer = self.get(&path, &[]).await?;
        Ok(self.read_pull_request(project, repository, &answer))
    }

    /// Changes fields of a pull request: title, description, status, auto-completion, …
    pub async fn update_pull_request(
        &self,
        project: &str,
        repository: &str,
        id: u64,
        changes: &Value,
    ) -> Result<PullRequest, DevOpsError> {
        let id = id.to_string();
        let path = [
            project,
            "_apis",
            "git",
            "repositories",
            repository,
            "pullrequests",
            &id,
        ];
        let answer = self.patch(&path, changes).await?;
        Ok(self.read_pull_request(project, repository, &answer))
    }

    fn read_pull_request(&self, project: &str, repository: &str, value: &Value) -> PullRequest {
        let id = value["pullRequestId"].as_u64().unwrap_or_default();
        // Links with names are for people, whatever the caller used.
        let named = |value: &Value, given: &str| value.as_str().unwrap_or(given).to_owned();
        let repository = named(&value["repository"]["name"], repository);
        let project = named(&value["repository"]["project"]["name"], project);
        PullRequest {
            id,
            title: text(value, "title"),
            description: text(value, "description"),
            status: text(value, "status"),
            source: text(value, "sourceRefName"),
            target: text(value, "targetRefName"),
            merge_status: text(value, "mergeStatus"),
            creator: Identity::read(&value["createdBy"]),
            web_url: self
                .page(&[&project, "_git", &repository, "pullrequest", &id.to_string()])
                .into(),
        }
    }

    /// The address of a page below the organization.
    fn page(&self, segments: &[&str]) -> Url {
        let mut url = self.url(segments, &[]);
        url.set_query(None);
        url
    }
}
