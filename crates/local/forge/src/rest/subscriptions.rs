//! `_apis/hooks/subscriptions`: who wants to be told.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, list};
use crate::error::ApiError;
use crate::event::identity_json;
use crate::forge::Forge;
use crate::repository::below;
use crate::store::Subscription;

/// What is told of.
const EVENTS: [&str; 4] = [
    "git.push",
    "git.pullrequest.created",
    "git.pullrequest.updated",
    "git.pullrequest.merged",
];

/// Lists, shows, adds and deletes. Whoever may do so can have every push of the organization sent anywhere.
pub(crate) async fn serve(forge: &Forge, call: &Call, id: Option<&str>) -> Result<Response, ApiError> {
    let verb = match call.method {
        Method::POST => "create",
        Method::DELETE => "delete",
        _ => "get",
    };
    let path = format!("/forge/{}/_apis/hooks/subscriptions", call.organization);
    forge
        .allows(&call.principal, verb, path.clone())
        .await
        .map_err(|reason| {
            ApiError::forbidden(format!(
                "{}: verb {verb} on nonResourceURL {path} is missing. {reason}",
                call.principal.user
            ))
        })?;
    match (&call.method, id) {
        (&Method::GET, None) => {
            let all = forge.store().subscriptions(&call.organization).await?;
            Ok(list(all.iter().map(|it| show(forge, call, it))))
        }
        (&Method::GET, Some(id)) => {
            let all = forge.store().subscriptions(&call.organization).await?;
            let found = all.iter().find(|it| it.id.to_string().eq_ignore_ascii_case(id));
            let found = found.ok_or_else(|| ApiError::not_found(id))?;
            Ok(Json(show(forge, call, found)).into_response())
        }
        (&Method::POST, None) => create(forge, call).await,
        (&Method::DELETE, Some(id)) => {
            let id = Uuid::parse_str(id).map_err(|_| ApiError::not_found(id))?;
            if forge.store().delete_subscription(&call.organization, id).await? {
                Ok(StatusCode::NO_CONTENT.into_response())
            } else {
                Err(ApiError::not_found(&id.to_string()))
            }
        }
        _ => Err(ApiError::not_found("method for subscriptions")),
    }
}

async fn create(forge: &Forge, call: &Call) -> Result<Response, ApiError> {
    let mut body = call.json()?;
    let text = |body: &Value, pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let event = text(&body, "/eventType").unwrap_or_default();
    if !EVENTS.contains(&event.as_str()) {
        return Err(ApiError::bad_request(format!(
            "The event type '{event}' is not sent from here. Sent are: {}.",
            EVENTS.join(", ")
        )));
    }
    if text(&body, "/consumerId").as_deref() != Some("webHooks") {
        return Err(ApiError::bad_request("Only the consumer webHooks is known."));
    }
    let url = text(&body, "/consumerInputs/url").and_then(|url| url.parse::<url::Url>().ok());
    if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https")) {
        return Err(ApiError::bad_request(
            "consumerInputs.url is not an http or https URL.",
        ));
    }
    let password = text(&body, "/consumerInputs/basicAuthPassword");
    if let Some(inputs) = body.pointer_mut("/consumerInputs").and_then(Value::as_object_mut) {
        // It is kept sealed and never shown again.
        inputs.shift_remove("basicAuthPassword");
    }
    let subscription = forge.subscription(&call.organization, body, password.as_deref())?;
    forge.store().add_subscription(subscription.clone()).await?;
    Ok(Json(show(forge, call, &subscription)).into_response())
}

fn show(forge: &Forge, call: &Call, subscription: &Subscription) -> Value {
    let mut value = subscription.body.clone();
    let id = subscription.id.to_string();
    value["id"] = json!(id);
    value["url"] = json!(below(
        forge.base_url(),
        &[&call.organization, "_apis", "hooks", "subscriptions", &id]
    ));
    value["status"] = json!("enabled");
    value["createdDate"] = json!(subscription.created_at);
    value["createdBy"] = identity_json(forge.base_url(), &call.organization, &call.principal);
    if subscription.secret.is_some() {
        value["consumerInputs"]["basicAuthPassword"] = json!("********");
    }
    value
}
