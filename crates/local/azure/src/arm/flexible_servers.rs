//! `Microsoft.DBforPostgreSQL/flexibleServers`.

use axum::http::{Method, StatusCode};
use pave_azure::names;
use rusqlite::Transaction;
use serde_json::json;
use uuid::Uuid;

use super::groups::group_not_found;
use super::reply::Reply;
use super::request::Call;
use super::{Arm, POSTGRESQL};
use crate::documents::{self, Incoming};
use crate::error::ArmError;
use crate::store::{Operation, OperationKind, Resource, Server, ServerState};

/// Lower-case type of flexible servers.
pub(crate) const SERVERS: &str = "microsoft.dbforpostgresql/flexibleservers";

impl Arm {
    pub(crate) async fn server(&self, call: &Call) -> Result<Reply, ArmError> {
        match call.method {
            Method::GET => match self.show(&call.key(0)).await? {
                Some(document) => Ok(Reply::ok(document)),
                None => Err(self.server_not_found(call).await?),
            },
            Method::PUT => match self.find(call.key(0)).await? {
                Some(existing) => self.update_server(call, &existing, true).await,
                None => self.create_server(call).await,
            },
            Method::PATCH => match self.find(call.key(0)).await? {
                Some(existing) => self.update_server(call, &existing, false).await,
                None => Err(self.server_not_found(call).await?),
            },
            Method::DELETE => self.delete_server(call).await,
            _ => Err(call.method_not_allowed()),
        }
    }

    /// Which of group and server is missing.
    pub(crate) async fn server_not_found(&self, call: &Call) -> Result<ArmError, ArmError> {
        if self.find(call.group_key()).await?.is_none() {
            return Ok(group_not_found(call.part(3)));
        }
        let message = format!(
            "The Resource '{POSTGRESQL}/flexibleServers/{}' under resource group '{}' was not found.",
            call.part(7),
            call.part(3)
        );
        Ok(ArmError::not_found("ResourceNotFound", message))
    }

    fn seal(&self, incoming: &Incoming) -> Result<Option<Vec<u8>>, ArmError> {
        let Some(password) = &incoming.password else {
            return Ok(None);
        };
        let sealed = self.options.keys.sealer().seal(password.as_bytes());
        sealed.map(Some).map_err(|error| ArmError::internal(&error))
    }

    async fn create_server(&self, call: &Call) -> Result<Reply, ArmError> {
        let name = call.part(7).to_owned();
        let incoming = documents::create_server(&name, call.object()?)?;
        let key = call.key(0);
        let location = incoming.body["location"].as_str().unwrap_or_default().to_owned();
        let mut operation = call.operation(OperationKind::CreateServer, &key, &key, &location);
        operation.secret = self.seal(&incoming)?;
        operation.request = json!({ "version": incoming.body["properties"]["version"] });
        let server = self.new_server(&key, &name, &incoming);
        let (group_key, group_name) = (call.group_key(), call.part(3).to_owned());
        let stamp = call.stamp(None);
        let written = self
            .engine
            .store
            .write(move |transaction| {
                let group = match check_group(transaction, &group_key, &group_name)? {
                    Ok(group) => group,
                    Err(error) => return Ok(Err(error)),
                };
                if Server::name_is_taken(transaction, &name)? {
                    let message =
                        format!("The server name '{name}' is already taken (help: choose another name).");
                    return Ok(Err(ArmError::conflict("ServerNameAlreadyExists", message)));
                }
                let resource = Resource {
                    canonical: format!(
                        "{}/providers/{POSTGRESQL}/flexibleServers/{name}",
                        group.canonical
                    ),
                    id: key,
                    kind: SERVERS.to_owned(),
                    parent: group.id,
                    state: "Creating".to_owned(),
                    visible: true,
                    body: incoming.body,
                    stamp,
                };
                resource.put(transaction)?;
                server.insert(transaction)?;
                operation.insert(transaction)?;
                Ok(Ok(operation))
            })
            .await?;
        Ok(self.begin(call, &written?))
    }

    fn new_server(&self, key: &str, name: &str, incoming: &Incoming) -> Server {
        let random = Uuid::new_v4().simple().to_string();
        Server {
            id: key.to_owned(),
            name: name.to_owned(),
            directory: format!("{}-{}", self.engine.installation, &random[..12]),
            address: None,
            port: self.engine.port,
            login: incoming.login().to_owned(),
            version: String::new(),
            created: false,
            wanted: true,
            state: ServerState::Provisioning.as_str().to_owned(),
            reason: String::new(),
        }
    }

    async fn update_server(
        &self,
        call: &Call,
        existing: &Resource,
        replace: bool,
    ) -> Result<Reply, ArmError> {
        let incoming = documents::update_server(&existing.body, call.object()?, replace)?;
        let key = existing.id.clone();
        let location = existing.body["location"].as_str().unwrap_or_default();
        let mut operation = call.operation(OperationKind::UpdateServer, &key, &key, location);
        operation.secret = self.seal(&incoming)?;
        let stamp = call.stamp(Some(&existing.stamp));
        let written = self
            .engine
            .store
            .write(move |transaction| {
                let (mut resource, server) = match check_server(transaction, &key)? {
                    Ok(found) => found,
                    Err(error) => return Ok(Err(error)),
                };
                if let Some(error) = refuse_stopped(&server) {
                    return Ok(Err(error));
                }
                let login = incoming.login().to_owned();
                resource.body = incoming.body;
                resource.stamp = stamp;
                if server.created {
                    "Updating".clone_into(&mut resource.state);
                }
                resource.put(transaction)?;
                Server::set_login(transaction, &key, &login)?;
                operation.insert(transaction)?;
                Ok(Ok(operation))
            })
            .await?;
        Ok(self.begin(call, &written?))
    }

    async fn delete_server(&self, call: &Call) -> Result<Reply, ArmError> {
        let key = call.key(0);
        let template = call.operation(OperationKind::DeleteServer, &key, &key, "");
        let written = self
            .engine
            .store
            .write(move |transaction| match Resource::find(transaction, &key)? {
                Some(server) => ask_for_deletion(transaction, &server, template).map(Some),
                None => Ok(None),
            })
            .await?;
        match written {
            Some(operation) => Ok(self.begin(call, &operation)),
            None => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        }
    }

    /// `POST start | stop | restart`.
    pub(crate) async fn switch(&self, call: &Call, action: &str) -> Result<Reply, ArmError> {
        if call.method != Method::POST {
            return Err(call.method_not_allowed());
        }
        let (kind, state, wanted) = match action {
            "start" => (OperationKind::StartServer, ServerState::Starting, true),
            "stop" => (OperationKind::StopServer, ServerState::Stopping, false),
            _ => (OperationKind::RestartServer, ServerState::Updating, true),
        };
        let key = call.server_key();
        if self.find(key.clone()).await?.is_none() {
            return Err(self.server_not_found(call).await?);
        }
        let mut operation = call.operation(kind, &key, &key, "");
        let written = self
            .engine
            .store
            .write(move |transaction| {
                let (resource, server) = match check_server(transaction, &key)? {
                    Ok(found) => found,
                    Err(error) => return Ok(Err(error)),
                };
                if kind == OperationKind::RestartServer
                    && let Some(error) = refuse_stopped(&server)
                {
                    return Ok(Err(error));
                }
                resource.body["location"]
                    .as_str()
                    .unwrap_or("global")
                    .clone_into(&mut operation.location);
                Server::set_wanted(transaction, &key, wanted)?;
                Server::set_state(transaction, &key, state, "")?;
                operation.insert(transaction)?;
                Ok(Ok(operation))
            })
            .await?;
        Ok(self.begin(call, &written?))
    }

    /// Lets the lane of an accepted operation begin.
    pub(crate) fn begin(&self, call: &Call, operation: &Operation) -> Reply {
        self.engine.wake(&operation.lane);
        self.accepted(call, operation)
    }

    pub(crate) async fn list_servers(&self, call: &Call, group: Option<String>) -> Result<Reply, ArmError> {
        if call.method != Method::GET {
            return Err(call.method_not_allowed());
        }
        if let Some(group) = &group
            && self.find(group.clone()).await?.is_none()
        {
            return Err(group_not_found(call.part(3)));
        }
        let found = self
            .engine
            .store
            .read(|connection| {
                let resources = Resource::of_kind(connection, SERVERS)?;
                let servers: rusqlite::Result<Vec<_>> = resources
                    .iter()
                    .map(|resource| Server::find(connection, &resource.id))
                    .collect();
                Ok(resources.into_iter().zip(servers?).collect::<Vec<_>>())
            })
            .await?;
        let mut listed = Vec::new();
        for (resource, server) in found {
            let in_group = group.as_ref().is_none_or(|group| resource.parent == *group);
            if in_group && self.may_see(&call.caller, &resource.id).await {
                listed.push(documents::render_server(&resource, server.as_ref()));
            }
        }
        Ok(Reply::list(&listed))
    }

    /// `POST checkNameAvailability`.
    pub(crate) async fn check_name(&self, call: &Call) -> Result<Reply, ArmError> {
        if call.method != Method::POST {
            return Err(call.method_not_allowed());
        }
        let name = call.object()?["name"].as_str().unwrap_or_default().to_owned();
        if let Err(error) = names::check_flexible_server(&name) {
            let body = json!({ "name": name, "nameAvailable": false, "reason": "Invalid", "message": error.message });
            return Ok(Reply::ok(body));
        }
        let wanted = name.clone();
        let taken = self
            .engine
            .store
            .read(move |connection| Server::name_is_taken(connection, &wanted))
            .await?;
        let mut body = json!({ "name": name, "nameAvailable": !taken, "message": "" });
        if taken {
            body["reason"] = json!("AlreadyExists");
            body["message"] = json!(format!("Specified server name '{name}' is already used."));
        }
        Ok(Reply::ok(body))
    }
}

/// The group that something new goes into.
fn check_group(
    transaction: &Transaction<'_>,
    key: &str,
    name: &str,
) -> rusqlite::Result<Result<Resource, ArmError>> {
    Ok(match Resource::find(transaction, key)? {
        None => Err(group_not_found(name)),
        Some(group) if group.state == "Deleting" => {
            let message = format!(
                "The resource group '{name}' is in deprovisioning state and cannot perform this operation."
            );
            Err(ArmError::conflict("ResourceGroupBeingDeleted", message))
        }
        Some(group) => Ok(group),
    })
}

/// A server that something can be done to.
pub(crate) fn check_server(
    transaction: &Transaction<'_>,
    key: &str,
) -> rusqlite::Result<Result<(Resource, Server), ArmError>> {
    let name = key.rsplit('/').next().unwrap_or_default();
    let (Some(resource), Some(server)) = (Resource::find(transaction, key)?, Server::find(transaction, key)?)
    else {
        let message = format!("The Resource '{POSTGRESQL}/flexibleServers/{name}' was not found.");
        return Ok(Err(ArmError::not_found("ParentResourceNotFound", message)));
    };
    if resource.state == "Deleting" {
        let message = format!("The server '{name}' is being deleted.");
        return Ok(Err(ArmError::conflict("ServerIsBusy", message)));
    }
    Ok(Ok((resource, server)))
}

pub(crate) fn refuse_stopped(server: &Server) -> Option<ArmError> {
    (!server.wanted).then(|| {
        let message = format!("The server '{}' is stopped (help: start it first).", server.name);
        ArmError::conflict("ServerStopped", message)
    })
}

/// Asks for a server's deletion, once.
pub(crate) fn ask_for_deletion(
    transaction: &Transaction<'_>,
    server: &Resource,
    template: Operation,
) -> rusqlite::Result<Operation> {
    if let Some(running) = Operation::running(transaction, &server.id, OperationKind::DeleteServer)? {
        return Ok(running);
    }
    let operation = Operation {
        kind: OperationKind::DeleteServer,
        lane: server.id.clone(),
        resource: server.id.clone(),
        location: server.body["location"].as_str().unwrap_or("global").to_owned(),
        ..template
    };
    operation.insert(transaction)?;
    Resource::set_state(transaction, &server.id, "Deleting", true)?;
    Server::set_state(transaction, &server.id, ServerState::Dropping, "")?;
    Ok(operation)
}
