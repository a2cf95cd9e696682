//! What stands in an Azure subscription, as Resource entities of the catalog.
//!
//! [`entities`] is the pure part: ARM's documents to entities. [`watch`] reads Resource Manager when a run has ended,
//! when a request has reached the cloud, and from time to time; what is gone there is gone here.

mod entity;
mod provider;
mod requests;

pub use entity::{Found, Request, entities};
pub use provider::{PERIOD, Subscription, watch};

#[cfg(test)]
mod tests;
