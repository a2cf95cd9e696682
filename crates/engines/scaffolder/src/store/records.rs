//! What happens to a task: events and the records of its steps.

use std::future::ready;

use futures::FutureExt;
use futures::future::BoxFuture;
use pave_runtime::clock;
use pave_store::rusqlite::{OptionalExtension, Transaction, params};
use serde_json::{Map, Value};

use super::Store;
use super::rows::{event_row, event_sql};
use crate::error::ScaffolderError;
use crate::model::{Event, EventKind, StepStatus};
use crate::recorder::{StepRecord, log_body};

/// Ready when something that was handed over is on disk.
pub(crate) type Recorded = BoxFuture<'static, Result<(), ScaffolderError>>;

impl Store {
    /// Hands a write to the writer at once, after all that were handed to it before; the future tells when it is on
    /// disk. Dropping the future does not undo the write.
    fn hand_over(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> pave_store::rusqlite::Result<()> + Send + 'static,
    ) -> Recorded {
        let store = self.clone();
        let mut write = async move {
            store.database.write(work).await?;
            store.notify();
            Ok(())
        }
        .boxed();
        // The first poll hands the work over.
        match (&mut write).now_or_never() {
            Some(result) => ready(result).boxed(),
            None => write,
        }
    }

    pub(crate) fn event(&self, task: &str, kind: EventKind, body: Value) -> Recorded {
        let task = task.to_owned();
        self.hand_over(move |transaction| add_event(transaction, &task, kind, &body))
    }

    /// Events after an id; the completion is always among them.
    pub(crate) async fn events(&self, task: &str, after: i64) -> Result<Vec<Event>, ScaffolderError> {
        let task = task.to_owned();
        let rows = self
            .database
            .read(move |connection| {
                connection
                    .prepare_cached(event_sql())?
                    .query_map(params![task, after], event_row)?
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
        rows.into_iter().collect()
    }

    pub(crate) fn step(
        &self,
        task: &str,
        step: &str,
        status: StepStatus,
        output: &Map<String, Value>,
        message: &str,
    ) -> Recorded {
        let output = match self.seal(&Value::Object(output.clone())) {
            Ok(output) => output,
            Err(error) => return ready(Err(error)).boxed(),
        };
        let (task, step) = (task.to_owned(), step.to_owned());
        let body = log_body(Some(&step), Some(status), message);
        self.hand_over(move |transaction| {
            transaction.execute(
                "INSERT INTO steps (task, step, status, output) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (task, step) DO UPDATE SET status = excluded.status, output = excluded.output",
                params![task, step, status.as_str(), output],
            )?;
            add_event(transaction, &task, EventKind::Log, &body)
        })
    }

    pub(crate) async fn step_record(
        &self,
        task: &str,
        step: &str,
    ) -> Result<Option<StepRecord>, ScaffolderError> {
        let (task, step) = (task.to_owned(), step.to_owned());
        let found: Option<(String, Option<Vec<u8>>)> = self
            .database
            .read(move |connection| {
                let sql = "SELECT status, output FROM steps WHERE task = ?1 AND step = ?2";
                connection
                    .query_row(sql, params![task, step], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .await?;
        let Some((status, sealed)) = found else {
            return Ok(None);
        };
        let output = match sealed.map(|sealed| self.unseal(&sealed)).transpose()? {
            Some(Value::Object(output)) => output,
            _ => Map::new(),
        };
        Ok(Some(StepRecord { status, output }))
    }
}

/// Adds an event in somebody's transaction.
pub(super) fn add_event(
    transaction: &Transaction<'_>,
    task: &str,
    kind: EventKind,
    body: &Value,
) -> pave_store::rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO events (task, kind, body, created_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            task,
            kind.as_str(),
            body.to_string(),
            clock::unix_millis()
        ])?;
    Ok(())
}
