use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, Query, RawQuery, State};
use axum::http::StatusCode;
use axum::response::sse::{Event as ServerEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::{Stream, StreamExt};
use pave_names::EntityRef;
use pave_scaffolder::{Created, DirectoryFile, ScaffolderError, TaskFilter, TaskStatus};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{listed, parameters};
use crate::audit::Action;
use crate::context::Portal;
use crate::error::ApiError;
use crate::session::Caller;

/// How long the polling form of the event stream waits for something to say.
const POLL: Duration = Duration::from_secs(30);

pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route(
            "/v2/templates/{namespace}/{kind}/{name}/parameter-schema",
            get(parameter_schema),
        )
        .route("/v2/actions", get(actions))
        .route("/v2/tasks", get(tasks).post(create))
        .route("/v2/tasks/{id}", get(task))
        .route("/v2/tasks/{id}/cancel", post(cancel))
        .route("/v2/tasks/{id}/retry", post(retry))
        .route("/v2/tasks/{id}/events", get(poll))
        .route("/v2/tasks/{id}/eventstream", get(stream))
        .route("/v2/dry-run", post(dry_run))
}

impl From<ScaffolderError> for ApiError {
    fn from(error: ScaffolderError) -> Self {
        match error {
            ScaffolderError::NoTask(_) => Self::not_found(error.to_string()),
            ScaffolderError::WrongState { .. } => Self::conflict(error.to_string()),
            ScaffolderError::Template(_) | ScaffolderError::Reference(_) => Self::input(error.to_string()),
            other => Self::internal(&other),
        }
    }
}

/// A template of the catalog.
pub(crate) fn template(portal: &Portal, reference: &str) -> Result<Value, ApiError> {
    let reference = EntityRef::parse(reference, Some("template"), "default")
        .map_err(|error| ApiError::input(error.to_string()))?;
    portal
        .catalog
        .entity(&reference)
        .ok_or_else(|| ApiError::not_found(format!("Template {reference} not found")))
}

type Name = Path<(String, String, String)>;

async fn parameter_schema(
    State(portal): State<Portal>,
    _caller: Caller,
    Path(name): Name,
) -> Result<Json<Value>, ApiError> {
    let (namespace, kind, name) = name;
    let entity = template(&portal, &format!("{kind}:{namespace}/{name}"))?;
    Ok(Json(portal.scaffolder.parameter_schema(&entity)?))
}

/// Actions, and beside upstream's fields the templates that use each.
async fn actions(State(portal): State<Portal>, _caller: Caller) -> Json<Value> {
    let users = users(&portal);
    let actions: Vec<Value> = portal
        .scaffolder
        .actions()
        .iter()
        .map(|action| {
            let examples: Vec<Value> = action
                .examples
                .iter()
                .map(|example| json!({ "description": example.description, "example": example.example }))
                .collect();
            json!({
                "id": action.id,
                "description": action.description,
                "examples": examples,
                "schema": { "input": action.input, "output": action.output },
                "usedBy": users.get(action.id.as_str()).cloned().unwrap_or_default(),
            })
        })
        .collect();
    Json(json!(actions))
}

/// References of the catalog's templates by the actions that their steps name.
fn users(portal: &Portal) -> BTreeMap<String, Vec<String>> {
    let query = pave_catalog::Query {
        filter: vec!["kind=template".to_owned()],
        limit: Some(usize::MAX / 2),
        ..pave_catalog::Query::default()
    };
    let templates = portal
        .catalog
        .query(&query)
        .map(|page| page.items)
        .unwrap_or_default();
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entity in &templates {
        let Some(reference) = pave_entity::reference(entity) else {
            continue;
        };
        for action in pave_template::template::used_actions(entity) {
            users
                .entry(action.to_owned())
                .or_default()
                .push(reference.to_string());
        }
    }
    users
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewTask {
    template_ref: String,
    #[serde(default)]
    values: Value,
    #[serde(default)]
    secrets: Option<Value>,
}

/// Answers once the task is on disk.
async fn create(
    State(portal): State<Portal>,
    caller: Caller,
    Json(wanted): Json<NewTask>,
) -> Result<Response, ApiError> {
    let entity = template(&portal, &wanted.template_ref)?;
    let secrets = wanted.secrets.unwrap_or_else(|| json!({}));
    match portal
        .scaffolder
        .create_task(&caller.0, &entity, wanted.values, secrets)
        .await?
    {
        Created::Task { id, .. } => {
            portal
                .audit
                .record(
                    &caller.0,
                    Action::RunTemplate,
                    wanted.template_ref,
                    format!("task {id}"),
                )
                .await?;
            Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
        }
        Created::Invalid(errors) => {
            Ok((StatusCode::BAD_REQUEST, Json(json!({ "errors": errors }))).into_response())
        }
    }
}

async fn tasks(
    State(portal): State<Portal>,
    _caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let raw = raw.as_deref();
    let number = |name: &str| {
        parameters(raw, name)
            .first()
            .and_then(|text| text.parse::<usize>().ok())
    };
    let status = listed(raw, "status")
        .iter()
        .map(|word| {
            serde_json::from_value::<TaskStatus>(json!(word))
                .map_err(|_| ApiError::input(format!("`{word}` is not a task status")))
        })
        .collect::<Result<_, _>>()?;
    let filter = TaskFilter {
        created_by: listed(raw, "createdBy"),
        status,
        order: listed(raw, "order"),
        limit: number("limit"),
        offset: number("offset").unwrap_or(0),
    };
    Ok(Json(json!(portal.scaffolder.tasks(&filter).await?)))
}

async fn task(
    State(portal): State<Portal>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!(portal.scaffolder.task(&id).await?)))
}

/// Only who started a task, or who may `update` the path `/pave/tasks`, may end it or run it again.
async fn may_change(portal: &Portal, caller: &Caller, id: &str) -> Result<(), ApiError> {
    let task = portal.scaffolder.task(id).await?;
    if task.created_by == caller.0.entity.to_string() {
        return Ok(());
    }
    crate::own::permit(
        portal,
        &caller.0,
        &pave_auth::AccessRequest::path("update", "/pave/tasks"),
    )
    .await
}

async fn cancel(
    State(portal): State<Portal>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    may_change(&portal, &caller, &id).await?;
    let status = portal.scaffolder.cancel(&id).await?;
    Ok(Json(json!({ "status": status })))
}

#[derive(Default, Deserialize)]
struct Retry {
    #[serde(default)]
    secrets: Option<Value>,
}

async fn retry(
    State(portal): State<Portal>,
    caller: Caller,
    Path(id): Path<String>,
    body: Option<Json<Retry>>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    may_change(&portal, &caller, &id).await?;
    let secrets = body.and_then(|Json(retry)| retry.secrets);
    portal.scaffolder.retry(&id, secrets).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: i64,
}

async fn poll(
    State(portal): State<Portal>,
    _caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<After>,
) -> Result<Json<Value>, ApiError> {
    let now = portal.scaffolder.events_now(&id, query.after).await?;
    if !now.is_empty() {
        return Ok(Json(json!(now)));
    }
    let mut events = Box::pin(portal.scaffolder.events(&id, query.after));
    let first = tokio::time::timeout(POLL, events.next()).await.ok().flatten();
    Ok(Json(json!(first.into_iter().collect::<Vec<_>>())))
}

async fn stream(
    State(portal): State<Portal>,
    _caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<After>,
) -> Result<Sse<impl Stream<Item = Result<ServerEvent, Infallible>>>, ApiError> {
    portal.scaffolder.task(&id).await?;
    let events = portal.scaffolder.events(&id, query.after);
    let told = events.map(|event| {
        Ok(ServerEvent::default()
            .event(event.kind.as_str())
            .data(json!(event).to_string()))
    });
    Ok(Sse::new(told).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DryRun {
    template: Value,
    #[serde(default)]
    values: Value,
    #[serde(default)]
    secrets: Option<Value>,
    #[serde(default)]
    directory_contents: Vec<DirectoryFile>,
}

/// The template without annotations that say it lies beside files of this machine, unless it is the one that does: steps that
/// somebody sends may not read where a template of the configuration may.
fn without_claimed_files(mut template: Value, known: Option<&Value>) -> Value {
    let is_known = known.is_some_and(|it| it["spec"] == template["spec"]);
    if !is_known && let Some(annotations) = template["metadata"]["annotations"].as_object_mut() {
        annotations.retain(|_, value| !value.as_str().is_some_and(|it| it.starts_with("file:")));
    }
    template
}

async fn dry_run(
    State(portal): State<Portal>,
    caller: Caller,
    Json(wanted): Json<DryRun>,
) -> Result<Response, ApiError> {
    let secrets = wanted.secrets.unwrap_or_else(|| json!({}));
    let known = pave_entity::reference(&wanted.template).and_then(|it| portal.catalog.entity(&it));
    let template = without_claimed_files(wanted.template, known.as_ref());
    let preview = portal
        .scaffolder
        .dry_run(
            &caller.0,
            &template,
            wanted.values,
            secrets,
            &wanted.directory_contents,
        )
        .await?;
    if !preview.invalid.is_empty() {
        return Ok((
            StatusCode::BAD_REQUEST,
            Json(json!({ "errors": preview.invalid })),
        )
            .into_response());
    }
    if let Some(error) = preview.error {
        return Err(ApiError::input(error.to_string()));
    }
    Ok(Json(json!({
        "log": preview.log, "directoryContents": preview.directory_contents,
        "output": preview.output, "steps": preview.steps,
    }))
    .into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_somebody_sends_lie_beside_no_files() {
        let template = |steps: Value| {
            json!({ "metadata": { "annotations": { "backstage.io/source-location": "file:/srv/templates/", "other": "kept" } },
                    "spec": { "steps": steps } })
        };
        let known = template(json!([1]));
        let check = |sent: Value, known: Option<&Value>, expected: Value| {
            let told = without_claimed_files(sent, known);
            assert_eq!(told["metadata"]["annotations"], expected);
        };
        let whole = known["metadata"]["annotations"].clone();
        check(template(json!([1])), Some(&known), whole);
        check(template(json!([2])), Some(&known), json!({ "other": "kept" }));
        check(template(json!([1])), None, json!({ "other": "kept" }));
    }
}
