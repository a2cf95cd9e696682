//! `x-kubernetes-validations`.

use serde_json::Value;

use crate::error::FieldError;
use crate::schema::Node;
use crate::trail::Trail;

/// A rule of `x-kubernetes-validations`, compiled.
#[derive(Debug, Clone)]
pub struct CompiledRule {}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The expression is not CEL.
    #[error("compilation failed: {0}")]
    Compile(String),
}

pub(crate) fn compile_rules(_rules: &Value, _trail: &Trail<'_>, _errors: &mut Vec<FieldError>) -> Vec<CompiledRule> {
    Vec::new()
}

pub(crate) fn evaluate(_node: &Node, _new: &Value, _old: Option<&Value>, _trail: &Trail<'_>, _errors: &mut Vec<FieldError>) {}
