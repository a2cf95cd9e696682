//! The local cloud over HTTP, with real `PostgreSQL` servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall say where")]

mod access;
mod azurerm;
mod blobs;
mod clusters;
mod faults;
mod harness;
mod journey;
mod refusals;
mod types;
