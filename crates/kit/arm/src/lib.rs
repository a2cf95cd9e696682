//! A thin client of Azure Resource Manager: tokens, requests, long-running operations, errors as ARM words them.
//!
//! It knows no resource type and keeps no state but its access token: what a resource looks like stands in
//! `pave-azure`, and whoever starts an operation stores its [`Operation`] and comes back with it. It never
//! sleeps and never retries a refusal; waiting is its caller's business. Start at [`ArmClient`].

mod client;
mod credential;
mod environment;
mod error;
mod operation;
#[cfg(test)]
mod tests;
mod token;

pub use client::{Accepted, ArmClient};
pub use credential::{Assertion, Credential, IdentityEndpoint};
pub use environment::Environment;
pub use error::{ArmError, Refusal, RefusalDetail};
pub use operation::{Operation, Polling, Progress};
