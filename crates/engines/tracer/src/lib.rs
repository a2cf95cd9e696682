//! Draws every road: watches what the other engines do and writes the hops into the journal.
//!
//! It looks, and changes nothing: GitOps, composition and providers do not know that it is there, and no decision
//! rests on it. What an object says of its place on the road is pure ([`hop`], [`application`]); the engine around it
//! watches every kind of the categories `claim`, `composite` and `managed`, the Applications, and through [`devops`]
//! the pull requests and runs of source hosts. Start at [`run`].

pub mod application;
pub mod devops;
mod engine;
pub mod hop;
mod memory;

pub use engine::{Context, run};
