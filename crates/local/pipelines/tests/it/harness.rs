//! Pipelines with a repository, two people, and what tests do to them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use pave_auth::{AccessRequest, Authorizer, Decision, Identities, Principal};
use pave_devops::{
    Area as _, AreaError, AreaRequest, CommitAt, Event, Feed, NeighbourError, Project, PullRequestAt,
    Repositories, RepositoryAt,
};
use pave_keys::Keys;
use pave_local_pipelines::{AgentProgram, Isolation, Limits, Options, Pipelines, TerraformSettings};
use pave_names::EntityRef;
use pave_runtime::Tasks;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// Bob may look; everybody else may do anything.
struct Rules;

impl Authorizer for Rules {
    fn authorize<'a>(
        &'a self,
        principal: &'a Principal,
        request: &'a AccessRequest,
    ) -> BoxFuture<'a, Decision> {
        let allowed = principal.user != "bob" || request.verb == "get";
        Box::pin(async move {
            Decision {
                allowed,
                reason: "ask the group platform".to_owned(),
            }
        })
    }
}

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
    fn new(root: &Path) -> Self {
        let (bare, checkout) = (root.join("bare"), root.join("checkout"));
        git(root, &["init", "-q", "--bare", "-b", "main", "bare"]).unwrap();
        git(&bare, &["config", "uploadpack.allowAnySHA1InWant", "true"]).unwrap();
        git(root, &["init", "-q", "-b", "main", "checkout"]).unwrap();
        git(&checkout, &["remote", "add", "origin", bare.to_str().unwrap()]).unwrap();
        let project = Project {
            id: Uuid::new_v4(),
            organization: "pave".into(),
            name: "backstage".into(),
        };
        let at = RepositoryAt {
            id: Uuid::new_v4(),
            name: "azure-demo".into(),
            project,
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

type Answer<'a, T> = BoxFuture<'a, Result<T, NeighbourError>>;

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

/// Pipelines that are open.
pub(crate) struct Scene {
    pub(crate) root: TempDir,
    pub(crate) pipelines: Arc<Pipelines>,
    pub(crate) repository: Arc<Repository>,
    pub(crate) feed: Feed,
    pub(crate) admin: Principal,
    pub(crate) bob: Principal,
    tasks: Tasks,
    limits: Limits,
}

/// Limits that tests do not have to wait for.
pub(crate) fn limits() -> Limits {
    Limits {
        log_head: 64 * 1024,
        log_tail: 8 * 1024,
        cancel_seconds: 2,
        ..Limits::default()
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(limits()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::with_terraform(limits, |_| TerraformSettings::default()).await
    }

    /// With settings that may name files below the scene's directory.
    pub(crate) async fn with_terraform(
        limits: Limits,
        terraform: impl FnOnce(&Path) -> TerraformSettings,
    ) -> Self {
        let root = tempfile::tempdir().unwrap();
        // The user that steps run as must reach workspace and repository.
        std::fs::set_permissions(root.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        let repository = Arc::new(Repository::new(root.path()));
        let terraform = terraform(root.path());
        Self::open(root, repository, limits, terraform).await
    }

    /// The same data behind a new process, as far as a test can have one. Agents know nothing of it.
    pub(crate) async fn restart(self) -> Self {
        let Self {
            root,
            repository,
            tasks,
            limits,
            ..
        } = self;
        tasks.shutdown(Duration::from_secs(5)).await;
        Self::open(root, repository, limits, TerraformSettings::default()).await
    }

    async fn open(
        root: TempDir,
        repository: Arc<Repository>,
        limits: Limits,
        terraform: TerraformSettings,
    ) -> Self {
        let keys = Keys::open(&root.path().join("keys")).unwrap();
        let identities = Identities::open(&root.path().join("identities.db"), keys.clone()).unwrap();
        let mut people = Vec::new();
        for name in ["admin", "bob"] {
            let entity = EntityRef::new("user", "default", name);
            people.push(
                identities
                    .upsert_user(&entity, name, &format!("{name}@example.com"), &[])
                    .await
                    .unwrap(),
            );
        }
        let (tasks, feed) = (Tasks::new(), Feed::default());
        let agent = AgentProgram {
            program: std::env::current_exe().unwrap(),
            arguments: ["--exact", "agent_entry", "--nocapture", "--test-threads=1"]
                .map(str::to_owned)
                .to_vec(),
        };
        let options = Options {
            data: root.path().join("pipelines"),
            workspaces: Some(root.path().join("work")),
            keys,
            identities,
            authorizer: Arc::new(Rules),
            repositories: repository.clone(),
            feed: feed.clone(),
            base_url: "https://127.0.0.1:1".parse().unwrap(),
            tasks: tasks.clone(),
            agent,
            terraform,
            authority: None,
            isolation: None,
            limits,
        };
        let pipelines = Pipelines::open(options).await.unwrap();
        let bob = people.pop().unwrap();
        Self {
            root,
            pipelines,
            repository,
            feed,
            admin: people.pop().unwrap(),
            bob,
            tasks,
            limits,
        }
    }

    pub(crate) fn isolation(&self) -> &Isolation {
        self.pipelines.isolation()
    }

    /// One call, as somebody.
    pub(crate) async fn call_as(
        &self,
        who: &Principal,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<(u16, Vec<u8>), AreaError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = AreaRequest {
            principal: who.clone(),
            method: method.parse().unwrap(),
            organization: "pave".into(),
            project: Some(self.repository.at.project.clone()),
            tail: path.split('/').map(str::to_owned).collect(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers: http::HeaderMap::new(),
            body: if body.is_null() {
                bytes::Bytes::new()
            } else {
                body.to_string().into()
            },
            base_url: "https://127.0.0.1:1".parse().unwrap(),
        };
        let response = self.pipelines.serve(request).await?;
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        Ok((status, bytes.to_vec()))
    }

    /// One call of the administrator that must succeed.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let (_, bytes) = self
            .call_as(&self.admin, method, path, body)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call("GET", path, Value::Null).await
    }

    /// Pushes a pipeline file and defines the pipeline.
    pub(crate) async fn define(&self, name: &str, yaml: &str) -> i64 {
        self.repository
            .push("main", "Add pipeline", &[(&format!("{name}.yml"), yaml)]);
        let body = json!({"name": name, "configuration": {"type": "yaml", "path": format!("/{name}.yml"), "repository": {"name": "azure-demo"}}});
        self.call("POST", "pipelines", body).await["id"].as_i64().unwrap()
    }

    /// Queues a run.
    pub(crate) async fn queue(&self, definition: i64, body: Value) -> i64 {
        self.call("POST", &format!("pipelines/{definition}/runs"), body)
            .await["id"]
            .as_i64()
            .unwrap()
    }

    /// Defines, runs, and waits for the end; gives the build.
    pub(crate) async fn run(&self, yaml: &str) -> Value {
        let definition = self.define("ci", yaml).await;
        let build = self.queue(definition, json!({})).await;
        self.ended(build).await
    }

    pub(crate) async fn ended(&self, build: i64) -> Value {
        let path = format!("build/builds/{build}");
        eventually("the run ends", async || {
            let found = self.get(&path).await;
            (found["status"] == "completed").then_some(found)
        })
        .await
    }

    /// Records of one kind: name to record.
    pub(crate) async fn records(&self, build: &Value, kind: &str) -> Vec<Value> {
        let timeline = self.get(&format!("build/builds/{}/timeline", build["id"])).await;
        let all = timeline["records"].as_array().unwrap().clone();
        all.into_iter().filter(|it| it["type"] == kind).collect()
    }

    /// The record of a step, by name.
    pub(crate) async fn step(&self, build: &Value, name: &str) -> Value {
        let all = self.records(build, "Task").await;
        let found = all.iter().find(|it| it["name"] == name);
        found
            .unwrap_or_else(|| panic!("no step {name} in {all:#?}"))
            .clone()
    }

    /// The log of a step, without the times.
    pub(crate) async fn log(&self, build: &Value, name: &str) -> String {
        let record = self.step(build, name).await;
        let text = self
            .get(&format!(
                "build/builds/{}/logs/{}",
                build["id"], record["log"]["id"]
            ))
            .await;
        let text = text.as_str().unwrap_or_default().to_owned();
        let lines = text
            .lines()
            .map(|line| line.split_once(' ').map_or("", |(_, rest)| rest));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// All logs, for a failed assertion.
    pub(crate) async fn everything(&self, build: &Value) -> String {
        let mut all = String::new();
        for record in self.records(build, "Task").await {
            let words = format!(
                "--- {} {} {}\n",
                record["name"], record["result"], record["issues"]
            );
            all.push_str(&words);
            if let Some(log) = record["log"]["id"].as_i64() {
                let text = self
                    .get(&format!("build/builds/{}/logs/{log}", build["id"]))
                    .await;
                all += text.as_str().unwrap_or_default();
            }
        }
        for record in self.records(build, "Job").await {
            let words = format!(
                "job {} {} {}\n",
                record["name"], record["result"], record["issues"]
            );
            all.push_str(&words);
        }
        all
    }

    pub(crate) async fn assert_result(&self, build: &Value, expected: &str) {
        assert_eq!(
            build["result"],
            expected,
            "{build:#}\n{}",
            self.everything(build).await
        );
    }

    pub(crate) fn tell_push(&self) {
        self.feed.publish(Event::Push {
            repository: self.repository.at.clone(),
            updates: Vec::new(),
            pusher: self.admin.clone(),
        });
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}

/// Waits for something that another task brings about.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
