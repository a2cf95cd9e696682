//! Objects with revisions: one writer thread, durable before acknowledged; readers work in memory.

mod clusters;
mod disk;
mod object;
mod select;
mod state;
mod writer;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use pave_keys::Sealer;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use clusters::{ClusterRecord, LOCAL, Order};
pub(crate) use object::{Event, EventKind, Object, ObjectName, TableId, watch_line};
pub(crate) use select::{Select, Selected};
pub(crate) use state::{Gone, State};

/// The object store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// `SQLite` refused.
    #[error("the object database failed")]
    Database(#[from] rusqlite::Error),
    /// An object does not read back.
    #[error("the stored object `{key}` cannot be read; it is damaged or sealed with another key")]
    Damaged {
        /// Its key.
        key: String,
    },
    /// A Secret could not be encrypted.
    #[error("an object could not be sealed")]
    Sealing,
    /// The file was written by a newer version.
    #[error("the object database has format {found}, this version knows {known}")]
    Newer {
        /// Format of the file.
        found: i64,
        /// Newest format known here.
        known: i64,
    },
    /// The writer thread could not be started.
    #[error("the thread that writes objects could not be started")]
    Thread(#[source] std::io::Error),
}

/// Why a change was not made.
#[derive(Clone, Debug)]
pub(crate) enum CommitError {
    /// The object is not at the expected revision (or exists, or does not): read again.
    Mismatch,
    /// The disk is full.
    Full,
    /// Storage failed or has been shut down.
    Failed(String),
}

/// One change of one object, made only if the object is still at the expected revision.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) table: TableId,
    pub(crate) name: ObjectName,
    /// Revision that the change was computed from; `None`: the object must not exist.
    pub(crate) expected: Option<u64>,
    pub(crate) value: Value,
    pub(crate) delete: bool,
}

/// Handle to the store; cheap to clone.
#[derive(Clone)]
pub(crate) struct Storage {
    state: Arc<RwLock<State>>,
    writer: mpsc::UnboundedSender<writer::Request>,
    /// Every committed event in order, for the controllers of this crate.
    feed: tokio::sync::broadcast::Sender<Arc<Event>>,
}

impl Storage {
    /// Opens or creates the store and starts its writer.
    pub(crate) fn open(path: &Path, sealer: Sealer) -> Result<Self, StorageError> {
        let disk = disk::Disk::open(path, sealer)?;
        let state = Arc::new(RwLock::new(disk.load()?));
        let (sender, receiver) = mpsc::unbounded_channel();
        let (feed, _) = tokio::sync::broadcast::channel(16_384);
        let writer = writer::Writer::new(disk, state.clone(), feed.clone());
        std::thread::Builder::new()
            .name("cluster-writer".to_owned())
            .spawn(move || writer.run(receiver))
            .map_err(StorageError::Thread)?;
        Ok(Self {
            state,
            writer: sender,
            feed,
        })
    }

    /// The published state; hold it shortly and never across an await.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.read().revision
    }

    pub(crate) fn get(&self, table: &TableId, name: &ObjectName) -> Option<Arc<Object>> {
        self.read().get(table, name).cloned()
    }

    /// Every object of a table (of one namespace), and the revision at which this is the truth.
    pub(crate) fn list(&self, table: &TableId, namespace: Option<&str>) -> (u64, Vec<Arc<Object>>) {
        let state = self.read();
        let objects = state.tables.get(table);
        (
            state.revision,
            objects
                .map(|table| table.in_namespace(namespace).cloned().collect())
                .unwrap_or_default(),
        )
    }

    /// Some objects of a table: now, or as they were at a past revision.
    pub(crate) fn select(
        &self,
        table: &TableId,
        revision: Option<u64>,
        select: &Select<'_>,
    ) -> Result<Selected, Gone> {
        let state = self.read();
        let selected = match state.tables.get(table) {
            Some(table) => table.select(revision, select)?,
            None => Selected::take(std::iter::empty(), None),
        };
        Ok(Selected {
            revision: revision.unwrap_or(state.revision),
            ..selected
        })
    }

    /// Events of a table after a revision, and the revision up to which they are complete.
    pub(crate) fn events_after(
        &self,
        table: &TableId,
        revision: u64,
        most: usize,
    ) -> Result<(Vec<Arc<Event>>, u64), Gone> {
        let state = self.read();
        let Some(table) = state.tables.get(table) else {
            return if revision < state.floor {
                Err(Gone { oldest: state.floor })
            } else {
                Ok((Vec::new(), state.revision))
            };
        };
        let events = table.events_after(revision, most)?;
        let complete = match events.last() {
            Some(last) if events.len() == most => last.revision(),
            _ => state.revision,
        };
        Ok((events, complete))
    }

    /// Tells of changes to a table: the value is the newest revision in it.
    pub(crate) fn changes(&self, id: &TableId) -> watch::Receiver<u64> {
        if let Some(table) = self.read().tables.get(id) {
            return table.changed.subscribe();
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.table(id).changed.subscribe()
    }

    /// Revision of the newest change in a table; 0 if there never was one.
    pub(crate) fn changed_at(&self, id: &TableId) -> u64 {
        self.read()
            .tables
            .get(id)
            .map_or(0, |table| *table.changed.borrow())
    }

    /// Every event committed from now on.
    pub(crate) fn feed(&self) -> tokio::sync::broadcast::Receiver<Arc<Event>> {
        self.feed.subscribe()
    }

    /// Objects of a logical cluster whose owner references name a uid.
    pub(crate) fn dependents(&self, cluster: &str, uid: &str) -> Vec<Arc<Object>> {
        let state = self.read();
        let Some(names) = state.owners.get(uid) else {
            return Vec::new();
        };
        names
            .iter()
            .filter(|(table, _)| &*table.cluster == cluster)
            .filter_map(|(table, name)| state.get(table, name).cloned())
            .collect()
    }

    /// Makes a change; when this returns it is durable and visible to every reader.
    pub(crate) async fn commit(&self, change: Change) -> Result<Arc<Object>, CommitError> {
        let (reply, answer) = oneshot::channel();
        let stopped = || CommitError::Failed("storage has been shut down".to_owned());
        self.writer
            .send(writer::Request::Change { change, reply })
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Records, changes or removes a logical cluster; when this returns it is durable.
    pub(crate) async fn order(&self, order: Order) -> Result<(), CommitError> {
        let (reply, answer) = oneshot::channel();
        let stopped = || CommitError::Failed("storage has been shut down".to_owned());
        self.writer
            .send(writer::Request::Order { order, reply })
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// The logical clusters beside the local one.
    pub(crate) fn clusters(&self) -> Vec<ClusterRecord> {
        self.read().clusters.values().cloned().collect()
    }
}
