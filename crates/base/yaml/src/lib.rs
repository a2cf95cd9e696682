//! Reads and writes YAML, keeping for every key and value the place where it stands.
//!
//! One span tree serves everything a person wrote: manifests, templates, catalog files, configuration. Values are
//! `serde_json::Value`; where they stood is asked of the [`Document`]. Parsing never fails as a whole: it returns
//! the documents that could be read and a diagnostic for each that could not. Start at [`parse`].

mod build;
mod emit;
mod node;
mod scalar;

pub use build::parse;
pub use emit::to_string;
pub use node::{Document, Entry, Node, NodeKind};
pub use scalar::Dialect;

#[cfg(test)]
mod tests;
