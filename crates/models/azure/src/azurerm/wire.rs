use serde_json::{Map, Value as Json, json};

use super::value::{Type, Value};
use crate::mapping::{Codec, Kind, Lifetime};

/// Where an attribute stands in ARM's documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Nowhere: it is kept as written, and ARM never hears of it.
    Kept,
    /// In the resource's id.
    Id(Part),
    /// In the document.
    At {
        /// JSON pointer.
        pointer: &'static str,
        /// How it is written there.
        form: Form,
        /// When it can be said.
        lifetime: Lifetime,
    },
}

/// A part of a resource's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Its last word.
    Name,
    /// The resource group.
    Group,
    /// What it stands below.
    Parent,
}

/// How a value is written in ARM's document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// As the managed resource of the same name has it.
    Coded(Codec),
    /// True as false.
    Not,
    /// The part before the first `_`.
    Before,
    /// The part after the first `_`.
    After,
    /// A set of texts as the keys of an object.
    Keys,
    /// The host of an address.
    Host,
    /// True as the taint that keeps all but critical add-ons away.
    Taint,
    /// A set of texts as one, joined by commas.
    Joined,
    /// A set of texts as objects with one field, which are let in.
    Entries(&'static str),
    /// As it is, where this word stands for nothing.
    Unless(&'static str),
}

const CRITICAL_ADDONS: &str = "CriticalAddonsOnly=true:NoSchedule";

impl Wire {
    /// A value that ARM takes as it is.
    pub(super) const fn plain(pointer: &'static str) -> Self {
        Self::at(pointer, Form::Plain)
    }

    pub(super) const fn at(pointer: &'static str, form: Form) -> Self {
        Self::At {
            pointer,
            form,
            lifetime: Lifetime::Any,
        }
    }

    /// Sent, and never reported.
    pub(super) const fn secret(pointer: &'static str) -> Self {
        Self::At {
            pointer,
            form: Form::Plain,
            lifetime: Lifetime::CreateOnly,
        }
    }

    /// Where the managed resource has the parameter of this path; azurerm's names are the same words.
    pub(super) fn of(kind: &Kind, path: &str) -> Self {
        let field = kind.fields.iter().find(|field| snake(field.path) == path);
        field
            .filter(|field| !field.arm.is_empty())
            .map_or(Self::Kept, |field| Self::At {
                pointer: field.arm,
                form: Form::Coded(field.codec),
                lifetime: field.lifetime,
            })
    }
}

/// `maintenanceWindow.dayOfWeek` as `maintenance_window.day_of_week`.
pub(super) fn snake(path: &str) -> String {
    let mut spelled = String::with_capacity(path.len() + 8);
    for character in path.chars() {
        if character.is_ascii_uppercase() {
            spelled.push('_');
        }
        spelled.push(character.to_ascii_lowercase());
    }
    spelled
}

impl Form {
    /// Writes a known value into a document.
    pub(super) fn write(self, document: &mut Json, pointer: &str, value: &Value) {
        let json = value.to_json();
        let written = match self {
            Self::Plain | Self::Before | Self::Unless(_) => json,
            Self::Coded(codec) => codec.encode(&json),
            Self::Not => json.as_bool().map_or(Json::Null, |value| json!(!value)),
            Self::After => {
                let before = document
                    .pointer(pointer)
                    .and_then(Json::as_str)
                    .unwrap_or_default();
                json!(format!("{before}_{}", json.as_str().unwrap_or_default()))
            }
            Self::Keys => {
                let keys = value
                    .as_list()
                    .unwrap_or_default()
                    .iter()
                    .filter_map(Value::as_text);
                Json::Object(keys.map(|key| (key.to_owned(), json!({}))).collect())
            }
            Self::Taint => match json.as_bool() {
                Some(true) => json!([CRITICAL_ADDONS]),
                _ => json!([]),
            },
            Self::Joined => {
                let words: Vec<&str> = value
                    .as_list()
                    .unwrap_or_default()
                    .iter()
                    .filter_map(Value::as_text)
                    .collect();
                json!(words.join(", "))
            }
            Self::Entries(field) => {
                let words = value
                    .as_list()
                    .unwrap_or_default()
                    .iter()
                    .filter_map(Value::as_text);
                words
                    .map(|word| json!({ field: word, "action": "Allow" }))
                    .collect()
            }
            Self::Host => return,
        };
        put(document, pointer, written);
    }

    /// Reads the value; null where ARM says nothing.
    pub(super) fn read(self, json: &Json, kind: &Type) -> Value {
        if json.is_null() {
            return Value::Null;
        }
        let text = || json.as_str().unwrap_or_default();
        match self {
            Self::Unless(word) if text().eq_ignore_ascii_case(word) => Value::text(""),
            Self::Plain | Self::Unless(_) => Value::from_json(json, kind),
            Self::Coded(codec) => codec
                .decode(json)
                .map_or(Value::Null, |json| Value::from_json(&json, kind)),
            Self::Not => json.as_bool().map_or(Value::Null, |value| Value::Bool(!value)),
            Self::Before => Value::text(text().split_once('_').map_or(text(), |(before, _)| before)),
            Self::After => text()
                .split_once('_')
                .map_or(Value::Null, |(_, after)| Value::text(after)),
            Self::Keys => {
                let keys = json.as_object().into_iter().flat_map(Map::keys);
                Value::List(Value::sorted(keys.map(Value::text).collect()))
            }
            Self::Taint => {
                let taints = json.as_array().map(Vec::as_slice).unwrap_or_default();
                Value::Bool(taints.iter().any(|taint| *taint == CRITICAL_ADDONS))
            }
            Self::Joined => {
                let words = text().split(',').map(str::trim).filter(|word| !word.is_empty());
                Value::List(Value::sorted(words.map(Value::text).collect()))
            }
            Self::Entries(field) => {
                let words = json
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|entry| entry[field].as_str());
                Value::List(Value::sorted(words.map(Value::text).collect()))
            }
            Self::Host => {
                let after = text().split_once("://").map_or(text(), |(_, rest)| rest);
                Value::text(after.split('/').next().unwrap_or_default())
            }
        }
    }

    /// Whether two spellings say the same to ARM.
    pub(super) fn agrees(self, left: &Value, right: &Value) -> bool {
        if left == right {
            return true;
        }
        match self {
            Self::Coded(codec) if left.as_text().is_some() && right.as_text().is_some() => {
                codec.agrees(&left.to_json(), &codec.encode(&right.to_json()))
            }
            // ARM reports ids with its own capitals, whatever was sent.
            Self::Plain | Self::Keys => ids(left).is_some_and(|ids_of_left| Some(ids_of_left) == ids(right)),
            _ => false,
        }
    }

    /// The spelling that goes into the state.
    pub(super) fn normalized(self, value: &Value) -> Value {
        match (self, value) {
            (Self::Coded(Codec::Location), Value::Text(text)) => {
                Value::text(crate::names::normalize_location(text))
            }
            _ => value.clone(),
        }
    }
}

/// The lower-case spelling of a resource id, or of several.
fn ids(value: &Value) -> Option<Vec<String>> {
    let of = |text: &str| text.starts_with('/').then(|| text.to_ascii_lowercase());
    match value {
        Value::Text(text) => of(text).map(|id| vec![id]),
        Value::List(entries) => entries.iter().map(|entry| entry.as_text().and_then(of)).collect(),
        _ => None,
    }
}

/// Writes at a JSON pointer, making the objects and the first entries of lists on its way.
pub(super) fn put(document: &mut Json, pointer: &str, value: Json) {
    let mut place = document;
    for word in pointer.split('/').skip(1) {
        place = if let Ok(index) = word.parse::<usize>() {
            if !place.is_array() {
                *place = json!([]);
            }
            let Json::Array(entries) = place else { return };
            while entries.len() <= index {
                entries.push(json!({}));
            }
            &mut entries[index]
        } else {
            if !place.is_object() {
                *place = json!({});
            }
            let Json::Object(fields) = place else { return };
            fields.entry(word).or_insert(Json::Null)
        };
    }
    *place = value;
}
