//! Azure DevOps' REST API of builds, pipelines, environments, variable groups and service connections.

mod about;
mod approvals;
mod artifacts;
mod builds;
mod checks;
mod definitions;
mod endpoints;
mod environments;
mod groups;
mod listing;
mod logs;
mod permissions;
mod pipelines;
mod places;
pub(crate) mod shape;
mod tasks;

pub(crate) use endpoints::cloud_token;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use pave_devops::{AreaError, AreaRequest, Project};
use serde_json::{Value, json};

use crate::pipelines::Pipelines;

pub(crate) use places::LOCATIONS;

pub(crate) type Answer = Result<Response, AreaError>;

/// Answers a request of one of our areas.
pub(crate) async fn serve(pipelines: &Pipelines, request: AreaRequest) -> Answer {
    let tail: Vec<String> = request.tail.iter().map(|part| part.to_lowercase()).collect();
    let parts: Vec<&str> = tail.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["build", rest @ ..] => builds::serve(pipelines, &request, rest).await,
        ["pipelines", "approvals", rest @ ..] => approvals::approvals(pipelines, &request, rest).await,
        ["pipelines", "checks", rest @ ..] => checks::serve(pipelines, &request, rest).await,
        ["pipelines", "pipelinepermissions", rest @ ..] => {
            permissions::serve(pipelines, &request, rest).await
        }
        ["pipelines", rest @ ..] => pipelines::pipelines(pipelines, &request, rest).await,
        ["distributedtask", rest @ ..] => tasks::serve(pipelines, &request, rest).await,
        ["serviceendpoint", rest @ ..] => endpoints::serve(pipelines, &request, rest).await,
        _ => Err(nothing(&request)),
    }
}

/// The project of the path, which this call needs.
pub(crate) fn project(request: &AreaRequest) -> Result<&Project, AreaError> {
    request.project.as_ref().ok_or_else(|| {
        AreaError::new(
            StatusCode::NOT_FOUND,
            "ProjectDoesNotExistWithNameException",
            "TF200016: The URL names no project, which this call needs.",
        )
    })
}

pub(crate) fn nothing(request: &AreaRequest) -> AreaError {
    let path = request.tail.join("/");
    AreaError::new(
        StatusCode::NOT_FOUND,
        "VssResourceNotFoundException",
        format!("{} _apis/{path} is not answered here.", request.method),
    )
}

#[expect(clippy::unnecessary_wraps, reason = "it ends handlers, which return this")]
pub(crate) fn ok(body: Value) -> Answer {
    Ok(axum::Json(body).into_response())
}

#[expect(clippy::unnecessary_wraps, reason = "it ends handlers, which return this")]
pub(crate) fn empty() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[expect(clippy::needless_pass_by_value, reason = "the list is made for the answer")]
pub(crate) fn list(values: Vec<Value>) -> Answer {
    ok(json!({"count": values.len(), "value": values}))
}

/// Text of a field; numbers are given as text.
pub(crate) fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// A number that clients give as a number or as text.
pub(crate) fn number(body: &Value, pointer: &str) -> Option<i64> {
    let value = body.pointer(pointer)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The number in a path.
pub(crate) fn id(text: &str) -> Result<i64, AreaError> {
    text.parse()
        .map_err(|_| AreaError::bad_request(format!("`{text}` is not a number.")))
}

/// How many entries are wanted at most.
pub(crate) fn top(request: &AreaRequest, default: usize) -> usize {
    request
        .parameter("$top")
        .or_else(|| request.parameter("top"))
        .and_then(|it| it.parse().ok())
        .unwrap_or(default)
}
