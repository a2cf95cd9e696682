//! What every running part shares: the clock and the registry of background tasks.
//!
//! The only crate that reads the time of day and the only one that spawns. It knows nothing of what runs.
//! Start at [`Tasks`].

pub mod clock;
mod tasks;

pub use tasks::{TaskStatus, Tasks};
