//! JSON Schema errors in the words of the `jsonschema` package of npm, which upstream's clients show and tests assert.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One finding about an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceError {
    /// Keys that lead to the place.
    pub path: Vec<Value>,
    /// Place, such as `instance.items[0]`.
    pub property: String,
    /// What is wrong, such as `requires property "name"`.
    pub message: String,
    /// The schema that says so.
    pub schema: Value,
    /// What stands there.
    pub instance: Value,
    /// The keyword of the schema.
    pub name: String,
    /// The keyword's value, or what is missing.
    pub argument: Value,
    /// Place and finding in one sentence.
    pub stack: String,
}

/// Checks an instance. A schema that cannot be used finds nothing: the form has said so.
pub(crate) fn errors(schema: &Value, instance: &Value) -> Vec<InstanceError> {
    let schema = tolerated(schema);
    let Ok(validator) = jsonschema::draft7::new(&schema) else {
        return Vec::new();
    };
    validator
        .iter_errors(instance)
        .map(|error| {
            let keyword_path = error.schema_path().as_str();
            describe(
                &schema,
                keyword_path,
                instance,
                error.instance_path().as_str(),
                &error.to_string(),
            )
        })
        .collect()
}

/// The schema without what draft 7 forbids but upstream tolerates: `required: true` on a property.
fn tolerated(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => map
            .iter()
            .filter(|(key, value)| !(key.as_str() == "required" && value.is_boolean()))
            .filter(|(key, _)| {
                !matches!(key.as_str(), "$id" | "id" | "$schema")
                    || map.contains_key("properties") && *key == "id"
            })
            .map(|(key, value)| (key.clone(), tolerated(value)))
            .collect(),
        Value::Array(items) => items.iter().map(tolerated).collect(),
        other => other.clone(),
    }
}

fn describe(
    root: &Value,
    keyword_path: &str,
    instance: &Value,
    place: &str,
    fallback: &str,
) -> InstanceError {
    let (parent, name) = keyword_path.rsplit_once('/').unwrap_or(("", keyword_path));
    let (schema, name) = match root.pointer(parent) {
        // `required/0` and the like: the keyword is one up.
        Some(Value::Array(_)) => {
            let (above, keyword) = parent.rsplit_once('/').unwrap_or(("", parent));
            (root.pointer(above), keyword)
        }
        found => (found, name),
    };
    let schema = schema.cloned().unwrap_or(Value::Null);
    let found = instance.pointer(place).cloned().unwrap_or(Value::Null);
    let expected = schema.get(name).cloned().unwrap_or(Value::Null);
    let (message, argument) = words(name, &expected, &found, &schema, fallback);
    let path = segments(instance, place);
    let property = path
        .iter()
        .fold("instance".to_owned(), |property, key| match key {
            Value::Number(index) => format!("{property}[{index}]"),
            key => format!("{property}.{}", key.as_str().unwrap_or_default()),
        });
    let stack = format!("{property} {message}");
    InstanceError {
        path,
        property,
        message,
        schema,
        instance: found,
        name: name.to_owned(),
        argument,
        stack,
    }
}

fn segments(instance: &Value, place: &str) -> Vec<Value> {
    let mut at = Some(instance);
    let mut path = Vec::new();
    for segment in place.split('/').skip(1) {
        let key = segment.replace("~1", "/").replace("~0", "~");
        let (segment, next) = match at {
            Some(Value::Array(items)) => {
                let index: usize = key.parse().unwrap_or(0);
                (Value::from(index), items.get(index))
            }
            other => (
                Value::from(key.as_str()),
                other.and_then(|object| object.get(&key)),
            ),
        };
        path.push(segment);
        at = next;
    }
    path
}

fn words(name: &str, expected: &Value, found: &Value, schema: &Value, fallback: &str) -> (String, Value) {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let list = |value: &Value| match value {
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => plain(other),
    };
    let message = match name {
        "type" => format!("is not of a type(s) {}", list(expected)),
        "required" => {
            let missing = missing_key(expected, found, fallback);
            return (format!("requires property \"{missing}\""), Value::from(missing));
        }
        "additionalProperties" => {
            let extra = extra_key(schema, found);
            return (
                format!("is not allowed to have the additional property \"{extra}\""),
                Value::from(extra),
            );
        }
        "enum" => format!("is not one of enum values: {}", list(expected)),
        "const" => format!("does not exactly match expected constant: {}", plain(expected)),
        "pattern" => format!("does not match pattern {}", Value::from(plain(expected))),
        "format" => format!("does not conform to the {expected} format"),
        "minLength" | "minItems" => format!("does not meet minimum length of {expected}"),
        "maxLength" | "maxItems" => format!("does not meet maximum length of {expected}"),
        "minimum" => format!("must be greater than or equal to {expected}"),
        "maximum" => format!("must be less than or equal to {expected}"),
        "exclusiveMinimum" => format!("must be strictly greater than {expected}"),
        "exclusiveMaximum" => format!("must be strictly less than {expected}"),
        "multipleOf" => format!("is not a multiple of (divisible by) {expected}"),
        "minProperties" => format!("does not meet minimum property length of {expected}"),
        "maxProperties" => format!("does not meet maximum property length of {expected}"),
        "uniqueItems" => "contains duplicate item".to_owned(),
        "anyOf" => format!("is not any of {}", subschemas(expected)),
        "oneOf" => format!("is not exactly one from {}", subschemas(expected)),
        "not" => format!("is of prohibited type {expected}"),
        _ => fallback.to_owned(),
    };
    (message, expected.clone())
}

fn subschemas(expected: &Value) -> String {
    let items = expected.as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |(index, schema): (usize, &Value)| {
        let title = ["title", "$id"].iter().find_map(|key| schema[*key].as_str());
        title.map_or_else(|| format!("[subschema {index}]"), |title| format!("\"{title}\""))
    };
    items.iter().enumerate().map(name).collect::<Vec<_>>().join(",")
}

/// The validator reports one error for each missing key, which its own words name.
fn missing_key(expected: &Value, found: &Value, fallback: &str) -> String {
    let missing: Vec<&str> = expected
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|key| found.get(key).is_none())
        .collect();
    let named = missing
        .iter()
        .find(|key| fallback.starts_with(&format!("\"{key}\"")));
    named
        .or(missing.first())
        .map_or_else(String::new, |key| (*key).to_owned())
}

fn extra_key(schema: &Value, found: &Value) -> String {
    let known = schema["properties"].as_object();
    let extra = found.as_object().into_iter().flatten().map(|(key, _)| key);
    extra
        .into_iter()
        .find(|key| known.is_none_or(|known| !known.contains_key(*key)))
        .cloned()
        .unwrap_or_default()
}
