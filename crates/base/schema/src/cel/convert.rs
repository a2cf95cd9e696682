//! From JSON to CEL values, by schema.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use kube_cel::cel::Value as CelValue;
use kube_cel::cel::objects::{Key, Map as CelMap};
use serde_json::{Number, Value};

use super::evaluate::call_on_text;
use crate::schema::{Additional, Kind, Node, Schema};

/// Names that CEL keeps for itself.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The value as rules see it: fields by escaped name, dates and durations typed, `metadata` reduced to names.
pub(super) fn convert(node: Option<&Node>, value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(value) => CelValue::Bool(*value),
        Value::Number(value) => number(node, value),
        Value::String(value) => text(node, value),
        Value::Array(items) => {
            let schema = node.and_then(|node| node.items.as_ref()).map(Schema::node);
            CelValue::List(Arc::new(items.iter().map(|item| convert(schema, item)).collect()))
        }
        Value::Object(fields) => {
            let is_map = node.is_some_and(|node| !matches!(node.additional, Additional::None));
            let mut map = HashMap::with_capacity(fields.len());
            for (name, value) in fields {
                let key = if is_map { name.clone() } else { escape(name) };
                let child = node.and_then(|node| node.child(name)).map(Schema::node);
                let converted = match node {
                    Some(node) if node.resource && name == "metadata" => names_only(value),
                    _ => convert(child, value),
                };
                map.insert(Key::String(Arc::new(key)), converted);
            }
            CelValue::Map(CelMap { map: Arc::new(map) })
        }
    }
}

/// Of metadata, rules may see the names alone.
fn names_only(metadata: &Value) -> CelValue {
    let named = ["name", "generateName"].into_iter().filter_map(|name| {
        let value = metadata.get(name)?.as_str()?;
        Some((
            Key::String(Arc::new(name.to_owned())),
            CelValue::String(Arc::new(value.to_owned())),
        ))
    });
    CelValue::Map(CelMap {
        map: Arc::new(named.collect()),
    })
}

fn number(node: Option<&Node>, number: &Number) -> CelValue {
    let float = number.as_f64().unwrap_or(f64::NAN);
    let kind = node.filter(|node| !node.int_or_string).and_then(|node| node.kind);
    match (kind, number.as_i64()) {
        (Some(Kind::Number), _) => CelValue::Float(float),
        (_, Some(whole)) => CelValue::Int(whole),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "validation has made sure that the number is whole"
        )]
        (Some(Kind::Integer), None) => CelValue::Int(float as i64),
        (_, None) => CelValue::Float(float),
    }
}

fn text(node: Option<&Node>, text: &str) -> CelValue {
    let plain = || CelValue::String(Arc::new(text.to_owned()));
    let format = node
        .filter(|node| !node.int_or_string)
        .and_then(|node| node.checks.format.as_deref());
    match format {
        Some("date-time") => call_on_text("timestamp", text).unwrap_or_else(plain),
        Some("date") => call_on_text("timestamp", &format!("{text}T00:00:00Z")).unwrap_or_else(plain),
        Some("duration") => call_on_text("duration", text).unwrap_or_else(plain),
        Some("byte") => match base64::engine::general_purpose::STANDARD.decode(text) {
            Ok(bytes) => CelValue::Bytes(Arc::new(bytes)),
            Err(_) => plain(),
        },
        _ => plain(),
    }
}

/// The name of a field in rules: `__namespace__`, `a__dash__b`, `a__dot__b`, `a__slash__b`, `a__b` for `a_b` stays
/// unless doubled.
pub(super) fn escape(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    if !name.contains(['.', '-', '/']) && !name.contains("__") {
        return name.to_owned();
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}

/// The largest list or map anywhere in a value, which bounds what a comprehension walks over.
pub(super) fn largest_collection(value: &Value) -> usize {
    match value {
        Value::Array(items) => items
            .iter()
            .map(largest_collection)
            .max()
            .unwrap_or(0)
            .max(items.len()),
        Value::Object(fields) => fields
            .values()
            .map(largest_collection)
            .max()
            .unwrap_or(0)
            .max(fields.len()),
        _ => 0,
    }
}
