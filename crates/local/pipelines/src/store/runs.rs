//! Runs, and what of them decides whether others start.

use rusqlite::{OptionalExtension as _, params};
use uuid::Uuid;

use super::Store;
use crate::error::{PipelinesError, Result};
use crate::run::{Progress, Run};

impl Store {
    /// Adds a run and gives it its id; writes down what was built of its branch, in the same moment.
    pub(crate) async fn add_run(
        &self,
        mut run: Run,
        secret: Option<Vec<u8>>,
        note: Option<(String, String)>,
    ) -> Result<Run> {
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
            if let Some((reference, version)) = &note {
                note_built(tx, run.definition, reference, version)?;
            }
            Ok(run)
        });
        Ok(added.await?)
    }

    pub(crate) async fn save_run(&self, run: &Run) -> Result {
        let body = serde_json::to_string(run)?;
        let (id, active) = (run.id, run.progress != Progress::Completed);
        let saved = self.database.write(move |tx| {
            if !active {
                // Once: a run that has ended already is only touched up.
                let sql = "INSERT OR IGNORE INTO completion (build) SELECT id FROM build WHERE id = ?1 AND active = 1";
                tx.execute(sql, [id])?;
            }
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

    /// Runs of a branch of a definition that have not ended, oldest first.
    pub(crate) async fn active_of(&self, definition: i64, branch: &str) -> Result<Vec<Run>> {
        let branch = branch.to_owned();
        let found = self.database.read(move |db| {
            let sql =
                "SELECT body FROM build WHERE active = 1 AND definition = ?1 AND branch = ?2 ORDER BY id";
            let mut statement = db.prepare_cached(sql)?;
            let rows = statement.query_map(params![definition, branch], |row| row.get::<_, String>(0))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        });
        let bodies = found.await?;
        bodies
            .iter()
            .map(|body| serde_json::from_str(body).map_err(PipelinesError::from))
            .collect()
    }

    /// The commit of the last scheduled run of a branch that succeeded.
    pub(crate) async fn last_scheduled(&self, definition: i64, branch: &str) -> Result<Option<String>> {
        let branch = branch.to_owned();
        let found = self.database.read(move |db| {
            let sql = "SELECT version FROM build WHERE definition = ?1 AND branch = ?2
                       AND json_extract(body, '$.reason') = 'schedule'
                       AND json_extract(body, '$.result') IN ('Succeeded', 'SucceededWithIssues', 'Skipped')
                       ORDER BY id DESC LIMIT 1";
            db.query_row(sql, params![definition, branch], |row| row.get(0))
                .optional()
        });
        Ok(found.await?)
    }

    /// The newest run of a definition that succeeded and fits.
    pub(crate) async fn latest_success(
        &self,
        definition: i64,
        fits: impl Fn(&Run) -> bool + Send + 'static,
    ) -> Result<Option<Run>> {
        let found = self.database.read(move |db| {
            let sql = "SELECT body FROM build WHERE definition = ?1 AND active = 0
                       AND json_extract(body, '$.result') IN ('Succeeded', 'SucceededWithIssues')
                       ORDER BY id DESC";
            let mut statement = db.prepare_cached(sql)?;
            let mut rows = statement.query([definition])?;
            while let Some(row) = rows.next()? {
                let body: String = row.get(0)?;
                let run: Option<Run> = serde_json::from_str(&body).ok();
                if let Some(run) = run.filter(|run| fits(run)) {
                    return Ok(Some(run));
                }
            }
            Ok(None)
        });
        Ok(found.await?)
    }

    /// Runs that ended and that nobody has looked at since for what they start, oldest first.
    pub(crate) async fn completions(&self) -> Result<Vec<i64>> {
        let found = self.database.read(|db| {
            let mut statement = db.prepare_cached("SELECT build FROM completion ORDER BY build")?;
            statement.query_map([], |row| row.get(0))?.collect()
        });
        Ok(found.await?)
    }

    pub(crate) async fn forget_completion(&self, build: i64) -> Result {
        let done = self
            .database
            .write(move |tx| tx.execute("DELETE FROM completion WHERE build = ?1", [build]));
        done.await?;
        Ok(())
    }

    /// Whether the end of a run has started a run of a definition.
    pub(crate) async fn was_started_by(&self, definition: i64, build: i64) -> Result<bool> {
        let found = self.database.read(move |db| {
            let sql = "SELECT count(*) FROM build WHERE definition = ?1 AND json_extract(body, '$.origin.run') = ?2";
            db.query_row(sql, [definition, build], |row| row.get::<_, i64>(0))
        });
        Ok(found.await? > 0)
    }

    /// The run in whose document an id stands, such as that of a checkpoint.
    pub(crate) async fn run_with(&self, project: Uuid, id: Uuid) -> Result<Option<i64>> {
        let found = self.database.read(move |db| {
            let sql =
                "SELECT id FROM build WHERE project = ?1 AND instr(body, ?2) > 0 ORDER BY id DESC LIMIT 1";
            db.query_row(sql, params![project.to_string(), id.to_string()], |row| {
                row.get(0)
            })
            .optional()
        });
        Ok(found.await?)
    }

    /// The newest run of a definition, of one branch or of any.
    pub(crate) async fn latest(&self, definition: i64, branch: Option<String>) -> Result<Option<i64>> {
        let found = self.database.read(move |db| {
            let sql = "SELECT id FROM build WHERE definition = ?1 AND (?2 IS NULL OR branch = ?2) ORDER BY id DESC LIMIT 1";
            db.query_row(sql, params![definition, branch], |row| row.get(0))
                .optional()
        });
        Ok(found.await?)
    }
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
