//! What tests share: waiting for a condition, finding programs, and a whole platform under test.
//!
//! For tests only, as a development dependency; it knows the program `pave` by its command line and its answers, and
//! imports nothing of the house, so that every crate may use it. Failures are `anyhow` errors, since a test only prints
//! them. The tests that keep the house in order (layers, sizes) live in this crate's `tests/`. Start at [`Platform`] for
//! a running platform, at [`wait_until`] for anything that takes a while.

pub mod demo;
pub mod devops;
pub mod platform;
mod processes;
pub mod program;
pub mod wait;

pub use platform::{Answer, Platform};
pub use program::{Finished, find_program, free_port};
pub use wait::{wait_for, wait_until};
