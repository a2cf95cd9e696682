//! The expression language of pipelines: `${{ }}` before the start, `$[ ]` and conditions while running.
//!
//! One grammar and one set of functions; what names mean is the [`Scope`]'s business. There are no operators.

mod compare;
mod evaluate;
mod format;
mod functions;
mod syntax;
mod value;

pub use value::{Value, Version};

pub(crate) use compare::equal;
pub(crate) use evaluate::{Scope, StatusFunction, evaluate};
pub(crate) use syntax::{Expression, parse};
pub(crate) use value::{Array, Object};

use std::ops::Range;

/// What is wrong with an expression, and in which stretch of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What was found.
    pub message: String,
    /// Bytes of the expression that it concerns.
    pub range: Range<usize>,
    /// What to write instead, when that is known.
    pub help: Option<String>,
    /// Diagnostic code.
    pub code: &'static str,
}

impl ExpressionError {
    pub(crate) fn new(message: impl Into<String>, range: Range<usize>) -> Self {
        Self {
            message: message.into(),
            range,
            help: None,
            code: crate::codes::EXPRESSION,
        }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

#[cfg(test)]
mod tests;
