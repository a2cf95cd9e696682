//! `_apis/userentitlements`: everybody who is known, as user lists of clients want it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::Method;
use pave_auth::Principal;
use serde_json::{Value, json};

use super::Call;
use crate::ForgeError;
use crate::error::ApiError;
use crate::event::identity_json;
use crate::forge::Forge;

async fn people(forge: &Forge, call: &Call) -> Result<Vec<Principal>, ApiError> {
    if call.method != Method::GET {
        return Err(ApiError::bad_request(
            "Users come from the catalog; they cannot be changed here.",
        ));
    }
    Ok(forge.identities().principals().await.map_err(ForgeError::from)?)
}

/// All of them, by pages.
pub(super) async fn all(forge: &Forge, call: &Call) -> Result<Response, ApiError> {
    let people = people(forge, call).await?;
    let number = |name: &str, otherwise| {
        call.query
            .number(name, call.query.number(&format!("${name}"), otherwise))
    };
    let page = people.iter().skip(number("skip", 0)).take(number("top", 100));
    let members: Vec<Value> = page.map(|it| shown(forge, call, it)).collect();
    let body = json!({
        "members": members, "items": members, "totalCount": people.len(), "continuationToken": null,
    });
    Ok(Json(body).into_response())
}

/// One, by id.
pub(super) async fn one(forge: &Forge, call: &Call, id: &str) -> Result<Response, ApiError> {
    let people = people(forge, call).await?;
    let found = people.iter().find(|it| it.id.to_string() == id);
    let found = found.ok_or_else(|| ApiError::not_found(&format!("user {id}")))?;
    Ok(Json(shown(forge, call, found)).into_response())
}

fn shown(forge: &Forge, call: &Call, it: &Principal) -> Value {
    let identity = identity_json(forge.base_url(), &call.organization, it);
    json!({
        "id": it.id,
        "user": {
            "subjectKind": "user",
            "origin": "aad",
            "originId": it.id,
            "displayName": it.display_name,
            "principalName": identity["uniqueName"],
            "mailAddress": it.email,
            "descriptor": identity["descriptor"],
            "url": identity["url"],
        },
        "accessLevel": {
            "accountLicenseType": "express", "licenseDisplayName": "Basic", "licensingSource": "account",
            "msdnLicenseType": "none", "assignmentSource": "unknown", "status": "active", "statusMessage": "",
        },
        "projectEntitlements": [], "groupAssignments": [], "extensions": [],
    })
}
