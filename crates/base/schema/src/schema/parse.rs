//! From an `OpenAPI` document to [`Schema`].

mod fields;
mod reference;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Additional, Kind, Node, Schema, metadata};
use crate::cel;
use crate::error::FieldError;
use crate::trail::Trail;
use fields::{checks, list_kind, patch_strategy};
use reference::References;

/// What parsing carries along: where references lead, which are open, and what went wrong.
pub(super) struct Parser<'a> {
    references: References<'a>,
    errors: Vec<FieldError>,
}

/// Parses `openapi`, whose references are looked up in `document`.
pub(super) fn document(document: &Value, openapi: &Value, resource: bool) -> (Schema, Vec<FieldError>) {
    document_at("", document, openapi, resource)
}

/// The same with the paths of errors below `path`.
pub(super) fn document_at(
    path: &str,
    document: &Value,
    openapi: &Value,
    resource: bool,
) -> (Schema, Vec<FieldError>) {
    let mut parser = Parser {
        references: References::new(document),
        errors: Vec::new(),
    };
    let mut node = parser.node(openapi, &Trail::root(path));
    if resource {
        make_resource(&mut node);
        node.kind = node.kind.or(Some(Kind::Object));
        compute_flags(&mut node);
    }
    (Schema::from_node(node), parser.errors)
}

/// Adds the fields that every whole object has, whatever its schema says about them.
fn make_resource(node: &mut Node) {
    node.resource = true;
    for name in ["apiVersion", "kind"] {
        node.properties
            .entry(name.to_owned())
            .or_insert_with(|| Schema::from_node(text()));
    }
    let mut object_meta = metadata::object_meta().node().clone();
    if let Some(declared) = node
        .properties
        .get("metadata")
        .filter(|declared| restricts(declared))
    {
        // A CRD may restrict name and generateName; nothing else of metadata is its to describe.
        object_meta.checks.all_of.push(declared.clone());
    }
    node.properties
        .insert("metadata".to_owned(), Schema::from_node(object_meta));
}

fn restricts(metadata: &Schema) -> bool {
    ["name", "generateName"].iter().any(|name| {
        metadata.node().properties.get(*name).is_some_and(|schema| {
            let checks = &schema.node().checks;
            checks.pattern.is_some() || checks.max_length.is_some() || !checks.allowed.is_empty()
        })
    })
}

fn text() -> Node {
    Node {
        kind: Some(Kind::String),
        source: Arc::new(serde_json::json!({ "type": "string" })),
        ..Node::default()
    }
}

impl Parser<'_> {
    fn node(&mut self, openapi: &Value, trail: &Trail<'_>) -> Node {
        match openapi {
            Value::Object(fields) => match reference::target(fields) {
                Some(name) => self.referenced(name, fields, trail),
                None => self.object(fields, trail),
            },
            Value::Bool(true) => Schema::any().node().clone(),
            other => {
                self.invalid(trail, other, "must be a schema object");
                Schema::any().node().clone()
            }
        }
    }

    /// Follows a reference; keywords beside it (`default`, `description`, extensions) win.
    fn referenced(&mut self, name: &str, beside: &Map<String, Value>, trail: &Trail<'_>) -> Node {
        let Some(target) = self.references.open(name) else {
            if !self.references.is_open(name) {
                self.invalid(trail, &Value::from(name), "reference leads nowhere");
            }
            return Schema::any().node().clone();
        };
        let merged = reference::merge(target, beside);
        let node = self.node(&merged, trail);
        self.references.close();
        node
    }

    fn object(&mut self, fields: &Map<String, Value>, trail: &Trail<'_>) -> Node {
        let flag = |name: &str| fields.get(name).and_then(Value::as_bool).unwrap_or(false);
        let (kind, null_type) = self.kind(fields, trail);
        let mut node = Node {
            kind,
            int_or_string: flag("x-kubernetes-int-or-string")
                || fields.get("format").and_then(Value::as_str) == Some("int-or-string"),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag("x-kubernetes-embedded-resource"),
            nullable: flag("nullable") || null_type,
            atomic_map: fields.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic"),
            default: fields.get("default").cloned(),
            list: list_kind(fields),
            patch: patch_strategy(fields),
            source: Arc::new(without_children(fields)),
            ..Node::default()
        };
        if node.int_or_string {
            node.kind = None;
        }
        self.structure(&mut node, fields, trail);
        self.limits(&mut node, fields, trail);
        if node.embedded_resource {
            make_resource(&mut node);
        }
        compute_flags(&mut node);
        node
    }

    fn kind(&mut self, fields: &Map<String, Value>, trail: &Trail<'_>) -> (Option<Kind>, bool) {
        let names: Vec<&Value> = match fields.get("type") {
            None => Vec::new(),
            Some(Value::Array(names)) => names.iter().collect(),
            Some(name) => vec![name],
        };
        let mut kinds = Vec::new();
        let mut nullable = false;
        for name in names {
            match name.as_str() {
                Some("null") => nullable = true,
                Some("") => {}
                other => match other.and_then(Kind::parse) {
                    Some(kind) => kinds.push(kind),
                    None => self.invalid(&trail.field("type"), name, "is not a type"),
                },
            }
        }
        // Several types at once are not structural; such a node accepts any of them, so it checks none.
        (if kinds.len() == 1 { kinds.pop() } else { None }, nullable)
    }

    fn structure(&mut self, node: &mut Node, fields: &Map<String, Value>, trail: &Trail<'_>) {
        if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
            let trail = trail.field("properties");
            for (name, schema) in properties {
                let parsed = self.node(schema, &trail.key(name));
                node.properties.insert(name.clone(), Schema::from_node(parsed));
            }
        }
        node.additional = match fields.get("additionalProperties") {
            None | Some(Value::Bool(false) | Value::Null) => Additional::None,
            Some(Value::Bool(true)) => Additional::Any,
            Some(schema) => {
                let parsed = self.node(schema, &trail.field("additionalProperties"));
                Additional::Schema(Schema::from_node(parsed))
            }
        };
        if let Some(items) = fields.get("items") {
            node.items = Some(Schema::from_node(self.node(items, &trail.field("items"))));
        }
    }

    fn limits(&mut self, node: &mut Node, fields: &Map<String, Value>, trail: &Trail<'_>) {
        node.checks = checks(fields, trail, &mut self.errors);
        node.checks.all_of = self.junctor(fields, "allOf", trail);
        node.checks.any_of = self.junctor(fields, "anyOf", trail);
        node.checks.one_of = self.junctor(fields, "oneOf", trail);
        if let Some(not) = fields.get("not") {
            node.checks.not = Some(Schema::from_node(self.node(not, &trail.field("not"))));
        }
        if let Some(rules) = fields.get("x-kubernetes-validations") {
            let trail = trail.field("x-kubernetes-validations");
            node.rules = cel::compile_rules(rules, &trail, &mut self.errors);
        }
    }

    fn junctor(&mut self, fields: &Map<String, Value>, name: &str, trail: &Trail<'_>) -> Vec<Schema> {
        let trail = trail.field(name);
        let branches = fields
            .get(name)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let parse = |(index, branch)| Schema::from_node(self.node(branch, &trail.index(index)));
        branches.iter().enumerate().map(parse).collect()
    }

    fn invalid(&mut self, trail: &Trail<'_>, value: &Value, detail: &str) {
        self.errors
            .push(FieldError::invalid(trail.to_string(), value.clone(), detail));
    }
}

/// The keywords of one node with placeholders for its children, which keep their own.
fn without_children(fields: &Map<String, Value>) -> Value {
    let kept = fields
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "definitions" | "$defs" | "components"));
    let shallow = kept.map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("properties", Value::Object(properties)) => properties
                .keys()
                .map(|name| (name.clone(), Value::Null))
                .collect(),
            ("items" | "additionalProperties", Value::Object(_)) => Value::Null,
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(shallow.collect())
}

fn compute_flags(node: &mut Node) {
    node.has_rules = !node.rules.is_empty() || node.children().any(|child| child.node().has_rules);
    node.has_keyed_lists = !matches!(node.list, super::ListKind::Atomic)
        || node.children().any(|child| child.node().has_keyed_lists);
}
