//! What all types share whose resources are there as soon as they are asked for.

use axum::http::{Method, StatusCode};
use rusqlite::Transaction;
use serde_json::Value;

use super::Arm;
use super::groups::group_not_found;
use super::reply::Reply;
use super::request::Call;
use crate::documents;
use crate::error::ArmError;
use crate::kinds;
use crate::store::{Operation, OperationKind, Outcome, Resource};

/// Where a resource belongs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Key of the resource itself.
    pub(crate) key: String,
    /// Key of what it lies in.
    pub(crate) parent: String,
    /// The end of its id below its parent, in ARM's spelling.
    pub(crate) below: String,
}

impl Place {
    /// A resource directly in a group: the path has eight parts.
    pub(crate) fn in_group(call: &Call, kind: &str) -> Self {
        Self {
            key: call.server_key(),
            parent: call.group_key(),
            below: format!("providers/{}/{}", kinds::canonical(kind), call.part(7)),
        }
    }

    /// Lower-case type.
    pub(crate) fn kind(&self) -> String {
        kinds::type_of(&self.key).to_lowercase()
    }
}

type Checked<T> = rusqlite::Result<Result<T, ArmError>>;

impl Arm {
    /// Writes a resource at once. `make` gives its document, out of what it was before; `also` is done in the same
    /// transaction, before it, and may refuse.
    pub(crate) async fn keep(
        &self,
        call: &Call,
        place: Place,
        make: impl FnOnce(Option<&Resource>) -> Result<Value, ArmError> + Send + 'static,
        also: impl FnOnce(&Transaction<'_>, bool) -> Checked<()> + Send + 'static,
    ) -> Result<(Resource, bool), ArmError> {
        let stamp = call.stamp(None);
        let written = self.engine.store.write(move |transaction| {
            let parent = match check_parent(transaction, &place.parent)? {
                Ok(parent) => parent,
                Err(error) => return Ok(Err(error)),
            };
            let existing = Resource::find(transaction, &place.key)?;
            if let Err(error) = refuse_deleting(existing.as_ref()) {
                return Ok(Err(error));
            }
            let body = match make(existing.as_ref()) {
                Ok(body) => body,
                Err(error) => return Ok(Err(error)),
            };
            if let Err(error) = also(transaction, existing.is_none())? {
                return Ok(Err(error));
            }
            let created = existing.is_none();
            let mut stamp = stamp;
            if let Some(before) = &existing {
                stamp.created_by.clone_from(&before.stamp.created_by);
                stamp.created_by_type.clone_from(&before.stamp.created_by_type);
                stamp.created_at.clone_from(&before.stamp.created_at);
            }
            let resource = Resource {
                canonical: existing.map_or_else(
                    || format!("{}/{}", parent.canonical, place.below),
                    |it| it.canonical,
                ),
                kind: place.kind(),
                id: place.key,
                parent: parent.id,
                state: "Succeeded".to_owned(),
                visible: true,
                body,
                stamp,
            };
            resource.put(transaction)?;
            Ok(Ok((resource, created)))
        });
        written.await?
    }

    /// What is wanted, or which of it and what it lies in is missing.
    pub(crate) async fn required(&self, call: &Call, key: &str) -> Result<Resource, ArmError> {
        if let Some(found) = self.find(key.to_owned()).await?.filter(|it| it.visible) {
            return Ok(found);
        }
        if self.find(call.group_key()).await?.is_none() {
            return Err(group_not_found(call.part(3)));
        }
        let name = key.rsplit('/').next().unwrap_or_default();
        let message = format!(
            "The Resource '{}/{name}' under resource group '{}' was not found.",
            kinds::type_of(key),
            call.part(3)
        );
        Err(ArmError::not_found("ResourceNotFound", message))
    }

    /// Removes a resource at once: 200, or 204 if it is not there.
    pub(crate) async fn drop_plain(&self, key: String) -> Result<Reply, ArmError> {
        let written = self.engine.store.write(move |transaction| {
            let found = Resource::find(transaction, &key)?.is_some();
            Resource::remove(transaction, &key)?;
            Ok(found)
        });
        Ok(Reply::empty(if written.await? {
            StatusCode::OK
        } else {
            StatusCode::NO_CONTENT
        }))
    }

    /// The resources of a type: of the whole subscription, or of what they lie in.
    pub(crate) async fn list_plain(
        &self,
        call: &Call,
        kind: &str,
        parent: Option<String>,
        render: impl Fn(&Resource) -> Value,
    ) -> Result<Reply, ArmError> {
        if call.method != Method::GET {
            return Err(call.method_not_allowed());
        }
        if let Some(parent) = &parent {
            self.required(call, parent).await?;
        }
        let kind = kind.to_lowercase();
        let found = self
            .engine
            .store
            .read(move |connection| Resource::of_kind(connection, &kind))
            .await?;
        let mut listed = Vec::new();
        for resource in found.into_iter().filter(|it| it.visible) {
            let inside = parent.as_ref().is_none_or(|parent| resource.parent == *parent);
            if inside && self.may_see(&call.caller, &resource.id).await {
                listed.push(render(&resource));
            }
        }
        Ok(Reply::list(&listed))
    }

    /// Records a change that is done already as an operation, for clients that insist on asking about it.
    pub(crate) async fn finished(&self, call: &Call, resource: &Resource) -> Result<Operation, ArmError> {
        let location = resource.body["location"].as_str().unwrap_or_default();
        let operation = call.operation(OperationKind::Write, &resource.id, &resource.id, location);
        let recorded = operation.clone();
        self.engine
            .store
            .write(move |transaction| {
                recorded.insert(transaction)?;
                Operation::finish(transaction, &recorded.id, &Outcome::Succeeded)
            })
            .await?;
        Ok(operation)
    }
}

/// What something new goes into.
pub(crate) fn check_parent(transaction: &Transaction<'_>, key: &str) -> Checked<Resource> {
    let name = key.rsplit('/').next().unwrap_or_default();
    let is_group = !key.contains("/providers/");
    Ok(match Resource::find(transaction, key)?.filter(|it| it.visible) {
        None if is_group => Err(group_not_found(name)),
        None => {
            let message = format!(
                "Can not perform requested operation on nested resource. Parent resource '{name}' not found."
            );
            Err(ArmError::not_found("ParentResourceNotFound", message))
        }
        Some(parent) if parent.state == "Deleting" => {
            let code = if is_group {
                "ResourceGroupBeingDeleted"
            } else {
                "ParentResourceBeingDeleted"
            };
            let message = format!("'{name}' is in deprovisioning state and cannot perform this operation.");
            Err(ArmError::conflict(code, message))
        }
        Some(parent) => Ok(parent),
    })
}

/// Nothing is changed that is on its way out.
pub(crate) fn refuse_deleting(existing: Option<&Resource>) -> Result<(), ArmError> {
    match existing {
        Some(existing) if existing.state == "Deleting" => {
            let message = format!("'{}' is being deleted.", existing.name());
            Err(ArmError::conflict("Conflict", message))
        }
        _ => Ok(()),
    }
}

/// A resource as its type shows it when there is nothing special about it.
pub(crate) fn render(resource: &Resource) -> Value {
    documents::render(resource, &kinds::type_of(&resource.canonical))
}
