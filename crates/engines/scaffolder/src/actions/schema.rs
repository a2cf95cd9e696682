//! Short ways to write declarations.

use serde_json::{Map, Value, json};

use super::{Body, BuiltIn};
use crate::action::{ActionExample, ActionSpec, Effect};

/// A property: name, type (`|` between several), description. A name that ends in `!` is required.
pub(super) type Property = (&'static str, &'static str, &'static str);

fn property(kind: &str, description: &str) -> Value {
    let base = match kind {
        "strings" => json!({ "type": "array", "items": { "type": "string" } }),
        "any" => json!({}),
        _ if kind.contains('|') => json!({ "type": kind.split('|').collect::<Vec<_>>() }),
        _ => json!({ "type": kind }),
    };
    let mut schema = base;
    schema["description"] = Value::from(description);
    schema
}

fn object(properties: &[Property]) -> Value {
    let mut schemas = Map::new();
    let mut required = Vec::new();
    for (name, kind, description) in properties {
        let bare = name.trim_end_matches('!');
        if bare.len() < name.len() {
            required.push(bare);
        }
        schemas.insert(bare.to_owned(), property(kind, description));
    }
    let mut schema = json!({ "type": "object" });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema["properties"] = Value::Object(schemas);
    schema
}

/// Starts the declaration of an action.
pub(super) fn declare(
    id: &str,
    description: &str,
    input: &[Property],
    output: &[Property],
    run: Body,
) -> BuiltIn {
    let mut input = object(input);
    input["additionalProperties"] = Value::from(false);
    let spec = ActionSpec {
        id: id.to_owned(),
        description: description.to_owned(),
        input,
        output: object(output),
        examples: Vec::new(),
        supports_dry_run: true,
        effect: Effect::Idempotent,
    };
    BuiltIn { spec, run }
}

impl BuiltIn {
    pub(super) fn with_effect(mut self, effect: Effect) -> Self {
        self.spec.effect = effect;
        self
    }

    pub(super) fn without_dry_run(mut self) -> Self {
        self.spec.supports_dry_run = false;
        self
    }

    pub(super) fn with_example(mut self, description: &str, input: &str) -> Self {
        let indented = format!("      {}\n", input.trim().replace('\n', "\n      "));
        let id = &self.spec.id;
        let example = format!(
            "steps:\n  - action: {id}\n    id: example\n    name: {description}\n    input:\n{indented}"
        );
        self.spec.examples.push(ActionExample {
            description: description.to_owned(),
            example,
        });
        self
    }

    /// Replaces the schema of an input property.
    pub(super) fn with_schema(mut self, name: &str, schema: Value) -> Self {
        self.spec.input["properties"][name] = schema;
        self
    }
}
