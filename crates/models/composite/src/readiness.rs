//! When a composed resource counts as ready.

use serde_json::Value;

use crate::condition;
use crate::gofmt::integer;
use crate::path::FieldPath;

/// One readiness check.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// Existing is enough.
    None,
    /// A field is set.
    NonEmpty(FieldPath),
    /// A field equals a string.
    MatchString(FieldPath, String),
    /// A field equals an integer.
    MatchInteger(FieldPath, i64),
    /// A field is true.
    MatchTrue(FieldPath),
    /// A field is false.
    MatchFalse(FieldPath),
    /// A condition has a status.
    MatchCondition {
        /// Type of the condition.
        kind: String,
        /// Its status.
        status: String,
    },
}

/// What came of the checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Whether all passed.
    pub ready: bool,
    /// What the first one that failed waits for.
    pub waiting_for: Option<String>,
    /// Fields of a wrong type.
    pub warnings: Vec<String>,
}

impl Check {
    /// The check that applies when a template has none.
    #[must_use]
    pub fn default_checks() -> Vec<Self> {
        vec![Self::MatchCondition {
            kind: "Ready".to_owned(),
            status: "True".to_owned(),
        }]
    }

    /// Reads one entry of `readinessChecks`.
    pub fn parse(value: &Value) -> Result<Self, String> {
        let kind = value
            .get("type")
            .and_then(Value::as_str)
            .ok_or("readiness check has no `type`")?;
        let path = || {
            let text = value.get("fieldPath").and_then(Value::as_str);
            let text = text.ok_or_else(|| format!("readiness check {kind} has no `fieldPath`"))?;
            FieldPath::parse(text).map_err(|error| error.to_string())
        };
        Ok(match kind {
            "None" => Self::None,
            "NonEmpty" => Self::NonEmpty(path()?),
            "MatchString" => {
                let wanted = value
                    .get("matchString")
                    .and_then(Value::as_str)
                    .ok_or("`matchString` is missing")?;
                Self::MatchString(path()?, wanted.to_owned())
            }
            "MatchInteger" => {
                let wanted = value
                    .get("matchInteger")
                    .and_then(integer)
                    .ok_or("`matchInteger` is missing")?;
                Self::MatchInteger(path()?, wanted)
            }
            "MatchTrue" => Self::MatchTrue(path()?),
            "MatchFalse" => Self::MatchFalse(path()?),
            "MatchCondition" => {
                let text = |name: &str| {
                    value
                        .pointer(&format!("/matchCondition/{name}"))
                        .and_then(Value::as_str)
                        .map(str::to_owned)
                };
                Self::MatchCondition {
                    kind: text("type").ok_or("`matchCondition.type` is missing")?,
                    status: text("status").ok_or("`matchCondition.status` is missing")?,
                }
            }
            other => return Err(format!("readiness check type `{other}` is unknown")),
        })
    }

    /// `Ok(())` if it passes; else what it waits for, and whether that is a wrong type rather than a wait.
    fn run(&self, object: &Value) -> Result<(), (String, bool)> {
        let wait = |text: String| Err((text, false));
        let field = |path: &FieldPath| match path.get(object) {
            Ok(value) => Ok(value.clone()),
            Err(error) if error.is_not_found() => Err((format!("`{path}` to be set"), false)),
            Err(error) => Err((error.to_string(), true)),
        };
        let typed = |path: &FieldPath, fits: fn(&Value) -> bool, what: &str| {
            let value = field(path)?;
            if fits(&value) {
                Ok(value)
            } else {
                Err((format!("`{path}` is not {what}"), true))
            }
        };
        match self {
            Self::None => Ok(()),
            Self::NonEmpty(path) => match field(path)? {
                Value::Null => wait(format!("`{path}` to be set")),
                Value::String(text) if text.is_empty() => wait(format!("`{path}` to be set")),
                _ => Ok(()),
            },
            Self::MatchString(path, wanted) => match typed(path, Value::is_string, "a string")? {
                Value::String(found) if found == *wanted => Ok(()),
                found => wait(format!("`{path}` to be `{wanted}`; it is {found}")),
            },
            Self::MatchInteger(path, wanted) => {
                let found = typed(path, |it| integer(it).is_some(), "an integer")?;
                if integer(&found) == Some(*wanted) {
                    Ok(())
                } else {
                    wait(format!("`{path}` to be {wanted}; it is {found}"))
                }
            }
            Self::MatchTrue(path) | Self::MatchFalse(path) => {
                let wanted = matches!(self, Self::MatchTrue(_));
                let found = typed(path, Value::is_boolean, "a boolean")?;
                if found == Value::Bool(wanted) {
                    Ok(())
                } else {
                    wait(format!("`{path}` to be {wanted}"))
                }
            }
            Self::MatchCondition { kind, status } => {
                let found = condition::status(object, kind);
                if found == status {
                    Ok(())
                } else {
                    wait(format!("condition {kind} to be {status}; it is {found}"))
                }
            }
        }
    }
}

/// Runs all checks; none given means the default one.
#[must_use]
pub fn evaluate(checks: &[Check], object: &Value) -> Readiness {
    let default = Check::default_checks();
    let checks = if checks.is_empty() { &default } else { checks };
    let mut readiness = Readiness {
        ready: true,
        ..Readiness::default()
    };
    for check in checks {
        if let Err((text, wrong_type)) = check.run(object) {
            readiness.ready = false;
            if wrong_type {
                readiness.warnings.push(text.clone());
            }
            readiness.waiting_for.get_or_insert(text);
        }
    }
    readiness
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn checks_pass_wait_or_warn() {
        let object = json!({"status": {"s": "on", "n": 3, "t": true, "f": false, "e": "",
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False"}]}});
        let check = |value: Value, ready: bool, warns: bool| {
            let found = evaluate(&[Check::parse(&value).unwrap()], &object);
            assert_eq!(
                (found.ready, !found.warnings.is_empty()),
                (ready, warns),
                "{value}"
            );
        };
        check(json!({"type": "None"}), true, false);
        check(json!({"type": "NonEmpty", "fieldPath": "status.s"}), true, false);
        check(json!({"type": "NonEmpty", "fieldPath": "status.e"}), false, false);
        check(json!({"type": "NonEmpty", "fieldPath": "status.x"}), false, false);
        check(
            json!({"type": "MatchString", "fieldPath": "status.s", "matchString": "on"}),
            true,
            false,
        );
        check(
            json!({"type": "MatchString", "fieldPath": "status.s", "matchString": "off"}),
            false,
            false,
        );
        check(
            json!({"type": "MatchString", "fieldPath": "status.n", "matchString": "on"}),
            false,
            true,
        );
        check(
            json!({"type": "MatchInteger", "fieldPath": "status.n", "matchInteger": 3}),
            true,
            false,
        );
        check(
            json!({"type": "MatchInteger", "fieldPath": "status.s", "matchInteger": 3}),
            false,
            true,
        );
        check(json!({"type": "MatchTrue", "fieldPath": "status.t"}), true, false);
        check(
            json!({"type": "MatchFalse", "fieldPath": "status.f"}),
            true,
            false,
        );
        check(
            json!({"type": "MatchTrue", "fieldPath": "status.f"}),
            false,
            false,
        );
        check(
            json!({"type": "MatchCondition", "matchCondition": {"type": "Ready", "status": "True"}}),
            true,
            false,
        );
        check(
            json!({"type": "MatchCondition", "matchCondition": {"type": "Synced", "status": "True"}}),
            false,
            false,
        );
        check(
            json!({"type": "MatchCondition", "matchCondition": {"type": "Other", "status": "True"}}),
            false,
            false,
        );
        assert!(evaluate(&[], &object).ready);
        assert!(!evaluate(&[], &json!({})).ready);
        assert!(Check::parse(&json!({"type": "Sometimes"})).is_err());
    }
}
