//! References within one document, as published `OpenAPI` documents and generated schemas use them.

use serde_json::{Map, Value};

/// The definitions of a document and the references being followed at the moment.
pub(super) struct References<'a> {
    document: &'a Value,
    open: Vec<String>,
}

impl<'a> References<'a> {
    pub(super) fn new(document: &'a Value) -> Self {
        Self {
            document,
            open: Vec::new(),
        }
    }

    /// The schema behind `name` unless it is missing or being followed already.
    pub(super) fn open(&mut self, name: &str) -> Option<&'a Value> {
        if self.is_open(name) {
            return None;
        }
        let target = self.document.pointer(name.strip_prefix('#')?)?;
        self.open.push(name.to_owned());
        Some(target)
    }

    pub(super) fn is_open(&self, name: &str) -> bool {
        self.open.iter().any(|open| open == name)
    }

    pub(super) fn close(&mut self) {
        self.open.pop();
    }
}

/// The reference that stands for this schema: `$ref`, or `allOf` with nothing but one reference.
pub(super) fn target(fields: &Map<String, Value>) -> Option<&str> {
    if let Some(name) = fields.get("$ref") {
        return name.as_str();
    }
    match fields.get("allOf")?.as_array()?.as_slice() {
        [Value::Object(only)] if only.len() == 1 && !fields.contains_key("properties") => {
            only.get("$ref")?.as_str()
        }
        _ => None,
    }
}

/// The target with the keywords that stand beside the reference.
pub(super) fn merge(target: &Value, beside: &Map<String, Value>) -> Value {
    let mut merged = target.clone();
    if let Value::Object(fields) = &mut merged {
        let own = beside
            .iter()
            .filter(|(name, _)| *name != "$ref" && *name != "allOf");
        // `default: {}` beside a reference is an artefact of Go structs and would conjure up empty objects.
        let real = own.filter(|(name, value)| {
            *name != "default" || value.as_object().is_none_or(|map| !map.is_empty())
        });
        for (name, value) in real {
            fields.insert(name.clone(), value.clone());
        }
    }
    merged
}
