//! Logical clusters: control planes beside the local one, in the same store, below `/clusters/<name>`.
//!
//! A cluster exists from the moment its record is on disk; what every cluster has is made after that and again at each
//! start, so that an interruption leaves no half of one. It goes in one transaction, with every object in it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use http::Uri;
use http::uri::PathAndQuery;
use pave_kube::{ControlPlaneError, ControlPlanes, Holder};
use pave_runtime::Tasks;
use rand::Rng as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::access::{Own, Rbac, open_issuer, person_token};
use crate::api::Server;
use crate::controller;
use crate::http::failure::Failure;
use crate::http::{Documents, handle};
use crate::resource::Registry;
use crate::storage::{ClusterRecord, CommitError, LOCAL, Order};

/// First step of the path of a logical cluster.
const PREFIX: &str = "/clusters/";

/// The logical clusters that are served.
pub(crate) struct Logical {
    /// Gives what all have in common: store, keys, people.
    local: Arc<Server>,
    tasks: Tasks,
    servers: RwLock<HashMap<String, Arc<Server>>>,
    /// One is made, changed or removed at a time.
    changing: tokio::sync::Mutex<()>,
}

impl Logical {
    /// Serves the clusters that are on record.
    pub(crate) async fn open(local: &Arc<Server>, tasks: &Tasks) -> Arc<Self> {
        let logical = Arc::new(Self {
            local: local.clone(),
            tasks: tasks.clone(),
            servers: RwLock::default(),
            changing: tokio::sync::Mutex::default(),
        });
        for record in local.storage.clusters() {
            logical.serve(&record).await;
        }
        logical
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Server>> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        servers.get(name).cloned()
    }

    /// Answers a request to one of them.
    pub(crate) async fn answer(&self, name: &str, rest: Uri, mut request: Request<Body>) -> Response {
        let Some(server) = self.find(name) else {
            let message = format!("there is no cluster \"{name}\" here; it may have been deleted");
            return Failure::new(404, "NotFound", message).into_response();
        };
        if server.own.as_ref().is_some_and(|own| !own.running) {
            let message = format!("the cluster \"{name}\" is stopped; start it first");
            return Failure::new(503, "ServiceUnavailable", message).into_response();
        }
        *request.uri_mut() = rest;
        handle(server, request).await
    }

    /// Serves a cluster as its record says, in place of what was served of it before.
    async fn serve(&self, record: &ClusterRecord) {
        let server = self.server_of(record);
        controller::bootstrap(&server).await;
        controller::ensure(
            &server,
            "rbac.authorization.k8s.io",
            "clusterrolebindings",
            open_issuer(),
        )
        .await;
        self.tasks
            .spawn("logical cluster controllers", controller::run(server.clone()));
        let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = servers.insert(record.id.clone(), server) {
            before.stop.cancel();
        }
    }

    fn server_of(&self, record: &ClusterRecord) -> Arc<Server> {
        let local = &self.local;
        Arc::new(Server {
            cluster: record.id.clone(),
            registry: Registry::new(local.storage.clone(), &record.id),
            rbac: Arc::new(Rbac::new(local.storage.clone(), &record.id)),
            storage: local.storage.clone(),
            identities: local.identities.clone(),
            keys: local.keys.clone(),
            documents: Documents::default(),
            stop: CancellationToken::clone(&local.stop).child_token(),
            own: Some(Own::new(record.url.clone(), record.running, &record.tokens)),
        })
    }

    fn record(&self, name: &str) -> Result<ClusterRecord, ControlPlaneError> {
        let found = self.local.storage.read().clusters.get(name).cloned();
        found.ok_or_else(|| ControlPlaneError::Unknown(name.to_owned()))
    }

    async fn put(&self, record: ClusterRecord) -> Result<(), ControlPlaneError> {
        self.order(Order::Put(record.clone())).await?;
        self.serve(&record).await;
        Ok(())
    }

    async fn order(&self, order: Order) -> Result<(), ControlPlaneError> {
        let refusal = |error| match error {
            CommitError::Full => ControlPlaneError::Storage("the disk is full".to_owned()),
            CommitError::Mismatch => ControlPlaneError::Storage("it was changed meanwhile".to_owned()),
            CommitError::Failed(why) => ControlPlaneError::Storage(why),
        };
        self.local.storage.order(order).await.map_err(refusal)
    }

    async fn ensure(&self, name: &str, url: String) -> Result<(), ControlPlaneError> {
        check_name(name)?;
        let _changing = self.changing.lock().await;
        if self.record(name).is_ok() {
            return Ok(());
        }
        self.put(ClusterRecord {
            id: name.to_owned(),
            url,
            running: true,
            tokens: new_tokens(),
        })
        .await
    }

    async fn remove(&self, name: &str) -> Result<(), ControlPlaneError> {
        let _changing = self.changing.lock().await;
        let server = {
            let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
            servers.remove(name)
        };
        if let Some(server) = server {
            server.stop.cancel();
        }
        if self.record(name).is_err() {
            return Ok(());
        }
        self.order(Order::Remove(name.to_owned())).await
    }

    async fn change(
        &self,
        name: &str,
        change: impl FnOnce(&mut ClusterRecord) + Send,
    ) -> Result<(), ControlPlaneError> {
        let _changing = self.changing.lock().await;
        let mut record = self.record(name)?;
        change(&mut record);
        self.put(record).await
    }
}

/// The control planes as others ask for them.
pub(crate) struct Planes {
    logical: Arc<Logical>,
    url: String,
}

impl Planes {
    pub(crate) fn new(logical: Arc<Logical>, url: &str) -> Self {
        Self {
            logical,
            url: url.trim_end_matches('/').to_owned(),
        }
    }
}

impl ControlPlanes for Planes {
    fn ensure<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>> {
        Box::pin(self.logical.ensure(name, self.url(name)))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>> {
        Box::pin(self.logical.remove(name))
    }

    fn set_running<'a>(
        &'a self,
        name: &'a str,
        running: bool,
    ) -> BoxFuture<'a, Result<(), ControlPlaneError>> {
        Box::pin(self.logical.change(name, move |record| record.running = running))
    }

    fn rotate<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>> {
        Box::pin(self.logical.change(name, |record| record.tokens = new_tokens()))
    }

    fn names(&self) -> Vec<String> {
        let records = self.logical.local.storage.clusters();
        records.into_iter().map(|record| record.id).collect()
    }

    fn url(&self, name: &str) -> String {
        format!("{}{PREFIX}{name}", self.url)
    }

    fn authority(&self) -> String {
        self.logical.local.keys.ca_pem().to_owned()
    }

    fn token(&self, name: &str, holder: &Holder) -> Result<String, ControlPlaneError> {
        let record = self.logical.record(name)?;
        let kept = |which: &str| record.tokens[which].as_str().unwrap_or_default().to_owned();
        match holder {
            Holder::Administrator => Ok(kept("administrator")),
            Holder::User => Ok(kept("user")),
            Holder::Person { user, groups } => {
                let keys = &self.logical.local.keys;
                person_token(keys, &record.url, user, groups)
                    .map_err(|error| ControlPlaneError::Storage(error.to_string()))
            }
        }
    }
}

/// Which logical cluster a request is for, and the rest of its address.
pub(crate) fn split(uri: &Uri) -> Option<(String, Uri)> {
    let below = uri.path().strip_prefix(PREFIX)?;
    let (name, rest) = below.split_once('/').unwrap_or((below, ""));
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let path: PathAndQuery = format!("/{rest}{query}").parse().ok()?;
    Some((name.to_owned(), Uri::from(path)))
}

fn new_tokens() -> Value {
    let token = || -> String {
        let mut rng = rand::rng();
        (0..128)
            .map(|_| char::from_digit(rng.random_range(0..16), 16).unwrap_or('0'))
            .collect()
    };
    json!({ "administrator": token(), "user": token() })
}

fn check_name(name: &str) -> Result<(), ControlPlaneError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 100 || name == LOCAL || !name.chars().all(fits) {
        return Err(ControlPlaneError::Name(name.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_cluster() {
        let check = |uri: &str, expected: Option<(&str, &str)>| {
            let found = split(&uri.parse().unwrap());
            let found = found.map(|(name, rest)| (name, rest.to_string()));
            let expected = expected.map(|(name, rest)| (name.to_owned(), rest.to_owned()));
            assert_eq!(found, expected, "{uri}");
        };
        check(
            "/clusters/a/api/v1/pods?watch=1",
            Some(("a", "/api/v1/pods?watch=1")),
        );
        check("/clusters/a", Some(("a", "/")));
        check("/clusters/a/", Some(("a", "/")));
        check("/api/v1/clusters/a", None);
    }

    #[test]
    fn names_fit_into_keys_and_urls() {
        for (name, fits) in [
            ("orders-1a2b", true),
            ("local", false),
            ("", false),
            ("a/b", false),
            ("A", false),
        ] {
            assert_eq!(check_name(name).is_ok(), fits, "{name}");
        }
    }
}
