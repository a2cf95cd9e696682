//! What a change means for Azure: REST calls, in azurerm's order.

use std::time::Duration;

use pave_arm::{ArmClient, ArmError};
use pave_azure::azurerm::{Resource, Value};
use pave_azure::mapping::{Place, Removal};
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::Phase;
use super::following::{Ended, Patience, duration};
use super::say::{attribute, error, error_at, refused, sentence};
use crate::protocol::Diagnostic;

mod data;

/// Who asks, as far as it was said: a machine need not say who it is.
pub(super) struct Identity {
    pub(super) tenant: String,
    pub(super) client: String,
}

/// One subscription of one cloud.
pub(super) struct Cloud {
    pub(super) arm: ArmClient,
    pub(super) subscription: String,
    pub(super) identity: Identity,
    /// Whether a resource group is only deleted when nothing is in it.
    pub(super) keeps_full_groups: bool,
    /// Whether what stands there already is taken over instead of refused.
    pub(super) overwrites: bool,
    pub(super) phase: watch::Receiver<Phase>,
}

/// What came of a change.
pub(super) struct Applied {
    pub(super) state: Value,
    pub(super) diagnostics: Vec<Diagnostic>,
}

type Outcome<T> = Result<T, Vec<Diagnostic>>;

/// What every step of a change is about.
struct Task<'a> {
    resource: &'a Resource,
    id: &'a str,
    doing: &'static str,
}

impl Task<'_> {
    fn failed(&self, ended: &Ended) -> Vec<Diagnostic> {
        let (resource, id) = (self.resource, self.id);
        let problem = match ended {
            Ended::Failed(failure) => refused(self.doing, resource, id, failure),
            Ended::Late(limit) => {
                let detail = format!(
                    "Azure is not done after {} s. It may still finish: look at it, then apply again, or give it longer in \
                     a `timeouts` block.\n\nResource: {id}",
                    limit.as_secs()
                );
                error_at(
                    format!("{} the {} takes too long", self.doing, resource.title),
                    detail,
                    attribute("timeouts"),
                )
            }
            Ended::Stopped => error(
                format!("{} the {} was interrupted", self.doing, resource.title),
                format!("Azure goes on with it. Apply again to see what came of it.\n\nResource: {id}"),
            ),
        };
        vec![problem]
    }

    fn refused(&self, failure: ArmError) -> Vec<Diagnostic> {
        self.failed(&Ended::Failed(failure))
    }
}

impl Cloud {
    /// The state of a resource, null if it is gone.
    pub(super) async fn read(&self, resource: &Resource, prior: &Value) -> Outcome<Value> {
        let Some(id) = prior.text_at("id") else {
            return Ok(Value::Null);
        };
        let task = Task {
            resource,
            id,
            doing: "Reading",
        };
        let found = self
            .arm
            .get(id, resource.api_version)
            .await
            .map_err(|failure| task.refused(failure))?;
        let Some(mut document) = found else {
            return Ok(Value::Null);
        };
        if document["properties"]["provisioningState"] == "Deleting" {
            return Ok(Value::Null);
        }
        self.ask(&task, &mut document).await?;
        Ok(resource.block.conform(&resource.read(id, &document, prior)))
    }

    /// Puts the answers of a resource's questions into its document.
    async fn ask(&self, task: &Task<'_>, document: &mut Json) -> Outcome<()> {
        for question in task.resource.questions {
            let path = format!("{}/{}", task.id, question.action);
            let answer = self.arm.post(&path, task.resource.api_version, &json!({})).await;
            let answer = answer.map_err(|failure| task.refused(failure))?;
            (question.fold)(document, &answer.body);
        }
        Ok(())
    }

    /// Makes what is planned of what is there; null is nothing.
    pub(super) async fn apply(&self, resource: &Resource, prior: &Value, planned: &Value) -> Applied {
        let outcome = if planned.is_null() {
            self.delete(resource, prior).await.map(|()| Value::Null)
        } else if prior.is_null() {
            return self.create(resource, planned).await;
        } else {
            self.update(resource, prior, planned).await
        };
        match outcome {
            Ok(state) => Applied {
                state,
                diagnostics: Vec::new(),
            },
            Err(diagnostics) => Applied {
                state: prior.clone(),
                diagnostics,
            },
        }
    }

    async fn create(&self, resource: &Resource, planned: &Value) -> Applied {
        let Some(id) = resource.arm_id(&self.subscription, planned) else {
            let detail = format!("It would be {}.", resource.id_form());
            let problem = error(format!("The {} has no place in Azure", resource.title), detail);
            return Applied {
                state: Value::Null,
                diagnostics: vec![problem],
            };
        };
        let task = Task {
            resource,
            id: &id,
            doing: "Creating",
        };
        match self.make(&task, planned).await {
            Ok(state) => Applied {
                state,
                diagnostics: Vec::new(),
            },
            Err((false, diagnostics)) => Applied {
                state: Value::Null,
                diagnostics,
            },
            Err((true, diagnostics)) => {
                // Azure has begun: the state keeps the id, so that the next apply replaces what is there.
                let state = resource.read(&id, &json!({}), planned);
                Applied {
                    state: resource.block.conform(&state),
                    diagnostics,
                }
            }
        }
    }

    /// Creates; a failure says whether Azure has something now.
    async fn make(&self, task: &Task<'_>, planned: &Value) -> Result<Value, (bool, Vec<Diagnostic>)> {
        let (resource, version) = (task.resource, task.resource.api_version);
        let before = |diagnostics| (false, diagnostics);
        // A server parameter is always there.
        let is_reset = resource.kind.is_some_and(|kind| kind.removal == Removal::Reset);
        if !is_reset && !self.overwrites {
            let found = self
                .arm
                .get(task.id, version)
                .await
                .map_err(|failure| before(task.refused(failure)))?;
            if found.is_some() {
                return Err(before(vec![exists(task)]));
            }
        }
        let mut patience = self.patience(planned, "create");
        let body = resource.create_body(planned);
        let accepted = self
            .arm
            .put(task.id, version, &body)
            .await
            .map_err(|failure| before(task.refused(failure)))?;
        let after = |ended: &Ended| (!is_reset, task.failed(ended));
        patience
            .follow(&self.arm, &accepted)
            .await
            .map_err(|ended| after(&ended))?;
        let settled = patience
            .settled(&self.arm, task.id, version)
            .await
            .map_err(|ended| after(&ended))?;
        let document = settled.unwrap_or_default();
        if let Some(body) = resource.after_create(planned, &document) {
            let accepted = self
                .arm
                .patch(task.id, version, &body)
                .await
                .map_err(|failure| after(&failure.into()))?;
            patience
                .follow(&self.arm, &accepted)
                .await
                .map_err(|ended| after(&ended))?;
        }
        self.state(task, &mut patience, planned)
            .await
            .map_err(|diagnostics| (!is_reset, diagnostics))
    }

    async fn update(&self, resource: &Resource, prior: &Value, planned: &Value) -> Outcome<Value> {
        let id = prior.text_at("id").unwrap_or_default();
        let task = Task {
            resource,
            id,
            doing: "Changing",
        };
        let mut patience = self.patience(planned, "update");
        let found = self
            .arm
            .get(id, resource.api_version)
            .await
            .map_err(|failure| task.refused(failure))?;
        let Some(observed) = found else {
            let detail = format!("It was deleted since the plan was made. Plan again.\n\nResource: {id}");
            return Err(vec![error(format!("The {} is gone", resource.title), detail)]);
        };
        let (by_patch, body) = resource.update_body(prior, planned, &observed);
        // Differences that only concern this provider, such as `timeouts`, are none to Azure.
        if body != json!({}) {
            let sent = if by_patch {
                self.arm.patch(id, resource.api_version, &body).await
            } else {
                self.arm.put(id, resource.api_version, &body).await
            };
            let accepted = sent.map_err(|failure| task.refused(failure))?;
            patience
                .follow(&self.arm, &accepted)
                .await
                .map_err(|ended| task.failed(&ended))?;
        }
        self.state(&task, &mut patience, planned).await
    }

    /// The state after a change.
    async fn state(&self, task: &Task<'_>, patience: &mut Patience, planned: &Value) -> Outcome<Value> {
        let settled = patience
            .settled(&self.arm, task.id, task.resource.api_version)
            .await;
        let Some(mut document) = settled.map_err(|ended| task.failed(&ended))? else {
            let detail = format!(
                "Azure accepted it, and has nothing there now. Apply again.\n\nResource: {}",
                task.id
            );
            return Err(vec![error(
                format!("The {} vanished", task.resource.title),
                detail,
            )]);
        };
        self.ask(task, &mut document).await?;
        Ok(task
            .resource
            .block
            .conform(&task.resource.read(task.id, &document, planned)))
    }

    async fn delete(&self, resource: &Resource, prior: &Value) -> Outcome<()> {
        let Some(id) = prior.text_at("id") else {
            return Ok(());
        };
        let task = Task {
            resource,
            id,
            doing: "Deleting",
        };
        let version = resource.api_version;
        let mut patience = self.patience(prior, "delete");
        if let Some(kind) = resource.kind.filter(|kind| kind.removal == Removal::Reset) {
            let observed = self
                .arm
                .get(id, version)
                .await
                .map_err(|failure| task.refused(failure))?;
            let Some(body) = observed.and_then(|observed| kind.reset_body(&observed)) else {
                return Ok(());
            };
            let accepted = self
                .arm
                .put(id, version, &body)
                .await
                .map_err(|failure| task.refused(failure))?;
            return patience
                .follow(&self.arm, &accepted)
                .await
                .map_err(|ended| task.failed(&ended));
        }
        if resource.place == Some(Place::ResourceGroup) && self.keeps_full_groups {
            self.check_empty(&task).await?;
        }
        let accepted = self
            .arm
            .delete(id, version)
            .await
            .map_err(|failure| task.refused(failure))?;
        if let Some(accepted) = accepted {
            patience
                .follow(&self.arm, &accepted)
                .await
                .map_err(|ended| task.failed(&ended))?;
            patience
                .gone(&self.arm, id, version)
                .await
                .map_err(|ended| task.failed(&ended))?;
        }
        Ok(())
    }

    /// As upstream: a group that holds what Terraform did not make is not deleted with it.
    async fn check_empty(&self, task: &Task<'_>) -> Outcome<()> {
        let path = format!("{}/resources", task.id);
        let listed = self
            .arm
            .get(&path, "2023-07-01")
            .await
            .map_err(|failure| task.refused(failure))?;
        let listed = listed.unwrap_or_default();
        let ids: Vec<&str> = listed["value"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| it["id"].as_str())
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let detail = format!(
            "In it are:\n\n* {}\n\nDelete them first, or import them, so that Terraform knows their order. To delete them with the \
             group, write `features {{ resource_group {{ prevent_deletion_if_contains_resources = false }} }}`.",
            ids.join("\n* ")
        );
        Err(vec![error("The resource group still holds resources", detail)])
    }

    fn patience(&self, value: &Value, action: &str) -> Patience {
        let said = value.at("timeouts").get(action).as_text().and_then(duration);
        Patience::new(self.phase.clone(), said.unwrap_or(Duration::from_secs(60 * 60)))
    }
}

/// There is one already, and it is not Terraform's.
fn exists(task: &Task<'_>) -> Diagnostic {
    let summary = sentence(&format!("a {} of this name exists already", task.resource.title));
    let detail = format!(
        "{id}\n\nTerraform does not manage it yet. To take it over as it is:\n\n    terraform import {kind}.<name> '{id}'\n\nOr \
         choose another name. If an earlier run made it, its state was lost: keep the state (`backend`), or import it.",
        id = task.id,
        kind = task.resource.name,
    );
    error_at(summary, detail, attribute("name"))
}
