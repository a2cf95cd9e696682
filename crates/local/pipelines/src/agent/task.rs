//! Tasks by name. Which ones there are is said by the model; a pipeline with another one does not start.

pub(crate) mod artifact;
mod cloud;
mod copy;
mod files;
mod tool;
mod versions;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::session::Session;
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
        "copyfiles" => {
            if inputs.flag("CleanTargetFolder") {
                let target = session.path(inputs.must(&["TargetFolder"])?);
                if target.exists() {
                    tool::remove(session, &[target], stop).await?;
                }
            }
            copy::run(session, &inputs)
        }
        "deletefiles" => files::delete(session, &inputs, stop).await,
        "archivefiles" => files::archive(session, &inputs, stop).await,
        "extractfiles" => files::extract(session, &inputs, stop).await,
        "usepythonversion" => versions::python(session, &inputs, stop).await,
        "nodetool" => versions::node(session, &inputs, "6.x", stop).await,
        "usenode" => versions::node(session, &inputs, "10.x", stop).await,
        "azurecli" => cloud::run(session, &inputs, environment, stop).await,
        "terraforminstaller" => terraform::install(session, &inputs, stop).await,
        other if other.starts_with("terraformtask") || other == "terraformcli" => {
            terraform::run(session, &inputs, environment, stop).await
        }
        _ => Err(StepError::Words(format!(
            "The task `{name}@{major}` is not known here."
        ))),
    }
}
