//! The small azurerm with the real `terraform`: what a person writes, what is planned, what Azure is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod arm;
mod azure;
mod cluster;
mod group;
mod hcl;
mod postgresql;
mod process;
mod refusals;
mod storage;
mod workspace;
