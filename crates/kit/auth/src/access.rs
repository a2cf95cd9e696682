use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::Principal;

/// A question to the authorizer, in the terms of Kubernetes RBAC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRequest {
    /// Verb: `get`, `create`, or for the forge `push`.
    pub verb: String,
    /// API group; empty for the core group.
    pub group: String,
    /// Resource, plural.
    pub resource: String,
    /// Subresource; empty for none.
    pub subresource: String,
    /// Namespace; empty for cluster-scoped resources and for all namespaces.
    pub namespace: String,
    /// Object name; empty for all.
    pub name: String,
    /// Non-resource path such as `/forge/…`; empty when a resource is asked about.
    pub path: String,
}

impl AccessRequest {
    /// A question about a non-resource path.
    #[must_use]
    pub fn path(verb: &str, path: impl Into<String>) -> Self {
        Self {
            verb: verb.to_owned(),
            path: path.into(),
            ..Self::default()
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// Why; when denied, which rule is missing and whom to ask.
    pub reason: String,
}

/// Says who may do what.
pub trait Authorizer: Send + Sync {
    /// Answers one question.
    fn authorize<'a>(
        &'a self,
        principal: &'a Principal,
        request: &'a AccessRequest,
    ) -> BoxFuture<'a, Decision>;
}
