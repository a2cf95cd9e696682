//! Does what was accepted: one lane per server (and per group that is being deleted) takes operations one by one and
//! keeps the server running in between.
//!
//! Every step may be repeated. A lane that ends anywhere, with the whole process or alone, is taken up again from the
//! operations' rows, and finds what is there already.

mod children;
mod clusters;
mod failure;
mod lane;
mod lifecycle;
mod server;

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pave_keys::Keys;
use pave_kube::ControlPlanes;
use pave_runtime::Tasks;
use pave_store::{Database, StoreError};
use serde_json::Value;
use tokio::sync::watch;

pub(crate) use failure::Failure;

use crate::options::{Fault, FaultHook};
use crate::postgresql::account::Account;
use crate::postgresql::binaries::Search;
use crate::postgresql::cluster::Cluster;
use crate::postgresql::template::Templates;
use crate::store::{Operation, Server};

/// Everything that lanes share.
pub(crate) struct Engine {
    pub(crate) store: Database,
    pub(crate) keys: Keys,
    pub(crate) search: Arc<Search>,
    pub(crate) tasks: Tasks,
    /// Id of this installation, the first part of directory names.
    pub(crate) installation: String,
    /// Port that new servers listen on.
    pub(crate) port: u16,
    planes: Option<Arc<dyn ControlPlanes>>,
    root: PathBuf,
    account: Option<Account>,
    templates: Arc<Templates>,
    lanes: Mutex<HashMap<String, watch::Sender<u64>>>,
    changed: watch::Sender<u64>,
    fault: Option<FaultHook>,
}

/// What an engine is made of.
pub(crate) struct Parts {
    pub(crate) store: Database,
    pub(crate) keys: Keys,
    pub(crate) installation: String,
    pub(crate) port: u16,
    pub(crate) root: PathBuf,
    pub(crate) binaries: Option<Vec<PathBuf>>,
    pub(crate) fault: Option<FaultHook>,
    pub(crate) planes: Option<Arc<dyn ControlPlanes>>,
}

impl Engine {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let account = Account::unprivileged();
        Arc::new(Self {
            store: parts.store,
            keys: parts.keys,
            search: Arc::new(Search::new(parts.binaries)),
            tasks: Tasks::new(),
            installation: parts.installation,
            port: parts.port,
            templates: Arc::new(Templates::new(parts.root.clone(), account.clone())),
            root: parts.root,
            account,
            lanes: Mutex::default(),
            changed: watch::channel(0).0,
            fault: parts.fault,
            planes: parts.planes,
        })
    }

    /// Takes up what was left: running operations, and servers to watch.
    pub(crate) async fn resume(self: &Arc<Self>) -> Result<(), StoreError> {
        let (mut lanes, servers) = self
            .store
            .read(|connection| Ok((Operation::lanes(connection)?, Server::all(connection)?)))
            .await?;
        lanes.extend(servers.into_iter().map(|server| server.id));
        let templates = Arc::clone(&self.templates);
        // Nobody works there yet.
        drop(tokio::task::spawn_blocking(move || templates.remove_unfinished()).await);
        for lane in lanes {
            self.wake(&lane);
        }
        self.prepare_spare();
        Ok(())
    }

    /// Tells a lane that there is something to do, beginning it if need be.
    pub(crate) fn wake(self: &Arc<Self>, lane: &str) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(woken) = lanes.get(lane) {
            woken.send_modify(|count| *count += 1);
            return;
        }
        let (sender, receiver) = watch::channel(0);
        lanes.insert(lane.to_owned(), sender);
        let engine = Arc::clone(self);
        let name = lane.to_owned();
        self.tasks.spawn(
            "azure: lane",
            async move { lane::run(engine, name, receiver).await },
        );
    }

    /// Ends a lane unless it was woken since `seen`; says whether it has ended.
    fn retire(&self, lane: &str, seen: u64) -> bool {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let unchanged = lanes.get(lane).is_none_or(|woken| *woken.borrow() == seen);
        if unchanged {
            lanes.remove(lane);
        }
        unchanged
    }

    /// Changes whenever an operation ends.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn announce(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Copies a data directory ahead of need, in the background.
    pub(crate) fn prepare_spare(&self) {
        let (templates, search) = (Arc::clone(&self.templates), Arc::clone(&self.search));
        let cancelled = self.tasks.token();
        self.tasks.spawn("azure: spare data directory", async move {
            let work = move || match search.find(None) {
                Some(binaries) => templates.prepare(&binaries),
                None => Ok(()),
            };
            tokio::select! {
                made = tokio::task::spawn_blocking(work) => if let Ok(Err(error)) = made {
                    tracing::warn!(%error, "no spare data directory could be made");
                },
                () = cancelled.cancelled() => {}
            }
        });
    }

    /// The server's place on disk, once it has an address.
    pub(crate) fn cluster(&self, server: &Server) -> Option<Cluster> {
        let address: Ipv4Addr = server.address.as_deref()?.parse().ok()?;
        Some(self.cluster_at(server, address))
    }

    fn cluster_at(&self, server: &Server, address: Ipv4Addr) -> Cluster {
        Cluster {
            directory: self.root.join("servers").join(&server.directory),
            address,
            port: server.port,
            account: self.account.clone(),
        }
    }

    /// Where a test ends things; nothing in production.
    fn fault(&self, point: &'static str) -> Result<(), Failure> {
        match self.fault.as_ref().map_or(Fault::Nothing, |hook| hook(point)) {
            Fault::Nothing => Ok(()),
            Fault::Die => Err(Failure::Interrupted),
            Fault::DiskFull => Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into()),
        }
    }

    /// The sealed password of an operation, opened.
    fn password(&self, operation: &Operation) -> Result<Option<String>, Failure> {
        let Some(sealed) = &operation.secret else {
            return Ok(None);
        };
        let opened = self
            .keys
            .sealer()
            .open_sealed(sealed)
            .map_err(|error| Failure::internal(&error))?;
        Ok(Some(String::from_utf8_lossy(&opened).into_owned()))
    }

    async fn server(&self, id: &str) -> Result<Option<Server>, Failure> {
        let id = id.to_owned();
        Ok(self
            .store
            .read(move |connection| Server::find(connection, &id))
            .await?)
    }
}

/// A text of an operation's request.
fn text<'a>(request: &'a Value, name: &str) -> &'a str {
    request[name].as_str().unwrap_or_default()
}
