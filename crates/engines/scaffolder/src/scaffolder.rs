//! What the portal calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::Stream;
use pave_auth::Principal;
use pave_names::{Direction, EntityRef, RoadId, State};
use pave_runtime::Tasks;
use pave_template::action::ActionSpec;
use pave_template::form::{self, InstanceError};
use pave_template::template::Template;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, Semaphore};

use crate::action::{Effect, Registry};
use crate::context::Context;
use crate::error::ScaffolderError;
use crate::hops;
use crate::model::{Event, EventKind, Task, TaskFilter, TaskPage, TaskSpec, TaskStatus};
use crate::preview::{DirectoryFile, Preview};
use crate::store::{NewTask, Store};
use crate::worker::Worker;

/// Templates in, tasks out. Cheap to clone.
#[derive(Clone)]
pub struct Scaffolder {
    worker: Arc<Worker>,
}

/// What came of the wish to make a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Created {
    /// It is on disk.
    Task {
        /// Task.
        id: String,
        /// Its road.
        road: RoadId,
    },
    /// The values are not allowed.
    Invalid(Vec<InstanceError>),
}

impl Scaffolder {
    /// Opens the database, takes up what was interrupted, and starts to run tasks.
    pub async fn open(mut context: Context, tasks: Tasks) -> Result<Self, ScaffolderError> {
        let failed = |source| ScaffolderError::Workspace {
            action: "make the directories".to_owned(),
            source,
        };
        std::fs::create_dir_all(&context.data).map_err(failed)?;
        std::fs::create_dir_all(&context.workspaces).map_err(failed)?;
        let store = Store::open(&context.data.join("scaffolder.db"), context.sealer.clone())?;
        let http = pave_hosts::http_client(context.authority.as_deref())?;
        // Git takes one file of authorities; ours alone would shut out every other host.
        context.authority =
            pave_hosts::git_authorities(context.authority.as_deref(), &context.data).map_err(failed)?;
        let worker = Arc::new(Worker {
            http,
            registry: Registry::new(&context.actions),
            slots: Arc::new(Semaphore::new(context.defaults.concurrency.max(1))),
            context,
            store,
            tasks: tasks.clone(),
            wake: Notify::new(),
            claiming: tokio::sync::Mutex::new(()),
            running: Mutex::new(HashMap::new()),
        });
        worker.take_up().await?;
        worker.sweep().await?;
        tasks.spawn("scaffolder", Arc::clone(&worker).work());
        tasks.spawn("scaffolder: lost tasks", Arc::clone(&worker).watch());
        Ok(Self { worker })
    }

    /// The actions that templates can use, sorted by name.
    #[must_use]
    pub fn actions(&self) -> Vec<ActionSpec> {
        self.worker.registry.specs().cloned().collect()
    }

    /// The wizard of a template.
    pub fn parameter_schema(&self, entity: &Value) -> Result<Value, ScaffolderError> {
        Ok(form::parameter_schema(&Template::from_entity(entity)?))
    }

    /// Makes a task: when this returns, it is on disk.
    pub async fn create_task(
        &self,
        principal: &Principal,
        entity: &Value,
        values: Value,
        secrets: Value,
    ) -> Result<Created, ScaffolderError> {
        let (spec, errors) = self.specification(principal, entity, values, &secrets).await?;
        if !errors.is_empty() {
            return Ok(Created::Invalid(errors));
        }
        self.accept(principal, spec, secrets, Direction::Up).await
    }

    /// Makes a task that takes files away again, on the same kind of road.
    pub async fn delete_files(
        &self,
        principal: &Principal,
        repository: &str,
        branch: &str,
        paths: &[String],
        message: &str,
    ) -> Result<Created, ScaffolderError> {
        let step = json!({
            "id": "delete",
            "name": "Delete the files",
            "action": "pave:repo:commit",
            // Nothing of this comes from a template, so nothing of it is one.
            "input": {
                "remoteUrl": literal(repository),
                "branch": literal(branch),
                "filesToDelete": paths.iter().map(|path| literal(path)).collect::<Vec<_>>(),
                "commitMessage": literal(message),
            },
        });
        let spec = TaskSpec {
            api_version: "scaffolder.backstage.io/v1beta3".to_owned(),
            steps: vec![step],
            output: json!({}),
            parameters: json!({ "repository": repository, "branch": branch, "paths": paths }),
            user: self.user(principal).await,
            template_info: json!({
                "entityRef": "template:default/pave-delete",
                "entity": { "metadata": { "name": "pave-delete", "title": message } },
            }),
        };
        self.accept(principal, spec, json!({}), Direction::Down).await
    }

    async fn accept(
        &self,
        principal: &Principal,
        spec: TaskSpec,
        secrets: Value,
        direction: Direction,
    ) -> Result<Created, ScaffolderError> {
        let road = RoadId::random();
        let new = NewTask {
            spec,
            principal: principal.clone(),
            secrets,
            road: road.clone(),
            direction,
        };
        let id = self.worker.store.create(new).await?;
        let task = self.worker.store.task(&id).await?;
        hops::task(&self.worker.context.journal, &task, State::Pending, "").await;
        self.worker.wake.notify_one();
        Ok(Created::Task { id, road })
    }

    async fn user(&self, principal: &Principal) -> Value {
        let entity = match self.worker.context.catalog.entity(&principal.entity).await {
            Ok(entity) => entity.unwrap_or(Value::Null),
            Err(error) => {
                tracing::warn!(user = %principal.entity, error, "the user's entity cannot be read");
                Value::Null
            }
        };
        // `groups` is an addition to upstream: templates can default to the caller's team without a catalog entity.
        json!({ "ref": principal.entity.to_string(), "entity": entity, "groups": principal.groups })
    }

    /// What a task of this template would run, and what is wrong with the values.
    async fn specification(
        &self,
        principal: &Principal,
        entity: &Value,
        values: Value,
        secrets: &Value,
    ) -> Result<(TaskSpec, Vec<InstanceError>), ScaffolderError> {
        let template = Template::from_entity(entity)?;
        let mut values = match values {
            Value::Object(values) => values,
            _ => Map::new(),
        };
        form::fill_defaults(&template, &mut values);
        let parameters = Value::Object(values);
        let mut errors = form::validate(&template, &parameters);
        errors.extend(form::validate_secrets(&template, secrets));
        let steps = template.steps.iter().map(|step| {
            let mut written =
                json!({ "id": step.id, "name": step.name, "action": step.action, "input": step.input });
            for (key, value) in [("if", &step.condition), ("each", &step.each)] {
                if let Some(value) = value {
                    written[key] = value.clone();
                }
            }
            written
        });
        let spec = TaskSpec {
            api_version: entity["apiVersion"]
                .as_str()
                .unwrap_or("scaffolder.backstage.io/v1beta3")
                .to_owned(),
            steps: steps.collect(),
            output: template.output.clone(),
            parameters,
            user: self.user(principal).await,
            template_info: json!({
                "entityRef": template.entity_ref().to_string(),
                "baseUrl": template.base_url(),
                "entity": { "metadata": entity["metadata"] },
            }),
        };
        Ok((spec, errors))
    }

    /// A part of the list of tasks.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<TaskPage, ScaffolderError> {
        self.worker.store.tasks(filter).await
    }

    /// A task.
    pub async fn task(&self, id: &str) -> Result<Task, ScaffolderError> {
        self.worker.store.task(id).await
    }

    /// Events of a task after an id, at once; the completion is always among them.
    pub async fn events_now(&self, id: &str, after: i64) -> Result<Vec<Event>, ScaffolderError> {
        self.worker.store.task(id).await?;
        self.worker.store.events(id, after).await
    }

    /// Events of a task after an id, as they come; ends after the completion.
    pub fn events(&self, id: &str, after: i64) -> impl Stream<Item = Event> + Send + use<> {
        let (store, id) = (self.worker.store.clone(), id.to_owned());
        async_stream::stream! {
            let mut changes = store.changes();
            let mut last = after;
            loop {
                changes.mark_unchanged();
                let events = match store.events(&id, last).await {
                    Ok(events) => events,
                    Err(error) => {
                        tracing::error!(task = id, %error, "events cannot be read");
                        return;
                    }
                };
                for event in events {
                    let ended = event.kind == EventKind::Completion;
                    last = last.max(event.id);
                    yield event;
                    if ended {
                        return;
                    }
                }
                if changes.changed().await.is_err() {
                    return;
                }
            }
        }
    }

    /// Stops a task: at once when it has not begun, else between two steps.
    pub async fn cancel(&self, id: &str) -> Result<TaskStatus, ScaffolderError> {
        let task = self.worker.store.task(id).await?;
        if task.status.is_terminal() {
            return Ok(task.status);
        }
        self.worker.store.request_cancel(id).await?;
        let token = self.worker.running().get(id).cloned();
        if let Some(token) = token {
            token.cancel();
        } else if task.waiting.is_some() {
            self.worker.end_cancelled(&task).await?;
        }
        // What has not begun is taken and ended before its first step.
        self.worker.wake.notify_one();
        Ok(TaskStatus::Cancelled)
    }

    /// Runs a task again that has ended, or goes on with one that waits for a person.
    ///
    /// Steps that must not be done twice and were done keep their outcome; commits are found again.
    pub async fn retry(&self, id: &str, secrets: Option<Value>) -> Result<(), ScaffolderError> {
        let task = self.worker.store.task(id).await?;
        if !task.status.is_terminal() && task.waiting.is_none() {
            let (id, status) = (id.to_owned(), task.status.as_str().to_owned());
            return Err(ScaffolderError::WrongState {
                id,
                status,
                why: "only a task that has ended or waits can be retried",
            });
        }
        // A task that waits goes on where it stood; one that ended begins anew, but for what must not be done twice.
        let is_kept = |step: &&Value| {
            let action = step["action"]
                .as_str()
                .and_then(|name| self.worker.registry.get(name));
            task.waiting.is_some() || action.is_some_and(|action| action.spec().effect == Effect::Once)
        };
        let kept = task.spec.steps.iter().filter(is_kept);
        let keep = kept
            .filter_map(|step| step["id"].as_str())
            .map(str::to_owned)
            .collect();
        self.worker.store.reopen(id, keep, secrets.as_ref()).await?;
        hops::task(&self.worker.context.journal, &task, State::Pending, "").await;
        self.worker.wake.notify_one();
        Ok(())
    }

    /// Tries a template: nothing outside a scratch directory changes.
    pub async fn dry_run(
        &self,
        principal: &Principal,
        entity: &Value,
        values: Value,
        secrets: Value,
        directory: &[DirectoryFile],
    ) -> Result<Preview, ScaffolderError> {
        let (spec, invalid) = self.specification(principal, entity, values, &secrets).await?;
        if !invalid.is_empty() {
            return Ok(Preview {
                invalid,
                ..Preview::default()
            });
        }
        self.worker.preview(&spec, principal, &secrets, directory).await
    }

    /// The files that a template would commit, with where every stretch of them comes from.
    pub async fn plan(
        &self,
        principal: &Principal,
        entity: &Value,
        values: Value,
    ) -> Result<Preview, ScaffolderError> {
        self.dry_run(principal, entity, values, json!({}), &[]).await
    }

    /// The reference of the template that a task was made from.
    pub fn template_of(&self, task: &Task) -> Result<EntityRef, ScaffolderError> {
        let text = task.spec.template_info["entityRef"].as_str().unwrap_or_default();
        Ok(EntityRef::parse(text, Some("template"), "default")?)
    }
}

/// A text that stays as it is when it is rendered.
fn literal(text: &str) -> String {
    if text.contains("${{") || text.contains("{%") || text.contains("{#") {
        format!("${{{{ {} }}}}", Value::from(text))
    } else {
        text.to_owned()
    }
}
