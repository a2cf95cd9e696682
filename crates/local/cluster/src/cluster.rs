use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use http_body_util::BodyExt;
use pave_auth::{Authorizer, Identities, Principal};
use pave_keys::Keys;
use pave_runtime::Tasks;

use crate::access::Rbac;
use crate::api::Server;
use crate::controller;
use crate::http::{Caller, Documents, handle};
use crate::logical::{Logical, Planes, split};
use crate::resource::Registry;
use crate::storage::{LOCAL, Storage, StorageError};

/// The cluster could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The data directory could not be made.
    #[error("the directory `{path}` could not be made")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The objects could not be read.
    #[error("the objects could not be read")]
    Storage(#[from] StorageError),
}

/// What a cluster needs.
pub struct Options {
    /// Directory of `cluster.db`.
    pub data: PathBuf,
    /// Seals Secrets, signs service account tokens.
    pub keys: Keys,
    /// Knows people by their tokens.
    pub identities: Identities,
}

/// A running API server. Cheap to clone; all clones are the same server.
#[derive(Clone)]
pub struct Cluster {
    server: Arc<Server>,
    tasks: Tasks,
    logical: Arc<Logical>,
}

impl Cluster {
    /// Opens the objects, makes what every cluster has, and starts cleaning up behind requests.
    pub async fn open(options: Options) -> Result<Self, ClusterError> {
        let Options {
            data,
            keys,
            identities,
        } = options;
        std::fs::create_dir_all(&data).map_err(|source| ClusterError::Directory {
            path: data.clone(),
            source,
        })?;
        let storage = Storage::open(&data.join("cluster.db"), keys.sealer())?;
        let tasks = Tasks::new();
        let server = Arc::new(Server {
            cluster: LOCAL.to_owned(),
            registry: Registry::new(storage.clone(), LOCAL),
            rbac: Arc::new(Rbac::new(storage.clone(), LOCAL)),
            storage,
            identities,
            keys,
            documents: Documents::default(),
            stop: tasks.token(),
            own: None,
        });
        controller::bootstrap(&server).await;
        tasks.spawn("cluster controllers", controller::run(server.clone()));
        let logical = Logical::open(&server, &tasks).await;
        Ok(Self {
            server,
            tasks,
            logical,
        })
    }

    /// The API over HTTP: callers show a bearer token. Logical clusters are below `/clusters/<name>`.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// Control planes of their own, kept here beside this cluster. `url` is where [`Cluster::router`] is served.
    #[must_use]
    pub fn control_planes(&self, url: &str) -> Arc<dyn pave_kube::ControlPlanes> {
        Arc::new(Planes::new(self.logical.clone(), url))
    }

    /// One of the control planes as a cluster of its own, if it exists.
    #[must_use]
    pub fn logical(&self, name: &str) -> Option<Self> {
        Some(Self {
            server: self.logical.find(name)?,
            ..self.clone()
        })
    }

    /// The API over HTTP for one fixed caller, whatever they show. For listeners that have authenticated already.
    pub fn router_for(&self, principal: &Principal) -> Router {
        self.router().layer(axum::Extension(Caller(principal.clone())))
    }

    /// A client in process that acts as a principal. What the principal may do is decided as for everybody.
    #[must_use]
    pub fn client(&self, principal: &Principal) -> kube::Client {
        let (server, caller) = (self.server.clone(), Caller(principal.clone()));
        let service = tower::service_fn(move |request: axum::http::Request<kube::client::Body>| {
            let (server, caller) = (server.clone(), caller.clone());
            async move {
                let (mut parts, body) = request.into_parts();
                parts.extensions.insert(caller);
                // Bodies of requests are in memory already; this copies nothing.
                let body = body.collect().await.map(|body| Body::from(body.to_bytes()));
                let request = axum::http::Request::from_parts(parts, body.unwrap_or_else(|_| Body::empty()));
                Ok::<_, Infallible>(handle(server, request).await)
            }
        });
        kube::Client::new(service, "default")
    }

    /// The same decisions for others: forge and portal ask about paths and namespaces.
    #[must_use]
    pub fn authorizer(&self) -> Arc<dyn Authorizer> {
        self.server.rbac.clone()
    }

    /// Ends watches and background work. What was acknowledged is on disk at any time.
    pub async fn shutdown(&self) {
        self.tasks.shutdown(Duration::from_secs(5)).await;
    }
}

async fn answer(State(cluster): State<Cluster>, mut request: Request) -> axum::response::Response {
    if cluster.server.own.is_none()
        && let Some((name, rest)) = split(request.uri())
    {
        // Whoever a listener has authenticated is somebody at the local cluster only.
        request.extensions_mut().remove::<Caller>();
        return cluster.logical.answer(&name, rest, request).await;
    }
    handle(cluster.server, request).await
}
