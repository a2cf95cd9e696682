//! `terraform show -json` of a saved plan.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a plan would change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanSummary {
    /// Version of Terraform that planned.
    pub terraform_version: String,
    /// Resources that change, in the order given; those that stay are left out.
    pub changes: Vec<ResourceChange>,
    /// How many are created, also by replacement.
    pub create: usize,
    /// How many are changed in place.
    pub update: usize,
    /// How many are deleted, also by replacement.
    pub delete: usize,
    /// Outputs that change.
    pub outputs: Vec<AttributeChange>,
}

/// What happens to one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceChange {
    /// Address, e.g. `azurerm_resource_group.example`.
    pub address: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name.
    pub name: String,
    /// What happens.
    pub action: ChangeAction,
    /// Why, in upstream's word, e.g. `replace_because_cannot_update`; empty when not said.
    pub reason: String,
    /// Attributes that change.
    pub attributes: Vec<AttributeChange>,
}

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeAction {
    /// Is made.
    Create,
    /// Is changed in place.
    Update,
    /// Is deleted.
    Delete,
    /// Is deleted and made again.
    Replace,
    /// Is read.
    Read,
    /// Is no longer managed, but stays.
    Forget,
    /// Stays as it is.
    Keep,
}

/// One attribute before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeChange {
    /// Path, e.g. `tags.owner`.
    pub path: String,
    /// Before; null when it was not set, `***` when it is sensitive.
    pub before: Value,
    /// After.
    pub after: Value,
    /// Whether the new value is known only after apply.
    pub unknown: bool,
    /// Whether the value is hidden.
    pub sensitive: bool,
    /// Whether this attribute forces the replacement.
    pub forces_replacement: bool,
}

/// Reads what `terraform show -json <plan>` printed.
pub fn plan_summary(text: &str) -> Result<PlanSummary, serde_json::Error> {
    let root: Value = serde_json::from_str(text)?;
    let mut summary = PlanSummary {
        terraform_version: text_of(&root["terraform_version"]),
        ..PlanSummary::default()
    };
    for change in list(&root["resource_changes"]) {
        let action = action(&change["change"]["actions"]);
        match action {
            ChangeAction::Keep | ChangeAction::Read => continue,
            ChangeAction::Create => summary.create += 1,
            ChangeAction::Update => summary.update += 1,
            ChangeAction::Delete => summary.delete += 1,
            ChangeAction::Replace => {
                summary.create += 1;
                summary.delete += 1;
            }
            ChangeAction::Forget => {}
        }
        summary.changes.push(ResourceChange {
            address: text_of(&change["address"]),
            kind: text_of(&change["type"]),
            name: text_of(&change["name"]),
            action,
            reason: text_of(&change["action_reason"]),
            attributes: attributes(&change["change"]),
        });
    }
    if let Some(outputs) = root["output_changes"].as_object() {
        for (name, change) in outputs {
            if action(&change["actions"]) != ChangeAction::Keep {
                let mut found = Vec::new();
                compare(name, &Sides::of(change), &mut found);
                summary.outputs.extend(found);
            }
        }
    }
    Ok(summary)
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn action(actions: &Value) -> ChangeAction {
    let words: Vec<&str> = list(actions).iter().filter_map(Value::as_str).collect();
    match words.as_slice() {
        ["create"] => ChangeAction::Create,
        ["update"] => ChangeAction::Update,
        ["delete"] => ChangeAction::Delete,
        ["read"] => ChangeAction::Read,
        ["forget"] => ChangeAction::Forget,
        [_, _, ..] => ChangeAction::Replace,
        _ => ChangeAction::Keep,
    }
}

/// The same place in the five parallel trees of a change.
#[derive(Clone, Copy)]
struct Sides<'a> {
    before: &'a Value,
    after: &'a Value,
    unknown: &'a Value,
    before_sensitive: &'a Value,
    after_sensitive: &'a Value,
}

impl<'a> Sides<'a> {
    fn of(change: &'a Value) -> Self {
        Self {
            before: &change["before"],
            after: &change["after"],
            unknown: &change["after_unknown"],
            before_sensitive: &change["before_sensitive"],
            after_sensitive: &change["after_sensitive"],
        }
    }

    fn map(self, step: impl Fn(&'a Value) -> &'a Value) -> Self {
        Self {
            before: step(self.before),
            after: step(self.after),
            unknown: step(self.unknown),
            before_sensitive: step(self.before_sensitive),
            after_sensitive: step(self.after_sensitive),
        }
    }
}

fn attributes(change: &Value) -> Vec<AttributeChange> {
    let mut found = Vec::new();
    compare("", &Sides::of(change), &mut found);
    let forcing: Vec<String> = list(&change["replace_paths"])
        .iter()
        .map(|path| {
            let steps = list(path)
                .iter()
                .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned));
            steps.collect::<Vec<_>>().join(".")
        })
        .collect();
    for attribute in &mut found {
        attribute.forces_replacement = forcing
            .iter()
            .any(|path| attribute.path == *path || attribute.path.starts_with(&format!("{path}.")));
    }
    found
}

fn compare(path: &str, sides: &Sides, out: &mut Vec<AttributeChange>) {
    let sensitive =
        *sides.before_sensitive == Value::Bool(true) || *sides.after_sensitive == Value::Bool(true);
    let unknown = *sides.unknown == Value::Bool(true);
    if !sensitive && !unknown && is_tree(sides) {
        for key in keys(sides) {
            let inner = sides.map(|value| member(value, &key));
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            compare(&path, &inner, out);
        }
        return;
    }
    if sides.before == sides.after && !unknown {
        return;
    }
    let shown = |value: &Value| match value {
        Value::Null => Value::Null,
        _ if sensitive => Value::String("***".to_owned()),
        other => other.clone(),
    };
    out.push(AttributeChange {
        path: path.to_owned(),
        before: shown(sides.before),
        after: shown(sides.after),
        unknown,
        sensitive,
        forces_replacement: false,
    });
}

/// Whether to look inside: where either side has parts, and no side is a plain value.
fn is_tree(sides: &Sides) -> bool {
    let part = |value: &Value| match value {
        Value::Object(_) => Some(true),
        Value::Array(items) => Some(items.iter().any(Value::is_object) || items.is_empty()),
        Value::Null | Value::Bool(false) => None,
        _ => Some(false),
    };
    let parts = [part(sides.before), part(sides.after)];
    let unknown_parts = match sides.unknown {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    parts.iter().all(|part| *part != Some(false)) && (parts.contains(&Some(true)) || unknown_parts)
}

fn keys(sides: &Sides) -> Vec<String> {
    let mut keys = Vec::new();
    for value in [sides.before, sides.after, sides.unknown] {
        let found: Vec<String> = match value {
            Value::Object(map) => map.keys().cloned().collect(),
            Value::Array(items) => (0..items.len()).map(|index| index.to_string()).collect(),
            _ => Vec::new(),
        };
        for key in found {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

fn member<'a>(value: &'a Value, key: &str) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    match value {
        Value::Object(map) => map.get(key).unwrap_or(NOTHING),
        Value::Array(items) => key
            .parse::<usize>()
            .ok()
            .and_then(|index| items.get(index))
            .unwrap_or(NOTHING),
        // A whole tree that is unknown or sensitive says so for all of its parts.
        Value::Bool(true) => value,
        _ => NOTHING,
    }
}

#[cfg(test)]
mod tests;
