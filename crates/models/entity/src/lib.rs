//! The catalog's model: what a Backstage entity is, how entities relate, and how they are searched.
//!
//! Pure: reading files and keeping an index is the catalog engine's. Rules and texts follow
//! `@backstage/catalog-model` 1.10 and `catalog-backend` 4.0. Start at [`parse_entities`].

mod filter;
mod parse;
mod project;
mod relation;
mod rule;
mod search;

pub use filter::{Filter, FilterError};
pub use parse::{Parsed, parse_entities};
pub use project::project;
pub use relation::{Relation, relations};
pub use rule::{SPEC_RULES, SpecRule};
pub use search::SearchIndex;

use pave_names::EntityRef;
use serde_json::Value;

/// Reference of an entity; absent when it has no kind or name.
#[must_use]
pub fn reference(entity: &Value) -> Option<EntityRef> {
    let metadata = entity.get("metadata")?;
    let namespace = metadata
        .get("namespace")
        .and_then(Value::as_str)
        .unwrap_or("default");
    Some(EntityRef::new(
        entity.get("kind")?.as_str()?,
        namespace,
        metadata.get("name")?.as_str()?,
    ))
}
