//! Who asks: a bearer token, or the cookie that a sign-in link leaves behind.

use std::time::Duration;

use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use pave_auth::{Principal, credential_from_header};
use serde::Deserialize;

use crate::audit::Action;
use crate::context::Portal;
use crate::error::ApiError;
use crate::mount::Mounted;

/// Name of the session cookie.
const COOKIE_NAME: &str = "pave_session";
/// How long a sign-in lasts.
const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// The principal of a request; extracting it refuses those who show no valid credential.
pub(crate) struct Caller(pub(crate) Principal);

impl FromRequestParts<Portal> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, ApiError> {
        let token = token(&parts.headers).ok_or_else(|| ApiError::unauthenticated("Missing credentials"))?;
        match portal.identities.authenticate(&token).await? {
            Some(principal) => Ok(Self(principal)),
            None => Err(ApiError::unauthenticated(
                "the token is unknown, revoked or expired; make a new one with `pave token create`",
            )),
        }
    }
}

/// The credential that a request shows.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    credential_from_header(authorization).or_else(|| cookie(headers))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value.to_owned())
}

/// Refuses foreign hosts (DNS rebinding) and cookie-borne changes from foreign pages (request forgery).
pub(crate) async fn guard(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .map(ToOwned::to_owned);
    // HTTP/2 carries the host in the URI.
    let host = host
        .or_else(|| request.uri().authority().map(ToString::to_string))
        .unwrap_or_default();
    if !portal.is_own_host(&host) {
        return ApiError::not_allowed(format!(
            "this portal is not served as `{host}`; open {}, or name the address in `app.baseUrl`",
            portal.addresses.portal
        ))
        .into_response();
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && headers.get(AUTHORIZATION).is_none() && cookie(headers).is_some() {
        let origin = headers
            .get(ORIGIN)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !portal.is_own_origin(origin) {
            return ApiError::not_allowed(
                "changes with a session cookie must come from the portal's own pages",
            )
            .into_response();
        }
    }
    next.run(request).await
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/sign-in", get(sign_in))
        .route("/api/pave/v1/session/sign-out", post(sign_out))
}

#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    code: String,
}

/// Takes a one-time code and leaves a cookie; the code is gone from the address bar at once.
async fn sign_in(
    State(portal): State<Portal>,
    mounted: Option<Extension<Mounted>>,
    Query(query): Query<SignIn>,
) -> Result<Response, ApiError> {
    let mounted = mounted.map(|it| it.0).unwrap_or_default();
    let Some(principal) = portal.identities.redeem_sign_in(&query.code).await? else {
        let home = [(LOCATION, format!("{}/?sign-in=expired", mounted.prefix))];
        return Ok((StatusCode::SEE_OTHER, home).into_response());
    };
    let token = portal
        .identities
        .issue_token(&principal.entity, "browser session", Some(LIFETIME))
        .await?;
    portal
        .audit
        .record(&principal, Action::SignIn, principal.entity.to_string(), "")
        .await?;
    let cookie = cookie_of(&token, LIFETIME.as_secs(), &mounted);
    // A page that moves on by itself: a redirect would be followed without the cookie, since the click came from elsewhere.
    let home = format!("{}/", mounted.prefix);
    let page = format!(
        "<!doctype html><meta charset=utf-8><title>Pave</title><meta http-equiv=refresh content=\"0;url={home}\"><a href=\"{home}\">Continue to Pave</a>"
    );
    let headers = [
        (SET_COOKIE, cookie.as_str()),
        (axum::http::header::CONTENT_TYPE, "text/html; charset=utf-8"),
    ];
    Ok((headers, page).into_response())
}

/// A cookie for nothing but the portal: below a prefix, what else the host serves does not see it.
fn cookie_of(token: &str, seconds: u64, mounted: &Mounted) -> String {
    let secure = if mounted.secure { "; Secure" } else { "" };
    format!(
        "{COOKIE_NAME}={token}; Path={}/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}",
        mounted.prefix
    )
}

async fn sign_out(
    State(portal): State<Portal>,
    caller: Caller,
    mounted: Option<Extension<Mounted>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(token) = cookie(&headers) {
        portal.identities.revoke_value(&token).await?;
        portal
            .audit
            .record(&caller.0, Action::SignOut, caller.0.entity.to_string(), "")
            .await?;
    }
    let gone = cookie_of("", 0, &mounted.map(|it| it.0).unwrap_or_default());
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, gone)]).into_response())
}
