//! The same against the local cloud itself: every resource, made, planned again, changed, imported and destroyed.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use pave_keys::Keys;
use pave_kube::{ControlPlaneError, ControlPlanes, Holder};
use pave_local_azure::{Azure, Options, ServicePrincipal};
use uuid::Uuid;

use crate::arm::serve;
use crate::hcl::{ACCOUNT, CLUSTER, IDENTITY, SERVER, in_group};
use crate::workspace::Workspace;

/// Control planes that are only written down.
#[derive(Default)]
struct Written(Mutex<Vec<String>>);

impl ControlPlanes for Written {
    fn ensure<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>> {
        let mut names = self.0.lock().unwrap();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>> {
        self.0.lock().unwrap().retain(|known| known != name);
        Box::pin(async { Ok(()) })
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

const DATA: &str = r#"
data "azurerm_client_config" "current" {}
data "azurerm_subscription" "current" {}
"#;

const ISSUER: &str = "https://pipelines.test/organization";
const SUBJECT: &str = "sc://pave/backstage/azure-local";
const AUDIENCE: &str = "api://AzureADTokenExchange";

struct Cloud {
    azure: Azure,
    keys: Keys,
    server: tokio::task::JoinHandle<()>,
    directory: tempfile::TempDir,
}

impl Cloud {
    /// Opens the cloud and points a workspace at it.
    async fn open(workspace: &mut Workspace) -> Self {
        let directory = tempfile::Builder::new().prefix("pave-tf-az-").tempdir().unwrap();
        // The databases' user has to get in.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let keys = Keys::open(&directory.path().join("keys")).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (tenant, subscription) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut options = Options::new(
            directory.path().join("azure"),
            keys.clone(),
            &format!("https://{host}"),
            tenant,
            subscription,
        );
        options.database_directory = directory.path().join("postgresql");
        options.postgresql_port = free_port();
        options.control_planes = Some(Arc::new(Written::default()));
        options.service_principals = vec![ServicePrincipal::new(
            Uuid::from_u128(3),
            Uuid::from_u128(4),
            "pipeline",
            "a-client-secret",
        )];
        let azure = Azure::open(options).await.unwrap();
        workspace.set("SSL_CERT_FILE", &keys.ca_path().display().to_string());
        workspace.set("ARM_METADATA_HOSTNAME", &host);
        workspace.set("ARM_TENANT_ID", &tenant.to_string());
        workspace.set("ARM_SUBSCRIPTION_ID", &subscription.to_string());
        workspace.set("ARM_CLIENT_ID", &Uuid::from_u128(3).to_string());
        workspace.set("ARM_CLIENT_SECRET", "a-client-secret");
        let server = tokio::spawn(serve(listener, keys.clone(), azure.router()));
        Self {
            azure,
            keys,
            server,
            directory,
        }
    }

    /// A token as the runner gives it to a job.
    fn token(&self, subject: &str) -> String {
        let claims =
            serde_json::json!({ "iss": ISSUER, "sub": subject, "aud": AUDIENCE, "exp": 4_102_444_800_i64 });
        self.keys.sign_jwt(&claims).unwrap()
    }

    async fn close(self) {
        self.azure.stop_servers().await.unwrap();
        self.azure.shutdown().await;
        self.server.abort();
        drop(self.directory);
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The installed PostgreSQL's major version, which is the one the local cloud offers.
fn version() -> String {
    let found = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<u32> = found
        .filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()))
        .collect();
    versions.sort_unstable();
    versions.pop().unwrap_or(16).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_on_the_local_cloud() {
    let hcl = [&in_group("rg-orders"), SERVER, IDENTITY, ACCOUNT, CLUSTER, DATA].concat();
    let hcl = hcl.replace("\"16\"", &format!("\"{}\"", version()));
    let mut workspace = Workspace::new(&hcl).await;
    let cloud = Cloud::open(&mut workspace).await;
    workspace.init().await;
    workspace.terraform(&["validate", "-no-color"]).await.ok();
    assert!(workspace.apply().await.ok().contains("8 added"));
    workspace.unchanged().await;
    let cluster = workspace.values("azurerm_kubernetes_cluster.primary").await;
    let host = cluster["kube_config"][0]["host"].as_str().unwrap();
    assert!(host.contains("/clusters/platform"), "{host}");
    let account = workspace.values("azurerm_storage_account.main").await;
    assert!(account["primary_access_key"].as_str().unwrap().len() > 20);
    let server = workspace.values("azurerm_postgresql_flexible_server.main").await;
    assert!(!server["fqdn"].as_str().unwrap().is_empty());

    let changed = hcl
        .replace("8192", "4096")
        .replace("\"westeurope\"", "\"westeurope\"\n  tags = { team = \"other\" }")
        .replace("\"LRS\"", "\"GRS\"")
        .replace("max_count            = 3", "max_count            = 4");
    workspace.changes(&changed, 4).await;

    for address in ADDRESSES {
        workspace.import_again(address).await;
    }
    // Only the password is not to be had from Azure.
    let planned = workspace.plan().await;
    assert!(
        planned.text.contains("0 to add, 1 to change, 0 to destroy"),
        "{}",
        planned.text
    );
    assert!(
        planned.text.contains("+ administrator_password"),
        "{}",
        planned.text
    );
    assert!(workspace.destroy().await.ok().contains("8 destroyed"));
    cloud.close().await;
}

const ADDRESSES: [&str; 8] = [
    "azurerm_resource_group.main",
    "azurerm_postgresql_flexible_server.main",
    "azurerm_postgresql_flexible_server_database.orders",
    "azurerm_postgresql_flexible_server_firewall_rule.all",
    "azurerm_postgresql_flexible_server_configuration.memory",
    "azurerm_storage_account.main",
    "azurerm_user_assigned_identity.main",
    "azurerm_kubernetes_cluster.primary",
];

const WHO: &str = r#"
provider "azurerm" {
  features {}
}
data "azurerm_client_config" "current" {}
output "who" {
  value = "${data.azurerm_client_config.current.client_id} ${data.azurerm_client_config.current.object_id}"
}
"#;

/// The federated credential is not one of the resources that the small provider has.
async fn trust(workspace: &Workspace, cloud: &Cloud, identity: &serde_json::Value) {
    let authority = reqwest::Certificate::from_pem(&std::fs::read(cloud.keys.ca_path()).unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .build()
        .unwrap();
    let text = |name: &str| {
        let found = workspace.environment.iter().find(|(known, _)| known == name);
        found.unwrap().1.clone()
    };
    let base = format!("https://{}", text("ARM_METADATA_HOSTNAME"));
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", text("ARM_CLIENT_ID")),
        ("client_secret", text("ARM_CLIENT_SECRET")),
        ("scope", format!("{base}/.default")),
    ];
    let url = format!("{base}/{}/oauth2/v2.0/token", text("ARM_TENANT_ID"));
    let answer = client.post(url).form(&form).send().await.unwrap();
    let token: serde_json::Value = answer.json().await.unwrap();
    let path = identity["id"].as_str().unwrap();
    let url = format!("{base}{path}/federatedIdentityCredentials/run?api-version=2023-01-31");
    let body = serde_json::json!({ "properties": { "issuer": ISSUER, "subject": SUBJECT, "audiences": [AUDIENCE] } });
    let request = client
        .put(url)
        .bearer_auth(token["access_token"].as_str().unwrap());
    let answer = request.json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_signs_in_with_a_token_of_its_run() {
    let mut workspace = Workspace::new(&(in_group("rg-robots") + IDENTITY)).await;
    let cloud = Cloud::open(&mut workspace).await;
    workspace.init().await;
    workspace.apply().await.ok();
    let identity = workspace.values("azurerm_user_assigned_identity.main").await;
    trust(&workspace, &cloud, &identity).await;
    let (client, object) = (
        identity["client_id"].as_str().unwrap(),
        identity["principal_id"].as_str().unwrap(),
    );
    workspace.set("ARM_CLIENT_SECRET", "");
    workspace.set("ARM_CLIENT_ID", client);
    workspace.set("ARM_USE_OIDC", "true");
    workspace.set("ARM_OIDC_TOKEN", &cloud.token(SUBJECT));
    workspace.write(WHO);
    // Nothing is to be destroyed here: only who is asked for is of interest.
    for address in [
        "azurerm_user_assigned_identity.main",
        "azurerm_resource_group.main",
    ] {
        workspace.terraform(&["state", "rm", address]).await.ok();
    }
    let planned = workspace.plan().await;
    assert!(
        planned.text.contains(&format!("{client} {object}")),
        "{}",
        planned.text
    );
    let file = workspace.directory.path().join("token");
    std::fs::write(&file, cloud.token(SUBJECT)).unwrap();
    workspace.set("ARM_OIDC_TOKEN", "");
    workspace.set("ARM_OIDC_TOKEN_FILE_PATH", &file.display().to_string());
    let planned = workspace.plan().await;
    assert!(
        planned.text.contains(&format!("{client} {object}")),
        "{}",
        planned.text
    );
    std::fs::write(&file, cloud.token("sc://pave/backstage/another")).unwrap();
    workspace
        .plan()
        .await
        .failed(&["AADSTS700213", "the token that stands for the secret"]);
    cloud.close().await;
}
