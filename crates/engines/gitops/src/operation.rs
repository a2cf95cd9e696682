//! Operations: begun durably, run, retried, ended, remembered.

use jiff::Timestamp;
use pave_kube::EventKind;
use pave_manifest::application::{
    Application, HistoryEntry, Operation, OperationState, Status, SyncOperation, SyncResult,
};
use pave_runtime::clock;
use serde_json::Value;
use std::sync::Arc;

use crate::compare::{Comparison, Memory, Request, compare};
use crate::conditions::{self, SYNC_ERROR};
use crate::engine::Engine;
use crate::sync::{Outcome, Sync};
use crate::{events, status};

/// How many successful syncs are remembered unless the Application says otherwise.
const HISTORY: usize = 10;

/// What became of an operation.
pub(crate) enum Progress {
    /// It has ended.
    Ended,
    /// It waits for its next attempt, at this second.
    Waits(i64),
}

/// When the next attempt of a waiting operation is due, if one waits.
pub(crate) fn waits_until(application: &Application) -> Option<i64> {
    let state = application.status.operation_state.as_ref()?;
    if state.phase != "Running" || state.finished_at.is_empty() {
        return None;
    }
    let finished: Timestamp = state.finished_at.parse().ok()?;
    let retry = state.operation.retry.clone().unwrap_or_default();
    let wait = retry.wait_seconds(state.retry_count.saturating_sub(1));
    Some(finished.as_second() + i64::try_from(wait).unwrap_or(i64::MAX))
}

/// What an operation works on.
pub(crate) struct Run<'a> {
    pub(crate) engine: &'a Arc<Engine>,
    pub(crate) object: Arc<Value>,
    pub(crate) application: &'a Application,
    pub(crate) instance: &'a str,
    pub(crate) memory: &'a mut Memory,
    /// The comparison with the newest revision.
    pub(crate) comparison: Comparison,
    pub(crate) operation: Operation,
}

impl Run<'_> {
    /// Runs it to its end or to its next wait.
    pub(crate) async fn run(mut self) -> Progress {
        let asked = self.operation.sync.clone().unwrap_or_default();
        let mut state = self.begin(&asked);
        let control = self.engine.control_namespace.clone();
        let mut begun = status::from_comparison(self.application, &self.comparison, true, &control);
        begun.operation_state = Some(state.clone());
        let intent = status::Intent::Set(&self.operation);
        let object = status::write(self.engine, &self.object, self.application, &begun, &intent).await;
        let comparison = self.comparison_for(&asked).await;
        let outcome = self.sync(&object, &comparison, &asked).await;
        let wait = self.settle(&mut state, &comparison, &asked, outcome);
        Box::pin(self.finish(object, begun, state, &comparison, &asked, wait)).await
    }

    fn begin(&self, asked: &SyncOperation) -> OperationState {
        let known = self.application.status.operation_state.clone();
        // After a restart, or for another attempt, the operation goes on as the one that was begun.
        let resumed = known.filter(|it| it.phase == "Running" && it.operation == self.operation);
        let mut state = resumed.unwrap_or_else(|| OperationState {
            operation: self.operation.clone(),
            started_at: clock::rfc3339(),
            ..OperationState::default()
        });
        "Running".clone_into(&mut state.phase);
        state.finished_at.clear();
        let revision = if asked.revision.is_empty() {
            &self.comparison.revision
        } else {
            &asked.revision
        };
        state.message = format!("syncing to {revision}");
        state
    }

    /// What is synced may be another revision than the newest: a rollback, or what somebody asked for.
    async fn comparison_for(&mut self, asked: &SyncOperation) -> Comparison {
        let source = asked
            .source
            .clone()
            .unwrap_or_else(|| self.comparison.source.clone());
        let same_revision = asked.revision.is_empty()
            || asked.revision == self.comparison.revision
            || asked.revision == source.revision();
        if same_revision && source == self.comparison.source {
            return self.comparison.clone();
        }
        let revision = if asked.revision.is_empty() {
            source.revision()
        } else {
            &asked.revision
        };
        let request = Request {
            revision: revision.to_owned(),
            source,
            fetch: false,
            reuse: false,
        };
        compare(
            self.engine,
            self.application,
            self.instance,
            self.memory,
            &request,
        )
        .await
    }

    async fn sync(&self, object: &Arc<Value>, comparison: &Comparison, asked: &SyncOperation) -> Outcome {
        let name = self.application.project();
        let Some(project) = self.engine.project(name) else {
            let message = format!("Application referencing project {name} which does not exist");
            return Outcome {
                message,
                ..Outcome::default()
            };
        };
        let destination = &self.application.spec.destination;
        let Some(site) = &comparison.site else {
            return Outcome {
                message: comparison.errors(),
                ..Outcome::default()
            };
        };
        let account = project.service_account(&site.server, &destination.namespace);
        if account.is_none() && project.impersonates() {
            let message = format!(
                "no matching service account found for destination server {} and namespace {}: project '{name}' lists \
                 `destinationServiceAccounts`, but none for this destination; the platform team can add one",
                site.server, destination.namespace
            );
            return Outcome {
                message,
                ..Outcome::default()
            };
        }
        let kinds = match site.kinds_as(account.as_ref()) {
            Ok(kinds) => kinds,
            Err(message) => {
                return Outcome {
                    message,
                    ..Outcome::default()
                };
            }
        };
        let sync = Sync {
            site: Arc::clone(site),
            engine: self.engine,
            application: self.application,
            object,
            comparison,
            operation: asked,
            automated: self.operation.initiated_by.automated,
            project,
            kinds,
        };
        sync.run().await
    }

    /// Puts the outcome into the state; gives the second of the next attempt if there is to be one.
    fn settle(
        &self,
        state: &mut OperationState,
        comparison: &Comparison,
        asked: &SyncOperation,
        outcome: Outcome,
    ) -> Option<i64> {
        let now = clock::now();
        state.finished_at = clock::to_rfc3339(now);
        state.message = outcome.message;
        let revision = if comparison.revision.is_empty() {
            asked.revision.clone()
        } else {
            comparison.revision.clone()
        };
        state.sync_result = Some(SyncResult {
            revision,
            source: comparison.source.clone(),
            resources: outcome.resources,
        });
        if outcome.succeeded {
            "Succeeded".clone_into(&mut state.phase);
            return None;
        }
        "Failed".clone_into(&mut state.phase);
        let retry = self.operation.retry.clone().filter(|_| !outcome.terminated)?;
        if retry.limit >= 0 && i64::from(state.retry_count) >= retry.limit {
            return None;
        }
        let wait = i64::try_from(retry.wait_seconds(state.retry_count)).unwrap_or(i64::MAX);
        state.retry_count += 1;
        let due = now.as_second().saturating_add(wait);
        let at = Timestamp::from_second(due)
            .map(clock::to_rfc3339)
            .unwrap_or_default();
        state.message = format!(
            "{}. Retrying attempt #{} at {at}.",
            state.message, state.retry_count
        );
        "Running".clone_into(&mut state.phase);
        Some(due)
    }

    async fn finish(
        self,
        object: Arc<Value>,
        begun: Status,
        state: OperationState,
        synced: &Comparison,
        asked: &SyncOperation,
        wait: Option<i64>,
    ) -> Progress {
        let Run {
            engine,
            application,
            instance,
            memory,
            comparison,
            ..
        } = self;
        let request = Request {
            revision: comparison.source.revision().to_owned(),
            source: comparison.source.clone(),
            fetch: false,
            reuse: true,
        };
        let after = compare(engine, application, instance, memory, &request).await;
        let current = Application {
            status: begun.clone(),
            ..application.clone()
        };
        let control = &engine.control_namespace;
        let mut finished = status::from_comparison(&current, &after, true, control);
        tell(engine, &object, &state, synced);
        if !state.is_successful() && self.operation.initiated_by.automated {
            let message = format!(
                "Failed last sync attempt to {}: {}",
                synced.revision, state.message
            );
            let mut found = after.conditions.clone();
            found.push((SYNC_ERROR, message));
            finished.conditions = conditions::merge(&begun.conditions, found, &clock::rfc3339());
        }
        if state.is_successful() && asked.resources.is_empty() && !asked.dry_run {
            remember(application, &mut finished, &state, synced);
        }
        let waits = wait.is_some();
        finished.operation_state = Some(state);
        let intent = if waits {
            status::Intent::Keep
        } else {
            status::Intent::Clear
        };
        status::write(engine, &object, &current, &finished, &intent).await;
        wait.map_or(Progress::Ended, Progress::Waits)
    }
}

fn tell(engine: &Arc<Engine>, object: &Arc<Value>, state: &OperationState, synced: &Comparison) {
    let revision = &synced.revision;
    if state.is_successful() {
        let message = format!("Sync operation to {revision} succeeded");
        events::emit(engine, object, EventKind::Normal, "OperationCompleted", message);
    } else {
        let message = format!("Sync operation to {revision} failed: {}", state.message);
        events::emit(engine, object, EventKind::Warning, "OperationCompleted", message);
    }
}

fn remember(application: &Application, status: &mut Status, state: &OperationState, synced: &Comparison) {
    status.history.push(HistoryEntry {
        id: status.history.last().map_or(0, |last| last.id + 1),
        revision: synced.revision.clone(),
        source: synced.source.clone(),
        deploy_started_at: state.started_at.clone(),
        deployed_at: state.finished_at.clone(),
        initiated_by: state.operation.initiated_by.clone(),
    });
    let limit = application.spec.revision_history_limit.unwrap_or(HISTORY);
    let surplus = status.history.len().saturating_sub(limit);
    status.history.drain(..surplus);
}
