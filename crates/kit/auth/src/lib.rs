//! One principal everywhere: portal, cluster, forge and ARM know a person by the same record.
//!
//! [`Identities`] says who someone is; an [`Authorizer`] (the cluster's RBAC) says what they may do. Tokens are
//! stored as hashes. This crate decides nothing by itself. Start at [`Principal`].

mod access;
mod credential;
mod error;
mod identities;
mod principal;
mod token;

pub use access::{AccessRequest, Authorizer, Decision};
pub use credential::credential_from_header;
pub use error::AuthError;
pub use identities::{Identities, TokenInfo};
pub use principal::Principal;

#[cfg(test)]
mod tests;
