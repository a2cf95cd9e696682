//! Parameters that come from other managed resources.

use std::sync::Arc;

use pave_azure::mapping::{self, Kind, Reference, Takes};
use serde_json::{Map, Value, json};

use crate::conditions::{find, is_ready};

/// The objects of a kind, as far as they are known.
pub(crate) type Candidates<'a> = &'a dyn Fn(&Kind) -> Vec<Arc<Value>>;

/// What resolving came to: a merge patch of `forProvider`, empty if nothing changes.
pub(crate) type Resolved = Map<String, Value>;

/// Fills parameters from the resources that `…Ref` or `…Selector` name.
///
/// As upstream, a value that is set already stays unless the policy says `resolve: Always`, and a missing one is
/// no trouble with `resolution: Optional`. Stricter than upstream, the other resource must be ready.
pub(crate) fn resolve(kind: &Kind, object: &Value, candidates: Candidates<'_>) -> Result<Resolved, String> {
    let mut patch = Resolved::new();
    for reference in kind.references {
        let outcome = resolve_one(reference, object, candidates);
        match outcome {
            Ok(found) => patch.extend(found),
            Err(why) => {
                return Err(format!(
                    "mg.Spec.ForProvider.{}: {why}",
                    capitalized(reference.field)
                ));
            }
        }
    }
    Ok(patch)
}

fn resolve_one(
    reference: &Reference,
    object: &Value,
    candidates: Candidates<'_>,
) -> Result<Resolved, String> {
    let parameters = &object["spec"]["forProvider"];
    let (ref_field, selector_field) = (
        format!("{}Ref", reference.field),
        format!("{}Selector", reference.field),
    );
    let (by_name, selector) = (&parameters[&ref_field], &parameters[&selector_field]);
    let current = parameters[reference.field].as_str().unwrap_or("");
    let policy = if by_name.is_object() {
        &by_name["policy"]
    } else {
        &selector["policy"]
    };
    let settled = !current.is_empty() && policy["resolve"] != "Always";
    if settled || !(by_name.is_object() || selector.is_object()) {
        return Ok(Resolved::new());
    }
    let Some(kind) = mapping::kind_of(reference.group, reference.kind) else {
        return Ok(Resolved::new());
    };
    let known = candidates(kind);
    let found = if by_name.is_object() {
        let name = by_name["name"].as_str().unwrap_or("");
        let found = known.iter().find(|other| other["metadata"]["name"] == name);
        found.ok_or_else(|| format!("referenced {} \"{name}\" does not exist", reference.kind))
    } else {
        let found = known.iter().find(|other| selects(selector, object, other));
        found.ok_or_else(|| format!("no {} {}", reference.kind, selector_words(selector)))
    };
    let value = found.and_then(|other| take(reference, other).map(|value| (other, value)));
    let (other, value) = match value {
        Ok(found) => found,
        Err(_) if policy["resolution"] == "Optional" => return Ok(Resolved::new()),
        Err(why) => return Err(why),
    };
    let mut patch = Resolved::new();
    if value != current {
        patch.insert(reference.field.to_owned(), json!(value));
    }
    if !by_name.is_object() {
        patch.insert(ref_field, json!({"name": other["metadata"]["name"]}));
    }
    Ok(patch)
}

fn take(reference: &Reference, other: &Value) -> Result<String, String> {
    let what = || {
        format!(
            "referenced {} \"{}\"",
            reference.kind,
            other["metadata"]["name"].as_str().unwrap_or("")
        )
    };
    if !other["metadata"]["deletionTimestamp"].is_null() {
        return Err(format!("{} is being deleted", what()));
    }
    if !is_ready(other) {
        return Err(format!("{} is not ready yet{}", what(), why_not_ready(other)));
    }
    let value = match reference.takes {
        Takes::ExternalName => Some(mapping::external_name(other)),
        Takes::Id => other["status"]["atProvider"]["id"].as_str(),
    };
    let value = value.filter(|value| !value.is_empty());
    value
        .map(str::to_owned)
        .ok_or_else(|| format!("{} has no id in Azure yet", what()))
}

/// The other resource's own trouble, so that one need not look there.
fn why_not_ready(other: &Value) -> String {
    let text = |condition: &Value, key: &str| condition[key].as_str().unwrap_or("").to_owned();
    let unsynced = find(other, "Synced").filter(|synced| synced["status"] == "False");
    let condition = unsynced.or_else(|| find(other, "Ready"));
    let Some(condition) = condition else {
        return String::new();
    };
    let message = text(condition, "message");
    if message.is_empty() {
        format!(": {}", text(condition, "reason"))
    } else {
        format!(": {message}")
    }
}

fn selects(selector: &Value, object: &Value, other: &Value) -> bool {
    let mut labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labelled = labels.all(|(key, value)| other["metadata"]["labels"].get(key) == Some(value));
    let controller = |object: &Value| -> Option<Value> {
        let owners = object["metadata"]["ownerReferences"].as_array()?;
        Some(owners.iter().find(|owner| owner["controller"] == true)?["uid"].clone())
    };
    let same_controller = selector["matchControllerRef"] != true
        || controller(object).is_some_and(|uid| controller(other).as_ref() == Some(&uid));
    labelled && same_controller
}

fn selector_words(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels: Vec<String> = labels
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("")))
        .collect();
    let mut words = Vec::new();
    if !labels.is_empty() {
        words.push(format!("has the labels {}", labels.join(", ")));
    }
    if selector["matchControllerRef"] == true {
        words.push("has the same controller".to_owned());
    }
    if words.is_empty() {
        "exists".to_owned()
    } else {
        words.join(" and ")
    }
}

/// Whether a change of `other` may end the waiting of `object`.
pub(crate) fn may_wait_for(kind: &Kind, object: &Value, other_kind: &Kind, other: &Value) -> bool {
    let parameters = &object["spec"]["forProvider"];
    let references = kind.references.iter();
    references
        .filter(|it| it.kind == other_kind.kind && it.group == other_kind.group)
        .any(|reference| {
            let by_name = &parameters[format!("{}Ref", reference.field)]["name"];
            let selector = &parameters[format!("{}Selector", reference.field)];
            let literal = parameters[reference.field].as_str().unwrap_or("");
            let offered = [
                mapping::external_name(other),
                other["status"]["atProvider"]["id"].as_str().unwrap_or(""),
            ];
            by_name == &other["metadata"]["name"]
                || (selector.is_object() && by_name.is_null() && selects(selector, object, other))
                || (!literal.is_empty() && offered.contains(&literal))
        })
}

fn capitalized(field: &str) -> String {
    let mut letters = field.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
