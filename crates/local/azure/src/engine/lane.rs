//! A lane: takes the oldest operation, does it, and watches the server while there is none.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Engine, Failure};
use crate::postgresql::process::Postmaster;
use crate::store::{Operation, OperationKind, Outcome, Server, ServerState};

/// First and longest pause before something is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(15));
/// How often an operation is begun anew when its server goes away under it.
const ATTEMPTS: u32 = 8;

/// What a turn of a lane led to.
enum Turn {
    /// Something was done; look again at once.
    Done,
    /// Nothing to do but to watch this server, if one runs.
    Watch(Option<Postmaster>),
    /// The server and all its operations are gone.
    Over,
}

/// Runs a lane until its server is gone or we are ended.
pub(super) async fn run(engine: Arc<Engine>, lane: String, mut woken: watch::Receiver<u64>) {
    let cancelled = engine.tasks.token();
    let mut pause = PAUSES.0;
    while !cancelled.is_cancelled() {
        let seen = *woken.borrow_and_update();
        let turn = tokio::select! {
            turn = engine.take_turn(&lane, woken.clone()) => turn,
            () = cancelled.cancelled() => return,
        };
        match turn {
            Ok(Turn::Done) => pause = PAUSES.0,
            Ok(Turn::Over) => {
                if engine.retire(&lane, seen) {
                    return;
                }
            }
            Ok(Turn::Watch(postmaster)) => {
                pause = PAUSES.0;
                watch(&engine, &lane, postmaster, &mut woken).await;
            }
            Err(Failure::Interrupted) => return,
            Err(failure) => {
                tracing::warn!(lane, %failure, "will be tried again");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = woken.changed() => {}
                    () = cancelled.cancelled() => return,
                }
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

async fn watch(
    engine: &Engine,
    lane: &str,
    postmaster: Option<Postmaster>,
    woken: &mut watch::Receiver<u64>,
) {
    let cancelled = engine.tasks.token();
    let ended = async {
        match postmaster {
            Some(postmaster) => postmaster.ended().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = ended => {}
        _ = woken.changed() => {}
        () = cancelled.cancelled() => return,
    }
    if postmaster.is_some_and(|postmaster| !postmaster.is_alive()) {
        tracing::warn!(
            lane,
            "a PostgreSQL server ended unexpectedly and is started again"
        );
        let reason = "the server process ended unexpectedly; it is being started again";
        drop(engine.note_state(lane, ServerState::Starting, reason).await);
    }
}

impl Engine {
    async fn take_turn(self: &Arc<Self>, lane: &str, woken: watch::Receiver<u64>) -> Result<Turn, Failure> {
        let id = lane.to_owned();
        let (operation, server) = self
            .store
            .read(move |connection| Ok((Operation::next(connection, &id)?, Server::find(connection, &id)?)))
            .await?;
        match (operation, server) {
            (Some(operation), _) => {
                tokio::select! {
                    done = self.perform(&operation) => done?,
                    () = self.deletion_comes(&operation, woken) => self.give_way(lane).await?,
                }
                Ok(Turn::Done)
            }
            (None, Some(server)) if server.created && server.wanted => self.keep_running(&server).await,
            (None, Some(_)) => Ok(Turn::Watch(None)),
            (None, None) => Ok(Turn::Over),
        }
    }

    /// Keeps a finished server running; why it cannot stands in its row.
    async fn keep_running(self: &Arc<Self>, server: &Server) -> Result<Turn, Failure> {
        match self.ensure_running(server).await {
            Ok(postmaster) => {
                if server.state != ServerState::Ready.as_str() || !server.reason.is_empty() {
                    self.note_state(&server.id, ServerState::Ready, "").await?;
                }
                Ok(Turn::Watch(Some(postmaster)))
            }
            Err(Failure::Interrupted) => Err(Failure::Interrupted),
            Err(failure) => {
                let reason = pave_diagnostic::with_causes(&failure);
                self.note_state(&server.id, ServerState::Inaccessible, &reason)
                    .await?;
                Err(failure)
            }
        }
    }

    /// Returns when somebody asked for the server's deletion while something else is being done to it.
    async fn deletion_comes(&self, operation: &Operation, mut woken: watch::Receiver<u64>) {
        if matches!(
            operation.kind,
            OperationKind::DeleteServer | OperationKind::DeleteGroup
        ) {
            std::future::pending::<()>().await;
        }
        loop {
            let lane = operation.lane.clone();
            let kind = OperationKind::DeleteServer;
            let asked = self
                .store
                .read(move |connection| Operation::is_pending(connection, &lane, kind))
                .await;
            if asked.unwrap_or(false) {
                return;
            }
            if woken.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Ends what was asked for before a deletion.
    async fn give_way(&self, lane: &str) -> Result<(), Failure> {
        let lane = lane.to_owned();
        let kind = OperationKind::DeleteServer;
        self.store
            .write(
                move |transaction| match Operation::running(transaction, &lane, kind)? {
                    Some(deletion) => Operation::cancel_before(transaction, &deletion),
                    None => Ok(()),
                },
            )
            .await?;
        self.announce();
        Ok(())
    }

    /// Does one operation to its end, good or bad.
    async fn perform(self: &Arc<Self>, operation: &Operation) -> Result<(), Failure> {
        let mut pause = PAUSES.0;
        let mut attempt = 1;
        let failure = loop {
            match self.attempt(operation).await {
                Ok(()) => break None,
                Err(failure @ (Failure::Interrupted | Failure::Store(_))) => return Err(failure),
                Err(Failure::Lost(reason)) if attempt < ATTEMPTS => {
                    self.note_waiting(&operation.id, &reason).await?;
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                    attempt += 1;
                }
                Err(failure) => break Some(failure),
            }
        };
        if let Some(failure) = failure {
            self.fail(operation, &failure).await?;
        }
        self.announce();
        Ok(())
    }

    async fn attempt(self: &Arc<Self>, operation: &Operation) -> Result<(), Failure> {
        match operation.kind {
            OperationKind::CreateServer => Box::pin(self.create_server(operation)).await,
            OperationKind::UpdateServer => Box::pin(self.update_server(operation)).await,
            OperationKind::DeleteServer => Box::pin(self.delete_server(operation)).await,
            OperationKind::StartServer | OperationKind::StopServer | OperationKind::RestartServer => {
                Box::pin(self.switch_server(operation)).await
            }
            OperationKind::DeleteGroup => self.delete_group(operation).await,
            OperationKind::CreateCluster
            | OperationKind::UpdateCluster
            | OperationKind::DeleteCluster
            | OperationKind::StartCluster
            | OperationKind::StopCluster
            | OperationKind::RotateCluster => Box::pin(self.change_cluster(operation)).await,
            _ => Box::pin(self.change_child(operation)).await,
        }
    }

    /// Records a failure and undoes what the operation would have made.
    async fn fail(self: &Arc<Self>, operation: &Operation, failure: &Failure) -> Result<(), Failure> {
        let code = match failure {
            Failure::Refused { code, .. } => (*code).to_owned(),
            _ => "ServerNotReachable".to_owned(),
        };
        let outcome = Outcome::Failed {
            code,
            message: pave_diagnostic::with_causes(failure),
        };
        tracing::warn!(resource = operation.resource, kind = operation.kind.as_str(), %failure, "operation failed");
        match operation.kind {
            OperationKind::CreateServer => self.undo_creation(operation, outcome).await,
            _ => self.undo_change(operation, outcome).await,
        }
    }

    /// Says in the operation what it waits for.
    pub(super) async fn note_waiting(&self, id: &str, message: &str) -> Result<(), Failure> {
        let (id, message) = (id.to_owned(), message.to_owned());
        Ok(self
            .store
            .write(move |transaction| Operation::set_message(transaction, &id, &message))
            .await?)
    }

    /// Says in the server's row what it does and why.
    pub(super) async fn note_state(&self, id: &str, state: ServerState, reason: &str) -> Result<(), Failure> {
        let (id, reason) = (id.to_owned(), reason.to_owned());
        self.store
            .write(move |transaction| Server::set_state(transaction, &id, state, &reason))
            .await?;
        self.announce();
        Ok(())
    }
}
