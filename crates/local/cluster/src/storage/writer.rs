use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use pave_runtime::clock;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::clusters::Order;
use super::disk::Disk;
use super::object::{Event, EventKind, Object, ObjectName, TableId};
use super::state::State;
use super::{Change, CommitError, StorageError};

/// The most changes written in one transaction.
const BATCH: usize = 128;

type Reply = oneshot::Sender<Result<Arc<Object>, CommitError>>;

/// What is to be done, and where its outcome goes.
pub(super) enum Request {
    /// One object.
    Change { change: Change, reply: Reply },
    /// A whole logical cluster.
    Order {
        order: Order,
        reply: oneshot::Sender<Result<(), CommitError>>,
    },
}

/// The one place where revisions are given out.
pub(super) struct Writer {
    disk: Disk,
    state: Arc<RwLock<State>>,
    feed: broadcast::Sender<Arc<Event>>,
    revision: u64,
}

/// Objects as the batch under way leaves them.
type Pending = HashMap<(TableId, ObjectName), Option<Arc<Object>>>;

impl Writer {
    pub(super) fn new(disk: Disk, state: Arc<RwLock<State>>, feed: broadcast::Sender<Arc<Event>>) -> Self {
        let revision = state.read().unwrap_or_else(PoisonError::into_inner).revision;
        Self {
            disk,
            state,
            feed,
            revision,
        }
    }

    /// Works until every handle is gone. What arrives while a transaction is synced goes into the next one.
    pub(super) fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let mut batch = Vec::new();
            let mut next = Some(first);
            while let Some(request) = next.take() {
                match request {
                    Request::Change { change, reply } => batch.push((change, reply)),
                    Request::Order { order, reply } => {
                        // What was asked for before it is done before it.
                        self.work(std::mem::take(&mut batch));
                        drop(reply.send(self.obey(order)));
                    }
                }
                if batch.len() < BATCH {
                    next = requests.try_recv().ok();
                }
            }
            self.work(batch);
        }
    }

    fn obey(&self, order: Order) -> Result<(), CommitError> {
        self.disk.obey(&order).map_err(|error| refusal(&error))?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match order {
            Order::Put(record) => {
                state.clusters.insert(record.id.clone(), record);
            }
            Order::Remove(id) => state.remove_cluster(&id),
        }
        Ok(())
    }

    fn work(&mut self, batch: Vec<(Change, Reply)>) {
        let mut pending = Pending::new();
        let mut replies = Vec::with_capacity(batch.len());
        let mut events = Vec::with_capacity(batch.len());
        let mut revision = self.revision;
        for (change, reply) in batch {
            match self.plan(&mut pending, change, revision + 1) {
                Ok(event) => {
                    revision += 1;
                    replies.push(reply);
                    events.push(event);
                }
                Err(error) => drop(reply.send(Err(error))),
            }
        }
        if let Err(error) = self.disk.write(&events) {
            let error = refusal(&error);
            for reply in replies {
                drop(reply.send(Err(error.clone())));
            }
            return;
        }
        self.revision = revision;
        self.publish(&events);
        for (event, reply) in events.into_iter().zip(replies) {
            drop(reply.send(Ok(event.object.clone())));
        }
    }

    fn plan(&self, pending: &mut Pending, change: Change, revision: u64) -> Result<Arc<Event>, CommitError> {
        let Change {
            table,
            name,
            expected,
            mut value,
            delete,
        } = change;
        let key = (table, name);
        let current = if let Some(current) = pending.get(&key) {
            current.clone()
        } else {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if !state.knows_cluster(&key.0.cluster) {
                return Err(CommitError::Failed("the cluster has been deleted".to_owned()));
            }
            state.get(&key.0, &key.1).cloned()
        };
        if current.as_ref().map(|object| object.revision) != expected {
            return Err(CommitError::Mismatch);
        }
        let kind = match (&current, delete) {
            (_, true) => EventKind::Deleted,
            (None, false) => EventKind::Added,
            (Some(_), false) => EventKind::Modified,
        };
        value["metadata"]["resourceVersion"] = Value::String(revision.to_string());
        let bytes = serde_json::to_vec(&value).map_err(|error| CommitError::Failed(error.to_string()))?;
        let (table, name) = key.clone();
        let object = Arc::new(Object {
            table,
            name,
            revision,
            value,
            bytes: bytes.into(),
        });
        pending.insert(key, (!delete).then(|| object.clone()));
        Ok(Arc::new(Event::new(kind, object, current, clock::unix_seconds())))
    }

    fn publish(&self, events: &[Arc<Event>]) {
        let mut touched: HashMap<&TableId, u64> = HashMap::new();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            state.publish(event);
            touched.insert(&event.object.table, event.revision());
        }
        for (table, revision) in touched {
            state.table(table).changed.send_replace(revision);
        }
        drop(state);
        for event in events {
            // Nobody listening is no failure.
            drop(self.feed.send(event.clone()));
        }
    }
}

fn refusal(error: &StorageError) -> CommitError {
    tracing::error!(error = %error, source = ?std::error::Error::source(error), "objects could not be written");
    match error {
        StorageError::Database(rusqlite::Error::SqliteFailure(failure, _))
            if failure.code == rusqlite::ErrorCode::DiskFull =>
        {
            CommitError::Full
        }
        other => CommitError::Failed(other.to_string()),
    }
}
