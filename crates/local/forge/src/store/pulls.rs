//! Pull requests, branch policies, and what is told of them.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use uuid::Uuid;

use super::rows::{json_at, read_subscription, to_json};
use super::{SUBSCRIPTION, Store, StoreError, Subscription};
use crate::pull::PullRequest;
use crate::pull::policy::Policy;
use crate::repository::Repository;

/// An event about a pull request, and what changed, in upstream's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Note {
    /// e.g. `git.pullrequest.updated`.
    pub(crate) kind: &'static str,
    /// e.g. `PushNotification`; empty where it is not asked for.
    pub(crate) notification: &'static str,
}

impl Note {
    pub(crate) const CREATED: Self = Self::new("git.pullrequest.created", "");
    pub(crate) const UPDATED: Self = Self::new("git.pullrequest.updated", "StatusUpdateNotification");
    pub(crate) const PUSHED: Self = Self::new("git.pullrequest.updated", "PushNotification");
    pub(crate) const VOTED: Self = Self::new("git.pullrequest.updated", "ReviewerVoteNotification");
    pub(crate) const REVIEWERS: Self = Self::new("git.pullrequest.updated", "ReviewersUpdateNotification");
    pub(crate) const MERGED: Self = Self::new("git.pullrequest.merged", "");

    const fn new(kind: &'static str, notification: &'static str) -> Self {
        Self { kind, notification }
    }
}

/// Which pull requests are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) repository: Option<Uuid>,
    /// Upstream's word; all when absent.
    pub(crate) status: Option<&'static str>,
}

impl Store {
    /// Adds a pull request under a new id; `None` if an active one for the same two branches is there.
    pub(crate) async fn add_pull(
        &self,
        mut pull: PullRequest,
        repository: &Repository,
        notes: Vec<Note>,
    ) -> Result<Option<PullRequest>, StoreError> {
        let repository = repository.clone();
        self.database
            .write(move |tx| {
                let added = tx.execute(
                    "INSERT INTO pull_request (repository_id, source, target, status, body)
                     VALUES (?1, ?2, ?3, ?4, '') ON CONFLICT DO NOTHING",
                    params![
                        pull.repository.to_string(),
                        pull.source,
                        pull.target,
                        pull.status.word()
                    ],
                )?;
                if added == 0 {
                    return Ok(None);
                }
                pull.id = tx.last_insert_rowid();
                put(tx, &pull)?;
                tell(tx, &pull, &repository, &notes)?;
                Ok(Some(pull))
            })
            .await
    }

    /// Writes a pull request down and owes what is told of it; false if another active one is in its way.
    pub(crate) async fn keep_pull(
        &self,
        pull: &PullRequest,
        repository: &Repository,
        notes: Vec<Note>,
    ) -> Result<bool, StoreError> {
        let (pull, repository) = (pull.clone(), repository.clone());
        self.database
            .write(move |tx| {
                if pull.is_active() && find_active(tx, &pull)?.is_some_and(|id| id != pull.id) {
                    return Ok(false);
                }
                put(tx, &pull)?;
                tell(tx, &pull, &repository, &notes)?;
                Ok(true)
            })
            .await
    }

    /// The id of the active pull request of the same branches.
    pub(crate) async fn active_pull(&self, pull: &PullRequest) -> Result<Option<i64>, StoreError> {
        let pull = pull.clone();
        self.database
            .read(move |connection| find_active(connection, &pull))
            .await
    }

    pub(crate) async fn pull(&self, id: i64) -> Result<Option<PullRequest>, StoreError> {
        self.database
            .read(move |connection| {
                let mut statement =
                    connection.prepare_cached("SELECT body FROM pull_request WHERE id = ?1")?;
                statement.query_row([id], |row| json_at(row, 0)).optional()
            })
            .await
    }

    /// Pull requests, newest first.
    pub(crate) async fn pulls(&self, wanted: Wanted) -> Result<Vec<PullRequest>, StoreError> {
        self.database
            .read(move |connection| {
                let sql = "SELECT pull_request.body FROM pull_request
                           JOIN repository ON repository.id = pull_request.repository_id AND repository.deleted_at IS NULL
                           WHERE (?1 IS NULL OR repository_id = ?1) AND (?2 IS NULL OR status = ?2)
                           ORDER BY pull_request.id DESC";
                let mut statement = connection.prepare_cached(sql)?;
                let repository = wanted.repository.map(|id| id.to_string());
                let rows = statement.query_map(params![repository, wanted.status], |row| json_at(row, 0))?;
                rows.collect()
            })
            .await
    }

    /// Branch policies of a project, oldest first.
    pub(crate) async fn policies(&self, project: Uuid) -> Result<Vec<Policy>, StoreError> {
        self.database
            .read(move |connection| {
                let sql = "SELECT id, body FROM policy WHERE project_id = ?1 ORDER BY id";
                let mut statement = connection.prepare_cached(sql)?;
                statement.query_map([project.to_string()], read_policy)?.collect()
            })
            .await
    }

    /// Adds a policy (id 0) or writes a changed one down.
    pub(crate) async fn keep_policy(&self, mut policy: Policy) -> Result<Policy, StoreError> {
        self.database
            .write(move |tx| {
                let project = policy.project.to_string();
                if policy.id == 0 {
                    tx.execute("INSERT INTO policy (project_id, body) VALUES (?1, '')", [project])?;
                    policy.id = tx.last_insert_rowid();
                }
                tx.execute(
                    "UPDATE policy SET body = ?2 WHERE id = ?1",
                    params![policy.id, to_json(&policy)],
                )?;
                Ok(policy)
            })
            .await
    }

    pub(crate) async fn delete_policy(&self, project: Uuid, id: i64) -> Result<bool, StoreError> {
        self.database
            .write(move |tx| {
                let sql = "DELETE FROM policy WHERE id = ?1 AND project_id = ?2";
                Ok(tx.execute(sql, params![id, project.to_string()])? == 1)
            })
            .await
    }
}

fn read_policy(row: &Row<'_>) -> rusqlite::Result<Policy> {
    let mut policy: Policy = json_at(row, 1)?;
    policy.id = row.get(0)?;
    Ok(policy)
}

fn find_active(connection: &Connection, pull: &PullRequest) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT id FROM pull_request
               WHERE repository_id = ?1 AND source = ?2 AND target = ?3 AND status = 'active'";
    let key = params![pull.repository.to_string(), pull.source, pull.target];
    connection.query_row(sql, key, |row| row.get(0)).optional()
}

fn put(tx: &Transaction<'_>, pull: &PullRequest) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE pull_request SET source = ?2, target = ?3, status = ?4, body = ?5 WHERE id = ?1",
        params![
            pull.id,
            pull.source,
            pull.target,
            pull.status.word(),
            to_json(pull)
        ],
    )?;
    Ok(())
}

/// Owes each event to every subscription that wants it. The event holds the pull request as it was then.
fn tell(
    tx: &Transaction<'_>,
    pull: &PullRequest,
    repository: &Repository,
    notes: &[Note],
) -> rusqlite::Result<()> {
    for note in notes {
        let wanting: Vec<Subscription> = subscriptions(tx, note.kind)?
            .into_iter()
            .filter(|it| crate::event::wants_pull(it, repository, pull, *note))
            .collect();
        if wanting.is_empty() {
            continue;
        }
        tx.execute(
            "INSERT INTO event (repository_id, kind, body, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![
                repository.id.to_string(),
                note.kind,
                to_json(pull),
                pave_runtime::clock::rfc3339()
            ],
        )?;
        let event = tx.last_insert_rowid();
        for subscription in wanting {
            tx.execute(
                "INSERT INTO delivery (subscription_id, event_id, state, attempts, due_at, problem)
                 VALUES (?1, ?2, 'owed', 0, 0, '')",
                params![subscription.id.to_string(), event],
            )?;
        }
    }
    Ok(())
}

pub(super) fn subscriptions(connection: &Connection, kind: &str) -> rusqlite::Result<Vec<Subscription>> {
    let sql = format!("SELECT {SUBSCRIPTION} FROM subscription WHERE event_type = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    statement
        .query_map([kind], |row| read_subscription(row, 0))?
        .collect()
}
