//! What the local cloud holds, durably: resources, operations on them, and the servers behind them.
//!
//! Functions take a connection, so that callers combine them in one transaction: a resource, the operation that is to
//! make it, and the server's row appear together or not at all.

mod activity;
mod blobs;
mod operations;
mod planes;
mod resources;
mod secrets;
mod servers;

pub(crate) use activity::{Activity, Filter as ActivityFilter};
pub(crate) use blobs::{Blob, Facts};
pub(crate) use operations::{Operation, OperationKind, Outcome};
pub(crate) use planes::Plane;
pub(crate) use resources::{Resource, Stamp};
pub(crate) use secrets::{find_secret, put_secret};
pub(crate) use servers::{Server, ServerState};

/// Format of `azure.db`; migrations are only ever appended.
pub(crate) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE resources (
        id TEXT PRIMARY KEY,
        canonical TEXT NOT NULL,
        kind TEXT NOT NULL,
        parent TEXT NOT NULL,
        state TEXT NOT NULL,
        visible INTEGER NOT NULL,
        body TEXT NOT NULL,
        stamp TEXT NOT NULL
    ) STRICT;
    CREATE INDEX resources_by_parent ON resources (parent, kind);
    CREATE TABLE operations (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        lane TEXT NOT NULL,
        resource TEXT NOT NULL,
        kind TEXT NOT NULL,
        request TEXT NOT NULL,
        secret BLOB,
        status TEXT NOT NULL,
        message TEXT NOT NULL,
        error TEXT,
        location TEXT NOT NULL,
        correlation TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT
    ) STRICT;
    CREATE INDEX operations_by_lane ON operations (lane, status, sequence);
    CREATE TABLE servers (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        directory TEXT NOT NULL UNIQUE,
        address TEXT UNIQUE,
        port INTEGER NOT NULL,
        login TEXT NOT NULL,
        version TEXT NOT NULL,
        created INTEGER NOT NULL,
        wanted INTEGER NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL
    ) STRICT;
    CREATE TABLE installation (id TEXT NOT NULL) STRICT;
",
    "
    ALTER TABLE operations ADD COLUMN caller TEXT NOT NULL DEFAULT '';
    CREATE TABLE activity (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        at TEXT NOT NULL,
        caller TEXT NOT NULL,
        correlation TEXT NOT NULL,
        operation TEXT NOT NULL,
        action TEXT NOT NULL,
        resource TEXT NOT NULL,
        status TEXT NOT NULL,
        code TEXT NOT NULL,
        message TEXT NOT NULL
    ) STRICT;
    CREATE INDEX activity_by_correlation ON activity (correlation);
    CREATE INDEX activity_by_time ON activity (at);
    CREATE TABLE secrets (
        resource TEXT NOT NULL,
        name TEXT NOT NULL,
        sealed BLOB NOT NULL,
        PRIMARY KEY (resource, name)
    ) STRICT;
    CREATE TABLE control_planes (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    ) STRICT;
",
    // Blobs go with their container, however that goes, and a file is unused as soon as its last blob is gone.
    "
    CREATE TABLE blobs (
        container TEXT NOT NULL,
        name TEXT NOT NULL,
        snapshot TEXT NOT NULL,
        file TEXT NOT NULL,
        size INTEGER NOT NULL,
        etag TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        modified_at INTEGER NOT NULL,
        facts TEXT NOT NULL,
        lease TEXT NOT NULL,
        PRIMARY KEY (container, name, snapshot)
    ) STRICT;
    CREATE INDEX blobs_by_file ON blobs (file);
    CREATE TABLE unused_files (file TEXT PRIMARY KEY) STRICT;
    CREATE TRIGGER blobs_go AFTER DELETE ON resources BEGIN
        DELETE FROM blobs WHERE container = OLD.id;
    END;
    CREATE TRIGGER file_dropped AFTER DELETE ON blobs
    WHEN NOT EXISTS (SELECT 1 FROM blobs WHERE file = OLD.file) BEGIN
        INSERT OR IGNORE INTO unused_files (file) VALUES (OLD.file);
    END;
    CREATE TRIGGER file_replaced AFTER UPDATE OF file ON blobs
    WHEN NOT EXISTS (SELECT 1 FROM blobs WHERE file = OLD.file) BEGIN
        INSERT OR IGNORE INTO unused_files (file) VALUES (OLD.file);
    END;
",
];

/// The id of this installation, made at the first call. Data directories carry it, so that nobody else's is removed.
pub(crate) fn installation(connection: &rusqlite::Connection) -> rusqlite::Result<String> {
    use rusqlite::OptionalExtension as _;
    let found = connection
        .query_row("SELECT id FROM installation", [], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    let id = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
    connection.execute("INSERT INTO installation (id) VALUES (?1)", [&id])?;
    Ok(id)
}
