//! The Template entity.

use pave_diagnostic::{Diagnostic, Diagnostics};
use pave_names::EntityRef;
use pave_yaml::Document;
use serde_json::Value;

/// A template as the scaffolder runs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// The whole entity.
    pub entity: Value,
    /// Schemas of the wizard's pages.
    pub pages: Vec<Value>,
    /// Steps, in order.
    pub steps: Vec<Step>,
    /// `spec.output`.
    pub output: Value,
}

/// A step of a template.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Identifier; `step-<n>` where none is written.
    pub id: String,
    /// Name shown to people; the action where none is written.
    pub name: String,
    /// The action's identifier.
    pub action: String,
    /// Input, not yet rendered.
    pub input: Value,
    /// `if`, not yet rendered.
    pub condition: Option<Value>,
    /// `each`, not yet rendered.
    pub each: Option<Value>,
}

/// The entity cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// JSON pointer of the place.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

impl std::fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    /// Reads an entity.
    pub fn from_entity(entity: &Value) -> Result<Self, TemplateError> {
        let error = |pointer: &str, message: String| {
            Err(TemplateError {
                pointer: pointer.to_owned(),
                message,
            })
        };
        if !entity["kind"]
            .as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("template"))
        {
            return error("/kind", "this is not a Template".to_owned());
        }
        let spec = &entity["spec"];
        let Some(written) = spec["steps"].as_array().filter(|steps| !steps.is_empty()) else {
            return error(
                "/spec/steps",
                "a Template needs `spec.steps`, a list of steps".to_owned(),
            );
        };
        let mut steps: Vec<Step> = Vec::new();
        for (index, step) in written.iter().enumerate() {
            let Some(action) = step["action"].as_str() else {
                let message = format!("step {} has no `action`", index + 1);
                return error(&format!("/spec/steps/{index}"), message);
            };
            steps.push(Self::step(step, action, index));
        }
        let pages = match &spec["parameters"] {
            Value::Array(pages) => pages.clone(),
            Value::Null => Vec::new(),
            page => vec![page.clone()],
        };
        let output = spec
            .get("output")
            .cloned()
            .unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        Ok(Self {
            entity: entity.clone(),
            pages,
            steps,
            output,
        })
    }

    fn step(step: &Value, action: &str, index: usize) -> Step {
        let id = step["id"]
            .as_str()
            .map_or_else(|| format!("step-{}", index + 1), str::to_owned);
        Step {
            id,
            name: step["name"].as_str().unwrap_or(action).to_owned(),
            action: action.to_owned(),
            input: step
                .get("input")
                .cloned()
                .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            condition: step.get("if").cloned(),
            each: step.get("each").cloned(),
        }
    }

    /// Reads a document; what is wrong with it as a whole is a diagnostic.
    #[must_use]
    pub fn from_document(document: &Document) -> (Option<Self>, Diagnostics) {
        match Self::from_entity(&document.to_value()) {
            Ok(template) => (Some(template), Vec::new()),
            Err(error) => {
                let diagnostic =
                    Diagnostic::error("PV1523", error.message).with_label(document.label(&error.pointer));
                (None, vec![diagnostic])
            }
        }
    }

    /// Title for people: `metadata.title`, else the name.
    #[must_use]
    pub fn title(&self) -> &str {
        let text = |key| self.metadata(key).and_then(Value::as_str);
        text("title").or_else(|| text("name")).unwrap_or("template")
    }

    /// A field of `metadata`.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&Value> {
        self.entity["metadata"].get(key)
    }

    /// The reference by which the catalog knows it.
    #[must_use]
    pub fn entity_ref(&self) -> EntityRef {
        let text = |key, default| self.metadata(key).and_then(Value::as_str).unwrap_or(default);
        EntityRef::new("template", text("namespace", "default"), text("name", ""))
    }

    /// The URL that relative URLs of its steps resolve against: `backstage.io/source-location`, else
    /// `backstage.io/managed-by-location`, without their type.
    #[must_use]
    pub fn base_url(&self) -> Option<String> {
        let annotations = self.metadata("annotations")?;
        let location = ["backstage.io/source-location", "backstage.io/managed-by-location"]
            .iter()
            .find_map(|key| annotations[*key].as_str())?;
        match location.split_once(':') {
            Some(("url", target)) => Some(target.to_owned()),
            Some(("file", target)) if !target.starts_with("//") => Some(format!("file://{target}")),
            _ => Some(location.to_owned()),
        }
    }

    /// Top-level properties of all pages, with those inside `dependencies`, `allOf`, `oneOf`, `anyOf`, `then`, `else`.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Value)> {
        let mut found = Vec::new();
        for page in &self.pages {
            collect_properties(page, &mut found, 0);
        }
        found.into_iter()
    }
}

/// The actions that the steps of a Template entity name, each once, in order.
#[must_use]
pub fn used_actions(entity: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    for step in entity["spec"]["steps"].as_array().into_iter().flatten() {
        if let Some(action) = step["action"].as_str()
            && !found.contains(&action)
        {
            found.push(action);
        }
    }
    found
}

fn collect_properties<'a>(schema: &'a Value, found: &mut Vec<(&'a str, &'a Value)>, depth: usize) {
    if depth > 16 || !schema.is_object() {
        return;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        found.push((name.as_str(), property));
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        let parts = schema[key].as_array().into_iter().flatten();
        parts.for_each(|part| collect_properties(part, found, depth + 1));
    }
    for key in ["if", "then", "else"] {
        collect_properties(&schema[key], found, depth + 1);
    }
    let dependencies = schema["dependencies"].as_object().into_iter().flatten();
    dependencies.for_each(|(_, part)| collect_properties(part, found, depth + 1));
}
