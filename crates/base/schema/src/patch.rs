//! The three patch formats besides apply.

mod directives;
mod strategic;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use strategic::strategic;

/// The most operations a JSON patch may have.
pub const MAXIMUM_OPERATIONS: usize = 10_000;

/// Why a patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch is not of its format; 400 `BadRequest`.
    #[error("error decoding patch: {0}")]
    Malformed(String),
    /// There are too many operations; 413 `RequestEntityTooLarge`.
    #[error("The allowed maximum operations in a JSON patch is {MAXIMUM_OPERATIONS}, got {0}")]
    TooManyOperations(usize),
    /// A `test` failed or a path leads nowhere; 422 Invalid with empty details.
    #[error("the server rejected our request due to an error in our request")]
    Rejected {
        /// Which operation, from 0.
        operation: usize,
        /// Where it points.
        path: String,
        /// What is wrong, for the log.
        detail: String,
    },
    /// A directive of strategic merge is used wrongly; 400 `BadRequest`.
    #[error("{0}")]
    Directive(String),
}

/// Applies a JSON merge patch.
pub fn merge(target: &mut Value, patch: &Value) {
    json_patch::merge(target, patch);
}

/// Applies a JSON patch, entirely or not at all.
///
/// # Errors
/// When the patch is malformed or too long, a test fails, or a path leads nowhere.
pub fn json(target: &mut Value, patch: &Value) -> Result<(), PatchError> {
    let operations = patch
        .as_array()
        .ok_or_else(|| PatchError::Malformed("not a list of operations".to_owned()))?;
    if operations.len() > MAXIMUM_OPERATIONS {
        return Err(PatchError::TooManyOperations(operations.len()));
    }
    let operations: json_patch::Patch =
        serde_json::from_value(patch.clone()).map_err(|error| PatchError::Malformed(error.to_string()))?;
    json_patch::patch(target, &operations).map_err(|error| PatchError::Rejected {
        operation: error.operation,
        path: error.path.to_string(),
        detail: error.kind.to_string(),
    })
}
