//! Whether a service connection works: the cloud is asked for a token with it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::pipelines::Pipelines;
use crate::rest::tasks::federated;
use crate::things::Endpoint;

/// How long a cloud may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks the cloud for a token; says in words what is wrong.
pub(super) async fn test(
    pipelines: &Pipelines,
    it: &Endpoint,
    secrets: &BTreeMap<String, String>,
) -> Result<(), String> {
    if !it.kind.eq_ignore_ascii_case("AzureRM") || it.scheme.eq_ignore_ascii_case("ManagedServiceIdentity") {
        return Ok(());
    }
    token(pipelines, it, secrets).await.map(drop)
}

/// A token of the cloud for a service connection; an error says in words what is wrong.
pub(crate) async fn token(
    pipelines: &Pipelines,
    it: &Endpoint,
    secrets: &BTreeMap<String, String>,
) -> Result<String, String> {
    let parameter = |name: &str| {
        let found = it
            .parameters
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    };
    let tenant = parameter("tenantid").ok_or("`tenantid` is missing")?;
    let client = parameter("serviceprincipalid").ok_or("`serviceprincipalid` is missing")?;
    let (login, audience) = cloud(pipelines, it).await?;
    let mut form = vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", client),
        ("scope", format!("{}/.default", audience.trim_end_matches('/'))),
    ];
    if it.scheme.eq_ignore_ascii_case("WorkloadIdentityFederation") {
        let token = federated(pipelines, it).map_err(|error| error.message)?;
        form.push((
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
        ));
        form.push(("client_assertion", token));
    } else {
        form.push((
            "client_secret",
            secrets
                .get("serviceprincipalkey")
                .cloned()
                .ok_or("`serviceprincipalkey` is missing")?,
        ));
    }
    let url = format!("{}/{tenant}/oauth2/v2.0/token", login.trim_end_matches('/'));
    let asked = pipelines
        .http()
        .post(&url)
        .timeout(PATIENCE)
        .form(&form)
        .send()
        .await;
    let answer =
        asked.map_err(|error| format!("{url} cannot be reached: {}", pave_diagnostic::innermost(&error)))?;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    if status.is_success() {
        let found = body.get("access_token").and_then(Value::as_str);
        return Ok(found.unwrap_or_default().to_owned());
    }
    let words = body
        .get("error_description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Err(format!(
        "{url} answered {status}: {}",
        words.split(" Trace ID").next().unwrap_or_default()
    ))
}

/// Where to sign in, and for what: known for Azure, else asked of the endpoint itself.
async fn cloud(pipelines: &Pipelines, it: &Endpoint) -> Result<(String, String), String> {
    let environment = it.data.get("environment").map_or("AzureCloud", String::as_str);
    match environment.to_lowercase().as_str() {
        "azurecloud" => {
            return Ok((
                "https://login.microsoftonline.com".to_owned(),
                "https://management.azure.com".to_owned(),
            ));
        }
        "azureusgovernment" => {
            return Ok((
                "https://login.microsoftonline.us".to_owned(),
                "https://management.usgovcloudapi.net".to_owned(),
            ));
        }
        "azurechinacloud" => {
            return Ok((
                "https://login.chinacloudapi.cn".to_owned(),
                "https://management.chinacloudapi.cn".to_owned(),
            ));
        }
        _ => {}
    }
    let url = format!(
        "{}/metadata/endpoints?api-version=2022-09-01",
        it.url.trim_end_matches('/')
    );
    let asked = pipelines.http().get(&url).timeout(PATIENCE).send().await;
    let answer = asked.and_then(reqwest::Response::error_for_status);
    let answer =
        answer.map_err(|error| format!("{url} cannot be reached: {}", pave_diagnostic::innermost(&error)))?;
    let body: Value = answer
        .json()
        .await
        .map_err(|error| format!("{url} gave no JSON: {error}"))?;
    // Older versions answer an object, newer ones a list of clouds.
    let own = if body.is_array() {
        body.get(0).cloned().unwrap_or_default()
    } else {
        body
    };
    let login = own
        .pointer("/authentication/loginEndpoint")
        .and_then(Value::as_str);
    let audience = own.pointer("/authentication/audiences/0").and_then(Value::as_str);
    match (login, audience) {
        (Some(login), Some(audience)) => Ok((login.to_owned(), audience.to_owned())),
        _ => Err(format!("{url} does not say where to sign in")),
    }
}
