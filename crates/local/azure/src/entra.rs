//! Entra ID: tokens for applications, and the documents by which clients find the endpoints.

mod federation;

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use pave_runtime::clock;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::arm::Arm;
use crate::caller::find_principal;
use crate::options::Options;

/// How long a token is good for, in seconds.
const LIFETIME: i64 = 3599;
/// Names that stand for the only tenant.
const TENANT_ALIASES: &[&str] = &["common", "organizations", "consumers"];

/// A refusal as Entra words it.
struct Refusal {
    status: StatusCode,
    error: &'static str,
    code: u32,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, code: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            error,
            code,
            message: message.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (trace, correlation) = (Uuid::new_v4(), Uuid::new_v4());
        let moment = clock::rfc3339();
        let description = format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}",
            self.code, self.message
        );
        let body = json!({
            "error": self.error,
            "error_description": description,
            "error_codes": [self.code],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
        });
        (self.status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}

/// Who asked for a token and proved it.
struct Client {
    id: String,
    object: Uuid,
    name: String,
    /// Whether a token of somebody else stood for it, rather than a secret.
    federated: bool,
}

/// `POST /{tenant}/oauth2/v2.0/token`: a scope says what the token is for.
pub(crate) async fn token_v2(
    State(arm): State<Arm>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = read_form(&body);
    let scope = form.get("scope").map(String::as_str).unwrap_or_default();
    let wanted = scope
        .split_whitespace()
        .find(|word| word.contains("://"))
        .unwrap_or(scope);
    let audience = wanted.strip_suffix("/.default").unwrap_or(wanted).to_owned();
    answer_token(&arm, &tenant, &headers, &form, audience).await
}

/// `POST /{tenant}/oauth2/token`: the older form, with a resource.
pub(crate) async fn token_v1(
    State(arm): State<Arm>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = read_form(&body);
    let audience = form.get("resource").cloned().unwrap_or_default();
    answer_token(&arm, &tenant, &headers, &form, audience).await
}

async fn answer_token(
    arm: &Arm,
    tenant: &str,
    headers: &HeaderMap,
    form: &BTreeMap<String, String>,
    audience: String,
) -> Response {
    match issue(arm, tenant, headers, form, &audience).await {
        Ok(body) => ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn issue(
    arm: &Arm,
    tenant: &str,
    headers: &HeaderMap,
    form: &BTreeMap<String, String>,
    audience: &str,
) -> Result<Value, Refusal> {
    let options = &*arm.options;
    check_tenant(options, tenant)?;
    let grant = form.get("grant_type").map(String::as_str).unwrap_or_default();
    if grant != "client_credentials" {
        let message = format!("The grant type '{grant}' is not supported here; use 'client_credentials'.");
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            70003,
            message,
        ));
    }
    if audience.is_empty() {
        let message = format!("The scope is missing; ask for '{}/.default'.", options.base_url);
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "invalid_scope",
            70011,
            message,
        ));
    }
    let client = prove(arm, headers, form).await?;
    let now = clock::unix_seconds();
    let claims = json!({
        "aud": audience,
        "iss": issuer(options),
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "appid": client.id,
        "azp": client.id,
        "appidacr": if client.federated { "2" } else { "1" },
        "app_displayname": client.name,
        "idtyp": "app",
        "oid": client.object,
        "sub": client.object,
        "tid": options.tenant,
        "uti": Uuid::new_v4().simple().to_string(),
        "ver": "2.0",
    });
    let token = options.keys.sign_jwt(&claims).map_err(|error| {
        tracing::error!(%error, "a token could not be signed");
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            90033,
            "A token could not be signed.",
        )
    })?;
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "ext_expires_in": LIFETIME,
        "expires_on": now + LIFETIME,
        "not_before": now,
        "resource": audience,
        "access_token": token,
    }))
}

/// Checks client id and secret, from the form or from a Basic header.
async fn prove(arm: &Arm, headers: &HeaderMap, form: &BTreeMap<String, String>) -> Result<Client, Refusal> {
    let options = &*arm.options;
    let basic = basic_credentials(headers);
    let field = |name: &str| form.get(name).cloned().filter(|value| !value.is_empty());
    let id = field("client_id")
        .or_else(|| basic.as_ref().map(|(id, _)| id.clone()))
        .unwrap_or_default();
    let Some(secret) = field("client_secret").or_else(|| basic.map(|(_, secret)| secret)) else {
        if let Some(assertion) = field("client_assertion") {
            let kind = field("client_assertion_type").unwrap_or_default();
            return federation::prove(arm, &id, &kind, &assertion).await;
        }
        let message = "The request body must contain the parameter 'client_secret'.";
        return Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            7_000_218,
            message,
        ));
    };
    let wrong = || {
        let message = format!("Invalid client secret provided for the application '{id}'.");
        Refusal::new(StatusCode::UNAUTHORIZED, "invalid_client", 7_000_215, message)
    };
    let same = |known: Uuid| known.to_string().eq_ignore_ascii_case(&id);
    if let Some(known) = options
        .service_principals
        .iter()
        .find(|known| same(known.client_id))
    {
        if !known.has_secret(&secret) {
            return Err(wrong());
        }
        return Ok(Client {
            id: known.client_id.to_string(),
            object: known.object_id,
            name: known.name.clone(),
            federated: false,
        });
    }
    let (Ok(Some(principal)), Some(identities)) = (find_principal(options, &id).await, &options.identities)
    else {
        let message = format!(
            "Application with identifier '{id}' was not found in the directory '{}'.",
            options.tenant
        );
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "unauthorized_client",
            700_016,
            message,
        ));
    };
    let shown = identities.authenticate(&secret).await.ok().flatten();
    let found = shown.filter(|found| found.id == principal.id).ok_or_else(wrong)?;
    Ok(Client {
        id: found.id.to_string(),
        object: found.id,
        name: found.display_name,
        federated: false,
    })
}

fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn read_form(body: &Bytes) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

fn issuer(options: &Options) -> String {
    format!("{}/{}/v2.0", options.base_url, options.tenant)
}

fn check_tenant(options: &Options, tenant: &str) -> Result<(), Refusal> {
    let known = tenant.eq_ignore_ascii_case(&options.tenant.to_string())
        || TENANT_ALIASES
            .iter()
            .any(|alias| alias.eq_ignore_ascii_case(tenant));
    if known {
        return Ok(());
    }
    let message = format!(
        "Tenant '{tenant}' not found. The tenant of this directory is '{}'.",
        options.tenant
    );
    Err(Refusal::new(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        90002,
        message,
    ))
}

/// `GET /{tenant}[/v2.0]/.well-known/openid-configuration`.
pub(crate) async fn openid_configuration(State(arm): State<Arm>, Path(tenant): Path<String>) -> Response {
    if let Err(refusal) = check_tenant(&arm.options, &tenant) {
        return refusal.into_response();
    }
    let options = &*arm.options;
    let base = format!("{}/{tenant}", options.base_url);
    Json(json!({
        "issuer": issuer(options),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "oid", "tid", "appid"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": host(options),
    }))
    .into_response()
}

/// `GET /{tenant}/discovery[/v2.0]/keys`.
pub(crate) async fn keys(State(arm): State<Arm>) -> Json<Value> {
    Json(arm.options.keys.jwks())
}

/// `GET /common/discovery/instance`: asked by clients that were told to trust us.
pub(crate) async fn instance_discovery(State(arm): State<Arm>) -> Json<Value> {
    let options = &*arm.options;
    let host = host(options);
    Json(json!({
        "tenant_discovery_endpoint":
            format!("{}/{}/v2.0/.well-known/openid-configuration", options.base_url, options.tenant),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    }))
}

fn host(options: &Options) -> String {
    options
        .base_url
        .split_once("://")
        .map_or(options.base_url.as_str(), |(_, host)| host)
        .to_owned()
}
