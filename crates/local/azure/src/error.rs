use axum::http::StatusCode;
use pave_azure::names::NameError;
use serde_json::{Value, json};

/// Why the local cloud could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum AzureError {
    /// A directory could not be made or read.
    #[error("cannot use the directory `{path}`")]
    Directory {
        /// Directory.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The store could not be opened or read.
    #[error("cannot use the store of the local cloud")]
    Store(#[from] pave_store::StoreError),
}

/// A refusal in ARM's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArmError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) target: Option<String>,
}

impl ArmError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            target: None,
        }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// A name or value that Azure refuses; `target` is the field.
    pub(crate) fn name(code: &'static str, target: &str, error: &NameError) -> Self {
        let message = format!("{} (help: {})", error.message, error.help);
        Self {
            target: Some(target.to_owned()),
            ..Self::bad_request(code, message)
        }
    }

    /// A fault of our own; the log has the details under the request's id.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(
            error = pave_diagnostic::with_causes(error),
            "a request to the local cloud failed"
        );
        let message = "the local cloud could not do this; its log has the details under the request id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", message)
    }

    pub(crate) fn body(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(target) = &self.target {
            error["target"] = json!(target);
        }
        json!({ "error": error })
    }
}

impl From<pave_store::StoreError> for ArmError {
    fn from(error: pave_store::StoreError) -> Self {
        if error.is_full() {
            let message =
                "the disk is full, so nothing could be recorded (help: free some space, then ask again)";
            return Self::new(StatusCode::INSUFFICIENT_STORAGE, "StorageFull", message);
        }
        Self::internal(&error)
    }
}
