use serde_json::Value;
use url::Url;

use crate::client;
use crate::error::ArmError;

const METADATA_VERSION: &str = "2022-09-01";

/// Which Azure: where its parts answer and whom a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Environment {
    /// Base address of Resource Manager.
    pub resource_manager: Url,
    /// Base address of the token authority.
    pub authority: Url,
    /// Audience of tokens, without `/.default`.
    pub audience: String,
}

impl Environment {
    /// From the two addresses of a credentials file; tokens are for Resource Manager itself.
    pub fn new(resource_manager: &str, authority: &str) -> Result<Self, ArmError> {
        let audience = resource_manager.trim_end_matches('/').to_owned();
        Ok(Self {
            resource_manager: address(resource_manager)?,
            authority: address(authority)?,
            audience,
        })
    }

    /// Public Azure.
    pub fn public() -> Result<Self, ArmError> {
        Self::new(
            "https://management.azure.com",
            "https://login.microsoftonline.com",
        )
    }

    /// Asks `<resource manager>/metadata/endpoints` for the rest.
    pub async fn discover(http: &reqwest::Client, resource_manager: &str) -> Result<Self, ArmError> {
        let base = address(resource_manager)?;
        let url = format!("{}/metadata/endpoints", base.as_str().trim_end_matches('/'));
        let request = http.get(&url).query(&[("api-version", METADATA_VERSION)]);
        let response = request
            .send()
            .await
            .map_err(|source| client::transport(&url, source))?;
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap_or(Value::Null);
        // Older versions of the document are lists with one entry per cloud.
        let body = body.get(0).cloned().unwrap_or(body);
        let unreadable = |reason: &str| ArmError::Unreadable {
            url: url.clone(),
            status,
            reason: reason.into(),
        };
        let authentication = &body["authentication"];
        let login = authentication["loginEndpoint"].as_str();
        let login = login.ok_or_else(|| unreadable("`authentication.loginEndpoint` is missing"))?;
        let found = Self::new(resource_manager, login)?;
        let audience = authentication["audiences"][0]
            .as_str()
            .unwrap_or(&found.audience)
            .to_owned();
        Ok(Self { audience, ..found })
    }
}

fn address(text: &str) -> Result<Url, ArmError> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| ArmError::Address {
        text: text.to_owned(),
    })
}
