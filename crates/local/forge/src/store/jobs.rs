//! Work that outlives its request: imports, copies of commits, fork syncs. And what services say of commits.

use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::rows::{json_at, to_json};
use super::{Store, StoreError};

/// What a job does; each kind is asked for under a path of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    Import,
    ForkSync,
    CherryPick,
    Revert,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::ForkSync => "forkSync",
            Self::CherryPick => "cherryPick",
            Self::Revert => "revert",
        }
    }
}

/// One piece of such work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    #[serde(skip)]
    pub(crate) id: i64,
    pub(crate) repository: Uuid,
    pub(crate) kind: Kind,
    /// Upstream's word: queued, inProgress, completed, failed.
    #[serde(skip)]
    pub(crate) status: String,
    /// What was asked for, as the client gave it.
    pub(crate) parameters: Value,
    /// How far it came, in upstream's form for this kind.
    pub(crate) detail: Value,
}

impl Store {
    /// Adds a job (id 0) or writes a changed one down.
    pub(crate) async fn keep_job(&self, mut job: Job) -> Result<Job, StoreError> {
        self.database
            .write(move |tx| {
                if job.id == 0 {
                    let sql = "INSERT INTO job (repository_id, kind, status, body) VALUES (?1, ?2, '', '')";
                    tx.execute(sql, params![job.repository.to_string(), job.kind.word()])?;
                    job.id = tx.last_insert_rowid();
                }
                let sql = "UPDATE job SET status = ?2, body = ?3 WHERE id = ?1";
                tx.execute(sql, params![job.id, job.status, to_json(&job)])?;
                Ok(job)
            })
            .await
    }

    /// The jobs of one kind of a repository, newest first.
    pub(crate) async fn jobs(&self, repository: Uuid, kind: Kind) -> Result<Vec<Job>, StoreError> {
        self.database
            .read(move |connection| {
                let sql = "SELECT id, status, body FROM job WHERE repository_id = ?1 AND kind = ?2
                           ORDER BY id DESC LIMIT 1000";
                let mut statement = connection.prepare_cached(sql)?;
                let rows = statement.query_map(params![repository.to_string(), kind.word()], read_job)?;
                rows.collect()
            })
            .await
    }

    pub(crate) async fn job(&self, repository: Uuid, kind: Kind, id: i64) -> Result<Option<Job>, StoreError> {
        self.database
            .read(move |connection| {
                let sql =
                    "SELECT id, status, body FROM job WHERE id = ?1 AND repository_id = ?2 AND kind = ?3";
                let mut statement = connection.prepare_cached(sql)?;
                let key = params![id, repository.to_string(), kind.word()];
                statement.query_row(key, read_job).optional()
            })
            .await
    }

    /// Gives up what an earlier process had not ended: references move in one step at the very end, or not at all.
    pub(crate) async fn break_off_jobs(&self) -> Result<(), StoreError> {
        self.database
            .write(|tx| {
                let sql =
                    "UPDATE job SET status = 'failed', body = json_set(body, '$.detail.errorMessage', ?1,
                             '$.detail.failureMessage', ?1) WHERE status IN ('queued', 'inProgress')";
                tx.execute(sql, ["The forge was stopped in the middle of it; ask again."])?;
                Ok(())
            })
            .await
    }

    /// Adds what a service says of a commit; gives its id.
    pub(crate) async fn add_commit_status(
        &self,
        repository: Uuid,
        commit: &str,
        body: Value,
    ) -> Result<i64, StoreError> {
        let commit = commit.to_owned();
        self.database
            .write(move |tx| {
                let sql = "INSERT INTO commit_status (repository_id, commit_id, body) VALUES (?1, ?2, ?3)";
                tx.execute(sql, params![repository.to_string(), commit, body.to_string()])?;
                Ok(tx.last_insert_rowid())
            })
            .await
    }

    /// What services say of a commit, newest first.
    pub(crate) async fn commit_statuses(
        &self,
        repository: Uuid,
        commit: &str,
    ) -> Result<Vec<(i64, Value)>, StoreError> {
        let commit = commit.to_owned();
        self.database
            .read(move |connection| {
                let sql = "SELECT id, body FROM commit_status WHERE repository_id = ?1 AND commit_id = ?2
                           ORDER BY id DESC LIMIT 1000";
                let mut statement = connection.prepare_cached(sql)?;
                let key = params![repository.to_string(), commit];
                statement
                    .query_map(key, |row| Ok((row.get(0)?, json_at(row, 1)?)))?
                    .collect()
            })
            .await
    }
}

fn read_job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let mut job: Job = json_at(row, 2)?;
    job.id = row.get(0)?;
    job.status = row.get(1)?;
    Ok(job)
}
