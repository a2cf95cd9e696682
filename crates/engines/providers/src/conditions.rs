//! Conditions of managed resources, with upstream's types and reasons.

use serde_json::{Value, json};

/// One condition to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    kind: &'static str,
    status: bool,
    reason: &'static str,
    message: String,
}

impl Condition {
    const fn new(kind: &'static str, status: bool, reason: &'static str, message: String) -> Self {
        Self {
            kind,
            status,
            reason,
            message,
        }
    }

    pub(crate) const fn synced() -> Self {
        Self::new("Synced", true, "ReconcileSuccess", String::new())
    }

    pub(crate) const fn not_synced(message: String) -> Self {
        Self::new("Synced", false, "ReconcileError", message)
    }

    pub(crate) fn paused(message: &str) -> Self {
        Self::new("Synced", false, "ReconcilePaused", message.to_owned())
    }

    pub(crate) const fn available() -> Self {
        Self::new("Ready", true, "Available", String::new())
    }

    pub(crate) const fn creating(message: String) -> Self {
        Self::new("Ready", false, "Creating", message)
    }

    pub(crate) const fn deleting() -> Self {
        Self::new("Ready", false, "Deleting", String::new())
    }

    pub(crate) const fn unavailable(message: String) -> Self {
        Self::new("Ready", false, "Unavailable", message)
    }

    pub(crate) const fn operation_succeeded() -> Self {
        Self::new("LastAsyncOperation", true, "Success", String::new())
    }

    pub(crate) const fn operation_failed(reason: &'static str, message: String) -> Self {
        Self::new("LastAsyncOperation", false, reason, message)
    }

    pub(crate) const fn operation_ongoing(waits_for: String) -> Self {
        Self::new("AsyncOperation", true, "Ongoing", waits_for)
    }

    pub(crate) const fn operation_finished() -> Self {
        Self::new("AsyncOperation", true, "Finished", String::new())
    }
}

/// The condition of that type.
pub(crate) fn find<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// Whether the object says that it can be used.
pub(crate) fn is_ready(object: &Value) -> bool {
    find(object, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// Sets a condition in a status. One that says the same keeps its time, as upstream does.
pub(crate) fn set(status: &mut Value, condition: &Condition, generation: &Value, now: &str) {
    let Condition {
        kind,
        status: holds,
        reason,
        message,
    } = condition;
    let mut made = json!({"type": kind, "status": if *holds { "True" } else { "False" }, "reason": reason});
    if !message.is_empty() {
        made["message"] = json!(message);
    }
    if !generation.is_null() {
        made["observedGeneration"] = generation.clone();
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else {
        return;
    };
    let position = conditions.iter().position(|known| known["type"] == *kind);
    let known = position.and_then(|position| conditions.get(position));
    let same = |known: &&Value| {
        ["status", "reason", "message"]
            .iter()
            .all(|key| known.get(*key) == made.get(*key))
    };
    let since = known
        .filter(same)
        .map_or_else(|| json!(now), |known| known["lastTransitionTime"].clone());
    made["lastTransitionTime"] = since;
    match position {
        Some(position) => conditions[position] = made,
        None => conditions.push(made),
    }
}
