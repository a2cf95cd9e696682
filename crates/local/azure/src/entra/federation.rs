//! Federated credentials: the token of a service account or a pipeline stands for an identity.
//!
//! Only tokens signed by this installation are known: those of its clusters, of its pipelines, of itself. There is no
//! way out of this machine by which the keys of another issuer could be fetched.

use axum::http::StatusCode;
use pave_runtime::clock;
use serde_json::Value;
use uuid::Uuid;

use super::{Client, Refusal};
use crate::arm::{Arm, CREDENTIALS};
use crate::caller::find_identity;
use crate::store::Resource;

const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn refuse(code: u32, message: String) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "invalid_client", code, message)
}

/// Whom an assertion proves to be the application `id`.
pub(super) async fn prove(arm: &Arm, id: &str, kind: &str, assertion: &str) -> Result<Client, Refusal> {
    if kind != BEARER {
        let message = format!("The client assertion type '{kind}' is not supported; use '{BEARER}'.");
        return Err(refuse(700_027, message));
    }
    let broken = || {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            90033,
            "The directory could not be read.",
        )
    };
    let Some(identity) = find_identity(arm, id).await.map_err(|_| broken())? else {
        let message = format!(
            "Application with identifier '{id}' was not found in the directory '{}'.",
            arm.options.tenant
        );
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "unauthorized_client",
            700_016,
            message,
        ));
    };
    let claims = arm.options.keys.verify_jwt(assertion).map_err(|error| {
        let message = format!(
            "Client assertion failed signature validation: {error}. Only tokens of this platform's own issuers are known here."
        );
        refuse(700_027, message)
    })?;
    check_time(&claims)?;
    let parent = identity.id.clone();
    let credentials = arm
        .engine
        .store
        .read(move |connection| Resource::children(connection, &parent, Some(&CREDENTIALS.to_lowercase())))
        .await
        .map_err(|_| broken())?;
    check_match(&credentials, &claims)?;
    Ok(Client {
        id: identity.property("clientId").to_owned(),
        object: Uuid::parse_str(identity.property("principalId")).unwrap_or_default(),
        name: identity.name().to_owned(),
        federated: true,
    })
}

fn check_time(claims: &Value) -> Result<(), Refusal> {
    let now = clock::unix_seconds();
    if claims["exp"].as_i64().unwrap_or_default() <= now {
        let message = "Client assertion is not within its valid time range: it has expired.";
        return Err(refuse(700_024, message.to_owned()));
    }
    if claims["nbf"].as_i64().unwrap_or_default() > now + 300 {
        let message = "Client assertion is not within its valid time range: it is not valid yet.";
        return Err(refuse(700_024, message.to_owned()));
    }
    Ok(())
}

/// Whether one of the credentials is about this token; if not, which of its three sides does not fit.
fn check_match(credentials: &[Resource], claims: &Value) -> Result<(), Refusal> {
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    let (issuer, subject) = (text("iss"), text("sub"));
    let audiences: Vec<&str> = match &claims["aud"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let same = |left: &str, right: &str| left.trim_end_matches('/') == right.trim_end_matches('/');
    let (mut issuer_known, mut subject_known) = (false, false);
    for credential in credentials {
        if !same(credential.property("issuer"), issuer) {
            continue;
        }
        issuer_known = true;
        if credential.property("subject") != subject {
            continue;
        }
        subject_known = true;
        let wanted = credential.body["properties"]["audiences"].as_array();
        let mut wanted = wanted.into_iter().flatten().filter_map(Value::as_str);
        if wanted.any(|wanted| audiences.contains(&wanted)) {
            return Ok(());
        }
    }
    let (code, side, shown) = if subject_known {
        (700_212, "audience", audiences.join(", "))
    } else if issuer_known {
        (700_213, "subject", subject.to_owned())
    } else {
        (700_211, "issuer", issuer.to_owned())
    };
    let message =
        format!("No matching federated identity record found for presented assertion {side} '{shown}'.");
    Err(refuse(code, message))
}
