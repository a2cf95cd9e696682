//! The journal of every road: which station a request has reached, when, and what it waits for there.
//!
//! It outlives the objects it speaks of and feeds the pages; nothing decides by it. Whoever moves a request records a
//! [`Hop`]; a sequence number orders all changes, so that a page that lost its connection asks for what came after.
//! Start at [`Journal`].

mod hop;
mod journal;

pub use hop::{Hop, RoadSummary};
pub use journal::{Journal, JournalError};

#[cfg(test)]
mod tests;
