use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::credential::{Assertion, Credential, IdentityEndpoint};
use crate::error::ArmError;
use crate::{Environment, client};

/// Says that a client assertion is a signed token (RFC 7523).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Whom a token is for that Entra takes in exchange.
const EXCHANGE_AUDIENCE: &str = "api://AzureADTokenExchange";
/// Metadata services answer at once, or there is none.
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);

struct Token {
    text: String,
    /// From here on a new one is fetched, while the old one still serves if that fails.
    refresh_at: Instant,
    expires_at: Instant,
}

/// Holds one access token and lets one caller at a time renew it.
pub(crate) struct TokenCache {
    credential: Credential,
    token: Mutex<Option<Token>>,
}

impl TokenCache {
    pub(crate) fn new(credential: Credential) -> Self {
        Self {
            credential,
            token: Mutex::new(None),
        }
    }

    pub(crate) async fn get(
        &self,
        http: &reqwest::Client,
        environment: &Environment,
    ) -> Result<String, ArmError> {
        let mut held = self.token.lock().await;
        let now = Instant::now();
        if let Some(token) = held.as_ref().filter(|token| now < token.refresh_at) {
            return Ok(token.text.clone());
        }
        match fetch(http, environment, &self.credential).await {
            Ok(token) => Ok(held.insert(token).text.clone()),
            Err(error) => match held.as_ref().filter(|token| now < token.expires_at) {
                Some(token) => Ok(token.text.clone()),
                None => Err(error),
            },
        }
    }

    /// Forgets a token that ARM refused, unless somebody has renewed it meanwhile.
    pub(crate) async fn forget(&self, refused: &str) {
        let mut held = self.token.lock().await;
        if held.as_ref().is_some_and(|token| token.text == refused) {
            *held = None;
        }
    }
}

async fn fetch(
    http: &reqwest::Client,
    environment: &Environment,
    credential: &Credential,
) -> Result<Token, ArmError> {
    match credential {
        Credential::ClientSecret {
            tenant,
            client_id,
            client_secret,
        } => {
            let proof = [("client_secret", client_secret.as_str())];
            exchange(http, environment, tenant, client_id, &proof).await
        }
        Credential::Federated {
            tenant,
            client_id,
            assertion,
        } => {
            let assertion = presented(http, assertion).await?;
            let proof = [
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", assertion.as_str()),
            ];
            exchange(http, environment, tenant, client_id, &proof).await
        }
        Credential::ManagedIdentity { client_id, endpoint } => {
            own_identity(http, environment, client_id.as_deref(), endpoint).await
        }
    }
}

/// Asks Entra for a token of the application that `proof` belongs to.
async fn exchange(
    http: &reqwest::Client,
    environment: &Environment,
    tenant: &str,
    client_id: &str,
    proof: &[(&str, &str)],
) -> Result<Token, ArmError> {
    let authority = environment.authority.as_str().trim_end_matches('/');
    let url = format!("{authority}/{tenant}/oauth2/v2.0/token");
    let scope = format!("{}/.default", environment.audience.trim_end_matches('/'));
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("scope", &scope),
    ];
    form.extend_from_slice(proof);
    let body = ask(http.post(&url).form(&form), &url, authority).await?;
    read(&body, authority)
}

async fn own_identity(
    http: &reqwest::Client,
    environment: &Environment,
    client_id: Option<&str>,
    endpoint: &IdentityEndpoint,
) -> Result<Token, ArmError> {
    let url = &endpoint.url;
    let mut query = vec![
        ("api-version", endpoint.api_version.as_str()),
        ("resource", &environment.audience),
    ];
    query.extend(client_id.map(|id| ("client_id", id)));
    let request = http.get(url).query(&query).timeout(METADATA_TIMEOUT);
    let request = match &endpoint.header {
        Some(header) => request.header("X-IDENTITY-HEADER", header),
        None => request.header("Metadata", "true"),
    };
    let body = ask(request, url, url).await?;
    read(&body, url)
}

/// The other issuer's token.
async fn presented(http: &reqwest::Client, assertion: &Assertion) -> Result<String, ArmError> {
    match assertion {
        Assertion::Token(token) => Ok(token.clone()),
        Assertion::File(path) => from_file(path),
        Assertion::Requested {
            url,
            token,
            service_connection,
        } => {
            let (request, field) = match service_connection {
                Some(connection) => {
                    let query = [
                        ("api-version", "7.1"),
                        ("serviceConnectionId", connection.as_str()),
                    ];
                    let request = http.post(url).query(&query);
                    (request.header("content-type", "application/json"), "oidcToken")
                }
                None => (http.get(url).query(&[("audience", EXCHANGE_AUDIENCE)]), "value"),
            };
            let body = ask(request.bearer_auth(token), url, url).await?;
            let found = body[field].as_str().map(str::to_owned);
            found.ok_or_else(|| refused(url, format!("its answer has no {field}")))
        }
    }
}

/// Only what looks like a signed token leaves the machine: the path may come from somebody who may not read the file.
fn from_file(path: &Path) -> Result<String, ArmError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| refused(&shown, error.to_string()))?;
    let token = text.trim();
    let is_part = |part: &str| {
        let allowed = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
        !part.is_empty() && part.chars().all(allowed)
    };
    if token.split('.').count() == 3 && token.split('.').all(is_part) {
        Ok(token.to_owned())
    } else {
        Err(refused(&shown, "the file holds no signed token (JWT)".to_owned()))
    }
}

/// Sends, and reads the refusal if it is one.
async fn ask(request: RequestBuilder, url: &str, authority: &str) -> Result<Value, ArmError> {
    let response = request
        .send()
        .await
        .map_err(|source| client::transport(url, source))?;
    let status = response.status();
    let body: Value = response.json().await.unwrap_or(Value::Null);
    if status.is_success() {
        return Ok(body);
    }
    let words = ["error_description", "error", "message"]
        .into_iter()
        .find_map(|key| body[key].as_str());
    let reason = words.map_or_else(|| format!("it answered {status}"), str::to_owned);
    Err(refused(authority, reason))
}

fn refused(authority: &str, reason: String) -> ArmError {
    // An address may carry what nobody has to read.
    let authority = authority.split('?').next().unwrap_or(authority).to_owned();
    ArmError::Token { authority, reason }
}

fn read(body: &Value, authority: &str) -> Result<Token, ArmError> {
    let text = body["access_token"]
        .as_str()
        .ok_or_else(|| refused(authority, "its answer has no access_token".into()))?;
    // App Service says only `expires_on`; it keeps the token itself, so that asking often costs little.
    let lifetime = Duration::from_secs(seconds(&body["expires_in"]).unwrap_or(300));
    // Five minutes early as the SDKs do, sooner when the token does not live that long.
    let early = Duration::from_secs(300).min(lifetime / 4);
    let now = Instant::now();
    Ok(Token {
        text: text.to_owned(),
        refresh_at: now + lifetime.saturating_sub(early),
        expires_at: now + lifetime,
    })
}

/// Old endpoints send numbers as text.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
