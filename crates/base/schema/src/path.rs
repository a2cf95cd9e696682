//! The small part of Kubernetes' `JSONPath` that printer columns, scale paths and selectable fields use.
//!
//! `.a.b`, `['x']`, `[0]`, `[-1]`, `[*]`, `.*`, `[0,2]`, `[0:2]`, filters `[?(@.type=="Ready")]`, with or without the
//! surrounding braces and the leading `$`. Not `JSONPath` of RFC 9535.

mod parse;

use serde_json::Value;

pub use parse::JsonPathError;

/// A parsed path.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    All,
    Descend,
    Filter {
        left: Operand,
        operator: Operator,
        right: Operand,
    },
    Union(Vec<Step>),
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Path(JsonPath),
    Literal(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Exists,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Parses a path such as `.status.conditions[?(@.type=="Ready")].status`.
    ///
    /// # Errors
    /// When the text is outside the subset.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        parse::parse(text)
    }

    /// The first value that the path leads to.
    #[must_use]
    pub fn first<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.all(value).into_iter().next()
    }

    /// All values that the path leads to, in document order.
    #[must_use]
    pub fn all<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for step in &self.steps {
            let mut next = Vec::new();
            for value in found {
                step.walk(value, &mut next);
            }
            found = next;
        }
        found
    }
}

impl Step {
    fn walk<'a>(&self, value: &'a Value, found: &mut Vec<&'a Value>) {
        match self {
            Self::Field(name) => found.extend(value.get(name)),
            Self::Index(index) => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                found.extend(position(*index, items.len()).and_then(|index| items.get(index)));
            }
            Self::Slice(from, to) => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                let from = from.map_or(0, |from| clamp(from, items.len()));
                let to = to.map_or(items.len(), |to| clamp(to, items.len()));
                found.extend(items.get(from..to).unwrap_or_default());
            }
            Self::All => match value {
                Value::Array(items) => found.extend(items),
                Value::Object(fields) => found.extend(fields.values()),
                _ => {}
            },
            Self::Descend => descend(value, found),
            Self::Union(steps) => steps.iter().for_each(|step| step.walk(value, found)),
            Self::Filter {
                left,
                operator,
                right,
            } => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                found.extend(
                    items
                        .iter()
                        .filter(|item| operator.holds(left.on(item), right.on(item))),
                );
            }
        }
    }
}

fn position(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    usize::try_from(if index < 0 { index + length } else { index }).ok()
}

fn clamp(index: i64, length: usize) -> usize {
    position(index, length).unwrap_or(0).min(length)
}

fn descend<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    found.push(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| descend(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| descend(field, found)),
        _ => {}
    }
}

impl Operand {
    fn on<'a>(&'a self, item: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Path(path) => path.first(item),
            Self::Literal(value) => Some(value),
        }
    }
}

impl Operator {
    fn holds(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        let Some(left) = left else { return false };
        if self == Self::Exists {
            return true;
        }
        let Some(right) = right else { return false };
        match self {
            Self::Exists => true,
            Self::Equal => same(left, right),
            Self::NotEqual => !same(left, right),
            _ => self.orders(left, right),
        }
    }

    fn orders(self, left: &Value, right: &Value) -> bool {
        let ordering = match (left, right) {
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            _ => left
                .as_f64()
                .zip(right.as_f64())
                .and_then(|(left, right)| left.partial_cmp(&right)),
        };
        ordering.is_some_and(|ordering| match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Exists | Self::Equal | Self::NotEqual => false,
        })
    }
}

/// Equality where 1 and 1.0 are the same number.
fn same(left: &Value, right: &Value) -> bool {
    left == right
        || left
            .as_f64()
            .zip(right.as_f64())
            .is_some_and(|(left, right)| left.partial_cmp(&right) == Some(std::cmp::Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "spec": { "size": 3, "names": ["a", "b", "c"], "dotted.key": "d", "flag": false },
            "status": { "conditions": [
                { "type": "Synced", "status": "False", "weight": 1 },
                { "type": "Ready", "status": "True", "weight": 2, "tag": { "x": "y" } }
            ] }
        })
    }

    fn check(path: &str, expected: &Value) {
        let found = JsonPath::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let object = object();
        let all: Vec<Value> = found.all(&object).into_iter().cloned().collect();
        assert_eq!(Value::Array(all), *expected, "{path}");
        assert_eq!(found.first(&object), expected.get(0), "{path}");
    }

    #[test]
    fn follows_paths() {
        check(".spec.size", &json!([3]));
        check("{.spec.size}", &json!([3]));
        check("$.spec.size", &json!([3]));
        check("spec.size", &json!([3]));
        check(".spec.missing.deeper", &json!([]));
        check(".spec['size']", &json!([3]));
        check(r#".spec["dotted.key"]"#, &json!(["d"]));
        check(r".spec.dotted\.key", &json!(["d"]));
        check(".spec.names[0]", &json!(["a"]));
        check(".spec.names[-1]", &json!(["c"]));
        check(".spec.names[9]", &json!([]));
        check(".spec.names[*]", &json!(["a", "b", "c"]));
        check(".spec.names[0,2]", &json!(["a", "c"]));
        check(".spec.names[0:2]", &json!(["a", "b"]));
        check(".spec.names[1:]", &json!(["b", "c"]));
        check("..type", &json!(["Synced", "Ready"]));
        check(".status.conditions[*].type", &json!(["Synced", "Ready"]));
    }

    #[test]
    fn filters() {
        check(
            r#".status.conditions[?(@.type=="Ready")].status"#,
            &json!(["True"]),
        );
        check(".status.conditions[?(@.type=='Ready')].status", &json!(["True"]));
        check(".status.conditions[?(@.type == 'Absent')].status", &json!([]));
        check(
            ".status.conditions[?(@.type != 'Ready')].status",
            &json!(["False"]),
        );
        check(".status.conditions[?(@.weight>1)].type", &json!(["Ready"]));
        check(".status.conditions[?(@.weight <= 1)].type", &json!(["Synced"]));
        check(".status.conditions[?(@.tag)].type", &json!(["Ready"]));
        check(".status.conditions[?(@.tag.x=='y')].type", &json!(["Ready"]));
    }

    #[test]
    fn refuses_other_dialects() {
        for path in [
            ".spec[",
            ".spec['a",
            ".a[?(@.b==)]",
            ".a[?(@.b",
            ".a[x]",
            "{.a",
            ".a[]",
            "{range .items[*]}",
        ] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
    }
}
