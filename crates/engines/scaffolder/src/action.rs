//! Actions: what a step can do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use pave_auth::Principal;
use pave_diagnostic::Diagnostic;
use pave_names::{Direction, RoadId};
pub use pave_template::action::{ActionExample, ActionSpec, Effect};
use pave_template::provenance::{LeafTrace, Piece};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::model::{PlannedFile, StepStatus};
use crate::recorder::Recorder;
use crate::redact::Redactor;
use crate::workspace::Workspace;

/// What an action gives back: outputs by name.
pub type Outputs = Map<String, Value>;

/// Why an action failed, in words for the person who ran the template.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionError {
    /// Name of the error class, as clients see it: `InputError`, `NotFoundError`, `NotAllowedError`, `Error`.
    pub name: String,
    /// What happened.
    pub message: String,
    /// Findings behind it.
    pub diagnostics: Vec<Diagnostic>,
}

impl ActionError {
    /// An error of a class.
    #[must_use]
    pub fn new(name: &str, message: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            message: message.into(),
            diagnostics: Vec::new(),
        }
    }

    /// The input is not usable.
    #[must_use]
    pub fn input(message: impl Into<String>) -> Self {
        Self::new("InputError", message)
    }
}

impl From<String> for ActionError {
    fn from(message: String) -> Self {
        Self::new("Error", message)
    }
}

impl std::fmt::Display for ActionError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ActionError {}

/// Something that a step can do.
pub trait Action: Send + Sync {
    /// What it declares.
    fn spec(&self) -> &ActionSpec;

    /// Does it.
    fn run<'a>(&'a self, context: &'a ActionContext<'a>) -> BoxFuture<'a, Result<Outputs, ActionError>>;
}

/// What an action sees.
pub struct ActionContext<'a> {
    /// Input: rendered, checked, without unknown keys.
    pub input: Map<String, Value>,
    /// Where the leaves of the input came from.
    pub traces: Vec<LeafTrace>,
    /// The task's directory.
    pub workspace: &'a Workspace,
    /// The world.
    pub services: &'a Context,
    /// Who asked.
    pub principal: &'a Principal,
    /// Task.
    pub task_id: &'a str,
    /// Step.
    pub step_id: &'a str,
    /// The key by which the step finds its own work again.
    pub step_key: String,
    /// The request's road.
    pub road: &'a RoadId,
    /// Creation, or taking away.
    pub direction: Direction,
    /// Reference of the template.
    pub template_ref: &'a str,
    /// What relative URLs resolve against.
    pub base_url: Option<&'a str>,
    /// Files that were handed in with a dry run.
    pub directory: &'a [crate::context::SourceFile],
    /// Whether nothing outside the workspace may change.
    pub dry_run: bool,
    /// Ends long waits.
    pub cancelled: &'a CancellationToken,
    /// Calls hosts' REST APIs.
    pub http: &'a reqwest::Client,
    pub(crate) planned: &'a Mutex<Vec<PlannedFile>>,
    pub(crate) findings: &'a Mutex<Vec<Diagnostic>>,
    pub(crate) recorder: &'a dyn Recorder,
    pub(crate) redactor: &'a Redactor,
}

impl ActionContext<'_> {
    /// Writes a line to the task's log; secrets in it are masked.
    pub async fn log(&self, message: &str) {
        let message = self.redactor.redact(message);
        self.recorder
            .log(Some(self.step_id), Some(StepStatus::Processing), &message)
            .await;
    }

    /// A string of the input; none where the key is missing or empty.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.input
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// A flag of the input.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        self.input
            .get(key)
            .is_some_and(|value| *value == Value::Bool(true))
    }

    /// The strings of a list of the input.
    pub fn texts(&self, key: &str) -> impl Iterator<Item = &str> {
        self.input
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// Takes down files that would be committed.
    pub(crate) fn plan(&self, files: &[PlannedFile]) {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        planned.extend(files.iter().cloned());
    }

    /// Takes down what a person should know of before it is done.
    pub(crate) fn find(&self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.extend(diagnostics);
    }

    /// Where a leaf of the input came from.
    #[must_use]
    pub fn pieces(&self, pointer: &str) -> Vec<Piece> {
        self.traces
            .iter()
            .find(|trace| trace.pointer == pointer)
            .map_or_else(Vec::new, |trace| trace.pieces.clone())
    }

    /// Stops as a crash would, where a test asks for it.
    pub(crate) async fn interruption(&self, point: &str) {
        if self
            .services
            .interrupt
            .as_ref()
            .is_some_and(|interrupt| interrupt(point))
        {
            std::future::pending::<()>().await;
        }
    }
}

/// All actions, by name.
#[derive(Clone)]
pub(crate) struct Registry {
    actions: BTreeMap<String, Arc<dyn Action>>,
}

impl Registry {
    pub(crate) fn new(more: &[Arc<dyn Action>]) -> Self {
        let built_in = crate::actions::all();
        let actions = built_in.into_iter().chain(more.iter().cloned());
        Self {
            actions: actions.map(|action| (action.spec().id.clone(), action)).collect(),
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<dyn Action>> {
        self.actions.get(id)
    }

    pub(crate) fn specs(&self) -> impl Iterator<Item = &ActionSpec> {
        self.actions.values().map(|action| action.spec())
    }

    /// The error for a name that nobody has registered.
    pub(crate) fn unknown(&self, id: &str) -> ActionError {
        let hint = pave_diagnostic::nearest(id, self.actions.keys().map(String::as_str))
            .map_or_else(String::new, |nearest| format!(" Did you mean '{nearest}'?"));
        ActionError::new(
            "NotFoundError",
            format!("Template action with ID '{id}' is not registered.{hint}"),
        )
    }
}
