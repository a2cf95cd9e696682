use std::collections::HashMap;
use std::sync::Arc;

use kube::api::{Api, ApiResource, DynamicObject};
use kube::discovery::Scope;
use pave_names::{GroupVersionKind, GroupVersionKindError};
use serde_json::Value;
use tokio::sync::RwLock;

/// Why a kind could not be resolved, or an object of it not be sent.
#[derive(Debug, thiserror::Error)]
pub enum KindsError {
    /// The object does not name a kind.
    #[error(transparent)]
    Unnamed(#[from] GroupVersionKindError),
    /// The cluster serves no such kind.
    #[error("the cluster serves no kind `{}` in `{}`", .0.kind, .0.api_version())]
    Unknown(GroupVersionKind),
    /// The cluster refused, or could not be reached.
    #[error(transparent)]
    Cluster(#[from] kube::Error),
}

/// A kind with what is needed to address its objects.
#[derive(Clone, Debug)]
pub struct ResolvedKind {
    /// Group, version, kind and plural.
    pub resource: ApiResource,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl ResolvedKind {
    /// The API of this kind: in a namespace, or of the whole cluster when there is none or it does not apply.
    #[must_use]
    pub fn api(&self, client: &kube::Client, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) if self.namespaced => {
                Api::namespaced_with(client.clone(), namespace, &self.resource)
            }
            _ => Api::all_with(client.clone(), &self.resource),
        }
    }
}

/// Discovery, remembered. A kind that is not known is looked for again each time, one group version at a time.
#[derive(Clone)]
pub struct Kinds {
    client: kube::Client,
    known: Arc<RwLock<HashMap<GroupVersionKind, ResolvedKind>>>,
}

impl Kinds {
    /// An empty memory over a client.
    #[must_use]
    pub fn new(client: kube::Client) -> Self {
        Self {
            client,
            known: Arc::default(),
        }
    }

    /// The client underneath.
    #[must_use]
    pub fn client(&self) -> &kube::Client {
        &self.client
    }

    /// The same memory, asked and written through another client.
    #[must_use]
    pub fn with_client(&self, client: kube::Client) -> Self {
        Self {
            client,
            known: Arc::clone(&self.known),
        }
    }

    /// Looks a kind up.
    pub async fn resolve(&self, gvk: &GroupVersionKind) -> Result<ResolvedKind, KindsError> {
        if let Some(found) = self.known.read().await.get(gvk) {
            return Ok(found.clone());
        }
        let found = self.discover(gvk).await?;
        self.known.write().await.insert(gvk.clone(), found.clone());
        Ok(found)
    }

    /// Looks up the kind of an object.
    pub async fn of(&self, object: &Value) -> Result<ResolvedKind, KindsError> {
        let gvk = GroupVersionKind::from_api_version(
            object["apiVersion"].as_str().unwrap_or_default(),
            object["kind"].as_str().unwrap_or_default(),
        )?;
        self.resolve(&gvk).await
    }

    /// Forgets one kind: its CRD has changed or gone.
    pub async fn forget(&self, gvk: &GroupVersionKind) {
        self.known.write().await.remove(gvk);
    }

    async fn discover(&self, gvk: &GroupVersionKind) -> Result<ResolvedKind, KindsError> {
        let unknown = || KindsError::Unknown(gvk.clone());
        let listed = if gvk.group.is_empty() {
            self.client.list_core_api_resources(&gvk.version).await
        } else {
            self.client.list_api_group_resources(&gvk.api_version()).await
        };
        let list = match listed {
            Err(kube::Error::Api(status)) if status.code == 404 => return Err(unknown()),
            other => other?,
        };
        let entry = list
            .resources
            .into_iter()
            .find(|resource| resource.kind == gvk.kind && !resource.name.contains('/'))
            .ok_or_else(unknown)?;
        Ok(ResolvedKind {
            namespaced: entry.namespaced,
            resource: ApiResource {
                group: gvk.group.clone(),
                version: gvk.version.clone(),
                api_version: gvk.api_version(),
                kind: gvk.kind.clone(),
                plural: entry.name,
            },
        })
    }
}

impl From<&ResolvedKind> for Scope {
    fn from(kind: &ResolvedKind) -> Self {
        if kind.namespaced {
            Self::Namespaced
        } else {
            Self::Cluster
        }
    }
}
