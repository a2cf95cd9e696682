//! PostgreSQL servers on this machine: found, initialised, started, watched, asked.
//!
//! Knows nothing of ARM. A [`cluster::Cluster`] is one server on disk, a [`process::Postmaster`] one that runs.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod binaries;
pub(crate) mod cluster;
mod password;
pub(crate) mod process;
pub(crate) mod session;
pub(crate) mod template;
