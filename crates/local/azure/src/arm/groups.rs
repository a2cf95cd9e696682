//! Resource groups, and lists over all types.

use axum::http::{Method, StatusCode};
use pave_azure::names;
use rusqlite::Transaction;
use serde_json::{Value, json};

use super::Arm;
use super::clusters::{self, CLUSTERS};
use super::flexible_servers::{SERVERS, ask_for_deletion};
use super::reply::Reply;
use super::request::Call;
use crate::caller::Caller;
use crate::documents::{self, merge, writable};
use crate::error::ArmError;
use crate::store::{Operation, OperationKind, Resource, Server};

/// Lower-case type of groups.
pub(crate) const GROUPS: &str = "microsoft.resources/resourcegroups";

impl Arm {
    pub(crate) async fn group(&self, call: &Call) -> Result<Reply, ArmError> {
        match call.method {
            Method::GET => match self.find(call.key(0)).await? {
                Some(group) => Ok(Reply::ok(render_group(&group))),
                None => Err(group_not_found(call.part(3))),
            },
            Method::HEAD => {
                let found = self.find(call.key(0)).await?.is_some();
                Ok(Reply::empty(if found {
                    StatusCode::NO_CONTENT
                } else {
                    StatusCode::NOT_FOUND
                }))
            }
            Method::PUT => self.put_group(call).await,
            Method::PATCH => self.patch_group(call).await,
            Method::DELETE => self.delete_group(call).await,
            _ => Err(call.method_not_allowed()),
        }
    }

    pub(crate) async fn find(&self, key: String) -> Result<Option<Resource>, ArmError> {
        Ok(self
            .engine
            .store
            .read(move |connection| Resource::find(connection, &key))
            .await?)
    }

    async fn put_group(&self, call: &Call) -> Result<Reply, ArmError> {
        let name = call.part(3).to_owned();
        names::check_resource_group(&name)
            .map_err(|error| ArmError::name("InvalidParameter", "resourceGroupName", &error))?;
        let mut body = writable(call.object()?);
        let location = body["location"].as_str().unwrap_or_default().to_owned();
        if location.is_empty() {
            let message = "The location property is required for this definition.";
            return Err(ArmError::bad_request("LocationRequired", message));
        }
        names::check_location(&location)
            .map_err(|error| ArmError::name("LocationNotAvailableForResourceGroup", "location", &error))?;
        body["location"] = json!(names::normalize_location(&location));
        let key = call.key(0);
        let canonical = format!(
            "/subscriptions/{}/resourceGroups/{name}",
            self.options.subscription
        );
        let parent = call.key(2);
        let stamp = call.stamp(None);
        let written = self
            .engine
            .store
            .write(move |transaction| {
                let existing = Resource::find(transaction, &key)?;
                if let Some(error) = existing.as_ref().and_then(|group| refuse_group(group, &body)) {
                    return Ok(Err(error));
                }
                let created = existing.is_none();
                let stamp = existing.as_ref().map_or(stamp, |group| group.stamp.clone());
                let canonical = existing.map_or(canonical, |group| group.canonical);
                let group = Resource {
                    id: key,
                    canonical,
                    kind: GROUPS.to_owned(),
                    parent,
                    state: "Succeeded".to_owned(),
                    visible: true,
                    body,
                    stamp,
                };
                group.put(transaction)?;
                Ok(Ok((group, created)))
            })
            .await?;
        let (group, created) = written?;
        let status = if created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        Ok(Reply::new(status, render_group(&group)))
    }

    async fn patch_group(&self, call: &Call) -> Result<Reply, ArmError> {
        let mut change = writable(call.object()?);
        if let Some(location) = change["location"].as_str() {
            change["location"] = json!(names::normalize_location(location));
        }
        let (key, name) = (call.key(0), call.part(3).to_owned());
        let written = self
            .engine
            .store
            .write(move |transaction| {
                let Some(mut group) = Resource::find(transaction, &key)? else {
                    return Ok(Err(group_not_found(&name)));
                };
                merge(&mut group.body, &change);
                if let Some(error) =
                    Resource::find(transaction, &key)?.and_then(|old| refuse_group(&old, &group.body))
                {
                    return Ok(Err(error));
                }
                group.put(transaction)?;
                Ok(Ok(group))
            })
            .await?;
        Ok(Reply::ok(render_group(&written?)))
    }

    async fn delete_group(&self, call: &Call) -> Result<Reply, ArmError> {
        let key = call.key(0);
        let template = call.operation(OperationKind::DeleteGroup, &key, &key, "");
        let written = self
            .engine
            .store
            .write(move |transaction| {
                let Some(group) = Resource::find(transaction, &key)? else {
                    return Ok(None);
                };
                ask_for_group_deletion(transaction, &group, template).map(Some)
            })
            .await?;
        let Some((operation, lanes)) = written else {
            return Err(group_not_found(call.part(3)));
        };
        for lane in lanes {
            self.engine.wake(&lane);
        }
        Ok(self.accepted(call, &operation))
    }

    pub(crate) async fn list_groups(&self, call: &Call) -> Result<Reply, ArmError> {
        if call.method != Method::GET {
            return Err(call.method_not_allowed());
        }
        let groups = self
            .engine
            .store
            .read(|connection| Resource::of_kind(connection, GROUPS))
            .await?;
        let mut listed = Vec::new();
        for group in groups {
            if self.may_see(&call.caller, &group.id).await {
                listed.push(render_group(&group));
            }
        }
        Ok(Reply::list(&listed))
    }

    /// Whether a list may show a resource to somebody.
    pub(crate) async fn may_see(&self, caller: &Caller, key: &str) -> bool {
        crate::caller::authorize(&self.options, caller, &Method::GET, key)
            .await
            .is_ok()
    }

    /// Any resource as its type shows it.
    pub(crate) async fn show(&self, key: &str) -> Result<Option<Value>, ArmError> {
        let id = key.to_owned();
        let (resource, server) = self
            .engine
            .store
            .read(move |connection| Ok((Resource::find(connection, &id)?, Server::find(connection, &id)?)))
            .await?;
        let Some(resource) = resource else { return Ok(None) };
        Ok(Some(match resource.kind.as_str() {
            GROUPS => render_group(&resource),
            SERVERS => documents::render_server(&resource, server.as_ref()),
            kind if kind == CLUSTERS.to_lowercase() => self.show_cluster(&resource).await?,
            _ => super::plain::render(&resource),
        }))
    }
}

/// Asks for the deletion of a group and of everything in it, in one transaction. Gives the lanes to wake.
fn ask_for_group_deletion(
    transaction: &Transaction<'_>,
    group: &Resource,
    template: Operation,
) -> rusqlite::Result<(Operation, Vec<String>)> {
    if let Some(running) = Operation::running(transaction, &group.id, OperationKind::DeleteGroup)? {
        return Ok((running, Vec::new()));
    }
    let mut lanes = Vec::new();
    for member in Resource::children(transaction, &group.id, None)? {
        let mut deletion = template.clone();
        deletion.id = uuid::Uuid::new_v4().to_string();
        if member.kind == SERVERS {
            ask_for_deletion(transaction, &member, deletion)?;
        } else if member.kind == CLUSTERS.to_lowercase() {
            clusters::ask_for_deletion(transaction, &member, deletion)?;
        } else {
            // Nothing stands behind it.
            Resource::remove(transaction, &member.id)?;
            continue;
        }
        lanes.push(member.id);
    }
    lanes.push(group.id.clone());
    Resource::set_state(transaction, &group.id, "Deleting", true)?;
    let location = group.body["location"].as_str().unwrap_or("global").to_owned();
    let operation = Operation { location, ..template };
    operation.insert(transaction)?;
    Ok((operation, lanes))
}

fn refuse_group(existing: &Resource, body: &Value) -> Option<ArmError> {
    if existing.state == "Deleting" {
        let message = format!(
            "The resource group '{}' is in deprovisioning state and cannot perform this operation.",
            existing.name()
        );
        return Some(ArmError::conflict("ResourceGroupBeingDeleted", message));
    }
    let (before, after) = (existing.body["location"].as_str(), body["location"].as_str());
    (before != after).then(|| {
        let message = format!(
            "The resource group '{}' already exists in location '{}'; its location cannot be changed to '{}'.",
            existing.name(),
            before.unwrap_or_default(),
            after.unwrap_or_default()
        );
        ArmError::conflict("InvalidResourceGroupLocation", message)
    })
}

pub(crate) fn group_not_found(name: &str) -> ArmError {
    ArmError::not_found(
        "ResourceGroupNotFound",
        format!("Resource group '{name}' could not be found."),
    )
}

fn render_group(group: &Resource) -> Value {
    let mut document = documents::render(group, "Microsoft.Resources/resourceGroups");
    if let Value::Object(fields) = &mut document {
        // The real answer has no systemData for groups.
        fields.shift_remove("systemData");
    }
    document
}
