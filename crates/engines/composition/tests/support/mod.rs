//! An API server in process with the engine on it, and the few objects that every story needs.

use std::time::{Duration, Instant};

use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use pave_auth::{Identities, Principal};
use pave_keys::Keys;
use pave_kube::Kinds;
use pave_local_cluster::{Cluster, Options};
use pave_names::{EntityRef, GroupVersionKind};
use pave_runtime::Tasks;
use serde_json::{Value, json};

pub(crate) const XR: &str = "TeamEnvironment";
pub(crate) const CLAIM: &str = "TeamEnvironmentClaim";
const GROUP: &str = "platform.example.com/v1alpha1";

pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) kinds: Kinds,
    pub(crate) tasks: Tasks,
    directory: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::open(directory).await
    }

    async fn open(directory: tempfile::TempDir) -> Self {
        let keys = Keys::open(&directory.path().join("keys")).unwrap();
        let identities = Identities::open(&directory.path().join("identities.db"), keys.clone()).unwrap();
        let options = Options {
            data: directory.path().join("cluster"),
            keys,
            identities,
        };
        let cluster = Cluster::open(options).await.unwrap();
        let client = cluster.client(&engine());
        let tasks = Tasks::new();
        pave_composition::run(
            pave_composition::Context {
                client: client.clone(),
            },
            tasks.clone(),
        )
        .await;
        Self {
            cluster,
            kinds: Kinds::new(client),
            tasks,
            directory,
        }
    }

    /// Ends the engine in the midst of whatever it does, and starts another one on the same objects.
    pub(crate) async fn restart_engine(&mut self) {
        self.tasks.shutdown(Duration::from_secs(5)).await;
        self.tasks = Tasks::new();
        let client = self.kinds.client().clone();
        pave_composition::run(pave_composition::Context { client }, self.tasks.clone()).await;
    }

    pub(crate) async fn close(self) {
        self.tasks.shutdown(Duration::from_secs(5)).await;
        self.cluster.shutdown().await;
        drop(self.directory);
    }

    pub(crate) async fn apply(&self, object: Value) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match pave_kube::apply(&self.kinds, &object, "test", false).await {
                Ok(_) => return,
                Err(error) if Instant::now() > deadline => panic!("{error}: {object}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    async fn api(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> Option<Api<DynamicObject>> {
        let gvk = GroupVersionKind::from_api_version(api_version, kind).unwrap();
        Some(
            self.kinds
                .resolve(&gvk)
                .await
                .ok()?
                .api(self.kinds.client(), namespace),
        )
    }

    pub(crate) async fn get(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<Value> {
        let found = self
            .api(api_version, kind, namespace)
            .await?
            .get_opt(name)
            .await
            .ok()??;
        Some(serde_json::to_value(found).unwrap())
    }

    pub(crate) async fn list(&self, api_version: &str, kind: &str) -> Vec<Value> {
        let Some(api) = self.api(api_version, kind, None).await else {
            return Vec::new();
        };
        let list = api.list(&ListParams::default()).await;
        list.map(|it| {
            it.items
                .iter()
                .map(|it| serde_json::to_value(it).unwrap())
                .collect()
        })
        .unwrap_or_default()
    }

    pub(crate) async fn claim(&self) -> Value {
        self.get(GROUP, CLAIM, Some("team-a"), "dev")
            .await
            .unwrap_or_default()
    }

    pub(crate) async fn composites(&self) -> Vec<Value> {
        self.list(GROUP, XR).await
    }

    pub(crate) async fn servers(&self) -> Vec<Value> {
        self.list("example.com/v1", "Server").await
    }

    pub(crate) async fn delete(&self, api_version: &str, kind: &str, namespace: Option<&str>, name: &str) {
        let api = self.api(api_version, kind, namespace).await.unwrap();
        api.delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub(crate) async fn merge(&self, object: &Value, patch: Value, status: bool) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let api = self
            .api(
                text("/apiVersion").unwrap(),
                text("/kind").unwrap(),
                text("/metadata/namespace"),
            )
            .await
            .unwrap();
        let (name, params) = (text("/metadata/name").unwrap(), PatchParams::default());
        if status {
            api.patch_status(name, &params, &Patch::Merge(&patch))
                .await
                .unwrap();
        } else {
            api.patch(name, &params, &Patch::Merge(&patch)).await.unwrap();
        }
    }

    /// Plays the provider: writes the secret of a server and says that it is ready.
    pub(crate) async fn make_ready(&self, server: &Value) {
        let name = server["metadata"]["name"].as_str().unwrap();
        self.apply(json!({
            "apiVersion": "v1", "kind": "Secret", "type": "connection.crossplane.io/v1alpha1",
            "metadata": {"name": format!("{name}-conn"), "namespace": "team-a"},
            "stringData": {"username": "alice@srv", "password": "p/w", "endpoint": "srv.example.com"},
        }))
        .await;
        self.set_condition(server, "True", "Available", "").await;
    }

    pub(crate) async fn set_condition(&self, server: &Value, status: &str, reason: &str, message: &str) {
        let time = "2026-01-01T00:00:00Z";
        let conditions = json!([
            {"type": "Synced", "status": "True", "reason": "ReconcileSuccess", "lastTransitionTime": time},
            {"type": "Ready", "status": status, "reason": reason, "message": message, "lastTransitionTime": time},
        ]);
        self.merge(
            server,
            json!({"status": {"fqdn": "srv.example.com", "conditions": conditions}}),
            true,
        )
        .await;
    }

    /// Resource versions of everything that the engine writes.
    pub(crate) async fn versions(&self) -> Vec<String> {
        let mut objects = vec![self.claim().await];
        objects.extend(self.composites().await);
        objects.extend(self.servers().await);
        for kind in [
            "CompositeResourceDefinition",
            "Composition",
            "CompositionRevision",
        ] {
            objects.extend(self.list("apiextensions.crossplane.io/v1", kind).await);
        }
        objects.extend(
            self.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
                .await,
        );
        objects.extend(self.list("v1", "Secret").await);
        objects
            .iter()
            .map(|it| {
                format!(
                    "{} {} {}",
                    it["kind"], it["metadata"]["name"], it["metadata"]["resourceVersion"]
                )
            })
            .collect()
    }

    /// Waits until nothing has been written for a while.
    pub(crate) async fn settle(&self) {
        let mut last = self.versions().await;
        let mut since = Instant::now();
        eventually("it becomes quiet", async || {
            let now = self.versions().await;
            if now != last {
                last = now;
                since = Instant::now();
            }
            if since.elapsed() > Duration::from_millis(300) {
                Ok(())
            } else {
                Err(format!("{last:#?}"))
            }
        })
        .await;
    }

    /// XRD, Composition, the kind that is composed, and a namespace.
    pub(crate) async fn platform(&self) {
        self.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}}))
            .await;
        self.apply(server_crd()).await;
        self.apply(definition()).await;
        self.apply(composition()).await;
    }
}

const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until something is so, and says what it was instead if it never is.
pub(crate) async fn eventually<T: std::fmt::Debug>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if Instant::now() > deadline => panic!("{what}: {seen}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> (&'a str, &'a str, &'a str) {
    let found = object.pointer("/status/conditions").and_then(Value::as_array);
    let found = found.and_then(|it| it.iter().find(|it| it["type"] == kind));
    let part = |key: &str| found.and_then(|it| it[key].as_str()).unwrap_or_default();
    (part("status"), part("reason"), part("message"))
}

fn engine() -> Principal {
    Principal {
        id: uuid::Uuid::nil(),
        entity: EntityRef::new("user", "default", "engine"),
        user: "engine".to_owned(),
        groups: vec!["system:masters".to_owned()],
        display_name: String::new(),
        email: String::new(),
    }
}

fn server_crd() -> Value {
    let free = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let spec = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "properties": {"size": {"type": "integer", "minimum": 1}, "database": {"type": "string"}}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "servers.example.com"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Server", "plural": "servers", "singular": "server", "listKind": "ServerList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": free}}}}]},
    })
}

pub(crate) fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.crossplane.io/v1", "kind": "CompositeResourceDefinition",
        "metadata": {"name": "teamenvironments.platform.example.com"},
        "spec": {
            "group": "platform.example.com",
            "names": {"kind": XR, "plural": "teamenvironments"},
            "claimNames": {"kind": CLAIM, "plural": "teamenvironmentclaims"},
            "versions": [{"name": "v1alpha1", "served": true, "referenceable": true, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {
                    "spec": {"type": "object", "required": ["dbName"], "properties": {
                        "dbName": {"type": "string"}, "size": {"type": "integer"}}},
                    "status": {"type": "object", "properties": {"fqdn": {"type": "string"}}},
                }}}}],
        },
    })
}

pub(crate) fn composition() -> Value {
    json!({
        "apiVersion": "apiextensions.crossplane.io/v1", "kind": "Composition",
        "metadata": {"name": "azure", "labels": {"env": "azure-dev"}},
        "spec": {
            "compositeTypeRef": {"apiVersion": GROUP, "kind": XR},
            "resources": [{
                "name": "server",
                "base": {"apiVersion": "example.com/v1", "kind": "Server", "spec": {"size": 1,
                    "writeConnectionSecretToRef": {"namespace": "team-a"}}},
                "patches": [
                    {"fromFieldPath": "spec.dbName", "toFieldPath": "spec.database"},
                    {"fromFieldPath": "spec.size", "toFieldPath": "spec.size"},
                    {"fromFieldPath": "metadata.uid", "toFieldPath": "metadata.name",
                        "transforms": [{"type": "string", "string": {"fmt": "srv-%s"}}]},
                    {"fromFieldPath": "metadata.uid", "toFieldPath": "spec.writeConnectionSecretToRef.name",
                        "transforms": [{"type": "string", "string": {"fmt": "srv-%s-conn"}}]},
                    {"type": "ToCompositeFieldPath", "fromFieldPath": "status.fqdn"},
                ],
                "connectionDetails": [
                    {"fromConnectionSecretKey": "username"}, {"fromConnectionSecretKey": "password"},
                    {"name": "uri", "type": "FromCombine", "strategy": "string",
                        "string": {"fmt": "postgresql://%s:%s@%s/%s"}, "variables": [
                            {"fromConnectionSecretKey": "username", "encode": "uri"},
                            {"fromConnectionSecretKey": "password", "encode": "uri"},
                            {"fromConnectionSecretKey": "endpoint"},
                            {"fromCompositeFieldPath": "spec.dbName"}]},
                ],
            }],
        },
    })
}

pub(crate) fn claim(env: &str) -> Value {
    json!({
        "apiVersion": GROUP, "kind": CLAIM,
        "metadata": {"name": "dev", "namespace": "team-a", "annotations": {"pave.dev/road": "0af7651916cd43dd8448eb211c80319c"}},
        "spec": {"dbName": "orders", "compositionSelector": {"matchLabels": {"env": env}},
            "writeConnectionSecretToRef": {"name": "dev-connection"}},
    })
}
