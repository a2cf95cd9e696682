//! The software catalog: reads locations, keeps the entities they hold, and answers questions about them.
//!
//! What an entity is and how it is searched is `pave-entity`'s. This engine reads through a [`SourceReader`], so it does
//! not know which host a file lies on, and files of this machine through [`pave_hosts::LocalFiles`], for locations that the
//! configuration names and nobody else. A location that cannot be read keeps what it last gave. Start at [`Catalog`];
//! [`azure`] brings what stands in a subscription.

mod address;
mod analysis;
pub mod azure;
mod catalog;
mod error;
mod index;
mod provided;
mod query;
mod refusal;
mod registered;
mod rules;
mod tree;

pub use address::{Address, AddressKind};
pub use catalog::{Catalog, Location, Options, Registered};
pub use error::CatalogError;
pub use query::{Facet, Order, Page, Query};
pub use refusal::Refusal;
pub use rules::Rules;
pub use tree::{SourceReader, generated_name};

#[cfg(test)]
mod tests;
