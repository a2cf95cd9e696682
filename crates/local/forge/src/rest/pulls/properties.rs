//! `…/pullRequests/{id}/properties`: what tools note on a pull request, by JSON patches.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::Method;
use serde_json::{Map, Value, json};

use super::At;
use crate::error::ApiError;
use crate::store::Note;

/// The most that all properties of one pull request may take.
const LARGEST: usize = 256 * 1024;

/// Shows the properties, or changes them.
pub(super) async fn serve(at: &At<'_>, id: &str) -> Result<Response, ApiError> {
    match at.call.method {
        Method::GET => Ok(shown(&at.pull(id).await?.properties)),
        Method::PATCH => {
            let (_turn, mut pull) = at.held(id).await?;
            at.check_review(&pull, &format!("change pull request {id}"))
                .await?;
            patch(&mut pull.properties, &at.call.json()?)?;
            at.forge
                .keep_pull(at.repository, &pull, vec![Note::UPDATED])
                .await?;
            Ok(shown(&pull.properties))
        }
        _ => Err(ApiError::not_found("method for properties")),
    }
}

/// Each with its type, as upstream's property bags are written.
fn shown(properties: &Map<String, Value>) -> Response {
    let typed = properties.iter().map(|(name, value)| {
        let kind = match value {
            Value::Number(number) if number.is_f64() => "System.Double",
            Value::Number(_) => "System.Int32",
            Value::Bool(_) => "System.Boolean",
            _ => "System.String",
        };
        let text = match value {
            Value::Object(_) | Value::Array(_) => json!(value.to_string()),
            other => other.clone(),
        };
        (name.clone(), json!({ "$type": kind, "$value": text }))
    });
    let typed: Map<String, Value> = typed.collect();
    Json(json!({ "count": typed.len(), "value": typed })).into_response()
}

fn patch(properties: &mut Map<String, Value>, body: &Value) -> Result<(), ApiError> {
    let steps = body.as_array().filter(|steps| !steps.is_empty()).ok_or_else(|| {
        ApiError::bad_request("Give a JSON patch: [{\"op\": \"add\", \"path\": \"/name\", \"value\": …}].")
    })?;
    for step in steps {
        let path = step.get("path").and_then(Value::as_str).unwrap_or_default();
        let name = path.trim_start_matches('/').replace("~1", "/").replace("~0", "~");
        if name.is_empty() {
            return Err(ApiError::bad_request("A step of the patch has no path: /name."));
        }
        match super::enumerated(step.get("op"), &[("add", 0), ("remove", 1), ("replace", 2)]) {
            Some("remove") => drop(properties.remove(&name)),
            Some(_) => {
                let value = step.get("value").cloned().unwrap_or_default();
                properties.insert(name, value);
            }
            None => {
                return Err(ApiError::bad_request(
                    "A step of the patch is add, replace or remove.",
                ));
            }
        }
    }
    let size: usize = properties
        .iter()
        .map(|(name, value)| name.len() + value.to_string().len())
        .sum();
    if size > LARGEST {
        return Err(ApiError::bad_request(format!(
            "The properties take {size} bytes; at most {LARGEST} are kept."
        )));
    }
    Ok(())
}
