use std::cmp::Ordering;

use super::{Action, Task};
use crate::target::is_crd;

/// Kinds in the order in which they are applied; all others follow.
const KINDS: [&str; 37] = [
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    // Not in upstream's table: without these two in front, an XRD's own claims and composites fail the first time.
    "CompositeResourceDefinition",
    "Composition",
];

fn rank(kind: &str) -> usize {
    KINDS.iter().position(|it| *it == kind).unwrap_or(KINDS.len())
}

/// Phase, wave, prunes before applies, kind, name. Prunes go through the kinds backwards.
pub(super) fn compare(left: &Task, right: &Task) -> Ordering {
    let prune = |task: &Task| task.action == Action::Prune;
    let kinds = match (prune(left), prune(right)) {
        (true, true) => rank(&right.key.kind).cmp(&rank(&left.key.kind)),
        _ => rank(&left.key.kind).cmp(&rank(&right.key.kind)),
    };
    (left.phase, left.wave)
        .cmp(&(right.phase, right.wave))
        .then(prune(right).cmp(&prune(left)))
        .then(kinds)
        .then_with(|| left.key.cmp(&right.key))
}

/// Moves each Namespace and CRD in front of the first task that needs it, into that task's phase and wave.
pub(super) fn pull_up(tasks: &mut Vec<Task>) {
    // Namespaces go first, so that they end up in front of definitions.
    for definitions in [false, true] {
        for index in 0..tasks.len() {
            let eligible = tasks[index].action == Action::Apply && is_crd(&tasks[index].gvk) == definitions;
            let first = tasks[..index].iter().position(|it| needs(it, &tasks[index]));
            if let Some(first) = first.filter(|_| eligible) {
                let mut task = tasks.remove(index);
                (task.phase, task.wave) = (tasks[first].phase, tasks[first].wave);
                tasks.insert(first, task);
            }
        }
    }
}

fn needs(task: &Task, provider: &Task) -> bool {
    if task.action == Action::Prune {
        return false;
    }
    if provider.gvk.kind == "Namespace" && provider.gvk.group.is_empty() {
        return task.key.namespace == provider.key.name;
    }
    is_crd(&provider.gvk)
        && provider.object["spec"]["group"] == task.gvk.group.as_str()
        && provider.object["spec"]["names"]["kind"] == task.gvk.kind.as_str()
}
