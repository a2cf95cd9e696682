//! Pipelines with a repository, two people, and what tests do to them.

mod both;
mod read;
mod repository;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use pave_auth::{AccessRequest, Authorizer, Decision, Identities, Principal};
use pave_devops::{Area as _, AreaError, AreaRequest, Event, Feed, Project};
use pave_keys::Keys;
use pave_local_pipelines::{
    AgentProgram, Isolation, Limits, ManualClock, Options, Pipelines, TerraformSettings,
};
use pave_names::EntityRef;
use pave_runtime::Tasks;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use both::Both;
use repository::Repository;

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

/// Pipelines that are open.
pub(crate) struct Scene {
    pub(crate) root: TempDir,
    pub(crate) pipelines: Arc<Pipelines>,
    pub(crate) repository: Arc<Repository>,
    /// Another repository of the project.
    pub(crate) library: Arc<Repository>,
    /// The clock of schedules and checks, which stands still.
    pub(crate) clock: ManualClock,
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

/// This program once more, see `agent_entry`.
fn agent(path: Option<&Path>) -> AgentProgram {
    let own = std::env::current_exe().unwrap();
    let arguments = ["--exact", "agent_entry", "--nocapture", "--test-threads=1"].map(str::to_owned);
    let Some(path) = path else {
        return AgentProgram {
            program: own,
            arguments: arguments.to_vec(),
        };
    };
    let usual = std::env::var("PATH").unwrap();
    let before = [
        format!("PATH={}:{usual}", path.display()),
        own.display().to_string(),
    ];
    AgentProgram {
        program: "/usr/bin/env".into(),
        arguments: before.into_iter().chain(arguments).collect(),
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(limits()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::with_terraform(limits, |_| TerraformSettings::default()).await
    }

    /// With a directory of the scene before the PATH of agents.
    pub(crate) async fn with_path(limits: Limits, directory: &str) -> Self {
        Self::made(limits, Some(directory), |_| TerraformSettings::default()).await
    }

    /// With settings that may name files below the scene's directory.
    pub(crate) async fn with_terraform(
        limits: Limits,
        terraform: impl FnOnce(&Path) -> TerraformSettings,
    ) -> Self {
        Self::made(limits, None, terraform).await
    }

    async fn made(
        limits: Limits,
        path: Option<&str>,
        terraform: impl FnOnce(&Path) -> TerraformSettings,
    ) -> Self {
        let root = tempfile::tempdir().unwrap();
        // The user that steps run as must reach workspace and repository.
        std::fs::set_permissions(root.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        let project = Project {
            id: Uuid::new_v4(),
            organization: "pave".into(),
            name: "backstage".into(),
        };
        let repository = |name: &str| Arc::new(Repository::new(root.path(), &project, name));
        let repositories = (repository("azure-demo"), repository("library"));
        // A Sunday.
        let clock = ManualClock::at("2026-11-22T12:00:00Z".parse().unwrap());
        let terraform = terraform(root.path());
        let agent = agent(path.map(|directory| root.path().join(directory)).as_deref());
        Self::open(root, repositories, clock, limits, terraform, agent).await
    }

    /// The same data behind a new process, as far as a test can have one. Agents know nothing of it.
    pub(crate) async fn restart(self) -> Self {
        let Self {
            root,
            repository,
            library,
            clock,
            tasks,
            limits,
            ..
        } = self;
        tasks.shutdown(Duration::from_secs(5)).await;
        Self::open(
            root,
            (repository, library),
            clock,
            limits,
            TerraformSettings::default(),
            agent(None),
        )
        .await
    }

    async fn open(
        root: TempDir,
        (repository, library): (Arc<Repository>, Arc<Repository>),
        clock: ManualClock,
        limits: Limits,
        terraform: TerraformSettings,
        agent: AgentProgram,
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
        let options = Options {
            data: root.path().join("pipelines"),
            workspaces: Some(root.path().join("work")),
            keys,
            identities,
            authorizer: Arc::new(Rules),
            repositories: Arc::new(Both(repository.clone(), library.clone())),
            feed: feed.clone(),
            base_url: "https://127.0.0.1:1".parse().unwrap(),
            tasks: tasks.clone(),
            agent,
            terraform,
            authority: None,
            isolation: None,
            limits,
        };
        let pipelines = Pipelines::open_with(options, Arc::new(clock.clone()))
            .await
            .unwrap();
        let bob = people.pop().unwrap();
        Self {
            root,
            pipelines,
            repository,
            library,
            clock,
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
        let build = self.started(yaml).await;
        self.ended(build).await
    }

    /// Queues a run and waits for its end; gives the build.
    pub(crate) async fn complete(&self, definition: i64, body: Value) -> Value {
        let build = self.queue(definition, body).await;
        self.ended(build).await
    }

    /// Defines and queues; gives the id of the build.
    pub(crate) async fn started(&self, yaml: &str) -> i64 {
        let definition = self.define("ci", yaml).await;
        self.queue(definition, json!({})).await
    }

    /// Asks for the end of a run.
    pub(crate) async fn cancel(&self, build: i64) -> Value {
        let wish = json!({"status": "cancelling"});
        self.call("PATCH", &format!("build/builds/{build}"), wish).await
    }

    /// Runs what failed of a stage again, and waits for the end.
    pub(crate) async fn retry(&self, build: &Value, stage: &str) -> Value {
        let path = format!("build/builds/{}/stages/{stage}", build["id"]);
        self.call("PATCH", &path, json!({"state": "retry"})).await;
        self.ended(build["id"].as_i64().unwrap()).await
    }

    pub(crate) async fn ended(&self, build: i64) -> Value {
        let path = format!("build/builds/{build}");
        eventually("the run ends", async || {
            let found = self.get(&path).await;
            (found["status"] == "completed").then_some(found)
        })
        .await
    }

    pub(crate) fn tell_push(&self) {
        self.tell_push_to(&self.repository);
    }

    pub(crate) fn tell_push_to(&self, repository: &Repository) {
        self.feed.publish(Event::Push {
            repository: repository.at.clone(),
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
