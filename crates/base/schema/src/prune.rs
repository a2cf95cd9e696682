//! Dropping what the schema does not know.

use serde_json::Value;

use crate::schema::{Additional, Node, Schema};
use crate::trail::Trail;

/// Drops unknown fields below `value` and appends their paths to `dropped`.
pub(crate) fn prune(node: &Node, value: &mut Value, trail: &Trail<'_>, dropped: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let keeps_unknown = node.preserve_unknown || matches!(node.additional, Additional::Any);
            fields.retain(|name, field| match node.child(name) {
                Some(schema) => {
                    prune(schema.node(), field, &trail.field(name), dropped);
                    true
                }
                None if keeps_unknown => true,
                None => {
                    dropped.push(trail.field(name).to_string());
                    false
                }
            });
        }
        Value::Array(items) => {
            if let Some(schema) = node.items.as_ref().filter(|schema| can_prune(schema)) {
                for (index, item) in items.iter_mut().enumerate() {
                    prune(schema.node(), item, &trail.index(index), dropped);
                }
            }
        }
        _ => {}
    }
}

/// Scalars hold nothing to prune, so lists of them need no walk.
fn can_prune(schema: &Schema) -> bool {
    use crate::schema::Kind::{Boolean, Integer, Number, String};
    !matches!(schema.node().kind, Some(String | Integer | Number | Boolean))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::Schema;

    fn schema() -> Schema {
        let (schema, errors) = Schema::parse(&json!({
            "type": "object",
            "properties": {
                "spec": {
                    "type": "object",
                    "properties": {
                        "size": { "type": "integer" },
                        "tags": { "type": "object", "additionalProperties": { "type": "string" } },
                        "parts": { "type": "array", "items": {
                            "type": "object", "properties": { "name": { "type": "string" } }
                        } },
                        "free": {
                            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                            "properties": { "known": { "type": "object", "properties": {} } }
                        },
                        "template": { "type": "object", "x-kubernetes-embedded-resource": true,
                            "x-kubernetes-preserve-unknown-fields": true },
                        "anything": { "type": "object", "additionalProperties": true },
                        "empty": { "type": "object" }
                    }
                }
            }
        }));
        assert_eq!(errors, []);
        schema
    }

    fn check(mut value: Value, expected: &Value, dropped: &[&str]) {
        assert_eq!(schema().prune(&mut value), dropped);
        assert_eq!(&value, expected);
    }

    #[test]
    fn drops_unknown_fields_with_their_paths() {
        check(
            json!({ "spec": { "size": 1, "params": { "a": 1 } } }),
            &json!({ "spec": { "size": 1 } }),
            &["spec.params"],
        );
        check(
            json!({ "spec": { "parts": [{ "name": "a" }, { "name": "b", "nmae": "c" }] } }),
            &json!({ "spec": { "parts": [{ "name": "a" }, { "name": "b" }] } }),
            &["spec.parts[1].nmae"],
        );
        check(
            json!({ "spec": { "tags": { "x": "y" } }, "extra": 1 }),
            &json!({ "spec": { "tags": { "x": "y" } } }),
            &["extra"],
        );
        check(
            json!({ "spec": { "empty": { "a": 1 } } }),
            &json!({ "spec": { "empty": {} } }),
            &["spec.empty.a"],
        );
    }

    #[test]
    fn keeps_the_fields_of_every_object_but_not_unknown_metadata() {
        check(
            json!({ "apiVersion": "a/v1", "kind": "A", "metadata": { "name": "x", "labels": { "a": "b" }, "nmae": 1 } }),
            &json!({ "apiVersion": "a/v1", "kind": "A", "metadata": { "name": "x", "labels": { "a": "b" } } }),
            &["metadata.nmae"],
        );
        check(
            json!({ "spec": { "template": { "kind": "A", "metadata": { "foo": 1 }, "spec": { "x": 1 } } } }),
            &json!({ "spec": { "template": { "kind": "A", "metadata": {}, "spec": { "x": 1 } } } }),
            &["spec.template.metadata.foo"],
        );
    }

    #[test]
    fn preserving_stops_at_declared_fields() {
        check(
            json!({ "spec": { "free": { "x": { "y": 1 }, "known": { "z": 1 } } } }),
            &json!({ "spec": { "free": { "x": { "y": 1 }, "known": {} } } }),
            &["spec.free.known.z"],
        );
        check(
            json!({ "spec": { "anything": { "x": { "y": 1 } } } }),
            &json!({ "spec": { "anything": { "x": { "y": 1 } } } }),
            &[],
        );
    }
}
