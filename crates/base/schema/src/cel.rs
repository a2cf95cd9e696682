//! `x-kubernetes-validations`: rules in CEL.
//!
//! Rules are compiled when the schema is parsed and fail closed: a rule that cannot be compiled or evaluated refuses
//! the object, with a message that says why. The interpreter and the Kubernetes function libraries are those of
//! `kube-cel`; the walk over the schema, correlation with the old object and messages are ours.

mod check;
mod compile;
mod convert;
mod evaluate;
#[cfg(test)]
mod tests;

pub(crate) use check::check_rules;
pub(crate) use compile::compile_rules;
pub use compile::{CompiledRule, RuleError};
pub(crate) use evaluate::evaluate;
