use pave_manifest::application::ResourceResult;
use pave_manifest::options::{DELETION_APPROVED, value_of};
use pave_manifest::plan::{Action, Task};
use pave_manifest::target::Scope;
use pave_names::annotation;
use serde_json::Value;

use super::Sync;
use super::tasks::{result_of, short_name};
use crate::compare::Entry;
use crate::explain::{Blame, explain};

impl Sync<'_> {
    /// What to prune, and what to leave alone with the reason.
    pub(super) fn prunes(&self) -> (Vec<Value>, Vec<ResourceResult>) {
        let (mut prunes, mut skipped) = (Vec::new(), Vec::new());
        let selected = |entry: &&Entry| {
            self.operation.resources.is_empty()
                || self
                    .operation
                    .resources
                    .iter()
                    .any(|it| it.kind == entry.key.kind && it.name == entry.key.name)
        };
        for entry in self
            .comparison
            .entries
            .iter()
            .filter(|it| it.requires_pruning())
            .filter(selected)
        {
            let Some(live) = entry.live.as_deref() else {
                continue;
            };
            match self.reason_to_keep(live) {
                None => prunes.push(live.clone()),
                Some(reason) => {
                    skipped.push(result_of(
                        &entry.key,
                        &entry.gvk,
                        "PruneSkipped",
                        &reason,
                        "",
                        "Sync",
                    ));
                }
            }
        }
        (prunes, skipped)
    }

    fn reason_to_keep(&self, live: &Value) -> Option<String> {
        if !live["metadata"]["deletionTimestamp"].is_null() {
            return Some("ignored (is being deleted)".to_owned());
        }
        if !self.operation.prune {
            return Some("ignored (requires pruning)".to_owned());
        }
        match value_of(live, self.options(), "Prune") {
            Some("false") => return Some("ignored (no prune)".to_owned()),
            Some("confirm") if self.application.annotation(DELETION_APPROVED).is_none() => {
                return Some(format!("ignored (waits for the annotation {DELETION_APPROVED})"));
            }
            _ => {}
        }
        // Whoever breaks a file does not mean to delete what it holds.
        let source = pave_manifest::annotation(live, annotation::SOURCE)?;
        let file = source.rsplit_once('@').map_or(source, |it| it.0);
        let broken = self.comparison.unreadable.iter().any(|it| it == file);
        broken.then(|| format!("ignored ({file}, where it came from, cannot be read)"))
    }

    /// Whether the project permits a task.
    pub(super) fn permitted(&self, task: &Task) -> Result<(), String> {
        let project = self.application.project();
        let scope = if task.key.namespace.is_empty() {
            Scope::Cluster
        } else {
            Scope::Namespaced
        };
        if !self.project.permits_kind(&task.gvk, &task.key.name, scope) {
            return Err(format!(
                "{}resource {}:{} is not permitted in project {project}",
                self.place(task),
                task.gvk.group,
                task.gvk.kind
            ));
        }
        if scope == Scope::Namespaced && !self.site.is_permitted(&self.project, &task.key.namespace) {
            return Err(format!(
                "{}namespace {} is not permitted in project '{project}'; the platform team can add it to the project's \
                 `destinations`, if {} belongs there",
                self.place(task),
                task.key.namespace,
                short_name(&task.key)
            ));
        }
        Ok(())
    }

    fn place(&self, task: &Task) -> String {
        let target = self.target(&task.key).filter(|_| task.action != Action::Prune);
        target.map_or_else(String::new, |it| {
            format!("{}: ", it.manifest.document.locate_key("/metadata/namespace"))
        })
    }

    /// Why a task failed.
    pub(super) fn explain(&self, error: &pave_kube::KindsError, task: &Task) -> String {
        let definition = self.site.live.definition(&task.gvk);
        let manifest = self.target(&task.key).map(|target| &target.manifest);
        let words = explain(
            error,
            &Blame {
                manifest,
                definition: definition.as_deref(),
            },
        );
        if words.contains(&task.key.name) {
            words
        } else {
            format!("{}: {words}", short_name(&task.key))
        }
    }
}
