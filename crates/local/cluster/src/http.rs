//! The HTTP side: who asks, what for, may they; then the verb is handed to `api`.

pub(crate) mod accept;
pub(crate) mod body;
mod discovery;
pub(crate) mod failure;
pub(crate) mod listing;
mod openapi;
pub(crate) use openapi::Documents;
mod protobuf;
pub(crate) mod respond;
pub(crate) mod selector;
pub(crate) mod shape;
mod site;
mod span;
pub(crate) mod target;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::{BodyExt, Limited};
use pave_auth::{AccessRequest, Principal, credential_from_header};
use serde_json::json;

use crate::access::principal_of;
use crate::api::{Call, Server};
use crate::resource::Resource;
use failure::Failure;
use target::{Query, Target};

/// What `/version` says: helm and others compare it as semver.
pub(crate) const VERSION: &str = concat!("v1.36.0+pave", env!("CARGO_PKG_VERSION"));

/// Put into a request's extensions when who asks is known already.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Principal);

/// Answers one request.
pub(crate) async fn handle(server: Arc<Server>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let audit = parts.headers.get("audit-id").cloned();
    // A defect in one request must not take an in-process caller down with it.
    let outcome = AssertUnwindSafe(route(&server, parts, body)).catch_unwind().await;
    let mut response = match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(failure)) => failure.into_response(),
        Err(_) => {
            tracing::error!("a request handler panicked");
            Failure::internal("the request met a defect of the server; see its log").into_response()
        }
    };
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache, private"));
    let audit = audit.or_else(|| HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).ok());
    if let Some(audit) = audit {
        headers.insert("audit-id", audit);
    }
    response
}

async fn route(server: &Arc<Server>, parts: Parts, body: Body) -> Result<Response, Failure> {
    let principal = authenticate(server, &parts).await?;
    let principal = impersonate(server, principal, &parts.headers)?;
    let path = parts.uri.path().to_owned();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let Some(target) = Target::parse(&path) else {
        return site::answer(server, &principal, &parts, &path, &query);
    };
    let snapshot = server.registry.snapshot();
    let found = snapshot
        .find(&target.group, &target.version, &target.plural)
        .cloned();
    let name = target.name.clone();
    let access = access_request(&target, &parts, &query, found.as_deref());
    let decision = server.rbac.decide(&principal, &access);
    if !decision.allowed {
        return Err(forbidden(&principal, &access, &decision.reason));
    }
    if !snapshot.has_version(&target.group, &target.version) {
        return Ok(site::plain_not_found());
    }
    let resource = found.ok_or_else(Failure::unknown_resource)?;
    if !Server::knows_subresource(&resource, &target) {
        return Err(Failure::unknown_resource());
    }
    if !resource.namespaced && !target.namespace.is_empty() && target.namespace != name {
        return Err(Failure::unknown_resource());
    }
    let accept = accept::negotiate(&parts.headers)?;
    let body = Limited::new(body, body::LIMIT).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Failure::new(
                413,
                "RequestEntityTooLarge",
                "Request entity too large: limit is 3145728",
            )
        } else {
            Failure::bad_request("the body could not be read")
        }
    })?;
    let call = Call {
        method: parts.method,
        target,
        resource,
        query,
        headers: parts.headers,
        accept,
        principal,
        body: body.to_bytes(),
        warnings: Mutex::default(),
    };
    server.answer(call).await
}

async fn authenticate(server: &Server, parts: &Parts) -> Result<Principal, Failure> {
    if let Some(Caller(principal)) = parts.extensions.get::<Caller>() {
        return Ok(principal.clone());
    }
    let Some(sent) = parts.headers.get(header::AUTHORIZATION) else {
        return Ok(Principal::anonymous());
    };
    let token = credential_from_header(sent.to_str().ok()).ok_or_else(Failure::unauthorized)?;
    let found = principal_of(server, &token).await;
    found
        .map_err(|error| Failure::internal(error.to_string()))?
        .ok_or_else(Failure::unauthorized)
}

/// `Impersonate-User` and `Impersonate-Group`, each allowed by the verb `impersonate`.
fn impersonate(server: &Server, principal: Principal, headers: &HeaderMap) -> Result<Principal, Failure> {
    let Some(user) = headers
        .get("impersonate-user")
        .and_then(|user| user.to_str().ok())
    else {
        return Ok(principal);
    };
    let groups: Vec<&str> = headers
        .get_all("impersonate-group")
        .iter()
        .filter_map(|group| group.to_str().ok())
        .collect();
    let account = user
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'));
    let ask = |resource: &str, namespace: &str, name: &str| {
        let request = AccessRequest {
            verb: "impersonate".to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..AccessRequest::default()
        };
        let decision = server.rbac.decide(&principal, &request);
        if decision.allowed {
            Ok(())
        } else {
            Err(forbidden(&principal, &request, &decision.reason))
        }
    };
    let mut assumed = if let Some((namespace, name)) = account {
        ask("serviceaccounts", namespace, name)?;
        Principal::service_account(namespace, name)
    } else {
        ask("users", "", user)?;
        let mut assumed = Principal::anonymous();
        user.clone_into(&mut assumed.user);
        user.clone_into(&mut assumed.display_name);
        assumed.groups.clear();
        assumed
    };
    for group in groups {
        ask("groups", "", group)?;
        assumed.groups.push(group.to_owned());
    }
    Ok(assumed)
}

fn access_request(
    target: &Target,
    parts: &Parts,
    query: &Query,
    resource: Option<&Resource>,
) -> AccessRequest {
    let mut name = target.name.clone();
    if name.is_empty()
        && let Some(resource) = resource
        && let Ok(selectors) = selector::Selectors::parse(resource, "", query.get("fieldSelector"))
    {
        selectors.pinned_name().unwrap_or_default().clone_into(&mut name);
    }
    AccessRequest {
        verb: target.verb(&parts.method, query.flag("watch")).to_owned(),
        group: target.group.clone(),
        resource: target.plural.clone(),
        subresource: target.subresource.clone(),
        namespace: target.namespace.clone(),
        name,
        path: String::new(),
    }
}

/// 403 in upstream's words. Which rule is missing goes where clients do not parse: a cause and a warning.
pub(crate) fn forbidden(principal: &Principal, access: &AccessRequest, hint: &str) -> Failure {
    let AccessRequest {
        verb,
        group,
        resource,
        subresource,
        namespace,
        name,
        path,
    } = access;
    let user = &principal.user;
    if !path.is_empty() {
        let message = format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\"");
        let mut failure = Failure::new(403, "Forbidden", message).with_details(json!({}));
        failure.hint = Some(hint.to_owned());
        return failure;
    }
    let shown = if subresource.is_empty() {
        resource.clone()
    } else {
        format!("{resource}/{subresource}")
    };
    let qualified = if group.is_empty() {
        resource.clone()
    } else {
        format!("{resource}.{group}")
    };
    let subject = if name.is_empty() {
        qualified
    } else {
        format!("{qualified} \"{name}\"")
    };
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{namespace}\"")
    };
    let message = format!(
        "{subject} is forbidden: User \"{user}\" cannot {verb} resource \"{shown}\" in API group \"{group}\" {place}"
    );
    let mut details = json!({
        "kind": resource, "causes": [{ "reason": "MissingRule", "message": hint }],
    });
    if !group.is_empty() {
        details["group"] = json!(group);
    }
    if !name.is_empty() {
        details["name"] = json!(name);
    }
    let mut failure = Failure::new(403, "Forbidden", message).with_details(details);
    failure.hint = Some(hint.to_owned());
    failure
}

impl Server {
    /// 403 unless the caller may also do another verb to the same object.
    pub(crate) fn require(&self, call: &Call, verb: &str) -> Result<(), Failure> {
        let request = AccessRequest {
            verb: verb.to_owned(),
            group: call.target.group.clone(),
            resource: call.target.plural.clone(),
            namespace: call.target.namespace.clone(),
            ..AccessRequest::default()
        };
        let decision = self.rbac.decide(&call.principal, &request);
        if decision.allowed {
            Ok(())
        } else {
            Err(forbidden(&call.principal, &request, &decision.reason))
        }
    }
}
