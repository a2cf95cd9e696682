//! A pipeline that signs in to the cloud without a secret: a token of its run stands for one.

use anyhow::Context as _;
use pave_testkit::Platform;
use pave_testkit::devops::terraform_steps;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_pave");
const CONNECTION: &str = "azure-robot";

const WHO: &str = r#"provider "azurerm" {
  features {}
}
data "azurerm_client_config" "current" {}
output "who" {
  value = "signed in as ${data.azurerm_client_config.current.client_id}"
}
"#;

#[tokio::test]
async fn a_run_signs_in_as_an_identity_that_trusts_its_connection() {
    the_story().await.unwrap();
}

async fn the_story() -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    let identity = identity(&platform).await?;
    let client = identity["properties"]["clientId"]
        .as_str()
        .context("no client id")?;
    let connection = connection(&platform, client).await?;
    let pipeline = format!("trigger: none\nsteps:\n{}", terraform_steps(&["init", "plan"]));
    let files = [
        ("azure-pipelines.yml", pipeline.replace("azure-local", CONNECTION)),
        ("main.tf", WHO.to_owned()),
    ];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let definition = platform.pipeline("robot", &files).await?;

    let refused = platform.run_to(definition, "failed").await?;
    let log = platform.step_log(&refused, "Terraform plan").await?;
    anyhow::ensure!(log.contains("AADSTS700211"), "nobody is trusted yet, but: {log}");

    trust(&platform, &identity, &connection).await?;
    let run = platform.run_to(definition, "succeeded").await?;
    let log = platform.step_log(&run, "Terraform plan").await?;
    anyhow::ensure!(log.contains(&format!("signed in as {client}")), "{log}");
    platform.down().await
}

async fn cloud(platform: &Platform, path: &str, body: &Value) -> anyhow::Result<Value> {
    let token = platform.cloud_token().await?;
    let subscription = platform.text("/azure/subscription")?;
    let path = format!("/subscriptions/{subscription}/resourceGroups/robots{path}");
    let answer = platform
        .api("/azure/url", &token, "PUT", &path, Some(body))
        .await?;
    answer.ok().context(path)
}

async fn identity(platform: &Platform) -> anyhow::Result<Value> {
    let place = json!({ "location": "westeurope" });
    cloud(platform, "?api-version=2024-03-01", &place).await?;
    let path = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot?api-version=2023-01-31";
    cloud(platform, path, &place).await
}

async fn connection(platform: &Platform, client: &str) -> anyhow::Result<Value> {
    let project = platform.devops_ok("GET", "git/repositories", None).await?;
    let project = project.pointer("/value/0/project").context("no project")?;
    let body = json!({
        "name": CONNECTION, "type": "AzureRM", "url": format!("{}/", platform.text("/azure/url")?),
        "data": { "environment": "Pave", "subscriptionId": platform.text("/azure/subscription")? },
        "authorization": { "scheme": "WorkloadIdentityFederation", "parameters": {
            "tenantid": platform.text("/azure/tenant")?, "serviceprincipalid": client,
        } },
        "serviceEndpointProjectReferences": [{
            "projectReference": { "id": project["id"], "name": project["name"] }, "name": CONNECTION,
        }],
    });
    platform
        .devops_ok("POST", "serviceendpoint/endpoints", Some(&body))
        .await
}

/// Lets the identity trust the connection, by what the connection's page shows.
async fn trust(platform: &Platform, identity: &Value, connection: &Value) -> anyhow::Result<()> {
    let shown = &connection["authorization"]["parameters"];
    let name = identity["name"].as_str().context("no name")?;
    let path = format!(
        "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}/federatedIdentityCredentials/run?api-version=2023-01-31"
    );
    let body = json!({ "properties": {
        "issuer": shown["workloadIdentityFederationIssuer"],
        "subject": shown["workloadIdentityFederationSubject"],
        "audiences": ["api://AzureADTokenExchange"],
    } });
    cloud(platform, &path, &body).await.map(drop)
}
