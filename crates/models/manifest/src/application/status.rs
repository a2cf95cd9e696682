use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Destination, IgnoreDifference, Retry, Source};

/// What the engine found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// Does the cluster agree with Git?
    pub sync: SyncStatus,
    /// Do the objects work?
    pub health: HealthStatus,
    /// Every object of the application.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceStatus>,
    /// Successful syncs, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
    /// The running or last operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_state: Option<OperationState>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Images and URLs found in the objects.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub summary: Value,
    /// When Git was last compared.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reconciled_at: String,
    /// `Directory`, as far as this engine goes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source_type: String,
    /// Namespace of the controller that wrote this.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub controller_namespace: String,
    /// Fields this engine does not write.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Does the cluster agree with Git?
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncStatus {
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub status: String,
    /// Commit that was compared.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// What was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared_to: Option<ComparedTo>,
}

/// What was compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ComparedTo {
    /// Where from.
    pub source: Source,
    /// Where to.
    pub destination: Destination,
    /// What did not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_differences: Vec<IgnoreDifference>,
}

/// Do the objects work?
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthStatus {
    /// One of the six words of [`crate::health::HealthCode`].
    pub status: String,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Since when.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_transition_time: String,
}

/// One object of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceStatus {
    /// API group; absent for the core group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; absent for cluster-scoped objects.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `Synced` or `OutOfSync`; absent for hooks.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Health, where there is a rule for the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthStatus>,
    /// Whether it is a hook.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hook: bool,
    /// Whether it lives only in the cluster.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub requires_pruning: bool,
    /// Wave, where it is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_wave: Option<i64>,
}

/// A successful sync.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HistoryEntry {
    /// Number, growing.
    pub id: u64,
    /// Commit.
    pub revision: String,
    /// Where from.
    pub source: Source,
    /// When it began.
    pub deploy_started_at: String,
    /// When it was done.
    pub deployed_at: String,
    /// Who asked.
    pub initiated_by: InitiatedBy,
}

/// Who asked for an operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InitiatedBy {
    /// A person.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// The engine itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub automated: bool,
}

/// What somebody asks the engine to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Operation {
    /// A sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<SyncOperation>,
    /// Who asks.
    pub initiated_by: InitiatedBy,
    /// What to do after a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Remarks and other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A sync that somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncOperation {
    /// Commit to sync to; empty means the newest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// Whether to delete what Git no longer names.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prune: bool,
    /// Whether only to try.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Only these objects; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceSelector>,
    /// Source to sync from instead of the Application's (a rollback).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Options instead of the Application's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sync_options: Vec<String>,
    /// `{apply: {force}}` or `{hook: {force}}`.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub sync_strategy: Value,
    /// How many self-heals came before this one without a pause.
    #[serde(skip_serializing_if = "is_zero")]
    pub auto_heal_attempts_count: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Names one object of a partial sync.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceSelector {
    /// API group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace; empty means any.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// A running or ended operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationState {
    /// What was asked.
    pub operation: Operation,
    /// `Running`, `Terminating`, `Succeeded`, `Failed` or `Error`.
    pub phase: String,
    /// What came of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Object by object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_result: Option<SyncResult>,
    /// When it began.
    pub started_at: String,
    /// When it ended; with phase `Running` it waits for a retry.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub finished_at: String,
    /// Attempts after the first.
    #[serde(skip_serializing_if = "is_zero")]
    pub retry_count: u32,
}

/// What a sync did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncResult {
    /// Commit.
    pub revision: String,
    /// Where from.
    pub source: Source,
    /// Object by object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceResult>,
}

/// What a sync did to one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceResult {
    /// API group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `Synced`, `SyncFailed`, `Pruned` or `PruneSkipped`.
    pub status: String,
    /// In words.
    pub message: String,
    /// `Succeeded`, `Failed` or `Running`.
    pub hook_phase: String,
    /// `PreSync`, `Sync`, `PostSync` or `SyncFail`.
    pub sync_phase: String,
    /// Kind of hook, if it is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hook_type: String,
}

/// Something that is wrong with an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// Kind of trouble, such as `ComparisonError`.
    #[serde(rename = "type")]
    pub type_: String,
    /// In words.
    pub message: String,
    /// Since when.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_transition_time: String,
}

impl OperationState {
    /// Whether it has ended for good.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed" | "Error")
    }

    /// Whether it ended as asked.
    #[must_use]
    pub fn is_successful(&self) -> bool {
        self.phase == "Succeeded"
    }
}
