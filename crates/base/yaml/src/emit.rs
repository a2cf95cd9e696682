use serde_json::Value;

use crate::Dialect;
use crate::scalar::resolve;

/// Writes a value as a YAML document in block style, keys in the order they have, ending in a newline.
///
/// Strings that any dialect would read as something else are quoted, so the text reads back the same everywhere.
#[must_use]
pub fn to_string(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(&mut out, value, 0),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, value, 0),
        _ => {
            scalar(&mut out, value, 0);
            out.push('\n');
        }
    }
    out
}

fn mapping(out: &mut String, value: &Value, indent: usize) {
    let Value::Object(map) = value else { return };
    for (position, (key, item)) in map.iter().enumerate() {
        if position > 0 || !out.ends_with("- ") {
            pad(out, indent);
        }
        string(out, key);
        out.push(':');
        child(out, item, indent);
    }
}

fn child(out: &mut String, item: &Value, indent: usize) {
    match item {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            mapping(out, item, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            sequence(out, item, indent);
        }
        _ => {
            out.push(' ');
            scalar(out, item, indent + 2);
            out.push('\n');
        }
    }
}

fn sequence(out: &mut String, value: &Value, indent: usize) {
    let Value::Array(items) = value else { return };
    for (position, item) in items.iter().enumerate() {
        if position > 0 || !out.ends_with("- ") {
            pad(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => mapping(out, item, indent + 2),
            Value::Array(inner) if !inner.is_empty() => sequence(out, item, indent + 2),
            _ => {
                scalar(out, item, indent + 2);
                out.push('\n');
            }
        }
    }
}

fn scalar(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::String(text) if is_block(text) => block(out, text, indent),
        Value::String(text) => string(out, text),
        Value::Object(_) => out.push_str("{}"),
        Value::Array(_) => out.push_str("[]"),
        other => out.push_str(&other.to_string()),
    }
}

/// Whether a text reads best as a literal block, and can be one without loss.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
        && !text
            .chars()
            .any(|char| char.is_control() && char != '\n' && char != '\t')
}

fn block(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    let trailing = text.len() - body.len();
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
    for _ in 1..trailing {
        out.push('\n');
    }
}

fn string(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        // A JSON string is a YAML double-quoted scalar.
        out.push_str(&Value::String(text.to_owned()).to_string());
    }
}

fn is_plain(text: &str) -> bool {
    let first_is_safe =
        text.starts_with(|first: char| first.is_alphanumeric() || matches!(first, '/' | '_' | '.' | '$'));
    first_is_safe
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(char::is_control)
        && !looks_like_date(text)
        && resolve(text, Dialect::Kubernetes).is_string()
        && resolve(text, Dialect::Backstage).is_string()
        && !matches!(text, "<<" | "=")
}

/// YAML 1.1 reads a plain date as a timestamp.
fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 8 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-'
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}
