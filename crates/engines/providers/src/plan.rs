//! What to do with an object, decided without touching anything.

use std::time::Duration;

use serde_json::Value;

/// Crossplane's finalizer of managed resources.
pub(crate) const FINALIZER: &str = "finalizer.managedresource.crossplane.io";

/// Annotation that stops all work on an object.
const PAUSED: &str = "crossplane.io/paused";

/// What the engine may do to the thing in Azure.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each stands for one management policy of upstream"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policies {
    pub(crate) create: bool,
    pub(crate) update: bool,
    pub(crate) delete: bool,
    pub(crate) late_initialize: bool,
}

/// The first decision about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Work is stopped; the words say by what.
    Paused(&'static str),
    /// The management policies make no sense together.
    Refused(String),
    /// It is going, and the thing in Azure stays.
    Forget,
    /// It is going, and nothing of ours holds it.
    Released,
    /// It is going, but somebody else still needs the thing.
    Held,
    /// It is going, and the thing in Azure with it.
    Remove,
    /// It is to be as it says.
    Keep(Policies),
}

/// Decides what an object is to go through.
pub(crate) fn gate(object: &Value) -> Gate {
    let metadata = &object["metadata"];
    if metadata["annotations"][PAUSED] == "true" {
        return Gate::Paused("Reconciliation is paused via the pause annotation");
    }
    let policies = match policies(&object["spec"]["managementPolicies"]) {
        Ok(Some(policies)) => policies,
        Ok(None) => return Gate::Paused("Reconciliation is paused by an empty list of managementPolicies"),
        Err(message) => return Gate::Refused(message),
    };
    if metadata["deletionTimestamp"].is_null() {
        return Gate::Keep(policies);
    }
    let finalizers: Vec<&str> = metadata["finalizers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    // The garbage collector's own two say nothing about who still needs the thing.
    let held = |name: &&str| ![FINALIZER, "foregroundDeletion", "orphan"].contains(name);
    if !finalizers.contains(&FINALIZER) {
        Gate::Released
    } else if !deletes(&object["spec"], policies) {
        Gate::Forget
    } else if finalizers.iter().any(held) {
        Gate::Held
    } else {
        Gate::Remove
    }
}

/// As upstream: with default policies the deletion policy decides, otherwise the policies alone.
fn deletes(spec: &Value, policies: Policies) -> bool {
    let default = spec["managementPolicies"]
        .as_array()
        .is_none_or(|list| list.iter().all(|it| it == "*"));
    if default {
        spec["deletionPolicy"] != "Orphan"
    } else {
        policies.delete
    }
}

/// Reads `managementPolicies`; none for the empty list, which pauses.
fn policies(list: &Value) -> Result<Option<Policies>, String> {
    let Some(list) = list.as_array() else {
        return Ok(Some(Policies {
            create: true,
            update: true,
            delete: true,
            late_initialize: true,
        }));
    };
    if list.is_empty() {
        return Ok(None);
    }
    let has = |action: &str| list.iter().any(|it| it == "*" || it == action);
    if !has("Observe") {
        let actions: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
        return Err(format!(
            "managementPolicies [{}] is not supported: add Observe, without which nothing can be managed",
            actions.join(", ")
        ));
    }
    Ok(Some(Policies {
        create: has("Create"),
        update: has("Update"),
        delete: has("Delete"),
        late_initialize: has("LateInitialize"),
    }))
}

/// How long to wait before an operation is asked for again, given what ARM asks for and how long it has been running.
///
/// Where ARM says "at once", waiting a twentieth of the elapsed time finds the end at most 5 % late.
pub(crate) fn poll_delay(retry_after: Option<Duration>, elapsed: Duration) -> Duration {
    match retry_after {
        Some(asked) if !asked.is_zero() => asked,
        Some(_) => (elapsed / 20).clamp(Duration::from_millis(2), Duration::from_secs(1)),
        None => (elapsed / 10).clamp(Duration::from_millis(500), Duration::from_secs(10)),
    }
}

/// How long to wait after the n-th failure in a row.
pub(crate) fn retry_delay(failures: u32, first: Duration, last: Duration) -> Duration {
    first
        .saturating_mul(1_u32 << failures.saturating_sub(1).min(16))
        .min(last)
}

/// A duration, up to a tenth shorter or longer: `fraction` is between 0 and 1.
pub(crate) fn jittered(duration: Duration, fraction: f64) -> Duration {
    duration.mul_f64(0.9 + 0.2 * fraction.clamp(0.0, 1.0))
}
