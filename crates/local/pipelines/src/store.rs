//! `pipelines.db`: runs, and everything that people define for them.

mod locks;
mod runs;

use std::path::Path;

use pave_store::{Database, StoreError};
use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

pub(crate) use locks::{LockWish, Turn};

use crate::error::Result;

const MIGRATIONS: &[&str] = &["
CREATE TABLE thing (
  kind TEXT NOT NULL, id INTEGER NOT NULL, project TEXT NOT NULL, folded TEXT NOT NULL, body TEXT NOT NULL, secret BLOB,
  PRIMARY KEY (kind, id), UNIQUE (kind, project, folded));
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE build (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, definition INTEGER NOT NULL, active INTEGER NOT NULL,
  branch TEXT NOT NULL, version TEXT NOT NULL, pull_request INTEGER, body TEXT NOT NULL, secret BLOB);
CREATE INDEX build_by_definition ON build (definition, id);
CREATE INDEX build_by_project ON build (project, id);
CREATE INDEX build_active ON build (active) WHERE active = 1;
CREATE TABLE built (
  definition INTEGER NOT NULL, reference TEXT NOT NULL, version TEXT NOT NULL, PRIMARY KEY (definition, reference));
", "
CREATE TABLE completion (build INTEGER PRIMARY KEY);
CREATE TABLE hold (
  id INTEGER PRIMARY KEY AUTOINCREMENT, resource TEXT NOT NULL, definition INTEGER NOT NULL, build INTEGER NOT NULL,
  stage TEXT NOT NULL, held INTEGER NOT NULL, UNIQUE (resource, build, stage));
"];

/// Things that people define. Each has a number, a project, and a name that is unique among its kind there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Definition,
    Environment,
    Deployment,
    VariableGroup,
    Endpoint,
    Check,
    Approval,
    Permission,
    Revision,
    Lease,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Definition => "definition",
            Self::Environment => "environment",
            Self::Deployment => "deployment",
            Self::VariableGroup => "variablegroup",
            Self::Endpoint => "endpoint",
            Self::Check => "check",
            Self::Approval => "approval",
            Self::Permission => "permission",
            Self::Revision => "revision",
            Self::Lease => "lease",
        }
    }
}

/// A thing with what belongs to every thing.
#[derive(Debug, Clone)]
pub(crate) struct Stored<T> {
    pub(crate) id: i64,
    pub(crate) project: Uuid,
    pub(crate) body: T,
    /// Sealed.
    pub(crate) secret: Option<Vec<u8>>,
}

/// The tables of the pipelines.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
}

impl Store {
    pub(crate) fn open(file: &Path) -> std::result::Result<Self, StoreError> {
        Ok(Self {
            database: Database::open(file, MIGRATIONS)?,
        })
    }

    /// Adds a thing; `None` if its name is taken.
    pub(crate) async fn add<T: Serialize + Sync>(
        &self,
        kind: Kind,
        project: Uuid,
        name: &str,
        body: &T,
        secret: Option<Vec<u8>>,
    ) -> Result<Option<i64>> {
        let (body, folded) = (serde_json::to_string(body)?, name.to_lowercase());
        let added = self.database.write(move |tx| {
            let sql = "SELECT count(*) FROM thing WHERE kind = ?1 AND project = ?2 AND folded = ?3";
            let taken: i64 = tx.query_row(sql, params![kind.word(), project.to_string(), folded], |row| {
                row.get(0)
            })?;
            if taken > 0 {
                return Ok(None);
            }
            let id = count(tx, kind.word())?;
            tx.execute(
                "INSERT INTO thing (kind, id, project, folded, body, secret) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![kind.word(), id, project.to_string(), folded, body, secret],
            )?;
            Ok(Some(id))
        });
        Ok(added.await?)
    }

    /// Replaces a thing; false if there is none, or another one has its name.
    pub(crate) async fn replace<T: Serialize + Sync>(
        &self,
        kind: Kind,
        id: i64,
        name: &str,
        body: &T,
        secret: Option<Vec<u8>>,
    ) -> Result<bool> {
        let (body, folded) = (serde_json::to_string(body)?, name.to_lowercase());
        let replaced = self.database.write(move |tx| {
            let sql =
                "UPDATE OR IGNORE thing SET folded = ?3, body = ?4, secret = ?5 WHERE kind = ?1 AND id = ?2";
            tx.execute(sql, params![kind.word(), id, folded, body, secret])
        });
        Ok(replaced.await? == 1)
    }

    pub(crate) async fn remove(&self, kind: Kind, id: i64) -> Result<bool> {
        let removed = self.database.write(move |tx| {
            tx.execute(
                "DELETE FROM thing WHERE kind = ?1 AND id = ?2",
                params![kind.word(), id],
            )
        });
        Ok(removed.await? == 1)
    }

    pub(crate) async fn thing<T: DeserializeOwned>(&self, kind: Kind, id: i64) -> Result<Option<Stored<T>>> {
        let sql = "SELECT id, project, body, secret FROM thing WHERE kind = ?1 AND id = ?2";
        let found = self
            .database
            .read(move |db| db.query_row(sql, params![kind.word(), id], raw).optional());
        found.await?.map(read).transpose()
    }

    pub(crate) async fn named<T: DeserializeOwned>(
        &self,
        kind: Kind,
        project: Uuid,
        name: &str,
    ) -> Result<Option<Stored<T>>> {
        let folded = name.to_lowercase();
        let sql =
            "SELECT id, project, body, secret FROM thing WHERE kind = ?1 AND project = ?2 AND folded = ?3";
        let found = self.database.read(move |db| {
            db.query_row(sql, params![kind.word(), project.to_string(), folded], raw)
                .optional()
        });
        found.await?.map(read).transpose()
    }

    /// All things of a kind, of one project or of all.
    pub(crate) async fn things<T: DeserializeOwned>(
        &self,
        kind: Kind,
        project: Option<Uuid>,
    ) -> Result<Vec<Stored<T>>> {
        let sql = "SELECT id, project, body, secret FROM thing
                   WHERE kind = ?1 AND (?2 IS NULL OR project = ?2) ORDER BY id";
        let project = project.map(|id| id.to_string());
        let found = self.database.read(move |db| {
            let mut statement = db.prepare_cached(sql)?;
            statement
                .query_map(params![kind.word(), project], raw)?
                .collect::<rusqlite::Result<Vec<_>>>()
        });
        found.await?.into_iter().map(read).collect()
    }

    /// A thing by a name that is unique among all projects, such as an id.
    pub(crate) async fn anywhere<T: DeserializeOwned>(
        &self,
        kind: Kind,
        name: &str,
    ) -> Result<Option<Stored<T>>> {
        let folded = name.to_lowercase();
        let sql = "SELECT id, project, body, secret FROM thing WHERE kind = ?1 AND folded = ?2 LIMIT 1";
        let found = self
            .database
            .read(move |db| db.query_row(sql, params![kind.word(), folded], raw).optional());
        found.await?.map(read).transpose()
    }

    /// The next number of a named counter, from 1.
    pub(crate) async fn count(&self, name: String, seed: i64) -> Result<i64> {
        Ok(self.database.write(move |tx| count_from(tx, &name, seed)).await?)
    }
}

type Raw = (i64, String, String, Option<Vec<u8>>);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn read<T: DeserializeOwned>((id, project, body, secret): Raw) -> Result<Stored<T>> {
    let project = Uuid::try_parse(&project).unwrap_or_default();
    Ok(Stored {
        id,
        project,
        body: serde_json::from_str(&body)?,
        secret,
    })
}

fn count(tx: &rusqlite::Transaction<'_>, name: &str) -> rusqlite::Result<i64> {
    count_from(tx, name, 1)
}

fn count_from(tx: &rusqlite::Transaction<'_>, name: &str, seed: i64) -> rusqlite::Result<i64> {
    tx.query_row(
        "INSERT INTO counter (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        params![name, seed],
        |row| row.get(0),
    )
}
