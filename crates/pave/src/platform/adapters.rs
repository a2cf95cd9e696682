//! What engines ask of each other through traits, filled in with the parts that are here.

mod sources;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use pave_auth::{Identities, Principal};
use pave_catalog::{Catalog, CatalogError};
use pave_git::{Credential, Remote};
use pave_hosts::Integrations;
use pave_names::EntityRef;
use pave_scaffolder::Registered;
use serde_json::Value;
use url::Url;

pub(super) use sources::Sources;

/// What GitOps shows to a Git host: the integration's credential.
pub(super) struct GitCredentials {
    integrations: Integrations,
    /// The system's and the local authority in one file.
    authorities: Option<PathBuf>,
}

impl GitCredentials {
    pub(super) fn new(integrations: Integrations, authorities: Option<PathBuf>) -> Self {
        Self {
            integrations,
            authorities,
        }
    }
}

impl pave_gitops::Credentials for GitCredentials {
    fn remote(&self, url: &str) -> Option<Remote> {
        let location = self.integrations.repository_of(url).ok()?;
        let credential = self.integrations.credential(&location).ok().flatten();
        let mut remote = Remote::new(url.parse().ok()?);
        remote.authority.clone_from(&self.authorities);
        remote.credential = credential;
        Some(remote)
    }
}

/// Reads the REST API of a host that knows our service accounts, as one of them.
pub(super) struct HostApi {
    pub(super) http: reqwest::Client,
    pub(super) base: Url,
    pub(super) identities: Identities,
    /// Namespace and name.
    pub(super) account: (&'static str, &'static str),
}

impl pave_tracer::devops::DevOpsReader for HostApi {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        Box::pin(async move {
            let url = self.base.join(path).map_err(|error| error.to_string())?;
            // Such a token lives for a short while only, and costs one signature.
            let token = self
                .identities
                .service_account_token(self.account.0, self.account.1);
            let request = self
                .http
                .get(url)
                .bearer_auth(token.map_err(|error| error.to_string())?);
            let request = request.header(http::header::ACCEPT, "application/json");
            let response = request
                .send()
                .await
                .map_err(|error| error.without_url().to_string())?;
            let status = response.status();
            // A bad token is often answered by 203 and a page.
            if status != reqwest::StatusCode::OK {
                return Err(format!("the host answered {status}"));
            }
            response
                .json()
                .await
                .map_err(|error| error.without_url().to_string())
        })
    }
}

/// How long a token that a template run shows to the forge is good for, and how long one is used again.
const TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);
const TOKEN_REUSE: Duration = Duration::from_secs(30 * 60);

/// What a template run shows to a Git host: to the forge a short-lived token of the person, so that the forge decides
/// about the person; to others the integration's credential.
pub(super) struct PersonCredentials {
    identities: Identities,
    integrations: Integrations,
    forge_host: String,
    tokens: Mutex<HashMap<EntityRef, (String, Instant)>>,
}

impl PersonCredentials {
    pub(super) fn new(identities: Identities, integrations: Integrations, forge_host: String) -> Self {
        Self {
            identities,
            integrations,
            forge_host,
            tokens: Mutex::default(),
        }
    }

    async fn of_person(&self, principal: &Principal) -> Result<Credential, String> {
        let known = self
            .tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&principal.entity)
            .cloned();
        if let Some((token, made)) = known
            && made.elapsed() < TOKEN_REUSE
        {
            return Ok(Credential::token(token));
        }
        let token = self
            .identities
            .issue_token(&principal.entity, "template runs", Some(TOKEN_LIFETIME))
            .await
            .map_err(|error| error.to_string())?;
        let entry = (token.clone(), Instant::now());
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(principal.entity.clone(), entry);
        Ok(Credential::token(token))
    }
}

impl pave_scaffolder::Credentials for PersonCredentials {
    fn credential<'a>(
        &'a self,
        principal: &'a Principal,
        remote: &'a Url,
    ) -> BoxFuture<'a, Result<Option<Credential>, String>> {
        Box::pin(async move {
            let host = format!(
                "{}:{}",
                remote.host_str().unwrap_or_default(),
                remote.port_or_known_default().unwrap_or_default()
            );
            if host == self.forge_host {
                return self.of_person(principal).await.map(Some);
            }
            let location = self
                .integrations
                .repository_of(remote.as_str())
                .map_err(|error| error.to_string())?;
            self.integrations
                .credential(&location)
                .map_err(|error| error.to_string())
        })
    }
}

/// The catalog, as templates ask of it.
pub(super) struct CatalogOfTemplates(pub(super) Catalog);

impl pave_scaffolder::CatalogLookup for CatalogOfTemplates {
    fn entity<'a>(&'a self, reference: &'a EntityRef) -> BoxFuture<'a, Result<Option<Value>, String>> {
        Box::pin(async move { Ok(self.0.entity(reference)) })
    }

    fn register<'a>(
        &'a self,
        _principal: &'a Principal,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Registered, String>> {
        Box::pin(async move {
            Catalog::may_register("url", url).map_err(|refusal| {
                let cures = refusal.diagnostics.into_iter().filter_map(|it| it.help);
                std::iter::once(refusal.message)
                    .chain(cures)
                    .collect::<Vec<_>>()
                    .join("; ")
            })?;
            match self.0.register("url", url, false).await {
                Ok(_) | Err(CatalogError::Conflict(_)) => {}
                Err(error) => return Err(error.to_string()),
            }
            let registered = self
                .0
                .register("url", url, true)
                .await
                .map_err(|error| error.to_string())?;
            let named = |entity: &&Value| {
                !entity["metadata"]["name"]
                    .as_str()
                    .is_some_and(|name| name.starts_with("generated-"))
            };
            let mut entities = registered.entities.iter().filter(named);
            let component = entities.clone().find(|entity| entity["kind"] == "Component");
            let entity_ref = component
                .or_else(|| entities.next())
                .and_then(pave_entity::reference);
            Ok(Registered {
                entity_ref: entity_ref.map(|reference| reference.to_string()),
            })
        })
    }
}
