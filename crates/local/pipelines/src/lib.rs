//! The stand-in for Azure Pipelines: runs `azure-pipelines.yml` on this machine and answers Azure DevOps' REST API.
//!
//! What a pipeline *means* is said by `pave-pipeline`; this crate keeps definitions and runs, starts agents, follows
//! them, and shows what happened. A job runs under an agent: a process of its own session that is told and tells by
//! files ([`agent`]), so that it outlives us and is adopted again.
//!
//! What it must not do: know how repositories are stored, listen, or decide who may do what. Start at [`Pipelines`],
//! then `engine.rs`.

mod access;
pub mod agent;
mod engine;
mod error;
mod isolation;
mod options;
mod pipelines;
mod rest;
mod run;
mod store;
mod things;
mod trigger;
mod zip;

pub use engine::clock::{Clock, ManualClock, SystemClock};
pub use error::PipelinesError;
pub use isolation::{Isolation, reachable_workspaces};
pub use options::{AgentProgram, Limits, Options, TerraformSettings};
pub use pipelines::Pipelines;
