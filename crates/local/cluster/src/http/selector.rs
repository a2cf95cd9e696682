//! Label and field selectors.

use serde_json::Value;

use super::failure::Failure;
use crate::resource::Resource;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// Both selectors of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selectors {
    labels: Vec<Requirement>,
    /// `(field, value, wanted equal)`.
    fields: Vec<(String, String, bool)>,
}

impl Selectors {
    /// Parses `labelSelector` and `fieldSelector` for a kind.
    pub(crate) fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, Failure> {
        let labels = parse_labels(labels)
            .map_err(|why| Failure::bad_request(format!("unable to parse requirement: {why}")))?;
        let fields = parse_fields(resource, fields)?;
        Ok(Self { labels, fields })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// The name that a field selector pins, if it does.
    pub(crate) fn pinned_name(&self) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _, equal)| field == "metadata.name" && *equal)
            .map(|(_, value, _)| value.as_str())
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let value = |key: &str| labels[key].as_str();
        self.labels.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => value(key).is_some_and(|found| values.iter().any(|v| v == found)),
            Requirement::NotIn(key, values) => {
                value(key).is_none_or(|found| values.iter().all(|v| v != found))
            }
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Absent(key) => value(key).is_none(),
        }) && self
            .fields
            .iter()
            .all(|(field, wanted, equal)| (field_value(object, field) == *wanted) == *equal)
    }
}

fn field_value(object: &Value, field: &str) -> String {
    let mut value = object;
    for part in field.split('.') {
        value = &value[part];
    }
    match value {
        Value::String(text) => text.clone(),
        // Kinds whose source is a string in selectors and an object in storage.
        Value::Object(source) => source
            .get("component")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn known_fields(resource: &Resource) -> Vec<&str> {
    let mut known = vec!["metadata.name", "metadata.namespace"];
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "secrets") => known.push("type"),
        ("", "namespaces") => known.push("status.phase"),
        ("", "pods") => known.extend(["spec.nodeName", "spec.serviceAccountName", "status.phase"]),
        ("", "events") => known.extend([
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ]),
        ("events.k8s.io", "events") => {
            known.extend([
                "regarding.kind",
                "regarding.namespace",
                "regarding.name",
                "regarding.uid",
                "reason",
                "type",
            ]);
        }
        ("batch", "jobs") => known.push("status.successful"),
        _ => {}
    }
    if let Some(custom) = resource.custom() {
        known.extend(custom.selectable.iter().map(String::as_str));
    }
    known
}

fn parse_fields(resource: &Resource, text: &str) -> Result<Vec<(String, String, bool)>, Failure> {
    let known = known_fields(resource);
    let mut fields = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (field, value, equal) = if let Some((field, value)) = part.split_once("!=") {
            (field, value, false)
        } else if let Some((field, value)) = part.split_once("==") {
            (field, value, true)
        } else if let Some((field, value)) = part.split_once('=') {
            (field, value, true)
        } else {
            return Err(Failure::bad_request(format!(
                "invalid selector: '{text}'; can't understand '{part}'"
            )));
        };
        if !known.contains(&field) {
            let message = if resource.is_custom() {
                format!(
                    "\"{field}\" is not a known field selector: only {}",
                    quoted(&known)
                )
            } else {
                format!("field label not supported: {field}")
            };
            return Err(Failure::bad_request(message));
        }
        // Events are stored in the older of their two shapes.
        let field = field.replace("regarding.", "involvedObject.");
        fields.push((field, value.replace('\\', ""), equal));
    }
    Ok(fields)
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, String> {
    split_requirements(text)
        .into_iter()
        .map(|part| parse_label(part.trim()))
        .collect()
}

/// Splits at commas that are outside parentheses.
fn split_requirements(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn parse_label(part: &str) -> Result<Requirement, String> {
    if let Some(key) = part.strip_prefix('!') {
        return Ok(Requirement::Absent(label_key(key)?));
    }
    if let Some(open) = part.find('(') {
        let inner = part[open + 1..]
            .strip_suffix(')')
            .ok_or_else(|| format!("found '{part}', expected: ')'"))?;
        let values = inner.split(',').map(|value| value.trim().to_owned()).collect();
        let mut words = part[..open].split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => Ok(Requirement::In(label_key(key)?, values)),
            (Some(key), Some("notin"), None) => Ok(Requirement::NotIn(label_key(key)?, values)),
            _ => Err(format!("found '{part}', expected: in, notin")),
        };
    }
    if let Some((key, value)) = part.split_once("!=") {
        return Ok(Requirement::NotIn(label_key(key)?, vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok(Requirement::In(label_key(key)?, vec![value.trim().to_owned()]));
    }
    Ok(Requirement::Exists(label_key(part)?))
}

fn label_key(key: &str) -> Result<String, String> {
    let key = key.trim();
    let fits =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '/');
    if key.is_empty() || !key.chars().all(fits) {
        return Err(format!("`{key}` is not a label key"));
    }
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_select() {
        let object = json!({ "metadata": { "labels": { "app": "web", "example.com/tier": "a" } } });
        let check = |text: &str, expected: bool| {
            let selectors = Selectors {
                labels: parse_labels(text).unwrap(),
                fields: Vec::new(),
            };
            assert_eq!(selectors.matches(&object), expected, "{text}");
        };
        check("", true);
        check("app=web", true);
        check("app==web,example.com/tier in (a, b)", true);
        check("app!=web", false);
        check("app notin (x,y)", true);
        check("other notin (x)", true);
        check("other", false);
        check("!other", true);
        assert!(parse_labels("a b").is_err());
    }
}
