//! Create and update: from a body to a stored object.

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use pave_runtime::clock;
use rand::Rng as _;
use serde_json::{Value, json};

use super::admission::{self, FieldValidation};
use super::bookkeeping::{changes_generation, check_finalizers, has_finalizers, restore};
use super::{Call, Server, ownership, strategy};
use crate::http::body::{self, Decoded};
use crate::http::failure::Failure;
use crate::http::respond;
use crate::resource::{Resource, to_stored};
use crate::storage::{Change, CommitError, Object, ObjectName};

/// How often a write that named no revision is tried again when the object changes underneath.
pub(super) const ATTEMPTS: usize = 5;

const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// What a write came to.
pub(super) enum Written {
    /// Stored, or unchanged.
    Stored(Arc<Object>),
    /// Not stored: dry run.
    Dry(Value),
}

impl Written {
    pub(super) fn respond(&self, call: &Call, status: StatusCode) -> Response {
        match self {
            Self::Stored(object) => {
                respond::object(status, &call.accept, &call.query, &call.resource, object)
            }
            Self::Dry(value) => {
                let mut value = value.clone();
                crate::resource::to_served(&call.resource, &mut value);
                respond::one(
                    status,
                    &call.accept,
                    &call.query,
                    &call.resource,
                    Cow::Owned(value),
                )
            }
        }
    }
}

/// Why an attempt to write failed.
pub(super) enum Refused {
    /// The object changed in between: try again.
    Stale,
    /// For good.
    For(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::For(failure)
    }
}

pub(super) async fn create(server: &Server, call: &Call) -> Result<Response, Failure> {
    let decoded = body::decode(&call.headers, &call.body)?;
    let value = admit_body(call, decoded)?;
    let written = insert(server, call, value, None).await?;
    Ok(written.respond(call, StatusCode::CREATED))
}

/// Checks identity and fields of a whole object, and brings it into the stored version.
pub(super) fn admit_body(call: &Call, decoded: Decoded) -> Result<Value, Failure> {
    let Decoded {
        mut value,
        duplicates,
    } = decoded;
    let resource = &call.resource;
    check_identity(resource, &mut value)?;
    admission::strip_nulls_of(resource, &mut value);
    let validation = FieldValidation::of(call)?;
    admission::check_fields(call, validation, &mut value, duplicates)?;
    to_stored(resource, &mut value);
    Ok(value)
}

/// The kind in the body must be the kind of the URL.
fn check_identity(resource: &Resource, value: &mut Value) -> Result<(), Failure> {
    let Some(object) = value.as_object_mut() else {
        return Err(Failure::bad_request("the body must be an object"));
    };
    for (key, expected, words) in [
        ("apiVersion", resource.api_version(), "API version"),
        ("kind", resource.kind.clone(), "kind"),
    ] {
        match object.get(key).and_then(Value::as_str).unwrap_or_default() {
            "" if resource.is_custom() => {
                let why = format!(
                    "Object '{}' is missing in the body",
                    if key == "kind" { "Kind" } else { key }
                );
                return Err(Failure::bad_request(why));
            }
            "" => {
                object.insert(key.to_owned(), json!(expected));
            }
            found if found == expected => {}
            found => {
                let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
                let why = format!(
                    "{kind} in version \"{}\" cannot be handled as a {}: the {words} in the data ({found}) does not \
                     match the expected {words} ({expected})",
                    resource.version, resource.kind
                );
                return Err(Failure::bad_request(why));
            }
        }
    }
    if !object.get("metadata").is_some_and(Value::is_object) {
        object.insert("metadata".to_owned(), json!({}));
    }
    Ok(())
}

/// Stores a new object. `managed` is set when server-side apply has decided the ownership already.
pub(super) async fn insert(
    server: &Server,
    call: &Call,
    mut value: Value,
    managed: Option<Value>,
) -> Result<Written, Failure> {
    let resource = &call.resource;
    place(call, &mut value)?;
    server.check_namespace(call, resource)?;
    if resource.custom().is_some_and(|custom| custom.is_terminating) {
        let message = "create not allowed while custom resource definition is terminating";
        return Err(Failure::new(403, "Forbidden", message));
    }
    initialise(resource, &mut value, managed.is_none())?;
    resource.schema().default(&mut value);
    strategy::prepare_create(resource, &mut value);
    for attempt in 0..8 {
        let generated = generate_name(&mut value);
        let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        admission::admit(server, call, &mut value, None)?;
        let mut stored = value.clone();
        match &managed {
            Some(managed) => stored["metadata"]["managedFields"] = managed.clone(),
            None => ownership::track(call, None, &mut stored),
        }
        if call.is_dry_run()? {
            let key = ObjectName::new(call.namespace().unwrap_or_default(), &name);
            return match server.storage.get(&resource.table, &key) {
                Some(_) => Err(Failure::already_exists(resource, &name)),
                None => Ok(Written::Dry(stored)),
            };
        }
        let change = Change {
            table: resource.table.clone(),
            name: ObjectName::new(call.namespace().unwrap_or_default(), &name),
            expected: None,
            value: stored,
            delete: false,
        };
        match server.storage.commit(change).await {
            Ok(object) => return Ok(Written::Stored(object)),
            Err(CommitError::Mismatch) if generated && attempt < 7 => {
                value["metadata"]["name"] = Value::Null;
            }
            Err(CommitError::Mismatch) => return Err(Failure::already_exists(resource, &name)),
            Err(other) => return Err(other.into()),
        }
    }
    Err(Failure::internal("no free name was found"))
}

/// Namespace and name of the body must be those of the URL.
fn place(call: &Call, value: &mut Value) -> Result<(), Failure> {
    let metadata = &mut value["metadata"];
    if let Some(namespace) = call.namespace() {
        match metadata["namespace"].as_str().unwrap_or_default() {
            "" => metadata["namespace"] = json!(namespace),
            found if found == namespace => {}
            _ => {
                let why =
                    "the namespace of the provided object does not match the namespace sent on the request";
                return Err(Failure::bad_request(why));
            }
        }
    } else if call.resource.namespaced {
        return Err(Failure::bad_request(
            "an empty namespace may not be set during creation",
        ));
    } else if let Some(metadata) = metadata.as_object_mut() {
        metadata.shift_remove("namespace");
    }
    if !call.target.name.is_empty() {
        metadata["name"] = json!(call.target.name);
    }
    Ok(())
}

/// Sets what the server owns of a new object.
fn initialise(resource: &Resource, value: &mut Value, forbids_revision: bool) -> Result<(), Failure> {
    let has_status = resource.traits.has_status;
    let Some(object) = value.as_object_mut() else {
        return Ok(());
    };
    if has_status {
        object.shift_remove("status");
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    let sent = metadata
        .get("resourceVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if forbids_revision && !sent.is_empty() {
        return Err(Failure::bad_request(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    for key in [
        "resourceVersion",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "generation",
        "creationTimestamp",
        "uid",
    ] {
        metadata.shift_remove(key);
    }
    metadata.insert("uid".to_owned(), json!(uuid::Uuid::new_v4().to_string()));
    metadata.insert("creationTimestamp".to_owned(), json!(clock::rfc3339()));
    if resource.traits.has_generation {
        metadata.insert("generation".to_owned(), json!(1));
    }
    Ok(())
}

/// Makes a name from `generateName`; says whether it did.
fn generate_name(value: &mut Value) -> bool {
    let metadata = &mut value["metadata"];
    if metadata["name"].as_str().is_some_and(|name| !name.is_empty()) {
        return false;
    }
    let Some(prefix) = metadata["generateName"]
        .as_str()
        .filter(|prefix| !prefix.is_empty())
    else {
        return false;
    };
    let mut name: String = prefix.chars().take(58).collect();
    let mut random = rand::rng();
    name.extend((0..5).map(|_| char::from(SUFFIX[random.random_range(0..SUFFIX.len())])));
    metadata["name"] = json!(name);
    true
}

pub(super) async fn update(server: &Server, call: &Call) -> Result<Response, Failure> {
    let decoded = body::decode(&call.headers, &call.body)?;
    let value = admit_body(call, decoded)?;
    let resource = &call.resource;
    let sent_name = value["metadata"]["name"].as_str().unwrap_or_default();
    if sent_name != call.target.name && !sent_name.is_empty() {
        let why = format!(
            "the name of the object ({sent_name}) does not match the name on the URL ({})",
            call.target.name
        );
        return Err(Failure::bad_request(why));
    }
    let revision = value["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    for _ in 0..ATTEMPTS {
        let Some(current) = server.storage.get(&resource.table, &call.object_name()) else {
            if resource.traits.update_creates && call.target.subresource.is_empty() {
                return insert(server, call, value, None)
                    .await
                    .map(|made| made.respond(call, StatusCode::CREATED));
            }
            return Err(Failure::not_found(resource, &call.target.name));
        };
        if revision.is_empty() && resource.is_custom() {
            let why = "Invalid value: 0: must be specified for an update";
            let mut failure = Failure::invalid_field(
                resource,
                &call.target.name,
                "metadata.resourceVersion",
                "FieldValueInvalid",
                why,
            );
            failure.message = format!(
                "{} \"{}\" is invalid: metadata.resourceVersion: {why}",
                resource.qualified(),
                call.target.name
            );
            return Err(failure);
        }
        check_preconditions(resource, &current, &value)?;
        match replace(server, call, &current, value.clone(), None).await {
            Ok(written) => return Ok(written.respond(call, StatusCode::OK)),
            Err(Refused::For(failure)) => return Err(failure),
            Err(Refused::Stale) if !revision.is_empty() => {
                return Err(Failure::modified(resource, &call.target.name));
            }
            Err(Refused::Stale) => {}
        }
    }
    Err(Failure::modified(resource, &call.target.name))
}

/// `resourceVersion` and `uid` in an update name the object that was meant.
pub(super) fn check_preconditions(resource: &Resource, current: &Object, new: &Value) -> Result<(), Failure> {
    let metadata = &new["metadata"];
    let name = &*current.name.name;
    let uid = metadata["uid"].as_str().unwrap_or_default();
    if !uid.is_empty() && uid != current.uid() {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            current.uid()
        );
        return Err(Failure::conflict(resource, name, &why));
    }
    let revision = metadata["resourceVersion"].as_str().unwrap_or_default();
    if !revision.is_empty() && revision != "0" && revision != current.revision.to_string() {
        return Err(Failure::modified(resource, name));
    }
    Ok(())
}

/// Stores the next version of an object, or nothing if nothing changed.
pub(super) async fn replace(
    server: &Server,
    call: &Call,
    current: &Arc<Object>,
    mut new: Value,
    managed: Option<Value>,
) -> Result<Written, Refused> {
    let resource = &call.resource;
    let old = respond::view(resource, current);
    let mut old = old.into_owned();
    to_stored(resource, &mut old);
    let sent_managed = new["metadata"]["managedFields"].take();
    restore(resource, &call.target.subresource, &old, &mut new);
    check_finalizers(resource, current, &new)?;
    resource.schema().default(&mut new);
    strategy::prepare_update(resource, &call.target.subresource, &mut new, &old);
    admission::admit(server, call, &mut new, Some(&old))?;
    if resource.traits.has_generation && changes_generation(resource, &old, &new) {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
        new["metadata"]["generation"] = json!(generation);
    }
    match managed {
        Some(managed) => ownership::set(&mut new, managed),
        None => ownership::track_sent(call, &old, &mut new, &sent_managed),
    }
    let emptied = current.is_terminating() && !has_finalizers(&new);
    if !emptied && ownership::is_unchanged(&old, &new) {
        return Ok(Written::Stored(current.clone()));
    }
    if call.is_dry_run()? {
        return Ok(Written::Dry(new));
    }
    let change = Change {
        table: resource.table.clone(),
        name: current.name.clone(),
        expected: Some(current.revision),
        value: new,
        delete: emptied && strategy::may_vanish(resource, current),
    };
    match server.storage.commit(change).await {
        Ok(object) => Ok(Written::Stored(object)),
        Err(CommitError::Mismatch) => Err(Refused::Stale),
        Err(other) => Err(Refused::For(other.into())),
    }
}
