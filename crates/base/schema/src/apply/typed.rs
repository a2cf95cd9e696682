//! How a schema makes one tree of an object: which values are one piece and which list items correspond.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::fields::PathElement;
use crate::schema::{ListKind, Node, Schema};

/// A body whose list items cannot be told apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypedError {
    /// Two items of a set or map list are the same item.
    #[error("{path}: duplicate entries for key {element}")]
    Duplicate {
        /// The list.
        path: String,
        /// The item that stands twice.
        element: String,
    },
    /// An item of a map list lacks a key field or is no object.
    #[error(
        "{path}: element {index}: associative list with keys has an element that omits key field \
         (and doesn't have default value)"
    )]
    Nameless {
        /// The list.
        path: String,
        /// The item.
        index: usize,
    },
}

/// Whether an object of this schema is one piece.
pub(super) fn is_atomic_map(node: Option<&Node>) -> bool {
    node.is_some_and(|node| node.atomic_map)
}

/// Whether a list of this schema is one piece.
pub(super) fn is_atomic_list(node: Option<&Node>) -> bool {
    node.is_none_or(|node| node.list == ListKind::Atomic)
}

/// The schema of a field; `None` below unknown fields, where everything is deduced from the values.
pub(super) fn field<'a>(node: Option<&'a Node>, name: &str) -> Option<&'a Node> {
    node.and_then(|node| node.child(name)).map(Schema::node)
}

/// The schema of list items.
pub(super) fn item(node: Option<&Node>) -> Option<&Node> {
    node.and_then(|node| node.items.as_ref()).map(Schema::node)
}

/// The name of one item of a set or map list; `None` when it has none.
pub(super) fn name_of(node: &Node, value: &Value) -> Option<PathElement> {
    match &node.list {
        ListKind::Atomic => None,
        ListKind::Set => Some(PathElement::value(value)),
        ListKind::Map(keys) => {
            let fields = value.as_object()?;
            let mut named = Map::new();
            for key in keys {
                let found = fields.get(key).filter(|value| !value.is_null());
                let default = || {
                    node.items
                        .as_ref()?
                        .node()
                        .properties
                        .get(key)?
                        .node()
                        .default
                        .as_ref()
                };
                named.insert(key.clone(), found.or_else(default)?.clone());
            }
            Some(PathElement::key(&named))
        }
    }
}

/// All items with their names, or `None` when the list must be treated as one piece: it is atomic, or
/// some item has no name. Of equal items only the first counts.
pub(super) fn named_items<'a>(
    node: Option<&Node>,
    list: &'a [Value],
) -> Option<Vec<(PathElement, &'a Value)>> {
    let node = node.filter(|_| !is_atomic_list(node))?;
    let mut seen = HashSet::new();
    let mut named = Vec::with_capacity(list.len());
    for value in list {
        let name = name_of(node, value)?;
        if seen.insert(name.clone()) {
            named.push((name, value));
        }
    }
    Some(named)
}

/// Refuses duplicate and nameless items, which are tolerated in stored objects but not in an applied body.
pub(super) fn check(schema: &Schema, body: &Value) -> Result<(), TypedError> {
    if !schema.node().has_keyed_lists {
        return Ok(());
    }
    check_node(schema.node(), body, "")
}

fn check_node(node: &Node, value: &Value, path: &str) -> Result<(), TypedError> {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let Some(schema) = node.child(name).filter(|schema| schema.node().has_keyed_lists) {
                    check_node(schema.node(), value, &format!("{path}.{name}"))?;
                }
            }
        }
        Value::Array(items) if node.list != ListKind::Atomic => check_list(node, items, path)?,
        Value::Array(items) => {
            if let Some(schema) = &node.items {
                for (index, value) in items.iter().enumerate() {
                    check_node(schema.node(), value, &format!("{path}[{index}]"))?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn check_list(node: &Node, items: &[Value], path: &str) -> Result<(), TypedError> {
    let mut seen = HashSet::new();
    for (index, value) in items.iter().enumerate() {
        let name = name_of(node, value).ok_or_else(|| TypedError::Nameless {
            path: path.to_owned(),
            index,
        })?;
        if let Some(schema) = &node.items {
            check_node(schema.node(), value, &format!("{path}{name}"))?;
        }
        let element = name.to_string();
        if !seen.insert(name) {
            return Err(TypedError::Duplicate {
                path: path.to_owned(),
                element,
            });
        }
    }
    Ok(())
}
