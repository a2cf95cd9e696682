//! Where a run tells what happens: the database, or a list for previews.

use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::error::ScaffolderError;
use crate::model::{EventKind, StepStatus};
use crate::preview::LogLine;
use crate::store::{Recorded, Store};

/// What is known of a step from before an interruption.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepRecord {
    pub(crate) status: String,
    pub(crate) output: Map<String, Value>,
}

/// Takes down what happens to a run.
pub(crate) trait Recorder: Send + Sync {
    /// A line of the log. It does not wait for the disk: the next change of a step does, and comes after it.
    fn log<'a>(
        &'a self,
        step: Option<&'a str>,
        status: Option<StepStatus>,
        message: &'a str,
    ) -> BoxFuture<'a, ()>;

    /// A step changes. Changes reach the disk in the order of the calls; the future tells when this one has.
    fn step(&self, step: &str, status: StepStatus, output: &Map<String, Value>, message: &str) -> Recorded;

    /// What is known of a step from before.
    fn earlier<'a>(&'a self, step: &'a str) -> BoxFuture<'a, Result<Option<StepRecord>, ScaffolderError>>;
}

/// The body of a log event.
pub(crate) fn log_body(step: Option<&str>, status: Option<StepStatus>, message: &str) -> Value {
    let mut body = json!({ "message": message });
    if let Some(step) = step {
        body["stepId"] = Value::from(step);
    }
    if let Some(status) = status {
        body["status"] = Value::from(status.as_str());
    }
    body
}

/// Records in the database.
pub(crate) struct TaskRecorder<'a> {
    pub(crate) store: &'a Store,
    pub(crate) task: &'a str,
}

impl Recorder for TaskRecorder<'_> {
    fn log<'a>(
        &'a self,
        step: Option<&'a str>,
        status: Option<StepStatus>,
        message: &'a str,
    ) -> BoxFuture<'a, ()> {
        let written = self
            .store
            .event(self.task, EventKind::Log, log_body(step, status, message));
        let task = self.task.to_owned();
        // Who follows the log hears of a line when it is on disk, which nobody here waits for.
        drop(tokio::spawn(async move {
            // A line that cannot be kept must not end the task; the next step record will say that the disk is full.
            if let Err(error) = written.await {
                tracing::warn!(task, %error, "a log line was lost");
            }
        }));
        Box::pin(async {})
    }

    fn step(&self, step: &str, status: StepStatus, output: &Map<String, Value>, message: &str) -> Recorded {
        self.store.step(self.task, step, status, output, message)
    }

    fn earlier<'a>(&'a self, step: &'a str) -> BoxFuture<'a, Result<Option<StepRecord>, ScaffolderError>> {
        Box::pin(self.store.step_record(self.task, step))
    }
}

/// Keeps what happens in a list.
#[derive(Debug, Default)]
pub(crate) struct ListRecorder {
    pub(crate) lines: Mutex<Vec<LogLine>>,
}

impl ListRecorder {
    fn push(&self, step: Option<&str>, status: Option<StepStatus>, message: &str) {
        let body = log_body(step, status, message);
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(LogLine { body });
    }
}

impl Recorder for ListRecorder {
    fn log<'a>(
        &'a self,
        step: Option<&'a str>,
        status: Option<StepStatus>,
        message: &'a str,
    ) -> BoxFuture<'a, ()> {
        self.push(step, status, message);
        Box::pin(async {})
    }

    fn step(&self, step: &str, status: StepStatus, _output: &Map<String, Value>, message: &str) -> Recorded {
        self.push(Some(step), Some(status), message);
        Box::pin(async { Ok(()) })
    }

    fn earlier<'a>(&'a self, _step: &'a str) -> BoxFuture<'a, Result<Option<StepRecord>, ScaffolderError>> {
        Box::pin(async { Ok(None) })
    }
}
