use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};
use serde::{Deserialize, Serialize};

use crate::blob::Lease;

/// What a blob is, besides its content: that lies in a file of its own.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    /// Lower-case ARM id of the container.
    pub(crate) container: String,
    pub(crate) name: String,
    /// When it was frozen; empty for the blob itself.
    pub(crate) snapshot: String,
    /// Name of the file with its content; never written twice.
    pub(crate) file: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
    /// Milliseconds.
    pub(crate) created_at: i64,
    pub(crate) modified_at: i64,
    pub(crate) facts: Facts,
    pub(crate) lease: Lease,
}

/// What clients say about a blob.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Facts {
    /// Answer headers by name: `content-type` and its like.
    pub(crate) headers: BTreeMap<String, String>,
    /// Metadata, by name.
    pub(crate) metadata: BTreeMap<String, String>,
}

const COLUMNS: &str = "container, name, snapshot, file, size, etag, created_at, modified_at, facts, lease";

impl Blob {
    pub(crate) fn find(
        connection: &Connection,
        container: &str,
        name: &str,
        snapshot: &str,
    ) -> Result<Option<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM blobs WHERE container = ?1 AND name = ?2 AND snapshot = ?3");
        connection
            .query_row(&sql, params![container, name, snapshot], Self::from_row)
            .optional()
    }

    /// Blobs of a container by name, from one name on, without snapshots.
    pub(crate) fn list(
        connection: &Connection,
        container: &str,
        prefix: &str,
        from: &str,
        most: u32,
    ) -> Result<Vec<Self>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM blobs WHERE container = ?1 AND snapshot = '' AND substr(name, 1, length(?2)) = ?2
               AND name >= ?3 ORDER BY name LIMIT ?4"
        );
        connection
            .prepare_cached(&sql)?
            .query_map(params![container, prefix, from, most], Self::from_row)?
            .collect()
    }

    /// How many snapshots a blob has.
    pub(crate) fn snapshots(connection: &Connection, container: &str, name: &str) -> Result<u32> {
        let sql = "SELECT count(*) FROM blobs WHERE container = ?1 AND name = ?2 AND snapshot <> ''";
        connection.query_row(sql, params![container, name], |row| row.get(0))
    }

    /// Writes it, new or changed.
    pub(crate) fn put(&self, connection: &Connection) -> Result<()> {
        let sql = format!(
            "INSERT INTO blobs ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT DO UPDATE SET file = ?4, size = ?5, etag = ?6, created_at = ?7, modified_at = ?8,
               facts = ?9, lease = ?10"
        );
        connection.execute(
            &sql,
            params![
                self.container,
                self.name,
                self.snapshot,
                self.file,
                i64::try_from(self.size).unwrap_or(i64::MAX),
                self.etag,
                self.created_at,
                self.modified_at,
                serde_json::to_string(&self.facts).unwrap_or_default(),
                serde_json::to_string(&self.lease).unwrap_or_default(),
            ],
        )?;
        Ok(())
    }

    /// Removes a blob or one snapshot.
    pub(crate) fn remove(&self, connection: &Connection) -> Result<()> {
        connection.execute(
            "DELETE FROM blobs WHERE container = ?1 AND name = ?2 AND snapshot = ?3",
            params![self.container, self.name, self.snapshot],
        )?;
        Ok(())
    }

    /// Removes the snapshots of a blob.
    pub(crate) fn remove_snapshots(&self, connection: &Connection) -> Result<()> {
        connection.execute(
            "DELETE FROM blobs WHERE container = ?1 AND name = ?2 AND snapshot <> ''",
            params![self.container, self.name],
        )?;
        Ok(())
    }

    /// The files that some blob has.
    pub(crate) fn files(connection: &Connection) -> Result<Vec<String>> {
        connection
            .prepare("SELECT DISTINCT file FROM blobs")?
            .query_map([], |row| row.get(0))?
            .collect()
    }

    /// The files that no blob has any more, as far as that was not seen to.
    pub(crate) fn unused_files(connection: &Connection) -> Result<Vec<String>> {
        connection
            .prepare_cached("SELECT file FROM unused_files")?
            .query_map([], |row| row.get(0))?
            .collect()
    }

    /// Notes that an unused file is gone.
    pub(crate) fn forget_file(connection: &Connection, file: &str) -> Result<()> {
        connection.execute("DELETE FROM unused_files WHERE file = ?1", [file])?;
        Ok(())
    }

    fn from_row(row: &Row<'_>) -> Result<Self> {
        let (facts, lease): (String, String) = (row.get(8)?, row.get(9)?);
        let damaged = |error| {
            rusqlite::Error::FromSqlConversionFailure(8, rusqlite::types::Type::Text, Box::new(error))
        };
        Ok(Self {
            container: row.get(0)?,
            name: row.get(1)?,
            snapshot: row.get(2)?,
            file: row.get(3)?,
            size: u64::try_from(row.get::<_, i64>(4)?).unwrap_or_default(),
            etag: row.get(5)?,
            created_at: row.get(6)?,
            modified_at: row.get(7)?,
            facts: serde_json::from_str(&facts).map_err(damaged)?,
            lease: serde_json::from_str(&lease).map_err(damaged)?,
        })
    }
}
