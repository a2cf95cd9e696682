//! `allOf`, `anyOf`, `oneOf` and `not`.

use serde_json::Value;

use crate::error::FieldError;
use crate::schema::{Node, Schema};
use crate::trail::Trail;

/// Checks the logical branches of `node`; errors carry the path of the value, where upstream leaves it empty.
pub(super) fn check(node: &Node, value: &Value, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let checks = &node.checks;
    for branch in &checks.all_of {
        super::check(branch.node(), value, None, trail, errors);
    }
    if !checks.any_of.is_empty() {
        let outcomes = outcomes(&checks.any_of, value, trail);
        if !outcomes.iter().any(Vec::is_empty) {
            errors.push(refusal(trail, "must validate at least one schema (anyOf)"));
            errors.extend(closest(outcomes));
        }
    }
    if !checks.one_of.is_empty() {
        let outcomes = outcomes(&checks.one_of, value, trail);
        match outcomes.iter().filter(|errors| errors.is_empty()).count() {
            0 => {
                errors.push(refusal(
                    trail,
                    "must validate one and only one schema (oneOf). Found none valid",
                ));
                errors.extend(closest(outcomes));
            }
            1 => {}
            valid => errors.push(refusal(
                trail,
                &format!("must validate one and only one schema (oneOf). Found {valid} valid alternatives"),
            )),
        }
    }
    if let Some(not) = &checks.not
        && outcomes(std::slice::from_ref(not), value, trail)
            .iter()
            .all(Vec::is_empty)
    {
        errors.push(refusal(
            trail,
            &format!("must not validate the schema (not){}", forbidden(not, value)),
        ));
    }
}

/// What the value must not be, which upstream leaves to be guessed; empty for a schema of several parts.
fn forbidden(not: &Schema, value: &Value) -> String {
    let checks = &not.node().checks;
    match (&checks.pattern, checks.allowed.as_slice()) {
        (Some(pattern), []) => format!(": {value} matches '{pattern}', which is not allowed"),
        (None, [_, ..]) => {
            let values: Vec<String> = checks.allowed.iter().map(Value::to_string).collect();
            format!(
                ": {value} is not allowed, nor is any other of {}",
                values.join(", ")
            )
        }
        _ => String::new(),
    }
}

fn outcomes(branches: &[Schema], value: &Value, trail: &Trail<'_>) -> Vec<Vec<FieldError>> {
    let check = |branch: &Schema| {
        let mut errors = Vec::new();
        super::check(branch.node(), value, None, trail, &mut errors);
        errors
    };
    branches.iter().map(check).collect()
}

/// The errors of the branch that came closest, which tell most about what is missing.
fn closest(outcomes: Vec<Vec<FieldError>>) -> Vec<FieldError> {
    outcomes.into_iter().min_by_key(Vec::len).unwrap_or_default()
}

fn refusal(trail: &Trail<'_>, detail: &str) -> FieldError {
    FieldError::invalid(trail.to_string(), "", format!("\"{trail}\" {detail}"))
}
