use std::error::Error;
use std::io;

use pave_store::StoreError;

use crate::postgresql::address::AddressError;
use crate::postgresql::session::SessionError;

/// Why a step did not get through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// We are being ended; whoever comes next goes on.
    #[error("interrupted")]
    Interrupted,
    /// Our own store failed; tried again.
    #[error("the store of the local cloud failed")]
    Store(#[from] StoreError),
    /// The server went away under us; tried again.
    #[error("{0}")]
    Lost(String),
    /// It will not get through by trying again.
    #[error("{message}")]
    Refused { code: &'static str, message: String },
}

impl Failure {
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn internal(error: &dyn Error) -> Self {
        Self::refused("InternalServerError", pave_diagnostic::with_causes(error))
    }

    fn disk_full(detail: &str) -> Self {
        let message = format!(
            "the disk that holds the databases is full ({detail}); nothing was kept of this operation \
             (help: free some space, then ask again)"
        );
        Self::refused("StorageFull", message)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::disk_full(&error.to_string()),
            _ => Self::internal(&error),
        }
    }
}

impl From<AddressError> for Failure {
    fn from(error: AddressError) -> Self {
        Self::refused("AddressNotAvailable", error.to_string())
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        if error.is_full() {
            Self::disk_full(&error.to_string())
        } else if error.is_lost() {
            Self::Lost(pave_diagnostic::with_causes(&error))
        } else {
            Self::refused("InvalidParameterValue", error.to_string())
        }
    }
}
