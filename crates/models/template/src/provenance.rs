//! Where a rendered value came from, piece by piece.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An input as an expression would write it: `parameters.envName`, `steps['fetch-base'].output.path`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceRef(Arc<str>);

impl SourceRef {
    /// From its expression form.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self(Arc::from(path))
    }

    /// The expression form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A stretch of an output text and the input that it came from. Pieces may overlap: a text may have several sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// First byte of the stretch in the output.
    pub start: usize,
    /// Byte just after it.
    pub end: usize,
    /// Input it came from.
    pub source: SourceRef,
}

/// The pieces of one string (or other leaf) within a rendered value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafTrace {
    /// JSON pointer of the leaf within the rendered value; empty for the value itself.
    pub pointer: String,
    /// What it was made of.
    pub pieces: Vec<Piece>,
}

/// Path of a member, as an expression would write it.
pub(crate) fn join(path: &str, key: &str) -> String {
    if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{path}[{key}]");
    }
    let starts_well = key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if starts_well
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        format!("{path}.{key}")
    } else {
        format!("{path}['{key}']")
    }
}
