//! Azure DevOps' REST API of builds, pipelines, environments, variable groups and service connections.

mod approvals;
mod builds;
mod definitions;
mod endpoints;
mod logs;
mod places;
pub(crate) mod shape;
mod tasks;

use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
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
        ["pipelines", "checks", "configurations", rest @ ..] => {
            approvals::checks(pipelines, &request, rest).await
        }
        ["pipelines", "pipelinepermissions", ..] => permissions(&request),
        ["pipelines", rest @ ..] => definitions::pipelines(pipelines, &request, rest).await,
        ["distributedtask", rest @ ..] => tasks::serve(pipelines, &request, rest).await,
        ["serviceendpoint", rest @ ..] => endpoints::serve(pipelines, &request, rest).await,
        _ => Err(nothing(&request)),
    }
}

/// Who may use what is decided by the authorizer; the call is taken, and what it says is told back.
pub(crate) fn permissions(request: &AreaRequest) -> Answer {
    let resource = request
        .tail
        .iter()
        .skip(2)
        .map(String::as_str)
        .collect::<Vec<_>>();
    if request.method == Method::GET {
        let kind = resource.first().copied().unwrap_or_default();
        let id = resource.get(1).copied().unwrap_or_default();
        return ok(
            json!({"resource": {"type": kind, "id": id}, "allPipelines": {"authorized": true}, "pipelines": []}),
        );
    }
    ok(request.json()?)
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
