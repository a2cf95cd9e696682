//! YAML with places, before and after expressions are worked out.

use std::rc::Rc;

use pave_yaml::{Node, NodeKind};

use crate::expression::{Array, Object, Value};
use crate::source::{Place, Source};

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) kind: TreeKind,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum TreeKind {
    /// A scalar; `raw`: expressions in it are still to be worked out.
    Scalar { value: Value, raw: bool },
    /// A list.
    List(Vec<Tree>),
    /// A mapping.
    Map(Vec<TreeEntry>),
    /// Could not be worked out, which was said already.
    Failed,
}

#[derive(Clone, Debug)]
pub(crate) struct TreeEntry {
    pub(crate) key: String,
    /// Whether the key may hold an expression.
    pub(crate) raw: bool,
    pub(crate) key_place: Place,
    pub(crate) value: Tree,
}

impl Tree {
    /// As written. Every scalar is a string, as upstream reads YAML; only an empty one is nothing.
    pub(crate) fn from_yaml(node: &Node, source: &Rc<Source>) -> Self {
        let place = |span| Place {
            source: Rc::clone(source),
            span,
        };
        let kind = match &node.kind {
            NodeKind::Scalar { text, plain, .. } => TreeKind::Scalar {
                // The parser writes `~` for a value that is left out.
                value: if *plain && matches!(text.as_str(), "" | "~") {
                    Value::Null
                } else {
                    Value::text(text)
                },
                raw: text.contains("${{"),
            },
            NodeKind::Sequence(items) => {
                TreeKind::List(items.iter().map(|item| Self::from_yaml(item, source)).collect())
            }
            NodeKind::Mapping(entries) => TreeKind::Map(
                entries
                    .iter()
                    .map(|entry| TreeEntry {
                        key: entry.key.clone(),
                        raw: entry.key.contains("${{"),
                        key_place: place(entry.key_span),
                        value: Self::from_yaml(&entry.value, source),
                    })
                    .collect(),
            ),
        };
        Self {
            kind,
            place: place(node.span),
        }
    }

    /// What an expression gave; parts that were written elsewhere keep their place.
    pub(crate) fn from_value(value: &Value, place: &Place) -> Self {
        match value {
            Value::Array(array) => {
                let place = array.place.as_ref().unwrap_or(place);
                let items = array.items.iter().map(|item| Self::from_value(item, place));
                Self {
                    kind: TreeKind::List(items.collect()),
                    place: place.clone(),
                }
            }
            Value::Object(object) => {
                let place = object.place.as_ref().unwrap_or(place);
                let entries = object.entries.iter().map(|(key, value)| TreeEntry {
                    key: key.to_string(),
                    raw: false,
                    key_place: place.clone(),
                    value: Self::from_value(value, place),
                });
                Self {
                    kind: TreeKind::Map(entries.collect()),
                    place: place.clone(),
                }
            }
            scalar => Self {
                kind: TreeKind::Scalar {
                    value: scalar.clone(),
                    raw: false,
                },
                place: place.clone(),
            },
        }
    }

    /// As a value for expressions; nothing where it could not be worked out.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            TreeKind::Scalar { value, .. } => value.clone(),
            TreeKind::Failed => Value::Null,
            TreeKind::List(items) => Value::Array(Rc::new(Array {
                items: items.iter().map(Self::to_value).collect(),
                place: Some(self.place.clone()),
            })),
            TreeKind::Map(entries) => Value::Object(Rc::new(Object {
                entries: entries
                    .iter()
                    .map(|entry| (Rc::from(entry.key.as_str()), entry.value.to_value()))
                    .collect(),
                place: Some(self.place.clone()),
            })),
        }
    }

    /// The entry under a key as written.
    pub(crate) fn entry(&self, key: &str) -> Option<&TreeEntry> {
        match &self.kind {
            TreeKind::Map(entries) => entries.iter().rev().find(|entry| entry.key == key),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(
            &self.kind,
            TreeKind::Scalar {
                value: Value::Null,
                ..
            }
        )
    }

    /// What it is, in words.
    pub(crate) fn shape(&self) -> &'static str {
        match &self.kind {
            TreeKind::Scalar {
                value: Value::Null, ..
            } => "nothing",
            TreeKind::Scalar { .. } => "a single value",
            TreeKind::List(_) => "a list",
            TreeKind::Map(_) => "a mapping",
            TreeKind::Failed => "something else",
        }
    }
}
