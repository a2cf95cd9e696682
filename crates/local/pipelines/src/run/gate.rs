//! What stands before a stage: the checks of the resources that it uses, and how they stand.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The checks of one attempt of a stage.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct StageGate {
    pub(crate) stage: String,
    pub(crate) attempt: u32,
    /// The record `Checkpoint`, and the id under which `pipelines/checks/runs` shows it.
    pub(crate) checkpoint: Uuid,
    pub(crate) checks: Vec<GateCheck>,
    /// It was decided.
    pub(crate) closed: bool,
    /// Locks that the stage held or waited for were given back.
    pub(crate) released: bool,
}

/// How far a check is. The words are upstream's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum CheckStatus {
    #[default]
    Queued,
    Running,
    Approved,
    Rejected,
    TimedOut,
    Canceled,
}

impl CheckStatus {
    pub(crate) fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::TimedOut => "timedOut",
            Self::Canceled => "canceled",
        }
    }
}

/// One check before a stage.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct GateCheck {
    /// Its record; of an approval also the approval's id.
    pub(crate) id: Uuid,
    /// The configuration; 0 for the permission of the pipeline itself.
    pub(crate) check: i64,
    /// Which revision of the configuration.
    pub(crate) version: i64,
    /// Type as configured: id and name.
    pub(crate) kind: serde_json::Value,
    /// Type of the record.
    pub(crate) record: String,
    pub(crate) title: String,
    /// As configured when the stage came here.
    pub(crate) settings: serde_json::Value,
    pub(crate) resource_kind: String,
    pub(crate) resource_id: String,
    pub(crate) resource_name: String,
    pub(crate) turn: u8,
    pub(crate) status: CheckStatus,
    /// What it waits for, or why it was decided so.
    pub(crate) message: String,
    /// Minutes.
    pub(crate) timeout: i64,
    pub(crate) started_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    /// Seconds since the epoch after which it fails; set when its turn comes.
    pub(crate) due_at: Option<i64>,
    /// Seconds since the epoch at which to look again.
    pub(crate) next_at: Option<i64>,
}

impl StageGate {
    /// When something may change by itself, in seconds since the epoch.
    pub(crate) fn next_at(&self) -> Option<i64> {
        if self.closed {
            return None;
        }
        let running = self
            .checks
            .iter()
            .filter(|check| check.status == CheckStatus::Running);
        running
            .flat_map(|check| [check.due_at, check.next_at])
            .flatten()
            .min()
    }
}
