//! What Terraform signs in with, and where it finds the cloud.

use pave_pipeline::terraform::{AzureConnection, Credential};
use serde_json::Value;

use super::super::job::Connection;
use super::super::session::Session;
use super::super::step::{Result, StepError};
use super::super::tunnel::Tunnel;
use super::precheck;

/// Clouds whose endpoints Terraform's provider knows by itself.
const PUBLIC: [&str; 5] = [
    "AzureCloud",
    "AzureUSGovernment",
    "AzureChinaCloud",
    "AzureGermanCloud",
    "AzureStack",
];

/// The connection that an input names.
pub(crate) fn connection(session: &Session, name: Option<&str>) -> Result<Option<Connection>> {
    let Some(name) = name else { return Ok(None) };
    let mut all = session.job.connections.iter();
    let found = all.find(|it| it.name.eq_ignore_ascii_case(name) || it.id.eq_ignore_ascii_case(name));
    match found {
        Some(found) => Ok(Some(found.clone())),
        None => Err(StepError::Words(format!(
            "PV2253: there is no service connection `{name}` in this project that the run may use."
        ))),
    }
}

pub(crate) fn is_local(connection: &Connection) -> bool {
    let environment = connection
        .data
        .get("environment")
        .map_or("AzureCloud", String::as_str);
    !PUBLIC
        .iter()
        .any(|public| public.eq_ignore_ascii_case(environment))
}

pub(crate) async fn signed_in(
    session: &Session,
    connection: Option<&Connection>,
) -> Result<Option<AzureConnection>> {
    let Some(connection) = connection else {
        return Ok(None);
    };
    let parameter = |name: &str| {
        let found = connection
            .parameters
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let secrets = session.secrets.connections.get(&connection.id);
    let credential = match connection.scheme.to_ascii_lowercase().as_str() {
        "managedserviceidentity" => Credential::ManagedIdentity,
        "workloadidentityfederation" => Credential::WorkloadIdentity {
            client_id: parameter("serviceprincipalid"),
            token: federated(session, connection).await?,
        },
        // An unknown scheme is taken for a principal, as the task does.
        _ => Credential::ServicePrincipal {
            client_id: parameter("serviceprincipalid"),
            client_secret: secrets
                .and_then(|it| it.get("serviceprincipalkey"))
                .cloned()
                .unwrap_or_default(),
        },
    };
    let subscription = connection
        .data
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("subscriptionid"));
    Ok(Some(AzureConnection {
        subscription_id: subscription.map(|(_, value)| value.clone()).unwrap_or_default(),
        tenant_id: parameter("tenantid"),
        credential,
    }))
}

/// Asks for a token of this run, which the cloud trusts.
async fn federated(session: &Session, connection: &Connection) -> Result<String> {
    let wrong = |error: &dyn std::fmt::Display| {
        StepError::Words(format!("no federated token for `{}`: {error}", connection.name))
    };
    pave_keys::install_crypto();
    let mut client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30));
    if let Some(authority) = &session.job.authority {
        let certificate =
            reqwest::Certificate::from_pem(&std::fs::read(authority)?).map_err(|error| wrong(&error))?;
        client = client.tls_certs_merge([certificate]);
    }
    let client = client.build().map_err(|error| wrong(&error))?;
    let url = format!(
        "{}?api-version=7.1&serviceConnectionId={}",
        session.job.terraform.oidc_request, connection.id
    );
    let asked = client
        .post(url)
        .bearer_auth(&session.secrets.access_token)
        .send()
        .await;
    let answer = asked
        .and_then(reqwest::Response::error_for_status)
        .map_err(|error| wrong(&error))?;
    let body: Value = answer.json().await.map_err(|error| wrong(&error))?;
    let token = body
        .get("oidcToken")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    session.state().hide(&token);
    Ok(token)
}

/// The way to names of the local cloud that no name service knows, for the commands of one task.
pub(super) async fn tunnel(
    session: &Session,
    own: &[(String, String)],
    connection: Option<&Connection>,
) -> Result<Option<Tunnel>> {
    if !connection.is_some_and(is_local) {
        return Ok(None);
    }
    let environment = environment(session, own, connection);
    Ok(Some(Tunnel::open(&environment).await?))
}

pub(super) fn environment(
    session: &Session,
    own: &[(String, String)],
    connection: Option<&Connection>,
) -> Vec<(String, String)> {
    let mut all = session.environment(own);
    let job = &session.job.terraform;
    let mut set = |name: &str, value: String| all.push((name.to_owned(), value));
    set("CHECKPOINT_DISABLE", "1".to_owned());
    set("TF_IN_AUTOMATION", "1".to_owned());
    set("TF_INPUT", "0".to_owned());
    // A configuration without a connection (`validate`) goes on with what `init` fetched.
    let local = connection.is_none_or(is_local) && !precheck::from_registry(session, own);
    if let (true, Some(configuration)) = (local, &job.cli_config) {
        set("TF_CLI_CONFIG_FILE", configuration.display().to_string());
    }
    if let Some(connection) = connection.filter(|it| is_local(it)) {
        if let Ok(url) = url::Url::parse(&connection.url)
            && let Some(host) = url.host_str()
        {
            set(
                "ARM_METADATA_HOSTNAME",
                url.port()
                    .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            );
        }
        if job.metadata_authority.is_some() {
            let copy = session.job.workspace.join("_temp/metadata-authority.pem");
            set("SSL_CERT_FILE", copy.display().to_string());
        }
    }
    if let Some(road) = &job.correlation {
        set("ARM_CORRELATION_REQUEST_ID", road.clone());
    }
    all
}
