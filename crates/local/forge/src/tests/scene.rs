//! A forge with two people, and what tests do to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use pave_auth::{AccessRequest, Authorizer, Decision, Identities, Principal};
use pave_devops::{NeighbourError, RunState, ValidationRequest};
use pave_git::{Change, Credential, Remote};
use pave_keys::Keys;
use pave_names::EntityRef;
use pave_runtime::Tasks;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use url::Url;

use crate::{Forge, Options, Repository};

/// Admin may do anything; alice may read the repository, review and push below `environments/team-a/`; the author
/// may read and push anything but `secret/`; carol may read and review.
struct Rules;

impl Authorizer for Rules {
    fn authorize<'a>(
        &'a self,
        principal: &'a Principal,
        request: &'a AccessRequest,
    ) -> BoxFuture<'a, Decision> {
        let base = "/forge/pave/platform/platform-configs";
        let allowed = match principal.user.as_str() {
            "admin" => true,
            "alice" => {
                (matches!(request.verb.as_str(), "get" | "review") && request.path == base)
                    || (request.verb == "push"
                        && request.path.starts_with(&format!("{base}/environments/team-a/")))
            }
            "author" => {
                (request.verb == "get" && request.path == base)
                    || (request.verb == "push"
                        && request.path.starts_with(&format!("{base}/"))
                        && !request.path.starts_with(&format!("{base}/secret/")))
            }
            "carol" => matches!(request.verb.as_str(), "get" | "review") && request.path == base,
            _ => false,
        };
        let reason = if allowed {
            String::new()
        } else {
            "ask the group platform".to_owned()
        };
        Box::pin(async move { Decision { allowed, reason } })
    }
}

fn groups(name: &str) -> &'static [String] {
    static PLATFORM: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| vec!["platform".to_owned()]);
    if name == "carol" { &PLATFORM } else { &[] }
}

/// An area that says what it was asked.
struct Echo;

impl pave_devops::Area for Echo {
    fn locations(&self) -> &[pave_devops::ResourceLocation] {
        &[pave_devops::ResourceLocation {
            area: "build",
            id: "0cd358e1-9217-4d94-8269-1c1ee6f93dcf",
            resource: "Builds",
            template: "{project}/_apis/{area}/{resource}/{buildId}",
        }]
    }

    fn serve(
        &self,
        request: pave_devops::AreaRequest,
    ) -> BoxFuture<'_, Result<axum::response::Response, pave_devops::AreaError>> {
        Box::pin(async move {
            if request.tail.len() > 2 {
                return Err(pave_devops::AreaError::not_found("There is no such build."));
            }
            let value = serde_json::json!({
                "user": request.principal.user, "project": request.project.map(|it| it.name),
                "tail": request.tail, "top": request.query.iter().find(|(key, _)| key == "$top").map(|(_, value)| value),
            });
            Ok(axum::response::IntoResponse::into_response(axum::Json(value)))
        })
    }
}

/// Builds that a test decides: the states by id, and what was asked for.
#[derive(Default)]
pub(super) struct Builds {
    pub(super) asked: Mutex<Vec<ValidationRequest>>,
    pub(super) states: Mutex<Vec<RunState>>,
}

impl pave_devops::Builds for Builds {
    fn validate(&self, request: ValidationRequest) -> BoxFuture<'_, Result<i64, NeighbourError>> {
        Box::pin(async move {
            let mut asked = self.asked.lock().unwrap();
            asked.push(request);
            self.states.lock().unwrap().push(RunState::Waiting);
            Ok(i64::try_from(asked.len()).unwrap())
        })
    }

    fn state(&self, build: i64) -> BoxFuture<'_, Result<Option<RunState>, NeighbourError>> {
        Box::pin(async move {
            let index = usize::try_from(build - 1).unwrap();
            Ok(self.states.lock().unwrap().get(index).copied())
        })
    }
}

pub(super) struct Scene {
    pub(super) root: TempDir,
    pub(super) forge: Forge,
    pub(super) tasks: Tasks,
    pub(super) url: Url,
    pub(super) repository: Repository,
    pub(super) admin: Principal,
    tokens: Vec<String>,
    people: Vec<Principal>,
    pub(super) feed: pave_devops::Feed,
    pub(super) builds: Arc<Builds>,
}

/// Who is known.
const PEOPLE: [&str; 5] = ["admin", "alice", "bob", "author", "carol"];

impl Scene {
    /// A forge with `platform-configs`, seeded.
    pub(super) async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self::open(root, None, Arc::default()).await
    }

    /// The same data behind a new process, as far as a test can have one; the address stays.
    pub(super) async fn restart(self) -> Self {
        let Self {
            root,
            tasks,
            url,
            builds,
            ..
        } = self;
        tasks.shutdown(Duration::from_secs(5)).await;
        Self::open(root, Some(url), builds).await
    }

    async fn open(root: TempDir, url: Option<Url>, builds: Arc<Builds>) -> Self {
        let keys = Keys::open(&root.path().join("keys")).unwrap();
        let identities = Identities::open(&root.path().join("identities.db"), keys.clone()).unwrap();
        let mut people = Vec::new();
        let mut tokens = Vec::new();
        for name in PEOPLE {
            let entity = EntityRef::new("user", "default", name);
            let email = format!("{name}@example.com");
            people.push(
                identities
                    .upsert_user(&entity, name, &email, groups(name))
                    .await
                    .unwrap(),
            );
            tokens.push(identities.issue_token(&entity, "test", None).await.unwrap());
        }
        let address = url
            .as_ref()
            .and_then(|url| url.socket_addrs(|| None).ok())
            .map_or_else(any, |all| all[0]);
        let listener = listen(address).await;
        let url: Url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let tasks = Tasks::new();
        let feed = pave_devops::Feed::default();
        let options = Options {
            data: root.path().join("forge"),
            identities,
            authorizer: Arc::new(Rules),
            base_url: url.clone(),
            keys,
            tasks: tasks.clone(),
            feed: feed.clone(),
        };
        let forge = Forge::open(options).await.unwrap();
        forge.join(vec![Arc::new(Echo)], builds.clone());
        serve(&tasks, listener, forge.router());
        let admin = people[0].clone();
        let repository = match forge
            .repository("pave", "platform", "platform-configs")
            .await
            .unwrap()
        {
            Some(repository) => repository,
            None => forge
                .create_repository("pave", "platform", "platform-configs")
                .await
                .unwrap(),
        };
        let files = [
            Change::write("README.md", "# hello\n"),
            Change::write("environments/team-a/README.md", "a\n"),
            Change::write("infra/xrd.yaml", "kind: X\n"),
        ];
        forge.seed(&repository, &files, "Seed", &admin).await.unwrap();
        Self {
            root,
            forge,
            tasks,
            url,
            repository,
            admin,
            tokens,
            people,
            feed,
            builds,
        }
    }

    pub(super) fn token(&self, user: &str) -> &str {
        let index = PEOPLE.iter().position(|name| *name == user).unwrap();
        &self.tokens[index]
    }

    /// The id of a person.
    pub(super) fn id(&self, user: &str) -> String {
        let found = self.people.iter().find(|it| it.user == user);
        found.unwrap().id.to_string()
    }

    pub(super) fn clone_url(&self) -> Url {
        self.repository.clone_url(&self.url)
    }

    /// What an engine would use.
    pub(super) fn remote(&self, user: &str) -> Remote {
        let credential = Credential::token(self.token(user));
        Remote {
            url: self.clone_url(),
            credential: Some(credential),
            authority: None,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Runs the real client as a person does, with the token in the URL; returns success and all it printed.
    pub(super) async fn git(&self, user: &str, directory: &Path, arguments: &[&str]) -> (bool, String) {
        let mut url = self.clone_url();
        url.set_username("x").unwrap();
        url.set_password(Some(self.token(user))).unwrap();
        let arguments: Vec<String> = arguments
            .iter()
            .map(|it| it.replace("URL", url.as_str()))
            .collect();
        let output = tokio::process::Command::new("git")
            .args([
                "-c",
                "user.name=Alice",
                "-c",
                "user.email=alice@example.com",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(&arguments)
            .current_dir(directory)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .output()
            .await
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&printed).into_owned(),
        )
    }

    /// The same, expected to succeed.
    pub(super) async fn git_ok(&self, user: &str, directory: &Path, arguments: &[&str]) -> String {
        let (success, printed) = self.git(user, directory, arguments).await;
        assert!(success, "git {arguments:?}: {printed}");
        printed
    }

    /// Clones as a person and returns the directory.
    pub(super) async fn checkout(&self, user: &str, name: &str) -> PathBuf {
        self.git_ok(user, self.root.path(), &["clone", "-q", "URL", name])
            .await;
        self.path(name)
    }

    /// Writes a file and commits it in a checkout.
    pub(super) async fn commit(&self, checkout: &Path, file: &str, content: &[u8]) {
        let path = checkout.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self.git_ok("alice", checkout, &["add", "-A"]).await;
        self.git_ok(
            "alice",
            checkout,
            &["commit", "-q", "-m", &format!("Change {file}")],
        )
        .await;
    }

    /// The tip of a branch in the forge.
    pub(super) async fn tip(&self, branch: &str) -> Option<String> {
        let tip = self
            .repository
            .tip(&format!("refs/heads/{branch}"))
            .await
            .unwrap();
        tip.map(|commit| commit.to_string())
    }

    /// One REST call.
    pub(super) async fn call(
        &self,
        user: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let response = self.raw(user, method, path, body, "application/json").await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// What an admin reads.
    pub(super) async fn get(&self, path: &str) -> Value {
        let (status, value) = self.call("admin", "GET", path, None).await;
        assert_eq!(status, 200, "GET {path}: {value}");
        value
    }

    /// Sends a body, and expects a status.
    pub(super) async fn send(
        &self,
        user: &str,
        method: &str,
        path: &str,
        body: Value,
        expected: u16,
    ) -> Value {
        let (status, value) = self.call(user, method, path, Some(body)).await;
        assert_eq!(status, expected, "{method} {path}: {value}");
        value
    }

    pub(super) async fn raw(
        &self,
        user: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
        accept: &str,
    ) -> reqwest::Response {
        let url = format!("{}{}", self.url.as_str().trim_end_matches('/'), path);
        let mut request = self
            .forge
            .http()
            .request(method.parse().unwrap(), url)
            .header("Accept", accept);
        if !user.is_empty() {
            request = request.basic_auth("", Some(self.token(user)));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }
}

fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn listen(address: SocketAddr) -> TcpListener {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => assert!(Instant::now() < deadline, "{address}: {error}"),
        }
        tokio::task::yield_now().await;
    }
}

pub(super) fn serve(tasks: &Tasks, listener: TcpListener, router: axum::Router) {
    let token = tasks.token();
    tasks.spawn("server", async move {
        tokio::select! {
            () = token.cancelled() => {}
            served = axum::serve(listener, router) => served.unwrap(),
        }
    });
}

/// Waits for something that another task brings about.
pub(super) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
