use std::collections::BTreeMap;

use serde_json::Value;

/// Values longer than this are indexed as existing only, as upstream does.
const LONGEST: usize = 200;
/// Paths that are not searched.
const HIDDEN: [&str; 3] = ["status", "attachments", "metadata.etag"];

/// An entity flattened for search: lower-case path to lower-case values; a path without values exists all the same.
#[derive(Clone, Debug, Default)]
pub struct SearchIndex {
    rows: BTreeMap<String, Vec<String>>,
}

impl SearchIndex {
    /// Flattens an entity in its final form (relations included).
    #[must_use]
    pub fn of(entity: &Value) -> Self {
        let mut index = Self::default();
        if let Value::Object(fields) = entity {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "relations") {
                index.add(key, value);
            }
        }
        for relation in entity["relations"].as_array().into_iter().flatten() {
            if let (Some(kind), Some(target)) = (relation["type"].as_str(), relation["targetRef"].as_str()) {
                index.push(&format!("relations.{kind}"), Some(target));
            }
        }
        if !index.rows.contains_key("metadata.namespace") {
            index.push("metadata.namespace", Some("default"));
        }
        index
    }

    fn add(&mut self, path: &str, value: &Value) {
        if HIDDEN.contains(&path) {
            return;
        }
        match value {
            Value::Null => self.push(path, None),
            Value::Bool(flag) => self.push(path, Some(&flag.to_string())),
            Value::Number(number) => self.push(path, Some(&number.to_string())),
            Value::String(text) => self.push(path, Some(text)),
            Value::Array(items) => {
                for item in items {
                    self.add(path, item);
                    if let Some(text) = item.as_str() {
                        self.push(&format!("{path}.{text}"), Some("true"));
                    }
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.add(&format!("{path}.{key}"), value);
                }
            }
        }
    }

    fn push(&mut self, path: &str, value: Option<&str>) {
        let values = self.rows.entry(path.to_lowercase()).or_default();
        if let Some(value) = value.filter(|value| value.len() <= LONGEST) {
            values.push(value.to_lowercase());
        }
    }

    /// The values at a path; `None` when the path does not exist.
    #[must_use]
    pub fn values(&self, path: &str) -> Option<&[String]> {
        self.rows.get(&path.to_lowercase()).map(Vec::as_slice)
    }

    /// Whether any of the paths holds a term, anywhere, in any case.
    #[must_use]
    pub fn contains_text<'a>(&self, term: &str, mut paths: impl Iterator<Item = &'a str>) -> bool {
        let term = term.to_lowercase();
        paths.any(|path| {
            self.values(path)
                .is_some_and(|values| values.iter().any(|value| value.contains(&term)))
        })
    }
}
