use pave_manifest::health::{HealthCode, assess};
use pave_manifest::plan::{Action, Task};
use serde_json::{Value, json};

use super::Sync;
use super::tasks::short_name;
use crate::engine::application_key;
use crate::objects;

/// Why a wave is not waited for any longer.
pub(super) enum Stopped {
    /// Somebody ended the operation, or deleted the Application.
    Terminated,
    /// Something in it does not work.
    Failed(String),
}

enum Progress {
    Done,
    Waiting(String),
    Failed(String),
}

impl Sync<'_> {
    /// Waits until a wave works: its objects healthy, its hooks ended, what it deletes gone.
    ///
    /// Upstream sleeps two seconds between waves so that controllers can react before health is read. Here a live
    /// watch tells, and an object whose status nobody has written yet counts as on its way.
    pub(super) async fn wait_for(&self, step: &[Task], everything: bool) -> Result<(), Stopped> {
        let mut changes = self.site.live.subscribe();
        let mut orders = self.engine.live.subscribe();
        let mut said = String::new();
        loop {
            let waiting = match self.progress(step, everything) {
                Progress::Done => return Ok(()),
                Progress::Failed(message) => return Err(Stopped::Failed(message)),
                Progress::Waiting(message) => message,
            };
            if self.is_terminating() {
                return Err(Stopped::Terminated);
            }
            if said != waiting {
                self.say(&waiting).await;
                said = waiting;
            }
            // Objects change there, the Application here.
            let woken = tokio::select! {
                there = changes.changed() => there,
                here = orders.changed() => here,
            };
            if woken.is_err() {
                return Err(Stopped::Terminated);
            }
        }
    }

    fn progress(&self, step: &[Task], everything: bool) -> Progress {
        for task in step
            .iter()
            .filter(|task| everything || task.action == Action::Hook)
        {
            let live = self.site.live.get(&task.key);
            if task.action == Action::Prune {
                if live.is_some() {
                    return Progress::Waiting(format!("waiting for deletion of {}", short_name(&task.key)));
                }
                continue;
            }
            // A hook may have been deleted by itself after it ended (`ttlSecondsAfterFinished`).
            let Some(live) = live else { continue };
            let health = assess(&live, &|gvk| self.site.live.is_composite(gvk));
            let Some(health) = health else { continue };
            match health.code {
                HealthCode::Healthy | HealthCode::Suspended => {}
                HealthCode::Degraded => {
                    return Progress::Failed(format!(
                        "{} is degraded: {}",
                        short_name(&task.key),
                        health.message
                    ));
                }
                _ => {
                    let what = if task.action == Action::Hook {
                        "completion of hook"
                    } else {
                        "healthy state of"
                    };
                    return Progress::Waiting(format!("waiting for {what} {}", short_name(&task.key)));
                }
            }
        }
        Progress::Done
    }

    fn is_terminating(&self) -> bool {
        let metadata = &self.application.metadata;
        let key = pave_names::ObjectKey {
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
            ..application_key()
        };
        self.engine.live.get(&key).is_none_or(|application| {
            application["status"]["operationState"]["phase"] == "Terminating"
                || !application["metadata"]["deletionTimestamp"].is_null()
        })
    }

    async fn say(&self, message: &str) {
        let patch: Value = json!({"status": {"operationState": {"message": message}}});
        match objects::merge(&self.engine.kinds, self.object, &patch).await {
            Ok(written) => self.engine.live.put(written),
            Err(error) => tracing::debug!(%error, "the progress of an operation was not written"),
        }
    }
}
