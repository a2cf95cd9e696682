//! A cluster in a directory of its own, and kubectl against it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    missing_docs,
    reason = "shared by tests: each test binary uses a part of them, and a failure is a panic"
)]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::api::{Api, DynamicObject, WatchEvent};
use kube::core::{ApiResource, GroupVersionKind};
use pave_auth::{Identities, Principal};
use pave_keys::Keys;
use pave_local_cluster::{Cluster, Options};
use pave_names::EntityRef;
use serde_json::{Value, json};

pub struct World {
    pub directory: tempfile::TempDir,
    pub cluster: Cluster,
    pub identities: Identities,
}

pub async fn open(directory: &Path) -> (Cluster, Identities) {
    let keys = Keys::open(&directory.join("keys")).unwrap();
    let identities = Identities::open(&directory.join("identities.db"), keys.clone()).unwrap();
    let options = Options {
        data: directory.to_owned(),
        keys,
        identities: identities.clone(),
    };
    (Cluster::open(options).await.unwrap(), identities)
}

pub async fn world() -> World {
    let directory = tempfile::tempdir().unwrap();
    let (cluster, identities) = open(directory.path()).await;
    World {
        directory,
        cluster,
        identities,
    }
}

pub fn person(name: &str, groups: &[&str]) -> Principal {
    let mut principal = Principal::anonymous();
    name.clone_into(&mut principal.user);
    principal.entity = EntityRef::new("user", "default", name);
    principal.groups = groups.iter().map(|group| (*group).to_owned()).collect();
    principal
}

pub fn admin() -> Principal {
    person("admin", &["system:masters"])
}

pub fn api(
    client: &kube::Client,
    api_version: &str,
    kind: &str,
    namespace: Option<&str>,
) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

pub fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

pub fn config_map(name: &str, data: &Value) -> DynamicObject {
    object(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": data }))
}

/// A definition of `widgets.example.com`, namespaced, with status and printer columns.
pub fn widget_definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": { "plural": "widgets", "kind": "Widget", "shortNames": ["wd"], "categories": ["all"] },
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
                "additionalPrinterColumns": [
                    { "name": "Size", "type": "string", "jsonPath": ".spec.size" },
                    { "name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status" },
                ],
                "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                    "spec": { "type": "object", "required": ["size"], "description": "What is wanted.", "properties": {
                        "size": { "type": "string", "enum": ["small", "large"] },
                        "replicas": { "type": "integer", "default": 1 },
                    } },
                    "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                } } },
            }],
        },
    })
}

pub fn widget(name: &str, size: &str) -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": name }, "spec": { "size": size } })
}

pub fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        other => panic!("not an answer of the API: {other}"),
    }
}

/// Waits until a condition holds, at most ten seconds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let all = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), all).await.is_ok(),
        "never happened: {what}"
    );
}

/// The next event of a watch, as `(type, name)`.
pub async fn next(
    stream: &mut (impl Stream<Item = kube::Result<WatchEvent<DynamicObject>>> + Unpin),
) -> (&'static str, String) {
    let event = tokio::time::timeout(Duration::from_secs(10), stream.next()).await;
    let name = |object: &DynamicObject| object.metadata.name.clone().unwrap_or_default();
    match event
        .expect("an event in time")
        .expect("an open watch")
        .expect("an event")
    {
        WatchEvent::Added(object) => ("ADDED", name(&object)),
        WatchEvent::Modified(object) => ("MODIFIED", name(&object)),
        WatchEvent::Deleted(object) => ("DELETED", name(&object)),
        WatchEvent::Bookmark(_) => ("BOOKMARK", String::new()),
        WatchEvent::Error(status) => ("ERROR", status.reason),
    }
}

/// A plain listener for one caller, for kubectl.
pub struct Terminal {
    server: String,
    home: tempfile::TempDir,
}

pub async fn terminal(cluster: &Cluster, principal: &Principal) -> Terminal {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let router = cluster.router_for(principal);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Terminal {
        server,
        home: tempfile::tempdir().unwrap(),
    }
}

pub struct Output {
    pub out: String,
    pub error: String,
    pub success: bool,
}

impl Terminal {
    pub fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("kubectl");
        command.arg("--server").arg(&self.server).args(arguments);
        command
            .env("HOME", self.home.path())
            .env_remove("KUBECONFIG")
            .current_dir(self.home.path());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs kubectl with something on standard input.
    pub async fn pipe(&self, arguments: &[&str], input: &str) -> Output {
        use tokio::io::AsyncWriteExt;
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await;
        let output = output.expect("kubectl ends in time").unwrap();
        Output {
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            error: String::from_utf8_lossy(&output.stderr).into_owned(),
            success: output.status.success(),
        }
    }

    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.pipe(arguments, "").await
    }

    /// Runs kubectl, which must succeed, and gives its standard output.
    pub async fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert!(
            output.success,
            "kubectl {arguments:?}: {}{}",
            output.out, output.error
        );
        output.out
    }

    pub async fn ok_with(&self, arguments: &[&str], input: &str) -> String {
        let output = self.pipe(arguments, input).await;
        assert!(
            output.success,
            "kubectl {arguments:?}: {}{}",
            output.out, output.error
        );
        output.out
    }
}

/// Whether kubectl is there; the tests with it say so and pass without.
pub fn has_kubectl() -> bool {
    std::process::Command::new("kubectl")
        .arg("version")
        .arg("--client")
        .output()
        .is_ok_and(|o| o.status.success())
}
