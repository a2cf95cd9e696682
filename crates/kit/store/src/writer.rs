use std::sync::mpsc;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::StoreError;
use crate::error::is_full;

/// Most writes that share one commit.
const BATCH: usize = 64;

/// Tells a caller how its work ended, once the commit is on disk or has failed.
type Reply = Box<dyn FnOnce(Result<(), &rusqlite::Error>) + Send>;
/// Work for the writer: runs in the transaction, and gives the reply to send after the commit and whether to keep its changes.
type Job = Box<dyn FnOnce(&Transaction<'_>) -> (bool, Reply) + Send>;

/// The one thread that writes.
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> Self {
        let (jobs, queue) = mpsc::channel();
        let spawned = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || serve(connection, &queue));
        if let Err(error) = spawned {
            // The queue is gone with the closure, so every write answers `Closed`.
            tracing::error!(%error, "cannot start the writer thread");
        }
        Self { jobs }
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            let result = work(transaction);
            let keep = result.is_ok();
            let reply: Reply = Box::new(move |committed| {
                let answer = match (result, committed) {
                    (Err(error), _) => Err(StoreError::Statement(error)),
                    (Ok(_), Err(error)) => Err(StoreError::Commit(error.to_string(), is_full(error))),
                    (Ok(value), Ok(())) => Ok(value),
                };
                // A caller that went away does not need the answer.
                drop(sender.send(answer));
            });
            (keep, reply)
        });
        self.jobs.send(job).map_err(|_| StoreError::Closed)?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }
}

fn serve(mut connection: Connection, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        let mut replies = Vec::with_capacity(batch.len());
        let outcome = commit(&mut connection, batch, &mut replies);
        for reply in replies {
            reply(outcome.as_ref().copied());
        }
    }
}

fn commit(connection: &mut Connection, batch: Vec<Job>, replies: &mut Vec<Reply>) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in batch {
        transaction.execute_batch("SAVEPOINT job")?;
        let (keep, reply) = job(&transaction);
        replies.push(reply);
        transaction.execute_batch(if keep {
            "RELEASE job"
        } else {
            "ROLLBACK TO job; RELEASE job"
        })?;
    }
    transaction.commit()
}
