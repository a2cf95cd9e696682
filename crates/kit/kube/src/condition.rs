use serde_json::{Value, json};

/// A status condition as Kubernetes writes it; `status` is `True`, `False` or `Unknown`.
///
/// `lastTransitionTime` is set to `now`; [`set_condition`] keeps the earlier one while the status stays.
#[must_use]
pub fn condition(kind: &str, status: &str, reason: &str, message: &str, now: &str) -> Value {
    let mut condition =
        json!({ "type": kind, "status": status, "reason": reason, "lastTransitionTime": now });
    if !message.is_empty() {
        condition["message"] = json!(message);
    }
    condition
}

/// Puts a condition into a list of conditions and says whether anything but the time changed.
///
/// The transition time moves when status, reason or message change, as crossplane-runtime does it.
pub fn set_condition(conditions: &mut Vec<Value>, new: Value) -> bool {
    let same = |key: &str, other: &Value| other.get(key) == new.get(key);
    match conditions.iter_mut().find(|present| same("type", present)) {
        Some(present)
            if ["status", "reason", "message", "observedGeneration"]
                .iter()
                .all(|key| same(key, present)) =>
        {
            false
        }
        Some(present) => {
            *present = new;
            true
        }
        None => {
            conditions.push(new);
            true
        }
    }
}

/// The condition of a type in an object's `status.conditions`.
#[must_use]
pub fn find_condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object
        .pointer("/status/conditions")?
        .as_array()?
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// Whether an object's condition of a type is `True`.
#[must_use]
pub fn is_true(object: &Value, kind: &str) -> bool {
    find_condition(object, kind).is_some_and(|condition| condition["status"] == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_moves_only_with_the_content() {
        let mut conditions = vec![condition("Ready", "False", "Creating", "", "t1")];
        assert!(!set_condition(
            &mut conditions,
            condition("Ready", "False", "Creating", "", "t2")
        ));
        assert_eq!(conditions[0]["lastTransitionTime"], "t1");
        assert!(set_condition(
            &mut conditions,
            condition("Ready", "True", "Available", "", "t3")
        ));
        assert!(set_condition(
            &mut conditions,
            condition("Synced", "True", "ReconcileSuccess", "", "t3")
        ));
        let object = json!({ "status": { "conditions": conditions } });
        assert!(is_true(&object, "Ready") && !is_true(&object, "Other"));
        assert_eq!(
            find_condition(&object, "Ready").unwrap()["lastTransitionTime"],
            "t3"
        );
    }
}
