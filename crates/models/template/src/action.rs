//! What actions declare about themselves, and the check of inputs against it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::wording::{self, InstanceError};

/// What may be done about a step of this action that was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Running it again does the same: run it again.
    Idempotent,
    /// It finds what it did again by a key: run it again.
    Keyed,
    /// Running it again would do it twice: a person decides.
    Once,
}

/// An example as the actions page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionExample {
    /// What it shows.
    pub description: String,
    /// Steps, as YAML text.
    pub example: String,
}

/// What an action declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionSpec {
    /// Name that steps use.
    pub id: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of the input; a property with a `default` is optional.
    pub input: Value,
    /// JSON Schema of the output.
    pub output: Value,
    /// Examples.
    pub examples: Vec<ActionExample>,
    /// Whether a dry run runs it.
    pub supports_dry_run: bool,
    /// What may be done after an interruption.
    pub effect: Effect,
}

/// An input after the check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckedInput {
    /// What the action gets: known keys only.
    pub input: Map<String, Value>,
    /// Keys that the action does not know.
    pub dropped: Vec<String>,
    /// What is wrong, in upstream's words, such as `instance requires property "url"`.
    pub errors: Vec<String>,
}

impl ActionSpec {
    /// As `GET /v2/actions` has it.
    #[must_use]
    pub fn to_listing(&self) -> Value {
        json!({
            "id": self.id,
            "description": self.description,
            "examples": self.examples,
            "schema": { "input": self.input, "output": self.output },
        })
    }

    /// The keys that the input may have; `None` when it may have any.
    #[must_use]
    pub fn input_keys(&self) -> Option<Vec<&str>> {
        if self.input["additionalProperties"] == Value::Bool(true) {
            return None;
        }
        Some(
            self.input["properties"]
                .as_object()
                .into_iter()
                .flat_map(Map::keys)
                .map(String::as_str)
                .collect(),
        )
    }

    /// Drops unknown keys (or refuses them, when `strict`) and checks the rest.
    #[must_use]
    pub fn check_input(&self, input: Map<String, Value>, strict: bool) -> CheckedInput {
        let mut checked = CheckedInput::default();
        let known = self.input_keys();
        for (key, value) in input {
            if known.as_ref().is_none_or(|known| known.contains(&key.as_str())) {
                checked.input.insert(key, value);
            } else if strict {
                checked.errors.push(format!(
                    "instance is not allowed to have the additional property \"{key}\""
                ));
            } else {
                checked.dropped.push(key);
            }
        }
        let instance = Value::Object(checked.input.clone());
        let found = wording::errors(&self.input, &instance);
        checked
            .errors
            .extend(found.into_iter().map(|InstanceError { stack, .. }| stack));
        checked
    }

    /// What a dry run answers for an action that it does not run: `<example>`, 0, false, by type.
    #[must_use]
    pub fn example_output(&self) -> Value {
        example(&self.output)
    }
}

fn example(schema: &Value) -> Value {
    if let Some(first) = schema["examples"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("string") => Value::from("<example>"),
        Some("number" | "integer") => Value::from(0),
        Some("boolean") => Value::from(false),
        Some("array") => match schema.get("items") {
            Some(items) => json!([example(items)]),
            None => json!([]),
        },
        Some("object") => {
            let properties = schema["properties"].as_object();
            properties
                .into_iter()
                .flatten()
                .map(|(key, schema)| (key.clone(), example(schema)))
                .collect()
        }
        _ => Value::from("<unknown>"),
    }
}
