//! Looks at runs again when something about their checks may have changed by itself: hours that begin, time that is over.

use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};

use crate::engine::advance;
use crate::pipelines::Pipelines;

/// Between two looks at something that is due and does not move.
const PAUSE: Duration = Duration::from_secs(5);

/// Looks until the end.
pub(crate) async fn watch(pipelines: Arc<Pipelines>) {
    let token = pipelines.options().tasks.token();
    loop {
        let changed = pipelines.gates_changed.notified();
        let next = next(&pipelines).await;
        let until = next
            .and_then(|at| Timestamp::from_second(at).ok())
            .unwrap_or_else(|| {
                let now = pipelines.clock().now();
                now.checked_add(24.hours()).unwrap_or(Timestamp::MAX)
            });
        tokio::select! {
            () = token.cancelled() => return,
            () = changed => {}
            () = pipelines.clock().wait_until(until) => {
                wake(&pipelines).await;
                // Something that is due and stays so, such as while the disk is full, is not tried without a pause.
                if self::next(&pipelines).await.is_some_and(|at| at <= pipelines.clock().now().as_second()) {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// When something changes next, in seconds since the epoch.
async fn next(pipelines: &Pipelines) -> Option<i64> {
    let mut next: Option<i64> = None;
    for run in pipelines.all_active() {
        let run = run.lock().await;
        next = [next, run.next_look()].into_iter().flatten().min();
    }
    next
}

async fn wake(pipelines: &Arc<Pipelines>) {
    let now = pipelines.clock().now().as_second();
    for active in pipelines.all_active() {
        let (id, due) = {
            let run = active.lock().await;
            (run.id, run.next_look().is_some_and(|at| at <= now))
        };
        if due {
            advance(pipelines, id).await;
        }
    }
}
