//! The tables of tasks, events and steps.

mod records;
mod rows;

use std::path::Path;

use pave_auth::Principal;
use pave_keys::Sealer;
use pave_names::{Direction, RoadId};
use pave_runtime::clock;
use pave_store::Database;
use pave_store::rusqlite::{OptionalExtension, Transaction, params};
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::error::ScaffolderError;
use crate::model::{EventKind, StepStatus, Task, TaskFilter, TaskPage, TaskSpec, TaskStatus};
use crate::recorder::log_body;
pub(crate) use records::Recorded;
use records::add_event;
use rows::{filter_sql, task_row};

const MIGRATIONS: &[&str] = &["
CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  spec TEXT NOT NULL,
  principal TEXT NOT NULL,
  created_by TEXT NOT NULL,
  status TEXT NOT NULL,
  waiting TEXT,
  cancelling INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  heartbeat_at INTEGER,
  secrets BLOB,
  road TEXT NOT NULL,
  direction TEXT NOT NULL
);
CREATE INDEX tasks_by_status ON tasks (status);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX events_by_task ON events (task, id);
CREATE TABLE steps (
  task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  step TEXT NOT NULL,
  status TEXT NOT NULL,
  output BLOB,
  PRIMARY KEY (task, step)
);
"];

/// Columns that [`task_row`] reads, in its order.
const TASK_COLUMNS: &str =
    "id, spec, principal, created_by, status, waiting, created_at, heartbeat_at, road, direction";

/// A task that is to be made.
pub(crate) struct NewTask {
    pub(crate) spec: TaskSpec,
    pub(crate) principal: Principal,
    pub(crate) secrets: Value,
    pub(crate) road: RoadId,
    pub(crate) direction: Direction,
}

/// The scaffolder's database.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    sealer: Sealer,
    changed: watch::Sender<u64>,
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, ScaffolderError> {
    serde_json::to_string(value).map_err(|source| ScaffolderError::Stored {
        what: "value",
        source,
    })
}

impl Store {
    pub(crate) fn open(path: &Path, sealer: Sealer) -> Result<Self, ScaffolderError> {
        let database = Database::open(path, MIGRATIONS)?;
        Ok(Self {
            database,
            sealer,
            changed: watch::Sender::new(0),
        })
    }

    /// Changes whenever an event was added.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn notify(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn seal(&self, value: &Value) -> Result<Vec<u8>, ScaffolderError> {
        Ok(self.sealer.seal(value.to_string().as_bytes())?)
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Value, ScaffolderError> {
        let plain = self.sealer.open_sealed(sealed)?;
        serde_json::from_slice(&plain).map_err(|source| ScaffolderError::Stored {
            what: "sealed value",
            source,
        })
    }

    pub(crate) async fn create(&self, task: NewTask) -> Result<String, ScaffolderError> {
        let id = uuid::Uuid::new_v4().to_string();
        let (spec, principal) = (json(&task.spec)?, json(&task.principal)?);
        let created_by = task.principal.entity.to_string();
        let secrets = self.seal(&task.secrets)?;
        let (road, direction) = (task.road.to_string(), json(&task.direction)?);
        let key = id.clone();
        self.database
            .write(move |transaction| {
                transaction.execute(
                    "INSERT INTO tasks (id, spec, principal, created_by, status, created_at, secrets, road, direction)
                     VALUES (?1, ?2, ?3, ?4, 'open', ?5, ?6, ?7, ?8)",
                    params![key, spec, principal, created_by, clock::unix_millis(), secrets, road, direction],
                )
            })
            .await?;
        Ok(id)
    }

    pub(crate) async fn task(&self, id: &str) -> Result<Task, ScaffolderError> {
        let key = id.to_owned();
        let sql = format!("SELECT {TASK_COLUMNS} FROM tasks WHERE id = ?1");
        let found = self
            .database
            .read(move |connection| connection.query_row(&sql, [key], task_row).optional())
            .await?;
        found.ok_or_else(|| ScaffolderError::NoTask(id.to_owned()))?
    }

    pub(crate) async fn tasks(&self, filter: &TaskFilter) -> Result<TaskPage, ScaffolderError> {
        let (condition, order, arguments) = filter_sql(filter);
        let limit = filter.limit.unwrap_or(usize::MAX >> 1);
        let sql = format!(
            "SELECT {TASK_COLUMNS} FROM tasks {condition} {order} LIMIT {limit} OFFSET {}",
            filter.offset
        );
        let count = format!("SELECT COUNT(*) FROM tasks {condition}");
        let (rows, total) = self
            .database
            .read(move |connection| {
                let arguments = pave_store::rusqlite::params_from_iter(arguments);
                let total: i64 = connection.query_row(&count, arguments.clone(), |row| row.get(0))?;
                let mut statement = connection.prepare(&sql)?;
                let rows = statement
                    .query_map(arguments, task_row)?
                    .collect::<Result<Vec<_>, _>>()?;
                Ok((rows, total))
            })
            .await?;
        Ok(TaskPage {
            tasks: rows.into_iter().collect::<Result<_, _>>()?,
            total_tasks: usize::try_from(total).unwrap_or(0),
        })
    }

    pub(crate) async fn secrets(&self, id: &str) -> Result<Value, ScaffolderError> {
        let id = id.to_owned();
        let sealed: Option<Option<Vec<u8>>> = self
            .database
            .read(move |connection| {
                connection
                    .query_row("SELECT secrets FROM tasks WHERE id = ?1", [id], |row| row.get(0))
                    .optional()
            })
            .await?;
        sealed
            .flatten()
            .map_or_else(|| Ok(Value::Object(Map::new())), |sealed| self.unseal(&sealed))
    }

    /// Takes up to `limit` tasks that are to run, oldest first, and marks them as running.
    pub(crate) async fn claim(&self, limit: u32) -> Result<Vec<Task>, ScaffolderError> {
        let sql = format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE status = 'open' AND waiting IS NULL ORDER BY created_at, rowid LIMIT ?1"
        );
        let rows = self
            .database
            .write(move |transaction| {
                let rows = transaction
                    .prepare_cached(&sql)?
                    .query_map([limit], task_row)?
                    .collect::<Result<Vec<_>, _>>()?;
                for task in rows.iter().flatten() {
                    transaction.execute(
                        "UPDATE tasks SET status = 'processing', heartbeat_at = ?2 WHERE id = ?1",
                        params![task.id, clock::unix_millis()],
                    )?;
                }
                Ok(rows)
            })
            .await?;
        rows.into_iter().collect()
    }

    pub(crate) async fn heartbeat(&self, id: &str) -> Result<(), ScaffolderError> {
        let id = id.to_owned();
        let write = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "UPDATE tasks SET heartbeat_at = ?2 WHERE id = ?1",
                params![id, clock::unix_millis()],
            )
        };
        self.database.write(write).await?;
        Ok(())
    }

    /// What was running and is no longer heard of is to run again, but for the tasks that are `running` here.
    /// Returns those tasks. Called after a start, and now and then.
    pub(crate) async fn recover(&self, running: &[String]) -> Result<Vec<String>, ScaffolderError> {
        let running = Value::from(running.to_vec()).to_string();
        let recovered = self
            .database
            .write(move |transaction| {
                let sql = "SELECT id FROM tasks WHERE status = 'processing'
                           AND id NOT IN (SELECT value FROM json_each(?1))";
                let ids = transaction
                    .prepare(sql)?
                    .query_map([running], |row| row.get::<_, String>(0))?
                    .collect::<Result<Vec<_>, _>>()?;
                for id in &ids {
                    transaction.execute("UPDATE tasks SET status = 'open' WHERE id = ?1", [id])?;
                    let body = serde_json::json!({ "recoverStrategy": "startOver" });
                    add_event(transaction, id, EventKind::Recovered, &body)?;
                }
                Ok(ids)
            })
            .await?;
        Ok(recovered)
    }

    /// The tasks that were running and have not been heard of since a time: too long ago to go on unasked.
    pub(crate) async fn stale(&self, before_millis: i64) -> Result<Vec<Task>, ScaffolderError> {
        let sql = format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE status = 'processing' AND COALESCE(heartbeat_at, created_at) < ?1"
        );
        let rows = self
            .database
            .read(move |connection| {
                connection
                    .prepare(&sql)?
                    .query_map([before_millis], task_row)?
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
        rows.into_iter().collect()
    }

    /// Says what a person must decide before the task goes on.
    pub(crate) async fn set_waiting(&self, id: &str, reason: &str) -> Result<(), ScaffolderError> {
        let (id, reason) = (id.to_owned(), reason.to_owned());
        self.database
            .write(move |transaction| {
                let sql = "UPDATE tasks SET status = 'open', waiting = ?2 WHERE id = ?1";
                transaction.execute(sql, params![id, reason])?;
                add_event(
                    transaction,
                    &id,
                    EventKind::Log,
                    &log_body(None, Some(StepStatus::Open), &reason),
                )
            })
            .await?;
        self.notify();
        Ok(())
    }

    /// Lets a task run again, from the steps that are not in `keep`; its earlier end is forgotten, as upstream does.
    pub(crate) async fn reopen(
        &self,
        id: &str,
        keep: Vec<String>,
        secrets: Option<&Value>,
    ) -> Result<(), ScaffolderError> {
        let id = id.to_owned();
        let secrets = secrets.map(|secrets| self.seal(secrets)).transpose()?;
        let keep = Value::from(keep).to_string();
        self.database
            .write(move |transaction| {
                transaction.execute(
                    "DELETE FROM steps WHERE task = ?1
                     AND NOT (status = 'completed' AND step IN (SELECT value FROM json_each(?2)))",
                    params![id, keep],
                )?;
                transaction.execute(
                    "DELETE FROM events WHERE task = ?1 AND kind IN ('completion', 'cancelled')",
                    params![id],
                )?;
                transaction.execute(
                    "UPDATE tasks SET status = 'open', waiting = NULL, cancelling = 0,
                     secrets = COALESCE(?2, secrets) WHERE id = ?1",
                    params![id, secrets],
                )
            })
            .await?;
        self.notify();
        Ok(())
    }

    /// Ends a task: state, last event and the removal of its secrets are one.
    pub(crate) async fn finish(
        &self,
        id: &str,
        status: TaskStatus,
        body: Value,
    ) -> Result<(), ScaffolderError> {
        let id = id.to_owned();
        self.database
            .write(move |transaction| {
                transaction.execute(
                    "UPDATE tasks SET status = ?2, waiting = NULL, secrets = NULL WHERE id = ?1",
                    params![id, status.as_str()],
                )?;
                add_event(transaction, &id, EventKind::Completion, &body)
            })
            .await?;
        self.notify();
        Ok(())
    }

    /// Notes that a task is to stop. True when this was news.
    pub(crate) async fn request_cancel(&self, id: &str) -> Result<bool, ScaffolderError> {
        let id = id.to_owned();
        let changed = self
            .database
            .write(move |transaction| {
                let changed =
                    transaction.execute("UPDATE tasks SET cancelling = 1 WHERE id = ?1 AND cancelling = 0", [&id])?;
                if changed > 0 {
                    let body = serde_json::json!({ "message": format!("Task {id} has been cancelled."), "status": "cancelled" });
                    add_event(transaction, &id, EventKind::Cancelled, &body)?;
                }
                Ok(changed > 0)
            })
            .await?;
        self.notify();
        Ok(changed)
    }

    pub(crate) async fn is_cancelling(&self, id: &str) -> Result<bool, ScaffolderError> {
        let id = id.to_owned();
        let sql = "SELECT cancelling FROM tasks WHERE id = ?1";
        Ok(self
            .database
            .read(move |connection| connection.query_row(sql, [id], |row| row.get(0)))
            .await?)
    }
}
