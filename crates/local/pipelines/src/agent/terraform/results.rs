//! What a command leaves behind: plans and results as attachments, outputs as files and variables.

use std::path::Path;

use pave_pipeline::terraform::Command;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::child::{self, Ended};
use super::super::command::keep;
use super::super::step::{Result, StepError};
use super::{Kept, Task};

impl Task<'_> {
    pub(super) async fn keep_plan(&self, made: &Command, plan: &Path) -> Result {
        let arguments = vec!["show".to_owned(), "-json".to_owned(), plan.display().to_string()];
        let shown = child::run(self.session, self.start(arguments, made, true), self.stop).await?;
        if shown.number() != 0 {
            self.session
                .warn("The plan could not be shown as JSON; it is not attached.");
            return Ok(());
        }
        let name = made
            .publish_plan
            .as_ref()
            .map_or_else(|| self.attachment_name(), |(_, name)| name.clone());
        keep(self.session, "terraform-plan-results", &name, &shown.output)?;
        Ok(())
    }

    /// Which resources there are now, by address and id.
    pub(super) async fn keep_results(&self, kept: Option<&Kept>) -> Result {
        let text = if let Some(kept) = kept {
            std::fs::read(kept.state()).unwrap_or_default()
        } else {
            let arguments = vec!["show".to_owned(), "-json".to_owned()];
            let start = self.start(arguments, &Command::default(), true);
            // The step may have been cancelled; what it made must be known all the same.
            child::run(self.session, start, &CancellationToken::new())
                .await?
                .output
        };
        if text.is_empty() {
            // Nothing was made.
            return Ok(());
        }
        let text = String::from_utf8_lossy(&text);
        let found = match pave_pipeline::terraform::state_resources(&text) {
            Ok(found) => found,
            Err(error) => {
                self.session.warn(&format!(
                    "Which resources there are now cannot be told: the state cannot be read ({error})."
                ));
                return Ok(());
            }
        };
        let resources = found.iter().map(|it| {
            let kind = it.address.rsplit('.').nth(1).unwrap_or_default();
            json!({"address": it.address, "type": kind, "id": it.id})
        });
        let resources: Vec<Value> = resources.collect();
        let result = json!({"workingDirectory": self.relative, "resources": resources});
        keep(
            self.session,
            "terraform-apply-results",
            &self.attachment_name(),
            result.to_string().as_bytes(),
        )?;
        Ok(())
    }

    fn attachment_name(&self) -> String {
        if self.relative.is_empty() {
            "root".to_owned()
        } else {
            self.relative.replace('/', "-")
        }
    }

    pub(super) fn write_output(&self, made: &Command, ended: &Ended) -> Result {
        let Some(file) = &made.output_file else {
            return Ok(());
        };
        let path = self.session.path(file);
        if !path.starts_with(&self.session.job.workspace) {
            return Err(StepError::Words(format!("`{file}` is not in the workspace.")));
        }
        drop(std::fs::remove_file(&path));
        std::io::Write::write_all(&mut std::fs::File::create_new(&path)?, &ended.output)?;
        self.session.job.isolation.own(&path)?;
        if let Some(variable) = made.output_variable {
            self.output(variable, &path.display().to_string());
        }
        Ok(())
    }

    /// Sets an output variable of the step.
    pub(super) fn output(&self, name: &str, value: &str) {
        super::super::command::obey(
            pave_pipeline::LoggingCommand::SetVariable {
                name: name.to_owned(),
                value: value.to_owned(),
                secret: false,
                output: true,
                read_only: false,
            },
            self.session,
        );
    }
}
