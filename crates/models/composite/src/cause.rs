//! The deepest cause of not being ready, in one sentence.

use serde_json::Value;

use crate::condition::{find, is_true};

/// A composed resource as far as the search for a cause is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Name of its template.
    pub name: &'a str,
    /// What was wanted.
    pub desired: &'a Value,
    /// What is there, if it exists.
    pub observed: Option<&'a Value>,
    /// Whether it passes its readiness checks.
    pub ready: bool,
    /// Why it could not be rendered or applied in this round.
    pub failure: Option<&'a str>,
    /// What its readiness check waits for.
    pub waiting_for: Option<&'a str>,
    /// A patch of it that was skipped because its source is not set.
    pub skipped: Option<&'a str>,
}

/// A cause, with the object that it was found at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Name of the template.
    pub resource: String,
    /// Kind of the object.
    pub kind: String,
    /// Name of the object.
    pub name: String,
    /// How grave it is: 0 is an error, higher ranks merely wait.
    pub rank: u8,
    /// The sentence.
    pub sentence: String,
}

/// Ranks: what really failed first, then what is under way, then what waits for another.
const ERROR: u8 = 0;
const UNREADY: u8 = 1;
const CREATING: u8 = 2;
const UNKNOWN: u8 = 3;
const REFERENCE: u8 = 4;

/// Words by which providers say that they wait for another resource rather than fail.
const REFERENCE_WORDS: [&str; 4] = [
    "cannot resolve references",
    "referenced field was empty",
    "referenced resource may not yet be ready",
    "no resources matched selector",
];

/// The deepest cause among the composed resources that are not ready.
#[must_use]
pub fn deepest(parts: &[Part<'_>]) -> Option<Cause> {
    parts
        .iter()
        .filter(|part| !part.ready)
        .map(examine)
        .min_by_key(|cause| cause.rank)
}

fn examine(part: &Part<'_>) -> Cause {
    let (rank, says) = diagnose(part);
    let text = |pointer: &str| {
        let object = part.observed.unwrap_or(part.desired);
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    let mut sentence = format!("{kind} `{name}` (resource `{}`) {says}", part.name);
    // A skipped patch is normal; only beside a failure it is likely to be the reason.
    if let (ERROR | UNREADY, Some(skipped)) = (rank, part.skipped) {
        sentence = format!("{sentence}; note that {skipped}");
    }
    Cause {
        resource: part.name.to_owned(),
        kind,
        name,
        rank,
        sentence,
    }
}

fn diagnose(part: &Part<'_>) -> (u8, String) {
    if let Some(failure) = part.failure {
        return (ERROR, format!("cannot be applied: {failure}"));
    }
    let Some(observed) = part.observed else {
        return (CREATING, "is being created".to_owned());
    };
    if observed.pointer("/metadata/deletionTimestamp").is_some() {
        return (
            CREATING,
            format!("is being deleted{}", pending_finalizers(observed)),
        );
    }
    for kind in ["Synced", "LastAsyncOperation"] {
        let Some(condition) = find(observed, kind).filter(|it| it["status"] == "False") else {
            continue;
        };
        let waits = REFERENCE_WORDS
            .iter()
            .any(|words| text(condition, "message").contains(words));
        let rank = if waits { REFERENCE } else { ERROR };
        return (rank, says(kind, condition));
    }
    match find(observed, "Ready") {
        Some(condition) if condition["status"] == "True" => (
            UNREADY,
            format!("waits for {}", part.waiting_for.unwrap_or("its readiness checks")),
        ),
        Some(condition)
            if text(condition, "reason") == "Creating" && text(condition, "message").is_empty() =>
        {
            (CREATING, format!("is being created{}", since(condition)))
        }
        Some(condition) => {
            // A nested composite resource passes its own cause on in this message.
            let rank = if text(condition, "reason") == "Creating" {
                CREATING
            } else {
                UNREADY
            };
            (rank, says("Ready", condition))
        }
        None if is_true(observed, "Synced") => (CREATING, "is synced but not ready yet".to_owned()),
        None => match part.waiting_for {
            Some(waiting) if !waiting.starts_with("condition Ready") => {
                (UNKNOWN, format!("waits for {waiting}"))
            }
            _ => (
                UNKNOWN,
                "has not been looked at by its provider yet; is the provider for this kind running?"
                    .to_owned(),
            ),
        },
    }
}

/// `says Synced=False (ReconcileError): message, since 12:00:00Z`.
fn says(kind: &str, condition: &Value) -> String {
    let message = text(condition, "message");
    let colon = if message.is_empty() { "" } else { ": " };
    format!(
        "says {kind}={} ({}){colon}{message}{}",
        text(condition, "status"),
        text(condition, "reason"),
        since(condition)
    )
}

fn since(condition: &Value) -> String {
    match text(condition, "lastTransitionTime") {
        "" => String::new(),
        time => format!(", since {time}"),
    }
}

fn pending_finalizers(object: &Value) -> String {
    let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    let names: Vec<&str> = finalizers
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" and waits for {}", names.join(", "))
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Why a claim is not ready, given its composite resource: the cause that the composite resource carries.
#[must_use]
pub fn of_claim(composite: &Value) -> Option<String> {
    let synced = find(composite, "Synced").filter(|it| it["status"] == "False");
    let ready = find(composite, "Ready").filter(|it| it["status"] == "False");
    let message = |condition: Option<&Value>| {
        condition
            .map(|it| text(it, "message").to_owned())
            .filter(|message| !message.is_empty())
    };
    // An error of the composite resource itself comes first, unless it only lists resources whose cause Ready knows.
    let error = message(synced).filter(|it| !it.starts_with("Unsynced resources:"));
    error.or_else(|| message(ready)).or_else(|| message(synced))
}

#[cfg(test)]
mod tests;
