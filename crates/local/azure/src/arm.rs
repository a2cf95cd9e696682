//! Azure Resource Manager: reads a request, finds out who asks, and hands it to the type it is about.

mod activity;
mod children;
mod clusters;
mod flexible_servers;
mod groups;
mod health;
mod identities;
mod long_running;
mod plain;
mod reply;
mod request;
mod resources;
mod storage;
mod subscriptions;
mod tags;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use uuid::Uuid;

use crate::caller::{authenticate, authorize};
use crate::engine::Engine;
use crate::error::ArmError;
use crate::kinds::PROVIDERS;
use crate::options::Options;
pub(crate) use identities::{CREDENTIALS, IDENTITIES};
pub(crate) use plain::check_parent;
use reply::Reply;
use request::Call;
pub(crate) use request::decode;
pub(crate) use storage::{ACCOUNTS, CONTAINERS, KEYS};

/// Name space of the PostgreSQL types.
pub(crate) const POSTGRESQL: &str = "Microsoft.DBforPostgreSQL";

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Arm {
    pub(crate) options: Arc<Options>,
    pub(crate) engine: Arc<Engine>,
}

/// Answers one request.
pub(crate) async fn serve(State(arm): State<Arm>, request: Request<Body>) -> Response<Body> {
    let request_id = Uuid::new_v4();
    let headers = request.headers();
    let correlation =
        text_header(headers, "x-ms-correlation-request-id").unwrap_or_else(|| request_id.to_string());
    let wants_client = text_header(headers, "x-ms-return-client-request-id");
    let client = text_header(headers, "x-ms-client-request-id")
        .filter(|_| wants_client.is_some_and(|asked| asked.eq_ignore_ascii_case("true")));
    let is_head = request.method() == Method::HEAD;
    let result = answer(&arm, request, &correlation, request_id).await;
    let mut reply = result.unwrap_or_else(|error| {
        tracing::debug!(code = error.code, message = error.message, %request_id, "refused");
        Reply::from_error(&error)
    });
    reply.set_header("x-ms-request-id", request_id.to_string());
    reply.set_header("x-ms-routing-request-id", format!("LOCAL:{request_id}"));
    reply.set_header("x-ms-correlation-request-id", correlation);
    if let Some(client) = client {
        reply.set_header("x-ms-client-request-id", client);
    }
    reply.into_response(is_head)
}

fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

async fn answer(
    arm: &Arm,
    request: Request<Body>,
    correlation: &str,
    request_id: Uuid,
) -> Result<Reply, ArmError> {
    let caller = authenticate(arm, request.headers()).await?;
    refuse_deployments(request.uri().path())?;
    let call = Call::read(request, caller, correlation).await?;
    let result = match authorize(&arm.options, &call.caller, &call.method, &call.key(0)).await {
        Ok(()) => route(arm, &call).await,
        Err(error) => Err(error),
    };
    arm.record(&call, &request_id.to_string(), &result).await;
    result
}

/// Templates are not understood here; what they say need not be, for that to be said.
fn refuse_deployments(path: &str) -> Result<(), ArmError> {
    if !path
        .to_lowercase()
        .contains("/providers/microsoft.resources/deployments")
    {
        return Ok(());
    }
    let message = "The local cloud does not serve deployments of templates (help: make the resources one by one, with Terraform or `az`).";
    Err(ArmError::bad_request("DeploymentsNotSupported", message))
}

/// Finds who answers a path. Types and keywords are compared without regard to case, as clients write them as they like.
async fn route(arm: &Arm, call: &Call) -> Result<Reply, ArmError> {
    let lower: Vec<&str> = call.lower.iter().map(String::as_str).collect();
    match lower.as_slice() {
        ["tenants"] => arm.tenants(call),
        ["subscriptions"] => arm.subscriptions(call),
        ["providers", ..] => arm.providers(call, &lower[1..]),
        ["subscriptions", subscription, rest @ ..] => {
            arm.check_subscription(subscription)?;
            if rest.len() > tags::TAIL.len() && rest.ends_with(&tags::TAIL) {
                return arm.tags(call).await;
            }
            Box::pin(in_subscription(arm, call, rest)).await
        }
        _ => Err(call.unknown_path()),
    }
}

async fn in_subscription(arm: &Arm, call: &Call, rest: &[&str]) -> Result<Reply, ArmError> {
    match rest {
        [] => arm.subscription(call),
        ["locations"] => arm.locations(call),
        ["tagnames"] => arm.tag_names(call).await,
        ["resources"] => arm.list_resources(call, None).await,
        ["resourcegroups"] => arm.list_groups(call).await,
        ["resourcegroups", _] => Box::pin(arm.group(call)).await,
        ["resourcegroups", group, "resources"] => arm.list_resources(call, Some(group)).await,
        ["resourcegroups", _, "providers", namespace, types @ ..] => {
            in_namespace(arm, call, namespace, types).await
        }
        [
            "providers",
            _,
            "locations",
            _,
            "operations" | "azureasyncoperation",
            id,
        ] => arm.operation(call, id).await,
        ["operationresults", id] | ["providers", _, "locations", _, "operationresults", id] => {
            arm.operation_result(call, id).await
        }
        ["providers", "microsoft.dbforpostgresql", rest @ ..]
            if !rest.is_empty() && *rest != ["register"] =>
        {
            in_postgresql(arm, call, rest).await
        }
        [
            "providers",
            "microsoft.insights",
            "eventtypes",
            "management",
            "values",
        ] => arm.activity(call).await,
        ["providers", "microsoft.storage", "checknameavailability"] => arm.check_account_name(call).await,
        ["providers", "microsoft.storage", "storageaccounts"] => arm.list_accounts(call, None).await,
        ["providers", "microsoft.containerservice", "managedclusters"] => arm.list_clusters(call, None).await,
        ["providers", "microsoft.managedidentity", "userassignedidentities"] => {
            arm.list_identities(call).await
        }
        ["providers", rest @ ..] => arm.providers(call, rest),
        _ => Err(call.unknown_path()),
    }
}

async fn in_postgresql(arm: &Arm, call: &Call, rest: &[&str]) -> Result<Reply, ArmError> {
    match rest {
        ["flexibleservers"] => arm.list_servers(call, None).await,
        ["checknameavailability"] | ["locations", _, "checknameavailability"] => arm.check_name(call).await,
        ["locations", location, "capabilities"] => Arm::capabilities(call, location),
        _ => Err(call.unknown_path()),
    }
}

async fn in_group(arm: &Arm, call: &Call, types: &[&str]) -> Result<Reply, ArmError> {
    match types {
        ["flexibleservers"] => arm.list_servers(call, Some(call.group_key())).await,
        ["flexibleservers", _] => arm.server(call).await,
        ["flexibleservers", _, action @ ("start" | "stop" | "restart")] => arm.switch(call, action).await,
        ["flexibleservers", _, "capabilities"] => Arm::capabilities(call, ""),
        [
            "flexibleservers",
            _,
            "providers",
            "microsoft.resourcehealth",
            "availabilitystatuses",
            rest @ ..,
        ] if matches!(rest, [] | [health::CURRENT]) => arm.server_health(call, rest.is_empty()).await,
        ["flexibleservers", _, kind] => arm.list_children(call, kind).await,
        ["flexibleservers", _, kind, _] => arm.child(call, kind).await,
        _ => Err(call.unknown_path()),
    }
}

/// What lies in a group, by name space.
async fn in_namespace(arm: &Arm, call: &Call, namespace: &str, types: &[&str]) -> Result<Reply, ArmError> {
    if call.method == Method::HEAD && !types.is_empty() {
        return arm.exists(call).await;
    }
    match namespace {
        "microsoft.dbforpostgresql" => Box::pin(in_group(arm, call, types)).await,
        "microsoft.storage" => Box::pin(arm.storage(call, types)).await,
        "microsoft.managedidentity" => Box::pin(arm.identities(call, types)).await,
        "microsoft.containerservice" => Box::pin(arm.clusters(call, types)).await,
        _ => {
            let known: Vec<&str> = PROVIDERS.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "The resource namespace '{namespace}' is not available in the local cloud; it has {}.",
                known.join(", ")
            );
            Err(ArmError::new(
                StatusCode::NOT_FOUND,
                "InvalidResourceNamespace",
                message,
            ))
        }
    }
}
