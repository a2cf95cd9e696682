//! Conditions: upstream's types, reasons and messages.

use serde_json::{Value, json};

/// A condition before it has a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `Ready`, `Synced`, `Established`, `Offered`, …
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// One word.
    pub reason: String,
    /// A sentence; may be empty.
    pub message: String,
}

impl Condition {
    /// A condition.
    #[must_use]
    pub fn new(kind: &str, status: &'static str, reason: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            status,
            reason: reason.to_owned(),
            message: message.into(),
        }
    }

    /// `Synced` is `True`.
    #[must_use]
    pub fn reconcile_success() -> Self {
        Self::new("Synced", "True", "ReconcileSuccess", "")
    }

    /// `Synced` is `False` for a reason.
    #[must_use]
    pub fn reconcile_error(message: impl Into<String>) -> Self {
        Self::new("Synced", "False", "ReconcileError", message)
    }

    /// `Synced` is `False` because the object is paused.
    #[must_use]
    pub fn reconcile_paused() -> Self {
        let message = format!(
            "Reconciliation is paused via the annotation `{}`",
            crate::keys::PAUSED
        );
        Self::new("Synced", "False", "ReconcilePaused", message)
    }

    /// `Ready` is `True`.
    #[must_use]
    pub fn available() -> Self {
        Self::new("Ready", "True", "Available", "")
    }

    /// `Ready` is `False` because things are being made.
    #[must_use]
    pub fn creating(message: impl Into<String>) -> Self {
        Self::new("Ready", "False", "Creating", message)
    }

    /// `Ready` is `False` because the object goes away.
    #[must_use]
    pub fn deleting(message: impl Into<String>) -> Self {
        Self::new("Ready", "False", "Deleting", message)
    }

    /// `Ready` of a claim is `False` because its composite resource is not ready; the cause follows if it is known.
    #[must_use]
    pub fn waiting(cause: Option<&str>) -> Self {
        let base = "Claim is waiting for composite resource to become Ready";
        let message = cause.map_or_else(|| base.to_owned(), |cause| format!("{base}: {cause}"));
        Self::new("Ready", "False", "Waiting", message)
    }

    /// The JSON form. The time of an earlier condition with the same status is kept.
    #[must_use]
    pub fn to_value(&self, object: &Value, generation: Option<i64>, now: &str) -> Value {
        let earlier = find(object, &self.kind);
        let time = earlier
            .filter(|it| it.get("status").and_then(Value::as_str) == Some(self.status))
            .and_then(|it| it.get("lastTransitionTime").and_then(Value::as_str))
            .unwrap_or(now);
        let mut value = json!({
            "type": self.kind, "status": self.status, "reason": self.reason, "lastTransitionTime": time,
        });
        if !self.message.is_empty() {
            value["message"] = Value::from(self.message.as_str());
        }
        if let Some(generation) = generation {
            value["observedGeneration"] = Value::from(generation);
        }
        value
    }
}

/// The condition of a type.
#[must_use]
pub fn find<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions
        .iter()
        .find(|it| it.get("type").and_then(Value::as_str) == Some(kind))
}

/// The status of a condition; `Unknown` if it is not there.
#[must_use]
pub fn status<'a>(object: &'a Value, kind: &str) -> &'a str {
    find(object, kind)
        .and_then(|it| it.get("status"))
        .and_then(Value::as_str)
        .unwrap_or("Unknown")
}

/// Whether a condition is `True`.
#[must_use]
pub fn is_true(object: &Value, kind: &str) -> bool {
    status(object, kind) == "True"
}

/// Upstream's list of names: the first three, sorted, and how many more there are.
#[must_use]
pub fn name_list(names: &[String]) -> String {
    let mut names = names.to_vec();
    names.sort();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first} and {second}"),
        [first, second, third] => format!("{first}, {second}, and {third}"),
        [first, second, third, rest @ ..] => format!("{first}, {second}, {third}, and {} more", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_changes_only_with_the_status() {
        let object = json!({"status": {"conditions": [
            {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
        let check = |condition: Condition, expected: &str| {
            let value = condition.to_value(&object, Some(2), "2026-02-02T00:00:00Z");
            assert_eq!(value["lastTransitionTime"], expected, "{value}");
        };
        check(Condition::creating("x"), "2026-01-01T00:00:00Z");
        check(Condition::available(), "2026-02-02T00:00:00Z");
        check(Condition::reconcile_success(), "2026-02-02T00:00:00Z");
    }

    #[test]
    fn names_are_listed_as_upstream_does() {
        let check = |names: &[&str], expected: &str| {
            let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(name_list(&names), expected);
        };
        check(&[], "");
        check(&["b", "a"], "a and b");
        check(&["c", "b", "a"], "a, b, and c");
        check(&["e", "d", "c", "b", "a"], "a, b, c, and 2 more");
    }
}
