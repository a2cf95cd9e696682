use axum::http::StatusCode;

use crate::error::ArmError;

/// A refusal in the words of the storage services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlobError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl BlobError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn precondition(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, code, message)
    }

    pub(crate) fn lease_missing() -> Self {
        let message = "There is currently a lease on the blob and no lease ID was specified in the request.";
        Self::precondition("LeaseIdMissing", message)
    }

    pub(crate) fn bad_header(name: &str) -> Self {
        let message =
            format!("The value for one of the HTTP headers is not in the correct format: '{name}'.");
        Self::new(StatusCode::BAD_REQUEST, "InvalidHeaderValue", message)
    }

    /// What this small service leaves to Azure.
    pub(crate) fn not_here(what: &str) -> Self {
        let message = format!("The storage of the local cloud has no {what}.");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        ArmError::internal(error).into()
    }
}

impl From<ArmError> for BlobError {
    fn from(error: ArmError) -> Self {
        let code = match error.status {
            StatusCode::UNAUTHORIZED => "InvalidAuthenticationInfo",
            StatusCode::FORBIDDEN => "AuthorizationPermissionMismatch",
            StatusCode::INSUFFICIENT_STORAGE => error.code,
            _ => "InternalError",
        };
        Self::new(error.status, code, error.message)
    }
}

impl From<pave_store::StoreError> for BlobError {
    fn from(error: pave_store::StoreError) -> Self {
        ArmError::from(error).into()
    }
}
