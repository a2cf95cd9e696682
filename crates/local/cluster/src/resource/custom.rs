//! Custom kinds: what a `CustomResourceDefinition` says, checked, established and turned into resources.

use std::sync::{Arc, OnceLock};

use pave_schema::{FieldError, structural};
use serde_json::{Value, json};

use super::columns::custom_columns;
use super::{Custom, Resource, Scale, Source, Traits};
use crate::storage::{Object, TableId};

/// Holds a definition until its objects are gone.
pub(crate) const CLEANUP_FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Resources of one definition, one for each served version.
pub(super) fn resources(
    cluster: &str,
    definition: &Object,
    previous: &[Arc<Resource>],
) -> Vec<Arc<Resource>> {
    let spec = &definition.value["spec"];
    let Some(stored) = versions(spec).find(|version| version["storage"] == true) else {
        return Vec::new();
    };
    let group = text(&spec["group"]);
    let stored_api_version = format!("{group}/{}", text(&stored["name"]));
    versions(spec)
        .filter(|version| version["served"] == true)
        .map(|version| {
            let name = text(&version["name"]);
            let openapi = &version["schema"]["openAPIV3Schema"];
            let same = previous.iter().find(|resource| {
                resource.version == name && resource.custom().is_some_and(|custom| custom.openapi == *openapi)
            });
            let schema_revision = same
                .and_then(|resource| resource.custom())
                .map_or(definition.revision, |c| c.schema_revision);
            let schema = same.and_then(|resource| resource.schema.get().cloned());
            let custom = Custom {
                definition: definition.uid().to_owned(),
                schema_revision,
                is_terminating: definition.is_terminating(),
                openapi: openapi.clone(),
                selectable: selectable(version),
            };
            let mut resource = resource(cluster, spec, version, &stored_api_version, custom);
            if let Some(schema) = schema {
                resource.schema = OnceLock::from(schema);
            }
            Arc::new(resource)
        })
        .collect()
}

fn resource(cluster: &str, spec: &Value, version: &Value, stored: &str, custom: Custom) -> Resource {
    let names = &spec["names"];
    let list = |key: &str| -> Vec<String> {
        names[key]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let (group, plural, kind) = (text(&spec["group"]), text(&names["plural"]), text(&names["kind"]));
    let or = |value: String, default: String| if value.is_empty() { default } else { value };
    let status = &version["subresources"]["status"];
    let scale = &version["subresources"]["scale"];
    Resource {
        list_kind: or(text(&names["listKind"]), format!("{kind}List")),
        singular: or(text(&names["singular"]), kind.to_lowercase()),
        short_names: list("shortNames"),
        categories: list("categories"),
        namespaced: spec["scope"] == "Namespaced",
        traits: Traits {
            has_status: status.is_object(),
            has_generation: true,
            ..Traits::default()
        },
        scale: scale.is_object().then(|| Scale {
            specification: text(&scale["specReplicasPath"]),
            status: text(&scale["statusReplicasPath"]),
            selector: scale["labelSelectorPath"].as_str().map(str::to_owned),
        }),
        table: TableId::new(cluster, &group, &plural),
        stored_api_version: stored.to_owned(),
        columns: custom_columns(version),
        version: text(&version["name"]),
        group,
        kind,
        plural,
        source: Source::Custom(custom),
        schema: OnceLock::new(),
    }
}

fn selectable(version: &Value) -> Vec<String> {
    let fields = version["selectableFields"].as_array().into_iter().flatten();
    fields
        .filter_map(|field| field["jsonPath"].as_str())
        .map(|path| path.trim_start_matches('.').to_owned())
        .collect()
}

fn versions(spec: &Value) -> impl Iterator<Item = &Value> {
    spec["versions"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Fills in what a definition leaves open and its status; says what is wrong with it.
///
/// Kinds are served from the moment they are stored: with one process there are no peers to wait for.
pub(crate) fn establish(value: &mut Value, old: Option<&Value>, now: &str) -> Vec<FieldError> {
    if !value["spec"].is_object() {
        return vec![FieldError::required("spec", "")];
    }
    default_names(value);
    let errors = check(value, old);
    let spec = value["spec"].clone();
    let mut stored: Vec<Value> = old
        .and_then(|old| old["status"]["storedVersions"].as_array())
        .cloned()
        .unwrap_or_default();
    let storage = versions(&spec)
        .find(|version| version["storage"] == true)
        .map(|version| version["name"].clone());
    if let Some(storage) = storage
        && !stored.contains(&storage)
    {
        stored.push(storage);
    }
    let since = |kind: &str| {
        let conditions = old.and_then(|old| old["status"]["conditions"].as_array());
        let same = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == kind);
        same.map_or_else(|| json!(now), |condition| condition["lastTransitionTime"].clone())
    };
    let mut conditions = vec![
        json!({ "type": "NamesAccepted", "status": "True", "lastTransitionTime": since("NamesAccepted"),
            "reason": "NoConflicts", "message": "no conflicts found" }),
        json!({ "type": "Established", "status": "True", "lastTransitionTime": since("Established"),
            "reason": "InitialNamesAccepted", "message": "the initial names have been accepted" }),
    ];
    if !value["metadata"]["deletionTimestamp"].is_null() {
        conditions.push(
            json!({ "type": "Terminating", "status": "True", "lastTransitionTime": since("Terminating"),
            "reason": "InstanceDeletionInProgress", "message": "CustomResource deletion is in progress" }),
        );
    }
    value["status"] =
        json!({ "conditions": conditions, "acceptedNames": spec["names"], "storedVersions": stored });
    errors
}

/// Marks a definition as on its way out.
pub(crate) fn terminate(value: &mut Value, now: &str) {
    let old = value.clone();
    drop(establish(value, Some(&old), now));
}

/// Makes deletion wait for the objects, on creation.
fn default_names(value: &mut Value) {
    let names = &mut value["spec"]["names"];
    let kind = text(&names["kind"]);
    if !names.is_object() || kind.is_empty() {
        return;
    }
    if names["singular"].as_str().unwrap_or_default().is_empty() {
        names["singular"] = json!(kind.to_lowercase());
    }
    if names["listKind"].as_str().unwrap_or_default().is_empty() {
        names["listKind"] = json!(format!("{kind}List"));
    }
    if value["spec"]["conversion"].is_null() {
        value["spec"]["conversion"] = json!({ "strategy": "None" });
    }
}

fn check(value: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &value["spec"];
    let mut errors = Vec::new();
    let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
    let name = text(&value["metadata"]["name"]);
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid(
            "spec.group",
            group.clone(),
            "should be a domain with at least one dot",
        ));
    }
    for field in ["plural", "kind"] {
        if text(&spec["names"][field]).is_empty() {
            errors.push(FieldError::required(format!("spec.names.{field}"), ""));
        }
    }
    if plural != plural.to_lowercase() {
        errors.push(FieldError::invalid(
            "spec.names.plural",
            plural.clone(),
            "must be in lower case",
        ));
    }
    let expected = format!("{plural}.{group}");
    if name != expected {
        errors.push(FieldError::invalid(
            "metadata.name",
            name,
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    let scope = text(&spec["scope"]);
    if !matches!(scope.as_str(), "Namespaced" | "Cluster") {
        let supported = [json!("Cluster"), json!("Namespaced")];
        errors.push(FieldError::not_supported("spec.scope", scope, &supported));
    }
    if let Some(old) = old {
        for (path, pointer) in [("spec.group", "/spec/group"), ("spec.scope", "/spec/scope")] {
            if old.pointer(pointer) != value.pointer(pointer) {
                let new = value.pointer(pointer).cloned().unwrap_or_default();
                errors.push(FieldError::invalid(path, new, "field is immutable"));
            }
        }
    }
    let storing = versions(spec)
        .filter(|version| version["storage"] == true)
        .count();
    if storing != 1 {
        let why = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", Value::Null, why));
    }
    for (index, version) in versions(spec).enumerate() {
        check_version(index, version, &mut errors);
    }
    errors
}

fn check_version(index: usize, version: &Value, errors: &mut Vec<FieldError>) {
    let base = format!("spec.versions[{index}].schema.openAPIV3Schema");
    let openapi = &version["schema"]["openAPIV3Schema"];
    if !openapi.is_object() {
        errors.push(FieldError::required(base, "schemas are required"));
        return;
    }
    errors.extend(structural::check_at(&base, openapi));
}
