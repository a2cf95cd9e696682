//! What single kinds do on their own: defaults, immutable fields, folding.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pave_runtime::clock;
use pave_schema::FieldError;
use serde_json::{Value, json};

use crate::resource::{self, Resource};
use crate::storage::Object;

/// Prepares a new object.
pub(super) fn prepare_create(resource: &Resource, value: &mut Value) {
    prepare(resource, value);
    if resource.is("", "namespaces") {
        if value["spec"].is_null() {
            value["spec"] = json!({});
        }
        default(&mut value["spec"], "finalizers", json!(["kubernetes"]));
        value["status"] = json!({ "phase": "Active" });
    }
}

/// Prepares the next version of an object.
pub(super) fn prepare_update(resource: &Resource, subresource: &str, value: &mut Value, old: &Value) {
    prepare(resource, value);
    if resource.is("", "namespaces") && subresource.is_empty() {
        value["spec"] = old["spec"].clone();
    }
    if resource.is("", "secrets") && value["type"].is_null() {
        value["type"] = old["type"].clone();
    }
}

fn prepare(resource: &Resource, value: &mut Value) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "secrets") => {
            fold_string_data(value);
            default(value, "type", json!("Opaque"));
        }
        ("", "namespaces") => {
            let name = value["metadata"]["name"].clone();
            if value["metadata"]["labels"].is_null() {
                value["metadata"]["labels"] = json!({});
            }
            if let Some(labels) = value["metadata"]["labels"].as_object_mut() {
                labels.insert("kubernetes.io/metadata.name".to_owned(), name);
            }
        }
        ("", "services") if value["spec"].is_object() => {
            default(&mut value["spec"], "type", json!("ClusterIP"));
            default(&mut value["spec"], "sessionAffinity", json!("None"));
        }
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => default_subjects(value),
        ("apps", "deployments" | "statefulsets" | "replicasets") if value["spec"].is_object() => {
            default(&mut value["spec"], "replicas", json!(1));
        }
        _ => {}
    }
}

fn default(object: &mut Value, key: &str, value: Value) {
    // What has the wrong type stays as it is: validation names it.
    if let Some(object) = object.as_object_mut()
        && object.get(key).is_none_or(Value::is_null)
    {
        object.insert(key.to_owned(), value);
    }
}

fn fold_string_data(value: &mut Value) {
    let Some(object) = value.as_object_mut() else {
        return;
    };
    let Some(Value::Object(plain)) = object.shift_remove("stringData") else {
        return;
    };
    let data = object.entry("data").or_insert_with(|| json!({}));
    let Some(data) = data.as_object_mut() else { return };
    for (key, text) in plain {
        if let Some(text) = text.as_str() {
            data.insert(key, json!(BASE64.encode(text)));
        }
    }
}

fn default_subjects(value: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    default(&mut value["roleRef"], "apiGroup", json!(GROUP));
    for subject in value["subjects"].as_array_mut().into_iter().flatten() {
        if matches!(subject["kind"].as_str(), Some("User" | "Group")) {
            default(subject, "apiGroup", json!(GROUP));
        }
    }
}

/// Establishes a definition that is about to be stored.
pub(super) fn establish(resource: &Resource, value: &mut Value, old: Option<&Value>) -> Vec<FieldError> {
    if !resource.is("apiextensions.k8s.io", "customresourcedefinitions") {
        return Vec::new();
    }
    resource::establish(value, old, &clock::rfc3339())
}

/// Rules that the schema of the kind does not hold.
pub(super) fn validate(resource: &Resource, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let immutable = |path: &str| {
        FieldError::invalid(
            path,
            new.pointer(&pointer(path)).cloned().unwrap_or_default(),
            "field is immutable",
        )
    };
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "secrets" | "configmaps") => {
            check_data(new, &mut errors);
            if let Some(old) = old {
                if resource.plural == "secrets" && old["type"] != new["type"] {
                    errors.push(immutable("type"));
                }
                let is_sealed = old["immutable"] == true;
                if is_sealed && (old["data"] != new["data"] || new["immutable"] != true) {
                    errors.push(FieldError::forbidden(
                        "data",
                        "field is immutable when `immutable` is set",
                    ));
                }
            }
        }
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => {
            if let Some(old) = old
                && old["roleRef"] != new["roleRef"]
            {
                let shown = new["roleRef"].clone();
                errors.push(FieldError::invalid("roleRef", shown, "cannot change roleRef"));
            }
        }
        _ => {}
    }
    errors
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

fn check_data(value: &Value, errors: &mut Vec<FieldError>) {
    const MOST: usize = 1024 * 1024;
    let mut size = 0;
    for field in ["data", "binaryData"] {
        for (key, value) in value[field].as_object().into_iter().flatten() {
            size += value.as_str().map_or(0, str::len);
            let fits =
                |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
            if key.is_empty() || key.len() > 253 || !key.chars().all(fits) {
                let why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. \
                           'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
                errors.push(FieldError::invalid(format!("{field}[{key}]"), key.clone(), why));
            }
        }
    }
    if size > MOST {
        errors.push(FieldError::new(
            "",
            pave_schema::FieldErrorReason::TooLong,
            format!("may not be more than {MOST} bytes"),
        ));
    }
}

/// Whether a terminating object whose finalizers are gone may be removed now.
pub(super) fn may_vanish(resource: &Resource, current: &Object) -> bool {
    !resource.is("", "namespaces")
        || current.value["spec"]["finalizers"]
            .as_array()
            .is_none_or(Vec::is_empty)
}
