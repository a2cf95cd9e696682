//! A schema, parsed once and shared.

mod metadata;
mod node;
mod parse;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

use crate::error::FieldError;
use crate::trail::Trail;
pub(crate) use node::{Additional, Checks, Node};
pub use node::{Kind, ListKind};

/// A parsed structural schema; cloning shares it.
#[derive(Debug, Clone)]
pub struct Schema {
    node: Arc<Node>,
}

impl Schema {
    /// Parses the `openAPIV3Schema` of a whole object, which always has `apiVersion`, `kind` and `metadata`.
    ///
    /// References into `definitions`, `$defs` or `components.schemas` of the same document are followed; a
    /// reference that leads back to itself ends in [`Schema::any`]. What cannot be understood is reported and
    /// then ignored, so that the schema is always usable.
    #[must_use]
    pub fn parse(openapi: &Value) -> (Self, Vec<FieldError>) {
        parse::document(openapi, openapi, true)
    }

    /// Parses the schema of a value that is not a whole object.
    #[must_use]
    pub fn parse_fragment(openapi: &Value) -> (Self, Vec<FieldError>) {
        parse::document(openapi, openapi, false)
    }

    /// Parses `openapi`, the schema of a whole object, with references into another `document`.
    #[must_use]
    pub fn parse_within(document: &Value, openapi: &Value) -> (Self, Vec<FieldError>) {
        parse::document(document, openapi, true)
    }

    /// Parses the schema of a whole object, with the paths of errors below `path`.
    pub(crate) fn parse_at(path: &str, openapi: &Value) -> (Self, Vec<FieldError>) {
        parse::document_at(path, openapi, openapi, true)
    }

    /// The schema that keeps and accepts everything.
    #[must_use]
    pub fn any() -> Self {
        let openapi = serde_json::json!({ "x-kubernetes-preserve-unknown-fields": true });
        Self::from_node(Node {
            preserve_unknown: true,
            source: Arc::new(openapi),
            ..Node::default()
        })
    }

    pub(crate) fn from_node(node: Node) -> Self {
        Self { node: Arc::new(node) }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// Drops fields that the schema does not know; returns their paths, such as `spec.params`.
    pub fn prune(&self, value: &mut Value) -> Vec<String> {
        let mut dropped = Vec::new();
        crate::prune::prune(&self.node, value, &Trail::root(""), &mut dropped);
        dropped
    }

    /// Fills in defaults, after dropping nulls where the schema does not allow null.
    pub fn default(&self, value: &mut Value) {
        crate::default::default(&self.node, value);
    }

    /// Checks `new`; what is invalid but unchanged from `old` on a correlatable path is tolerated.
    #[must_use]
    pub fn validate(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        crate::validate::validate(self, new, old)
    }

    /// The schema below `path`; list indexes may be given or left out.
    #[must_use]
    pub fn property(&self, path: &[&str]) -> Option<Schema> {
        let mut schema = self.clone();
        for segment in path {
            schema = schema.step(segment)?;
        }
        Some(schema)
    }

    fn step(&self, segment: &str) -> Option<Schema> {
        if let Some(items) = &self.node.items {
            let is_index = segment == "*" || segment.bytes().all(|byte| byte.is_ascii_digit());
            return if is_index {
                Some(items.clone())
            } else {
                items.step(segment)
            };
        }
        self.node
            .child(segment)
            .cloned()
            .or_else(|| self.node.preserve_unknown.then(Self::any))
    }

    /// The names of the fields that the schema declares here, through list items; sorted.
    #[must_use]
    pub fn property_names(&self) -> Vec<&str> {
        let node = self.node.items.as_ref().map_or(&*self.node, Schema::node);
        node.properties.keys().map(String::as_str).collect()
    }

    /// The names of the fields that must be there.
    #[must_use]
    pub fn required_names(&self) -> &[String] {
        &self.node.checks.required
    }

    /// The schema of list items.
    #[must_use]
    pub fn items(&self) -> Option<&Schema> {
        self.node.items.as_ref()
    }

    /// The schema of the values of a map.
    #[must_use]
    pub fn map_values(&self) -> Option<&Schema> {
        match &self.node.additional {
            Additional::Schema(schema) => Some(schema),
            Additional::None | Additional::Any => None,
        }
    }

    /// Whether fields that the schema does not declare are kept.
    #[must_use]
    pub fn preserves_unknown_fields(&self) -> bool {
        self.node.preserve_unknown || matches!(self.node.additional, Additional::Any)
    }

    /// How items of a list find each other in merges.
    #[must_use]
    pub fn list_kind(&self) -> &ListKind {
        &self.node.list
    }

    /// The allowed values, empty when there is no such limit.
    #[must_use]
    pub fn enum_values(&self) -> &[Value] {
        &self.node.checks.allowed
    }

    /// The value that an absent field gets.
    #[must_use]
    pub fn default_value(&self) -> Option<&Value> {
        self.node.default.as_ref()
    }

    /// What the author of the schema says about this field.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.node.source.get("description").and_then(Value::as_str)
    }

    /// The type's name in JSON schema, `int-or-string`, or `any`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.node.kind {
            _ if self.node.int_or_string => "int-or-string",
            Some(kind) => kind.name(),
            None => "any",
        }
    }

    /// The document that this schema was parsed from, with references replaced and `metadata` spelled out.
    #[must_use]
    pub fn to_openapi(&self) -> Value {
        let node = &self.node;
        let mut openapi = (*node.source).clone();
        let Some(fields) = openapi.as_object_mut() else {
            return openapi;
        };
        for (name, slot) in fields.iter_mut() {
            let child = match name.as_str() {
                "items" => node.items.as_ref(),
                "additionalProperties" => self.map_values(),
                _ => None,
            };
            if let Some(child) = child {
                *slot = child.to_openapi();
            } else if let ("properties", Some(properties)) = (name.as_str(), slot.as_object_mut()) {
                for (name, slot) in properties {
                    *slot = node.properties.get(name).map_or(Value::Null, Schema::to_openapi);
                }
            }
        }
        openapi
    }
}
