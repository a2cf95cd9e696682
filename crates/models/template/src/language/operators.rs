//! Operators with JavaScript's conversions.

use std::cmp::Ordering;
use std::rc::Rc;

use super::number;
use super::syntax::Operator;
use super::value::{Data, Traced};

/// Longest list that `range` makes.
const RANGE_LIMIT: f64 = 100_000.0;

pub(crate) fn binary(operator: Operator, left: &Traced, right: &Traced) -> Traced {
    let numeric = |number: f64| Traced::from(number).made_of(&[left, right]);
    let (a, b) = (left.to_number(), right.to_number());
    match operator {
        Operator::Add => add(left, right),
        Operator::Concat => concat(left, right),
        Operator::Subtract => numeric(a - b),
        Operator::Multiply => numeric(a * b),
        Operator::Divide => numeric(a / b),
        Operator::FloorDivide => numeric((a / b).floor()),
        Operator::Modulo => numeric(a % b),
        Operator::Power => numeric(a.powf(b)),
        Operator::Equal => loosely_equal(left, right).into(),
        Operator::NotEqual => (!loosely_equal(left, right)).into(),
        Operator::StrictEqual => strictly_equal(left, right).into(),
        Operator::StrictNotEqual => (!strictly_equal(left, right)).into(),
        Operator::Less => (compare(left, right) == Some(Ordering::Less)).into(),
        Operator::Greater => (compare(left, right) == Some(Ordering::Greater)).into(),
        Operator::LessOrEqual => {
            matches!(compare(left, right), Some(Ordering::Less | Ordering::Equal)).into()
        }
        Operator::GreaterOrEqual => {
            matches!(compare(left, right), Some(Ordering::Greater | Ordering::Equal)).into()
        }
        // Decided before both sides are known.
        Operator::Or | Operator::And => right.clone(),
    }
}

fn is_textual(value: &Traced) -> bool {
    matches!(
        value.data,
        Data::String(_) | Data::Array(_) | Data::Object(_) | Data::Function(_) | Data::Regex(_)
    )
}

pub(crate) fn add(left: &Traced, right: &Traced) -> Traced {
    if is_textual(left) || is_textual(right) {
        return concat(left, right);
    }
    Traced::from(left.to_number() + right.to_number()).made_of(&[left, right])
}

/// Joins texts, keeping which stretch came from where.
pub(crate) fn concat(left: &Traced, right: &Traced) -> Traced {
    join(&[left, right])
}

/// Joins the texts of several values, keeping which stretch came from where.
pub(crate) fn join(parts: &[&Traced]) -> Traced {
    let mut text = String::new();
    let mut pieces = Vec::new();
    for part in parts {
        let from = text.len();
        let added = part.to_text();
        pieces.extend(
            part.pieces(added.len())
                .into_iter()
                .map(|(range, source)| (from + range.start..from + range.end, source)),
        );
        text.push_str(&added);
    }
    let mut joined = Traced::from(text);
    joined.trace.pieces = pieces;
    joined
}

pub(crate) fn strictly_equal(left: &Traced, right: &Traced) -> bool {
    match (&left.data, &right.data) {
        (Data::Undefined, Data::Undefined) | (Data::Null, Data::Null) => true,
        (Data::Bool(a), Data::Bool(b)) => a == b,
        #[expect(clippy::float_cmp, reason = "JavaScript compares numbers exactly")]
        (Data::Number(a), Data::Number(b)) => a == b,
        (Data::String(a), Data::String(b)) => a == b,
        (Data::Array(a), Data::Array(b)) => Rc::ptr_eq(a, b),
        (Data::Object(a), Data::Object(b)) => Rc::ptr_eq(a, b),
        (Data::Function(a), Data::Function(b)) => Rc::ptr_eq(a, b),
        _ => false,
    }
}

pub(crate) fn loosely_equal(left: &Traced, right: &Traced) -> bool {
    if left.is_nullish() || right.is_nullish() {
        return left.is_nullish() && right.is_nullish();
    }
    match (&left.data, &right.data) {
        (Data::Array(_) | Data::Object(_), Data::Array(_) | Data::Object(_))
        | (Data::String(_), Data::String(_)) => strictly_equal(left, right),
        (Data::Array(_) | Data::Object(_), _) => loosely_equal(&Traced::from(left.to_text()), right),
        (_, Data::Array(_) | Data::Object(_)) => loosely_equal(left, &Traced::from(right.to_text())),
        #[expect(clippy::float_cmp, reason = "JavaScript compares numbers exactly")]
        _ => left.to_number() == right.to_number(),
    }
}

/// JavaScript's `<` and `>`: texts by code unit, all else as numbers; NaN compares with nothing.
pub(crate) fn compare(left: &Traced, right: &Traced) -> Option<Ordering> {
    if is_textual(left) && is_textual(right) {
        return Some(left.to_text().encode_utf16().cmp(right.to_text().encode_utf16()));
    }
    left.to_number().partial_cmp(&right.to_number())
}

/// `in`; `None` when the right side cannot be looked into.
pub(crate) fn contains(needle: &Traced, haystack: &Traced) -> Option<bool> {
    match &haystack.data {
        Data::Array(items) => Some(items.borrow().iter().any(|item| strictly_equal(item, needle))),
        Data::String(text) => Some(text.contains(&needle.to_text())),
        Data::Object(entries) => {
            let key = needle.to_text();
            Some(entries.iter().any(|(name, _)| **name == key))
        }
        _ => None,
    }
}

/// `range(stop)`, `range(start, stop, step)`; `None` when it would be too long.
pub(crate) fn range(arguments: &[Traced]) -> Option<Vec<f64>> {
    let number = |index: usize| {
        arguments
            .get(index)
            .filter(|value| !value.is_nullish())
            .map(Traced::to_number)
    };
    let (start, end) = match (number(0), number(1)) {
        (Some(start), Some(end)) => (start, end),
        (end, _) => (0.0, end.unwrap_or(f64::NAN)),
    };
    let step = number(2).filter(|step| *step != 0.0).unwrap_or(1.0);
    if (end - start) / step > RANGE_LIMIT {
        return None;
    }
    let mut numbers = Vec::new();
    let mut current = start;
    while (step > 0.0 && current < end) || (step < 0.0 && current > end) {
        numbers.push(current);
        current += step;
    }
    Some(numbers)
}

/// Jinja's `[from:to:step]` on lists and strings.
pub(crate) fn slice(object: &Traced, bounds: [Option<i64>; 3]) -> Traced {
    let items = object.items();
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let step = bounds[2].unwrap_or(1);
    if step == 0 {
        return Traced::undefined();
    }
    let place =
        |bound: i64, low: i64, high: i64| (if bound < 0 { bound + length } else { bound }).clamp(low, high);
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let start = bounds[0].map_or(if step > 0 { low } else { high }, |bound| place(bound, low, high));
    let end = bounds[1].map_or(if step > 0 { high } else { low }, |bound| place(bound, low, high));
    let mut picked = Vec::new();
    let mut at = start;
    while (step > 0 && at < end) || (step < 0 && at > end) {
        picked.extend(
            usize::try_from(at)
                .ok()
                .and_then(|index| items.get(index))
                .cloned(),
        );
        at += step;
    }
    match &object.data {
        Data::String(_) => join(&picked.iter().collect::<Vec<_>>()),
        Data::Array(_) => picked.into(),
        _ => Traced::undefined(),
    }
}

/// Where an index that may count from the end lands within a length.
pub(crate) fn relative(index: Option<i64>, length: usize, default: usize) -> usize {
    let Some(index) = index else { return default };
    let total = i64::try_from(length).unwrap_or(i64::MAX);
    let place = if index < 0 {
        (total + index).max(0)
    } else {
        index.min(total)
    };
    usize::try_from(place).unwrap_or(0)
}

/// Sorts as `Array.prototype.sort` without a function does: by text, undefined last.
pub(crate) fn sort_by_text(items: &mut [Traced]) {
    items.sort_by_cached_key(|item| {
        (
            matches!(item.data, Data::Undefined),
            item.to_text().encode_utf16().collect::<Vec<_>>(),
        )
    });
}

/// A number for an index.
pub(crate) fn index(position: Option<usize>) -> Traced {
    position.map_or(-1.0, number::from_length).into()
}
