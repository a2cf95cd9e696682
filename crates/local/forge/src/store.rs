//! `forge.db`: what exists, what was pushed, who wants to hear of it, and who has not yet.

mod attachments;
mod deliveries;
mod jobs;
mod marks;
mod places;
mod pulls;
mod rows;

use std::path::{Path, PathBuf};

use pave_auth::Principal;
use pave_store::{Database, StoreError};
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::pull::PullRequest;
use crate::repository::{Project, Repository};
pub(crate) use attachments::Attachment;
pub(crate) use jobs::{Job, Kind};
pub(crate) use marks::{Favorite, Lock};
pub(crate) use pulls::{Note, Wanted};
use rows::{directory, read_project, read_push, read_repository, to_json};

const MIGRATIONS: &[&str] = &["
CREATE TABLE project (
  id TEXT PRIMARY KEY, organization TEXT NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL);
CREATE TABLE repository (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES project (id), name TEXT NOT NULL, folded TEXT NOT NULL,
  created_at TEXT NOT NULL, UNIQUE (project_id, folded));
CREATE TABLE push (
  id INTEGER PRIMARY KEY, repository_id TEXT NOT NULL REFERENCES repository (id), pusher TEXT NOT NULL,
  updates TEXT NOT NULL, state TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX push_by_state ON push (state);
CREATE TABLE reference (
  repository_id TEXT NOT NULL REFERENCES repository (id), name TEXT NOT NULL, object TEXT NOT NULL,
  PRIMARY KEY (repository_id, name));
CREATE TABLE subscription (
  id TEXT PRIMARY KEY, organization TEXT NOT NULL, event_type TEXT NOT NULL, body TEXT NOT NULL, secret BLOB,
  created_at TEXT NOT NULL);
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY, subscription_id TEXT NOT NULL REFERENCES subscription (id) ON DELETE CASCADE,
  push_id INTEGER NOT NULL REFERENCES push (id), state TEXT NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER NOT NULL,
  problem TEXT NOT NULL);
CREATE INDEX delivery_by_state ON delivery (state, due_at);
", "
ALTER TABLE project ADD COLUMN deleted_at TEXT;
ALTER TABLE project ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE project ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private';
ALTER TABLE repository ADD COLUMN deleted_at TEXT;
CREATE TABLE pull_request (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository_id TEXT NOT NULL REFERENCES repository (id), source TEXT NOT NULL,
  target TEXT NOT NULL, status TEXT NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX pull_request_active ON pull_request (repository_id, source, target) WHERE status = 'active';
CREATE INDEX pull_request_by_repository ON pull_request (repository_id, status);
CREATE TABLE policy (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL REFERENCES project (id), body TEXT NOT NULL);
CREATE TABLE operation (id TEXT PRIMARY KEY, status TEXT NOT NULL, message TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository_id TEXT NOT NULL REFERENCES repository (id), kind TEXT NOT NULL,
  body TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE new_delivery (
  id INTEGER PRIMARY KEY, subscription_id TEXT NOT NULL REFERENCES subscription (id) ON DELETE CASCADE,
  push_id INTEGER REFERENCES push (id), event_id INTEGER REFERENCES event (id), state TEXT NOT NULL,
  attempts INTEGER NOT NULL, due_at INTEGER NOT NULL, problem TEXT NOT NULL);
INSERT INTO new_delivery (id, subscription_id, push_id, state, attempts, due_at, problem)
  SELECT id, subscription_id, push_id, state, attempts, due_at, problem FROM delivery;
DROP TABLE delivery;
ALTER TABLE new_delivery RENAME TO delivery;
CREATE INDEX delivery_by_state ON delivery (state, due_at);
", "
ALTER TABLE repository ADD COLUMN parent_id TEXT;
CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository_id TEXT NOT NULL REFERENCES repository (id), kind TEXT NOT NULL,
  status TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX job_by_repository ON job (repository_id, kind);
CREATE TABLE commit_status (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository_id TEXT NOT NULL REFERENCES repository (id), commit_id TEXT NOT NULL,
  body TEXT NOT NULL);
CREATE INDEX commit_status_by_commit ON commit_status (repository_id, commit_id);
", "
CREATE TABLE reference_lock (
  repository_id TEXT NOT NULL REFERENCES repository (id), name TEXT NOT NULL, holder TEXT NOT NULL,
  PRIMARY KEY (repository_id, name));
CREATE TABLE favorite (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository_id TEXT NOT NULL REFERENCES repository (id), person TEXT NOT NULL,
  name TEXT NOT NULL, UNIQUE (person, repository_id, name));
CREATE TABLE attachment (
  id INTEGER PRIMARY KEY AUTOINCREMENT, pull_id INTEGER NOT NULL REFERENCES pull_request (id), name TEXT NOT NULL,
  author TEXT NOT NULL, created_at TEXT NOT NULL, content BLOB NOT NULL, UNIQUE (pull_id, name));
"];

/// One reference that moves; forty zeros stand for absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Update {
    pub(crate) name: String,
    pub(crate) old: String,
    pub(crate) new: String,
}

/// A push: intended before it happens, done or abandoned after.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    pub(crate) id: i64,
    pub(crate) repository: Uuid,
    pub(crate) pusher: Principal,
    pub(crate) updates: Vec<Update>,
    pub(crate) created_at: String,
}

/// A wish to be told of events.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) id: Uuid,
    pub(crate) organization: String,
    pub(crate) event_type: String,
    pub(crate) body: serde_json::Value,
    /// The sealed Basic password.
    pub(crate) secret: Option<Vec<u8>>,
    pub(crate) created_at: String,
}

/// An event that somebody has not yet taken.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: i64,
    pub(crate) subscription: Subscription,
    pub(crate) subject: Subject,
    pub(crate) attempts: u32,
}

/// What an event is about.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    Push(Box<Push>),
    /// The event's id, its time, and the pull request as it was then.
    Pull(i64, String, Box<PullRequest>),
}

impl Subject {
    /// The repository it happened in.
    pub(crate) fn repository(&self) -> Uuid {
        match self {
            Self::Push(push) => push.repository,
            Self::Pull(_, _, pull) => pull.repository,
        }
    }
}

/// The tables of the forge.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    repositories: PathBuf,
}

impl Store {
    pub(crate) fn open(file: &Path, repositories: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            database: Database::open(file, MIGRATIONS)?,
            repositories: repositories.to_owned(),
        })
    }

    /// Adds a project unless there is one of that name, and returns it.
    pub(crate) async fn ensure_project(&self, organization: &str, name: &str) -> Result<Project, StoreError> {
        self.describe_project(organization, name, "", "private").await
    }

    /// The same for one that has a description; one that is there keeps its own.
    pub(crate) async fn describe_project(
        &self,
        organization: &str,
        name: &str,
        description: &str,
        visibility: &str,
    ) -> Result<Project, StoreError> {
        let project = Project {
            id: Uuid::new_v4(),
            organization: organization.to_owned(),
            name: name.to_owned(),
            created_at: pave_runtime::clock::rfc3339(),
            description: description.to_owned(),
            visibility: visibility.to_owned(),
        };
        let folded = folded(&[organization, name]);
        self.database
            .write(move |tx| {
                tx.execute(
                    "INSERT INTO project (id, organization, name, folded, created_at, description, visibility)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (folded) DO NOTHING",
                    params![
                        project.id.to_string(),
                        project.organization,
                        project.name,
                        folded,
                        project.created_at,
                        project.description,
                        project.visibility
                    ],
                )?;
                let sql = format!("SELECT {PROJECT} FROM project WHERE folded = ?1");
                tx.query_row(&sql, [folded], read_project)
            })
            .await
    }

    pub(crate) async fn projects(&self, organization: &str) -> Result<Vec<Project>, StoreError> {
        let prefix = folded(&[organization]);
        self.database
            .read(move |connection| {
                let sql = format!("SELECT {PROJECT} FROM project WHERE deleted_at IS NULL ORDER BY folded");
                let mut statement = connection.prepare_cached(&sql)?;
                let found = statement
                    .query_map([], read_project)?
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(found
                    .into_iter()
                    .filter(|it| folded(&[&it.organization]) == prefix)
                    .collect())
            })
            .await
    }

    /// Adds a repository; `None` if the name is taken.
    pub(crate) async fn add_repository(
        &self,
        project: Project,
        name: &str,
        parent: Option<Uuid>,
    ) -> Result<Option<Repository>, StoreError> {
        let id = Uuid::new_v4();
        let repository = Repository {
            id,
            directory: self.directory(id),
            project,
            name: name.to_owned(),
            parent,
        };
        self.database
            .write(move |tx| {
                let added = tx.execute(
                    "INSERT INTO repository (id, project_id, name, folded, created_at, parent_id)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (project_id, folded) DO NOTHING",
                    params![
                        repository.id.to_string(),
                        repository.project.id.to_string(),
                        repository.name,
                        folded(&[&repository.name]),
                        pave_runtime::clock::rfc3339(),
                        repository.parent.map(|id| id.to_string())
                    ],
                )?;
                Ok((added == 1).then_some(repository))
            })
            .await
    }

    pub(crate) async fn repositories(&self) -> Result<Vec<Repository>, StoreError> {
        let root = self.repositories.clone();
        self.database
            .read(move |connection| {
                let sql = format!("{REPOSITORY} ORDER BY project.folded, repository.folded");
                let mut statement = connection.prepare_cached(&sql)?;
                let rows = statement.query_map([], |row| read_repository(row, &root))?;
                rows.collect()
            })
            .await
    }

    /// Writes down what is about to happen.
    pub(crate) async fn intend(
        &self,
        repository: &Repository,
        pusher: &Principal,
        updates: &[Update],
    ) -> Result<i64, StoreError> {
        let (repository, pusher, updates) = (repository.id.to_string(), to_json(pusher), to_json(&updates));
        self.database
            .write(move |tx| {
                tx.execute(
                    "INSERT INTO push (repository_id, pusher, updates, state, created_at)
                     VALUES (?1, ?2, ?3, 'intended', ?4)",
                    params![repository, pusher, updates, pave_runtime::clock::rfc3339()],
                )?;
                Ok(tx.last_insert_rowid())
            })
            .await
    }

    /// A push by its id.
    pub(crate) async fn push(&self, id: i64) -> Result<Option<Push>, StoreError> {
        self.database
            .read(move |connection| {
                let mut statement = connection.prepare_cached(&format!("{PUSH} WHERE push.id = ?1"))?;
                statement.query_row([id], |row| read_push(row, 0)).optional()
            })
            .await
    }

    /// Pushes of which it is not known whether they happened.
    pub(crate) async fn intended(&self, repository: Uuid) -> Result<Vec<Push>, StoreError> {
        self.database
            .read(move |connection| {
                let sql = format!(
                    "{PUSH} WHERE push.state = 'intended' AND push.repository_id = ?1 ORDER BY push.id"
                );
                let mut statement = connection.prepare_cached(&sql)?;
                let rows = statement.query_map([repository.to_string()], |row| read_push(row, 0))?;
                rows.collect()
            })
            .await
    }

    /// Writes down which updates of a push happened, and owes its event to every subscription that wants it.
    pub(crate) async fn conclude(
        &self,
        push: i64,
        repository: &Repository,
        applied: Vec<Update>,
    ) -> Result<(), StoreError> {
        let repository = repository.clone();
        self.database
            .write(move |tx| {
                let state = if applied.is_empty() { "abandoned" } else { "done" };
                let sql = "UPDATE push SET state = ?2, updates = CASE WHEN ?2 = 'done' THEN ?3 ELSE updates END WHERE id = ?1";
                tx.execute(sql, params![push, state, to_json(&applied)])?;
                for update in &applied {
                    note_reference(tx, &repository, update)?;
                }
                if applied.is_empty() { Ok(()) } else { owe(tx, push, &repository, &applied) }
            })
            .await
    }

    /// What the references were when last announced.
    pub(crate) async fn announced(&self, repository: Uuid) -> Result<Vec<(String, String)>, StoreError> {
        self.database
            .read(move |connection| {
                let sql = "SELECT name, object FROM reference WHERE repository_id = ?1 ORDER BY name";
                let mut statement = connection.prepare_cached(sql)?;
                let rows =
                    statement.query_map([repository.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect()
            })
            .await
    }

    fn directory(&self, id: Uuid) -> PathBuf {
        directory(&self.repositories, id)
    }
}

const PROJECT: &str = "id, organization, name, created_at, description, visibility";
const REPOSITORY: &str = "SELECT repository.id, repository.name, repository.parent_id, project.id,
  project.organization, project.name, project.created_at, project.description, project.visibility FROM repository JOIN project ON project.id = repository.project_id
  WHERE repository.deleted_at IS NULL";
const PUSH: &str = "SELECT push.id, push.repository_id, push.pusher, push.updates, push.created_at FROM push";
const SUBSCRIPTION: &str =
    "subscription.id, subscription.organization, subscription.event_type, subscription.body,
  subscription.secret, subscription.created_at";

fn note_reference(tx: &Transaction<'_>, repository: &Repository, update: &Update) -> rusqlite::Result<()> {
    let id = repository.id.to_string();
    if update.new.bytes().all(|byte| byte == b'0') {
        tx.execute(
            "DELETE FROM reference WHERE repository_id = ?1 AND name = ?2",
            params![id, update.name],
        )?;
        tx.execute(
            "DELETE FROM reference_lock WHERE repository_id = ?1 AND name = ?2",
            params![id, update.name],
        )?;
    } else {
        tx.execute(
            "INSERT INTO reference (repository_id, name, object) VALUES (?1, ?2, ?3)
             ON CONFLICT (repository_id, name) DO UPDATE SET object = excluded.object",
            params![id, update.name, update.new],
        )?;
    }
    Ok(())
}

fn owe(tx: &Transaction<'_>, push: i64, repository: &Repository, applied: &[Update]) -> rusqlite::Result<()> {
    let wanting: Vec<Subscription> = pulls::subscriptions(tx, "git.push")?
        .into_iter()
        .filter(|subscription| crate::event::wants(subscription, repository, applied))
        .collect();
    for subscription in wanting {
        tx.execute(
            "INSERT INTO delivery (subscription_id, push_id, state, attempts, due_at, problem)
             VALUES (?1, ?2, 'owed', 0, 0, '')",
            params![subscription.id.to_string(), push],
        )?;
    }
    Ok(())
}

/// Names are compared without regard to case.
fn folded(names: &[&str]) -> String {
    names.join("/").to_lowercase()
}
