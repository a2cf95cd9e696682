//! `POST /api/webhook`: the very door at which dev.azure.com would knock after a push.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::context::Portal;
use crate::error::ApiError;

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/api/webhook", post(receive))
}

async fn receive(State(portal): State<Portal>, headers: HeaderMap, body: Bytes) -> Response {
    let (user, password) = portal.webhook.as_ref();
    let expected = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let shown = headers
        .get(AUTHORIZATION)
        .map(axum::http::HeaderValue::as_bytes)
        .unwrap_or_default();
    // Hashes are compared, so that the time taken tells nothing of the password.
    if digest(shown) != digest(expected.as_bytes()) {
        return ApiError::unauthenticated("the webhook's user name or password is wrong").into_response();
    }
    let reply = portal.gitops.webhook(&headers, &body);
    let repository = serde_json::from_slice::<Value>(&body).ok().and_then(|payload| {
        Some(
            payload
                .pointer("/resource/repository/remoteUrl")?
                .as_str()?
                .to_owned(),
        )
    });
    if let Some(repository) = repository {
        let catalog = portal.catalog.clone();
        portal.tasks.spawn("catalog: refresh after a push", async move {
            catalog
                .refresh_where(|target| target.starts_with(&repository))
                .await;
        });
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    (status, reply.message).into_response()
}

fn digest(bytes: &[u8]) -> impl PartialEq + use<> {
    use sha2::{Digest, Sha256};
    let sum: [u8; 32] = Sha256::digest(bytes).into();
    sum
}
