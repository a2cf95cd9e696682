use std::path::PathBuf;
use std::sync::Arc;

use pave_auth::{Authorizer, Identities, Principal};
use pave_keys::Keys;
use pave_kube::ControlPlanes;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Port of every flexible server; ARM has no field for another one.
pub const POSTGRESQL_PORT: u16 = 5432;

/// An application that may ask for tokens with a secret.
#[derive(Clone)]
pub struct ServicePrincipal {
    /// `client_id` of token requests; claim `appid`.
    pub client_id: Uuid,
    /// Object id; claim `oid`.
    pub object_id: Uuid,
    /// Name shown in `systemData`.
    pub name: String,
    /// Who it is to the authorizer; `None` lets it do everything, as an owner of the subscription may.
    pub principal: Option<Principal>,
    /// Hash of the secret; the secret itself is not kept.
    secret: [u8; 32],
}

impl ServicePrincipal {
    /// An application with this secret.
    #[must_use]
    pub fn new(client_id: Uuid, object_id: Uuid, name: &str, secret: &str) -> Self {
        let secret = Sha256::digest(secret.as_bytes()).into();
        Self {
            client_id,
            object_id,
            name: name.to_owned(),
            principal: None,
            secret,
        }
    }

    /// Lets the authorizer decide about it as about this principal.
    #[must_use]
    pub fn acting_as(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Whether this is its secret. Comparing hashes leaks nothing of use to who measures time.
    pub(crate) fn has_secret(&self, secret: &str) -> bool {
        let shown: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        shown == self.secret
    }
}

/// What a test wants to happen at a named point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Go on.
    Nothing,
    /// The work ends here, as if the whole process had been killed.
    Die,
    /// The disk is full here.
    DiskFull,
}

/// Asked at each named point of the work; see the tests for the names.
pub type FaultHook = Arc<dyn Fn(&'static str) -> Fault + Send + Sync>;

/// What the local cloud needs to know.
#[derive(Clone)]
pub struct Options {
    /// Directory of its own, of `azure.db` among others; made if it is missing.
    pub data: PathBuf,
    /// Directory of the PostgreSQL data directories; see [`crate::reachable_database_directory`].
    pub database_directory: PathBuf,
    /// Keys of this installation: certificates of servers, signatures of tokens, sealed passwords.
    pub keys: Keys,
    /// Where the router is served, without a slash at the end: `https://127.0.0.1:8443`.
    pub base_url: String,
    /// The only tenant.
    pub tenant: Uuid,
    /// The only subscription.
    pub subscription: Uuid,
    /// Name of the subscription.
    pub subscription_name: String,
    /// Applications that may ask for tokens.
    pub service_principals: Vec<ServicePrincipal>,
    /// People and service accounts: their tokens are accepted as bearer tokens, and as the secret of a client whose id
    /// is the principal's.
    pub identities: Option<Identities>,
    /// Decides about principals, by verb (`get`, `put`, `patch`, `delete`, `post`) and path (`/azure/subscriptions/…`,
    /// lower-case). `None` lets everybody with a token do everything.
    pub authorizer: Option<Arc<dyn Authorizer>>,
    /// What makes the control planes of managed clusters; without it there are none.
    pub control_planes: Option<Arc<dyn ControlPlanes>>,
    /// Port of new servers; only tests want another than [`POSTGRESQL_PORT`].
    pub postgresql_port: u16,
    /// Where PostgreSQL's programs are looked for; `None` means the usual places.
    pub postgresql_binaries: Option<Vec<PathBuf>>,
    /// Ends work at named points; only for tests.
    pub fault: Option<FaultHook>,
}

impl Options {
    /// Options with what has a usual value filled in.
    #[must_use]
    pub fn new(data: PathBuf, keys: Keys, base_url: &str, tenant: Uuid, subscription: Uuid) -> Self {
        Self {
            database_directory: crate::reachable_database_directory(&data),
            data,
            keys,
            base_url: base_url.trim_end_matches('/').to_owned(),
            tenant,
            subscription,
            subscription_name: "Pave".to_owned(),
            service_principals: Vec::new(),
            identities: None,
            authorizer: None,
            control_planes: None,
            postgresql_port: POSTGRESQL_PORT,
            postgresql_binaries: None,
            fault: None,
        }
    }
}
