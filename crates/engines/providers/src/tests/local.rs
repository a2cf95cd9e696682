//! The engine against the embedded API server, and against the local cloud with a real database server.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, PostParams};
use kube::core::DynamicObject;
use kube::{Api, Client};
use pave_auth::{Identities, Principal};
use pave_keys::Keys;
use pave_local_azure::ServicePrincipal;
use pave_local_cluster::{Cluster, Options};
use pave_runtime::Tasks;
use serde_json::{Value, json};

use super::arm::Arm;
use super::world::{base64, has, http};
use crate::engine::{api, configuration_api};
use crate::{Context, run};

/// The version in which compositions speak of servers; the engine itself writes a later one.
const POSTGRESQL: &str = "dbforpostgresql.azure.upbound.io/v1beta1";

fn kind_api(client: &Client, kind: &str) -> Api<DynamicObject> {
    let kind = pave_azure::mapping::kinds()
        .iter()
        .find(|known| known.kind == kind)
        .unwrap();
    let gvk = pave_names::GroupVersionKind {
        version: "v1beta1".to_owned(),
        ..kind.gvk()
    };
    api(client, &gvk, kind.plural)
}

async fn create(api: &Api<DynamicObject>, kind: (&str, &str), mut object: Value) {
    (object["apiVersion"], object["kind"]) = (json!(kind.0), json!(kind.1));
    // The CRDs come up in the background.
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    for _ in 0..500 {
        match api.create(&PostParams::default(), &object).await {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the kind is never served");
}

async fn until(api: &Api<DynamicObject>, name: &str, wanted: impl Fn(Option<&Value>) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let found = api
            .get_opt(name)
            .await
            .unwrap()
            .map(|it| serde_json::to_value(it).unwrap());
        if wanted(found.as_ref()) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{name}: {found:#?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn prepare(client: &Client, credentials: &Value) {
    let namespace = pave_names::GroupVersionKind::from_api_version("v1", "Namespace").unwrap();
    for name in ["crossplane-system", "team-a"] {
        create(
            &api(client, &namespace, "namespaces"),
            ("v1", "Namespace"),
            json!({"metadata": {"name": name}}),
        )
        .await;
    }
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "crossplane-system");
    let secret = json!({"metadata": {"name": "azure-credentials"}, "data": {"creds": base64(&credentials.to_string())}});
    secrets
        .create(&PostParams::default(), &serde_json::from_value(secret).unwrap())
        .await
        .unwrap();
    let reference = json!({"namespace": "crossplane-system", "name": "azure-credentials", "key": "creds"});
    let configuration = json!({
        "metadata": {"name": "default"}, "spec": {"credentials": {"source": "Secret", "secretRef": reference}},
    });
    create(
        &configuration_api(client, "ProviderConfig"),
        ("azure.upbound.io/v1beta1", "ProviderConfig"),
        configuration,
    )
    .await;
}

/// An engine on an embedded API server.
struct Platform {
    client: Client,
    cluster: Cluster,
    tasks: Tasks,
    keys: Keys,
    directory: tempfile::TempDir,
}

impl Platform {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // PostgreSQL runs as another user where the tests run as root.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let keys = Keys::open(&directory.path().join("keys")).unwrap();
        let identities = Identities::open(&directory.path().join("identities.db"), keys.clone()).unwrap();
        let data = directory.path().join("cluster");
        let options = Options {
            data,
            keys: keys.clone(),
            identities,
        };
        let cluster = Cluster::open(options).await.unwrap();
        let mut principal = Principal::service_account("pave-system", "providers");
        principal.groups.push("system:masters".to_owned());
        let client = cluster.client(&principal);
        let tasks = Tasks::new();
        run(
            Context {
                client: client.clone(),
                http: http(),
            },
            tasks.clone(),
        )
        .await;
        Self {
            client,
            cluster,
            tasks,
            keys,
            directory,
        }
    }

    /// Makes group, server and database; returns how long they took to be ready.
    async fn create_environment(&self, version: &str) -> Duration {
        let started = std::time::Instant::now();
        let [groups, servers, databases, rules] = self.apis();
        let group =
            json!({"metadata": {"name": "orders-rg"}, "spec": {"forProvider": {"location": "westeurope"}}});
        create(&groups, ("azure.upbound.io/v1beta1", "ResourceGroup"), group).await;
        let password = json!({"namespace": "team-a", "name": "orders-admin", "key": "password"});
        let server = json!({"metadata": {"name": "orders-pg"}, "spec": {
            "forProvider": {
                "location": "westeurope", "resourceGroupNameRef": {"name": "orders-rg"}, "version": version,
                "skuName": "B_Standard_B1ms", "administratorLogin": "appuser",
                "administratorPasswordSecretRef": password, "autoGeneratePassword": true,
            },
            "writeConnectionSecretToRef": {"namespace": "team-a", "name": "orders-connection"},
        }});
        create(&servers, (POSTGRESQL, "FlexibleServer"), server).await;
        let database = json!({"metadata": {"name": "orders"}, "spec": {"forProvider": {"serverIdRef": {"name": "orders-pg"}}}});
        create(&databases, (POSTGRESQL, "FlexibleServerDatabase"), database).await;
        let rule = json!({"metadata": {"name": "everyone-here"}, "spec": {"forProvider": {
            "serverIdRef": {"name": "orders-pg"}, "startIpAddress": "127.0.0.1", "endIpAddress": "127.255.255.255",
        }}});
        create(&rules, (POSTGRESQL, "FlexibleServerFirewallRule"), rule).await;
        until(&rules, "everyone-here", |it| {
            it.is_some_and(|it| has(it, "Ready", "True", ""))
        })
        .await;
        until(&databases, "orders", |it| {
            it.is_some_and(|it| has(it, "Ready", "True", ""))
        })
        .await;
        started.elapsed()
    }

    async fn delete_environment(&self) {
        let apis = self.apis();
        let all = apis
            .iter()
            .zip(["orders-rg", "orders-pg", "orders", "everyone-here"]);
        for (api, name) in all.clone() {
            api.delete(name, &DeleteParams::default()).await.unwrap();
        }
        for (api, name) in all {
            until(api, name, |it| it.is_none()).await;
        }
    }

    fn apis(&self) -> [Api<DynamicObject>; 4] {
        let kinds = [
            "ResourceGroup",
            "FlexibleServer",
            "FlexibleServerDatabase",
            "FlexibleServerFirewallRule",
        ];
        kinds.map(|kind| kind_api(&self.client, kind))
    }

    async fn published(&self, key: &str) -> String {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), "team-a");
        let secret = secrets.get("orders-connection").await.unwrap();
        String::from_utf8(secret.data.unwrap()[key].0.clone()).unwrap()
    }

    async fn stop(self) {
        self.tasks.shutdown(Duration::from_secs(5)).await;
        self.cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_api_server_carries_the_whole_road() {
    let (platform, arm) = (Platform::start().await, Arm::start().await);
    let credentials = json!({
        "clientId": "c", "clientSecret": "right", "tenantId": "t", "subscriptionId": "s",
        "activeDirectoryEndpointUrl": arm.url, "resourceManagerEndpointUrl": arm.url,
    });
    prepare(&platform.client, &credentials).await;
    let elapsed = platform.create_environment("16").await;
    assert!(
        elapsed < Duration::from_secs(10),
        "no stage waits for a timer: {elapsed:?}"
    );
    assert_eq!(platform.published("username").await, "appuser@orders-pg");
    platform.delete_environment().await;
    assert!(arm.find("orders-rg").is_none());
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_local_cloud_hands_out_a_database_that_answers() {
    let platform = Platform::start().await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let ids @ [tenant, subscription, client] = [1, 2, 7].map(uuid::Uuid::from_u128);
    let data = platform.directory.path().join("azure");
    let mut options = pave_local_azure::Options::new(data, platform.keys.clone(), &url, tenant, subscription);
    options.database_directory = platform.directory.path().join("postgresql");
    options.postgresql_port = free_port().await;
    options.service_principals = vec![ServicePrincipal::new(
        client,
        uuid::Uuid::from_u128(8),
        "providers",
        "right",
    )];
    let port = options.postgresql_port;
    let azure = pave_local_azure::Azure::open(options).await.unwrap();
    let router = azure.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let [tenant, subscription, client] = ids.map(|id| id.to_string());
    let credentials = json!({
        "clientId": client, "clientSecret": "right", "tenantId": tenant, "subscriptionId": subscription,
        "activeDirectoryEndpointUrl": url, "resourceManagerEndpointUrl": url,
    });
    prepare(&platform.client, &credentials).await;
    let elapsed = platform.create_environment("15").await;
    // The server insists on TLS, as Azure does.
    let session = tokio::process::Command::new("psql")
        .args([
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--command",
            "select current_database()",
        ])
        .env("PGHOST", platform.published("endpoint").await)
        .env("PGPORT", port.to_string())
        .env("PGDATABASE", "orders")
        .env("PGUSER", platform.published("username").await)
        .env("PGPASSWORD", platform.published("password").await)
        .env("PGSSLMODE", "require")
        .output();
    let answer = session.await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&answer.stdout).trim(),
        "orders",
        "{answer:?} after {elapsed:?}"
    );
    platform.delete_environment().await;
    assert!(azure.status().await.unwrap().is_empty());
    azure.stop_servers().await.unwrap();
    server.abort();
    platform.stop().await;
}

async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    listener.local_addr().unwrap().port()
}
