//! Managed clusters: a control plane is made, stopped, removed.

use std::sync::Arc;

use pave_kube::{ControlPlaneError, ControlPlanes};
use serde_json::json;

use super::{Engine, Failure};
use crate::store::{Operation, OperationKind, Outcome, Plane, Resource};

impl Engine {
    fn planes(&self) -> Result<&Arc<dyn ControlPlanes>, Failure> {
        let missing = "nothing here makes control planes";
        self.planes
            .as_ref()
            .ok_or_else(|| Failure::refused("ControlPlaneNotAvailable", missing))
    }

    pub(super) async fn change_cluster(&self, operation: &Operation) -> Result<(), Failure> {
        let planes = self.planes()?;
        let id = operation.resource.clone();
        let plane = self
            .store
            .read(move |connection| Plane::find(connection, &id))
            .await?;
        let deletes = operation.kind == OperationKind::DeleteCluster;
        let Some(plane) = plane else {
            if deletes {
                return self.finish_deletion(operation).await;
            }
            let message = format!("`{}` is gone", operation.resource);
            return Err(Failure::refused("ResourceNotFound", message));
        };
        let mut power = None;
        match operation.kind {
            OperationKind::DeleteCluster => {
                planes.remove(&plane.name).await.map_err(failure)?;
                self.fault("cluster:removed")?;
                return self.finish_deletion(operation).await;
            }
            OperationKind::StartCluster | OperationKind::StopCluster => {
                let running = operation.kind == OperationKind::StartCluster;
                planes.set_running(&plane.name, running).await.map_err(failure)?;
                power = Some(if running { "Running" } else { "Stopped" });
            }
            OperationKind::RotateCluster => planes.rotate(&plane.name).await.map_err(failure)?,
            _ => planes.ensure(&plane.name).await.map_err(failure)?,
        }
        self.fault("cluster:made")?;
        let operation = operation.clone();
        self.store
            .write(move |transaction| {
                if let Some(mut cluster) = Resource::find(transaction, &operation.resource)? {
                    if let Some(power) = power {
                        cluster.body["properties"]["powerState"] = json!({ "code": power });
                    }
                    "Succeeded".clone_into(&mut cluster.state);
                    cluster.put(transaction)?;
                }
                Operation::finish(transaction, &operation.id, &Outcome::Succeeded)
            })
            .await?;
        Ok(())
    }

    async fn finish_deletion(&self, operation: &Operation) -> Result<(), Failure> {
        let deletion = operation.clone();
        self.store
            .write(move |transaction| {
                Operation::cancel_before(transaction, &deletion)?;
                Operation::finish(transaction, &deletion.id, &Outcome::Succeeded)?;
                Plane::remove(transaction, &deletion.resource)?;
                Resource::remove(transaction, &deletion.resource)
            })
            .await?;
        Ok(())
    }

    /// Removes control planes that no cluster has: left by a cloud whose data were thrown away.
    pub(crate) async fn remove_stray_planes(&self) -> Result<(), pave_store::StoreError> {
        let Some(planes) = &self.planes else { return Ok(()) };
        let known = self.store.read(Plane::names).await?;
        for name in planes.names().into_iter().filter(|name| !known.contains(name)) {
            if let Err(error) = planes.remove(&name).await {
                tracing::warn!(%error, name, "a stray control plane could not be removed");
            }
        }
        Ok(())
    }
}

fn failure(error: ControlPlaneError) -> Failure {
    match error {
        ControlPlaneError::Storage(why) => Failure::Lost(why),
        other => Failure::internal(&other),
    }
}
