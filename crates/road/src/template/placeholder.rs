//! Values that a form would accept, to see what a template makes of them.

use pave_template::form;
use pave_template::template::Template;
use serde_json::{Value, json};

use super::Object;

/// Texts that are tried until a form accepts one.
const TEXTS: [&str; 8] = [
    "example",
    "exampleuser",
    "Example",
    "example-1",
    "example.com",
    "user@example.com",
    "https://example.com",
    "1",
];

/// A value for every parameter that the form accepts, where one can be found.
pub(crate) fn values(template: &Template) -> Object {
    let mut values = Object::new();
    for (name, schema) in template.properties() {
        let accepted = candidates(schema)
            .into_iter()
            .find(|value| accepts(template, name, value));
        let value = accepted.or_else(|| candidates(schema).into_iter().next());
        values.insert(name.to_owned(), value.unwrap_or(Value::Null));
    }
    values
}

/// Whether a form takes a value for one of its fields.
pub(crate) fn accepts(template: &Template, name: &str, value: &Value) -> bool {
    let values = json!({ name: value });
    !form::validate(template, &values)
        .iter()
        .any(|error| error.path.first().is_some_and(|first| first == name))
}

fn candidates(schema: &Value) -> Vec<Value> {
    if let Some(default) = schema.get("default") {
        return vec![default.clone()];
    }
    if let Some(first) = schema["enum"].get(0) {
        return vec![first.clone()];
    }
    match schema["ui:field"].as_str() {
        Some("RepoUrlPicker") => return vec![json!("github.com?owner=example&repo=example")],
        Some("OwnerPicker" | "MyGroupsPicker") => return vec![json!("group:default/example")],
        Some("EntityPicker" | "OwnedEntityPicker") => return vec![json!("component:default/example")],
        _ => {}
    }
    match schema["type"].as_str() {
        Some("number" | "integer") => schema["minimum"].as_i64().map_or_else(
            || vec![json!(1), json!(10), json!(100)],
            |least| vec![json!(least)],
        ),
        Some("boolean") => vec![json!(true)],
        Some("array") => vec![json!([])],
        Some("object") => vec![json!({})],
        _ => {
            let least = schema["minLength"]
                .as_u64()
                .and_then(|least| usize::try_from(least).ok())
                .unwrap_or(0)
                .min(256);
            let longer = "example".repeat(least.div_ceil(7).max(1));
            TEXTS
                .iter()
                .map(|text| json!(text))
                .chain([json!(longer)])
                .collect()
        }
    }
}
