//! Trying a template without publishing: the same way as a task takes.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use pave_auth::Principal;
use pave_diagnostic::Diagnostics;
use pave_names::{Direction, RoadId};
use pave_template::form::InstanceError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::action::ActionError;
use crate::context::SourceFile;
use crate::error::ScaffolderError;
use crate::model::{PlannedFile, TaskSpec};
use crate::recorder::ListRecorder;
use crate::redact::Redactor;
use crate::run::{Ending, Run};
use crate::worker::Worker;
use crate::workspace::Workspace;

/// A file handed in or given back, as the dry-run API has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryFile {
    /// Path.
    pub path: String,
    /// Whether it may be executed.
    #[serde(default)]
    pub executable: bool,
    /// Content in base64.
    pub base64_content: String,
}

impl DirectoryFile {
    pub(crate) fn to_source(&self) -> SourceFile {
        let content = base64::engine::general_purpose::STANDARD
            .decode(&self.base64_content)
            .unwrap_or_default();
        let path = self
            .path
            .trim_start_matches("./")
            .trim_start_matches('/')
            .to_owned();
        SourceFile {
            path,
            content,
            executable: self.executable,
            symlink: false,
        }
    }
}

/// A line of a dry run's log: `{body: {message, stepId?, status?}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// As the body of a log event.
    pub body: Value,
}

/// What a template would do.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// Values that the form does not allow; then nothing else is here.
    pub invalid: Vec<InstanceError>,
    /// The log.
    pub log: Vec<LogLine>,
    /// What the workspace held at the end.
    pub directory_contents: Vec<DirectoryFile>,
    /// The template's output.
    pub output: Value,
    /// The steps that were run.
    pub steps: Vec<Value>,
    /// Files that would be committed.
    pub files: Vec<PlannedFile>,
    /// What a person should know before running it, such as files that exist already and would be changed.
    pub diagnostics: Diagnostics,
    /// Why it would fail.
    pub error: Option<ActionError>,
}

impl Worker {
    /// Runs a specification with publishing replaced by collecting.
    pub(crate) async fn preview(
        &self,
        spec: &TaskSpec,
        principal: &Principal,
        secrets: &Value,
        directory: &[DirectoryFile],
    ) -> Result<Preview, ScaffolderError> {
        let id = format!("dry-run-{}", uuid::Uuid::new_v4());
        let failed = |source| ScaffolderError::Workspace {
            action: "make the directory".to_owned(),
            source,
        };
        let workspace = Workspace::open(&self.context.workspaces.join(&id)).map_err(failed)?;
        let recorder = ListRecorder::default();
        let redactor = Redactor::default();
        redactor.hide(secrets);
        redactor.hide(&self.context.defaults.environment["secrets"]);
        let (planned, findings) = (Mutex::default(), Mutex::default());
        let directory: Vec<SourceFile> = directory.iter().map(DirectoryFile::to_source).collect();
        let run = Run {
            services: &self.context,
            registry: &self.registry,
            recorder: &recorder,
            workspace: &workspace,
            task_id: &id,
            spec,
            secrets,
            principal,
            road: &RoadId::random(),
            direction: Direction::Up,
            directory: &directory,
            is_preview: true,
            fresh_workspace: true,
            cancelled: &CancellationToken::new(),
            redactor: &redactor,
            http: &self.http,
            planned: &planned,
            findings: &findings,
        };
        let ending = run.run().await;
        let contents = contents(&workspace);
        if let Err(error) = workspace.remove() {
            tracing::warn!(id, %error, "a preview's directory cannot be removed; the next start does");
        }
        let (output, error) = match ending? {
            Ending::Completed(output) => (output, None),
            Ending::Failed(error) => (Value::Null, Some(error)),
            Ending::Cancelled | Ending::Waiting(_) => (Value::Null, None),
        };
        Ok(Preview {
            invalid: Vec::new(),
            log: recorder
                .lines
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            directory_contents: contents,
            output,
            steps: spec.steps.clone(),
            files: planned.into_inner().unwrap_or_else(PoisonError::into_inner),
            diagnostics: findings.into_inner().unwrap_or_else(PoisonError::into_inner),
            error,
        })
    }
}

fn contents(workspace: &Workspace) -> Vec<DirectoryFile> {
    let files = workspace.files(".").unwrap_or_default();
    files
        .into_iter()
        .filter(|file| !file.symlink)
        .map(|file| DirectoryFile {
            path: file.path,
            executable: file.executable,
            base64_content: base64::engine::general_purpose::STANDARD.encode(file.content),
        })
        .collect()
}
