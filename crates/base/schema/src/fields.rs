//! Which fields of an object belong to whom.
//!
//! [`FieldSet`] is a set of field paths, kept as the tree that `fieldsV1` is; [`ManagedFields`] is the content of
//! `metadata.managedFields`.

mod element;
mod managed;
mod set;

pub use element::{FieldPath, PathElement};
pub use managed::{ManagedFields, ManagedFieldsEntry, ManagedFieldsError, Operation};
pub use set::{FieldSet, FieldSetError};
