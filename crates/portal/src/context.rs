use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::FromRef;
use pave_auth::{Authorizer, Identities, Principal};
use pave_catalog::{Catalog, SourceReader};
use pave_gitops::GitopsHandle;
use pave_journal::Journal;
use pave_kube::Kinds;
use pave_runtime::Tasks;
use pave_scaffolder::Scaffolder;
use pave_store::StoreError;
use serde::Serialize;

use crate::audit::Audit;
use crate::gate::Gate;
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
    pub(crate) audit: Audit,
    pub(crate) live: Live,
    pub(crate) tasks: Tasks,
}

impl Portal {
    pub(crate) fn open(context: Context, tasks: &Tasks) -> Result<Self, StoreError> {
        Ok(Self {
            live: Live::start(context.client.clone(), tasks),
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
            audit: Audit::open(&context.database)?,
            tasks: tasks.clone(),
        })
    }

    /// Kinds and objects as a person sees them.
    pub(crate) fn kinds_as(&self, principal: &Principal) -> Kinds {
        self.kinds.with_client((self.client_for)(principal))
    }
}

impl FromRef<Portal> for Catalog {
    fn from_ref(portal: &Portal) -> Self {
        portal.catalog.clone()
    }
}
