//! `POST serviceaccounts/x/token`.

use std::borrow::Cow;

use axum::response::Response;
use http::StatusCode;
use pave_runtime::clock;
use serde_json::json;

use super::{Call, Server};
use crate::http::body;
use crate::http::failure::Failure;
use crate::http::respond;

const LIFETIME: i64 = 3600;
const SHORTEST: i64 = 600;

pub(super) fn create(server: &Server, call: &Call) -> Result<Response, Failure> {
    let account = server.find(call)?;
    let mut request = body::decode(&call.headers, &call.body)?.value;
    if !request.is_object() {
        return Err(Failure::bad_request("the body must be an object"));
    }
    if !request["spec"].is_object() {
        request["spec"] = json!({});
    }
    let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or(LIFETIME);
    if seconds < SHORTEST {
        let why = format!(
            "spec.expirationSeconds: Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        );
        return Err(Failure::new(
            422,
            "Invalid",
            format!("TokenRequest.authentication.k8s.io \"\" is invalid: {why}"),
        ));
    }
    let broken = |why: String| Failure::internal(why);
    let (namespace, name) = (&*account.name.namespace, &*account.name.name);
    let token = server
        .identities
        .service_account_token(namespace, name)
        .map_err(|error| broken(error.to_string()))?;
    let mut claims = server
        .keys
        .verify_jwt(&token)
        .map_err(|error| broken(error.to_string()))?;
    if let Some(own) = &server.own {
        claims["iss"] = json!(own.url);
        claims["aud"] = json!([own.url]);
    }
    let expiry = clock::unix_seconds() + seconds;
    claims["exp"] = json!(expiry);
    claims["kubernetes.io"]["serviceaccount"]["uid"] = json!(account.uid());
    if request["spec"]["audiences"]
        .as_array()
        .is_some_and(|audiences| !audiences.is_empty())
    {
        claims["aud"] = request["spec"]["audiences"].clone();
    } else {
        request["spec"]["audiences"] = claims["aud"].clone();
    }
    let token = server
        .keys
        .sign_jwt(&claims)
        .map_err(|error| broken(error.to_string()))?;
    let expires = jiff::Timestamp::from_second(expiry).map_err(|error| broken(error.to_string()))?;
    request["kind"] = json!("TokenRequest");
    request["apiVersion"] = json!("authentication.k8s.io/v1");
    request["metadata"] =
        json!({ "name": name, "namespace": namespace, "creationTimestamp": clock::rfc3339() });
    request["spec"]["expirationSeconds"] = json!(seconds);
    request["status"] = json!({ "token": token, "expirationTimestamp": clock::to_rfc3339(expires) });
    Ok(respond::one(
        StatusCode::CREATED,
        &call.accept,
        &call.query,
        &call.resource,
        Cow::Owned(request),
    ))
}
