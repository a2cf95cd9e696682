//! Tasks by name. Which ones there are is said by the model; a pipeline with another one does not start.

pub(crate) mod artifact;
mod copy;

use std::sync::Arc;

use pave_pipeline::Shell;
use tokio_util::sync::CancellationToken;

use super::session::Session;
use super::shell::{self, Script};
use super::step::{Result, StepError};
use super::terraform;

/// Inputs of a task, filled in; names ignore case.
pub(crate) struct Inputs(Vec<(String, String)>);

impl Inputs {
    fn new(session: &Session, written: &[(String, String)]) -> Self {
        Self(
            written
                .iter()
                .map(|(name, value)| (name.clone(), session.expand(value)))
                .collect(),
        )
    }

    /// The value of the first of these names that is given and not empty.
    pub(crate) fn get(&self, names: &[&str]) -> Option<&str> {
        let given = |name: &&str| {
            self.0
                .iter()
                .find(|(other, value)| other.eq_ignore_ascii_case(name) && !value.trim().is_empty())
        };
        names.iter().find_map(given).map(|(_, value)| value.as_str())
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(&[name])
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    pub(crate) fn must(&self, names: &[&str]) -> Result<&str> {
        self.get(names)
            .ok_or_else(|| StepError::Words(format!("Input required: {}", names.first().unwrap_or(&""))))
    }
}

/// Runs a task.
pub(crate) async fn run(
    session: &Arc<Session>,
    task: (&str, u32),
    written: &[(String, String)],
    environment: &[(String, String)],
    stop: &CancellationToken,
) -> Result {
    let inputs = Inputs::new(session, written);
    let (name, major) = task;
    match name.to_ascii_lowercase().as_str() {
        "cmdline" => script(session, Shell::Script, &inputs, environment, stop).await,
        "bash" => script(session, Shell::Bash, &inputs, environment, stop).await,
        "powershell" => script(session, Shell::Pwsh, &inputs, environment, stop).await,
        "copyfiles" => copy::run(session, &inputs),
        "publishbuildartifacts" => {
            let path = inputs.get(&["PathtoPublish"]).unwrap_or("$(Build.ArtifactStagingDirectory)");
            artifact::publish(session, path, inputs.get(&["ArtifactName"]).unwrap_or("drop"))
        }
        "publishpipelineartifact" => {
            let path = inputs.get(&["targetPath", "path"]).unwrap_or("$(Pipeline.Workspace)");
            artifact::publish(session, path, inputs.get(&["artifactName", "artifact"]).unwrap_or(""))
        }
        "downloadpipelineartifact" | "downloadbuildartifacts" => {
            let name = inputs.get(&["artifactName", "artifact"]).unwrap_or("");
            let path = inputs.get(&["targetPath", "path", "downloadPath"]).unwrap_or("");
            let patterns = inputs.get(&["itemPattern", "patterns"]).unwrap_or("");
            artifact::download(session, "current", name, path, patterns)
        }
        "terraforminstaller" => terraform::install(session, &inputs, stop).await,
        "delay" => {
            let minutes: f64 = inputs.get(&["delayForMinutes"]).and_then(|it| it.trim().parse().ok()).unwrap_or(0.0);
            tokio::select! {
                () = stop.cancelled() => Err(StepError::Said),
                () = tokio::time::sleep(std::time::Duration::from_secs_f64((minutes * 60.0).clamp(0.0, 86_400.0))) => Ok(()),
            }
        }
        "azurecli" => Err(StepError::Words(
            "AzureCLI needs `az`, which is not on this machine. Use TerraformTaskV4@4, or a script that calls the REST API.".to_owned(),
        )),
        other if other.starts_with("terraformtask") || other == "terraformcli" => {
            terraform::run(session, &inputs, environment, stop).await
        }
        _ => Err(StepError::Words(format!("The task `{name}@{major}` is not known here."))),
    }
}

async fn script(
    session: &Arc<Session>,
    shell: Shell,
    inputs: &Inputs,
    environment: &[(String, String)],
    stop: &CancellationToken,
) -> Result {
    let from_file = inputs
        .get(&["targetType"])
        .is_some_and(|kind| kind.eq_ignore_ascii_case("filePath"));
    let arguments = inputs.get(&["arguments"]).unwrap_or_default();
    let text = if from_file {
        let file = session.path(inputs.must(&["filePath"])?);
        // Read by the step itself, not by us.
        let file = file.display().to_string().replace('\'', r"'\''");
        format!("exec bash '{file}' {arguments}")
    } else {
        inputs.must(&["script"])?.to_owned()
    };
    let script = Script {
        shell: if from_file { Shell::Bash } else { shell },
        text,
        directory: inputs.get(&["workingDirectory"]).map(|path| session.path(path)),
        fail_on_stderr: inputs.flag("failOnStderr"),
        arguments: Vec::new(),
    };
    shell::run(session, script, environment, stop).await
}
