//! Applications that write to another cluster than the engine's own, described by a cluster Secret.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use kube::api::{Api, DynamicObject};
use pave_keys::Keys;
use pave_kube::Holder;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::world::{World, admin, application_key, config_map, config_text};

/// A control plane of its own, served on TLS.
struct Elsewhere {
    planes: Arc<dyn pave_kube::ControlPlanes>,
    client: kube::Client,
    server: tokio::task::JoinHandle<()>,
}

impl Elsewhere {
    async fn open(world: &World) -> Self {
        let keys = Keys::open(&world.directory.path().join("keys")).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let tls = keys.server_config(&["127.0.0.1"], &["h2", "http/1.1"]).unwrap();
        let (acceptor, router) = (tokio_rustls::TlsAcceptor::from(tls), world.cluster.router());
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let builder = Builder::new(TokioExecutor::new());
                        drop(builder.serve_connection(TokioIo::new(stream), service).await);
                    }
                });
            }
        });
        let planes = world.cluster.control_planes(&url);
        planes.ensure("orders-1").await.unwrap();
        let client = world.cluster.logical("orders-1").unwrap().client(&admin());
        let elsewhere = Self {
            planes,
            client,
            server,
        };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}});
        let namespaces: Api<DynamicObject> = Api::all_with(elsewhere.client.clone(), &resource("Namespace"));
        let namespace = serde_json::from_value(namespace).unwrap();
        namespaces
            .create(&kube::api::PostParams::default(), &namespace)
            .await
            .unwrap();
        elsewhere
    }

    fn url(&self) -> String {
        self.planes.url("orders-1")
    }

    fn secret(&self) -> Value {
        use base64::Engine as _;
        let authority = base64::engine::general_purpose::STANDARD.encode(self.planes.authority());
        let token = self.planes.token("orders-1", &Holder::Administrator).unwrap();
        let config =
            json!({"bearerToken": token, "tlsClientConfig": {"insecure": false, "caData": authority}});
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "cluster-orders", "namespace": "argocd",
                "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
            "stringData": {"name": "orders", "server": self.url(), "config": config.to_string()},
        })
    }

    async fn config_map(&self, name: &str) -> Option<Value> {
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), "team-a", &resource("ConfigMap"));
        let found = api.get_opt(name).await.unwrap();
        found.map(|it| serde_json::to_value(it).unwrap())
    }

    async fn until(&self, what: &str, name: &str, wanted: impl Fn(Option<&Value>) -> bool) {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let found = self.config_map(name).await;
            if wanted(found.as_ref()) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "not {what}: {found:#?}");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn resource(kind: &str) -> kube::api::ApiResource {
    kube::api::ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
        kind: kind.to_owned(),
    }
}

async fn application(world: &World, name: &str, destination: Value, finalizers: &[&str]) {
    world
        .apply(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": "argocd", "finalizers": finalizers},
            "spec": {
                "project": "default", "destination": destination,
                "source": {"repoURL": world.url(), "path": "e", "targetRevision": "main"},
                "syncPolicy": {"automated": {"prune": true, "selfHeal": true, "allowEmpty": true}},
            },
        }))
        .await;
}

fn says(application: &Value, words: &str) -> bool {
    let conditions = application["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|it| {
        it["message"]
            .as_str()
            .is_some_and(|message| message.contains(words))
    })
}

const CASCADE: &str = "resources-finalizer.argocd.argoproj.io";

#[tokio::test(flavor = "multi_thread")]
async fn an_application_writes_to_another_cluster_by_name_and_by_server() {
    let mut world = World::new().await;
    let elsewhere = Elsewhere::open(&world).await;
    let commit = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    let by_name = json!({"name": "orders", "namespace": "team-a"});
    application(&world, "app", by_name, &[CASCADE]).await;
    world
        .wait_application("app", "refused", |it| {
            says(it, "there are no clusters with this name or URL: orders")
        })
        .await;
    world.apply(elsewhere.secret()).await;
    let application_ = world.wait_synced("app", &commit).await;
    assert_eq!(application_["status"]["health"]["status"], "Healthy");
    elsewhere.until("applied", "a", |it| it.is_some()).await;
    assert!(
        world.get(&config_map("a")).await.is_none(),
        "nothing is written here"
    );

    // Drift there is healed, and what leaves Git is pruned, also after a restart.
    let api: Api<DynamicObject> =
        Api::namespaced_with(elsewhere.client.clone(), "team-a", &resource("ConfigMap"));
    let drift = json!({"data": {"value": "drift"}});
    let patch = kube::api::Patch::Merge(&drift);
    api.patch("a", &kube::api::PatchParams::default(), &patch)
        .await
        .unwrap();
    elsewhere
        .until("healed", "a", |it| {
            it.is_some_and(|it| it["data"]["value"] == "one")
        })
        .await;
    world.restart(async |_| ()).await;
    let commit = world.commit(
        &[("e/a.yaml", None), ("e/b.yaml", Some(&config_text("b", "two")))],
        "other",
    );
    let _ = world.handle.refresh("app");
    world.wait_synced("app", &commit).await;
    elsewhere.until("pruned", "a", |it| it.is_none()).await;
    elsewhere.until("applied", "b", |it| it.is_some()).await;

    // The same cluster by its URL, and the end of the first Application with all that is its own.
    world.delete(application_key("app")).await;
    world
        .wait(&application_key("app"), "gone", |it| it.is_none())
        .await;
    elsewhere.until("deleted along", "b", |it| it.is_none()).await;
    let by_server = json!({"server": format!("{}/", elsewhere.url()), "namespace": "team-a"});
    application(&world, "second", by_server, &[]).await;
    world.wait_synced("second", &commit).await;
    elsewhere.until("applied again", "b", |it| it.is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_does_not_answer_is_told_in_words() {
    let world = World::new().await;
    let elsewhere = Elsewhere::open(&world).await;
    let commit = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    world.apply(elsewhere.secret()).await;
    let destination = json!({"name": "orders", "namespace": "team-a"});
    application(&world, "app", destination.clone(), &[CASCADE]).await;
    world.wait_synced("app", &commit).await;

    let mut wrong = elsewhere.secret();
    let config = wrong["stringData"]["config"].as_str().unwrap().to_owned();
    let token = elsewhere
        .planes
        .token("orders-1", &Holder::Administrator)
        .unwrap();
    wrong["stringData"]["config"] = json!(config.replace(&token, "nonsense"));
    world.apply(wrong).await;
    world
        .wait_application("app", "told", |it| says(it, "does not accept the credential"))
        .await;
    world.apply(elsewhere.secret()).await;
    world.wait_synced("app", &commit).await;

    let mut nowhere = elsewhere.secret();
    nowhere["stringData"]["server"] = json!("https://127.0.0.1:1/clusters/none");
    world.apply(nowhere).await;
    let told = world
        .wait_application("app", "told", |it| says(it, "cannot be used"))
        .await;
    assert_eq!(told["status"]["sync"]["status"], "Unknown", "{told:#}");

    // It is deleted all the same once nothing describes the cluster any more.
    world.delete(application_key("app")).await;
    world
        .wait_application("app", "held", |it| says(it, "remove the cluster Secret"))
        .await;
    world
        .delete(json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "cluster-orders", "namespace": "argocd"}}))
        .await;
    world
        .wait(&application_key("app"), "gone", |it| it.is_none())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_decides_which_clusters_it_may_write_to() {
    let world = World::new().await;
    let elsewhere = Elsewhere::open(&world).await;
    world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    let mut secret = elsewhere.secret();
    secret["stringData"]["project"] = json!("another");
    world.apply(secret).await;
    application(
        &world,
        "app",
        json!({"name": "orders", "namespace": "team-a"}),
        &[],
    )
    .await;
    world
        .wait_application("app", "refused", |it| says(it, "is for project `another` only"))
        .await;
    world.apply(elsewhere.secret()).await;
    world
        .merge(json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "cluster-orders", "namespace": "argocd"}, "data": {"project": ""}}))
        .await;
    world
        .merge(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": "default", "namespace": "argocd"},
            "spec": {"destinations": [{"server": "https://kubernetes.default.svc", "namespace": "*"}]}}))
        .await;
    world
        .wait_application("app", "refused", |it| says(it, "do not match any of the allowed"))
        .await;
}
