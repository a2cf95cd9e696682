use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Transaction};

use crate::StoreError;
use crate::writer::Writer;

/// Reader connections kept open for the next read.
const READERS: usize = 4;

/// A SQLite file: one writer thread with group commit, a small pool of readers. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
}

impl Database {
    /// Opens a file and applies the migrations it has not seen, each in a transaction of its own.
    ///
    /// Migrations are only ever appended; how many were applied stands in `user_version`.
    ///
    /// # Errors
    /// When the file cannot be opened, a migration fails, or the file is newer than this list.
    pub fn open(path: &Path, migrations: &[&str]) -> Result<Self, StoreError> {
        let error = |source| StoreError::Open {
            path: path.to_owned(),
            source,
        };
        let mut connection = connect(path).map_err(error)?;
        let found: u32 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(error)?;
        let found = found as usize;
        if found > migrations.len() {
            return Err(StoreError::Newer {
                path: path.to_owned(),
                found,
                known: migrations.len(),
            });
        }
        for (index, migration) in migrations.iter().enumerate().skip(found) {
            let transaction = connection.transaction().map_err(error)?;
            transaction.execute_batch(migration).map_err(error)?;
            transaction
                .pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))
                .map_err(error)?;
            transaction.commit().map_err(error)?;
        }
        let writer = Writer::start(connection);
        let inner = Inner {
            path: path.to_owned(),
            writer,
            readers: Mutex::new(Vec::new()),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Runs work in a write transaction and returns once it is on disk.
    ///
    /// Several callers may share one commit; an error of one undoes only its own work.
    ///
    /// # Errors
    /// What the work returned, or why the commit failed.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.run(work).await
    }

    /// Runs work on a reader, which sees the last committed state.
    ///
    /// # Errors
    /// What the work returned.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || {
            let pooled = inner.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match pooled {
                Some(connection) => connection,
                None => connect(&inner.path)?,
            };
            let result = work(&connection);
            let mut readers = inner.readers.lock().unwrap_or_else(PoisonError::into_inner);
            if readers.len() < READERS {
                readers.push(connection);
            }
            drop(readers);
            Ok(result?)
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -1024;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
