//! The way of a task through its steps, the same for a real run and a preview.

use std::sync::Mutex;

use pave_auth::Principal;
use pave_diagnostic::Diagnostic;
use pave_names::{Direction, RoadId};
use pave_template::expression::{Scope, is_truthy, render_value};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::action::{ActionError, Effect, Registry};
use crate::context::{Context, SourceFile};
use crate::error::ScaffolderError;
use crate::model::{PlannedFile, StepStatus, TaskSpec};
use crate::output::without_hidden;
use crate::recorder::{Recorder, StepRecord};
use crate::redact::Redactor;
use crate::store::Recorded;
use crate::workspace::Workspace;

/// A task that runs, or is tried.
pub(crate) struct Run<'a> {
    pub(crate) services: &'a Context,
    pub(crate) registry: &'a Registry,
    pub(crate) recorder: &'a dyn Recorder,
    pub(crate) workspace: &'a Workspace,
    pub(crate) task_id: &'a str,
    pub(crate) spec: &'a TaskSpec,
    pub(crate) secrets: &'a Value,
    pub(crate) principal: &'a Principal,
    pub(crate) road: &'a RoadId,
    pub(crate) direction: Direction,
    pub(crate) directory: &'a [SourceFile],
    pub(crate) is_preview: bool,
    /// Whether the files that earlier steps made are gone, so that those steps must run again.
    pub(crate) fresh_workspace: bool,
    pub(crate) cancelled: &'a CancellationToken,
    pub(crate) redactor: &'a Redactor,
    pub(crate) http: &'a reqwest::Client,
    pub(crate) planned: &'a Mutex<Vec<PlannedFile>>,
    pub(crate) findings: &'a Mutex<Vec<Diagnostic>>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ending {
    Completed(Value),
    Failed(ActionError),
    Cancelled,
    /// A step was cut off that must not be run twice.
    Waiting(String),
}

/// What a step finds.
struct Earlier<'a> {
    outputs: &'a Value,
    failed: bool,
    /// The record of the step before. Nothing more is done before it is on disk.
    last: Recorded,
}

/// Nothing to wait for.
fn recorded() -> Recorded {
    Box::pin(std::future::ready(Ok(())))
}

/// How a step ended.
pub(crate) enum StepEnding {
    /// Its record is on its way to the disk.
    Done(Map<String, Value>, Recorded),
    Skipped,
    Failed(ActionError),
    Cancelled,
    Waiting(String),
}

impl Run<'_> {
    pub(crate) async fn run(&self) -> Result<Ending, ScaffolderError> {
        let count = self.spec.steps.len();
        self.recorder
            .log(None, None, &format!("Starting up task with {count} steps"))
            .await;
        if let Some(error) = self.unknown_action() {
            return Ok(Ending::Failed(error));
        }
        let mut outputs = Map::new();
        let mut failure: Option<ActionError> = None;
        let mut last = recorded();
        for step in &self.spec.steps {
            if self.cancelled.is_cancelled() {
                last.await?;
                return Ok(Ending::Cancelled);
            }
            let id = step["id"].as_str().unwrap_or_default();
            let earlier = Earlier {
                outputs: &Value::Object(outputs.clone()),
                failed: failure.is_some(),
                last: std::mem::replace(&mut last, recorded()),
            };
            match self.step(step, id, earlier).await? {
                StepEnding::Done(output, record) => {
                    outputs.insert(id.to_owned(), json!({ "output": output }));
                    last = record;
                }
                StepEnding::Skipped => {}
                StepEnding::Failed(error) => failure = failure.or(Some(error)),
                StepEnding::Cancelled => return Ok(Ending::Cancelled),
                StepEnding::Waiting(reason) => return Ok(Ending::Waiting(reason)),
            }
        }
        last.await?;
        Ok(match failure {
            Some(error) => Ending::Failed(error),
            None => Ending::Completed(self.output(&Value::Object(outputs)).await),
        })
    }

    /// A name that nobody knows ends the task before its first step, not in the middle.
    fn unknown_action(&self) -> Option<ActionError> {
        let name = |step: &Value| step["action"].as_str().unwrap_or_default().to_owned();
        let step = self
            .spec
            .steps
            .iter()
            .find(|step| self.registry.get(&name(step)).is_none())?;
        let mut error = self.registry.unknown(&name(step));
        if step["input"].get("filePath").is_some() && step["input"].get("content").is_some() {
            error
                .message
                .push_str(" To commit a file to a branch, use 'pave:repo:commit' with the same fields.");
        }
        Some(error)
    }

    async fn step(
        &self,
        step: &Value,
        id: &str,
        earlier: Earlier<'_>,
    ) -> Result<StepEnding, ScaffolderError> {
        let Earlier {
            outputs,
            failed,
            last,
        } = earlier;
        let effect = step["action"]
            .as_str()
            .and_then(|name| self.registry.get(name))
            .map(|action| action.spec().effect);
        if let Some(earlier) = self.recorder.earlier(id).await?
            && let Some(ending) = self.resumed(earlier, effect, step, id)
        {
            last.await?;
            return Ok(ending);
        }
        if let Some(reason) = self.skip_reason(step, id, outputs, failed).await {
            last.await?;
            self.recorder
                .step(id, StepStatus::Skipped, &Map::new(), &reason)
                .await?;
            return Ok(StepEnding::Skipped);
        }
        let name = step["name"].as_str().unwrap_or(id);
        let started = format!("Beginning step {name}");
        let begun = self
            .recorder
            .step(id, StepStatus::Processing, &Map::new(), &started);
        // One wait for both: that the step before is done, and that this one begins, often share a commit.
        tokio::try_join!(last, begun)?;
        self.interruption(&format!("began {id}")).await;
        match self.perform(step, id, outputs).await {
            Ok(output) => {
                self.interruption(&format!("did {id}")).await;
                let finished = format!("Finished step {name}");
                let record = self.recorder.step(id, StepStatus::Completed, &output, &finished);
                self.interruption(&format!("recorded {id}")).await;
                Ok(StepEnding::Done(output, record))
            }
            Err(_) if self.cancelled.is_cancelled() => {
                let message = format!("Step {id} has been cancelled.");
                self.recorder
                    .step(id, StepStatus::Cancelled, &Map::new(), &message)
                    .await?;
                Ok(StepEnding::Cancelled)
            }
            Err(error) => {
                let message = self
                    .redactor
                    .redact(&format!("{}: {}", error.name, error.message));
                self.recorder
                    .step(id, StepStatus::Failed, &Map::new(), &message)
                    .await?;
                Ok(StepEnding::Failed(ActionError {
                    message: self.redactor.redact(&error.message),
                    ..error
                }))
            }
        }
    }

    /// What a record from before an interruption says about a step; nothing when it is to run (again).
    fn resumed(
        &self,
        earlier: StepRecord,
        effect: Option<Effect>,
        step: &Value,
        id: &str,
    ) -> Option<StepEnding> {
        let repeatable = effect != Some(Effect::Once);
        match earlier.status.as_str() {
            // Its files went with the workspace, and doing it again does no harm.
            "completed" if self.fresh_workspace && repeatable => None,
            "completed" => Some(StepEnding::Done(earlier.output, recorded())),
            "skipped" => Some(StepEnding::Skipped),
            "processing" if !repeatable => Some(StepEnding::Waiting(format!(
                "step `{}` was interrupted while it ran `{}`, which must not be done twice: look whether it was done, then retry or cancel the task",
                step["name"].as_str().unwrap_or(id),
                step["action"].as_str().unwrap_or_default(),
            ))),
            _ => None,
        }
    }

    /// Why a step is left out, if it is.
    async fn skip_reason(&self, step: &Value, id: &str, outputs: &Value, failed: bool) -> Option<String> {
        let condition = step.get("if");
        let asks = |text: &str| text.contains("always()") || text.contains("failure()");
        if failed && !condition.and_then(Value::as_str).is_some_and(asks) {
            return Some(format!("Skipping step {id} because a previous step failed"));
        }
        let condition = condition?;
        // With `each` it is asked for every round.
        if step.get("each").is_some_and(|each| !each.is_null()) {
            return None;
        }
        let holds = self.condition(condition, id, outputs, None, failed).await;
        (!holds).then(|| format!("Skipping step {id} because its if condition was false"))
    }

    pub(crate) async fn condition(
        &self,
        condition: &Value,
        id: &str,
        outputs: &Value,
        each: Option<&Value>,
        failed: bool,
    ) -> bool {
        let context = self.task_context();
        let scope = self.scope(outputs, &context, each).with_status(failed);
        let rendered = render_value(condition, &scope);
        drop(scope);
        for (_, fault) in &rendered.faults {
            let message = format!("the condition could not be evaluated and counts as true: {fault}");
            self.recorder.log(Some(id), None, &message).await;
        }
        is_truthy(rendered.value.as_ref())
    }

    pub(crate) fn task_context(&self) -> Value {
        json!({ "task": { "id": self.task_id } })
    }

    /// What expressions of a step see; `secrets` are added where they are allowed.
    pub(crate) fn scope<'s>(
        &'s self,
        outputs: &'s Value,
        context: &'s Value,
        each: Option<&'s Value>,
    ) -> Scope<'s> {
        let scope = Scope::new()
            .with("parameters", &self.spec.parameters)
            .with("steps", outputs)
            .with("user", &self.spec.user)
            .with("context", context)
            .with("environment", &self.services.defaults.environment);
        match each {
            Some(each) => scope.with("each", each),
            None => scope,
        }
    }

    async fn output(&self, outputs: &Value) -> Value {
        let context = self.task_context();
        let rendered = render_value(&self.spec.output, &self.scope(outputs, &context, None));
        for (pointer, fault) in &rendered.faults {
            let message = format!("output `{pointer}` is left as it is written: {fault}");
            self.recorder.log(None, None, &message).await;
        }
        let output = without_hidden(&self.spec.output, rendered.value.unwrap_or_else(|| json!({})));
        self.redactor.redact_value(&output)
    }

    async fn interruption(&self, point: &str) {
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
