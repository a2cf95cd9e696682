use std::path::Path;

use futures::Stream;
use jiff::Timestamp;
use pave_names::{Direction, RoadId, State, Station};
use pave_store::rusqlite::{self, Connection, OptionalExtension, Row, params};
use pave_store::{Database, StoreError};
use serde::de::DeserializeOwned;
use tokio::sync::broadcast;

use crate::{Hop, RoadSummary};

const MIGRATIONS: &[&str] = &["
CREATE TABLE hop (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, road TEXT NOT NULL, station TEXT NOT NULL, position INTEGER NOT NULL,
  direction TEXT NOT NULL, subject TEXT NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL,
  started_at TEXT NOT NULL, changed_at TEXT NOT NULL, link TEXT NOT NULL, current INTEGER NOT NULL DEFAULT 1);
CREATE UNIQUE INDEX hop_current ON hop (road, station, subject, direction) WHERE current = 1;
CREATE INDEX hop_subject ON hop (subject, sequence);
"];

const COLUMNS: &str =
    "sequence, road, station, direction, subject, title, state, cause, started_at, changed_at, link";

/// Changes kept for live readers that fall behind; beyond that they read from the journal again.
const BUFFER: usize = 1024;
/// Changes that one read of the journal gives at most.
const PAGE: i64 = 500;

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store failed.
    #[error("the road journal failed")]
    Store(#[from] StoreError),
}

/// The road journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    database: Database,
    changes: broadcast::Sender<u64>,
}

impl Journal {
    /// Opens the journal.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let (changes, _) = broadcast::channel(BUFFER);
        Ok(Self {
            database: Database::open(path, MIGRATIONS)?,
            changes,
        })
    }

    /// Records where a request stands and gives the place in the journal.
    ///
    /// What was said before of the same subject at the same station is superseded but kept; its start stays. Saying the
    /// same again records nothing.
    pub async fn record(&self, hop: Hop) -> Result<u64, JournalError> {
        let (sequence, changed) = self.database.write(move |tx| record(tx, hop)).await?;
        if changed {
            // Nobody listening is fine.
            drop(self.changes.send(sequence));
        }
        Ok(sequence)
    }

    /// The present hops of one request, in the order of the road.
    pub async fn road(&self, road: &RoadId) -> Result<Vec<Hop>, JournalError> {
        let road = road.to_string();
        Ok(self.database.read(move |db| current(db, &road)).await?)
    }

    /// The latest requests, newest first.
    pub async fn roads(&self, limit: usize) -> Result<Vec<RoadSummary>, JournalError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(self
            .database
            .read(move |db| {
                let roads: Vec<String> = db
                    .prepare("SELECT road FROM hop WHERE current = 1 GROUP BY road ORDER BY min(started_at) DESC, min(sequence) DESC LIMIT ?1")?
                    .query_map([limit], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
                let summaries = roads.iter().map(|road| Ok(summary(current(db, road)?)));
                Ok(summaries.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
            })
            .await?)
    }

    /// The requests that a subject was part of, newest first.
    pub async fn find(&self, subject: &str) -> Result<Vec<RoadId>, JournalError> {
        let subject = subject.to_owned();
        Ok(self
            .database
            .read(move |db| {
                db.prepare(
                    "SELECT road FROM hop WHERE subject = ?1 GROUP BY road ORDER BY max(sequence) DESC",
                )?
                .query_map([subject], |row| parse(row, 0))?
                .collect()
            })
            .await?)
    }

    /// All changes after a place in the journal: first those already there, then live ones, without a gap.
    pub fn events(&self, after: u64) -> impl Stream<Item = Hop> + Send + 'static {
        let journal = self.clone();
        let mut live = self.changes.subscribe();
        async_stream::stream! {
            let mut seen = after;
            loop {
                // A failed read ends the stream; the reader comes back with the last place it knows.
                let Ok(page) = journal.after(seen).await else { return };
                let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
                for hop in page {
                    seen = hop.sequence;
                    yield hop;
                }
                if full {
                    continue;
                }
                loop {
                    match live.recv().await {
                        Ok(sequence) if sequence <= seen => {}
                        Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => break,
                        Err(broadcast::error::RecvError::Closed) => return,
                    }
                }
            }
        }
    }

    /// The newest place in the journal.
    pub async fn newest(&self) -> Result<u64, JournalError> {
        let newest: i64 = self
            .database
            .read(|db| db.query_row("SELECT coalesce(max(sequence), 0) FROM hop", [], |row| row.get(0)))
            .await?;
        Ok(newest.unsigned_abs())
    }

    async fn after(&self, sequence: u64) -> Result<Vec<Hop>, JournalError> {
        let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
        Ok(self
            .database
            .read(move |db| {
                db.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM hop WHERE sequence > ?1 ORDER BY sequence LIMIT {PAGE}"
                ))?
                .query_map([sequence], read)?
                .collect()
            })
            .await?)
    }
}

fn record(tx: &Connection, hop: Hop) -> rusqlite::Result<(u64, bool)> {
    let key = params![
        hop.road.as_str(),
        hop.station.as_str(),
        hop.subject,
        word(hop.direction)
    ];
    let before = tx
        .query_row(
            &format!(
                "SELECT {COLUMNS} FROM hop WHERE road = ?1 AND station = ?2 AND subject = ?3 AND direction = ?4 AND current = 1"
            ),
            key,
            read,
        )
        .optional()?;
    let mut hop = hop;
    if let Some(before) = before {
        if before.tells_the_same(&hop) {
            return Ok((before.sequence, false));
        }
        hop.started_at = before.started_at;
        tx.execute(
            "UPDATE hop SET current = 0 WHERE sequence = ?1",
            [before.sequence.cast_signed()],
        )?;
    }
    let position = Station::ALL
        .iter()
        .position(|station| *station == hop.station)
        .unwrap_or_default();
    tx.execute(
        "INSERT INTO hop (road, station, position, direction, subject, title, state, cause, started_at, changed_at, link)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            hop.road.as_str(),
            hop.station.as_str(),
            i64::try_from(position).unwrap_or_default(),
            word(hop.direction),
            hop.subject,
            hop.title,
            hop.state.as_str(),
            hop.cause,
            hop.started_at.to_string(),
            hop.changed_at.to_string(),
            hop.link.to_string(),
        ],
    )?;
    Ok((tx.last_insert_rowid().unsigned_abs(), true))
}

fn current(db: &Connection, road: &str) -> rusqlite::Result<Vec<Hop>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM hop WHERE road = ?1 AND current = 1 ORDER BY direction DESC, position, started_at, sequence"
    ))?
    .query_map([road], read)?
    .collect()
}

fn summary(hops: Vec<Hop>) -> Option<RoadSummary> {
    let first = hops.first()?;
    Some(RoadSummary {
        road: first.road.clone(),
        title: first.title.clone(),
        direction: first.direction,
        started_at: hops.iter().map(|hop| hop.started_at).min()?,
        changed_at: hops.iter().map(|hop| hop.changed_at).max()?,
        hops,
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Hop> {
    Ok(Hop {
        sequence: row.get::<_, i64>(0)?.unsigned_abs(),
        road: parse(row, 1)?,
        station: quoted(row, 2)?,
        direction: quoted(row, 3)?,
        subject: row.get(4)?,
        title: row.get(5)?,
        state: quoted::<State>(row, 6)?,
        cause: row.get(7)?,
        started_at: parse::<Timestamp>(row, 8)?,
        changed_at: parse::<Timestamp>(row, 9)?,
        link: serde_json::from_str(&row.get::<_, String>(10)?).unwrap_or_default(),
    })
}

/// The word of a unit variant, as serde writes it.
fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

fn quoted<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_value(serde_json::Value::String(row.get(column)?))
        .map_err(|error| conversion(column, error))
}

fn parse<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.get::<_, String>(column)?
        .parse()
        .map_err(|error| conversion(column, error))
}

fn conversion(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
