//! What lies below a cluster: node pools and maintenance windows, both only written down.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::arm::Arm;
use crate::arm::plain::{self, Place, refuse_deleting};
use crate::arm::reply::Reply;
use crate::arm::request::Call;
use crate::documents;
use crate::error::ArmError;
use crate::store::Resource;

impl Arm {
    pub(super) async fn list_pools(&self, call: &Call) -> Result<Reply, ArmError> {
        let cluster = self.required(call, &call.server_key()).await?;
        let pools = cluster.body["properties"]["agentPoolProfiles"].as_array();
        let shown = pools.into_iter().flatten();
        let shown = shown.map(|pool| documents::render_pool(&cluster, pool));
        Ok(Reply::list(&shown.collect::<Vec<_>>()))
    }

    pub(super) async fn pool(&self, call: &Call, name: &str) -> Result<Reply, ArmError> {
        let cluster = self.required(call, &call.server_key()).await?;
        let known = documents::find_pool(&cluster.body, name);
        match call.method {
            Method::GET => {
                let absent = || {
                    let message = format!("Could not find the agent pool '{name}' in '{}'.", cluster.name());
                    ArmError::not_found("NotFound", message)
                };
                let pool = known.ok_or_else(absent)?;
                Ok(Reply::ok(documents::render_pool(&cluster, pool)))
            }
            Method::PUT => {
                let status = if known.is_some() {
                    StatusCode::OK
                } else {
                    StatusCode::CREATED
                };
                let (pool, change) = (name.to_owned(), call.object()?["properties"].clone());
                let change = if change.is_object() { change } else { json!({}) };
                let (cluster, ()) = self
                    .change_cluster(call, move |body| documents::put_pool(body, &pool, &change))
                    .await?;
                let pool = documents::find_pool(&cluster.body, name)
                    .cloned()
                    .unwrap_or_default();
                let operation = self.finished(call, &cluster).await?;
                Ok(self.told(call, &operation, status, documents::render_pool(&cluster, &pool)))
            }
            Method::DELETE => {
                let pool = name.to_owned();
                let (cluster, removed) = self
                    .change_cluster(call, move |body| documents::remove_pool(body, &pool))
                    .await?;
                if !removed {
                    return Ok(Reply::empty(StatusCode::NO_CONTENT));
                }
                let operation = self.finished(call, &cluster).await?;
                Ok(self.accepted(call, &operation))
            }
            _ => Err(call.method_not_allowed()),
        }
    }

    async fn change_cluster<T: Send + 'static>(
        &self,
        call: &Call,
        change: impl FnOnce(&mut Value) -> Result<T, ArmError> + Send + 'static,
    ) -> Result<(Resource, T), ArmError> {
        let (key, name) = (call.server_key(), call.part(7).to_owned());
        let written = self.engine.store.write(move |transaction| {
            let Some(mut cluster) = Resource::find(transaction, &key)? else {
                let message = format!("The cluster '{name}' is gone.");
                return Ok(Err(ArmError::not_found("NotFound", message)));
            };
            if let Err(error) = refuse_deleting(Some(&cluster)) {
                return Ok(Err(error));
            }
            let made = match change(&mut cluster.body) {
                Ok(made) => made,
                Err(error) => return Ok(Err(error)),
            };
            cluster.put(transaction)?;
            Ok(Ok((cluster, made)))
        });
        written.await?
    }

    /// When Azure may work on the cluster; kept, without effect here.
    pub(super) async fn maintenance(&self, call: &Call) -> Result<Reply, ArmError> {
        match call.method {
            Method::GET => {
                let found = self.required(call, &call.key(0)).await?;
                Ok(Reply::ok(plain::render(&found)))
            }
            Method::PUT => {
                let place = Place {
                    key: call.key(0),
                    parent: call.server_key(),
                    below: format!("maintenanceConfigurations/{}", call.part(9)),
                };
                let body = documents::writable(call.object()?);
                let (kept, _) = self.keep(call, place, |_| Ok(body), |_, _| Ok(Ok(()))).await?;
                Ok(Reply::ok(plain::render(&kept)))
            }
            Method::DELETE => self.drop_plain(call.key(0)).await,
            _ => Err(call.method_not_allowed()),
        }
    }
}
