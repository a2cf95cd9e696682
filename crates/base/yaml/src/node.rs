use std::sync::Arc;

use pave_diagnostic::{Label, Location, Span};
use serde_json::{Map, Value};

/// One document of a YAML stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// File it was read from, as the person knows it.
    pub file: Arc<str>,
    /// Position in the stream, from 0; empty documents count.
    pub index: usize,
    /// Its only node.
    pub root: Node,
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub span: Span,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A scalar: its text after escapes, and what the dialect makes of it.
    Scalar {
        /// Text after YAML escapes.
        text: String,
        /// The value: string, number, boolean or null.
        value: Value,
        /// Whether it was written without quotes and not as a block.
        plain: bool,
    },
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order written.
    Mapping(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Key; a key that is not a string is kept as it was written.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// Value.
    pub value: Node,
}

impl Node {
    /// The plain value, without places. Later duplicates of a key win.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar { value, .. } => value.clone(),
            NodeKind::Sequence(items) => items.iter().map(Self::to_value).collect(),
            NodeKind::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The entries, if this is a mapping; else none.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            NodeKind::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items, if this is a sequence; else none.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            NodeKind::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The entry of a mapping by its key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().rev().find(|entry| entry.key == key)
    }

    /// The value of a mapping by its key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Text of a string scalar.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar {
                text,
                value: Value::String(_),
                ..
            } => Some(text),
            _ => None,
        }
    }

    /// Whether this is an empty document or an explicit null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(
            &self.kind,
            NodeKind::Scalar {
                value: Value::Null,
                ..
            }
        )
    }
}

impl Document {
    /// The plain value of the whole document.
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.root.to_value()
    }

    /// The node at a JSON pointer such as `/spec/versions/0/name`.
    #[must_use]
    pub fn node(&self, pointer: &str) -> Option<&Node> {
        segments(pointer).try_fold(&self.root, |node, segment| step(node, &segment))
    }

    /// Where the *value* at a JSON pointer stands, or its nearest ancestor that was written.
    #[must_use]
    pub fn locate(&self, pointer: &str) -> Location {
        let mut node = &self.root;
        for segment in segments(pointer) {
            match step(node, &segment) {
                Some(next) => node = next,
                None => break,
            }
        }
        self.location(node.span)
    }

    /// Where the *key* of the last segment stands; for items of a sequence, the item.
    #[must_use]
    pub fn locate_key(&self, pointer: &str) -> Location {
        let mut node = &self.root;
        let mut span = node.span;
        for segment in segments(pointer) {
            span = node.entry(&segment).map_or(span, |entry| entry.key_span);
            match step(node, &segment) {
                Some(next) => {
                    if matches!(node.kind, NodeKind::Sequence(_)) {
                        span = next.span;
                    }
                    node = next;
                }
                None => break,
            }
        }
        self.location(span)
    }

    /// A label at the key of a JSON pointer, with the field path a person would write.
    #[must_use]
    pub fn label(&self, pointer: &str) -> Label {
        Label::at(self.locate_key(pointer)).with_path(field_path(pointer))
    }

    /// A stretch of this document's file.
    #[must_use]
    pub fn location(&self, span: Span) -> Location {
        Location {
            file: self.file.to_string(),
            span,
        }
    }
}

fn step<'a>(node: &'a Node, segment: &str) -> Option<&'a Node> {
    match &node.kind {
        NodeKind::Mapping(_) => node.get(segment),
        NodeKind::Sequence(items) => segment.parse::<usize>().ok().and_then(|index| items.get(index)),
        NodeKind::Scalar { .. } => None,
    }
}

fn segments(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer
        .split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

/// `/spec/versions/0/name` as `spec.versions[0].name`.
fn field_path(pointer: &str) -> String {
    let mut path = String::new();
    for segment in segments(pointer) {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) && !segment.is_empty() {
            path.push('[');
            path.push_str(&segment);
            path.push(']');
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&segment);
        }
    }
    path
}
