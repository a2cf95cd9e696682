//! A bare repository that pipelines read from.

use std::path::{Path, PathBuf};
use std::process::Command;

use futures::future::BoxFuture;
use pave_devops::{CommitAt, NeighbourError, Project, PullRequestAt, Repositories, RepositoryAt};
use uuid::Uuid;

/// One bare repository, read by git itself.
pub(crate) struct Repository {
    pub(crate) at: RepositoryAt,
    bare: PathBuf,
    checkout: PathBuf,
}

fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Alice",
            "-c",
            "user.email=alice@example.com",
            "-c",
            "safe.directory=*",
        ])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Repository {
    pub(super) fn new(root: &Path, project: &Project, name: &str) -> Self {
        let root = &root.join(name);
        std::fs::create_dir(root).unwrap();
        let (bare, checkout) = (root.join("bare"), root.join("checkout"));
        git(root, &["init", "-q", "--bare", "-b", "main", "bare"]).unwrap();
        git(&bare, &["config", "uploadpack.allowAnySHA1InWant", "true"]).unwrap();
        git(root, &["init", "-q", "-b", "main", "checkout"]).unwrap();
        git(&checkout, &["remote", "add", "origin", bare.to_str().unwrap()]).unwrap();
        let at = RepositoryAt {
            id: Uuid::new_v4(),
            name: name.into(),
            project: project.clone(),
            default_branch: "refs/heads/main".into(),
            url: format!("file://{}", bare.display()).parse().unwrap(),
        };
        Self { at, bare, checkout }
    }

    /// Commits files on a branch and pushes them.
    pub(crate) fn push(&self, branch: &str, message: &str, files: &[(&str, &str)]) -> String {
        drop(git(&self.checkout, &["checkout", "-q", "-B", branch]));
        for (path, content) in files {
            let path = self.checkout.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        git(&self.checkout, &["add", "-A"]).unwrap();
        git(&self.checkout, &["commit", "-q", "--allow-empty", "-m", message]).unwrap();
        self.belongs_to("root");
        git(
            &self.checkout,
            &[
                "push",
                "-q",
                "--force",
                "origin",
                &format!("HEAD:refs/heads/{branch}"),
            ],
        )
        .unwrap();
        self.belongs_to("nobody");
        git(&self.bare, &["rev-parse", branch]).unwrap().trim().to_owned()
    }

    /// Git refuses to serve a repository of somebody else, and steps run as somebody else than we.
    fn belongs_to(&self, user: &str) {
        if rustix::process::geteuid().is_root() {
            assert!(
                Command::new("chown")
                    .args(["-R", user])
                    .arg(&self.bare)
                    .status()
                    .unwrap()
                    .success()
            );
        }
    }
}

pub(super) type Answer<'a, T> = BoxFuture<'a, Result<T, NeighbourError>>;

impl Repositories for Repository {
    fn project<'a>(&'a self, _: &'a str, name: &'a str) -> Answer<'a, Option<Project>> {
        let project = &self.at.project;
        let same = name == project.name || name == project.id.to_string();
        Box::pin(async move { Ok(same.then(|| project.clone())) })
    }

    fn repository<'a>(&'a self, _: Option<&'a Project>, name: &'a str) -> Answer<'a, Option<RepositoryAt>> {
        let same = name == self.at.name || name == self.at.id.to_string();
        Box::pin(async move { Ok(same.then(|| self.at.clone())) })
    }

    fn commit<'a>(&'a self, _: Uuid, revision: &'a str) -> Answer<'a, Option<CommitAt>> {
        let found = git(
            &self.bare,
            &["log", "-1", "--format=%H%x00%B%x00%an%x00%ae", revision, "--"],
        );
        let found = found.map(|text| {
            let mut fields = text.trim().split('\0').map(str::to_owned);
            let mut next = || fields.next().unwrap_or_default();
            CommitAt {
                id: next(),
                message: next(),
                author: next(),
                email: next(),
            }
        });
        Box::pin(async move { Ok(found) })
    }

    fn file<'a>(&'a self, _: Uuid, commit: &'a str, path: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        let found = git(&self.bare, &["show", &format!("{commit}:{path}")]);
        Box::pin(async move { Ok(found.map(String::into_bytes)) })
    }

    fn changed_paths<'a>(&'a self, _: Uuid, from: &'a str, to: &'a str) -> Answer<'a, Vec<String>> {
        let found = if from.starts_with("0000") {
            git(&self.bare, &["ls-tree", "-r", "--name-only", to])
        } else {
            git(&self.bare, &["diff", "--name-only", from, to])
        };
        Box::pin(async move { Ok(found.unwrap_or_default().lines().map(str::to_owned).collect()) })
    }

    fn branches(&self, _: Uuid) -> Answer<'_, Vec<(String, String)>> {
        let found = git(
            &self.bare,
            &["for-each-ref", "--format=%(refname) %(objectname)", "refs/heads"],
        );
        let pair = |line: &str| {
            line.split_once(' ')
                .map(|(name, id)| (name.to_owned(), id.to_owned()))
        };
        Box::pin(async move { Ok(found.unwrap_or_default().lines().filter_map(pair).collect()) })
    }

    fn pull_request(&self, _: i64) -> Answer<'_, Option<PullRequestAt>> {
        Box::pin(async { Ok(None) })
    }

    fn active_pull_requests(&self, _: Uuid) -> Answer<'_, Vec<PullRequestAt>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
