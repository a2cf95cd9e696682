//! A client of the Azure DevOps REST API, as far as templates and settings need it.

mod connection;
mod error;
mod identity;
mod pull_request;
mod repository;

use http::{Method, StatusCode, header};
use pave_git::Credential;
use serde_json::Value;
use url::Url;

use crate::{HostsError, Provider, RepositoryLocation};

pub use connection::Connection;
pub use error::DevOpsError;
pub use identity::Identity;
pub use pull_request::{NewPullRequest, PullRequest, PullRequestQuery};
pub use repository::{CreatedRepository, Reference, ReferenceUpdate};

/// The version of the API that is asked for. Every service and server of the last years knows it.
const API_VERSION: &str = "7.0";

/// An organization on a host, and what is shown to it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DevOps {
    http: reqwest::Client,
    /// `https://{host}/{organization}`.
    base: Url,
    credential: Option<Credential>,
}

impl DevOps {
    /// A client for an organization (on premises: a collection) of a host, which may carry a port.
    pub fn new(
        http: reqwest::Client,
        host: &str,
        organization: &str,
        credential: Option<Credential>,
    ) -> Result<Self, HostsError> {
        let wrong = |reason: String| HostsError::NotAUrl {
            url: host.to_owned(),
            reason,
        };
        let mut base = Url::parse(&format!("https://{host}/")).map_err(|reason| wrong(reason.to_string()))?;
        if base.host_str().is_none() || base.path() != "/" || base.query().is_some() {
            return Err(wrong("a host is written without scheme and path".to_owned()));
        }
        crate::azure::bare(&mut base);
        if let Ok(mut path) = base.path_segments_mut() {
            path.pop_if_empty().extend(organization.split('/'));
        }
        Ok(Self {
            http,
            base,
            credential,
        })
    }

    /// A client for the organization of a repository, by the same scheme and address.
    pub fn of(
        http: reqwest::Client,
        location: &RepositoryLocation,
        credential: Option<Credential>,
    ) -> Result<Self, HostsError> {
        if location.provider != Provider::Azure {
            let reason = "its host does not speak Azure DevOps' REST API";
            return Err(HostsError::malformed(location.clone_url.as_str(), reason));
        }
        Ok(Self {
            http,
            base: crate::azure::organization_url(location),
            credential,
        })
    }

    /// `https://{host}/{organization}`.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The address of something below the organization.
    fn url(&self, segments: &[&str], parameters: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url.query_pairs_mut()
            .extend_pairs(parameters)
            .append_pair("api-version", API_VERSION);
        url
    }

    async fn get(&self, segments: &[&str], parameters: &[(&str, &str)]) -> Result<Value, DevOpsError> {
        self.send(Method::GET, self.url(segments, parameters), None).await
    }

    async fn post(
        &self,
        segments: &[&str],
        parameters: &[(&str, &str)],
        body: &Value,
    ) -> Result<Value, DevOpsError> {
        self.send(Method::POST, self.url(segments, parameters), Some(body))
            .await
    }

    async fn patch(&self, segments: &[&str], body: &Value) -> Result<Value, DevOpsError> {
        self.send(Method::PATCH, self.url(segments, &[]), Some(body))
            .await
    }

    /// Calls any path below the organization: what this client has no words of its own for.
    pub async fn call(
        &self,
        method: Method,
        segments: &[&str],
        parameters: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, DevOpsError> {
        let mut url = self.url(segments, &[]);
        // A version that the caller names takes the place of ours.
        if parameters.iter().any(|(name, _)| *name == "api-version") {
            url.set_query(None);
        }
        url.query_pairs_mut().extend_pairs(parameters);
        self.send(method, url, body).await
    }

    async fn send(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Value, DevOpsError> {
        let host = crate::location::host_of(&url);
        let mut request = self
            .http
            .request(method, url.clone())
            .header(header::ACCEPT, "application/json")
            // Asks for 401 instead of a redirect to a page where a person signs in.
            .header("X-TFS-FedAuthRedirect", "Suppress");
        if let Some(credential) = &self.credential {
            request = request.header(header::AUTHORIZATION, credential.header());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let unreachable = |source: reqwest::Error| DevOpsError::from_transport(&host, source);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let landed = crate::location::host_of(response.url());
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let text = response.text().await.map_err(unreachable)?;
        let json = serde_json::from_str::<Value>(&text).ok();
        match (status, json) {
            (status, Some(json))
                if status.is_success() && status != StatusCode::NON_AUTHORITATIVE_INFORMATION =>
            {
                Ok(json)
            }
            (StatusCode::NO_CONTENT, None) => Ok(Value::Null),
            (status, json) => Err(error::Answer {
                host,
                landed,
                status,
                text,
                json: json.unwrap_or(Value::Null),
                has_token: self.credential.is_some(),
                retry_after,
            }
            .into_error()),
        }
    }
}

/// A credential from a token that a person wrote down: a JSON Web Token goes as Bearer, any other as a personal
/// access token.
#[must_use]
pub fn credential_of_token(token: &str) -> Credential {
    let token = token.trim();
    let is_web_token = token.starts_with("ey") && token.split('.').count() == 3;
    if is_web_token {
        Credential::Bearer(token.to_owned())
    } else {
        Credential::token(token)
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
