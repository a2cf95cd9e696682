//! Writes to the cluster: apply, delete, patch; and waits for what is written.

use std::sync::Arc;
use std::time::Duration;

use kube::api::{
    DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, PropagationPolicy, ValidationDirective,
};
use pave_kube::{Kinds, KindsError, metadata_text};
use pave_names::{GroupVersionKind, ObjectKey};
use serde_json::Value;

use crate::FIELD_MANAGER;
use crate::live::Live;

/// How long a definition may take until it is served.
const ESTABLISHED: Duration = Duration::from_secs(30);

/// How an object is applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApplyOptions {
    /// Only ask what would happen.
    pub(crate) dry_run: bool,
    /// Whether an unknown field is an error.
    pub(crate) strict: bool,
}

impl Default for ApplyOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            strict: true,
        }
    }
}

/// Server-side apply, taking over fields of others.
pub(crate) async fn apply(
    kinds: &Kinds,
    object: &Value,
    options: &ApplyOptions,
) -> Result<Value, KindsError> {
    let resolved = kinds.of(object).await?;
    let api = resolved.api(kinds.client(), metadata_text(object, "namespace"));
    let directive = if options.strict {
        ValidationDirective::Strict
    } else {
        ValidationDirective::Ignore
    };
    let params = PatchParams {
        dry_run: options.dry_run,
        force: true,
        field_manager: Some(FIELD_MANAGER.to_owned()),
        field_validation: Some(directive),
    };
    let name = metadata_text(object, "name").unwrap_or_default();
    let applied: DynamicObject = api.patch(name, &params, &Patch::Apply(object)).await?;
    Ok(with_kind(object, &applied))
}

/// A merge patch of an object's main resource.
pub(crate) async fn merge(kinds: &Kinds, object: &Value, patch: &Value) -> Result<Value, KindsError> {
    let resolved = kinds.of(object).await?;
    let api = resolved.api(kinds.client(), metadata_text(object, "namespace"));
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let name = metadata_text(object, "name").unwrap_or_default();
    let patched: DynamicObject = api.patch(name, &params, &Patch::Merge(patch)).await?;
    Ok(with_kind(object, &patched))
}

/// Deletes exactly this object, not one that came after it under its name.
///
/// Gives what is left of it while finalizers hold it; nothing once it is gone.
pub(crate) async fn delete(
    kinds: &Kinds,
    live: &Value,
    propagation: PropagationPolicy,
) -> Result<Option<Value>, KindsError> {
    let resolved = kinds.of(live).await?;
    let api = resolved.api(kinds.client(), metadata_text(live, "namespace"));
    let params = DeleteParams {
        propagation_policy: Some(propagation),
        preconditions: metadata_text(live, "uid").map(|uid| Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    match api
        .delete(metadata_text(live, "name").unwrap_or_default(), &params)
        .await
    {
        Ok(either) => Ok(either
            .left()
            .map(|left| with_kind(live, &left))
            .filter(is_terminating)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_terminating(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

fn with_kind(like: &Value, object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    for key in ["apiVersion", "kind"] {
        if value[key].is_null() {
            value[key] = like[key].clone();
        }
    }
    value
}

/// Whether a CRD is served.
pub(crate) fn is_established(definition: &Value) -> bool {
    pave_kube::is_true(definition, "Established")
}

/// Waits until a CRD is served.
pub(crate) async fn wait_established(live: &Arc<Live>, key: &ObjectKey) {
    wait_until(live, || live.get(key).is_some_and(|it| is_established(&it))).await;
}

/// Waits until a kind is served that something in the same sync defines.
pub(crate) async fn wait_served(live: &Arc<Live>, gvk: &GroupVersionKind) {
    wait_until(live, || {
        live.definition(gvk).is_some_and(|it| is_established(&it))
    })
    .await;
}

async fn wait_until(live: &Arc<Live>, done: impl Fn() -> bool) {
    let mut changes = live.subscribe();
    let waiting = async {
        while !done() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    };
    if tokio::time::timeout(ESTABLISHED, waiting).await.is_err() {
        tracing::debug!("a definition was not established in time");
    }
}
