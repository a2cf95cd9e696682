//! Limits on numbers.

use serde_json::Number;

use crate::error::{FieldError, FieldErrorReason};
use crate::schema::Checks;
use crate::trail::Trail;

pub(super) fn check(checks: &Checks, number: &Number, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let Some(value) = number.as_f64() else { return };
    let mut refuse = |detail: String| {
        errors.push(FieldError::invalid(
            trail.to_string(),
            number.clone(),
            format!("{trail} in body {detail}"),
        ));
    };
    match checks.minimum {
        Some((limit, true)) if value <= limit => refuse(format!("should be greater than {limit}")),
        Some((limit, false)) if value < limit => {
            refuse(format!("should be greater than or equal to {limit}"));
        }
        _ => {}
    }
    match checks.maximum {
        Some((limit, true)) if value >= limit => refuse(format!("should be less than {limit}")),
        Some((limit, false)) if value > limit => refuse(format!("should be less than or equal to {limit}")),
        _ => {}
    }
    if let Some(step) = checks.multiple_of.filter(|step| !is_multiple(value, *step)) {
        refuse(format!("should be a multiple of {step}"));
    }
    if checks.format.as_deref() == Some("int32")
        && number.as_i64().is_none_or(|value| i32::try_from(value).is_err())
    {
        let detail = format!("{trail} in body must be of type integer with format int32: {number}");
        errors.push(
            FieldError::new(trail.to_string(), FieldErrorReason::Invalid, detail).with_value(number.clone()),
        );
    }
}

/// Decimal steps such as 0.1 have no exact binary form, so the quotient may be off by rounding.
fn is_multiple(value: f64, step: f64) -> bool {
    let quotient = value / step;
    (quotient - quotient.round()).abs() < 1e-9
}
