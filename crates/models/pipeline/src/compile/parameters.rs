use std::rc::Rc;

use pave_diagnostic::{Diagnostic, nearest};

use super::fields::boolean;
use super::{CompileScope, Compiler};
use crate::expression::{Value, equal};
use crate::source::Place;
use crate::tree::{Tree, TreeKind};
use crate::{Parameter, codes};

/// Upstream's types.
const KINDS: [&str; 21] = [
    "string",
    "stringList",
    "number",
    "boolean",
    "object",
    "step",
    "stepList",
    "job",
    "jobList",
    "deployment",
    "deploymentList",
    "stage",
    "stageList",
    "environment",
    "filePath",
    "pool",
    "secureFile",
    "serviceConnection",
    "container",
    "containerList",
    "any",
];

/// A parameter as declared.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    name: String,
    display_name: String,
    kind: String,
    default: Option<Value>,
    values: Vec<Value>,
    place: Place,
}

/// A value for a parameter and where it was written.
pub(super) struct Given {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) place: Place,
}

impl Declared {
    pub(super) fn public(&self) -> Parameter {
        Parameter {
            name: self.name.clone(),
            display_name: self.display_name.clone(),
            kind: self.kind.clone(),
            default: self.default.as_ref().map(Value::to_json),
            values: self.values.iter().map(Value::to_json).collect(),
            place: self.place.location(),
        }
    }
}

impl Compiler<'_> {
    /// Reads `parameters:` of a file: a list of declarations, or in templates the older mapping of defaults.
    pub(super) fn declared(&mut self, tree: Option<&Tree>, scope: &CompileScope) -> Vec<Declared> {
        let Some(tree) = tree.filter(|tree| !tree.is_null()) else {
            return Vec::new();
        };
        match &tree.kind {
            TreeKind::List(_) => {
                let items = self.items(tree, scope);
                items
                    .iter()
                    .filter_map(|(item, scope)| self.declaration(item, scope))
                    .collect()
            }
            TreeKind::Map(_) => {
                let entries = self.entries(tree, scope);
                entries
                    .into_iter()
                    .map(|entry| Declared {
                        default: Some(self.expand(&entry.value, &entry.scope).to_value()),
                        name: entry.key,
                        display_name: String::new(),
                        kind: "any".to_owned(),
                        values: Vec::new(),
                        place: entry.key_place,
                    })
                    .collect()
            }
            _ => {
                self.wrong_shape(tree, "`parameters`", "a list");
                Vec::new()
            }
        }
    }

    fn declaration(&mut self, item: &Tree, scope: &CompileScope) -> Option<Declared> {
        let mut fields = self.fields(item, scope, "a parameter")?;
        let place = fields.place_of("name");
        let name = self.take_text(&mut fields, "name");
        let kind = fields
            .take("type")
            .and_then(|entry| self.word(&entry, &KINDS))
            .unwrap_or_else(|| "string".to_owned());
        let display_name = self.take_text(&mut fields, "displayName").unwrap_or_default();
        let values = fields.take("values").map(|entry| {
            let tree = self.expand(&entry.value, &entry.scope);
            if let TreeKind::List(items) = &tree.kind {
                items
                    .iter()
                    .filter_map(|item| self.typed(&kind, item, name.as_deref()))
                    .collect()
            } else {
                self.wrong_shape(&tree, "`values`", "a list");
                Vec::new()
            }
        });
        let default = fields.take("default").map(|entry| {
            let tree = self.expand(&entry.value, &entry.scope);
            // A default that is wrong is said once; whoever leaves the parameter out is not to blame.
            let value = self.typed(&kind, &tree, name.as_deref());
            (value, tree.place)
        });
        self.finish(fields, &["name", "displayName", "type", "default", "values"]);
        let Some(name) = name else {
            self.report(
                Diagnostic::error(codes::STRUCTURE, "the parameter has no `name`")
                    .with_help("begin with `- name: …`"),
                &place,
            );
            return None;
        };
        let declared = Declared {
            name,
            display_name,
            kind,
            default: default
                .as_ref()
                .map(|(value, _)| value.clone().unwrap_or(Value::Null)),
            values: values.unwrap_or_default(),
            place,
        };
        if let Some((Some(value), place)) = default {
            self.allowed(&declared, &value, &place);
        }
        Some(declared)
    }

    fn typed(&mut self, kind: &str, tree: &Tree, name: Option<&str>) -> Option<Value> {
        let value = tree.to_value();
        if matches!(tree.kind, TreeKind::Failed) {
            return None;
        }
        match cast(kind, &value) {
            Ok(value) => Some(value),
            Err(found) => {
                let name = name.unwrap_or_default();
                let message = format!("parameter `{name}` is a {kind}, not {found}");
                self.report(Diagnostic::error(codes::PARAMETER_VALUE, message), &tree.place);
                None
            }
        }
    }

    fn allowed(&mut self, declared: &Declared, value: &Value, place: &Place) {
        if declared.values.is_empty() || declared.values.iter().any(|allowed| equal(allowed, value)) {
            return;
        }
        let texts: Vec<String> = declared.values.iter().filter_map(Value::to_text).collect();
        let found = value.to_text().unwrap_or_else(|| value.kind().to_owned());
        let mut diagnostic = Diagnostic::error(
            codes::PARAMETER_VALUE,
            format!("`{found}` is none of the values of parameter `{}`", declared.name),
        )
        .with_label(declared.place.label().with_text("declared here"));
        diagnostic.help = Some(match nearest(&found, texts.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of {}", texts.join(", ")),
        });
        self.report(diagnostic, place);
    }

    /// Joins declarations and values. `place` is where values that are missing should have stood.
    pub(super) fn bind(&mut self, declared: &[Declared], given: &[Given], place: &Place) -> Value {
        for value in given {
            if declared
                .iter()
                .all(|one| !one.name.eq_ignore_ascii_case(&value.name))
            {
                let names: Vec<&str> = declared.iter().map(|one| one.name.as_str()).collect();
                let mut diagnostic = Diagnostic::error(
                    codes::UNKNOWN_PARAMETER,
                    format!("there is no parameter `{}`", value.name),
                );
                diagnostic.help = Some(match nearest(&value.name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if names.is_empty() => "none is declared".to_owned(),
                    None => format!("declared are {}", names.join(", ")),
                });
                self.report(diagnostic, &value.place);
            }
        }
        let entries: Vec<(String, Value)> = declared
            .iter()
            .map(|one| (one.name.clone(), self.bound(one, given, place)))
            .collect();
        Value::object(entries)
    }

    fn bound(&mut self, declared: &Declared, given: &[Given], place: &Place) -> Value {
        let found = given
            .iter()
            .rev()
            .find(|value| value.name.eq_ignore_ascii_case(&declared.name));
        let Some(found) = found else {
            if declared.default.is_none() {
                let diagnostic = Diagnostic::error(
                    codes::PARAMETER_VALUE,
                    format!("parameter `{}` needs a value", declared.name),
                )
                .with_label(declared.place.label().with_text("it has no default"));
                self.report(diagnostic, place);
            }
            return declared.default.clone().unwrap_or(Value::Null);
        };
        match cast(&declared.kind, &found.value) {
            Ok(value) => {
                self.allowed(declared, &value, &found.place);
                value
            }
            Err(description) => {
                let message = format!(
                    "parameter `{}` is a {}, not {description}",
                    declared.name, declared.kind
                );
                let diagnostic = Diagnostic::error(codes::PARAMETER_VALUE, message)
                    .with_label(declared.place.label().with_text("declared here"));
                self.report(diagnostic, &found.place);
                Value::Null
            }
        }
    }
}

/// A value as the type of a parameter wants it; the error is what was found.
fn cast(kind: &str, value: &Value) -> Result<Value, String> {
    let found = || match value.to_text() {
        Some(text) => format!("`{text}`"),
        None => match value {
            Value::Array(_) => "a list".to_owned(),
            _ => "a mapping".to_owned(),
        },
    };
    match kind {
        "any" | "object" | "step" | "job" | "deployment" | "stage" | "pool" | "container" => {
            Ok(value.clone())
        }
        "boolean" => match value {
            Value::Boolean(_) => Ok(value.clone()),
            other => other
                .to_text()
                .and_then(|text| boolean(&text))
                .map(Value::Boolean)
                .ok_or_else(found),
        },
        "number" => match value {
            Value::Text(text) if text.trim().is_empty() => Err(found()),
            Value::Boolean(_) | Value::Null => Err(found()),
            other => other.to_number().map(Value::Number).ok_or_else(found),
        },
        _ if kind.ends_with("List") => match value {
            Value::Array(_) => Ok(value.clone()),
            Value::Null => Ok(Value::array(Vec::new())),
            _ => Err(found()),
        },
        _ => value
            .to_text()
            .map(|text| Value::Text(Rc::from(text)))
            .ok_or_else(found),
    }
}
