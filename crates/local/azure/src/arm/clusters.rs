//! `Microsoft.ContainerService/managedClusters`: each is a control plane of its own, without nodes.

mod pools;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use pave_kube::{ControlPlanes, Holder};
use rusqlite::Transaction;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Arm;
use super::identities::IDENTITIES;
use super::plain::{Place, check_parent, refuse_deleting};
use super::reply::Reply;
use super::request::Call;
use crate::documents::{self, Identities};
use crate::error::ArmError;
use crate::store::{Operation, OperationKind, Plane, Resource};

/// The type of clusters.
pub(crate) const CLUSTERS: &str = "Microsoft.ContainerService/managedClusters";

impl Arm {
    /// Everything below `…/providers/Microsoft.ContainerService` in a group.
    pub(crate) async fn clusters(&self, call: &Call, types: &[&str]) -> Result<Reply, ArmError> {
        match types {
            ["managedclusters"] => self.list_clusters(call, Some(call.group_key())).await,
            ["managedclusters", _] => Box::pin(self.cluster(call)).await,
            ["managedclusters", _, "listclusteradmincredential"] => self.credential_of(call, true).await,
            [
                "managedclusters",
                _,
                "listclusterusercredential" | "listclustermonitoringusercredential",
            ] => self.credential_of(call, false).await,
            [
                "managedclusters",
                _,
                action @ ("start" | "stop" | "rotateclustercertificates"),
            ] => self.switch_cluster(call, action).await,
            ["managedclusters", _, "agentpools"] => self.list_pools(call).await,
            ["managedclusters", _, "agentpools", name] => self.pool(call, name).await,
            ["managedclusters", _, "maintenanceconfigurations"] => {
                let cluster = Some(call.server_key());
                self.list_plain(call, MAINTENANCE, cluster, super::plain::render)
                    .await
            }
            ["managedclusters", _, "maintenanceconfigurations", _] => self.maintenance(call).await,
            _ => Err(call.unknown_path()),
        }
    }

    pub(crate) async fn list_clusters(&self, call: &Call, group: Option<String>) -> Result<Reply, ArmError> {
        let planes = self.planes()?.clone();
        let names = self.engine.store.read(|connection| {
            let all = Resource::of_kind(connection, &CLUSTERS.to_lowercase())?;
            all.into_iter()
                .map(|cluster| Ok((cluster.id.clone(), Plane::find(connection, &cluster.id)?)))
                .collect::<rusqlite::Result<std::collections::BTreeMap<_, _>>>()
        });
        let names = names.await?;
        self.list_plain(call, CLUSTERS, group, |cluster| {
            let plane = names.get(&cluster.id).and_then(Option::as_ref);
            documents::render_cluster(
                cluster,
                &plane.map_or_else(String::new, |it| planes.url(&it.name)),
            )
        })
        .await
    }

    fn planes(&self) -> Result<&Arc<dyn ControlPlanes>, ArmError> {
        self.options.control_planes.as_ref().ok_or_else(|| {
            let message = "This local cloud was started without anything that makes control planes.";
            ArmError::conflict("ControlPlaneNotAvailable", message)
        })
    }

    /// A cluster and its control plane.
    async fn found(&self, call: &Call) -> Result<(Resource, Plane), ArmError> {
        let cluster = self.required(call, &call.server_key()).await?;
        let id = cluster.id.clone();
        let plane = self
            .engine
            .store
            .read(move |connection| Plane::find(connection, &id))
            .await?;
        let gone = || ArmError::conflict("NotFound", "The control plane of this cluster is gone.");
        Ok((cluster, plane.ok_or_else(gone)?))
    }

    /// A cluster as it is shown.
    pub(crate) async fn show_cluster(&self, cluster: &Resource) -> Result<Value, ArmError> {
        let id = cluster.id.clone();
        let plane = self
            .engine
            .store
            .read(move |connection| Plane::find(connection, &id))
            .await?;
        let url = match (&self.options.control_planes, plane) {
            (Some(planes), Some(plane)) => planes.url(&plane.name),
            _ => String::new(),
        };
        Ok(documents::render_cluster(cluster, &url))
    }

    async fn cluster(&self, call: &Call) -> Result<Reply, ArmError> {
        match call.method {
            Method::GET => {
                let cluster = self.required(call, &call.server_key()).await?;
                Ok(Reply::ok(self.show_cluster(&cluster).await?))
            }
            Method::PUT => self.put_cluster(call).await,
            Method::PATCH => self.tag_cluster(call).await,
            Method::DELETE => self.delete_cluster(call).await,
            _ => Err(call.method_not_allowed()),
        }
    }

    async fn put_cluster(&self, call: &Call) -> Result<Reply, ArmError> {
        self.planes()?;
        let place = Place::in_group(call, CLUSTERS);
        let (name, request) = (call.part(7).to_owned(), call.object()?.clone());
        let (tenant, stamp) = (self.options.tenant, call.stamp(None));
        let mut operation = call.operation(OperationKind::CreateCluster, &place.key, &place.key, "");
        let written = self.engine.store.write(move |transaction| {
            let group = match check_parent(transaction, &place.parent)? {
                Ok(group) => group,
                Err(error) => return Ok(Err(error)),
            };
            let existing = Resource::find(transaction, &place.key)?;
            if let Err(error) = refuse_deleting(existing.as_ref()) {
                return Ok(Err(error));
            }
            let identities = known_identities(transaction, &request)?;
            let body = match &existing {
                None => documents::create_cluster(&name, group.name(), &request, tenant, &identities),
                Some(existing) => documents::update_cluster(&existing.body, &request, tenant, &identities),
            };
            let body = match body {
                Ok(body) => body,
                Err(error) => return Ok(Err(error)),
            };
            let mut stamp = stamp;
            if let Some(existing) = &existing {
                stamp.created_by.clone_from(&existing.stamp.created_by);
                stamp.created_at.clone_from(&existing.stamp.created_at);
            }
            let made = Plane::find(transaction, &place.key)?.is_some();
            if !made {
                plane_of(&place.key, &body).insert(transaction)?;
            }
            let created = existing.is_none();
            if !created {
                operation.kind = OperationKind::UpdateCluster;
            }
            body["location"]
                .as_str()
                .unwrap_or("global")
                .clone_into(&mut operation.location);
            let canonical = existing.map_or_else(
                || format!("{}/{}", group.canonical, place.below),
                |it| it.canonical,
            );
            let cluster = Resource {
                canonical,
                kind: place.kind(),
                id: place.key,
                parent: group.id,
                state: if created { "Creating" } else { "Updating" }.to_owned(),
                visible: true,
                body,
                stamp,
            };
            cluster.put(transaction)?;
            operation.insert(transaction)?;
            Ok(Ok((cluster, operation, created)))
        });
        let (cluster, operation, created) = written.await??;
        self.engine.wake(&operation.lane);
        let status = if created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        let shown = self.show_cluster(&cluster).await?;
        Ok(self.told(call, &operation, status, shown))
    }

    /// `PATCH`: tags only, as in Azure.
    async fn tag_cluster(&self, call: &Call) -> Result<Reply, ArmError> {
        let (key, tags) = (call.server_key(), call.object()?["tags"].clone());
        self.required(call, &key).await?;
        let changed = self.engine.store.write(move |transaction| {
            let Some(mut cluster) = Resource::find(transaction, &key)? else {
                return Ok(None);
            };
            cluster.body["tags"] = tags;
            cluster.put(transaction)?;
            Ok(Some(cluster))
        });
        let cluster = match changed.await? {
            Some(cluster) => cluster,
            None => self.required(call, &call.server_key()).await?,
        };
        let operation = self.finished(call, &cluster).await?;
        let shown = self.show_cluster(&cluster).await?;
        Ok(self.told(call, &operation, StatusCode::OK, shown))
    }

    async fn delete_cluster(&self, call: &Call) -> Result<Reply, ArmError> {
        let key = call.server_key();
        let template = call.operation(OperationKind::DeleteCluster, &key, &key, "");
        let written = self
            .engine
            .store
            .write(move |transaction| match Resource::find(transaction, &key)? {
                Some(cluster) => ask_for_deletion(transaction, &cluster, template).map(Some),
                None => Ok(None),
            })
            .await?;
        match written {
            Some(operation) => Ok(self.begin(call, &operation)),
            None => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        }
    }

    async fn switch_cluster(&self, call: &Call, action: &str) -> Result<Reply, ArmError> {
        if call.method != Method::POST {
            return Err(call.method_not_allowed());
        }
        let (kind, state) = match action {
            "start" => (OperationKind::StartCluster, "Starting"),
            "stop" => (OperationKind::StopCluster, "Stopping"),
            _ => (OperationKind::RotateCluster, "Updating"),
        };
        let (cluster, _) = self.found(call).await?;
        refuse_deleting(Some(&cluster))?;
        let location = cluster.body["location"].as_str().unwrap_or_default();
        let operation = call.operation(kind, &cluster.id, &cluster.id, location);
        let (recorded, id) = (operation.clone(), cluster.id);
        self.engine
            .store
            .write(move |transaction| {
                Resource::set_state(transaction, &id, state, true)?;
                recorded.insert(transaction)
            })
            .await?;
        Ok(self.begin(call, &operation))
    }

    /// `POST listCluster{Admin,User}Credential`.
    async fn credential_of(&self, call: &Call, administrator: bool) -> Result<Reply, ArmError> {
        if call.method != Method::POST {
            return Err(call.method_not_allowed());
        }
        let planes = self.planes()?;
        let (cluster, plane) = self.found(call).await?;
        let properties = &cluster.body["properties"];
        let by_person = properties["aadProfile"].is_object();
        if properties["disableLocalAccounts"] == true && (administrator || !by_person) {
            let message = "Getting static credential is not allowed because this cluster is set to disable local accounts.";
            return Err(ArmError::bad_request("BadRequest", message));
        }
        let holder = match (&call.caller.principal, administrator) {
            (_, true) => Holder::Administrator,
            (Some(principal), false) if by_person => Holder::Person {
                user: principal.user.clone(),
                groups: principal.groups.clone(),
            },
            (None, false) if by_person => Holder::Person {
                user: call.caller.name.clone(),
                groups: Vec::new(),
            },
            (_, false) => Holder::User,
        };
        let token = planes.token(&plane.name, &holder).map_err(|_| {
            let message = format!("The cluster '{}' is not ready yet; ask again.", cluster.name());
            ArmError::conflict("OperationNotAllowed", message)
        })?;
        let (prefix, context) = if administrator {
            ("clusterAdmin", format!("{}-admin", cluster.name()))
        } else {
            ("clusterUser", cluster.name().to_owned())
        };
        let group = cluster.canonical.split('/').nth(4).unwrap_or_default();
        let user = format!("{prefix}_{group}_{}", cluster.name());
        let config = documents::kubeconfig(
            &planes.url(&plane.name),
            &planes.authority(),
            cluster.name(),
            &user,
            &context,
            &token,
        );
        let text = pave_yaml::to_string(&config);
        let value = base64::engine::general_purpose::STANDARD.encode(text);
        Ok(Reply::ok(
            json!({ "kubeconfigs": [{ "name": prefix, "value": value }] }),
        ))
    }
}

const MAINTENANCE: &str = "Microsoft.ContainerService/managedClusters/maintenanceConfigurations";

/// A control plane for a new cluster. Its name is never used twice, so that an old kubeconfig does not fit a new one.
fn plane_of(key: &str, body: &Value) -> Plane {
    let prefix = body["properties"]["dnsPrefix"].as_str().unwrap_or("cluster");
    let random = Uuid::new_v4().simple().to_string();
    Plane {
        id: key.to_owned(),
        name: format!("{}-{}", prefix.to_lowercase(), &random[..8]),
    }
}

/// The identities of this cloud that a request names.
fn known_identities(transaction: &Transaction<'_>, request: &Value) -> rusqlite::Result<Identities> {
    let mut known = Identities::new();
    for id in documents::used_identities(request) {
        let found = Resource::find(transaction, &id)?;
        if let Some(found) = found.filter(|it| it.kind == IDENTITIES.to_lowercase()) {
            let ids = (
                found.property("clientId").to_owned(),
                found.property("principalId").to_owned(),
            );
            known.insert(id, ids);
        }
    }
    Ok(known)
}

/// Asks for a cluster's deletion, once.
pub(crate) fn ask_for_deletion(
    transaction: &Transaction<'_>,
    cluster: &Resource,
    template: Operation,
) -> rusqlite::Result<Operation> {
    let kind = OperationKind::DeleteCluster;
    if let Some(running) = Operation::running(transaction, &cluster.id, kind)? {
        return Ok(running);
    }
    let operation = Operation {
        kind,
        lane: cluster.id.clone(),
        resource: cluster.id.clone(),
        location: cluster.body["location"].as_str().unwrap_or("global").to_owned(),
        ..template
    };
    operation.insert(transaction)?;
    Resource::set_state(transaction, &cluster.id, "Deleting", true)?;
    Ok(operation)
}
