//! The documents that ARM clients see, made out of what they sent and what is. Pure.

mod capabilities;
mod child;
mod cluster;
mod configuration;
mod identity;
mod kubeconfig;
mod network;
mod server;
mod storage;

pub(crate) use capabilities::capabilities;
pub(crate) use child::{administrator, database, firewall_rule};
pub(crate) use cluster::{
    Identities, create_cluster, find_pool, put_pool, remove_pool, render_cluster, render_pool,
    update_cluster, used_identities,
};
pub(crate) use configuration::{check_change, configuration, is_service_parameter, service_parameters};
pub(crate) use identity::{federated_credential, identity};
pub(crate) use kubeconfig::kubeconfig;
pub(crate) use network::network;
pub(crate) use server::{Incoming, create_server, render_server, update_server};
pub(crate) use storage::{container, create_account, render_account, update_account};

use pave_azure::names;
use serde_json::{Map, Value, json};

use crate::error::ArmError;
use crate::store::Resource;

/// A resource as every type shows it.
pub(crate) fn render(resource: &Resource, kind: &str) -> Value {
    let mut document = Map::new();
    document.insert("id".into(), json!(resource.canonical));
    document.insert("name".into(), json!(resource.name()));
    document.insert("type".into(), json!(kind));
    if let Value::Object(body) = &resource.body {
        document.extend(body.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    document.insert(
        "systemData".into(),
        serde_json::to_value(&resource.stamp).unwrap_or_default(),
    );
    let properties = document.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        properties.insert("provisioningState".into(), json!(resource.state));
    }
    Value::Object(document)
}

/// The fields a client may set, without those that only we set.
pub(crate) fn writable(request: &Value) -> Value {
    let mut body = request.clone();
    if let Value::Object(fields) = &mut body {
        for field in ["id", "name", "type", "systemData"] {
            fields.shift_remove(field);
        }
        if let Some(Value::Object(properties)) = fields.get_mut("properties") {
            properties.shift_remove("provisioningState");
        }
    }
    body
}

/// Checks that a document names a location, and writes it as ARM does.
pub(crate) fn check_location(body: &mut Value) -> Result<(), ArmError> {
    let location = body["location"].as_str().unwrap_or_default().to_owned();
    if location.is_empty() {
        return Err(ArmError::bad_request(
            "LocationRequired",
            "`location` is missing (help: write one, such as `westeurope`)",
        ));
    }
    names::check_location(&location)
        .map_err(|error| ArmError::name("LocationNotAvailableForResourceType", "location", &error))?;
    body["location"] = json!(names::normalize_location(&location));
    Ok(())
}

/// Takes fields out of `properties` that only we set.
pub(crate) fn take(body: &mut Value, fields: &[&str]) {
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
        for field in fields {
            properties.shift_remove(*field);
        }
    }
}

/// Refuses a change of what stays for good; what is written as it was is taken out of the change.
pub(crate) fn refuse_changes(existing: &Value, change: &mut Value, fixed: &[&str]) -> Result<(), ArmError> {
    for pointer in fixed {
        let (Some(before), Some(after)) = (existing.pointer(pointer), change.pointer(pointer)) else {
            continue;
        };
        let is_location = *pointer == "/location";
        let after = match after.as_str() {
            Some(text) if is_location => json!(names::normalize_location(text)),
            _ => after.clone(),
        };
        if !before.is_null() && !after.is_null() && *before != after {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            let message =
                format!("`{field}` cannot be changed from {before} to {after} (help: make a new resource)");
            let code = if is_location {
                "InvalidResourceLocation"
            } else {
                "PropertyChangeNotAllowed"
            };
            return Err(ArmError {
                target: Some(field),
                ..ArmError::conflict(code, message)
            });
        }
        if let Some(place) = change.pointer_mut(pointer) {
            *place = before.clone();
        }
    }
    Ok(())
}

/// Takes out fields with an empty text, at every depth: several types understand that as nothing said. What people
/// name themselves, such as labels, stays.
pub(crate) fn drop_empty_texts(target: &mut Value) {
    const OF_PEOPLE: [&str; 3] = ["tags", "nodeLabels", "config"];
    match target {
        Value::Object(fields) => {
            fields.retain(|_, value| value.as_str() != Some(""));
            let others = fields
                .iter_mut()
                .filter(|(key, _)| !OF_PEOPLE.contains(&key.as_str()));
            others.for_each(|(_, value)| drop_empty_texts(value));
        }
        Value::Array(entries) => entries.iter_mut().for_each(drop_empty_texts),
        _ => {}
    }
}

/// Lays `patch` over `target`, object by object; tags are replaced as a whole, `null` removes.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let (Value::Object(fields), Value::Object(changes)) = (&mut *target, patch) else {
        *target = patch.clone();
        return;
    };
    for (key, change) in changes {
        if change.is_null() {
            fields.shift_remove(key);
        } else if key == "tags" {
            fields.insert(key.clone(), change.clone());
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Fills in what is missing.
pub(crate) fn fill(target: &mut Value, defaults: &Value) {
    let (Value::Object(fields), Value::Object(defaults)) = (target, defaults) else {
        return;
    };
    for (key, default) in defaults {
        match fields.get_mut(key) {
            Some(Value::Null) | None => {
                fields.insert(key.clone(), default.clone());
            }
            Some(found) => fill(found, default),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_merge_and_tags_are_replaced() {
        let mut target =
            json!({ "tags": { "a": "1" }, "properties": { "backup": { "days": 7, "geo": "off" } } });
        merge(
            &mut target,
            &json!({ "tags": { "b": "2" }, "properties": { "backup": { "days": 9 }, "x": null } }),
        );
        assert_eq!(
            target,
            json!({ "tags": { "b": "2" }, "properties": { "backup": { "days": 9, "geo": "off" } } })
        );
    }

    #[test]
    fn defaults_fill_gaps_only() {
        let mut target = json!({ "storage": { "size": 64 }, "version": null });
        fill(
            &mut target,
            &json!({ "storage": { "size": 32, "grow": "off" }, "version": "16" }),
        );
        assert_eq!(
            target,
            json!({ "storage": { "size": 64, "grow": "off" }, "version": "16" })
        );
    }
}
