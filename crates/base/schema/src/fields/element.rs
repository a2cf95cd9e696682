//! One step of a field path.

use std::fmt;

use serde_json::{Map, Value};

/// One step from a value to a part of it.
///
/// List items are named by canonical JSON text, so that equal items are equal elements and elements have an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathElement {
    /// A field of a struct or a key of a map.
    Field(String),
    /// The item of a map list with these key fields, a JSON object with sorted names.
    Key(String),
    /// The member of a set list with this JSON value.
    Value(String),
    /// The item at an index; only foreign managers write these.
    Index(usize),
}

impl PathElement {
    /// The element for the field `name`.
    pub fn field(name: impl Into<String>) -> Self {
        Self::Field(name.into())
    }

    /// The element for a set member.
    #[must_use]
    pub fn value(member: &Value) -> Self {
        Self::Value(canonical(member))
    }

    /// The element for the map-list item that has these key fields.
    #[must_use]
    pub fn key(fields: &Map<String, Value>) -> Self {
        Self::Key(canonical_object(fields))
    }

    /// Reads a key of `fieldsV1` such as `f:spec`; `None` when it has none of the four forms.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (tag, rest) = text.split_once(':')?;
        Some(match tag {
            "f" => Self::Field(rest.to_owned()),
            "i" => Self::Index(rest.parse().ok()?),
            "v" => Self::value(&serde_json::from_str(rest).ok()?),
            "k" => Self::key(&serde_json::from_str(rest).ok()?),
            _ => return None,
        })
    }

    /// The key in `fieldsV1`.
    pub(super) fn to_key(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(fields) => format!("k:{fields}"),
            Self::Value(member) => format!("v:{member}"),
            Self::Index(index) => format!("i:{index}"),
        }
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(formatter, ".{name}"),
            Self::Value(member) => write!(formatter, "[={member}]"),
            Self::Index(index) => write!(formatter, "[{index}]"),
            Self::Key(fields) => {
                let fields: Map<String, Value> = serde_json::from_str(fields).unwrap_or_default();
                let parts: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                write!(formatter, "[{}]", parts.join(","))
            }
        }
    }
}

/// A path from the root of an object, displayed as `.spec.list[name="a"].image`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FieldPath(pub Vec<PathElement>);

impl FieldPath {
    /// The path through these fields.
    #[must_use]
    pub fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|name| PathElement::field(*name)).collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|element| element.fmt(formatter))
    }
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => canonical_object(fields),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        scalar => scalar.to_string(),
    }
}

fn canonical_object(fields: &Map<String, Value>) -> String {
    let mut parts: Vec<(&String, String)> = fields
        .iter()
        .map(|(name, value)| (name, canonical(value)))
        .collect();
    parts.sort_unstable();
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
        .collect();
    format!("{{{}}}", parts.join(","))
}
