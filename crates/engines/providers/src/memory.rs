//! What the engine remembers of an object between two rounds. Losing it costs time, never correctness.

use std::time::Instant;

use pave_arm::{ArmClient, Operation};
use serde_json::Value;

/// Working memory of one managed resource.
#[derive(Default)]
pub(crate) struct Memory {
    /// Which object of that name it is about: a re-created one starts anew.
    pub(crate) uid: Value,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// The long-running operation that is followed.
    pub(crate) pending: Option<Pending>,
    /// Since when the thing has been seen in a passing state without an operation of ours.
    pub(crate) unsettled_since: Option<Instant>,
    /// The last warning that became an event, so that a lasting trouble is told once.
    pub(crate) last_warning: Option<String>,
    /// Whether somebody else's change may end the trouble.
    pub(crate) waiting: bool,
    /// Whether the use of the provider configuration has been recorded.
    pub(crate) usage_recorded: bool,
    /// A password that an update sent to Azure and that is published once the update has come to its end.
    pub(crate) sent_password: Option<String>,
    /// What the last answer said differs, after an update was accepted: two in a row mean that ARM does not take it.
    pub(crate) corrected: Option<String>,
}

/// A long-running operation and what it does.
pub(crate) struct Pending {
    pub(crate) client: ArmClient,
    pub(crate) operation: Operation,
    pub(crate) action: Action,
    pub(crate) since: Instant,
}

/// What is being done to the thing in Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
    Delete,
}
