//! Tests: what may stand after `is`.

use super::operators;
use super::value::{Data, Traced};

pub(crate) const NAMES: [&str; 24] = [
    "callable",
    "defined",
    "divisibleby",
    "escaped",
    "eq",
    "equalto",
    "even",
    "falsy",
    "ge",
    "greaterthan",
    "gt",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "null",
    "number",
    "odd",
    "sameas",
    "string",
    "truthy",
];

/// Names that stand beside those above, or that start a sentence about them.
const MORE: [&str; 3] = ["undefined", "upper", "none"];

pub(crate) fn is_known(name: &str) -> bool {
    NAMES.contains(&name) || MORE.contains(&name)
}

/// Whether the test holds; `None` when there is no such test.
pub(crate) fn test(name: &str, value: &Traced, arguments: &[Traced]) -> Option<bool> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let undefined = Traced::undefined();
    let other = arguments.first().unwrap_or(&undefined);
    let order = || operators::compare(value, other);
    let remainder = |by: f64| value.to_number() % by;
    Some(match name {
        "callable" => matches!(value.data, Data::Function(_)),
        "defined" => !matches!(value.data, Data::Undefined),
        "undefined" => matches!(value.data, Data::Undefined),
        "divisibleby" => remainder(other.to_number()) == 0.0,
        "escaped" => false,
        "eq" | "equalto" | "sameas" => operators::strictly_equal(value, other),
        "ne" => !operators::strictly_equal(value, other),
        "even" => remainder(2.0) == 0.0,
        #[expect(clippy::float_cmp, reason = "a remainder of whole numbers is exact")]
        "odd" => remainder(2.0) == 1.0,
        "truthy" => value.is_truthy(),
        "falsy" => !value.is_truthy(),
        "ge" => matches!(order(), Some(Greater | Equal)),
        "gt" | "greaterthan" => order() == Some(Greater),
        "le" => matches!(order(), Some(Less | Equal)),
        "lt" | "lessthan" => order() == Some(Less),
        "lower" => is_case(value, str::to_lowercase),
        "upper" => is_case(value, str::to_uppercase),
        "null" | "none" => matches!(value.data, Data::Null),
        "number" => matches!(value.data, Data::Number(_)),
        "string" => matches!(value.data, Data::String(_)),
        "iterable" => matches!(value.data, Data::Array(_) | Data::String(_)),
        "mapping" => matches!(value.data, Data::Object(_)),
        _ => return None,
    })
}

fn is_case(value: &Traced, convert: fn(&str) -> String) -> bool {
    matches!(&value.data, Data::String(text) if convert(text) == **text)
}
