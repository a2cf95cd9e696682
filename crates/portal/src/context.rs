use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::FromRef;
use pave_auth::{Authorizer, Identities, Principal};
use pave_catalog::{Catalog, SourceReader};
use pave_devops::Feed;
use pave_diagnostic::Diagnostics;
use pave_gitops::GitopsHandle;
use pave_hosts::Integrations;
use pave_journal::Journal;
use pave_kube::Kinds;
use pave_runtime::Tasks;
use pave_scaffolder::Scaffolder;
use pave_store::StoreError;
use serde::Serialize;
use url::Url;

use crate::audit::Audit;
use crate::gate::Gate;
use crate::hosts::Hosts;
use crate::live::Live;

/// Gives a client that acts as a principal.
pub type ClientFor = Arc<dyn Fn(&Principal) -> kube::Client + Send + Sync>;

/// What the portal needs.
pub struct Context {
    /// The portal's own database (audit).
    pub database: PathBuf,
    /// Client by which the portal itself reads what everybody may see.
    pub client: kube::Client,
    /// Clients by which people read and change.
    pub client_for: ClientFor,
    /// Decides what people may do.
    pub authorizer: Arc<dyn Authorizer>,
    /// Who is known.
    pub identities: Identities,
    /// Roads.
    pub journal: Journal,
    /// Catalog.
    pub catalog: Catalog,
    /// Templates.
    pub scaffolder: Scaffolder,
    /// GitOps engine, for webhooks.
    pub gitops: GitopsHandle,
    /// Tries what would be committed.
    pub gate: Arc<Gate>,
    /// Reads files of repositories.
    pub sources: Arc<dyn SourceReader>,
    /// User name and password that a webhook has to show.
    pub webhook: (String, String),
    /// Where everything is.
    pub addresses: Addresses,
    /// What `app-config.yaml` says, as it may be shown.
    pub configuration: Configuration,
    /// What happens on the Git host.
    pub feed: Feed,
    /// Git hosts (with port) that know the same people: they get the person's own token.
    pub shared_hosts: Vec<String>,
    /// Organizations that are there from the start, each with its host.
    pub organizations: Vec<(String, String)>,
    /// Asks the Git hosts.
    pub http: reqwest::Client,
    /// Which hosts there are, and what is shown to those that do not know the same people.
    pub integrations: Integrations,
}

/// Where everything is, as pages and messages show it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Addresses {
    /// Portal.
    pub portal: String,
    /// Kubernetes API.
    pub cluster: String,
    /// Git.
    pub forge: String,
    /// ARM.
    pub azure: String,
    /// Data directory.
    pub data: String,
    /// Kubeconfig file.
    pub kubeconfig: String,
}

/// What `app-config.yaml`, the environment and the command line say together. No value in it is a secret.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// `app.title`.
    pub title: String,
    /// `organization.name`.
    pub organization: String,
    /// `app.baseUrl`: where people reach the portal.
    pub base_url: String,
    /// Files that were read.
    pub files: Vec<String>,
    /// Every value, masked, with its origin.
    pub entries: serde_json::Value,
    /// What was found.
    pub diagnostics: Diagnostics,
    /// Hosts.
    pub integrations: Vec<Integration>,
    /// Kinds that catalog locations may hold.
    pub allowed: Vec<String>,
    /// Where `catalog.rules` stands; nothing while nobody has written it.
    pub rules_origin: Option<serde_json::Value>,
}

/// A Git host as the configuration names it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// Host, with port where there is one.
    pub host: String,
    /// `azure` or `github`.
    pub kind: String,
    /// Whether it is the forge in this program.
    pub embedded: bool,
    /// Where its entry stands; nothing for a host that is known without one.
    pub origin: Option<serde_json::Value>,
    /// What is shown to it.
    pub credentials: Vec<IntegrationCredential>,
}

/// What is shown to a host, without its value.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationCredential {
    /// `personalAccessToken`, `servicePrincipal`, `managedIdentity`, `federated`, `token`, `app`, or `missing`.
    pub kind: String,
    /// Organizations it is for; none for all that have no other.
    pub organizations: Vec<String>,
    /// Where its value comes from.
    pub origin: Option<serde_json::Value>,
    /// Why there is no value.
    pub problem: Option<String>,
}

impl Addresses {
    /// Whether a host (with port) is this portal: its own address, or `localhost` with its port.
    pub(crate) fn is_own_host(&self, host: &str) -> bool {
        let own = self
            .portal
            .split_once("://")
            .map_or(self.portal.as_str(), |(_, own)| own);
        let port = own.rsplit_once(':').map_or("", |(_, port)| port);
        host.eq_ignore_ascii_case(own) || host.eq_ignore_ascii_case(&format!("localhost:{port}"))
    }
}

impl Configuration {
    /// `app.baseUrl` if it is an address: behind a proxy, people reach the portal there.
    pub(crate) fn reached_at(&self) -> Option<Url> {
        let url = Url::parse(&self.base_url).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
    }
}

/// The portal's state, shared by all requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Portal {
    pub(crate) kinds: Kinds,
    pub(crate) client_for: ClientFor,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) identities: Identities,
    pub(crate) journal: Journal,
    pub(crate) catalog: Catalog,
    pub(crate) scaffolder: Scaffolder,
    pub(crate) gitops: GitopsHandle,
    pub(crate) gate: Arc<Gate>,
    pub(crate) sources: Arc<dyn SourceReader>,
    pub(crate) webhook: Arc<(String, String)>,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) audit: Audit,
    pub(crate) live: Live,
    pub(crate) tasks: Tasks,
}

impl Portal {
    /// Whether a host (with port) is this portal, also by the name that a proxy gives it.
    pub(crate) fn is_own_host(&self, host: &str) -> bool {
        self.addresses.is_own_host(host) || is_host_of(self.configuration.reached_at().as_ref(), host)
    }

    /// Whether pages of this origin are the portal's own.
    pub(crate) fn is_own_origin(&self, origin: &str) -> bool {
        let local = origin
            .split_once("://")
            .is_some_and(|(_, host)| self.addresses.is_own_host(host));
        local || is_origin_of(self.configuration.reached_at().as_ref(), origin)
    }

    pub(crate) fn open(context: Context, tasks: &Tasks) -> Result<Self, StoreError> {
        Ok(Self {
            live: Live::start(context.client.clone(), context.feed, tasks),
            kinds: Kinds::new(context.client),
            client_for: context.client_for,
            authorizer: context.authorizer,
            identities: context.identities,
            journal: context.journal,
            catalog: context.catalog,
            scaffolder: context.scaffolder,
            gitops: context.gitops,
            gate: context.gate,
            sources: context.sources,
            webhook: Arc::new(context.webhook),
            addresses: Arc::new(context.addresses),
            configuration: Arc::new(context.configuration),
            hosts: Arc::new(Hosts {
                http: context.http,
                integrations: context.integrations,
                shared: context.shared_hosts,
                organizations: context.organizations,
            }),
            audit: Audit::open(&context.database)?,
            tasks: tasks.clone(),
        })
    }

    /// Kinds and objects as a person sees them.
    pub(crate) fn kinds_as(&self, principal: &Principal) -> Kinds {
        self.kinds.with_client((self.client_for)(principal))
    }
}

/// Whether the `Host` header names the host of a URL; the port that belongs to its scheme may be left out.
pub(crate) fn is_host_of(url: Option<&Url>, host: &str) -> bool {
    let Some(url) = url else { return false };
    let name = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    host.eq_ignore_ascii_case(&format!("{name}:{port}"))
        || (url.port().is_none() && host.eq_ignore_ascii_case(name))
}

fn is_origin_of(url: Option<&Url>, origin: &str) -> bool {
    url.is_some_and(|url| url.origin().ascii_serialization().eq_ignore_ascii_case(origin))
}

impl FromRef<Portal> for Catalog {
    fn from_ref(portal: &Portal) -> Self {
        portal.catalog.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_name_is_the_portals_own() {
        let check = |base_url: &str, host: &str, origin: &str, expected: bool| {
            let configuration = Configuration {
                base_url: base_url.to_owned(),
                ..Configuration::default()
            };
            let reached = configuration.reached_at();
            let found = (
                is_host_of(reached.as_ref(), host),
                is_origin_of(reached.as_ref(), origin),
            );
            assert_eq!(found, (expected, expected), "{base_url} {host} {origin}");
        };
        let base = "https://pave.example.com/";
        check(base, "pave.example.com", "https://pave.example.com", true);
        check(base, "PAVE.example.com:443", "https://PAVE.example.com", true);
        check(base, "pave.example.com:80", "http://pave.example.com", false);
        check(base, "example.com", "https://example.com", false);
        check(
            base,
            "pave.example.com.evil.com",
            "https://pave.example.com.evil.com",
            false,
        );
        check(base, "", "null", false);
        check(
            "http://10.1.2.3:8080",
            "10.1.2.3:8080",
            "http://10.1.2.3:8080",
            true,
        );
        check("http://10.1.2.3:8080", "10.1.2.3", "http://10.1.2.3", false);
        check("", "", "", false);
        check(
            "pave.example.com",
            "pave.example.com",
            "https://pave.example.com",
            false,
        );
    }
}
