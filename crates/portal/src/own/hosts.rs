//! `/api/hosts/{host}/…`: the pages speak a host's own REST API through the portal, which shows the credential for them.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_MATCH,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::context::Portal;
use crate::error::ApiError;
use crate::session::{Caller, token};

/// What of a request the host gets to see; credentials and cookies stay here.
const ASKED: [HeaderName; 3] = [ACCEPT, CONTENT_TYPE, IF_MATCH];
/// What of an answer the page gets to see.
const TOLD: [HeaderName; 4] = [
    CONTENT_TYPE,
    ETAG,
    RETRY_AFTER,
    HeaderName::from_static("x-ms-continuationtoken"),
];
/// A file of a repository is never a page of the portal.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/hosts", get(list))
}

pub(super) fn forwarding() -> Router<Portal> {
    Router::new().route("/api/hosts/{*rest}", any(forward))
}

/// The hosts whose repositories the pages show.
async fn list(State(portal): State<Portal>, _: Caller) -> Json<Value> {
    let items: Vec<Value> = portal
        .hosts
        .azure()
        .into_iter()
        .map(|(host, organizations)| {
            json!({ "host": host, "shared": portal.hosts.shares(&host), "organizations": organizations })
        })
        .collect();
    Json(json!({ "items": items }))
}

/// Passes a request on to the host, and the answer back as it is.
async fn forward(State(portal): State<Portal>, _: Caller, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix("/api/hosts/").unwrap_or_default();
    let target = portal.hosts.target(path, parts.uri.query())?;
    let own = token(&parts.headers).unwrap_or_default();
    let headers = only(&parts.headers, &ASKED);
    let has_body = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let answer = portal
        .hosts
        .send(&target, parts.method, headers, has_body.then_some(body), &own)
        .await?;
    let (status, headers) = (answer.status(), only(answer.headers(), &TOLD));
    let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
    *response.status_mut() = status;
    *response.headers_mut() = harmless(headers);
    Ok(response)
}

fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let wanted = headers.iter().filter(|(name, _)| names.contains(name));
    wanted
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Headers that keep a browser from showing a repository's file as a page of this portal.
fn harmless(mut headers: HeaderMap) -> HeaderMap {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim().to_lowercase())
        .unwrap_or_default();
    let plain = matches!(
        essence.as_str(),
        "application/json" | "text/plain" | "image/png" | "image/jpeg" | "image/gif" | "image/webp"
    );
    if !plain {
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    if essence.contains("html") || essence.is_empty() {
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers
}

#[cfg(test)]
mod tests {
    use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};

    use super::*;

    #[test]
    fn credentials_stay_here_and_files_are_no_pages() {
        let mut asked = HeaderMap::new();
        for name in [AUTHORIZATION, COOKIE, ACCEPT] {
            asked.insert(name, HeaderValue::from_static("x"));
        }
        assert_eq!(only(&asked, &ASKED).keys().collect::<Vec<_>>(), [&ACCEPT]);
        let check = |kind: &'static str, expected: &str, attached: bool| {
            let mut told = HeaderMap::new();
            told.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            told.insert(SET_COOKIE, HeaderValue::from_static("x=y"));
            let headers = harmless(only(&told, &TOLD));
            assert_eq!(headers[CONTENT_TYPE], expected);
            assert_eq!(headers.contains_key(CONTENT_DISPOSITION), attached, "{kind}");
            assert!(!headers.contains_key(SET_COOKIE));
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        };
        check(
            "application/json; charset=utf-8",
            "application/json; charset=utf-8",
            false,
        );
        check("text/html", "text/plain; charset=utf-8", true);
        check("image/svg+xml", "image/svg+xml", true);
        check("text/plain; charset=utf-8", "text/plain; charset=utf-8", false);
    }
}
