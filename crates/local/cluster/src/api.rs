//! The verbs: what each request on a resource does. Handlers decide; `storage` keeps.

mod admission;
mod bookkeeping;
mod delete;
mod ownership;
mod patch;
mod read;
mod reviews;
mod rules;
mod scale;
mod strategy;
mod token;
mod watch;
mod write;

use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method};
use pave_auth::{Identities, Principal};
use tokio_util::sync::CancellationToken;

use crate::access::{Own, Rbac};
use crate::http::accept::Accept;
use crate::http::failure::{self, Failure};
use crate::http::selector::Selectors;
use crate::http::target::{Query, Target};
use crate::resource::{Registry, Resource};
use crate::storage::{Object, ObjectName, Storage, TableId};

pub(crate) use delete::{Deletion, Propagation};

/// Everything the API stands on.
pub(crate) struct Server {
    pub(crate) cluster: String,
    pub(crate) storage: Storage,
    pub(crate) registry: Registry,
    pub(crate) rbac: Arc<Rbac>,
    pub(crate) identities: Identities,
    pub(crate) keys: pave_keys::Keys,
    pub(crate) documents: crate::http::Documents,
    pub(crate) stop: CancellationToken,
    /// What a logical cluster has of its own; nothing for the local one.
    pub(crate) own: Option<Own>,
}

/// One request on a resource, authenticated and understood.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) resource: Arc<Resource>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) accept: Accept,
    pub(crate) principal: Principal,
    pub(crate) body: Bytes,
    pub(crate) warnings: Mutex<Vec<String>>,
}

impl Call {
    /// The namespace that the request is confined to.
    pub(crate) fn namespace(&self) -> Option<&str> {
        (self.resource.namespaced && !self.target.namespace.is_empty())
            .then_some(self.target.namespace.as_str())
    }

    pub(crate) fn object_name(&self) -> ObjectName {
        ObjectName::new(self.namespace().unwrap_or_default(), &self.target.name)
    }

    pub(crate) fn selectors(&self) -> Result<Selectors, Failure> {
        Selectors::parse(
            &self.resource,
            self.query.get("labelSelector"),
            self.query.get("fieldSelector"),
        )
    }

    pub(crate) fn warn(&self, warning: impl Into<String>) {
        self.warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(warning.into());
    }

    /// Whether nothing may be stored.
    pub(crate) fn is_dry_run(&self) -> Result<bool, Failure> {
        match self.query.get("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => Err(Failure::new(
                422,
                "Invalid",
                format!("dryRun: Unsupported value: \"{other}\": supported values: \"All\""),
            )),
        }
    }

    /// Who the fields of this write belong to.
    pub(crate) fn manager(&self) -> String {
        let manager = self.query.get("fieldManager");
        if !manager.is_empty() {
            return manager.to_owned();
        }
        let sent = self
            .headers
            .get(http::header::USER_AGENT)
            .and_then(|name| name.to_str().ok());
        // In process nobody names their program: the account says more than "unknown".
        let account = self.principal.user.rsplit(':').next().unwrap_or("unknown");
        let program = sent.map_or(account, |sent| sent.split('/').next().unwrap_or(account));
        program
            .chars()
            .filter(|character| !character.is_control())
            .take(128)
            .collect()
    }
}

impl Server {
    /// The object that a request names, or 404.
    pub(crate) fn find(&self, call: &Call) -> Result<Arc<Object>, Failure> {
        self.storage
            .get(&call.resource.table, &call.object_name())
            .ok_or_else(|| Failure::not_found(&call.resource, &call.target.name))
    }

    pub(crate) fn builtin_table(&self, group: &str, plural: &str) -> TableId {
        TableId::new(&self.cluster, group, plural)
    }

    /// Answers one request on a resource.
    pub(crate) async fn answer(self: &Arc<Self>, call: Call) -> Result<Response, Failure> {
        let call = Arc::new(call);
        let result = self.dispatch(&call).await;
        result.map(|mut response| {
            let warnings = call.warnings.lock().unwrap_or_else(PoisonError::into_inner);
            for warning in warnings.iter() {
                if let Some(value) = failure::warning(warning) {
                    response.headers_mut().append(http::header::WARNING, value);
                }
            }
            response
        })
    }

    async fn dispatch(self: &Arc<Self>, call: &Arc<Call>) -> Result<Response, Failure> {
        let target = &call.target;
        if call.resource.traits.is_review {
            return match call.method {
                Method::POST => reviews::answer(self, call).await,
                _ => Err(Failure::method_not_allowed()),
            };
        }
        let has_name = !target.name.is_empty();
        let is_watch = call.query.flag("watch");
        match (call.method.as_str(), has_name, target.subresource.as_str()) {
            ("GET" | "HEAD", _, "") if is_watch => watch::watch(self, call.clone()).await,
            ("GET" | "HEAD", true, "" | "status" | "scale") => read::get(self, call),
            ("GET" | "HEAD", false, "") => read::list(self, call).await,
            ("POST", false, "") => write::create(self, call).await,
            ("POST", true, "token") => token::create(self, call),
            ("PUT", true, "" | "status" | "finalize") => write::update(self, call).await,
            ("PATCH", true, "" | "status") => patch::patch(self, call).await,
            ("PUT" | "PATCH", true, "scale") => scale::write(self, call).await,
            ("DELETE", true, "") => delete::one(self, call).await,
            ("DELETE", false, "") => delete::collection(self, call).await,
            ("GET", true, "log") if call.resource.is("", "pods") => {
                self.find(call)?;
                Err(Failure::bad_request("container not available, no node"))
            }
            _ => Err(Failure::method_not_allowed()),
        }
    }

    /// Whether a resource has the subresource that a path names.
    pub(crate) fn knows_subresource(resource: &Resource, target: &Target) -> bool {
        let name = target.subresource.as_str();
        name.is_empty()
            || resource
                .subresources()
                .iter()
                .any(|subresource| subresource.name == name)
            || (resource.is("", "pods") && name == "log")
    }
}
