//! One sync: plan, try, then apply and prune wave by wave.

use std::sync::Arc;

use futures::future::join_all;
use pave_kube::{EventKind, Kinds};
use pave_manifest::application::{Application, NamespaceMetadata, ResourceResult, SyncOperation};
use pave_manifest::options::is_on;
use pave_manifest::plan::{Action, Phase, PlanInput, Task, defines, plan, steps};
use pave_manifest::project::Project;
use pave_manifest::target::Target;
use pave_names::ObjectKey;
use serde_json::{Value, json};

use crate::compare::{Comparison, Entry};
use crate::engine::Engine;
use crate::events;
use crate::objects::{ApplyOptions, apply};
use crate::sites::Site;

mod guard;
mod tasks;
mod wait;

/// What a sync came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Whether it did what was asked.
    pub(crate) succeeded: bool,
    /// Whether somebody ended it.
    pub(crate) terminated: bool,
    /// In words.
    pub(crate) message: String,
    /// Object by object.
    pub(crate) resources: Vec<ResourceResult>,
}

/// What a sync works on.
pub(crate) struct Sync<'a> {
    pub(crate) engine: &'a Arc<Engine>,
    pub(crate) application: &'a Application,
    /// The Application as it was read, for events about it.
    pub(crate) object: &'a Arc<Value>,
    pub(crate) comparison: &'a Comparison,
    pub(crate) operation: &'a SyncOperation,
    pub(crate) automated: bool,
    pub(crate) project: Project,
    /// The cluster that is written to.
    pub(crate) site: Arc<Site>,
    /// The same, as whoever the project says.
    pub(crate) kinds: Kinds,
}

/// A task with its result so far.
struct Done {
    result: ResourceResult,
    failed: bool,
}

impl Sync<'_> {
    /// Runs it.
    pub(crate) async fn run(&self) -> Outcome {
        if self.comparison.is_blocked() {
            return Outcome {
                message: self.comparison.errors(),
                ..Outcome::default()
            };
        }
        let options = self.options();
        if is_on(&Value::Null, options, "FailOnSharedResource")
            && let Some((_, shared)) = self
                .comparison
                .conditions
                .iter()
                .find(|it| it.0 == crate::conditions::SHARED_RESOURCE)
        {
            let message = format!("Shared resource found: {shared}");
            return Outcome {
                message,
                ..Outcome::default()
            };
        }
        let (extraneous, skipped) = self.prunes();
        let targets: Vec<Value> = self.targets();
        let hooks = !self
            .operation
            .sync_strategy
            .get("apply")
            .is_some_and(Value::is_object);
        let plan_of = PlanInput {
            targets: &targets,
            extraneous: &extraneous,
            options,
            selection: &self.operation.resources,
            hooks,
        };
        let tasks = plan(&plan_of);
        let mut outcome = Outcome {
            resources: skipped,
            ..Outcome::default()
        };
        if let Err(message) = self.make_namespace(options).await {
            outcome.message = message;
            return outcome;
        }
        if !self.passes_trial(&tasks, &targets, &mut outcome).await {
            return outcome;
        }
        if self.operation.dry_run {
            "successfully synced (dry run)".clone_into(&mut outcome.message);
            outcome.succeeded = true;
            return outcome;
        }
        self.run_steps(&tasks, &targets, &mut outcome).await;
        outcome
    }

    fn options(&self) -> &[String] {
        if self.operation.sync_options.is_empty() {
            self.application.sync_options()
        } else {
            &self.operation.sync_options
        }
    }

    fn targets(&self) -> Vec<Value> {
        let only_different = is_on(&Value::Null, self.options(), "ApplyOutOfSyncOnly");
        let entries = self.comparison.entries.iter();
        entries
            .filter(|entry| entry.hook || entry.out_of_sync || !only_different)
            .filter_map(|entry| Some(entry.target.as_ref()?.object.clone()))
            .collect()
    }

    fn entry(&self, key: &ObjectKey) -> Option<&Entry> {
        self.comparison.entries.iter().find(|entry| entry.key == *key)
    }

    fn target(&self, key: &ObjectKey) -> Option<&Arc<Target>> {
        self.entry(key)?.target.as_ref()
    }

    /// Everything is tried before anything is done.
    async fn passes_trial(&self, tasks: &[Task], targets: &[Value], outcome: &mut Outcome) -> bool {
        let trials = join_all(tasks.iter().map(|task| self.trial(task, targets))).await;
        let mut reasons = Vec::new();
        for (task, trial) in tasks.iter().zip(trials) {
            if let Err(message) = trial {
                reasons.push(message.clone());
                outcome
                    .resources
                    .push(tasks::result(task, "SyncFailed", &message, "Failed"));
            }
        }
        if reasons.is_empty() {
            return true;
        }
        outcome.message = format!(
            "one or more objects failed to apply (dry run), reason: {}",
            reasons.join("; ")
        );
        false
    }

    async fn trial(&self, task: &Task, targets: &[Value]) -> Result<(), String> {
        self.permitted(task)?;
        if task.action != Action::Apply {
            return Ok(());
        }
        let defined_here = defines(targets, &task.gvk);
        let namespace_comes = targets
            .iter()
            .any(|it| it["kind"] == "Namespace" && it["metadata"]["name"] == task.key.namespace.as_str());
        let skip = defined_here
            || namespace_comes
            || is_on(&task.object, self.options(), "SkipDryRunOnMissingResource");
        if skip {
            return Ok(());
        }
        let options = ApplyOptions {
            dry_run: true,
            strict: self.is_strict(&task.object),
        };
        match apply(&self.kinds, &task.object, &options).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explain(&error, task)),
        }
    }

    fn is_strict(&self, object: &Value) -> bool {
        pave_manifest::options::value_of(object, self.options(), "Validate") != Some("false")
    }

    async fn run_steps(&self, tasks: &[Task], targets: &[Value], outcome: &mut Outcome) {
        let main: Vec<Task> = tasks
            .iter()
            .filter(|it| it.phase != Phase::SyncFail)
            .cloned()
            .collect();
        let steps = steps(&main);
        for (number, step) in steps.iter().enumerate() {
            let step = &main[step.clone()];
            let done = self.run_step(step, targets).await;
            let reasons: Vec<_> = done
                .iter()
                .filter(|it| it.failed)
                .map(|it| it.result.message.clone())
                .collect();
            outcome.resources.extend(done.into_iter().map(|it| it.result));
            let mut failure = (!reasons.is_empty()).then(|| {
                format!(
                    "one or more objects failed to apply, reason: {}",
                    reasons.join("; ")
                )
            });
            let last = number + 1 == steps.len();
            if failure.is_none() && (!last || step.iter().any(|it| it.action == Action::Hook)) {
                match self.wait_for(step, !last).await {
                    Ok(()) => {}
                    Err(wait::Stopped::Terminated) => {
                        "Operation terminated".clone_into(&mut outcome.message);
                        outcome.terminated = true;
                        return;
                    }
                    Err(wait::Stopped::Failed(message)) => failure = Some(message),
                }
            }
            if let Some(message) = failure {
                self.run_failure_hooks(tasks, targets, outcome).await;
                self.delete_hooks(tasks, false).await;
                outcome.message = message;
                return;
            }
        }
        self.delete_hooks(tasks, true).await;
        outcome.succeeded = true;
        "successfully synced (all tasks run)".clone_into(&mut outcome.message);
    }

    async fn run_failure_hooks(&self, tasks: &[Task], targets: &[Value], outcome: &mut Outcome) {
        let hooks: Vec<Task> = tasks
            .iter()
            .filter(|it| it.phase == Phase::SyncFail)
            .cloned()
            .collect();
        if !hooks.is_empty() {
            let done = self.run_step(&hooks, targets).await;
            outcome.resources.extend(done.into_iter().map(|it| it.result));
        }
    }

    /// Makes the destination namespace if the options ask for it.
    async fn make_namespace(&self, options: &[String]) -> Result<(), String> {
        let name = &self.application.spec.destination.namespace;
        if !is_on(&Value::Null, options, "CreateNamespace") || name.is_empty() || self.operation.dry_run {
            return Ok(());
        }
        let policy = self.application.spec.sync_policy.as_ref();
        let NamespaceMetadata { labels, annotations } = policy
            .and_then(|it| it.managed_namespace_metadata.clone())
            .unwrap_or_default();
        let mut metadata = json!({"name": name});
        if !labels.is_empty() {
            metadata["labels"] = Value::Object(labels);
        }
        if !annotations.is_empty() {
            metadata["annotations"] = Value::Object(annotations);
        }
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
        match apply(&self.kinds, &namespace, &ApplyOptions::default()).await {
            Ok(made) => {
                self.site.live.put(made);
                Ok(())
            }
            Err(error) => Err(format!(
                "the namespace `{name}` was not made: {}",
                crate::explain::explain(&error, &crate::explain::Blame::default())
            )),
        }
    }

    /// A self-heal of something that was deleted by hand brings back the object, not what stood behind it.
    fn warn_of_empty(&self, task: &Task, made: &Value) {
        let was_there = self.entry(&task.key).is_some_and(|entry| entry.live.is_some());
        let heals = self.automated && self.operation.auto_heal_attempts_count > 0;
        if was_there || !heals || !self.site.live.is_composite(&task.gvk) {
            return;
        }
        let file = self
            .target(&task.key)
            .map_or("its file", |target| target.manifest.file.as_str());
        let message = format!(
            "{} was deleted in the cluster and has been created again from Git: the data behind it is new and EMPTY. \
             To delete it for good remove {file} from Git; to keep data when a claim is deleted set \
             `deletionPolicy: Orphan` on its managed resources",
            task.key
        );
        events::emit(
            self.engine,
            self.object,
            EventKind::Warning,
            "RecreatedEmpty",
            message.clone(),
        );
        events::emit_at(
            self.engine,
            Some(&self.site),
            &Arc::new(made.clone()),
            EventKind::Warning,
            "RecreatedEmpty",
            message,
        );
    }
}
