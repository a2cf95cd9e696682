//! What lies in a flexible server: databases, firewall rules, configurations, administrators.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Arm;
use super::flexible_servers::{SERVERS, check_server, refuse_stopped};
use super::reply::Reply;
use super::request::Call;
use crate::documents;
use crate::engine::Failure;
use crate::error::ArmError;
use crate::postgresql::session::Parameter;
use crate::store::{Operation, OperationKind, Resource, Server};

/// The types of children, as they are written.
const KINDS: &[&str] = &["databases", "firewallRules", "configurations", "administrators"];

/// ARM's spelling of a child's type.
pub(crate) fn canonical_kind(kind: &str) -> String {
    let last = kind.rsplit('/').next().unwrap_or_default();
    let known = KINDS.iter().find(|known| known.eq_ignore_ascii_case(last));
    format!(
        "Microsoft.DBforPostgreSQL/flexibleServers/{}",
        known.unwrap_or(&last)
    )
}

fn operations(kind: &str) -> Option<(OperationKind, Option<OperationKind>)> {
    match kind {
        "databases" => Some((OperationKind::PutDatabase, Some(OperationKind::DeleteDatabase))),
        "firewallrules" => Some((
            OperationKind::PutFirewallRule,
            Some(OperationKind::DeleteFirewallRule),
        )),
        "administrators" => Some((
            OperationKind::PutAdministrator,
            Some(OperationKind::DeleteAdministrator),
        )),
        "configurations" => Some((OperationKind::PutConfiguration, None)),
        _ => None,
    }
}

impl Arm {
    pub(crate) async fn child(&self, call: &Call, kind: &str) -> Result<Reply, ArmError> {
        let Some((put, delete)) = operations(kind) else {
            return Err(call.unknown_path());
        };
        match (&call.method, delete) {
            (&Method::GET, _) if kind == "configurations" => self.get_configuration(call).await,
            (&Method::GET, _) => self.get_child(call).await,
            (&Method::PUT, _) | (&Method::PATCH, None) => self.put_child(call, kind, put).await,
            (&Method::DELETE, Some(delete)) => self.delete_child(call, delete).await,
            _ => Err(call.method_not_allowed()),
        }
    }

    async fn get_child(&self, call: &Call) -> Result<Reply, ArmError> {
        let found = self.find(call.key(0)).await?.filter(|child| child.visible);
        match found {
            Some(child) => Ok(Reply::ok(documents::render(&child, &canonical_kind(&child.kind)))),
            None if self.find(call.server_key()).await?.is_none() => Err(self.server_not_found(call).await?),
            None => {
                let message = format!(
                    "The Resource '{}/{}/{}' was not found.",
                    canonical_kind(call.part(8)),
                    call.part(7),
                    call.part(9)
                );
                Err(ArmError::not_found("ResourceNotFound", message))
            }
        }
    }

    pub(crate) async fn list_children(&self, call: &Call, kind: &str) -> Result<Reply, ArmError> {
        if operations(kind).is_none() {
            return Err(call.unknown_path());
        }
        if call.method != Method::GET {
            return Err(call.method_not_allowed());
        }
        let key = call.server_key();
        if self.find(key.clone()).await?.is_none() {
            return Err(self.server_not_found(call).await?);
        }
        if kind == "configurations" {
            return self.list_configurations(call).await;
        }
        let full = format!("{SERVERS}/{kind}");
        let children = self
            .engine
            .store
            .read(move |connection| Resource::children(connection, &key, Some(&full)))
            .await?;
        let shown = children.iter().filter(|child| child.visible);
        let documents = shown.map(|child| documents::render(child, &canonical_kind(&child.kind)));
        Ok(Reply::list(&documents.collect::<Vec<_>>()))
    }

    async fn put_child(&self, call: &Call, kind: &str, put: OperationKind) -> Result<Reply, ArmError> {
        let existing = self.find(call.key(0)).await?;
        let before = existing.as_ref().map(|child| &child.body);
        let name = call.part(9).to_owned();
        let body = match kind {
            "databases" => documents::database(&name, call.object()?, before)?,
            "firewallrules" => documents::firewall_rule(&name, call.object()?)?,
            "administrators" => documents::administrator(&name, call.object()?)?,
            _ => self.configuration_change(call).await?,
        };
        let (key, server_key) = (call.key(0), call.server_key());
        let mut operation = call.operation(put, &server_key, &key, "");
        let stamp = call.stamp(existing.as_ref().map(|child| &child.stamp));
        let (full, segment) = (format!("{SERVERS}/{kind}"), canonical_kind(kind));
        let written = self
            .engine
            .store
            .write(move |transaction| {
                let (parent, server) = match check_server(transaction, &server_key)? {
                    Ok(found) => found,
                    Err(error) => return Ok(Err(error)),
                };
                if let Some(error) = refuse_stopped(&server) {
                    return Ok(Err(error));
                }
                let existing = Resource::find(transaction, &key)?;
                let visible = existing.as_ref().is_some_and(|child| child.visible);
                let segment = segment.rsplit('/').next().unwrap_or_default();
                let canonical = existing.as_ref().map_or_else(
                    || format!("{}/{segment}/{name}", parent.canonical),
                    |child| child.canonical.clone(),
                );
                if visible {
                    operation.request = json!({ "previous": existing.map(|child| child.body) });
                }
                parent.body["location"]
                    .as_str()
                    .unwrap_or("global")
                    .clone_into(&mut operation.location);
                let state = if visible { "Updating" } else { "Creating" }.to_owned();
                let child = Resource {
                    id: key,
                    canonical,
                    kind: full,
                    parent: parent.id,
                    state,
                    visible,
                    body,
                    stamp,
                };
                child.put(transaction)?;
                operation.insert(transaction)?;
                Ok(Ok(operation))
            })
            .await?;
        Ok(self.begin(call, &written?))
    }

    async fn delete_child(&self, call: &Call, delete: OperationKind) -> Result<Reply, ArmError> {
        let (key, server_key) = (call.key(0), call.server_key());
        let mut operation = call.operation(delete, &server_key, &key, "");
        let written = self
            .engine
            .store
            .write(move |transaction| {
                if Resource::find(transaction, &key)?.is_none() {
                    return Ok(Ok(None));
                }
                let (parent, server) = match check_server(transaction, &server_key)? {
                    Ok(found) => found,
                    Err(error) => return Ok(Err(error)),
                };
                if let Some(error) = refuse_stopped(&server) {
                    return Ok(Err(error));
                }
                if let Some(running) = Operation::running(transaction, &key, delete)? {
                    return Ok(Ok(Some(running)));
                }
                parent.body["location"]
                    .as_str()
                    .unwrap_or("global")
                    .clone_into(&mut operation.location);
                operation.insert(transaction)?;
                Ok(Ok(Some(operation)))
            })
            .await?;
        match written? {
            Some(operation) => Ok(self.begin(call, &operation)),
            None => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        }
    }

    /// The document of a parameter that is to be changed; an empty value takes it back to its default.
    async fn configuration_change(&self, call: &Call) -> Result<Value, ArmError> {
        let name = call.part(9);
        let request = call.object()?;
        let value = match &request["properties"]["value"] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let resets = request["properties"]["source"] == json!("system-default") || value.is_empty();
        let (_, parameters) = self.parameters(call, Some(name)).await?;
        let known = parameters.first();
        let value = if resets {
            known.map(|known| known.default.clone()).unwrap_or_default()
        } else {
            value
        };
        if !resets || known.is_none() {
            documents::check_change(name, &value, known)?;
        }
        let source = if resets { "system-default" } else { "user-override" };
        Ok(json!({ "properties": { "value": value, "source": source } }))
    }

    async fn get_configuration(&self, call: &Call) -> Result<Reply, ArmError> {
        let (server, parameters) = self.parameters(call, Some(call.part(9))).await?;
        let set = self.find(call.key(0)).await?.filter(|child| child.visible);
        let Some(parameter) = parameters.first() else {
            let message = format!("The server has no parameter '{}'.", call.part(9));
            return Err(ArmError::not_found("ServerParameterNotFound", message));
        };
        Ok(Reply::ok(documents::configuration(
            &server,
            parameter,
            set.as_ref(),
        )))
    }

    async fn list_configurations(&self, call: &Call) -> Result<Reply, ArmError> {
        let (server, parameters) = self.parameters(call, None).await?;
        let (key, full) = (server.id.clone(), format!("{SERVERS}/configurations"));
        let set = self
            .engine
            .store
            .read(move |connection| Resource::children(connection, &key, Some(&full)))
            .await?;
        let of = |name: &str| {
            set.iter()
                .find(|child| child.visible && child.name().eq_ignore_ascii_case(name))
        };
        let documents = parameters
            .iter()
            .map(|parameter| documents::configuration(&server, parameter, of(&parameter.name)));
        Ok(Reply::list(&documents.collect::<Vec<_>>()))
    }

    /// Parameters as the running server knows them, Azure's own among them.
    async fn parameters(
        &self,
        call: &Call,
        name: Option<&str>,
    ) -> Result<(Resource, Vec<Parameter>), ArmError> {
        let key = call.server_key();
        let found = self
            .engine
            .store
            .read(move |connection| Ok((Resource::find(connection, &key)?, Server::find(connection, &key)?)))
            .await?;
        let (Some(resource), Some(server)) = found else {
            return Err(self.server_not_found(call).await?);
        };
        let same = |known: &Parameter| name.is_none_or(|name| known.name.eq_ignore_ascii_case(name));
        let mut parameters: Vec<Parameter> = documents::service_parameters().filter(same).collect();
        let only_ours = name.is_some_and(documents::is_service_parameter);
        if !only_ours {
            let session = self
                .engine
                .session(&server)
                .await
                .map_err(|failure| not_reachable(&failure))?;
            parameters.extend(
                session
                    .parameters(name)
                    .await
                    .map_err(|error| not_reachable(&error.into()))?,
            );
        }
        Ok((resource, parameters))
    }
}

fn not_reachable(failure: &Failure) -> ArmError {
    ArmError::conflict(
        "ServerNotReachable",
        format!("The server does not answer now: {failure}"),
    )
}
