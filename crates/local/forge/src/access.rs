//! Who asks, and what they may do.

use std::collections::BTreeSet;

use http::{HeaderMap, header};
use pave_auth::{AccessRequest, Principal, credential_from_header};

use crate::error::ApiError;
use crate::forge::Forge;
use crate::repository::Repository;

/// How many refused paths are named one by one.
const NAMED: usize = 5;

impl Forge {
    /// The principal behind a request; without a valid token the answer asks for one.
    pub(crate) async fn principal(&self, headers: &HeaderMap) -> Result<Principal, ApiError> {
        let header = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = credential_from_header(header).ok_or_else(ApiError::unauthorized)?;
        match self.identities().authenticate(&token).await {
            Ok(Some(principal)) => Ok(principal),
            Ok(None) => Err(ApiError::bad_token()),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "token could not be checked"
                );
                Err(ApiError::new(
                    http::StatusCode::SERVICE_UNAVAILABLE,
                    "ServiceUnavailableException",
                    "The token could not be checked; try again.",
                ))
            }
        }
    }

    /// Whether the principal may do `verb` on a path below `/forge/`.
    pub(crate) async fn allows(&self, principal: &Principal, verb: &str, path: String) -> Result<(), String> {
        let decision = self
            .authorizer()
            .authorize(principal, &AccessRequest::path(verb, path))
            .await;
        if decision.allowed {
            Ok(())
        } else {
            Err(decision.reason)
        }
    }

    /// Refuses who may not read a repository.
    pub(crate) async fn check_read(
        &self,
        principal: &Principal,
        repository: &Repository,
    ) -> Result<(), ApiError> {
        let path = repository.access_path();
        self.allows(principal, "get", path.clone())
            .await
            .map_err(|reason| {
                let who = &principal.user;
                ApiError::forbidden(format!(
                    "{who} may not read {}: verb get on nonResourceURL {path} is missing. {reason}",
                    repository.full_name()
                ))
            })
    }

    /// Refuses who may not do `verb` in a repository; `what` says to a person what was tried.
    pub(crate) async fn check_verb(
        &self,
        principal: &Principal,
        repository: &Repository,
        verb: &str,
        what: &str,
    ) -> Result<(), ApiError> {
        let path = repository.access_path();
        self.allows(principal, verb, path.clone())
            .await
            .map_err(|reason| {
                let who = &principal.user;
                ApiError::forbidden(format!(
                    "{who} may not {what} in {}: verb {verb} on nonResourceURL {path} is missing. {reason}",
                    repository.full_name()
                ))
            })
    }

    /// Asks for verb `push` on every path; the answer is what to tell the person, empty when all is allowed.
    pub(crate) async fn review(
        &self,
        principal: &Principal,
        repository: &Repository,
        paths: &BTreeSet<String>,
    ) -> Vec<String> {
        let base = repository.access_path();
        let mut lines = Vec::new();
        let mut refused = 0;
        for path in paths {
            let full = format!("{base}/{path}");
            let Err(reason) = self.allows(principal, "push", full.clone()).await else {
                continue;
            };
            refused += 1;
            if refused <= NAMED {
                lines.push(format!(
                    "{} may not change {path} in {}",
                    principal.user,
                    repository.full_name()
                ));
                lines.push(format!("  missing rule: verb push on nonResourceURL {full}"));
                lines.extend(reason.lines().map(|line| format!("  {line}")));
            }
        }
        if refused > NAMED {
            lines.push(format!("and {} more paths", refused - NAMED));
        }
        lines
    }
}
