use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pave_catalog::CatalogError;
use pave_kube::KindsError;
use serde_json::json;

/// An answer that is not what was asked for, in Backstage's dialect.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    name: &'static str,
    message: String,
}

impl ApiError {
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InputError", message)
    }

    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "AuthenticationError", message)
    }

    pub(crate) fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "NotAllowedError", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFoundError", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "ConflictError", message)
    }

    /// A Git host did not answer as it should.
    pub(crate) fn upstream(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "UpstreamError", message)
    }

    /// A failure of ours: the person gets an id, the log gets the cause.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        if disk_is_full(error) {
            let message = "the disk is full; nothing was kept of this: free some space, then try again";
            return Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "InsufficientStorageError",
                message,
            );
        }
        let id = uuid::Uuid::new_v4().simple().to_string();
        tracing::error!(
            id,
            cause = pave_diagnostic::with_causes(error),
            "a request failed"
        );
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Error",
            format!("this should not have happened; the log tells more under {id}"),
        )
    }

    /// Whether there is no such thing, rather than that it could not be had.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// What the person is told.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            name,
            message: message.into(),
        }
    }
}

fn disk_is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.downcast_ref().is_some_and(pave_store::StoreError::is_full) {
            return true;
        }
        next = cause.source();
    }
    false
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({
            "error": { "name": self.name, "message": self.message },
            "response": { "statusCode": self.status.as_u16() },
        });
        (self.status, Json(body)).into_response()
    }
}

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Input(message) => Self::input(message),
            CatalogError::Conflict(message) => Self::conflict(message),
            CatalogError::NotFound(message) => Self::not_found(message),
            CatalogError::Store(error) => Self::internal(&error),
        }
    }
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => match status.code {
                400 | 422 => Self::input(status.message),
                401 => Self::unauthenticated(status.message),
                403 => Self::not_allowed(status.message),
                404 => Self::not_found(status.message),
                409 => Self::conflict(status.message),
                _ => Self::internal(&kube::Error::Api(status)),
            },
            other => Self::internal(&other),
        }
    }
}

impl From<KindsError> for ApiError {
    fn from(error: KindsError) -> Self {
        match error {
            KindsError::Cluster(error) => error.into(),
            other => Self::not_found(other.to_string()),
        }
    }
}

impl From<pave_journal::JournalError> for ApiError {
    fn from(error: pave_journal::JournalError) -> Self {
        Self::internal(&error)
    }
}

impl From<pave_auth::AuthError> for ApiError {
    fn from(error: pave_auth::AuthError) -> Self {
        Self::internal(&error)
    }
}

impl From<pave_store::StoreError> for ApiError {
    fn from(error: pave_store::StoreError) -> Self {
        Self::internal(&error)
    }
}
