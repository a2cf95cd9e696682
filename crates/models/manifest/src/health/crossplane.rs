use pave_names::GroupVersionKind;
use serde_json::Value;

use super::{Health, HealthCode};

/// The rule that Argo CD ships for Crossplane's kinds.
///
/// Deviation: where upstream says "Provisioning ..." and the object itself says why it is not ready, that is said.
pub(super) fn assess(gvk: &GroupVersionKind, live: &Value) -> Health {
    let Some(status) = live.get("status").filter(|it| !it.is_null()) else {
        // Upstream's precedence of operators makes any object without a status healthy; an XRD, a claim or a managed
        // resource that nobody has looked at yet is not, and a sync that waits for it would go on too early.
        let passive = live
            .get("spec")
            .is_none_or(|spec| spec.get("forProvider").is_none())
            && is_passive(gvk);
        return if passive {
            Health::new(HealthCode::Healthy, "Resource is up-to-date.")
        } else {
            Health::new(HealthCode::Progressing, "Provisioning ...")
        };
    };
    if gvk.kind.ends_with("ProviderConfig") && !status["users"].is_null() {
        return Health::new(HealthCode::Healthy, "Resource is in use.");
    }
    let none = Vec::new();
    let conditions = status["conditions"].as_array().unwrap_or(&none);
    if gvk.group == "pkg.crossplane.io" && gvk.kind == "Provider" {
        return package(conditions);
    }
    if conditions.is_empty() && is_passive(gvk) {
        return Health::new(HealthCode::Healthy, "Resource is up-to-date.");
    }
    let mut waiting = None;
    for condition in conditions {
        let (type_, state) = (text(condition, "type"), text(condition, "status"));
        match (type_, state) {
            ("LastAsyncOperation" | "Synced" | "Valid", "False") => {
                return Health::new(HealthCode::Degraded, text(condition, "message"));
            }
            (
                "Ready" | "Healthy" | "Offered" | "Established" | "Valid" | "ValidPipeline"
                | "RevisionHealthy",
                "True",
            ) => {
                return Health::new(HealthCode::Healthy, "Resource is up-to-date.");
            }
            ("Ready", _) => waiting = Some(text(condition, "message")).filter(|it| !it.is_empty()),
            _ => {}
        }
    }
    Health::new(HealthCode::Progressing, waiting.unwrap_or("Provisioning ..."))
}

fn is_passive(gvk: &GroupVersionKind) -> bool {
    matches!(
        gvk.kind.as_str(),
        "Composition"
            | "CompositionRevision"
            | "DeploymentRuntimeConfig"
            | "ControllerConfig"
            | "ProviderConfig"
            | "ClusterProviderConfig"
            | "ProviderConfigUsage"
    )
}

fn package(conditions: &[Value]) -> Health {
    let of = |type_: &str| conditions.iter().find(|it| text(it, "type") == type_);
    let is_true = |type_: &str| of(type_).is_some_and(|it| text(it, "status") == "True");
    let reason = |type_: &str| of(type_).map_or("", |it| text(it, "reason"));
    let message = format!("{} {}", reason("Installed"), reason("Healthy"))
        .trim()
        .to_owned();
    let code = if is_true("Installed") && is_true("Healthy") {
        HealthCode::Healthy
    } else {
        HealthCode::Degraded
    };
    Health::new(code, message)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
