use futures::future::join_all;
use kube::api::PropagationPolicy;
use pave_manifest::application::ResourceResult;
use pave_manifest::options::value_of;
use pave_manifest::plan::{Action, DeletePolicy, Task, defines, delete_policies};
use pave_manifest::target::is_crd;
use pave_names::{GroupVersionKind, ObjectKey};
use pave_runtime::clock;
use serde_json::Value;

use super::{Done, Sync};
use crate::objects::{self, ApplyOptions};

impl Sync<'_> {
    /// Runs one wave: first what is deleted, then kind by kind what is applied, side by side within a kind.
    pub(super) async fn run_step(&self, step: &[Task], targets: &[Value]) -> Vec<Done> {
        let (prunes, applies): (Vec<&Task>, Vec<&Task>) =
            step.iter().partition(|task| task.action == Action::Prune);
        let mut done = join_all(prunes.into_iter().map(|task| self.prune(task))).await;
        for group in applies.chunk_by(|left, right| left.gvk == right.gvk) {
            if done.iter().any(|it| it.failed) {
                break;
            }
            done.extend(join_all(group.iter().map(|task| self.apply(task, targets))).await);
        }
        done
    }

    async fn prune(&self, task: &Task) -> Done {
        match objects::delete(&self.kinds, &task.object, self.propagation(&task.object)).await {
            Ok(left) => {
                match left {
                    Some(left) => self.site.live.put(left),
                    None => self.site.live.remove(&task.key, u64::MAX),
                }
                Done {
                    result: result(task, "Pruned", "pruned", "Succeeded"),
                    failed: false,
                }
            }
            Err(error) => self.failed(task, &error),
        }
    }

    fn propagation(&self, object: &Value) -> PropagationPolicy {
        match value_of(object, self.options(), "PrunePropagationPolicy") {
            Some("background") => PropagationPolicy::Background,
            Some("orphan") => PropagationPolicy::Orphan,
            _ => PropagationPolicy::Foreground,
        }
    }

    async fn apply(&self, task: &Task, targets: &[Value]) -> Done {
        let mut task = task.clone();
        if task.action == Action::Hook {
            self.name_hook(&mut task);
            self.clear_way_for_hook(&task).await;
        }
        if defines(targets, &task.gvk) {
            objects::wait_served(&self.site.live, &task.gvk).await;
        }
        // A kind that came with this very sync is not watched yet, and its health would never be heard of.
        if let Err(error) = self.site.live.ensure(&task.gvk).await {
            return self.failed(&task, &error);
        }
        let options = ApplyOptions {
            dry_run: false,
            strict: self.is_strict(&task.object),
        };
        match objects::apply(&self.kinds, &task.object, &options).await {
            Ok(made) => {
                self.warn_of_empty(&task, &made);
                self.site.live.put(made);
                if is_crd(&task.gvk) {
                    objects::wait_established(&self.site.live, &task.key).await;
                }
                let message = format!("{} serverside-applied", short_name(&task.key));
                Done {
                    result: result(&task, "Synced", &message, "Running"),
                    failed: false,
                }
            }
            Err(error) => self.failed(&task, &error),
        }
    }

    fn failed(&self, task: &Task, error: &pave_kube::KindsError) -> Done {
        Done {
            result: result(task, "SyncFailed", &self.explain(error, task), "Failed"),
            failed: true,
        }
    }

    /// `generateName` hooks get `<generateName><rev7>-<phase>-<unixtime>`, as upstream.
    fn name_hook(&self, task: &mut Task) {
        let Some(prefix) = task.object["metadata"]["generateName"].as_str() else {
            return;
        };
        if !task.key.name.is_empty() {
            return;
        }
        let revision = self.comparison.revision.get(..7).unwrap_or_default();
        let name = format!(
            "{prefix}{revision}-{}-{}",
            task.phase.as_str(),
            clock::unix_seconds()
        )
        .to_lowercase();
        task.object["metadata"]["name"] = Value::String(name.clone());
        task.key.name = name;
    }

    async fn clear_way_for_hook(&self, task: &Task) {
        if !delete_policies(&task.object).contains(&DeletePolicy::BeforeCreation) {
            return;
        }
        if self.site.live.ensure(&task.gvk).await.is_ok()
            && let Some(live) = self.site.live.get(&task.key)
        {
            self.delete_quietly(&live).await;
        }
    }

    /// Deletes hooks whose policy says so now that the sync has ended.
    pub(super) async fn delete_hooks(&self, tasks: &[Task], succeeded: bool) {
        let policy = if succeeded {
            DeletePolicy::Succeeded
        } else {
            DeletePolicy::Failed
        };
        for task in tasks.iter().filter(|task| task.action == Action::Hook) {
            if delete_policies(&task.object).contains(&policy)
                && let Some(live) = self.site.live.get(&task.key)
            {
                self.delete_quietly(&live).await;
            }
        }
    }

    async fn delete_quietly(&self, live: &Value) {
        match objects::delete(&self.kinds, live, PropagationPolicy::Background).await {
            Ok(None) => self.site.live.remove(&pave_manifest::key_of(live), u64::MAX),
            Ok(Some(left)) => self.site.live.put(left),
            Err(error) => tracing::debug!(%error, "a hook was not deleted"),
        }
    }
}

/// `deployment.apps/x`, as kubectl writes it.
pub(super) fn short_name(key: &ObjectKey) -> String {
    let kind = key.kind.to_lowercase();
    if key.group.is_empty() {
        format!("{kind}/{}", key.name)
    } else {
        format!("{kind}.{}/{}", key.group, key.name)
    }
}

pub(super) fn result(task: &Task, status: &str, message: &str, hook_phase: &str) -> ResourceResult {
    let mut result = result_of(
        &task.key,
        &task.gvk,
        status,
        message,
        hook_phase,
        task.phase.as_str(),
    );
    if task.action == Action::Hook {
        task.phase.as_str().clone_into(&mut result.hook_type);
    }
    result
}

pub(super) fn result_of(
    key: &ObjectKey,
    gvk: &GroupVersionKind,
    status: &str,
    message: &str,
    hook_phase: &str,
    phase: &str,
) -> ResourceResult {
    ResourceResult {
        group: key.group.clone(),
        version: gvk.version.clone(),
        kind: key.kind.clone(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        status: status.to_owned(),
        message: message.to_owned(),
        hook_phase: hook_phase.to_owned(),
        sync_phase: phase.to_owned(),
        hook_type: String::new(),
    }
}
