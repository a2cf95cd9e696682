//! What every write passes through: unknown fields, names, schema, policies of single kinds.

use pave_schema::FieldError;
use serde_json::{Value, json};

use super::{Call, Server, rules, strategy};
use crate::http::failure::{Cause, Failure};
use crate::resource::Resource;
use crate::storage::ObjectName;

/// What becomes of unknown and duplicate fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    pub(super) fn of(call: &Call) -> Result<Self, Failure> {
        match call.query.get("fieldValidation") {
            "" | "Warn" => Ok(Self::Warn),
            "Ignore" => Ok(Self::Ignore),
            "Strict" => Ok(Self::Strict),
            other => {
                let supported = "\"\", \"Ignore\", \"Strict\", \"Warn\"";
                let why =
                    format!("fieldValidation: Unsupported value: \"{other}\": supported values: {supported}");
                Err(Failure::new(422, "Invalid", why))
            }
        }
    }
}

/// Drops what the schema does not know, and says so in the way the client chose.
pub(super) fn check_fields(
    call: &Call,
    validation: FieldValidation,
    value: &mut Value,
    duplicates: Vec<String>,
) -> Result<(), Failure> {
    let resource = &call.resource;
    let unknown = resource.schema().prune(value);
    let mut words: Vec<String> = unknown
        .into_iter()
        .map(|path| format!("unknown field \"{path}\""))
        .collect();
    words.extend(
        duplicates
            .into_iter()
            .map(|path| format!("duplicate field \"{path}\"")),
    );
    if words.is_empty() {
        return Ok(());
    }
    match validation {
        FieldValidation::Ignore => {}
        FieldValidation::Warn => words.into_iter().for_each(|word| call.warn(word)),
        FieldValidation::Strict => {
            let (kind, version) = (&resource.kind, &resource.version);
            let message = format!(
                "{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {}",
                words.join(", ")
            );
            return Err(Failure::bad_request(message));
        }
    }
    Ok(())
}

/// Built-in kinds read null as absent; custom kinds do so in their metadata.
pub(super) fn strip_nulls_of(resource: &Resource, value: &mut Value) {
    if resource.is_custom() {
        if let Some(metadata) = value.get_mut("metadata") {
            strip_nulls(metadata);
        }
    } else {
        strip_nulls(value);
    }
}

fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

/// Checks an object that is about to be stored.
pub(super) fn admit(
    server: &Server,
    call: &Call,
    new: &mut Value,
    old: Option<&Value>,
) -> Result<(), Failure> {
    let resource = &call.resource;
    let mut errors = Vec::new();
    if old.is_none() {
        errors.extend(check_name(resource, new));
    }
    errors.extend(check_metadata(new));
    errors.extend(strategy::establish(resource, new, old));
    errors.extend(resource.schema().validate(new, old));
    errors.extend(strategy::validate(resource, new, old));
    if !errors.is_empty() {
        let causes = errors
            .iter()
            .map(|error| Cause::new(&*error.path, error.reason.as_str(), error.body()))
            .collect();
        let name = new["metadata"]["name"].as_str().unwrap_or_default();
        return Err(Failure::invalid(resource, name, causes));
    }
    rules::check_escalation(server, call, new, old)
}

fn check_name(resource: &Resource, value: &Value) -> Option<FieldError> {
    let metadata = &value["metadata"];
    let Some(name) = metadata["name"].as_str().filter(|name| !name.is_empty()) else {
        return Some(FieldError::required(
            "metadata.name",
            "name or generateName is required",
        ));
    };
    let invalid = |why: &str| Some(FieldError::invalid("metadata.name", name, why));
    if resource.group == "rbac.authorization.k8s.io" {
        let is_bad = matches!(name, "." | "..") || name.contains(['/', '%']);
        return if is_bad {
            invalid("may not be '.' or '..' or contain '/' or '%'")
        } else {
            None
        };
    }
    let is_label = resource.is("", "namespaces") || resource.is("", "services");
    let most = if is_label { 63 } else { 253 };
    let fits =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    let parts_fit = name.split('.').all(|part| {
        !part.is_empty() && part.chars().all(fits) && !part.starts_with('-') && !part.ends_with('-')
    });
    if is_label && (!parts_fit || name.contains('.') || name.len() > most) {
        return invalid(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
             end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
        );
    }
    if !parts_fit || name.len() > most {
        return invalid(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        );
    }
    None
}

fn check_metadata(value: &Value) -> Option<FieldError> {
    let annotations = value["metadata"]["annotations"].as_object()?;
    let size: usize = annotations
        .iter()
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum();
    (size > 256 * 1024)
        .then(|| FieldError::invalid("metadata.annotations", size, "may not be more than 262144 bytes"))
}

impl Server {
    /// A namespaced object needs a namespace that exists and stays.
    pub(super) fn check_namespace(&self, call: &Call, resource: &Resource) -> Result<(), Failure> {
        let Some(name) = call.namespace() else {
            return Ok(());
        };
        let table = self.builtin_table("", "namespaces");
        let Some(namespace) = self.storage.get(&table, &ObjectName::new("", name)) else {
            let failure = Failure::new(404, "NotFound", format!("namespaces \"{name}\" not found"));
            return Err(failure.with_details(json!({ "name": name, "kind": "namespaces" })));
        };
        if !namespace.is_terminating() {
            return Ok(());
        }
        let why = format!("unable to create new content in namespace {name} because it is being terminated");
        let mut failure = Failure::forbidden(resource, &call.target.name, &why);
        failure.details["causes"] = json!([{
            "reason": "NamespaceTerminating", "message": format!("namespace {name} is being terminated"), "field": "metadata.namespace",
        }]);
        Err(failure)
    }
}
