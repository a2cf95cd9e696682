//! The course of a job: its steps in order, its time limit, its end.

use std::sync::Arc;
use std::time::Duration;

use pave_pipeline::Outcome;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::job::{Exit, What};
use super::session::Session;
use super::{container, step};

/// How often the wish to cancel is looked for; the signal that comes with it makes it sooner.
const LOOK: Duration = Duration::from_millis(200);

/// How a job is told to stop.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    /// The job was cancelled, or its time is over.
    pub(crate) asked: CancellationToken,
    /// Steps that run although the job was stopped have to end now.
    pub(crate) over: CancellationToken,
    /// The time was over.
    pub(crate) late: CancellationToken,
}

impl Stop {
    /// What ends a step that begins now.
    pub(crate) fn for_step(&self) -> CancellationToken {
        if self.asked.is_cancelled() {
            self.over.clone()
        } else {
            self.asked.clone()
        }
    }
}

/// Runs all steps.
pub(crate) async fn job(session: &Arc<Session>) -> Exit {
    session.event(What::JobStarted);
    if let Err(cause) = container::start(session).await {
        container::remove(session).await;
        return Exit {
            outcome: Outcome::Failed,
            at: pave_runtime::clock::now().to_string(),
            cause,
        };
    }
    let stop = Stop::default();
    let watch = tokio::spawn(watch(Arc::clone(session), stop.clone()));
    for index in 0..session.job.steps.len() {
        step::run(session, index, &stop).await;
    }
    watch.abort();
    container::remove(session).await;
    let outcome = session.state().outcome;
    let minutes = session.job.timeout / 60;
    let cause = if stop.late.is_cancelled() {
        format!(
            "The job ran longer than the maximum time of {minutes} minutes ({} s).",
            session.job.timeout
        )
    } else {
        String::new()
    };
    Exit {
        outcome,
        at: pave_runtime::clock::now().to_string(),
        cause,
    }
}

async fn watch(session: Arc<Session>, stop: Stop) {
    let limit = session.job.timeout;
    let deadline = async {
        if limit == 0 {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_secs(limit)).await;
    };
    tokio::select! {
        () = cancelled(&session) => {}
        () = deadline => stop.late.cancel(),
    }
    let outcome = if stop.late.is_cancelled() {
        Outcome::Failed
    } else {
        Outcome::Canceled
    };
    session.state().outcome = outcome;
    stop.asked.cancel();
    tokio::time::sleep(Duration::from_secs(session.job.cancel_timeout)).await;
    stop.over.cancel();
}

async fn cancelled(session: &Session) {
    let file = session.directory.file("cancel");
    let mut signals = signal(SignalKind::terminate()).ok();
    loop {
        if file.exists() {
            return;
        }
        let told = async {
            match &mut signals {
                Some(signals) => drop(signals.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = told => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
