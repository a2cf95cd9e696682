//! GET of one object, LIST with its revision rules and pages.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Server};
use crate::http::accept::Form;
use crate::http::failure::{Cause, Failure};
use crate::http::selector::Selectors;
use crate::http::{listing, respond};
use crate::storage::{Object, ObjectName, Select};

/// How long a list waits for a revision that has not been reached.
const WAIT: Duration = Duration::from_secs(3);

pub(super) fn get(server: &Server, call: &Call) -> Result<Response, Failure> {
    let object = server.find(call)?;
    if call.target.subresource == "scale" {
        let scale = super::scale::read(&call.resource, &respond::view(&call.resource, &object))?;
        return Ok(respond::value(StatusCode::OK, &call.accept, &call.query, &scale));
    }
    Ok(respond::object(
        StatusCode::OK,
        &call.accept,
        &call.query,
        &call.resource,
        &object,
    ))
}

/// What a list asked for came to: one page of a snapshot.
struct Page {
    revision: u64,
    objects: Vec<Arc<Object>>,
    next: Option<String>,
    remaining: Option<usize>,
}

pub(super) async fn list(server: &Server, call: &Arc<Call>) -> Result<Response, Failure> {
    if call.query.has("sendInitialEvents") {
        let why = "Forbidden: sendInitialEvents is forbidden for list";
        return Err(invalid_options("sendInitialEvents", "FieldValueForbidden", why));
    }
    let selectors = call.selectors()?;
    let page = page(server, call, &selectors).await?;
    Ok(render(call, page))
}

/// 422 about list parameters.
pub(super) fn invalid_options(field: &str, reason: &str, why: &str) -> Failure {
    let cause = Cause::new(field, reason, why);
    let details = json!({
        "kind": "ListOptions", "group": "meta.k8s.io",
        "causes": [{ "reason": cause.reason, "message": cause.message, "field": cause.field }],
    });
    Failure::new(
        422,
        "Invalid",
        format!("ListOptions.meta.k8s.io \"\" is invalid: {field}: {why}"),
    )
    .with_details(details)
}

async fn page(server: &Server, call: &Call, selectors: &Selectors) -> Result<Page, Failure> {
    let query = &call.query;
    let namespace = call.namespace();
    let table = &call.resource.table;
    let matching = query.get("resourceVersionMatch");
    let token = query.get("continue");
    let asked = query.get("resourceVersion");
    if !matching.is_empty() && (asked.is_empty() || !token.is_empty()) {
        let why = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided and continue is not";
        return Err(invalid_options(
            "resourceVersionMatch",
            "FieldValueForbidden",
            why,
        ));
    }
    let (mut revision, start) = match token {
        "" => (None, None),
        token => {
            let (revision, start) = parse_token(token)?;
            (revision, Some(start))
        }
    };
    if token.is_empty() && !asked.is_empty() {
        let asked = parse_revision(asked)?;
        if matching == "Exact" {
            if asked == 0 {
                let why = "Forbidden: resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"";
                return Err(invalid_options(
                    "resourceVersionMatch",
                    "FieldValueForbidden",
                    why,
                ));
            }
            revision = Some(asked);
        }
        wait_for(server, asked).await?;
    }
    let limit = query.number("limit").filter(|limit| *limit > 0);
    let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let select = Select {
        namespace,
        start: start.as_ref(),
        // Which objects match is found out later, without holding up writers.
        most: limit.filter(|_| selectors.is_empty()),
    };
    let Ok(mut found) = server.storage.select(table, revision, &select) else {
        return Err(gone(server, start));
    };
    if !selectors.is_empty() {
        found.objects.retain(|object| selectors.matches(&object.value));
        found.cut(limit.unwrap_or(usize::MAX));
    }
    let revision = found.revision;
    Ok(Page {
        revision,
        next: found.next.map(|next| format_token(Some(revision), &next)),
        remaining: (found.left > 0 && selectors.is_empty()).then_some(found.left),
        objects: found.objects,
    })
}

fn gone(server: &Server, start: Option<ObjectName>) -> Failure {
    let message = "The provided continue parameter is too old to display a consistent list result. You can start a \
                   new list without the continue parameter, or use the continue token in this response to retrieve \
                   the remainder of the results.";
    let mut failure = Failure::expired(message);
    if let Some(start) = start {
        failure.fresh_continue = Some(format_token(None, &start));
    } else {
        let oldest = server.storage.read().floor;
        failure.message =
            format!("The resourceVersion for the provided list is too old; the oldest is {oldest}");
    }
    failure
}

/// Waits until a revision is reached, for a while.
pub(super) async fn wait_for(server: &Server, revision: u64) -> Result<(), Failure> {
    let mut feed = server.storage.feed();
    if server.storage.revision() >= revision {
        return Ok(());
    }
    let reached = async {
        while server.storage.revision() < revision {
            drop(feed.recv().await);
        }
    };
    if tokio::time::timeout(WAIT, reached).await.is_ok() {
        return Ok(());
    }
    let current = server.storage.revision();
    let message = format!("Timeout: Too large resource version: {revision}, current: {current}");
    let details = json!({
        "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
        "retryAfterSeconds": 1,
    });
    Err(Failure::new(504, "Timeout", message).with_details(details))
}

pub(super) fn parse_revision(text: &str) -> Result<u64, Failure> {
    text.parse().map_err(|_| {
        let why = format!("Invalid value: \"{text}\": must be a non-negative number");
        invalid_options("resourceVersion", "FieldValueInvalid", &why)
    })
}

fn format_token(revision: Option<u64>, start: &ObjectName) -> String {
    let token = json!({ "v": "1", "rv": revision, "ns": &*start.namespace, "name": &*start.name });
    BASE64.encode(token.to_string())
}

fn parse_token(text: &str) -> Result<(Option<u64>, ObjectName), Failure> {
    let bad = || Failure::bad_request("continue key is not valid");
    let bytes = BASE64.decode(text.trim_end_matches('=')).map_err(|_| bad())?;
    let token: Value = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    let name = token["name"].as_str().ok_or_else(bad)?;
    let namespace = token["ns"].as_str().ok_or_else(bad)?;
    Ok((token["rv"].as_u64(), ObjectName::new(namespace, name)))
}

fn render(call: &Arc<Call>, page: Page) -> Response {
    let mut metadata = json!({ "resourceVersion": page.revision.to_string() });
    if let Some(next) = &page.next {
        metadata["continue"] = json!(next);
    }
    if let Some(remaining) = page.remaining {
        metadata["remainingItemCount"] = json!(remaining);
    }
    if respond::is_compact(&call.accept, &call.query) {
        return listing::answer(call.clone(), &metadata, page.objects);
    }
    let list = as_value(call, &metadata, &page.objects);
    respond::value(StatusCode::OK, &call.accept, &call.query, &list)
}

/// A list for the encodings that are made of values.
fn as_value(call: &Call, metadata: &Value, objects: &[Arc<Object>]) -> Value {
    let resource = &call.resource;
    let views = objects.iter().map(|object| respond::view(resource, object));
    match &call.accept.form {
        Form::Whole | Form::Discovery(_) => {
            let items: Vec<_> = views.collect();
            json!({
                "kind": resource.list_kind, "apiVersion": resource.api_version(), "metadata": metadata, "items": items,
            })
        }
        Form::Table(version) => {
            let views: Vec<_> = views.collect();
            respond::table(resource, version, &call.query, metadata, &views)
        }
        Form::Partial(version) => {
            let items: Vec<Value> = objects
                .iter()
                .map(|object| respond::partial(version, &object.value))
                .collect();
            json!({
                "kind": "PartialObjectMetadataList", "apiVersion": format!("meta.k8s.io/{version}"),
                "metadata": metadata, "items": items,
            })
        }
    }
}
