//! Projects and repositories as the store knows them.

use std::path::{Path, PathBuf};

use pave_git::{Commit, Objects, Program};
use url::Url;
use uuid::Uuid;

use crate::ForgeError;

/// A project of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Project {
    pub(crate) id: Uuid,
    pub(crate) organization: String,
    pub(crate) name: String,
    pub(crate) created_at: String,
    pub(crate) description: String,
    /// Upstream's word, private or public. It is kept and shown; who may read is for the access rules to say.
    pub(crate) visibility: String,
}

/// A repository of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    pub(crate) id: Uuid,
    pub(crate) project: Project,
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    /// The repository that it is a fork of.
    pub(crate) parent: Option<Uuid>,
}

/// The branch that new repositories call their own.
pub(crate) const DEFAULT_BRANCH: &str = "refs/heads/main";

impl Repository {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bare repository on disk.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// `organization/project/name`, as people and access rules write it.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!(
            "{}/{}/{}",
            self.project.organization, self.project.name, self.name
        )
    }

    /// The non-resource path by which access rules name it.
    #[must_use]
    pub fn access_path(&self) -> String {
        format!("/forge/{}", self.full_name())
    }

    /// The URL to clone it from, below the forge's own.
    #[must_use]
    pub fn clone_url(&self, base: &Url) -> Url {
        below(
            base,
            &[&self.project.organization, &self.project.name, "_git", &self.name],
        )
    }

    /// Reads its objects.
    pub(crate) fn objects(&self) -> Objects {
        Objects::new(&self.directory)
    }

    /// Git with the settings that make what it writes durable and sound.
    pub(crate) fn git(&self) -> Program {
        Program::new(&self.directory)
            .config("core.fsync", "all")
            .config("receive.fsckObjects", "true")
            .config("transfer.hideRefs", "refs/pave")
            .config("pack.writeReverseIndex", "false")
    }

    /// The branch that `HEAD` names, whether it exists yet or not.
    pub(crate) async fn default_branch(&self) -> String {
        let head = tokio::fs::read_to_string(self.directory.join("HEAD"))
            .await
            .unwrap_or_default();
        head.trim()
            .strip_prefix("ref: ")
            .unwrap_or(DEFAULT_BRANCH)
            .to_owned()
    }

    /// The objects that some references name now. One that has just moved lies in a file of its own, so this
    /// seldom needs a process.
    pub(crate) async fn current(&self, names: &[&str]) -> Result<Vec<(String, String)>, ForgeError> {
        let git = self.git();
        let mut found = Vec::new();
        for name in names {
            match git.loose_reference(name).await {
                Some(object) => found.push(((*name).to_owned(), object.to_string())),
                None => return self.references(names).await,
            }
        }
        Ok(found)
    }

    /// All references with the objects they name, in the order of their names.
    pub(crate) async fn references(&self, patterns: &[&str]) -> Result<Vec<(String, String)>, ForgeError> {
        let mut arguments = vec!["for-each-ref", "--format=%(objectname) %(refname)"];
        arguments.extend(patterns);
        let printed = self.git().run(&arguments, b"").await?;
        let text = String::from_utf8_lossy(&printed);
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs
            .map(|(object, name)| (name.to_owned(), object.to_owned()))
            .collect())
    }

    /// The commit that one reference names.
    pub(crate) async fn tip(&self, reference: &str) -> Result<Option<Commit>, ForgeError> {
        Ok(self.objects().first_commit(&[reference.to_owned()]).await?)
    }
}

/// A URL with path segments added, each percent-encoded.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// Azure DevOps' rules for names of projects and repositories.
pub(crate) fn check_name(name: &str) -> Result<(), ForgeError> {
    let forbidden = |c: char| c.is_control() || "/:\\*?\"<>|;#${},+=[]~^".contains(c);
    let good = !name.is_empty()
        && name.chars().count() <= 64
        && !name.starts_with(['.', '_', ' '])
        && !name.ends_with(['.', ' '])
        && !name.contains("..")
        && !name.chars().any(forbidden);
    if good {
        Ok(())
    } else {
        Err(ForgeError::BadName(name.to_owned()))
    }
}
