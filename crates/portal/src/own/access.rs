use std::collections::HashMap;

use pave_auth::{AccessRequest, Principal};
use serde_json::Value;

use crate::context::Portal;
use crate::error::ApiError;

/// Refuses what a person may not do, saying which rule is missing.
pub(crate) async fn permit(
    portal: &Portal,
    principal: &Principal,
    request: &AccessRequest,
) -> Result<(), ApiError> {
    let decision = portal.authorizer.authorize(principal, request).await;
    if decision.allowed {
        Ok(())
    } else {
        Err(ApiError::not_allowed(decision.reason))
    }
}

/// What a person may read, asked once per namespace and resource.
pub(super) struct Readable<'a> {
    portal: &'a Portal,
    principal: &'a Principal,
    known: HashMap<(String, String), bool>,
}

impl<'a> Readable<'a> {
    pub(super) fn new(portal: &'a Portal, principal: &'a Principal) -> Self {
        Self {
            portal,
            principal,
            known: HashMap::new(),
        }
    }

    /// Whether an object may be read, by the verb `get` on its kind in its namespace.
    pub(super) async fn allows(&mut self, object: &Value) -> bool {
        let key = pave_kube::key_of(object);
        let cached = (format!("{}.{}", key.kind, key.group), key.namespace.clone());
        if let Some(allowed) = self.known.get(&cached) {
            return *allowed;
        }
        let allowed = match self.portal.kinds.of(object).await {
            Ok(kind) => {
                let request = AccessRequest {
                    verb: "get".into(),
                    group: key.group,
                    resource: kind.resource.plural,
                    namespace: key.namespace,
                    ..AccessRequest::default()
                };
                self.portal
                    .authorizer
                    .authorize(self.principal, &request)
                    .await
                    .allowed
            }
            Err(_) => false,
        };
        self.known.insert(cached, allowed);
        allowed
    }
}
