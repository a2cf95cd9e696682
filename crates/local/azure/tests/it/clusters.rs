//! Managed clusters: control planes of their own, made, used by kubectl, removed, through every crash.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use pave_auth::Identities;
use pave_keys::Keys;
use pave_kube::{ControlPlaneError, ControlPlanes, Holder};
use pave_local_cluster::Cluster;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Cloud, die_at, directory};

fn cluster(cloud: &Cloud, name: &str) -> String {
    format!(
        "{}/providers/Microsoft.ContainerService/managedClusters/{name}",
        cloud.group()
    )
}

fn body() -> Value {
    json!({
        "location": "westeurope", "identity": { "type": "SystemAssigned" },
        "properties": { "dnsPrefix": "aks-team", "oidcIssuerProfile": { "enabled": true },
            "agentPoolProfiles": [{ "name": "nodepool", "count": 2, "vmSize": "Standard_D2s_v3", "mode": "System" }] },
    })
}

/// Control planes that are only written down.
#[derive(Default)]
pub(crate) struct Written(Mutex<Vec<String>>);

impl ControlPlanes for Written {
    fn ensure<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>> {
        Box::pin(async move {
            let mut names = self.0.lock().unwrap();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
            Ok(())
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>> {
        Box::pin(async move {
            self.0.lock().unwrap().retain(|known| known != name);
            Ok(())
        })
    }

    fn set_running<'a>(&'a self, _: &'a str, _: bool) -> BoxFuture<'a, Result<(), ControlPlaneError>> {
        Box::pin(async { Ok(()) })
    }

    fn rotate<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>> {
        Box::pin(async { Ok(()) })
    }

    fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn url(&self, name: &str) -> String {
        format!("https://127.0.0.1:1/clusters/{name}")
    }

    fn authority(&self) -> String {
        String::new()
    }

    fn token(&self, name: &str, _: &Holder) -> Result<String, ControlPlaneError> {
        Ok(format!("token-of-{name}"))
    }
}

pub(crate) async fn with_planes(fault: Option<&'static str>) -> (Cloud, Arc<Written>) {
    let planes = Arc::new(Written::default());
    let given = planes.clone();
    let cloud = Cloud::open_with(|options| {
        options.control_planes = Some(given);
        options.fault = fault.map(die_at);
    })
    .await;
    cloud.make_group().await;
    (cloud, planes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_made_changed_and_removed() {
    let (cloud, planes) = with_planes(None).await;
    let path = cluster(&cloud, "aks-team");
    let accepted = cloud.put(&path, body()).await.expect(201);
    assert_eq!(accepted.body["properties"]["provisioningState"], "Creating");
    let ended = cloud.follow(accepted.header("azure-asyncoperation")).await;
    assert_eq!(ended["status"], "Succeeded", "{ended}");
    let shown = cloud.get(&path).await.expect(200).body;
    let name = planes.names()[0].clone();
    assert!(name.starts_with("aks-team-"), "{name}");
    assert_eq!(
        shown["properties"]["oidcIssuerProfile"]["issuerURL"],
        planes.url(&name)
    );
    assert_eq!(
        shown["properties"]["nodeResourceGroup"],
        "MC_team-a_aks-team_westeurope"
    );
    assert_eq!(shown["properties"]["powerState"]["code"], "Running");
    assert_eq!(
        shown["properties"]["agentPoolProfiles"][0]["provisioningState"],
        "Succeeded"
    );

    let pool = format!("{path}/agentPools/user");
    let pool_body = json!({ "properties": { "count": 1, "vmSize": "Standard_D2s_v3", "mode": "User" } });
    cloud.put(&pool, pool_body.clone()).await.expect(201);
    cloud.put(&pool, pool_body).await.expect(200);
    assert_eq!(cloud.get(&pool).await.expect(200).body["properties"]["count"], 1);
    let wrong = json!({ "properties": { "count": 1 } });
    let refused = cloud
        .put(&format!("{path}/agentPools/not-good"), wrong)
        .await
        .expect(400);
    assert!(
        refused.message().contains("contains `-`"),
        "{}",
        refused.message()
    );
    cloud.delete(&pool).await.expect(202);
    cloud.delete(&pool).await.expect(204);
    cloud
        .delete(&format!("{path}/agentPools/nodepool"))
        .await
        .expect(400);

    let again = cloud.put(&path, body()).await.expect(200);
    cloud.follow(again.header("azure-asyncoperation")).await;
    assert_eq!(planes.names().len(), 1, "an update makes no second one");
    cloud
        .succeed(cloud.call(Method::POST, &format!("{path}/stop"), None).await)
        .await;
    let shown = cloud.get(&path).await.expect(200).body;
    assert_eq!(shown["properties"]["powerState"]["code"], "Stopped");
    cloud
        .succeed(cloud.call(Method::POST, &format!("{path}/start"), None).await)
        .await;

    let tags = json!({ "tags": { "team": "a" } });
    cloud.call(Method::PATCH, &path, Some(tags)).await.expect(200);
    cloud.succeed(cloud.delete(&path).await).await;
    cloud.get(&path).await.expect(404);
    assert!(planes.names().is_empty());
    let second = cloud.put(&path, body()).await.expect(201);
    cloud.follow(second.header("azure-asyncoperation")).await;
    assert_ne!(planes.names()[0], name, "a name is never used twice");
    cloud.succeed(cloud.delete(&cloud.group()).await).await;
    assert!(planes.names().is_empty(), "a group takes its clusters along");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_no_half_of_a_cluster() {
    let (mut cloud, planes) = with_planes(Some("cluster:made")).await;
    let path = cluster(&cloud, "aks-team");
    let accepted = cloud.put(&path, body()).await.expect(201);
    cloud.reopen().await;
    let ended = cloud.follow(accepted.header("azure-asyncoperation")).await;
    assert_eq!(ended["status"], "Succeeded", "{ended}");
    assert_eq!(planes.names().len(), 1);

    let (mut cloud, planes) = with_planes(Some("cluster:removed")).await;
    let path = cluster(&cloud, "aks-team");
    let accepted = cloud.put(&path, body()).await.expect(201);
    cloud.follow(accepted.header("azure-asyncoperation")).await;
    let accepted = cloud.delete(&path).await.expect(202);
    planes.ensure("left-behind").await.unwrap();
    cloud.reopen().await;
    cloud.succeed(accepted).await;
    cloud.get(&path).await.expect(404);
    assert!(planes.names().is_empty(), "not even what nobody knows of");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_azure_refuses_is_refused() {
    let (cloud, planes) = with_planes(None).await;
    let path = cluster(&cloud, "aks-team");
    let mut unknown = body();
    unknown["identity"] =
        json!({ "type": "UserAssigned", "userAssignedIdentities": { "/subscriptions/x/none": {} } });
    let refused = cloud.put(&path, unknown).await.expect(400);
    assert!(
        refused.message().contains("does not exist"),
        "{}",
        refused.message()
    );
    assert!(planes.names().is_empty());
    let without = Cloud::open().await;
    without.make_group().await;
    let refused = without
        .put(&cluster(&without, "aks-team"), body())
        .await
        .expect(409);
    assert_eq!(refused.code(), "ControlPlaneNotAvailable");
    let mut closed = body();
    closed["properties"]["disableLocalAccounts"] = json!(true);
    let accepted = cloud.put(&path, closed).await.expect(201);
    cloud.follow(accepted.header("azure-asyncoperation")).await;
    let credential = format!("{path}/listClusterAdminCredential");
    cloud.call(Method::POST, &credential, None).await.expect(400);
}

/// A real cluster on TLS in a directory.
async fn serve_cluster(directory: &std::path::Path) -> (Cluster, String) {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto::Builder;
    use hyper_util::service::TowerToHyperService;
    let keys = Keys::open(&directory.join("keys")).unwrap();
    let identities = Identities::open(&directory.join("identities.db"), keys.clone()).unwrap();
    let options = pave_local_cluster::Options {
        data: directory.to_owned(),
        keys: keys.clone(),
        identities,
    };
    let cluster = Cluster::open(options).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let tls = keys.server_config(&["127.0.0.1"], &["h2", "http/1.1"]).unwrap();
    let (acceptor, router) = (tokio_rustls::TlsAcceptor::from(tls), cluster.router());
    tokio::spawn(async move {
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
    (cluster, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_works_with_the_kubeconfig_that_arm_gives() {
    use base64::Engine as _;
    let place = directory();
    let (kept, url) = serve_cluster(place.path()).await;
    let planes = kept.control_planes(&url);
    let cloud = Cloud::open_with(|options| options.control_planes = Some(planes.clone())).await;
    cloud.make_group().await;
    let path = cluster(&cloud, "aks-team");
    let accepted = cloud.put(&path, body()).await.expect(201);
    cloud.follow(accepted.header("azure-asyncoperation")).await;
    let kubeconfig = async |kind: &str| {
        let answer = cloud.call(Method::POST, &format!("{path}/{kind}"), None).await;
        let value = answer.expect(200).body["kubeconfigs"][0]["value"].clone();
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap());
        String::from_utf8(bytes.unwrap()).unwrap()
    };
    let user = kubeconfig("listClusterUserCredential").await;
    assert!(user.contains("clusterUser_team-a_aks-team"), "{user}");
    assert_eq!(
        user,
        kubeconfig("listClusterUserCredential").await,
        "the same each time"
    );
    let file = place.path().join("kubeconfig");
    let kubectl = |arguments: &[&str]| {
        let output = std::process::Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(&file)
            .args(arguments)
            .env("HOME", place.path())
            .output();
        match output {
            Ok(output) => (
                output.status.success(),
                String::from_utf8_lossy(&output.stdout).into_owned(),
            ),
            // Without kubectl the rest of the test still holds.
            Err(_) => (true, "skipped".to_owned()),
        }
    };
    for config in [user, kubeconfig("listClusterAdminCredential").await] {
        std::fs::write(&file, config).unwrap();
        let (done, out) = kubectl(&["get", "namespaces", "-o", "name"]);
        assert!(
            done && (out.contains("namespace/default") || out == "skipped"),
            "{out}"
        );
    }
    let issuer = cloud.get(&path).await.body["properties"]["oidcIssuerProfile"]["issuerURL"].clone();
    let client = Keys::open(&place.path().join("keys"))
        .unwrap()
        .http_client()
        .unwrap();
    let document = format!("{}/.well-known/openid-configuration", issuer.as_str().unwrap());
    let document: Value = client.get(document).send().await.unwrap().json().await.unwrap();
    assert_eq!(document["issuer"], issuer);
    let keys = client
        .get(document["jwks_uri"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert!(
        keys.status().is_success(),
        "whoever verifies a token needs no credential"
    );
    cloud.succeed(cloud.delete(&path).await).await;
    assert!(planes.names().is_empty());
    assert!(!kubectl(&["get", "namespaces"]).0 || kubectl(&["version"]).1 == "skipped");
}
