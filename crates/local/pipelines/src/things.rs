//! What people define: definitions, environments, variable groups, service connections, checks; and approvals.

use std::collections::BTreeMap;

use pave_auth::Principal;
use pave_devops::{Project, RepositoryAt};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A pipeline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) name: String,
    /// Folder, with backslashes.
    pub(crate) path: String,
    pub(crate) revision: i64,
    pub(crate) project: Project,
    pub(crate) repository: RepositoryAt,
    /// Path of the YAML file, with leading `/`.
    pub(crate) yaml: String,
    /// `enabled`, `paused`, `disabled`.
    pub(crate) queue_status: String,
    pub(crate) variables: BTreeMap<String, DefinitionVariable>,
    /// Whether pushes start it at all.
    pub(crate) triggered: bool,
    pub(crate) author: Principal,
    pub(crate) created_at: String,
}

/// A variable of a definition.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DefinitionVariable {
    /// Empty for a secret.
    pub(crate) value: String,
    pub(crate) is_secret: bool,
    pub(crate) allow_override: bool,
}

/// An environment that deployment jobs name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Environment {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) project: Project,
    pub(crate) created_by: Principal,
    pub(crate) created_at: String,
}

/// A deployment to an environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) environment: i64,
    pub(crate) build: i64,
    pub(crate) definition: i64,
    pub(crate) definition_name: String,
    pub(crate) stage: String,
    pub(crate) job: String,
    pub(crate) number: String,
    pub(crate) result: Option<String>,
    pub(crate) queued_at: String,
    pub(crate) finished_at: Option<String>,
}

/// A group of variables.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VariableGroup {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) kind: String,
    pub(crate) variables: BTreeMap<String, DefinitionVariable>,
    pub(crate) project: Project,
    pub(crate) created_by: Principal,
    pub(crate) created_at: String,
    pub(crate) modified_at: String,
}

/// A service connection, without its secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) uuid: Uuid,
    pub(crate) name: String,
    pub(crate) description: String,
    /// `AzureRM` and others.
    pub(crate) kind: String,
    pub(crate) url: String,
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) scheme: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) project: Project,
    pub(crate) is_shared: bool,
    pub(crate) created_by: Principal,
    pub(crate) is_ready: bool,
    /// What the token endpoint said, in words.
    pub(crate) status: String,
}

/// An approval that a resource demands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) project: Project,
    /// `environment`, `endpoint`, `variablegroup`, `repository`.
    pub(crate) resource_kind: String,
    pub(crate) resource_id: String,
    pub(crate) resource_name: String,
    /// As given: approvers, minRequiredApprovers, requesterCannotBeApprover, executionOrder, instructions.
    pub(crate) settings: Value,
    pub(crate) kind: Value,
    /// Minutes.
    pub(crate) timeout: i64,
    pub(crate) created_by: Principal,
    pub(crate) created_at: String,
}

/// An approval that a run waits for, or has had.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Approval {
    pub(crate) uuid: Uuid,
    pub(crate) project: Project,
    pub(crate) build: i64,
    pub(crate) definition: i64,
    pub(crate) definition_name: String,
    pub(crate) number: String,
    pub(crate) stage: String,
    pub(crate) resource: String,
    pub(crate) check: i64,
    /// `pending`, `approved`, `rejected`, `canceled`, `timedOut`.
    pub(crate) status: String,
    pub(crate) minimum: usize,
    pub(crate) requester: Uuid,
    pub(crate) requester_may_not: bool,
    pub(crate) instructions: String,
    pub(crate) execution_order: Value,
    pub(crate) steps: Vec<ApprovalStep>,
    pub(crate) created_at: String,
    pub(crate) changed_at: String,
    /// Seconds since the epoch after which nobody can approve.
    pub(crate) due_at: i64,
}

/// What one approver said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApprovalStep {
    /// Id of a person, or name of a group.
    pub(crate) approver: String,
    pub(crate) display_name: String,
    pub(crate) status: String,
    pub(crate) comment: String,
    pub(crate) actual: Option<Principal>,
    pub(crate) at: Option<String>,
}

impl Approval {
    /// Whether this person is among the approvers, by id, user name, reference or group.
    pub(crate) fn step_of(&self, principal: &Principal) -> Option<usize> {
        self.steps.iter().position(|step| {
            let wanted = step.approver.as_str();
            wanted.eq_ignore_ascii_case(&principal.id.to_string())
                || wanted == principal.user
                || wanted == principal.entity.to_string()
                || principal
                    .groups
                    .iter()
                    .any(|group| group == wanted || format!("group:default/{group}") == wanted)
        })
    }
}
