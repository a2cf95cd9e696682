//! `pipelines.db`: runs, and everything that people define for them.

use std::path::Path;

use pave_store::{Database, StoreError};
use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::error::{PipelinesError, Result};
use crate::run::{Progress, Run};

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

    /// The next number of a named counter, from 1.
    pub(crate) async fn count(&self, name: String, seed: i64) -> Result<i64> {
        Ok(self.database.write(move |tx| count_from(tx, &name, seed)).await?)
    }

    /// Adds a run and gives it its id; writes down what was built of its branch, in the same moment.
    pub(crate) async fn add_run(&self, mut run: Run, secret: Option<Vec<u8>>, note: bool) -> Result<Run> {
        let active = run.progress != Progress::Completed;
        let added = self.database.write(move |tx| {
            tx.execute(
                "INSERT INTO build (project, definition, active, branch, version, pull_request, body, secret)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7)",
                params![
                    run.project.id.to_string(),
                    run.definition,
                    active,
                    run.branch,
                    run.version,
                    run.pull_request.as_ref().map(|it| it.id),
                    secret
                ],
            )?;
            run.id = tx.last_insert_rowid();
            let body = serde_json::to_string(&run).unwrap_or_default();
            tx.execute("UPDATE build SET body = ?2 WHERE id = ?1", params![run.id, body])?;
            if note {
                note_built(tx, run.definition, &run.branch, &run.version)?;
            }
            Ok(run)
        });
        Ok(added.await?)
    }

    pub(crate) async fn save_run(&self, run: &Run) -> Result {
        let body = serde_json::to_string(run)?;
        let (id, active) = (run.id, run.progress != Progress::Completed);
        let saved = self.database.write(move |tx| {
            tx.execute(
                "UPDATE build SET body = ?2, active = ?3 WHERE id = ?1",
                params![id, body, active],
            )
        });
        saved.await?;
        Ok(())
    }

    /// A run and its sealed secrets.
    pub(crate) async fn run(&self, id: i64) -> Result<Option<(Run, Option<Vec<u8>>)>> {
        let found = self.database.read(move |db| {
            let sql = "SELECT body, secret FROM build WHERE id = ?1";
            db.query_row(sql, [id], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
                .optional()
        });
        let Some((body, secret)) = found.await? else {
            return Ok(None);
        };
        Ok(Some((serde_json::from_str(&body)?, secret)))
    }

    /// Runs, newest first: of a project, of definitions (none: all).
    pub(crate) async fn runs(&self, project: Uuid, definitions: Vec<i64>, most: usize) -> Result<Vec<Run>> {
        let found = self.database.read(move |db| {
            let sql = "SELECT body, definition FROM build WHERE project = ?1 ORDER BY id DESC";
            let mut statement = db.prepare_cached(sql)?;
            let rows = statement.query_map([project.to_string()], |row| {
                let definition: i64 = row.get(1)?;
                let wanted = definitions.is_empty() || definitions.contains(&definition);
                Ok(if wanted {
                    Some(row.get::<_, String>(0)?)
                } else {
                    None
                })
            })?;
            rows.filter_map(rusqlite::Result::transpose)
                .take(most)
                .collect::<rusqlite::Result<Vec<_>>>()
        });
        let bodies = found.await?;
        bodies
            .iter()
            .map(|body| serde_json::from_str(body).map_err(PipelinesError::from))
            .collect()
    }

    /// Ids of runs that have not ended, oldest first.
    pub(crate) async fn active(&self) -> Result<Vec<i64>> {
        let found = self.database.read(|db| {
            let mut statement = db.prepare_cached("SELECT id FROM build WHERE active = 1 ORDER BY id")?;
            statement.query_map([], |row| row.get(0))?.collect()
        });
        Ok(found.await?)
    }

    /// The run of a pull request's merge commit.
    pub(crate) async fn of_pull_request(
        &self,
        definition: i64,
        pull_request: i64,
        version: &str,
    ) -> Result<Option<i64>> {
        let version = version.to_owned();
        let found = self.database.read(move |db| {
            let sql = "SELECT id FROM build WHERE definition = ?1 AND pull_request = ?2 AND version = ?3 ORDER BY id DESC LIMIT 1";
            db.query_row(sql, params![definition, pull_request, version], |row| row.get(0)).optional()
        });
        Ok(found.await?)
    }

    /// What was last built, or looked at, of each branch.
    pub(crate) async fn built(&self, definition: i64) -> Result<Vec<(String, String)>> {
        let found = self.database.read(move |db| {
            let mut statement =
                db.prepare_cached("SELECT reference, version FROM built WHERE definition = ?1")?;
            statement
                .query_map([definition], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        });
        Ok(found.await?)
    }

    pub(crate) async fn note_built(&self, definition: i64, reference: &str, version: &str) -> Result {
        let (reference, version) = (reference.to_owned(), version.to_owned());
        Ok(self
            .database
            .write(move |tx| note_built(tx, definition, &reference, &version))
            .await?)
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

fn note_built(
    tx: &rusqlite::Transaction<'_>,
    definition: i64,
    reference: &str,
    version: &str,
) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO built (definition, reference, version) VALUES (?1, ?2, ?3)
         ON CONFLICT (definition, reference) DO UPDATE SET version = excluded.version",
        params![definition, reference, version],
    )?;
    Ok(())
}
