use serde_json::Value;

use super::{Transform, TransformError, describe, fail, number};
use crate::gofmt::integer;

/// Types that `convert` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `string`.
    String,
    /// `int` and `int64`.
    Int,
    /// `bool`.
    Bool,
    /// `float64`.
    Float,
    /// `object`.
    Object,
    /// `array`.
    Array,
}

/// How a string is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain.
    None,
    /// A Kubernetes quantity.
    Quantity,
    /// JSON.
    Json,
}

pub(super) fn parse(body: &Value) -> Result<Transform, TransformError> {
    let to = match body.get("toType").and_then(Value::as_str) {
        Some("string") => Target::String,
        Some("int" | "int64") => Target::Int,
        Some("bool") => Target::Bool,
        Some("float64") => Target::Float,
        Some("object") => Target::Object,
        Some("array") => Target::Array,
        Some(other) => return fail(format!("`toType: {other}` is unknown")),
        None => return fail("convert transform has no `toType`"),
    };
    let format = match body.get("format").and_then(Value::as_str).unwrap_or("none") {
        "none" => Format::None,
        "quantity" => Format::Quantity,
        "json" => Format::Json,
        other => return fail(format!("`format: {other}` is unknown")),
    };
    Ok(Transform::Convert { to, format })
}

pub(super) fn apply(input: &Value, to: Target, format: Format) -> Result<Value, TransformError> {
    if is_already(input, to) && format == Format::None {
        return Ok(input.clone());
    }
    match (input, to, format) {
        (Value::String(text), Target::Float, Format::Quantity) => quantity(text).map(number),
        (Value::String(text), Target::Object | Target::Array, Format::Json) => {
            let value: Value = serde_json::from_str(text)
                .map_err(|error| TransformError(format!("the string is not JSON: {error}")))?;
            if is_already(&value, to) {
                Ok(value)
            } else {
                fail(format!("the JSON text holds {}", describe(&value)))
            }
        }
        (Value::String(text), _, Format::None) => from_string(text, to),
        (Value::Bool(it), Target::String, _) => Ok(Value::String(it.to_string())),
        (Value::Bool(it), Target::Int | Target::Float, _) => Ok(Value::from(i64::from(*it))),
        (Value::Number(_), Target::Bool, _) => Ok(Value::Bool(integer(input) == Some(1))),
        (Value::Number(_), Target::String, _) => Ok(Value::String(match integer(input) {
            Some(int) => int.to_string(),
            None => input.as_f64().unwrap_or_default().to_string(),
        })),
        (Value::Number(_), Target::Float, _) => Ok(input.clone()),
        #[expect(clippy::cast_possible_truncation, reason = "truncation is what upstream does")]
        (Value::Number(_), Target::Int, _) => Ok(Value::from(input.as_f64().unwrap_or_default() as i64)),
        _ if is_already(input, to) => Ok(input.clone()),
        _ => fail(format!(
            "conversion of {} to {to:?} with format {format:?} is not supported",
            describe(input)
        )),
    }
}

fn is_already(input: &Value, to: Target) -> bool {
    match to {
        Target::String => input.is_string(),
        Target::Int => integer(input).is_some(),
        Target::Bool => input.is_boolean(),
        Target::Float => input.is_number() && integer(input).is_none(),
        Target::Object => input.is_object(),
        Target::Array => input.is_array(),
    }
}

fn from_string(text: &str, to: Target) -> Result<Value, TransformError> {
    let wrong = |what: &str| TransformError(format!("the string `{text}` is not {what}"));
    match to {
        Target::Int => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| wrong("an integer")),
        Target::Float => text.parse::<f64>().map(number).map_err(|_| wrong("a number")),
        Target::Bool => parse_bool(text)
            .map(Value::Bool)
            .ok_or_else(|| wrong("a boolean")),
        _ => fail(format!("a string becomes {to:?} only with `format: json`")),
    }
}

/// Go's `strconv.ParseBool`.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// A Kubernetes quantity such as `1.5Gi`, `250m` or `2e3`.
fn quantity(text: &str) -> Result<f64, TransformError> {
    const SUFFIXES: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let (digits, factor) = SUFFIXES
        .iter()
        .find_map(|(suffix, factor)| text.strip_suffix(suffix).map(|digits| (digits, *factor)))
        .unwrap_or((text, 1.0));
    let plausible = !digits.is_empty()
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    match digits.parse::<f64>() {
        Ok(value) if plausible => Ok(value * factor),
        _ => fail(format!("`{text}` is not a quantity")),
    }
}
