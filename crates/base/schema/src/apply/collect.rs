//! The fields that an applied body sets.

use serde_json::Value;

use super::typed;
use crate::fields::{FieldSet, PathElement};
use crate::schema::{Node, Schema};

/// All paths that `body` gives a value to.
pub(super) fn collect(schema: &Schema, body: &Value) -> FieldSet {
    let mut fields = FieldSet::new();
    visit(Some(schema.node()), body, &mut Vec::new(), &mut fields);
    fields
}

fn visit(node: Option<&Node>, value: &Value, path: &mut Vec<PathElement>, fields: &mut FieldSet) {
    match value {
        Value::Object(map) if !typed::is_atomic_map(node) => {
            for (name, value) in map {
                path.push(PathElement::field(name.as_str()));
                visit(typed::field(node, name), value, path, fields);
                // Declared fields are owned through what they hold; keys of maps are owned themselves.
                let declared = node.is_some_and(|node| node.properties.contains_key(name));
                let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                if empty || !declared {
                    fields.insert_elements(path);
                }
                path.pop();
            }
        }
        Value::Array(items) => match typed::named_items(node, items) {
            Some(named) => {
                for (name, value) in named {
                    path.push(name);
                    visit(typed::item(node), value, path, fields);
                    fields.insert_elements(path);
                    path.pop();
                }
            }
            None => fields.insert_elements(path),
        },
        _ => fields.insert_elements(path),
    }
}
