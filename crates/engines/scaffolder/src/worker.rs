//! Takes tasks and runs them.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use pave_names::State;
use serde_json::json;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::action::{ActionError, Registry};
use crate::context::Context;
use crate::error::ScaffolderError;
use crate::hops;
use crate::model::{Task, TaskStatus};
use crate::recorder::TaskRecorder;
use crate::redact::Redactor;
use crate::run::{Ending, Run};
use crate::store::Store;
use crate::workspace::{CHECKOUTS, Workspace};

/// How often a running task shows that it runs.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How often tasks are looked for that nobody runs any more.
const WATCH: Duration = Duration::from_secs(60);
/// Upstream's words for a task that was lost.
const LOST: &str = "The task was cancelled because the task worker lost connection to the task database";
/// How long to wait before asking again when the database failed.
const PAUSE: Duration = Duration::from_secs(2);

/// Everything that runs tasks.
pub(crate) struct Worker {
    pub(crate) context: Context,
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) http: reqwest::Client,
    pub(crate) tasks: pave_runtime::Tasks,
    pub(crate) wake: Notify,
    pub(crate) slots: Arc<Semaphore>,
    /// Held while tasks are claimed, and while lost ones are looked for.
    pub(crate) claiming: tokio::sync::Mutex<()>,
    /// Tokens of running tasks, to stop them.
    pub(crate) running: Mutex<HashMap<String, CancellationToken>>,
}

impl Worker {
    /// Takes tasks until the process ends.
    pub(crate) async fn work(self: Arc<Self>) {
        let ended = self.tasks.token();
        while !ended.is_cancelled() {
            let woken = self.wake.notified();
            let pause = match self.take().await {
                Ok(()) => None,
                Err(error) => {
                    tracing::error!(%error, "tasks cannot be taken");
                    Some(PAUSE)
                }
            };
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
                () = ended.cancelled() => {}
            }
        }
    }

    /// Takes as many tasks as there are free slots, with one commit for all of them.
    async fn take(self: &Arc<Self>) -> Result<(), ScaffolderError> {
        loop {
            let mut slots: Vec<_> =
                std::iter::from_fn(|| Arc::clone(&self.slots).try_acquire_owned().ok()).collect();
            if slots.is_empty() {
                return Ok(());
            }
            let claiming = self.claiming.lock().await;
            let limit = u32::try_from(slots.len()).unwrap_or(u32::MAX);
            let claimed = self.store.claim(limit).await?;
            if claimed.is_empty() {
                return Ok(());
            }
            for (task, slot) in claimed.into_iter().zip(slots.drain(..)) {
                let token = CancellationToken::new();
                self.running().insert(task.id.clone(), token.clone());
                self.start(task, token, slot);
            }
            drop(claiming);
        }
    }

    fn start(self: &Arc<Self>, task: Task, token: CancellationToken, slot: OwnedSemaphorePermit) {
        let worker = Arc::clone(self);
        self.tasks.spawn("scaffolder-task", async move {
            let ended = worker.tasks.token();
            // When the process ends the task is dropped where it stands, as in a crash: it goes on at the next start.
            let run = AssertUnwindSafe(worker.run(&task, &token)).catch_unwind();
            let panicked = tokio::select! {
                result = run => result.is_err(),
                () = ended.cancelled() => false,
            };
            if panicked {
                worker
                    .wait(
                        &task,
                        "an internal failure stopped it; see the program's log, then retry",
                    )
                    .await;
            }
            worker.running().remove(&task.id);
            drop(slot);
            worker.wake.notify_one();
        });
    }

    pub(crate) fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, task: &Task, token: &CancellationToken) {
        let beat = async {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                if let Err(error) = self.store.heartbeat(&task.id).await {
                    tracing::warn!(task = task.id, %error, "heartbeat failed");
                }
            }
        };
        let result = tokio::select! {
            result = self.run_steps(task, token) => result,
            () = beat => return,
        };
        if let Err(error) = result {
            self.unable(task, &error).await;
        }
    }

    /// The scaffolder itself failed, not a step: the task waits rather than being lost.
    async fn unable(&self, task: &Task, error: &ScaffolderError) {
        tracing::error!(
            task = task.id,
            error = error as &dyn std::error::Error,
            "task cannot go on"
        );
        let reason = if error.is_full() {
            "the disk is full: free some space, then retry the task".to_owned()
        } else {
            format!("{error}: retry the task when that is resolved")
        };
        self.wait(task, &reason).await;
    }

    async fn wait(&self, task: &Task, reason: &str) {
        hops::task(&self.context.journal, task, State::Waiting, reason).await;
        if let Err(error) = self.store.set_waiting(&task.id, reason).await {
            tracing::error!(task = task.id, %error, "the task's state cannot be stored; it goes on at the next start");
        }
    }

    async fn run_steps(&self, task: &Task, token: &CancellationToken) -> Result<(), ScaffolderError> {
        if self.store.is_cancelling(&task.id).await? {
            token.cancel();
        }
        let secrets = self.store.secrets(&task.id).await?;
        let redactor = Redactor::default();
        redactor.hide(&secrets);
        redactor.hide(&self.context.defaults.environment["secrets"]);
        let directory = self.context.workspaces.join(&task.id);
        let fresh_workspace = !directory.exists();
        let failed = |source| ScaffolderError::Workspace {
            action: "make the directory".to_owned(),
            source,
        };
        let workspace = Workspace::open(&directory).map_err(failed)?;
        let recorder = TaskRecorder {
            store: &self.store,
            task: &task.id,
        };
        let (planned, findings) = (Mutex::default(), Mutex::default());
        let run = Run {
            services: &self.context,
            registry: &self.registry,
            recorder: &recorder,
            workspace: &workspace,
            task_id: &task.id,
            spec: &task.spec,
            secrets: &secrets,
            principal: &task.principal,
            road: &task.road,
            direction: task.direction,
            directory: &[],
            is_preview: false,
            fresh_workspace,
            cancelled: token,
            redactor: &redactor,
            http: &self.http,
            planned: &planned,
            findings: &findings,
        };
        // The journal has a disk wait of its own; nothing that follows is decided by it.
        let begun = hops::task(&self.context.journal, task, State::Running, "");
        let ((), ending) = tokio::join!(begun, run.run());
        let ending = ending?;
        self.end(task, ending).await?;
        if let Err(error) = workspace.remove() {
            tracing::warn!(task = task.id, %error, "the workspace cannot be removed");
        }
        Ok(())
    }

    /// The hop goes before the state: a crash between the two leaves a task that runs again and says so.
    async fn end(&self, task: &Task, ending: Ending) -> Result<(), ScaffolderError> {
        let journal = &self.context.journal;
        match ending {
            Ending::Completed(output) => {
                hops::task(journal, task, State::Ok, "").await;
                let body = json!({ "message": "Run completed with status: completed", "output": output });
                self.store.finish(&task.id, TaskStatus::Completed, body).await
            }
            Ending::Failed(error) => {
                hops::task(journal, task, State::Failed, &error.message).await;
                let mut body = json!({
                    "message": "Run completed with status: failed",
                    "error": { "name": error.name, "message": error.message },
                });
                if !error.diagnostics.is_empty() {
                    body["error"]["diagnostics"] = json!(error.diagnostics);
                }
                self.store.finish(&task.id, TaskStatus::Failed, body).await
            }
            Ending::Cancelled => self.end_cancelled(task).await,
            Ending::Waiting(reason) => {
                hops::task(journal, task, State::Waiting, &reason).await;
                self.store.set_waiting(&task.id, &reason).await
            }
        }
    }

    pub(crate) async fn end_cancelled(&self, task: &Task) -> Result<(), ScaffolderError> {
        hops::task(
            &self.context.journal,
            task,
            State::Failed,
            "cancelled by a person",
        )
        .await;
        let body = json!({ "message": "Run completed with status: cancelled" });
        self.store.finish(&task.id, TaskStatus::Cancelled, body).await
    }

    /// Looks now and then for tasks that nobody runs although they are marked as running.
    pub(crate) async fn watch(self: Arc<Self>) {
        let ended = self.tasks.token();
        loop {
            tokio::select! {
                () = tokio::time::sleep(WATCH) => {}
                () = ended.cancelled() => return,
            }
            if let Err(error) = self.take_up().await {
                tracing::error!(%error, "lost tasks cannot be looked for");
            }
        }
    }

    /// Lets tasks go on whose worker is gone. One that has not been heard of for longer than its time is failed, as
    /// upstream does: what it was asked for may no longer be wanted.
    pub(crate) async fn take_up(&self) -> Result<(), ScaffolderError> {
        let timeout = i64::try_from(self.context.defaults.task_timeout.as_millis()).unwrap_or(i64::MAX);
        let before = pave_runtime::clock::unix_millis().saturating_sub(timeout);
        // Claiming and remembering are two steps: a task that is in between has just shown that it is there.
        let _claiming = self.claiming.lock().await;
        let running: Vec<String> = self.running().keys().cloned().collect();
        for task in self.store.stale(before).await? {
            if running.contains(&task.id) {
                continue;
            }
            tracing::warn!(task = task.id, "task was not heard of for too long");
            let error = ActionError::new("Error", LOST);
            self.end(&task, Ending::Failed(error)).await?;
        }
        let recovered = self.store.recover(&running).await?;
        for id in &recovered {
            tracing::info!(task = id, "task goes on after an interruption");
        }
        if !recovered.is_empty() {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Removes directories that no task needs any more: of previews, and of tasks that ended just before a crash.
    pub(crate) async fn sweep(&self) -> Result<(), ScaffolderError> {
        let failed = |source| ScaffolderError::Workspace {
            action: "list the directories".to_owned(),
            source,
        };
        for entry in std::fs::read_dir(&self.context.workspaces).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let id = name.strip_suffix(CHECKOUTS).unwrap_or(&name).to_owned();
            let needed = match self.store.task(&id).await {
                Ok(task) => !task.status.is_terminal(),
                Err(ScaffolderError::NoTask(_)) => false,
                Err(error) => return Err(error),
            };
            let remove = |path: std::path::PathBuf| {
                if path.is_dir() {
                    std::fs::remove_dir_all(path)
                } else {
                    std::fs::remove_file(path)
                }
            };
            if !needed && let Err(error) = remove(entry.path()) {
                tracing::warn!(id, %error, "an old workspace cannot be removed");
            }
        }
        Ok(())
    }
}
