//! The loop of one Application: wait, compare, decide, sync, write.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pave_kube::EventKind;
use pave_manifest::application::{Application, Operation};
use pave_manifest::options::{REFRESH, SKIP_RECONCILE};
use pave_names::ObjectKey;
use pave_runtime::clock;
use rand::Rng as _;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::automation::{Decision, decide};
use crate::compare::{Comparison, Memory, Request, compare};
use crate::conditions::{self, INVALID_SPEC_ERROR, SYNC_ERROR};
use crate::engine::Engine;
use crate::mailbox::{Letter, Level, Mailbox};
use crate::operation::{Progress, Run, waits_until};
use crate::{deletion, events, status};

/// How often Git is asked although no event came; plus up to half of it, so that not all ask at once.
const POLL: Duration = Duration::from_secs(120);
/// First wait after Git could not be read; doubled up to the poll period.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// The worker of one Application.
pub(crate) struct Worker {
    engine: Arc<Engine>,
    key: ObjectKey,
    instance: String,
    mailbox: Arc<Mailbox>,
    memory: Memory,
    poll_at: Instant,
    wake_at: Option<Instant>,
    failures: u32,
}

impl Worker {
    pub(crate) fn new(engine: Arc<Engine>, key: ObjectKey, instance: String, mailbox: Arc<Mailbox>) -> Self {
        Self {
            engine,
            key,
            instance,
            mailbox,
            memory: Memory::default(),
            poll_at: next_poll(),
            wake_at: None,
            failures: 0,
        }
    }

    pub(crate) async fn run(mut self) {
        let token = self.engine.tasks.token();
        loop {
            let wake_at = self.wake_at.unwrap_or(self.poll_at);
            let timed = |level| Letter {
                level,
                closed: false,
                kinds_came: false,
            };
            let letter = tokio::select! {
                () = token.cancelled() => return,
                letter = self.mailbox.take() => letter,
                () = sleep_until(wake_at), if self.wake_at.is_some() => timed(Level::Recent),
                () = sleep_until(self.poll_at) => timed(Level::Latest),
            };
            if letter.closed {
                for live in self.memory.lives(&self.engine) {
                    live.set_targets(&self.instance, &HashSet::new());
                }
                return;
            }
            tokio::select! {
                () = token.cancelled() => return,
                () = self.reconcile(letter) => {}
            }
        }
    }

    async fn reconcile(&mut self, letter: Letter) {
        let Some(object) = self.engine.live.get(&self.key) else {
            return;
        };
        let application = match Application::from_value((*object).clone()) {
            Ok(application) => application,
            Err(error) => return self.reject(&object, &error.to_string()).await,
        };
        if application.annotation(SKIP_RECONCILE) == Some("true") {
            return;
        }
        if application.metadata.deletion_timestamp.is_some() {
            return deletion::cascade(&self.engine, &object, &application, &self.instance).await;
        }
        let asks_git = letter.level > Level::Recent || application.annotation(REFRESH).is_some();
        if application.annotation(REFRESH) == Some("hard") {
            self.memory.snapshot = None;
        }
        self.wake_at = None;
        let source = application.source().cloned().unwrap_or_default();
        let request = Request {
            revision: source.revision().to_owned(),
            source,
            fetch: asks_git,
            reuse: !asks_git,
        };
        let comparison = compare(
            &self.engine,
            &application,
            &self.instance,
            &mut self.memory,
            &request,
        )
        .await;
        self.mailbox.set_unknown(self.memory.unknown.iter().cloned());
        if asks_git {
            self.poll_at = next_poll();
        }
        self.plan_recovery(&comparison);
        self.act(object, &application, comparison, letter, asks_git).await;
    }

    /// Git could not be read: ask again soon, then less and less often.
    fn plan_recovery(&mut self, comparison: &Comparison) {
        if !comparison.unreachable {
            self.failures = 0;
            return;
        }
        let wait = FIRST_RETRY
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(POLL);
        self.failures += 1;
        self.poll_at = self.poll_at.min(Instant::now() + wait);
    }

    async fn act(
        &mut self,
        object: Arc<Value>,
        application: &Application,
        comparison: Comparison,
        letter: Letter,
        asks_git: bool,
    ) {
        match running_operation(application, &comparison, letter) {
            Running::Waits(due) => {
                self.wake_at(due);
                let failure = last_failure(application);
                self.write(&object, application, &comparison, asks_git, failure)
                    .await;
            }
            Running::Operation(operation) => {
                self.operate(object, application, comparison, *operation).await;
            }
            Running::Overtaken => {
                let application = without_operation(application);
                self.automate(object, &application, comparison, letter, asks_git)
                    .await;
            }
            Running::None => {
                self.automate(object, application, comparison, letter, asks_git)
                    .await;
            }
        }
    }

    async fn automate(
        &mut self,
        object: Arc<Value>,
        application: &Application,
        comparison: Comparison,
        letter: Letter,
        asks_git: bool,
    ) {
        let mut refused = None;
        match decide(application, &comparison, clock::now(), letter.kinds_came) {
            Decision::Nothing => {}
            Decision::Wait(seconds) => self.wake_at = Some(Instant::now() + seconds_of(seconds)),
            Decision::Refuse(message) => refused = Some(message),
            Decision::Sync(operation) => {
                let message = format!("Initiated automated sync to '{}'", comparison.revision);
                events::emit(
                    &self.engine,
                    &object,
                    EventKind::Normal,
                    "OperationStarted",
                    message,
                );
                return self.operate(object, application, comparison, *operation).await;
            }
        }
        self.write(&object, application, &comparison, asks_git, refused)
            .await;
    }

    async fn operate(
        &mut self,
        object: Arc<Value>,
        application: &Application,
        comparison: Comparison,
        operation: Operation,
    ) {
        let run = Run {
            engine: &self.engine,
            object,
            application,
            instance: &self.instance,
            memory: &mut self.memory,
            comparison,
            operation,
        };
        if let Progress::Waits(due) = Box::pin(run.run()).await {
            self.wake_at(due);
        }
    }

    async fn write(
        &self,
        object: &Arc<Value>,
        application: &Application,
        comparison: &Comparison,
        reconciled: bool,
        refused: Option<String>,
    ) {
        let control = &self.engine.control_namespace;
        let mut found = status::from_comparison(application, comparison, reconciled, control);
        if let Some(message) = refused {
            let mut all = comparison.conditions.clone();
            all.push((SYNC_ERROR, message));
            found.conditions = conditions::merge(&application.status.conditions, all, &clock::rfc3339());
        }
        let overtaken = application.operation.is_none() && !object["operation"].is_null();
        let intent = if overtaken {
            status::Intent::Clear
        } else {
            status::Intent::Keep
        };
        status::write(&self.engine, object, application, &found, &intent).await;
    }

    /// The Application cannot even be read.
    async fn reject(&self, object: &Arc<Value>, error: &str) {
        let mut application = Application::default();
        "Unknown".clone_into(&mut application.status.sync.status);
        "Unknown".clone_into(&mut application.status.health.status);
        let mut found = application.status.clone();
        let message = format!("the Application cannot be read: {error}");
        found.conditions = conditions::merge(&[], vec![(INVALID_SPEC_ERROR, message)], &clock::rfc3339());
        status::write(&self.engine, object, &application, &found, &status::Intent::Keep).await;
    }

    fn wake_at(&mut self, due: i64) {
        self.wake_at = Some(Instant::now() + seconds_of(due - clock::unix_seconds()));
    }
}

/// The condition of a sync that is still to be repeated stays.
fn last_failure(application: &Application) -> Option<String> {
    let failed = application
        .status
        .conditions
        .iter()
        .find(|it| it.type_ == SYNC_ERROR)?;
    Some(failed.message.clone())
}

/// What `.operation` asks for now.
enum Running {
    /// Nothing.
    None,
    /// Its next attempt, at this second.
    Waits(i64),
    /// What it says.
    Operation(Box<Operation>),
    /// Nothing any more: it repeats an older commit.
    Overtaken,
}

fn running_operation(application: &Application, comparison: &Comparison, letter: Letter) -> Running {
    let Some(operation) = application.operation.clone().filter(|it| it.sync.is_some()) else {
        return Running::None;
    };
    let Some(due) = waits_until(application) else {
        return Running::Operation(Box::new(operation));
    };
    let revision = operation
        .sync
        .as_ref()
        .map(|sync| sync.revision.as_str())
        .unwrap_or_default();
    // Upstream's retries keep to the commit that failed even when its correction has been pushed. An automated one
    // gives way here.
    let overtaken = operation.initiated_by.automated && revision != comparison.revision;
    if overtaken && !comparison.is_blocked() {
        return Running::Overtaken;
    }
    if clock::unix_seconds() < due && !letter.kinds_came {
        return Running::Waits(due);
    }
    Running::Operation(Box::new(operation))
}

/// An Application whose operation has ended by being overtaken.
fn without_operation(application: &Application) -> Application {
    let mut application = application.clone();
    application.operation = None;
    if let Some(state) = &mut application.status.operation_state {
        "Failed".clone_into(&mut state.phase);
        state.message = format!("{} (not repeated: a newer commit has come)", state.message);
    }
    application
}

fn seconds_of(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds.max(0)).unwrap_or(0))
}

fn next_poll() -> Instant {
    let jitter = rand::rng().random_range(0..=POLL.as_millis() / 2);
    Instant::now() + POLL + Duration::from_millis(u64::try_from(jitter).unwrap_or(0))
}
