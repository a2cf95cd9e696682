//! Exclusive locks: which stage holds a resource, and which wait for it.

use rusqlite::{OptionalExtension as _, params};

use super::Store;
use crate::error::Result;

/// Who wants a resource for itself.
#[derive(Debug, Clone)]
pub(crate) struct LockWish {
    /// Kind and id of the resource.
    pub(crate) resource: String,
    pub(crate) definition: i64,
    pub(crate) build: i64,
    pub(crate) stage: String,
    /// Of runs of a pipeline that wait, only the newest goes on.
    pub(crate) latest: bool,
}

/// How a wish for a lock stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is held.
    Held,
    /// This run is first; others of the pipeline wait since earlier.
    After(i64, Vec<i64>),
    /// This newer run takes its place.
    Superseded(i64),
}

impl Store {
    /// Takes a lock if it is free and nobody came earlier; else queues for it.
    pub(crate) async fn lock(&self, wish: LockWish) -> Result<Turn> {
        let turn = self.database.write(move |tx| {
            let LockWish {
                resource,
                definition,
                build,
                stage,
                latest,
            } = wish;
            tx.execute(
                "INSERT OR IGNORE INTO hold (resource, definition, build, stage, held) VALUES (?1, ?2, ?3, ?4, 0)",
                params![resource, definition, build, stage],
            )?;
            let (own, held): (i64, bool) = tx.query_row(
                "SELECT id, held FROM hold WHERE resource = ?1 AND build = ?2 AND stage = ?3",
                params![resource, build, stage],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            if held {
                return Ok(Turn::Held);
            }
            let newer: Option<i64> = tx
                .query_row(
                    "SELECT build FROM hold WHERE resource = ?1 AND definition = ?2 AND held = 0 AND build > ?3
                     ORDER BY build DESC LIMIT 1",
                    params![resource, definition, build],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(newer) = newer.filter(|_| latest) {
                tx.execute("DELETE FROM hold WHERE id = ?1", [own])?;
                return Ok(Turn::Superseded(newer));
            }
            let before: Option<i64> = tx
                .query_row(
                    "SELECT build FROM hold WHERE resource = ?1 AND (held = 1 OR id < ?2) ORDER BY held DESC, id LIMIT 1",
                    params![resource, own],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(before) = before {
                let sql = "SELECT build FROM hold WHERE resource = ?1 AND definition = ?2 AND held = 0 AND build < ?3";
                let mut statement = tx.prepare_cached(sql)?;
                let earlier = statement.query_map(params![resource, definition, build], |row| row.get(0))?;
                return Ok(Turn::After(before, earlier.collect::<rusqlite::Result<_>>()?));
            }
            tx.execute("UPDATE hold SET held = 1 WHERE id = ?1", [own])?;
            Ok(Turn::Held)
        });
        Ok(turn.await?)
    }

    /// Gives back what a stage holds or waits for; the runs that wait for the same.
    pub(crate) async fn unlock(&self, build: i64, stage: &str) -> Result<Vec<i64>> {
        let stage = stage.to_owned();
        let waiting = self.database.write(move |tx| {
            let waiting = {
                let sql = "SELECT DISTINCT other.build FROM hold AS own JOIN hold AS other
                           ON other.resource = own.resource AND other.id <> own.id AND other.held = 0
                           WHERE own.build = ?1 AND own.stage = ?2";
                let mut statement = tx.prepare_cached(sql)?;
                let rows = statement.query_map(params![build, stage], |row| row.get(0))?;
                rows.collect::<rusqlite::Result<Vec<i64>>>()?
            };
            tx.execute(
                "DELETE FROM hold WHERE build = ?1 AND stage = ?2",
                params![build, stage],
            )?;
            Ok(waiting)
        });
        Ok(waiting.await?)
    }

    /// Forgets the locks of runs that have ended.
    pub(crate) async fn sweep_locks(&self) -> Result {
        let sql = "DELETE FROM hold WHERE build NOT IN (SELECT id FROM build WHERE active = 1)";
        self.database.write(move |tx| tx.execute(sql, [])).await?;
        Ok(())
    }
}
