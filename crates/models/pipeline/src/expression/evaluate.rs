use super::compare::{equal, fold, order};
use super::functions::{Plain, Role};
use super::syntax::{Expression, Kind};
use super::{ExpressionError, Value};

/// What names and status functions mean where an expression stands.
pub(crate) trait Scope {
    /// The value of a name.
    fn named(&self, name: &str) -> Option<Value>;

    /// Whether `name.key` must not be read here because it is secret.
    fn is_secret(&self, _name: &str, _key: &str) -> bool {
        false
    }

    /// A status function; an error when there is none here, or when a name it is given is unknown.
    fn status(&self, function: StatusFunction, names: &[String]) -> Result<bool, String>;

    /// The next number of a counter; `None` where there are no counters.
    fn counter(&self, _prefix: &str, _seed: i64) -> Option<i64> {
        None
    }
}

/// `succeeded()` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusFunction {
    Always,
    Canceled,
    Failed,
    Succeeded,
    SucceededOrFailed,
}

/// Works out an expression.
pub(crate) fn evaluate(expression: &Expression, scope: &dyn Scope) -> Result<Value, ExpressionError> {
    chain(expression, scope).map(|(value, _)| value)
}

/// The value, and whether it is what `.*` gathered, so that the next property is taken of each item.
fn chain(expression: &Expression, scope: &dyn Scope) -> Result<(Value, bool), ExpressionError> {
    match &expression.kind {
        Kind::Literal(value) => Ok((value.clone(), false)),
        Kind::Name(name) => Ok((scope.named(name).unwrap_or(Value::Null), false)),
        Kind::Call(function, arguments) => {
            let value = call(function.role, arguments, expression, scope)?;
            Ok((value, false))
        }
        Kind::Index(left, right) => {
            let (value, gathered) = chain(left, scope)?;
            let key = evaluate(right, scope)?;
            if let (Kind::Name(name), Some(key)) = (&left.kind, key.to_text())
                && scope.is_secret(name, &key)
            {
                return Err(secret(&key, expression));
            }
            if let (true, Value::Array(array)) = (gathered, &value) {
                let found = array.items.iter().map(|item| step(item, &key));
                let found = found.filter(|item| *item != Value::Null).collect();
                return Ok((Value::array(found), true));
            }
            Ok((step(&value, &key), false))
        }
        Kind::Every(left) => {
            let value = evaluate(left, scope)?;
            let items = match &value {
                Value::Array(array) => array.items.clone(),
                Value::Object(object) => object.entries.iter().map(|(_, value)| value.clone()).collect(),
                _ => Vec::new(),
            };
            Ok((Value::array(items), true))
        }
    }
}

fn secret(key: &str, expression: &Expression) -> ExpressionError {
    let mut error = ExpressionError::new(
        format!("`{key}` is secret: it has no value before the run starts"),
        expression.range.clone(),
    )
    .with_help(format!(
        "use the macro $({key}), in `env:` of the step that needs it"
    ));
    error.code = crate::codes::SECRET;
    error
}

/// A member or an item; nothing when there is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a whole number that is not negative"
)]
fn step(value: &Value, key: &Value) -> Value {
    match value {
        Value::Object(_) => key
            .to_text()
            .and_then(|key| value.member(&key).cloned())
            .unwrap_or(Value::Null),
        Value::Array(array) => key
            .to_number()
            .filter(|index| *index >= 0.0 && index.fract() == 0.0)
            .and_then(|index| array.items.get(index as usize).cloned())
            .unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

fn call(
    role: Role,
    arguments: &[Expression],
    whole: &Expression,
    scope: &dyn Scope,
) -> Result<Value, ExpressionError> {
    let fail = |message: String| ExpressionError::new(message, whole.range.clone());
    match role {
        Role::And | Role::Or => {
            let stops_at = role == Role::Or;
            for argument in arguments {
                if evaluate(argument, scope)?.to_boolean() == stops_at {
                    return Ok(Value::Boolean(stops_at));
                }
            }
            Ok(Value::Boolean(!stops_at))
        }
        Role::Counter => {
            let values = all(arguments, scope)?;
            let prefix = values.first().and_then(Value::to_text).unwrap_or_default();
            #[expect(clippy::cast_possible_truncation, reason = "seeds are small whole numbers")]
            let seed = values.get(1).and_then(Value::to_number).unwrap_or_default() as i64;
            scope
                .counter(&prefix, seed)
                .map(|count| Value::text(count.to_string()))
                .ok_or_else(|| fail("`counter` works only in variables of the run, in `$[ ]`".to_owned()))
        }
        Role::Status(function) => {
            let names: Vec<String> = all(arguments, scope)?.iter().filter_map(Value::to_text).collect();
            scope.status(function, &names).map(Value::Boolean).map_err(fail)
        }
        Role::Plain(function) => {
            let values = all(arguments, scope)?;
            plain(function, &values).map_err(|(position, message)| {
                let range = arguments
                    .get(position)
                    .map_or(&whole.range, |argument| &argument.range);
                ExpressionError::new(message, range.clone())
            })
        }
    }
}

fn all(arguments: &[Expression], scope: &dyn Scope) -> Result<Vec<Value>, ExpressionError> {
    arguments
        .iter()
        .map(|argument| evaluate(argument, scope))
        .collect()
}

/// Which argument is at fault, and what is wrong with it.
type Refusal = (usize, String);

fn plain(function: Plain, values: &[Value]) -> Result<Value, Refusal> {
    let boolean = |value: bool| Ok(Value::Boolean(value));
    match function {
        Plain::Not => boolean(!values[0].to_boolean()),
        Plain::Xor => boolean(values[0].to_boolean() != values[1].to_boolean()),
        Plain::Equal => boolean(equal(&values[0], &values[1])),
        Plain::NotEqual => boolean(!equal(&values[0], &values[1])),
        Plain::Greater => boolean(compare(values)?.is_gt()),
        Plain::GreaterOrEqual => boolean(compare(values)?.is_ge()),
        Plain::Less => boolean(compare(values)?.is_lt()),
        Plain::LessOrEqual => boolean(compare(values)?.is_le()),
        Plain::In => boolean(values[1..].iter().any(|item| equal(&values[0], item))),
        Plain::NotIn => boolean(!values[1..].iter().any(|item| equal(&values[0], item))),
        Plain::ContainsValue => boolean(contains_value(values)),
        Plain::Coalesce => Ok(coalesce(values)),
        Plain::Iif => Ok(values[if values[0].to_boolean() { 1 } else { 2 }].clone()),
        Plain::Join => join(values),
        Plain::Length => length(&values[0]),
        Plain::ConvertToJson => Ok(Value::text(
            serde_json::to_string_pretty(&values[0].to_json()).unwrap_or_default(),
        )),
        Plain::Format => super::format::value_format(values),
        _ => on_texts(function, values),
    }
}

fn on_texts(function: Plain, values: &[Value]) -> Result<Value, Refusal> {
    let texts: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(position, value)| text_of(position, value))
        .collect::<Result<_, _>>()?;
    let folded = |position: usize| fold(&texts[position]);
    Ok(match function {
        Plain::Contains => Value::Boolean(folded(0).contains(&folded(1))),
        Plain::StartsWith => Value::Boolean(folded(0).starts_with(&folded(1))),
        Plain::EndsWith => Value::Boolean(folded(0).ends_with(&folded(1))),
        Plain::Lower => Value::text(texts[0].to_lowercase()),
        Plain::Upper => Value::text(texts[0].to_uppercase()),
        Plain::Trim => Value::text(texts[0].trim()),
        Plain::Replace if texts[1].is_empty() => return Err((1, "there is nothing to replace".to_owned())),
        Plain::Replace => Value::text(texts[0].replace(&texts[1], &texts[2])),
        Plain::Split => Value::array(
            texts[0]
                .split(|char| texts[1].contains(char))
                .map(Value::text)
                .collect(),
        ),
        _ => Value::Null,
    })
}

pub(super) fn text_of(position: usize, value: &Value) -> Result<String, Refusal> {
    value.to_text().ok_or_else(|| {
        (
            position,
            format!("a String is expected here, not an {}", value.kind()),
        )
    })
}

fn compare(values: &[Value]) -> Result<std::cmp::Ordering, Refusal> {
    order(&values[0], &values[1]).ok_or_else(|| {
        let (left, right) = (values[0].kind(), values[1].kind());
        (
            1,
            format!("this {right} cannot become a {left}, which the other side is"),
        )
    })
}

fn contains_value(values: &[Value]) -> bool {
    match &values[0] {
        Value::Array(array) => array.items.iter().any(|item| equal(item, &values[1])),
        Value::Object(object) => object.entries.iter().any(|(_, item)| equal(item, &values[1])),
        _ => false,
    }
}

fn coalesce(values: &[Value]) -> Value {
    let has_content = |value: &&Value| match value {
        Value::Null => false,
        Value::Text(text) => !text.is_empty(),
        _ => true,
    };
    values.iter().find(has_content).cloned().unwrap_or(Value::Null)
}

fn join(values: &[Value]) -> Result<Value, Refusal> {
    let separator = text_of(0, &values[0])?;
    match &values[1] {
        Value::Array(array) => {
            let texts: Vec<String> = array
                .items
                .iter()
                .map(|item| item.to_text().unwrap_or_default())
                .collect();
            Ok(Value::text(texts.join(&separator)))
        }
        other => text_of(1, other).map(Value::text),
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
fn length(value: &Value) -> Result<Value, Refusal> {
    let count = match value {
        Value::Array(array) => array.items.len(),
        Value::Object(object) => object.entries.len(),
        other => text_of(0, other)?.encode_utf16().count(),
    };
    Ok(Value::Number(count as f64))
}
