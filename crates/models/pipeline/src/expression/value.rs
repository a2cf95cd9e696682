use std::rc::Rc;

use jiff::civil::DateTime;

use crate::source::Place;

/// A value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: what a missing name gives.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A version of two to four parts.
    Version(Version),
    /// A moment, such as `pipeline.startTime`.
    Date(DateTime),
    /// A string.
    Text(Rc<str>),
    /// A list.
    Array(Rc<Array>),
    /// A mapping.
    Object(Rc<Object>),
}

/// A list with the place where it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Array {
    /// Items.
    pub(crate) items: Vec<Value>,
    /// Where it was written.
    pub(crate) place: Option<Place>,
}

/// A mapping with the place where it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// Entries in order.
    pub(crate) entries: Vec<(Rc<str>, Value)>,
    /// Where it was written.
    pub(crate) place: Option<Place>,
}

/// Two to four numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub Vec<u32>);

impl Version {
    /// Reads `1.2`, `1.2.3` or `1.2.3.4`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Option<Vec<u32>> = text
            .trim()
            .split('.')
            .map(|part| {
                part.parse::<u32>()
                    .ok()
                    .filter(|part| i32::try_from(*part).is_ok())
            })
            .collect();
        parts.filter(|parts| (2..=4).contains(&parts.len())).map(Self)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        formatter.write_str(&parts.join("."))
    }
}

impl Value {
    /// A string.
    #[must_use]
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Rc::from(text.as_ref()))
    }

    /// A list.
    #[must_use]
    pub fn array(items: Vec<Self>) -> Self {
        Self::Array(Rc::new(Array { items, place: None }))
    }

    /// A mapping.
    #[must_use]
    pub fn object<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (Rc::from(key.as_ref()), value))
            .collect();
        Self::Object(Rc::new(Object { entries, place: None }))
    }

    /// From JSON; typed scalars stay typed.
    #[must_use]
    pub fn from_json(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Boolean(*value),
            serde_json::Value::Number(value) => Self::Number(value.as_f64().unwrap_or_default()),
            serde_json::Value::String(value) => Self::text(value),
            serde_json::Value::Array(items) => Self::array(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(map) => {
                Self::object(map.iter().map(|(key, value)| (key, Self::from_json(value))))
            }
        }
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Boolean(value) => (*value).into(),
            Self::Number(value) => number_json(*value),
            Self::Version(_) | Self::Date(_) | Self::Text(_) => self.to_text().unwrap_or_default().into(),
            Self::Array(array) => array.items.iter().map(Self::to_json).collect(),
            Self::Object(object) => serde_json::Value::Object(
                object
                    .entries
                    .iter()
                    .map(|(key, value)| (key.to_string(), value.to_json()))
                    .collect(),
            ),
        }
    }

    /// Upstream's word for its type.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "Null",
            Self::Boolean(_) => "Boolean",
            Self::Number(_) => "Number",
            Self::Version(_) => "Version",
            Self::Date(_) => "DateTime",
            Self::Text(_) => "String",
            Self::Array(_) => "Array",
            Self::Object(_) => "Object",
        }
    }

    /// Casts to a boolean, which always works: nothing, zero and the empty string are false.
    #[must_use]
    pub fn to_boolean(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Boolean(value) => *value,
            Self::Number(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            _ => true,
        }
    }

    /// Casts to a string; lists and mappings have none.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Null => Some(String::new()),
            Self::Boolean(true) => Some("True".to_owned()),
            Self::Boolean(false) => Some("False".to_owned()),
            Self::Number(value) => Some(value.to_string()),
            Self::Version(version) => Some(version.to_string()),
            Self::Date(date) => Some(date.strftime("%m/%d/%Y %H:%M:%S").to_string()),
            Self::Text(text) => Some(text.to_string()),
            Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// Casts to a number.
    #[must_use]
    pub fn to_number(&self) -> Option<f64> {
        match self {
            Self::Null => Some(0.0),
            Self::Boolean(value) => Some(f64::from(u8::from(*value))),
            Self::Number(value) => Some(*value),
            Self::Text(text) => text_number(text),
            _ => None,
        }
    }

    /// Casts to a version. A number works when it has a fraction, as upstream.
    #[must_use]
    pub fn to_version(&self) -> Option<Version> {
        match self {
            Self::Version(version) => Some(version.clone()),
            Self::Text(text) => Version::parse(text),
            Self::Number(value) if *value > 0.0 => Version::parse(&value.to_string()),
            _ => None,
        }
    }

    /// The value under a key, without regard to case.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object
                .entries
                .iter()
                .rev()
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
                .map(|(_, value)| value),
            _ => None,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "whole numbers below 2^53 fit")]
fn number_json(value: f64) -> serde_json::Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        (value as i64).into()
    } else {
        value.into()
    }
}

/// Reads a number as .NET does with leading sign, decimal point, thousands separators and blanks around allowed.
fn text_number(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0.0);
    }
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'-' | b'+');
    if !text.bytes().all(plain) || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.replace(',', "").parse().ok()
}
