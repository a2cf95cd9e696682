use std::path::PathBuf;

use pave_devops::{AreaError, NeighbourError};
use pave_keys::KeysError;
use pave_store::StoreError;

/// Why the pipelines could not do what they were asked.
#[derive(Debug, thiserror::Error)]
pub enum PipelinesError {
    /// The store.
    #[error("the store of the pipelines failed")]
    Store(#[from] StoreError),
    /// A file or directory.
    #[error("cannot write `{path}`")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The repositories.
    #[error("the repositories could not answer")]
    Neighbour(#[from] NeighbourError),
    /// Sealing, or the HTTP client.
    #[error("the keys failed")]
    Keys(#[from] KeysError),
    /// What is stored cannot be read.
    #[error("a stored document cannot be read")]
    Document(#[from] serde_json::Error),
    /// A refusal, as the API says it.
    #[error(transparent)]
    Refused(#[from] AreaError),
}

impl From<PipelinesError> for AreaError {
    fn from(error: PipelinesError) -> Self {
        match error {
            PipelinesError::Refused(refusal) => refusal,
            PipelinesError::Store(store) if store.is_full() => Self::new(
                http::StatusCode::INSUFFICIENT_STORAGE,
                "DiskFullException",
                "The disk is full; nothing was changed. Make room and try again.",
            ),
            other => {
                tracing::error!(error = &other as &dyn std::error::Error, "request failed");
                Self::new(
                    http::StatusCode::INTERNAL_SERVER_ERROR,
                    "UnexpectedException",
                    format!("The request failed inside: {other}."),
                )
            }
        }
    }
}

pub(crate) type Result<T = ()> = std::result::Result<T, PipelinesError>;
