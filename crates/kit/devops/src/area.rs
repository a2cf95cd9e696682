use axum::response::Response;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode};
use pave_auth::Principal;
use serde_json::{Value, json};
use url::Url;

use crate::Project;

/// One route as `OPTIONS /_apis` lists it. Clients look a call up by its fixed id and fill in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceLocation {
    /// Area, e.g. `build`.
    pub area: &'static str,
    /// The id that clients know.
    pub id: &'static str,
    /// Name of the resource, filled in for `{resource}`.
    pub resource: &'static str,
    /// Route below the organization.
    pub template: &'static str,
}

impl ResourceLocation {
    /// A route, for tables of them.
    #[must_use]
    pub const fn new(
        area: &'static str,
        id: &'static str,
        resource: &'static str,
        template: &'static str,
    ) -> Self {
        Self {
            area,
            id,
            resource,
            template,
        }
    }
}

/// A part of the REST API that is answered behind the forge's listener.
pub trait Area: Send + Sync {
    /// The routes to publish.
    fn locations(&self) -> &[ResourceLocation];

    /// Answers a request whose first segment after `_apis` is the area of one of its locations.
    fn serve(&self, request: AreaRequest) -> BoxFuture<'_, Result<Response, AreaError>>;
}

/// A request that was authenticated and whose project was found.
#[derive(Debug, Clone)]
pub struct AreaRequest {
    /// Who asks.
    pub principal: Principal,
    /// Method.
    pub method: Method,
    /// Organization, as written in the URL.
    pub organization: String,
    /// The project that the path names.
    pub project: Option<Project>,
    /// What follows `_apis`, percent-decoded; compare without regard to case.
    pub tail: Vec<String>,
    /// The query, decoded, in order; names compare without regard to case.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// URL under which people reach the host.
    pub base_url: Url,
}

impl AreaRequest {
    /// The first value of a query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let named = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.query.iter().find(named).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value, AreaError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| AreaError::bad_request(format!("The body is not JSON: {error}.")))
    }
}

/// A refusal in Azure DevOps' form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AreaError {
    /// HTTP status.
    pub status: StatusCode,
    /// Upstream's name of the exception, e.g. `DefinitionNotFoundException`.
    pub type_key: String,
    /// For a person, a full sentence.
    pub message: String,
}

impl AreaError {
    /// A refusal.
    #[must_use]
    pub fn new(status: StatusCode, type_key: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            type_key: type_key.to_owned(),
            message: message.into(),
        }
    }

    /// 400.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidArgumentValueException", message)
    }

    /// 403.
    #[must_use]
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "UnauthorizedRequestException", message)
    }

    /// 404.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
    }

    /// The body that every refusal has.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({
            "$id": "1", "innerException": null, "message": self.message,
            "typeName": format!("Microsoft.TeamFoundation.{}", self.type_key),
            "typeKey": self.type_key, "errorCode": 0, "eventId": 3000,
        })
    }
}
