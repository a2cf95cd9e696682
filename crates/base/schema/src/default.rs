//! Filling in defaults.

use serde_json::Value;

use crate::schema::{Additional, Node};

/// Replaces or drops nulls that are not allowed, then fills in defaults, top down so that a default's own
/// inside is completed too.
pub(crate) fn default(node: &Node, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, field| {
                !field.is_null() || node.child(name).is_none_or(|schema| schema.node().nullable)
            });
            for (name, schema) in &node.properties {
                if let Some(default) = schema
                    .node()
                    .default
                    .as_ref()
                    .filter(|_| !fields.contains_key(name))
                {
                    fields.insert(name.clone(), default.clone());
                }
            }
            if node.properties.is_empty() && !matches!(node.additional, Additional::Schema(_)) {
                return;
            }
            for (name, field) in fields.iter_mut() {
                if let Some(schema) = node.child(name) {
                    self::default(schema.node(), field);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = &node.items {
                for item in items {
                    default(schema.node(), item);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::Schema;

    fn check(mut value: Value, expected: &Value) {
        let (schema, errors) = Schema::parse(&json!({
            "type": "object",
            "properties": { "spec": { "type": "object", "properties": {
                "size": { "type": "integer", "default": 1 },
                "note": { "type": "string" },
                "maybe": { "type": "string", "nullable": true, "default": "x" },
                "deep": { "type": "object", "default": {}, "properties": { "a": { "type": "string", "default": "b" } } },
                "parts": { "type": "array", "items": { "type": "object", "properties": {
                    "protocol": { "type": "string", "default": "TCP" } } } },
                "map": { "type": "object", "additionalProperties": { "type": "object", "properties": {
                    "on": { "type": "boolean", "default": true } } } }
            } } }
        }));
        assert_eq!(errors, []);
        schema.default(&mut value);
        assert_eq!(&value, expected);
    }

    #[test]
    fn fills_in_what_is_absent() {
        check(json!({}), &json!({}));
        check(
            json!({ "spec": {} }),
            &json!({ "spec": { "size": 1, "maybe": "x", "deep": { "a": "b" } } }),
        );
        check(
            json!({ "spec": { "size": 2, "maybe": "y", "deep": { "a": "c" }, "parts": [{}], "map": { "k": {} } } }),
            &json!({ "spec": { "size": 2, "maybe": "y", "deep": { "a": "c" }, "parts": [{ "protocol": "TCP" }],
                "map": { "k": { "on": true } } } }),
        );
    }

    #[test]
    fn drops_nulls_where_null_is_not_allowed() {
        check(
            json!({ "metadata": { "creationTimestamp": null }, "spec": { "size": null, "note": null, "maybe": null } }),
            &json!({ "metadata": {}, "spec": { "size": 1, "maybe": null, "deep": { "a": "b" } } }),
        );
    }
}
