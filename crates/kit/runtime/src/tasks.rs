use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock;

/// Registry of background tasks: who runs, since when, and one token that ends them all.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    token: CancellationToken,
    running: Arc<Mutex<BTreeMap<u64, TaskStatus>>>,
}

/// A background task as the system page shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus {
    /// Name given at the start.
    pub name: &'static str,
    /// When it began.
    pub started_at: Timestamp,
}

impl Tasks {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a future in the background until it ends or the process does.
    ///
    /// Loops watch [`Tasks::token`] and return when it is cancelled.
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let id = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let running = Arc::clone(&self.running);
        lock(&running).insert(
            id,
            TaskStatus {
                name,
                started_at: clock::now(),
            },
        );
        let task = async move {
            let _entry = Entry { id, running };
            future.await;
        };
        drop(self.tracker.spawn(task));
    }

    /// Cancelled when the process is to end.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Ends all tasks: asks them to, then waits at most `deadline`.
    pub async fn shutdown(&self, deadline: Duration) {
        self.token.cancel();
        self.tracker.close();
        if tokio::time::timeout(deadline, self.tracker.wait()).await.is_err() {
            let names: Vec<_> = self.status().into_iter().map(|task| task.name).collect();
            tracing::warn!(?names, "tasks did not end in time");
        }
    }

    /// What runs now, oldest first.
    #[must_use]
    pub fn status(&self) -> Vec<TaskStatus> {
        lock(&self.running).values().cloned().collect()
    }
}

struct Entry {
    id: u64,
    running: Arc<Mutex<BTreeMap<u64, TaskStatus>>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.id);
    }
}

fn lock(running: &Mutex<BTreeMap<u64, TaskStatus>>) -> std::sync::MutexGuard<'_, BTreeMap<u64, TaskStatus>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_end_when_asked() {
        let tasks = Tasks::new();
        let token = tasks.token();
        tasks.spawn("waiter", async move { token.cancelled().await });
        assert_eq!(tasks.status().len(), 1);
        tasks.shutdown(Duration::from_secs(5)).await;
        assert!(tasks.status().is_empty());
    }
}
