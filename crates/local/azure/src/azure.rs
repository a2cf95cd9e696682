use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use pave_diagnostic::Diagnostic;
use pave_runtime::clock;
use pave_store::Database;
use serde::Serialize;

use crate::arm::{Arm, serve};
use crate::blob;
use crate::engine::{Engine, Parts};
use crate::error::AzureError;
use crate::options::Options;
use crate::postgresql::account::{Account, SHARED_PLACE, absolute};
use crate::postgresql::address::wildcard_listener;
use crate::postgresql::binaries::INSTALL;
use crate::postgresql::process::{Postmaster, end_orphans};
use crate::store::{self, Activity, Operation, Server};
use crate::{entra, metadata};

/// How long ended operations can still be asked about.
const REMEMBER: jiff::SignedDuration = jiff::SignedDuration::from_hours(48);

/// How long the activity log goes back, as in Azure.
const LOG: jiff::SignedDuration = jiff::SignedDuration::from_hours(90 * 24);

/// The local cloud. Cheap to clone; it works in the background from [`Azure::open`] until [`Azure::shutdown`].
#[derive(Clone)]
pub struct Azure {
    options: Arc<Options>,
    engine: Arc<Engine>,
    database_directory: PathBuf,
}

/// A PostgreSQL server as `pave status` shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerStatus {
    /// ARM id, lower-case.
    pub id: String,
    /// Name of the flexible server.
    pub name: String,
    /// Loopback address, once it has one.
    pub address: Option<String>,
    /// Port it listens on.
    pub port: u16,
    /// Version that runs; empty until it is created.
    pub version: String,
    /// State in Azure's words: `Ready`, `Stopped`, `Inaccessible`.
    pub state: String,
    /// Why it is not ready; empty otherwise.
    pub reason: String,
    /// Number of its main process, if it runs.
    pub process: Option<i32>,
    /// Data directory.
    pub directory: PathBuf,
}

impl Azure {
    /// Opens what is below the data directory, takes up interrupted operations, adopts running servers and starts
    /// those that should run. Returns without waiting for any of that.
    pub async fn open(mut options: Options) -> Result<Self, AzureError> {
        // Others may pass through to the data directories, where the server's user must get to, and see nothing here.
        make_directory(&options.data, 0o711)?;
        // Long-lived processes are recognised by this path, so it is written in one way only.
        let database_directory = absolute(&options.database_directory);
        // Earlier versions made some of these for themselves alone, and then nobody else got to the servers' data.
        if database_directory.starts_with(SHARED_PLACE) {
            make_directory(Path::new(SHARED_PLACE), 0o711)?;
        }
        make_directory(&database_directory, 0o711)?;
        make_directory(&database_directory.join("servers"), 0o711)?;
        options.base_url = options.base_url.trim_end_matches('/').to_owned();
        let database = open_database(&options.data)?;
        let ago = |time| clock::to_rfc3339(clock::now().saturating_sub(time).unwrap_or_default());
        let (before, log_from) = (ago(REMEMBER), ago(LOG));
        let installation = database
            .write(move |transaction| {
                Operation::prune(transaction, &before)?;
                Activity::prune(transaction, &log_from)?;
                store::installation(transaction)
            })
            .await?;
        let engine = Engine::new(Parts {
            store: database,
            keys: options.keys.clone(),
            installation,
            port: options.postgresql_port,
            root: database_directory.clone(),
            binaries: options.postgresql_binaries.clone(),
            fault: options.fault.clone(),
            planes: options.control_planes.clone(),
        });
        let azure = Self {
            options: Arc::new(options),
            engine,
            database_directory,
        };
        azure.remove_strays().await?;
        blob::remove_strays(&azure.engine.store, &azure.options.data).await?;
        azure.engine.remove_stray_planes().await?;
        azure.engine.resume().await?;
        Ok(azure)
    }

    /// Everything that is served: Entra, metadata, ARM, and at their own host names the storage accounts.
    pub fn router(&self) -> Router {
        let arm = Arm {
            options: Arc::clone(&self.options),
            engine: Arc::clone(&self.engine),
        };
        Router::new()
            .route("/metadata/endpoints", get(metadata::endpoints))
            .route("/common/discovery/instance", get(entra::instance_discovery))
            .route("/{tenant}/oauth2/v2.0/token", post(entra::token_v2))
            .route("/{tenant}/oauth2/token", post(entra::token_v1))
            .route(
                "/{tenant}/v2.0/.well-known/openid-configuration",
                get(entra::openid_configuration),
            )
            .route(
                "/{tenant}/.well-known/openid-configuration",
                get(entra::openid_configuration),
            )
            .route("/{tenant}/discovery/v2.0/keys", get(entra::keys))
            .route("/{tenant}/discovery/keys", get(entra::keys))
            .with_state(arm.clone())
            .fallback_service(Router::new().fallback(serve).with_state(arm.clone()))
            .layer(axum::middleware::from_fn_with_state(arm, blob::divert))
    }

    /// Ends our own work; servers go on running and are adopted at the next start.
    pub async fn shutdown(&self) {
        self.engine.tasks.shutdown(Duration::from_secs(5)).await;
    }

    /// Ends our own work and stops all servers; they start again with the next [`Azure::open`].
    pub async fn stop_servers(&self) -> Result<(), AzureError> {
        self.shutdown().await;
        let stops = self.status().await?.into_iter().map(|server| async move {
            if let Some(postmaster) = Postmaster::find(&server.directory) {
                postmaster.stop().await;
            }
        });
        futures::future::join_all(stops).await;
        Ok(())
    }

    /// All servers and what they do.
    pub async fn status(&self) -> Result<Vec<ServerStatus>, AzureError> {
        let servers = self.engine.store.read(Server::all).await?;
        let status = |server: Server| {
            let directory = self.data_of(&server.directory);
            ServerStatus {
                process: Postmaster::find(&directory).map(|postmaster| postmaster.pid),
                directory,
                id: server.id,
                name: server.name,
                address: server.address,
                port: server.port,
                version: server.version,
                state: server.state,
                reason: server.reason,
            }
        };
        Ok(servers.into_iter().map(status).collect())
    }

    /// What stands in the way of servers, for `pave doctor`.
    pub async fn findings(&self) -> Result<Vec<Diagnostic>, AzureError> {
        let mut findings = Vec::new();
        if self.engine.search.find(None).is_none() {
            findings.push(Diagnostic::error("PV1901", "PostgreSQL is not installed").with_help(INSTALL));
        }
        if let Some(error) = wildcard_listener(self.engine.port) {
            let found = Diagnostic::error("PV1902", error.to_string());
            findings.push(found.with_effect("no database server can be created or started"));
        }
        if Account::unprivileged().is_some_and(|account| !account.reaches(&self.database_directory)) {
            let place = self.database_directory.display();
            let message = format!("the user that runs PostgreSQL cannot reach `{place}`");
            let help =
                "let others pass through the directories above it (`chmod o+x`), or choose another place";
            findings.push(Diagnostic::error("PV1904", message).with_help(help));
        }
        for server in self
            .status()
            .await?
            .into_iter()
            .filter(|server| !server.reason.is_empty())
        {
            let message = format!("server `{}` is {}: {}", server.name, server.state, server.reason);
            findings.push(Diagnostic::warning("PV1903", message));
        }
        Ok(findings)
    }

    /// Where data directories and templates are.
    #[must_use]
    pub fn database_directory(&self) -> &Path {
        &self.database_directory
    }

    fn data_of(&self, directory: &str) -> PathBuf {
        self.database_directory
            .join("servers")
            .join(directory)
            .join("data")
    }

    /// Removes directories of ours that no server has: left by a creation that was cancelled at a bad moment.
    async fn remove_strays(&self) -> Result<(), AzureError> {
        let servers = self.engine.store.read(Server::all).await?;
        let ours = format!("{}-", self.engine.installation);
        let root = self.database_directory.join("servers");
        for entry in fs::read_dir(&root).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with(&ours) || servers.iter().any(|server| server.directory == name) {
                continue;
            }
            let data = self.data_of(&name);
            if let Some(postmaster) = Postmaster::find(&data) {
                postmaster.stop_now().await;
            }
            end_orphans(&data);
            if let Err(error) = fs::remove_dir_all(entry.path()) {
                tracing::warn!(%error, name, "a stray data directory could not be removed");
            }
        }
        Ok(())
    }
}

/// Opens the store, which only our own user may read.
fn open_database(data: &Path) -> Result<Database, AzureError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = data.join("azure.db");
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| AzureError::Directory {
            path: path.clone(),
            source,
        })?;
    Ok(Database::open(&path, store::MIGRATIONS)?)
}

/// Makes a directory that others may pass through. One that an earlier version made without that way is opened, if it
/// is ours; directories above it are left as they are.
fn make_directory(path: &Path, mode: u32) -> Result<(), AzureError> {
    let error = |source| AzureError::Directory {
        path: path.to_owned(),
        source,
    };
    if path.is_dir() {
        return open_way(path, mode).map_err(error);
    }
    // The rights of every directory made on the way matter, and the process may have a strict umask.
    if let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) {
        make_directory(parent, mode)?;
    }
    fs::create_dir(path).map_err(error)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(error)
}

/// Lets others pass through a directory of our own; what else it allows stays.
fn open_way(path: &Path, mode: u32) -> std::io::Result<()> {
    let found = fs::metadata(path)?;
    let ways = mode & 0o111;
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if !ours || found.mode() & ways == ways {
        return Ok(());
    }
    tracing::info!(path = %path.display(), "others may pass through this directory from now on");
    fs::set_permissions(path, fs::Permissions::from_mode((found.mode() & 0o7777) | ways))
}

/// Stops the servers whose data directories lie below a database directory, without opening anything: for a platform
/// that does not run. Gives how many were running; they start again with the next [`Azure::open`].
pub async fn stop_servers_below(database_directory: &Path) -> usize {
    let entries = std::fs::read_dir(absolute(database_directory).join("servers"));
    let directories = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("data"));
    let running: Vec<Postmaster> = directories
        .filter_map(|directory| Postmaster::find(&directory))
        .collect();
    let stops = running.iter().map(|postmaster| postmaster.stop());
    futures::future::join_all(stops).await;
    running.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_directory_of_ours_is_opened_and_what_is_above_it_stays() {
        let root = tempfile::tempdir().unwrap();
        let (above, own) = (root.path().join("above"), root.path().join("above/own"));
        fs::create_dir_all(&own).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        for path in [&above, &own] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        }
        make_directory(&own, 0o711).unwrap();
        assert_eq!((mode(&above), mode(&own)), (0o700, 0o711));
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
        make_directory(&own.join("a/b"), 0o711).unwrap();
        assert_eq!(
            (mode(&own), mode(&own.join("a")), mode(&own.join("a/b"))),
            (0o755, 0o711, 0o711)
        );
    }
}
