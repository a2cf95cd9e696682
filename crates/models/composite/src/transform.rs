//! The transforms of patch-and-transform, applied in order to the value on its way.

mod convert;
mod string;

use regex::Regex;
use serde_json::{Map, Number, Value};

pub use convert::{Format, Target};
pub use string::StringTransform;

use crate::gofmt::integer;

/// One transform.
#[derive(Clone, Debug)]
pub enum Transform {
    /// Arithmetic with an `int64`.
    Math(Math),
    /// A table from string to any value.
    Map(Map<String, Value>),
    /// The first pattern that fits.
    Match(Match),
    /// String operations.
    String(StringTransform),
    /// A change of type.
    Convert {
        /// Wanted type.
        to: Target,
        /// How a string is to be read.
        format: Format,
    },
}

/// Arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Math {
    /// Times a number.
    Multiply(i64),
    /// Not less than a number.
    ClampMin(i64),
    /// Not more than a number.
    ClampMax(i64),
}

/// Patterns and what to do when none fits.
#[derive(Clone, Debug)]
pub struct Match {
    patterns: Vec<(Pattern, Value)>,
    fallback: Value,
    fallback_to_input: bool,
}

#[derive(Clone, Debug)]
enum Pattern {
    Literal(String),
    Regexp(Regex),
}

/// A transform that cannot be read or cannot be applied to the value at hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TransformError(pub String);

pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, TransformError> {
    Err(TransformError(message.into()))
}

impl Transform {
    /// Reads one entry of `transforms`.
    pub fn parse(value: &Value) -> Result<Self, TransformError> {
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        let body = match value.get(kind) {
            Some(body) if !kind.is_empty() => body,
            _ if kind.is_empty() => return fail("transform has no `type`"),
            _ if matches!(kind, "math" | "map" | "match" | "string" | "convert") => {
                return fail(format!("transform of type `{kind}` has no `{kind}` block"));
            }
            _ => &Value::Null,
        };
        match kind {
            "math" => Math::parse(body).map(Self::Math),
            "map" => match body {
                // Early releases nested the table under `pairs`.
                Value::Object(map) => match map.get("pairs") {
                    Some(Value::Object(pairs)) if map.len() == 1 => Ok(Self::Map(pairs.clone())),
                    _ => Ok(Self::Map(map.clone())),
                },
                _ => fail("`map` is not an object"),
            },
            "match" => Match::parse(body).map(Self::Match),
            "string" => StringTransform::parse(body).map(Self::String),
            "convert" => convert::parse(body),
            _ => fail(format!(
                "transform type `{kind}` is unknown; known are math, map, match, string, convert"
            )),
        }
    }

    /// Applies it.
    pub fn apply(&self, input: &Value) -> Result<Value, TransformError> {
        match self {
            Self::Math(math) => math.apply(input),
            Self::Map(table) => match input {
                Value::String(key) => match table.get(key) {
                    Some(value) => Ok(value.clone()),
                    None => fail(format!("key `{key}` is not found in map")),
                },
                _ => fail(format!("map transform needs a string, not {}", describe(input))),
            },
            Self::Match(it) => it.apply(input),
            Self::String(it) => it.apply(input),
            Self::Convert { to, format } => convert::apply(input, *to, *format),
        }
    }
}

/// Applies transforms in order; an error carries the index of the transform.
pub fn apply_all(transforms: &[Transform], input: &Value) -> Result<Value, TransformError> {
    let mut value = input.clone();
    for (index, transform) in transforms.iter().enumerate() {
        value = transform
            .apply(&value)
            .map_err(|error| TransformError(format!("transform at index {index}: {error}")))?;
    }
    Ok(value)
}

impl Math {
    fn parse(body: &Value) -> Result<Self, TransformError> {
        let field = |name: &str| match body.get(name) {
            None => fail(format!("math transform has no `{name}`")),
            Some(value) => match integer(value) {
                Some(int) => Ok(int),
                None => fail(format!("`{name}` of a math transform must be an integer")),
            },
        };
        // Multiply is the default of Crossplane 1.x; the function demands the type.
        match body.get("type").and_then(Value::as_str).unwrap_or("Multiply") {
            "Multiply" => field("multiply").map(Self::Multiply),
            "ClampMin" => field("clampMin").map(Self::ClampMin),
            "ClampMax" => field("clampMax").map(Self::ClampMax),
            other => fail(format!("math transform type `{other}` is unknown")),
        }
    }

    fn apply(self, input: &Value) -> Result<Value, TransformError> {
        let Some(float) = input.as_f64().filter(|_| input.is_number()) else {
            return fail(format!("math transform needs a number, not {}", describe(input)));
        };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "Go converts the same way"
        )]
        Ok(match (self, integer(input)) {
            (Self::Multiply(by), Some(int)) => Value::from(int.wrapping_mul(by)),
            (Self::Multiply(by), None) => number(float * by as f64),
            (Self::ClampMin(bound), _) if (float as i64) < bound => Value::from(bound),
            (Self::ClampMax(bound), _) if (float as i64) > bound => Value::from(bound),
            _ => input.clone(),
        })
    }
}

impl Match {
    fn parse(body: &Value) -> Result<Self, TransformError> {
        let mut patterns = Vec::new();
        for (index, item) in body
            .get("patterns")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            let result = item.get("result").cloned().unwrap_or(Value::Null);
            let text = |name: &str| match item.get(name).and_then(Value::as_str) {
                Some(text) => Ok(text),
                None => fail(format!("pattern {index} has no `{name}`")),
            };
            let pattern = match item.get("type").and_then(Value::as_str).unwrap_or("literal") {
                "literal" => Pattern::Literal(text("literal")?.to_owned()),
                "regexp" => Pattern::Regexp(regular(text("regexp")?)?),
                other => return fail(format!("pattern type `{other}` is unknown")),
            };
            patterns.push((pattern, result));
        }
        let fallback = body.get("fallbackValue").cloned().unwrap_or(Value::Null);
        let fallback_to_input = match body.get("fallbackTo").and_then(Value::as_str).unwrap_or("Value") {
            "Input" if !fallback.is_null() => {
                return fail("`fallbackValue` and `fallbackTo: Input` cannot both be set");
            }
            "Input" => true,
            "Value" => false,
            other => return fail(format!("`fallbackTo: {other}` is unknown")),
        };
        Ok(Self {
            patterns,
            fallback,
            fallback_to_input,
        })
    }

    fn apply(&self, input: &Value) -> Result<Value, TransformError> {
        for (index, (pattern, result)) in self.patterns.iter().enumerate() {
            let fits = match (pattern, input) {
                (Pattern::Literal(literal), Value::String(text)) => literal == text,
                (Pattern::Regexp(regexp), Value::String(text)) => regexp.is_match(text),
                (Pattern::Regexp(_), Value::Null) => {
                    return fail(format!(
                        "pattern at index {index}: cannot match a regexp against nothing"
                    ));
                }
                (Pattern::Literal(_), Value::Null) => false,
                _ => {
                    return fail(format!(
                        "pattern at index {index} needs a string, not {}",
                        describe(input)
                    ));
                }
            };
            if fits {
                return Ok(result.clone());
            }
        }
        Ok(if self.fallback_to_input {
            input.clone()
        } else {
            self.fallback.clone()
        })
    }
}

pub(crate) fn regular(text: &str) -> Result<Regex, TransformError> {
    Regex::new(text).map_err(|error| TransformError(format!("`{text}` is not a regular expression: {error}")))
}

/// A JSON number from a float; integral values become integers, as they do on upstream's way through protobuf.
pub(crate) fn number(float: f64) -> Value {
    let value = Number::from_f64(float).map_or(Value::Null, Value::Number);
    integer(&value).map_or(value, Value::from)
}

/// Type and value in words, for messages. Secrets never pass through transforms of connection details.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(it) => format!("the boolean `{it}`"),
        Value::Number(it) => format!("the number `{it}`"),
        Value::String(it) => format!("the string `{it}`"),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests;
