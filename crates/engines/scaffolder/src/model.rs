//! Tasks and what happens to them.

use pave_auth::Principal;
use pave_names::{Direction, RoadId};
use pave_template::provenance::Piece;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// Accepted, or waiting for a person.
    Open,
    /// Running.
    Processing,
    /// Done.
    Completed,
    /// A step failed.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl TaskStatus {
    /// The word stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// From the stored word; anything else is failed.
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "open" => Self::Open,
            "processing" => Self::Processing,
            "completed" => Self::Completed,
            "cancelled" => Self::Cancelled,
            _ => Self::Failed,
        }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// Not begun.
    Open,
    /// Running, or interrupted while it ran.
    Processing,
    /// Done.
    Completed,
    /// Failed.
    Failed,
    /// Left out.
    Skipped,
    /// Stopped.
    Cancelled,
}

impl StepStatus {
    /// The word stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a task runs, fixed when it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSpec {
    /// `scaffolder.backstage.io/v1beta3`.
    pub api_version: String,
    /// Steps: `{id, name, action, input, if?, each?}`.
    pub steps: Vec<Value>,
    /// `spec.output` of the template.
    pub output: Value,
    /// Values of the form.
    pub parameters: Value,
    /// `{ref, entity}` of who asked.
    pub user: Value,
    /// `{entityRef, baseUrl, entity: {metadata}}`.
    pub template_info: Value,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Identifier.
    pub id: String,
    /// What it runs.
    pub spec: TaskSpec,
    /// How it stands.
    pub status: TaskStatus,
    /// What it waits for, when a person must decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it last showed that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_heartbeat_at: Option<String>,
    /// Entity reference of who asked.
    pub created_by: String,
    /// Its road.
    pub road: RoadId,
    /// Creation, or taking away.
    pub direction: Direction,
    /// Who asked.
    #[serde(skip)]
    pub principal: Principal,
}

impl Task {
    /// Title for people: the template's.
    #[must_use]
    pub fn title(&self) -> String {
        let metadata = &self.spec.template_info["entity"]["metadata"];
        let text = |key: &str| metadata[key].as_str();
        text("title")
            .or_else(|| text("name"))
            .unwrap_or("task")
            .to_owned()
    }
}

/// Kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A line of the log; also the change of a step.
    Log,
    /// The end.
    Completion,
    /// Somebody stopped it.
    Cancelled,
    /// It goes on after an interruption.
    Recovered,
}

impl EventKind {
    /// The word stored, and the name of the server-sent event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Completion => "completion",
            Self::Cancelled => "cancelled",
            Self::Recovered => "recovered",
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "completion" => Self::Completion,
            "cancelled" => Self::Cancelled,
            "recovered" => Self::Recovered,
            _ => Self::Log,
        }
    }
}

/// Something that happened to a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Place in the order of all events.
    pub id: i64,
    /// Task.
    pub task_id: String,
    /// Kind.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When.
    pub created_at: String,
    /// `{message, stepId?, status?}`, or `{message, output?, error?}` at the end.
    pub body: Value,
}

/// Which tasks to list.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Entity references of who asked; any when empty.
    pub created_by: Vec<String>,
    /// States; any when empty.
    pub status: Vec<TaskStatus>,
    /// `asc:` or `desc:` and `created_at`, `status` or `created_by`; newest first by default.
    pub order: Vec<String>,
    /// How many at most.
    pub limit: Option<usize>,
    /// How many to leave out.
    pub offset: usize,
}

/// A part of the list of tasks.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskPage {
    /// Tasks.
    pub tasks: Vec<Task>,
    /// How many there are in all.
    pub total_tasks: usize,
}

/// A file that a step commits, or would commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFile {
    /// URL of the repository, without credentials.
    pub repository: String,
    /// Branch.
    pub branch: String,
    /// Path in the repository.
    pub path: String,
    /// What stands there afterwards; nothing when it is deleted.
    pub content: Option<Vec<u8>>,
    /// Whether it may be executed.
    pub executable: bool,
    /// Where the stretches of its text came from.
    pub pieces: Vec<Piece>,
    /// Where the stretches of its path came from.
    pub path_pieces: Vec<Piece>,
    /// Step that commits it.
    pub step: String,
}

impl PlannedFile {
    /// The content as text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.content
            .as_deref()
            .and_then(|content| std::str::from_utf8(content).ok())
    }
}
