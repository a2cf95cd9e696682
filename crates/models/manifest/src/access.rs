use pave_names::{GroupVersionKind, ObjectKey};
use serde_json::Value;

/// An annotation of an object.
#[must_use]
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// Group, version and kind of an object; empty parts where it names none.
#[must_use]
pub fn api_version_and_kind(object: &Value) -> GroupVersionKind {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    GroupVersionKind::from_api_version(text("apiVersion"), text("kind")).unwrap_or_default()
}

/// The name of an object; empty if it has none.
#[must_use]
pub fn name_of(object: &Value) -> &str {
    metadata_text(object, "name")
}

/// The namespace of an object; empty if it has none.
#[must_use]
pub fn namespace_of(object: &Value) -> &str {
    metadata_text(object, "namespace")
}

/// What an object is paired by.
#[must_use]
pub fn key_of(object: &Value) -> ObjectKey {
    let gvk = api_version_and_kind(object);
    ObjectKey {
        group: gvk.group,
        kind: gvk.kind,
        namespace: namespace_of(object).to_owned(),
        name: name_of(object).to_owned(),
    }
}

fn metadata_text<'a>(object: &'a Value, key: &str) -> &'a str {
    object
        .get("metadata")
        .and_then(|it| it.get(key))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The mapping at a key, made if it is missing or something else.
pub(crate) fn mapping<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Object(serde_json::Map::new());
    }
    if !value.get(key).is_some_and(Value::is_object) {
        value[key] = Value::Object(serde_json::Map::new());
    }
    &mut value[key]
}

/// Sets an annotation.
pub(crate) fn annotate(object: &mut Value, key: &str, value: &str) {
    mapping(mapping(object, "metadata"), "annotations")[key] = Value::String(value.to_owned());
}
