use serde_json::Value;

use super::Phase;
use crate::annotation;

/// Annotation that makes an object a hook: phases, comma-separated.
pub const HOOK: &str = "argocd.argoproj.io/hook";
const HOOK_DELETE_POLICY: &str = "argocd.argoproj.io/hook-delete-policy";
const HELM_HOOK: &str = "helm.sh/hook";
const HELM_DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
const HELM_WEIGHT: &str = "helm.sh/hook-weight";

/// When a hook's object is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletePolicy {
    /// At the end of a sync that succeeded.
    Succeeded,
    /// At the end of a sync that failed.
    Failed,
    /// Before it is made anew; the default.
    BeforeCreation,
}

/// Whether an object is a hook, Argo CD's or Helm's.
#[must_use]
pub fn is_hook(object: &Value) -> bool {
    annotation(object, HOOK).is_some()
        || annotation(object, HELM_HOOK).is_some_and(|text| text != "crd-install")
}

/// The phases in which a hook runs; none for `Skip` and for hooks that have no place in a sync.
#[must_use]
pub fn hook_phases(object: &Value) -> Vec<Phase> {
    let words = |text: &'static str| annotation(object, text).map(|it| it.split(',').map(str::trim));
    if let Some(words) = words(HOOK) {
        return words
            .filter_map(|word| match word {
                "PreSync" => Some(Phase::PreSync),
                "Sync" => Some(Phase::Sync),
                "PostSync" => Some(Phase::PostSync),
                "SyncFail" => Some(Phase::SyncFail),
                _ => None,
            })
            .collect();
    }
    let mut phases: Vec<_> = words(HELM_HOOK)
        .into_iter()
        .flatten()
        .filter_map(|word| match word {
            "pre-install" | "pre-upgrade" => Some(Phase::PreSync),
            "post-install" | "post-upgrade" => Some(Phase::PostSync),
            _ => None,
        })
        .collect();
    phases.sort_unstable();
    phases.dedup();
    phases
}

/// When a hook's object is deleted.
#[must_use]
pub fn delete_policies(object: &Value) -> Vec<DeletePolicy> {
    let text = annotation(object, HOOK_DELETE_POLICY).or_else(|| annotation(object, HELM_DELETE_POLICY));
    let policies: Vec<_> = text
        .into_iter()
        .flat_map(|text| text.split(','))
        .filter_map(|word| match word.trim() {
            "HookSucceeded" | "hook-succeeded" => Some(DeletePolicy::Succeeded),
            "HookFailed" | "hook-failed" => Some(DeletePolicy::Failed),
            "BeforeHookCreation" | "before-hook-creation" => Some(DeletePolicy::BeforeCreation),
            _ => None,
        })
        .collect();
    if policies.is_empty() {
        vec![DeletePolicy::BeforeCreation]
    } else {
        policies
    }
}

pub(super) fn weight(object: &Value) -> i64 {
    annotation(object, HELM_WEIGHT)
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}
