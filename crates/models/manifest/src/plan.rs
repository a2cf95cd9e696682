//! The order in which a difference is applied: phases, waves, kinds, names.

use std::collections::BTreeSet;

use pave_names::{GroupVersionKind, ObjectKey};
use serde_json::Value;

use crate::application::ResourceSelector;
use crate::glob::matches;
use crate::options::{SYNC_WAVE, is_on};
use crate::target::is_crd;
use crate::{annotation, api_version_and_kind, key_of};

mod hooks;
mod order;

pub use hooks::{DeletePolicy, HOOK, delete_policies, hook_phases, is_hook};

/// A stretch of a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before.
    PreSync,
    /// The objects themselves.
    Sync,
    /// After everything is healthy.
    PostSync,
    /// Only after a failure.
    SyncFail,
}

impl Phase {
    /// Upstream's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreSync => "PreSync",
            Self::Sync => "Sync",
            Self::PostSync => "PostSync",
            Self::SyncFail => "SyncFail",
        }
    }
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Applies an object.
    Apply,
    /// Deletes a live object that Git no longer names.
    Prune,
    /// Applies a hook and waits for it.
    Hook,
}

/// One step of a sync.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Stretch of the sync.
    pub phase: Phase,
    /// Wave within it.
    pub wave: i64,
    /// What it does.
    pub action: Action,
    /// Which object.
    pub key: ObjectKey,
    /// Its kind.
    pub gvk: GroupVersionKind,
    /// The object: as wanted, or for a prune as it lives.
    pub object: Value,
}

/// What a sync is planned from.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// Objects as wanted, hooks among them.
    pub targets: &'a [Value],
    /// Live objects that Git no longer names.
    pub extraneous: &'a [Value],
    /// The application's sync options.
    pub options: &'a [String],
    /// Only these objects; empty means all.
    pub selection: &'a [ResourceSelector],
    /// Whether hooks run: not in partial syncs, nor under strategy `apply`.
    pub hooks: bool,
}

/// Orders the tasks of a sync.
#[must_use]
pub fn plan(input: &PlanInput<'_>) -> Vec<Task> {
    let selected = |key: &ObjectKey| {
        input.selection.is_empty() || input.selection.iter().any(|selector| selects(selector, key))
    };
    let mut tasks: Vec<Task> = Vec::new();
    for target in input.targets {
        if is_hook(target) {
            let run = input.hooks && input.selection.is_empty();
            let phases = if run { hook_phases(target) } else { Vec::new() };
            tasks.extend(phases.into_iter().map(|phase| task(phase, Action::Hook, target)));
        } else {
            tasks.push(task(Phase::Sync, Action::Apply, target));
        }
    }
    tasks.extend(
        input
            .extraneous
            .iter()
            .map(|live| task(Phase::Sync, Action::Prune, live)),
    );
    tasks.retain(|task| task.action == Action::Hook || selected(&task.key));
    mirror_prune_waves(&mut tasks);
    move_last_prunes(&mut tasks, input.options);
    tasks.sort_by(order::compare);
    order::pull_up(&mut tasks);
    tasks
}

fn task(phase: Phase, action: Action, object: &Value) -> Task {
    Task {
        phase,
        wave: wave_of(object),
        action,
        key: key_of(object),
        gvk: api_version_and_kind(object),
        object: object.clone(),
    }
}

/// Whether a selector of a partial sync names an object. A leading `!` excludes.
fn selects(selector: &ResourceSelector, key: &ObjectKey) -> bool {
    matches(&selector.group, &key.group)
        && matches(&selector.kind, &key.kind)
        && matches(&selector.name, &key.name)
        && (selector.namespace.is_empty() || matches(&selector.namespace, &key.namespace))
}

/// The wave of an object; 0 unless it says otherwise.
#[must_use]
pub fn wave_of(object: &Value) -> i64 {
    annotation(object, SYNC_WAVE)
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or_else(|| hooks::weight(object))
}

/// What was applied first is deleted last: the first prune wave swaps with the last, and so on.
fn mirror_prune_waves(tasks: &mut [Task]) {
    let waves: BTreeSet<i64> = tasks
        .iter()
        .filter(|task| task.action == Action::Prune)
        .map(|task| task.wave)
        .collect();
    let waves: Vec<i64> = waves.into_iter().collect();
    for task in tasks.iter_mut().filter(|task| task.action == Action::Prune) {
        if let Ok(place) = waves.binary_search(&task.wave) {
            task.wave = waves[waves.len() - 1 - place];
        }
    }
}

fn move_last_prunes(tasks: &mut [Task], options: &[String]) {
    let highest = tasks
        .iter()
        .filter(|task| task.phase == Phase::Sync)
        .map(|task| task.wave)
        .max();
    let Some(last) = highest.map(|wave| wave + 1) else {
        return;
    };
    for task in tasks.iter_mut().filter(|task| task.action == Action::Prune) {
        if is_on(&task.object, options, "PruneLast") {
            task.wave = last;
        }
    }
}

/// The (phase, wave) steps of a plan, in order, each as a range of its tasks.
#[must_use]
pub fn steps(tasks: &[Task]) -> Vec<std::ops::Range<usize>> {
    let mut steps: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, task) in tasks.iter().enumerate() {
        match steps.last_mut() {
            Some(step) if (tasks[step.start].phase, tasks[step.start].wave) == (task.phase, task.wave) => {
                step.end = index + 1;
            }
            _ => steps.push(index..index + 1),
        }
    }
    steps
}

/// Whether a kind is defined by one of the objects: its CRD is part of the same sync.
#[must_use]
pub fn defines(objects: &[Value], gvk: &GroupVersionKind) -> bool {
    objects.iter().any(|object| {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        is_crd(&api_version_and_kind(object))
            && text("/spec/group") == Some(gvk.group.as_str())
            && text("/spec/names/kind") == Some(gvk.kind.as_str())
    })
}

#[cfg(test)]
mod tests;
