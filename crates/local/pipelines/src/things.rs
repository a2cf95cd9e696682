//! What people define: definitions, environments, variable groups, service connections, checks; and approvals.

use std::collections::BTreeMap;

use pave_auth::Principal;
use pave_devops::{Project, RepositoryAt};
use pave_pipeline::CheckKind;
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

/// A check that a resource demands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) project: Project,
    /// `environment`, `endpoint`, `variablegroup`, `repository`.
    pub(crate) resource_kind: String,
    pub(crate) resource_id: String,
    pub(crate) resource_name: String,
    /// As given; what counts depends on the kind.
    pub(crate) settings: Value,
    /// Id and name of the type.
    pub(crate) kind: Value,
    /// Minutes.
    pub(crate) timeout: i64,
    pub(crate) created_by: Principal,
    pub(crate) created_at: String,
    #[serde(default = "first")]
    pub(crate) version: i64,
    #[serde(default)]
    pub(crate) is_disabled: bool,
    #[serde(default)]
    pub(crate) modified: Option<(Principal, String)>,
}

fn first() -> i64 {
    1
}

impl Check {
    /// Which check it is; an error says what is not known here, in words.
    pub(crate) fn what(&self) -> Result<CheckKind, String> {
        let text = |value: &Value, pointer: &str| {
            let found = value.pointer(pointer).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        CheckKind::find(
            &text(&self.kind, "/id"),
            &text(&self.kind, "/name"),
            &text(&self.settings, "/definitionRef/id"),
            &text(&self.settings, "/definitionRef/name"),
        )
    }

    /// Name for people: as given, or that of the kind.
    pub(crate) fn title(&self, kind: CheckKind) -> String {
        let given = self.settings.get("displayName").and_then(Value::as_str);
        given
            .filter(|it| !it.is_empty())
            .unwrap_or(kind.title())
            .to_owned()
    }
}

/// Which pipelines may use a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Permission {
    pub(crate) resource_kind: String,
    pub(crate) resource_id: String,
    pub(crate) resource_name: String,
    /// Whether all may; `None`: nobody has said so.
    pub(crate) all: Option<Authorized>,
    /// Definitions, by id.
    pub(crate) pipelines: BTreeMap<i64, Authorized>,
}

/// A yes or no, by whom and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Authorized {
    pub(crate) allowed: bool,
    pub(crate) by: Principal,
    pub(crate) at: String,
}

/// A definition as it once was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Revision {
    pub(crate) definition: i64,
    pub(crate) body: Definition,
    pub(crate) changed_by: Principal,
    pub(crate) changed_at: String,
    /// `add` or `update`.
    pub(crate) change: String,
    pub(crate) comment: String,
}

/// Keeps a run's files from being swept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) owner: String,
    pub(crate) run: i64,
    pub(crate) definition: i64,
    pub(crate) created_at: String,
    pub(crate) valid_until: String,
    pub(crate) protected: bool,
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
    /// Who may not approve, as named.
    #[serde(default)]
    pub(crate) blocked: Vec<String>,
    /// Seconds since the epoch until which a yes does not count.
    #[serde(default)]
    pub(crate) deferred_to: Option<i64>,
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
    /// The entry that this person may decide, by id, user name, reference or group; one that is still open if there is.
    pub(crate) fn step_of(&self, principal: &Principal) -> Option<usize> {
        let own = |step: &&ApprovalStep| is_named(&step.approver, principal);
        let open = |step: &ApprovalStep| step.status == "pending";
        let all = self.steps.iter().enumerate();
        let mut fitting = all.filter(|(_, step)| own(step)).peekable();
        let first = fitting.peek().map(|(index, _)| *index);
        fitting
            .find(|(_, step)| open(step))
            .map(|(index, _)| index)
            .or(first)
    }

    /// Whether approvers are asked one after the other.
    pub(crate) fn is_in_sequence(&self) -> bool {
        let text = self.execution_order.as_str().unwrap_or_default();
        text.eq_ignore_ascii_case("inSequence") || self.execution_order.as_i64() == Some(2)
    }

    /// Whether this person must not approve.
    pub(crate) fn is_blocked(&self, principal: &Principal) -> bool {
        self.blocked.iter().any(|name| is_named(name, principal))
    }
}

/// Whether an id, user name, reference or group means this person.
pub(crate) fn is_named(wanted: &str, principal: &Principal) -> bool {
    wanted.eq_ignore_ascii_case(&principal.id.to_string())
        || wanted == principal.user
        || (!principal.email.is_empty() && wanted.eq_ignore_ascii_case(&principal.email))
        || wanted == principal.entity.to_string()
        || principal
            .groups
            .iter()
            .any(|group| group == wanted || format!("group:default/{group}") == wanted)
}
