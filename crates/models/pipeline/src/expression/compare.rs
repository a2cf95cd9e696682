use std::cmp::Ordering;

use super::Value;

/// Whether two values are equal: the right side becomes what the left side is; what cannot become it is unequal.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match left {
        Value::Null => match right {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            Value::Number(number) => *number == 0.0,
            _ => false,
        },
        Value::Boolean(left) => *left == right.to_boolean(),
        Value::Array(_) | Value::Object(_) => left == right,
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

/// How two values compare, the right side cast to the left side's type; `None` when it cannot be cast.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match left {
        Value::Null => equal(left, right).then_some(Ordering::Equal),
        Value::Boolean(left) => Some(left.cmp(&right.to_boolean())),
        Value::Number(left) => left.partial_cmp(&right.to_number()?),
        Value::Version(left) => Some(left.cmp(&right.to_version()?)),
        Value::Date(left) => match right {
            Value::Date(right) => Some(left.cmp(right)),
            Value::Text(text) => Some(left.cmp(&text.parse().ok()?)),
            _ => None,
        },
        Value::Text(left) => Some(fold(left).cmp(&fold(&right.to_text()?))),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Upstream compares ordinally, ignoring case, which .NET does by upper case.
pub(super) fn fold(text: &str) -> String {
    text.to_uppercase()
}
