use std::path::PathBuf;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database file could not be opened or brought up to date.
    #[error("cannot open the database `{path}`")]
    Open {
        /// File.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file was written by a newer Pave.
    #[error("`{path}` has format {found}, this Pave knows up to {known}; use the newer Pave")]
    Newer {
        /// File.
        path: PathBuf,
        /// Format of the file.
        found: usize,
        /// Newest format known here.
        known: usize,
    },
    /// A statement failed; nothing of its transaction was kept.
    #[error("the database refused a statement")]
    Statement(#[from] rusqlite::Error),
    /// The batch that this write was part of could not be committed; nothing of it was kept.
    #[error("the database could not commit: {0}")]
    Commit(String, bool),
    /// The database is being closed.
    #[error("the database is closed")]
    Closed,
}

impl StoreError {
    /// Whether the disk is full: nothing is lost, and the same call may go through later.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Statement(error) | Self::Open { source: error, .. } => is_full(error),
            Self::Commit(_, full) => *full,
            _ => false,
        }
    }
}

pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}
