//! Values while a template is evaluated: JavaScript's, each with where it came from.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::number;
use super::syntax::MacroDefinition;
use crate::provenance::SourceRef;

/// A value with where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Traced {
    pub(crate) data: Data,
    pub(crate) trace: Trace,
}

/// Where a value came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// Path of the input that this value *is*, unchanged.
    pub(crate) path: Option<Arc<str>>,
    /// Stretches of a string, or (with an empty stretch) what else a value was made of.
    pub(crate) pieces: Vec<(Range<usize>, SourceRef)>,
}

/// A JavaScript value.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    String(Rc<str>),
    Array(Rc<RefCell<Vec<Traced>>>),
    Object(Rc<Vec<(Rc<str>, Traced)>>),
    Regex(Rc<(String, String)>),
    Function(Rc<Function>),
}

/// What can be called.
#[derive(Clone, Debug)]
pub(crate) enum Function {
    /// A method taken from a value.
    Method { receiver: Traced, name: String },
    /// A global such as `range`.
    Global(&'static str),
    /// A macro of the template; `frame` is kept for `caller()` only.
    Macro(Rc<MacroDefinition>),
    /// The body of a `call` block.
    Caller {
        body: Rc<MacroDefinition>,
        frame: super::evaluate::Frame,
    },
    /// State of `cycler(…)`: items and position.
    Cycler {
        items: Vec<Traced>,
        position: RefCell<Option<usize>>,
    },
    /// State of `joiner(…)`: separator and whether it was called.
    Joiner {
        separator: Traced,
        called: RefCell<bool>,
    },
}

impl From<Data> for Traced {
    fn from(data: Data) -> Self {
        Self {
            data,
            trace: Trace::default(),
        }
    }
}

impl From<&str> for Traced {
    fn from(text: &str) -> Self {
        Data::String(Rc::from(text)).into()
    }
}

impl From<String> for Traced {
    fn from(text: String) -> Self {
        Data::String(Rc::from(text)).into()
    }
}

impl From<f64> for Traced {
    fn from(number: f64) -> Self {
        Data::Number(number).into()
    }
}

impl From<bool> for Traced {
    fn from(value: bool) -> Self {
        Data::Bool(value).into()
    }
}

impl From<Vec<Self>> for Traced {
    fn from(items: Vec<Self>) -> Self {
        Data::Array(Rc::new(RefCell::new(items))).into()
    }
}

impl Traced {
    pub(crate) fn undefined() -> Self {
        Data::Undefined.into()
    }

    /// An object; integer-like keys go first in ascending order, as in JavaScript.
    pub(crate) fn object(mut entries: Vec<(Rc<str>, Self)>) -> Self {
        let index = |key: &str| key.parse::<u32>().ok().filter(|number| number.to_string() == key);
        if entries.iter().any(|(key, _)| index(key).is_some()) {
            entries.sort_by_key(|(key, _)| index(key).map_or(u64::MAX, u64::from));
        }
        Data::Object(Rc::new(entries)).into()
    }

    /// Everything that this value was made of.
    pub(crate) fn sources(&self) -> Vec<SourceRef> {
        let mut sources = Vec::new();
        self.collect_sources(&mut sources, 0);
        sources
    }

    fn collect_sources(&self, sources: &mut Vec<SourceRef>, depth: usize) {
        let mut add = |source: SourceRef| {
            if !sources.contains(&source) {
                sources.push(source);
            }
        };
        if !self.trace.pieces.is_empty() {
            self.trace
                .pieces
                .iter()
                .for_each(|(_, source)| add(source.clone()));
        } else if let Some(path) = &self.trace.path {
            add(SourceRef::new(path));
        } else if depth < 16 {
            match &self.data {
                Data::Array(items) => {
                    items
                        .borrow()
                        .iter()
                        .for_each(|item| item.collect_sources(sources, depth + 1));
                }
                Data::Object(entries) => {
                    entries
                        .iter()
                        .for_each(|(_, item)| item.collect_sources(sources, depth + 1));
                }
                _ => {}
            }
        }
    }

    /// The same value, said to be made of all that `parts` were made of.
    pub(crate) fn made_of(mut self, parts: &[&Self]) -> Self {
        let length = match &self.data {
            Data::String(text) => text.len(),
            _ => 0,
        };
        if matches!(self.data, Data::Undefined) {
            return self;
        }
        for source in parts.iter().flat_map(|part| part.sources()) {
            let piece = (0..length, source);
            if !self.trace.pieces.contains(&piece) {
                self.trace.pieces.push(piece);
            }
        }
        self
    }

    /// The pieces of this value's text, which has `length` bytes.
    pub(crate) fn pieces(&self, length: usize) -> Vec<(Range<usize>, SourceRef)> {
        if let (Data::String(_), false) = (&self.data, self.trace.pieces.is_empty()) {
            return self.trace.pieces.clone();
        }
        self.sources()
            .into_iter()
            .map(|source| (0..length, source))
            .collect()
    }

    /// The items of an array (or the characters of a string), each knowing its place.
    pub(crate) fn items(&self) -> Vec<Self> {
        match &self.data {
            Data::Array(items) => items
                .borrow()
                .iter()
                .enumerate()
                .map(|(index, item)| self.child(item, &index.to_string()))
                .collect(),
            Data::String(text) => text
                .chars()
                .map(|char| Self::from(char.to_string()).made_of(&[self]))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The entries of an object (or array, by index), each knowing its place.
    pub(crate) fn entries(&self) -> Vec<(Rc<str>, Self)> {
        match &self.data {
            Data::Object(entries) => entries
                .iter()
                .map(|(key, item)| (Rc::clone(key), self.child(item, key)))
                .collect(),
            Data::Array(_) => self
                .items()
                .into_iter()
                .enumerate()
                .map(|(index, item)| (Rc::from(index.to_string()), item))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn child(&self, item: &Self, key: &str) -> Self {
        let mut item = item.clone();
        if item.trace.path.is_none() && item.trace.pieces.is_empty() {
            if let Some(path) = &self.trace.path {
                item.trace.path = Some(Arc::from(crate::provenance::join(path, key)));
            } else if !self.trace.pieces.is_empty() {
                item = item.made_of(&[&Self {
                    data: Data::Null,
                    trace: self.trace.clone(),
                }]);
            }
        }
        item
    }

    /// An own property that is data: item, entry or `length`.
    pub(crate) fn property(&self, key: &str) -> Option<Self> {
        match &self.data {
            Data::Object(entries) => entries
                .iter()
                .find(|(name, _)| &**name == key)
                .map(|(_, item)| self.child(item, key)),
            Data::Array(items) if key == "length" => Some(number::from_length(items.borrow().len()).into()),
            Data::Array(items) => {
                let index: usize = key.parse().ok()?;
                items.borrow().get(index).map(|item| self.child(item, key))
            }
            Data::String(text) if key == "length" => {
                Some(Self::from(number::from_length(text.encode_utf16().count())).made_of(&[self]))
            }
            Data::String(text) => {
                let char = text.chars().nth(key.parse().ok()?)?;
                Some(Self::from(char.to_string()).made_of(&[self]))
            }
            _ => None,
        }
    }

    pub(crate) fn is_nullish(&self) -> bool {
        matches!(self.data, Data::Undefined | Data::Null)
    }

    /// JavaScript truthiness.
    pub(crate) fn is_truthy(&self) -> bool {
        match &self.data {
            Data::Undefined | Data::Null => false,
            Data::Bool(value) => *value,
            Data::Number(number) => *number != 0.0 && !number.is_nan(),
            Data::String(text) => !text.is_empty(),
            _ => true,
        }
    }

    /// `String(value)`.
    pub(crate) fn to_text(&self) -> String {
        match &self.data {
            Data::Undefined => "undefined".to_owned(),
            Data::Null => "null".to_owned(),
            _ => self.to_output(),
        }
    }

    /// What an interpolation prints: as `String(value)`, but nothing for undefined and null.
    pub(crate) fn to_output(&self) -> String {
        match &self.data {
            Data::Undefined | Data::Null => String::new(),
            Data::Bool(value) => value.to_string(),
            Data::Number(number) => number::to_text(*number),
            Data::String(text) => text.to_string(),
            Data::Array(items) => items
                .borrow()
                .iter()
                .map(Self::to_output)
                .collect::<Vec<_>>()
                .join(","),
            Data::Object(_) => "[object Object]".to_owned(),
            Data::Regex(regex) => format!("/{}/{}", regex.0, regex.1),
            Data::Function(_) => "function".to_owned(),
        }
    }

    /// `Number(value)`.
    pub(crate) fn to_number(&self) -> f64 {
        match &self.data {
            Data::Null => 0.0,
            Data::Bool(value) => f64::from(u8::from(*value)),
            Data::Number(number) => *number,
            Data::String(text) => number::from_text(text),
            Data::Array(_) => number::from_text(&self.to_output()),
            _ => f64::NAN,
        }
    }

    /// An integer argument; `None` when undefined.
    pub(crate) fn to_integer(&self) -> Option<i64> {
        (!matches!(self.data, Data::Undefined)).then(|| number::to_integer(self.to_number()))
    }

    /// The value for JSON; `None` for undefined and functions.
    pub(crate) fn to_json(&self) -> Option<Value> {
        Some(match &self.data {
            Data::Undefined | Data::Function(_) => return None,
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Number(number) => number::to_json(*number).map_or(Value::Null, Value::Number),
            Data::String(text) => Value::String(text.to_string()),
            Data::Array(items) => items
                .borrow()
                .iter()
                .map(|item| item.to_json().unwrap_or(Value::Null))
                .collect(),
            Data::Object(entries) => Value::Object(
                entries
                    .iter()
                    .filter_map(|(key, item)| Some((key.to_string(), item.to_json()?)))
                    .collect(),
            ),
            Data::Regex(_) => Value::Object(Map::new()),
        })
    }

    /// The word `typeof` has for it, but telling arrays and null apart.
    pub(crate) fn type_word(&self) -> &'static str {
        match &self.data {
            Data::Undefined => "undefined",
            Data::Null => "null",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::String(_) => "a string",
            Data::Array(_) => "a list",
            Data::Object(_) => "an object",
            Data::Regex(_) => "a regular expression",
            Data::Function(_) => "a function",
        }
    }
}

/// Converts without a path of its own; children get theirs when they are reached.
pub(crate) fn from_json(value: &Value) -> Traced {
    match value {
        Value::Null => Data::Null.into(),
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN).into(),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(from_json).collect::<Vec<_>>().into(),
        Value::Object(map) => Traced::object(
            map.iter()
                .map(|(key, value)| (Rc::from(key.as_str()), from_json(value)))
                .collect(),
        ),
    }
}
