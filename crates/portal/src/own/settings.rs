use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use pave_auth::AccessRequest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::permit;
use crate::audit::Action;
use crate::context::Portal;
use crate::error::ApiError;
use crate::session::Caller;

pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/tokens", get(tokens).post(create))
        .route("/tokens/{id}", delete(revoke))
        .route("/audit", get(audit))
}

async fn tokens(State(portal): State<Portal>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let moment = |seconds: i64| {
        jiff::Timestamp::from_second(seconds)
            .ok()
            .map(|it| it.to_string())
    };
    let items: Vec<Value> = portal
        .identities
        .tokens(&caller.0.entity)
        .await?
        .into_iter()
        .map(|token| {
            json!({
                "id": token.id, "purpose": token.purpose, "createdAt": moment(token.created_at),
                "expiresAt": token.expires_at.and_then(moment),
            })
        })
        .collect();
    Ok(Json(json!({ "items": items })))
}

/// Longest life of a token, in days, where one is named.
const LONGEST: u64 = 366;

#[derive(Deserialize)]
struct NewToken {
    purpose: String,
    /// Days until it expires; without, it does not.
    #[serde(default)]
    days: Option<u64>,
}

async fn create(
    State(portal): State<Portal>,
    caller: Caller,
    Json(wanted): Json<NewToken>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let purpose = wanted.purpose.trim();
    if purpose.is_empty() {
        return Err(ApiError::input("a token needs a purpose: what is it for?"));
    }
    if wanted.days.is_some_and(|days| !(1..=LONGEST).contains(&days)) {
        return Err(ApiError::input(format!(
            "a token lives 1 to {LONGEST} days, or for ever"
        )));
    }
    let lifetime = wanted.days.map(|days| Duration::from_secs(days * 24 * 60 * 60));
    let token = portal
        .identities
        .issue_token(&caller.0.entity, purpose, lifetime)
        .await?;
    portal
        .audit
        .record(
            &caller.0,
            Action::CreateToken,
            caller.0.entity.to_string(),
            purpose,
        )
        .await?;
    Ok((StatusCode::CREATED, Json(json!({ "token": token }))))
}

async fn revoke(
    State(portal): State<Portal>,
    caller: Caller,
    Path(id): Path<uuid::Uuid>,
) -> Result<StatusCode, ApiError> {
    let own = portal
        .identities
        .tokens(&caller.0.entity)
        .await?
        .iter()
        .any(|token| token.id == id);
    if !own {
        return Err(ApiError::not_found(format!("you have no token `{id}`")));
    }
    portal.identities.revoke_token(id).await?;
    portal
        .audit
        .record(&caller.0, Action::RevokeToken, id.to_string(), "")
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Limit {
    limit: Option<u32>,
}

/// The audit log, for those who may `get` the non-resource path `/pave/audit`.
async fn audit(
    State(portal): State<Portal>,
    caller: Caller,
    Query(query): Query<Limit>,
) -> Result<Json<Value>, ApiError> {
    permit(&portal, &caller.0, &AccessRequest::path("get", "/pave/audit")).await?;
    let items = portal.audit.latest(query.limit.unwrap_or(100).min(1000)).await?;
    Ok(Json(json!({ "items": items })))
}
