use std::fmt;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Mutex;

use crate::error::ArmError;
use crate::{Environment, client};

/// How the client proves who it is.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// A service principal with a password.
    ClientSecret {
        /// Tenant, as GUID or domain.
        tenant: String,
        /// Application id.
        client_id: String,
        /// Password of the application.
        client_secret: String,
    },
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientSecret {
                tenant, client_id, ..
            } => formatter
                .debug_struct("ClientSecret")
                .field("tenant", tenant)
                .field("client_id", client_id)
                .finish_non_exhaustive(),
        }
    }
}

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
        match request(http, environment, &self.credential).await {
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

async fn request(
    http: &reqwest::Client,
    environment: &Environment,
    credential: &Credential,
) -> Result<Token, ArmError> {
    let Credential::ClientSecret {
        tenant,
        client_id,
        client_secret,
    } = credential;
    let authority = environment.authority.as_str().trim_end_matches('/');
    let url = format!("{authority}/{tenant}/oauth2/v2.0/token");
    let scope = format!("{}/.default", environment.audience.trim_end_matches('/'));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", client_secret),
        ("scope", &scope),
    ];
    let response = http
        .post(&url)
        .form(&form)
        .send()
        .await
        .map_err(|source| client::transport(&url, source))?;
    let status = response.status();
    let body: Value = response.json().await.unwrap_or(Value::Null);
    let refused = |reason: String| ArmError::Token {
        authority: authority.to_owned(),
        reason,
    };
    if !status.is_success() {
        let words = body["error_description"]
            .as_str()
            .or_else(|| body["error"].as_str());
        return Err(refused(
            words.map_or_else(|| format!("it answered {status}"), str::to_owned),
        ));
    }
    let text = body["access_token"]
        .as_str()
        .ok_or_else(|| refused("its answer has no access_token".into()))?;
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
