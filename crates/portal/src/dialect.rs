//! Every failure under `/api` in Backstage's form, also those that the HTTP layer itself answers.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Value, json};

/// Longest failure that is put into form; they are short.
const LONGEST: usize = 1024 * 1024;

/// Adds what was asked to failures, and gives those that are plain text their name.
pub(crate) async fn speak(request: Request, next: Next) -> Response {
    let (method, url) = (request.method().to_string(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    if !failed || !url.starts_with("/api/") {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, LONGEST).await.unwrap_or_default();
    let told = serde_json::from_slice::<Value>(&bytes)
        .ok()
        .filter(Value::is_object);
    let mut told = told.unwrap_or_else(|| {
        json!({
            "error": { "name": name_of(status), "message": String::from_utf8_lossy(&bytes) },
            "response": { "statusCode": status.as_u16() },
        })
    });
    if told.get("error").is_some() {
        // The path alone: a query may hold what is nobody's business.
        told["request"] = json!({ "method": method, "url": url });
    }
    parts.headers.remove(CONTENT_LENGTH);
    parts
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(told.to_string()))
}

/// Backstage's name for a status.
fn name_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "AuthenticationError",
        StatusCode::FORBIDDEN => "NotAllowedError",
        StatusCode::NOT_FOUND => "NotFoundError",
        StatusCode::CONFLICT => "ConflictError",
        status if status.is_client_error() => "InputError",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::post;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_body_that_is_not_json_is_refused_in_form() {
        let router = Router::new()
            .route("/api/x", post(|_: axum::Json<Value>| async {}))
            .layer(axum::middleware::from_fn(speak));
        let request = Request::post("/api/x?token=secret")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from("{"));
        let response = router.oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body: Value =
            serde_json::from_slice(&to_bytes(response.into_body(), LONGEST).await.unwrap()).unwrap();
        assert_eq!(body["error"]["name"], "InputError");
        assert_eq!(body["request"], json!({ "method": "POST", "url": "/api/x" }));
    }
}
