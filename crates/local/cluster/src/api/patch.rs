//! PATCH in its four formats.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use pave_runtime::clock;
use pave_schema::apply::{self, Applied, ApplyError, ApplyRequest};
use pave_schema::patch::{self, PatchError};
use serde_json::{Value, json};

use super::admission::{self, FieldValidation};
use super::write::{ATTEMPTS, Refused, Written, check_preconditions, insert, replace};
use super::{Call, Server, ownership};
use crate::http::body::{self, Decoded};
use crate::http::failure::Failure;
use crate::http::respond;
use crate::resource::{to_served, to_stored};
use crate::storage::Object;

const APPLY: &str = "application/apply-patch+yaml";
const FORMATS: &str = "application/json-patch+json, application/merge-patch+json, \
                       application/strategic-merge-patch+json, application/apply-patch+yaml";

/// The formats that change an object which exists.
#[derive(Clone, Copy)]
enum Format {
    Json,
    Merge,
    Strategic,
}

pub(super) async fn patch(server: &Server, call: &Call) -> Result<Response, Failure> {
    let format = match body::media_type(&call.headers).as_str() {
        "application/json-patch+json" => Format::Json,
        "application/merge-patch+json" => Format::Merge,
        "application/strategic-merge-patch+json" if !call.resource.is_custom() => Format::Strategic,
        APPLY | "application/apply-patch+json" => return apply_patch(server, call).await,
        other => {
            let accepted = if call.resource.is_custom() {
                FORMATS.replace("application/strategic-merge-patch+json, ", "")
            } else {
                FORMATS.to_owned()
            };
            return Err(body::unsupported(other, &accepted));
        }
    };
    let decoded = body::json(&call.body)?;
    for _ in 0..ATTEMPTS {
        let current = server.find(call)?;
        let mut value = patched(call, format, &current, &decoded.value)?;
        let pins_revision = pins_revision(format, &decoded.value);
        if pins_revision {
            check_preconditions(&call.resource, &current, &value)?;
        }
        check_same_object(call, &current, &value)?;
        let validation = FieldValidation::of(call)?;
        admission::strip_nulls_of(&call.resource, &mut value);
        admission::check_fields(call, validation, &mut value, decoded.duplicates.clone())?;
        to_stored(&call.resource, &mut value);
        match replace(server, call, &current, value, None).await {
            Ok(written) => return Ok(written.respond(call, StatusCode::OK)),
            Err(Refused::For(failure)) => return Err(failure),
            Err(Refused::Stale) if pins_revision => {
                return Err(Failure::modified(&call.resource, &call.target.name));
            }
            Err(Refused::Stale) => {}
        }
    }
    Err(Failure::modified(&call.resource, &call.target.name))
}

fn patched(call: &Call, format: Format, current: &Arc<Object>, patch: &Value) -> Result<Value, Failure> {
    let mut value = respond::view(&call.resource, current).into_owned();
    match format {
        Format::Merge => {
            if !patch.is_object() {
                return Err(Failure::bad_request("a merge patch must be an object"));
            }
            patch::merge(&mut value, patch);
        }
        Format::Json => patch::json(&mut value, patch).map_err(|error| refusal(&error))?,
        Format::Strategic => {
            patch::strategic(call.resource.schema(), &mut value, patch).map_err(|error| refusal(&error))?;
        }
    }
    Ok(value)
}

fn refusal(error: &PatchError) -> Failure {
    match error {
        PatchError::TooManyOperations(_) => Failure::new(413, "RequestEntityTooLarge", error.to_string()),
        PatchError::Rejected { path, detail, .. } => {
            tracing::debug!(path, detail, "a patch was rejected");
            Failure::new(422, "Invalid", error.to_string()).with_details(json!({}))
        }
        PatchError::Malformed(_) | PatchError::Directive(_) => Failure::bad_request(error.to_string()),
    }
}

/// Whether the patch itself says which revision it is for.
fn pins_revision(format: Format, patch: &Value) -> bool {
    match format {
        Format::Merge | Format::Strategic => patch["metadata"]["resourceVersion"].is_string(),
        Format::Json => {
            patch.as_array().into_iter().flatten().any(|operation| {
                operation["path"] == "/metadata/resourceVersion" && operation["op"] != "test"
            })
        }
    }
}

fn check_same_object(call: &Call, current: &Object, value: &Value) -> Result<(), Failure> {
    let served = respond::view(&call.resource, current);
    if value["kind"] != served["kind"] || value["apiVersion"] != served["apiVersion"] {
        return Err(Failure::bad_request("a patch may not change apiVersion or kind"));
    }
    if value["metadata"]["name"] != served["metadata"]["name"] {
        return Err(Failure::bad_request(
            "the name of the object does not match the name on the URL",
        ));
    }
    if value["metadata"]["uid"] != served["metadata"]["uid"] {
        let why = "Precondition failed: the uid may not be changed";
        return Err(Failure::conflict(&call.resource, &call.target.name, why));
    }
    Ok(())
}

async fn apply_patch(server: &Server, call: &Call) -> Result<Response, Failure> {
    let manager = call.query.get("fieldManager");
    if manager.is_empty() {
        let why = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
        return Err(Failure::new(422, "Invalid", why));
    }
    let Decoded {
        mut value,
        duplicates,
    } = body::yaml(&call.body)?;
    check_body(call, &value)?;
    admission::strip_nulls_of(&call.resource, &mut value);
    let validation = FieldValidation::of(call)?;
    admission::check_fields(call, validation, &mut value, duplicates)?;
    to_stored(&call.resource, &mut value);
    for _ in 0..ATTEMPTS {
        let Some(current) = server.storage.get(&call.resource.table, &call.object_name()) else {
            return match apply_new(server, call, manager, &value).await {
                // Somebody else created it in between: apply to theirs.
                Err(failure) if failure.reason == "AlreadyExists" => continue,
                other => other,
            };
        };
        check_preconditions(&call.resource, &current, &value)?;
        match apply_to(server, call, manager, &current, &value).await {
            Ok(written) => return Ok(written.respond(call, StatusCode::OK)),
            Err(Refused::For(failure)) => return Err(failure),
            Err(Refused::Stale) => {}
        }
    }
    Err(Failure::modified(&call.resource, &call.target.name))
}

fn check_body(call: &Call, value: &Value) -> Result<(), Failure> {
    let resource = &call.resource;
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    if text("apiVersion") != resource.api_version() || text("kind") != resource.kind {
        let why = format!(
            "the body of an apply must have apiVersion {} and kind {}, it has {} and {}",
            resource.api_version(),
            resource.kind,
            text("apiVersion"),
            text("kind")
        );
        return Err(Failure::bad_request(why));
    }
    let name = value["metadata"]["name"].as_str().unwrap_or(&call.target.name);
    if name != call.target.name {
        return Err(Failure::bad_request(
            "the name of the object does not match the name on the URL",
        ));
    }
    let namespace = value["metadata"]["namespace"].as_str();
    if call
        .namespace()
        .is_some_and(|expected| namespace.is_some_and(|namespace| namespace != expected))
    {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Failure::bad_request(why));
    }
    Ok(())
}

async fn apply_new(server: &Server, call: &Call, manager: &str, value: &Value) -> Result<Response, Failure> {
    if !call.target.subresource.is_empty() {
        return Err(Failure::not_found(&call.resource, &call.target.name));
    }
    if value["metadata"]["uid"].is_string() {
        let why = "uid mismatch: the provided object specified uid, and no existing object was found";
        return Err(Failure::conflict(&call.resource, &call.target.name, why));
    }
    server.require(call, "create")?;
    let applied = applied(call, manager, None, value)?;
    let owned = applied.object["metadata"]["managedFields"].clone();
    let written = insert(server, call, applied.object, Some(owned)).await?;
    Ok(written.respond(call, StatusCode::CREATED))
}

async fn apply_to(
    server: &Server,
    call: &Call,
    manager: &str,
    current: &Arc<Object>,
    value: &Value,
) -> Result<Written, Refused> {
    let mut live = respond::view(&call.resource, current).into_owned();
    to_stored(&call.resource, &mut live);
    let applied = applied(call, manager, Some(&live), value)?;
    let is_free = current.is_terminating() && current.finalizers().next().is_none();
    if !applied.changed && !is_free {
        return Ok(if call.is_dry_run()? {
            to_served(&call.resource, &mut live);
            Written::Dry(live)
        } else {
            Written::Stored(current.clone())
        });
    }
    let owned = applied.object["metadata"]["managedFields"].clone();
    replace(server, call, current, applied.object, Some(owned)).await
}

fn applied(call: &Call, manager: &str, live: Option<&Value>, body: &Value) -> Result<Applied, Failure> {
    let now = clock::rfc3339();
    let request = ApplyRequest {
        schema: call.resource.schema(),
        live,
        body,
        writer: ownership::writer(call, manager, &now),
        force: call.query.flag("force"),
    };
    apply::apply(&request).map_err(|error| match error {
        ApplyError::Conflicts(conflicts) => {
            let causes: Vec<Value> = conflicts
                .list
                .iter()
                .map(|conflict| {
                    json!({ "reason": "FieldManagerConflict", "message": conflict.message(), "field": conflict.path.to_string() })
                })
                .collect();
            Failure::new(409, "Conflict", conflicts.to_string()).with_details(json!({ "causes": causes }))
        }
        ApplyError::ManagedFields(_) => Failure::internal(error.to_string()),
        other => Failure::bad_request(other.to_string()),
    })
}
