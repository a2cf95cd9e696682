//! Kubernetes structural schemas and all that is driven by them.
//!
//! Pruning, defaulting, validation, field ownership (server-side apply), strategic merge, printer-column
//! paths and strict JSON reading: pure functions from values to values and [`FieldError`]s. The crate does no
//! I/O, asks no clock (times come in as strings) and never panics on what a user wrote.
//!
//! Start at [`Schema`]; [`apply`] is the largest part and builds on [`fields`].

pub mod apply;
mod cel;
mod default;
pub mod duplicate;
mod error;
pub mod fields;
pub mod patch;
pub mod path;
mod prune;
mod schema;
pub mod structural;
mod trail;
mod validate;

pub use cel::{CompiledRule, RuleError};
pub use error::{FieldError, FieldErrorReason};
pub use schema::{Kind, ListKind, Schema};
