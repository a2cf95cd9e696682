//! A cluster in process, a bare repository on disk, and the engine between them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use pave_auth::{Identities, Principal};
use pave_gitops::{Context, GitopsHandle, NoCredentials};
use pave_keys::Keys;
use pave_local_cluster::{Cluster, Options};
use pave_names::EntityRef;
use pave_runtime::Tasks;
use serde_json::{Value, json};

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) client: kube::Client,
    pub(crate) handle: GitopsHandle,
    pub(crate) cluster: Cluster,
    tasks: Tasks,
    pub(crate) directory: tempfile::TempDir,
}

pub(crate) fn admin() -> Principal {
    Principal {
        entity: EntityRef::new("user", "default", "admin"),
        user: "admin".into(),
        groups: vec!["system:masters".into()],
        ..Principal::anonymous()
    }
}

impl World {
    /// A world with namespaces `argocd`, `team-a`, `team-b` and an empty folder `e/`.
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let keys = Keys::open(&directory.path().join("keys")).unwrap();
        let identities =
            Identities::open(&directory.path().join("keys/identities.db"), keys.clone()).unwrap();
        let data = directory.path().to_owned();
        let cluster = Cluster::open(Options {
            data,
            keys,
            identities,
        })
        .await
        .unwrap();
        let client = cluster.client(&admin());
        let (handle, tasks) = start(&cluster, directory.path()).await;
        let world = Self {
            client,
            handle,
            cluster,
            tasks,
            directory,
        };
        for namespace in ["argocd", "team-a", "team-b"] {
            world
                .apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}))
                .await;
        }
        git(
            world.directory.path(),
            &["init", "--quiet", "--bare", "--initial-branch=main", "bare.git"],
        );
        git(world.directory.path(), &["clone", "--quiet", "bare.git", "work"]);
        world.commit(&[("e/README.md", Some("kept"))], "begin");
        world
    }

    /// Ends the engine and starts it anew on the same cluster and checkouts.
    pub(crate) async fn restart(&mut self, meanwhile: impl AsyncFnOnce(&Self)) {
        self.tasks.shutdown(DEADLINE).await;
        meanwhile(self).await;
        (self.handle, self.tasks) = start(&self.cluster, self.directory.path()).await;
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.directory.path().join("bare.git").display())
    }

    fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    /// Commits and pushes files; nothing as content removes one. Gives the commit.
    pub(crate) fn commit(&self, files: &[(&str, Option<&str>)], message: &str) -> String {
        for (path, content) in files {
            let path = self.work().join(path);
            match content {
                Some(content) => {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, content).unwrap();
                }
                None => std::fs::remove_file(path).unwrap(),
            }
        }
        git(&self.work(), &["add", "--all"]);
        git(&self.work(), &["commit", "--quiet", "--message", message]);
        self.push()
    }

    /// Reverts the last commit.
    pub(crate) fn revert(&self) -> String {
        git(&self.work(), &["revert", "--no-edit", "HEAD"]);
        self.push()
    }

    fn push(&self) -> String {
        git(&self.work(), &["push", "--quiet", "origin", "HEAD:main"]);
        git(&self.work(), &["rev-parse", "HEAD"])
    }

    /// Tells the engine of a push as Azure DevOps does.
    pub(crate) fn notify(&self) -> Vec<String> {
        let event = json!({
            "eventType": "git.push",
            "resource": {
                "repository": {"remoteUrl": self.url(), "defaultBranch": "refs/heads/main"},
                "refUpdates": [{"name": "refs/heads/main", "oldObjectId": "", "newObjectId": ""}],
            },
        });
        let reply = self
            .handle
            .webhook(&http::HeaderMap::new(), event.to_string().as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.message);
        reply.applications
    }

    /// An Application for folder `e/`, synced to `team-a` as its policy says.
    pub(crate) async fn application(&self, name: &str, policy: Value) {
        self.application_of(name, "default", "team-a", policy).await;
    }

    pub(crate) async fn application_of(&self, name: &str, project: &str, namespace: &str, policy: Value) {
        self.apply(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": "argocd"},
            "spec": {
                "project": project,
                "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
                "source": {"repoURL": self.url(), "path": "e", "targetRevision": "main"},
                "syncPolicy": policy,
            },
        }))
        .await;
    }

    pub(crate) async fn apply(&self, object: Value) {
        let (api, name) = self.api_of(&object);
        let params = PatchParams::apply("test").force();
        let mut last = None;
        // Its kind may be served only in a moment.
        for _ in 0..500 {
            match api.patch(&name, &params, &Patch::Apply(&object)).await {
                Ok(_) => return,
                Err(kube::Error::Api(status)) if status.code == 404 => last = Some(status),
                Err(error) => panic!("{error}: {object}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{last:?}: {object}");
    }

    pub(crate) async fn merge(&self, object: Value) {
        let (api, name) = self.api_of(&object);
        api.patch(&name, &PatchParams::default(), &Patch::Merge(&object))
            .await
            .unwrap();
    }

    pub(crate) async fn set_status(&self, object: &Value, status: Value) {
        let (api, name) = self.api_of(object);
        let patch = json!({"status": status});
        api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }

    pub(crate) async fn delete(&self, object: Value) {
        let (api, name) = self.api_of(&object);
        api.delete(&name, &DeleteParams::default()).await.unwrap();
    }

    pub(crate) async fn get(&self, object: &Value) -> Option<Value> {
        let (api, name) = self.api_of(object);
        api.get_opt(&name)
            .await
            .ok()
            .flatten()
            .map(|it| serde_json::to_value(it).unwrap())
    }

    fn api_of(&self, object: &Value) -> (Api<DynamicObject>, String) {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let api_version = text("/apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        let kind = text("/kind");
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: api_version.clone(),
            plural: format!("{}s", kind.to_lowercase()),
            kind,
        };
        let namespace = text("/metadata/namespace");
        let api = if namespace.is_empty() {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), &namespace, &resource)
        };
        (api, text("/metadata/name"))
    }

    /// Waits until an Application is as wanted and gives it.
    pub(crate) async fn wait_application(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        self.wait(&application_key(name), what, |it| it.is_some_and(&wanted))
            .await
            .unwrap_or_default()
    }

    /// Waits until an Application is synced to a revision.
    pub(crate) async fn wait_synced(&self, name: &str, revision: &str) -> Value {
        self.wait_application(name, "synced", |it| {
            it["status"]["sync"]["status"] == "Synced"
                && it["status"]["sync"]["revision"] == revision
                && it["operation"].is_null()
        })
        .await
    }

    /// Waits until an object is as wanted.
    pub(crate) async fn wait(
        &self,
        key: &Value,
        what: &str,
        wanted: impl Fn(Option<&Value>) -> bool,
    ) -> Option<Value> {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let found = self.get(key).await;
            if wanted(found.as_ref()) {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "not {what}: {found:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Messages of the events with a reason, waiting until there is one.
    pub(crate) async fn events(&self, namespace: &str, reason: &str) -> Vec<String> {
        let key =
            json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "x", "namespace": namespace}});
        let (api, _) = self.api_of(&key);
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let list = api.list(&ListParams::default()).await.unwrap();
            let values = list.items.iter().map(|it| serde_json::to_value(it).unwrap());
            let found: Vec<_> = values
                .filter(|it| it["reason"] == reason)
                .map(|it| it["message"].as_str().unwrap_or_default().to_owned())
                .collect();
            if !found.is_empty() {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "no event {reason}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn start(cluster: &Cluster, directory: &Path) -> (GitopsHandle, Tasks) {
    let tasks = Tasks::new();
    let accounts = cluster.clone();
    let context = Context {
        client: cluster.client(&admin()),
        checkouts: directory.join("checkouts"),
        credentials: Arc::new(NoCredentials),
        control_namespace: "argocd".into(),
        client_for: Arc::new(move |namespace, name| {
            accounts.client(&Principal::service_account(namespace, name))
        }),
    };
    (pave_gitops::run(context, tasks.clone()).await, tasks)
}

pub(crate) fn application_key(name: &str) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name, "namespace": "argocd"}})
}

pub(crate) fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "team-a"}})
}

/// The text of a `ConfigMap` with one value.
pub(crate) fn config_text(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: {value}\n")
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs([
            ("GIT_AUTHOR_NAME", "alice"),
            ("GIT_AUTHOR_EMAIL", "alice@example.com"),
        ])
        .envs([
            ("GIT_COMMITTER_NAME", "alice"),
            ("GIT_COMMITTER_EMAIL", "alice@example.com"),
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
