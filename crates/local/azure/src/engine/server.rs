//! Running servers: adopting, starting, waiting until they accept connections, and who may connect.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Failure};
use crate::documents::network;
use crate::postgresql::access::render_access;
use crate::postgresql::address;
use crate::postgresql::binaries::{Binaries, INSTALL};
use crate::postgresql::cluster::Cluster;
use crate::postgresql::process::{Postmaster, end_orphans, is_ready, remove_stale_locks};
use crate::postgresql::session::Session;
use crate::store::{Resource, Server};

/// How often a starting server is looked at.
const POLL: Duration = Duration::from_millis(5);
/// How long a server may take until it accepts connections; recovery after a crash may need much of it.
const PATIENCE: Duration = Duration::from_secs(300);

impl Engine {
    /// The server's process, adopted if it runs and started if not; it accepts connections.
    pub(super) async fn ensure_running(self: &Arc<Self>, server: &Server) -> Result<Postmaster, Failure> {
        let cluster = self
            .cluster(server)
            .ok_or_else(|| Failure::Lost("the server has no address yet".into()))?;
        let data = cluster.data();
        let postmaster = match blocking(move || Ok(Postmaster::find(&data))).await? {
            Some(postmaster) => postmaster,
            None => self.start(server, &cluster).await?,
        };
        self.fault("server:started")?;
        self.wait_until_ready(&cluster, postmaster).await?;
        Ok(postmaster)
    }

    async fn start(self: &Arc<Self>, server: &Server, cluster: &Cluster) -> Result<Postmaster, Failure> {
        let Some(binaries) = self.binaries_of(cluster) else {
            return Err(Failure::Lost(format!("PostgreSQL is not installed; {INSTALL}")));
        };
        let access = self.access(&server.id).await?;
        let (engine, cluster) = (Arc::clone(self), cluster.clone());
        blocking(move || {
            let data = cluster.data();
            end_orphans(&data);
            cluster.make_directories()?;
            remove_stale_locks(&data, &cluster.socket_directory(), cluster.port);
            address::check_free(cluster.address, cluster.port)?;
            cluster.configure(&engine.keys, &access)?;
            Ok(())
        })
        .await?;
        self.fault("server:configured")?;
        self.spawn(server, &binaries)
    }

    fn spawn(self: &Arc<Self>, server: &Server, binaries: &Binaries) -> Result<Postmaster, Failure> {
        let cluster = self
            .cluster(server)
            .ok_or_else(|| Failure::Lost("the server has no address yet".into()))?;
        let mut child = cluster.start(binaries)?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let cancelled = self.tasks.token();
        let (engine, lane) = (Arc::clone(self), server.id.clone());
        // Collects the exit status, so that no dead process stays in the process list, and lets the lane look at once.
        // Ending this does not end the server.
        self.tasks.spawn("azure: server process", async move {
            tokio::select! {
                _ = child.wait() => engine.wake(&lane),
                () = cancelled.cancelled() => {}
            }
        });
        pid.and_then(Postmaster::of)
            .ok_or_else(|| Failure::Lost(Self::complaint(&cluster)))
    }

    /// The installed PostgreSQL that fits an existing data directory.
    fn binaries_of(&self, cluster: &Cluster) -> Option<Binaries> {
        let version = std::fs::read_to_string(cluster.data().join("PG_VERSION")).ok()?;
        let major: u32 = version.trim().parse().ok()?;
        self.search
            .find(Some(major))
            .filter(|binaries| binaries.major == major)
    }

    async fn wait_until_ready(&self, cluster: &Cluster, postmaster: Postmaster) -> Result<(), Failure> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !is_ready(&cluster.data(), postmaster) {
            if !postmaster.is_alive() {
                return Err(Failure::Lost(Self::complaint(cluster)));
            }
            if tokio::time::Instant::now() > deadline {
                return Err(Failure::Lost(
                    "the server runs but does not accept connections".into(),
                ));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    fn complaint(cluster: &Cluster) -> String {
        let words = cluster
            .last_complaint()
            .unwrap_or_else(|| format!("see {}", cluster.log().display()));
        format!("the server ended while it was starting: {words}")
    }

    /// A connection to a running server as its superuser.
    pub(crate) async fn session(&self, server: &Server) -> Result<Session, Failure> {
        let cluster = self
            .cluster(server)
            .ok_or_else(|| Failure::Lost("the server has no address yet".into()))?;
        Ok(Session::open(&cluster, &self.tasks).await?)
    }

    /// Text of `pg_hba.conf` as the server's document and rules want it now.
    async fn access(&self, id: &str) -> Result<String, Failure> {
        let id = id.to_owned();
        let (resource, children) = self
            .store
            .read(move |connection| {
                Ok((
                    Resource::find(connection, &id)?,
                    Resource::children(connection, &id, None)?,
                ))
            })
            .await?;
        let body = resource.map(|resource| resource.body).unwrap_or_default();
        Ok(render_access(&network(&body, &children)))
    }

    /// Lets the running server know who may connect now.
    pub(super) async fn apply_access(&self, server: &Server) -> Result<(), Failure> {
        let access = self.access(&server.id).await?;
        let cluster = self
            .cluster(server)
            .ok_or_else(|| Failure::Lost("the server has no address yet".into()))?;
        blocking(move || Ok(cluster.write_access(&access)?)).await?;
        Ok(self.session(server).await?.reload().await?)
    }
}

/// Runs work that touches files.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_cancelled() => Err(Failure::Interrupted),
        Err(error) => Err(Failure::internal(&error)),
    }
}
