//! Paths that are not resources: health, version, discovery, `OpenAPI`, token keys.

use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use pave_auth::{AccessRequest, Principal};
use serde_json::json;

use super::accept::{self, Accept, Encoding, Form};
use super::failure::Failure;
use super::target::Query;
use super::{VERSION, discovery, forbidden, openapi, respond};
use crate::api::Server;

/// Answers a path outside the resources.
pub(super) fn answer(
    server: &Server,
    principal: &Principal,
    parts: &Parts,
    path: &str,
    query: &Query,
) -> Result<Response, Failure> {
    let verb = if parts.method == Method::HEAD {
        "get".to_owned()
    } else {
        parts.method.as_str().to_lowercase()
    };
    let access = AccessRequest::path(&verb, path);
    let decision = server.rbac.decide(principal, &access);
    if !decision.allowed {
        return Err(forbidden(principal, &access, &decision.reason));
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Failure::method_not_allowed());
    }
    let accept = accept::negotiate(&parts.headers).unwrap_or(Accept {
        encoding: Encoding::Json,
        form: Form::Whole,
    });
    let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
    match steps.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => Ok(health(query)),
        ["version"] => Ok(version()),
        ["api"] => discovery::core(server, &parts.headers, &accept),
        ["apis"] => discovery::groups(server, &parts.headers, &accept),
        ["api", version] => Ok(discovery::resources(server, "", version)),
        ["apis", group] => Ok(discovery::group(server, group)),
        ["apis", group, version] => Ok(discovery::resources(server, group, version)),
        ["openapi", "v2"] => Ok(openapi::version_two(server, &parts.headers)),
        ["openapi", "v3"] => Ok(openapi::index(server)),
        ["openapi", "v3", rest @ ..] => Ok(openapi::document(server, rest, query)),
        ["openid", "v1", "jwks"] => Ok(respond::json_value(StatusCode::OK, &server.keys.jwks())),
        [".well-known", "openid-configuration"] => Ok(issuer(server, parts)),
        ["metrics"] => Ok(metrics(server)),
        [""] => Ok(respond::json_value(
            StatusCode::OK,
            &json!({ "paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"] }),
        )),
        _ => Ok(plain_not_found()),
    }
}

/// Clients tell an unknown group from an unknown resource by this not being a `Status`.
pub(super) fn plain_not_found() -> Response {
    respond::bytes(
        StatusCode::NOT_FOUND,
        "text/plain; charset=utf-8",
        Bytes::from_static(b"404 page not found\n"),
    )
}

fn health(query: &Query) -> Response {
    let text = if query.has("verbose") {
        "[+]ping ok\n[+]storage ok\ncheck passed\n"
    } else {
        "ok"
    };
    respond::bytes(
        StatusCode::OK,
        "text/plain; charset=utf-8",
        Bytes::from_static(text.as_bytes()),
    )
}

fn version() -> Response {
    let body = json!({
        "major": "1", "minor": "36", "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    });
    respond::json_value(StatusCode::OK, &body)
}

fn issuer(server: &Server, parts: &Parts) -> Response {
    let host = parts
        .headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let (issuer, place) = match &server.own {
        Some(own) => (own.url.as_str(), own.url.clone()),
        None => ("https://kubernetes.default.svc", format!("https://{host}")),
    };
    let body = json!({
        "issuer": issuer,
        "jwks_uri": format!("{place}/openid/v1/jwks"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    });
    respond::json_value(StatusCode::OK, &body)
}

fn metrics(server: &Server) -> Response {
    let state = server.storage.read();
    let own = state
        .tables
        .iter()
        .filter(|(table, _)| *table.cluster == *server.cluster);
    let objects: usize = own.map(|(_, table)| table.objects.len()).sum();
    let text = format!(
        "# TYPE pave_cluster_objects gauge\npave_cluster_objects {objects}\n# TYPE pave_cluster_revision counter\n\
         pave_cluster_revision {}\n",
        state.revision
    );
    respond::bytes(StatusCode::OK, "text/plain; version=0.0.4", text.into())
}
