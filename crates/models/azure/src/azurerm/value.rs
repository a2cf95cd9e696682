use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// The type of an attribute, in Terraform's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `string`
    Text,
    /// `bool`
    Bool,
    /// `number`
    Number,
    /// `list(…)`
    List(Box<Type>),
    /// `set(…)`
    Set(Box<Type>),
    /// `map(…)`
    Map(Box<Type>),
    /// `object({…})`
    Object(Vec<(&'static str, Type)>),
}

impl Type {
    /// A set of texts.
    pub(super) fn texts() -> Self {
        Self::Set(Box::new(Self::Text))
    }

    /// The JSON that names the type in a provider's schema.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Text => json!("string"),
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Object(attributes) => {
                let fields: serde_json::Map<String, Json> = attributes
                    .iter()
                    .map(|(name, kind)| ((*name).to_owned(), kind.to_json()))
                    .collect();
                json!(["object", fields])
            }
        }
    }
}

/// A value as Terraform knows it. A set is a list in [`Value::sorted`] order; an object is a map with all its attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Not known before apply.
    Unknown,
    /// Not set.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A number; what Azure counts fits without loss.
    Number(f64),
    /// A text.
    Text(String),
    /// A list, set or sequence of blocks.
    List(Vec<Value>),
    /// A map, an object or a block.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether it is not set.
    #[must_use]
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// Whether it, or a part of it, is only known after apply.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::List(entries) => entries.iter().any(Self::has_unknown),
            Self::Map(entries) => entries.values().any(Self::has_unknown),
            _ => false,
        }
    }

    /// The text, if it is a known one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is a known one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is a known one.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }

    /// The entries, if it is a known list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entries, if it is a known map.
    #[must_use]
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// An attribute of an object, or of the only entry of a list of blocks; null where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &Self {
        const NULL: &Value = &Value::Null;
        match self {
            Self::Map(entries) => entries.get(name).unwrap_or(NULL),
            Self::List(entries) => entries.first().map_or(NULL, |entry| entry.get(name)),
            Self::Unknown => self,
            _ => NULL,
        }
    }

    /// The text at a path of attribute names joined by dots.
    #[must_use]
    pub fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path).as_text()
    }

    /// The value at a path of attribute names joined by dots.
    #[must_use]
    pub fn at(&self, path: &str) -> &Self {
        path.split('.').fold(self, |value, part| value.get(part))
    }

    /// Whether nothing is said: null, false, zero, no text, no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => true,
            Self::Number(number) => *number == 0.0,
            Self::Text(text) => text.is_empty(),
            Self::List(entries) => entries.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            Self::Unknown | Self::Bool(true) => false,
        }
    }

    /// The order in which the entries of a set are kept, so that equal sets are equal lists.
    #[must_use]
    pub fn sorted(mut entries: Vec<Value>) -> Vec<Value> {
        entries.sort_by(Self::order);
        entries.dedup();
        entries
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (left, right) => format!("{left:?}").cmp(&format!("{right:?}")),
        }
    }

    /// Reads JSON of a given type: a state file, an answer of ARM. Attributes that the type does not have are left out.
    #[must_use]
    pub fn from_json(json: &Json, kind: &Type) -> Self {
        let list = |element: &Type| {
            let entries = json.as_array();
            entries.map(|entries| {
                entries
                    .iter()
                    .map(|entry| Self::from_json(entry, element))
                    .collect::<Vec<_>>()
            })
        };
        match kind {
            Type::Text => match json {
                Json::String(text) => Self::text(text),
                Json::Number(number) => Self::text(number.to_string()),
                Json::Bool(value) => Self::text(value.to_string()),
                _ => Self::Null,
            },
            Type::Bool => match json {
                Json::Bool(value) => Self::Bool(*value),
                Json::String(text) => text.parse().map_or(Self::Null, Self::Bool),
                _ => Self::Null,
            },
            Type::Number => match json {
                Json::Number(number) => number.as_f64().map_or(Self::Null, Self::Number),
                Json::String(text) => text.parse().map_or(Self::Null, Self::Number),
                _ => Self::Null,
            },
            Type::List(element) => list(element).map_or(Self::Null, Self::List),
            Type::Set(element) => {
                list(element).map_or(Self::Null, |entries| Self::List(Self::sorted(entries)))
            }
            Type::Map(element) => json.as_object().map_or(Self::Null, |entries| {
                let read = entries
                    .iter()
                    .map(|(key, entry)| (key.clone(), Self::from_json(entry, element)));
                Self::Map(read.collect())
            }),
            Type::Object(attributes) => json.as_object().map_or(Self::Null, |fields| {
                let read = attributes.iter().map(|(name, kind)| {
                    let value = fields
                        .get(*name)
                        .map_or(Self::Null, |field| Self::from_json(field, kind));
                    ((*name).to_owned(), value)
                });
                Self::Map(read.collect())
            }),
        }
    }

    /// The value as JSON; what is unknown or null becomes null.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Unknown | Self::Null => Json::Null,
            Self::Bool(value) => json!(value),
            Self::Number(number) => whole(*number).map_or_else(|| json!(number), |integer| json!(integer)),
            Self::Text(text) => json!(text),
            Self::List(entries) => entries.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                let fields = entries.iter().map(|(key, value)| (key.clone(), value.to_json()));
                Json::Object(fields.collect())
            }
        }
    }
}

/// The integer that a number is, if it is one.
#[must_use]
pub fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked: it has no fraction and lies within 2^53"
    )]
    let integer = (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
    integer
}
