use serde_json::{Value, json};

use super::{DevOps, DevOpsError, text};

/// A repository that the host has, or has just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedRepository {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Clone URL.
    pub remote_url: String,
    /// Page.
    pub web_url: String,
    /// `refs/heads/…`; none while it is empty.
    pub default_branch: Option<String>,
}

/// A branch or tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// `refs/heads/…`.
    pub name: String,
    /// The commit.
    pub commit: String,
}

/// A change of a branch or tag; forty zeros stand for one that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceUpdate {
    /// `refs/heads/…`.
    pub name: String,
    /// Where it must be.
    pub old: String,
    /// Where it shall be.
    pub new: String,
}

impl CreatedRepository {
    fn read(value: &Value) -> Self {
        Self {
            id: text(value, "id"),
            name: text(value, "name"),
            remote_url: text(value, "remoteUrl"),
            web_url: text(value, "webUrl"),
            default_branch: value["defaultBranch"].as_str().map(str::to_owned),
        }
    }
}

impl DevOps {
    /// A repository by its name or id.
    pub async fn repository(
        &self,
        project: &str,
        repository: &str,
    ) -> Result<CreatedRepository, DevOpsError> {
        let answer = self
            .get(&[project, "_apis", "git", "repositories", repository], &[])
            .await?;
        Ok(CreatedRepository::read(&answer))
    }

    /// Makes a repository.
    ///
    /// # Errors
    /// A name that is taken is [`DevOpsError::Conflict`].
    pub async fn create_repository(
        &self,
        project: &str,
        name: &str,
    ) -> Result<CreatedRepository, DevOpsError> {
        let answer = self
            .post(
                &[project, "_apis", "git", "repositories"],
                &[],
                &json!({ "name": name }),
            )
            .await?;
        Ok(CreatedRepository::read(&answer))
    }

    /// Makes a branch the one that a repository opens with.
    pub async fn set_default_branch(
        &self,
        project: &str,
        repository: &str,
        branch: &str,
    ) -> Result<(), DevOpsError> {
        let body = json!({ "defaultBranch": format!("refs/heads/{branch}") });
        self.patch(&[project, "_apis", "git", "repositories", repository], &body)
            .await?;
        Ok(())
    }

    /// The branches and tags whose name begins with `prefix`, such as `heads/main`.
    pub async fn references(
        &self,
        project: &str,
        repository: &str,
        prefix: &str,
    ) -> Result<Vec<Reference>, DevOpsError> {
        let answer = self
            .get(
                &[project, "_apis", "git", "repositories", repository, "refs"],
                &[("filter", prefix)],
            )
            .await?;
        let found = answer["value"].as_array().into_iter().flatten();
        Ok(found
            .map(|value| Reference {
                name: text(value, "name"),
                commit: text(value, "objectId"),
            })
            .collect())
    }

    /// The commit that a branch stands at; none if there is no such branch.
    pub async fn branch(
        &self,
        project: &str,
        repository: &str,
        branch: &str,
    ) -> Result<Option<String>, DevOpsError> {
        let name = format!("refs/heads/{branch}");
        let found = self
            .references(project, repository, &format!("heads/{branch}"))
            .await?;
        // The filter is a prefix: `main` also finds `main-2`.
        Ok(found
            .into_iter()
            .find(|reference| reference.name == name)
            .map(|reference| reference.commit))
    }

    /// Makes, moves and removes branches and tags; the first that is refused is the error.
    pub async fn update_references(
        &self,
        project: &str,
        repository: &str,
        updates: &[ReferenceUpdate],
    ) -> Result<(), DevOpsError> {
        let body: Value = updates
            .iter()
            .map(
                |update| json!({ "name": update.name, "oldObjectId": update.old, "newObjectId": update.new }),
            )
            .collect();
        let answer = self
            .post(
                &[project, "_apis", "git", "repositories", repository, "refs"],
                &[],
                &body,
            )
            .await?;
        let mut results = answer["value"].as_array().into_iter().flatten();
        match results.find(|result| result["success"] == Value::Bool(false)) {
            None => Ok(()),
            Some(refused) => Err(DevOpsError::Conflict {
                message: format!(
                    "`{}` was not changed: {}",
                    text(refused, "name"),
                    text(refused, "updateStatus")
                ),
                type_key: text(refused, "updateStatus"),
            }),
        }
    }

    /// Pushes commits that are described in JSON (`{refUpdates, commits}`); gives the answer's `commits[0].commitId`.
    pub async fn push(&self, project: &str, repository: &str, push: &Value) -> Result<String, DevOpsError> {
        let answer = self
            .post(
                &[project, "_apis", "git", "repositories", repository, "pushes"],
                &[],
                push,
            )
            .await?;
        Ok(text(&answer["commits"][0], "commitId"))
    }
}
