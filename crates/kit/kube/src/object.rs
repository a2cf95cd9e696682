use kube::api::{DynamicObject, Patch, PatchParams};
use pave_names::ObjectKey;
use serde_json::Value;

use crate::{Kinds, KindsError};

/// Server-side apply of a whole object, forcing conflicts: the writer knows what it wants of these fields.
pub async fn apply(kinds: &Kinds, object: &Value, manager: &str, dry_run: bool) -> Result<Value, KindsError> {
    send(kinds, object, manager, dry_run, false).await
}

/// Server-side apply of an object's status.
pub async fn apply_status(kinds: &Kinds, object: &Value, manager: &str) -> Result<Value, KindsError> {
    send(kinds, object, manager, false, true).await
}

async fn send(
    kinds: &Kinds,
    object: &Value,
    manager: &str,
    dry_run: bool,
    status: bool,
) -> Result<Value, KindsError> {
    let resolved = kinds.of(object).await?;
    let api = resolved.api(kinds.client(), metadata_text(object, "namespace"));
    let name = metadata_text(object, "name").unwrap_or_default();
    let params = PatchParams {
        dry_run,
        ..PatchParams::apply(manager).force()
    };
    let patched: DynamicObject = if status {
        api.patch_status(name, &params, &Patch::Apply(object)).await?
    } else {
        api.patch(name, &params, &Patch::Apply(object)).await?
    };
    Ok(serde_json::to_value(patched).unwrap_or_default())
}

/// A text of an object's metadata, such as `name` or `namespace`; absent when empty.
#[must_use]
pub fn metadata_text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object
        .get("metadata")?
        .get(key)?
        .as_str()
        .filter(|text| !text.is_empty())
}

/// The key by which an object is known across versions.
#[must_use]
pub fn key_of(object: &Value) -> ObjectKey {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    ObjectKey {
        group: group.to_owned(),
        kind: object["kind"].as_str().unwrap_or_default().to_owned(),
        namespace: metadata_text(object, "namespace").unwrap_or_default().to_owned(),
        name: metadata_text(object, "name").unwrap_or_default().to_owned(),
    }
}
