use axum::extract::{Path, Query as QueryExtractor, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use pave_catalog::{Catalog, CatalogError, Order, Page, Query, Refusal};
use pave_diagnostic::Diagnostics;
use pave_names::EntityRef;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{listed, parameters};
use crate::audit::Action;
use crate::context::Portal;
use crate::error::ApiError;
use crate::session::Caller;

pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/entities", get(entities))
        .route("/entities/by-query", get(by_query))
        .route("/entities/by-refs", post(by_refs))
        .route("/entities/by-name/{kind}/{namespace}/{name}", get(by_name))
        .route(
            "/entities/by-name/{kind}/{namespace}/{name}/ancestry",
            get(ancestry),
        )
        .route("/entity-facets", get(facets))
        .route("/refresh", post(refresh))
        .route("/locations", get(locations).post(register))
        .route("/locations/{id}", get(location).delete(unregister))
        .route("/locations/by-entity/{kind}/{namespace}/{name}", get(location_of))
        .route("/analyze-location", post(analyze))
        .route("/validate-entity", post(validate))
}

fn query_of(raw: Option<&str>) -> Result<Query, ApiError> {
    let one = |name: &str| parameters(raw, name).into_iter().next();
    let number = |name: &str| -> Result<Option<usize>, ApiError> {
        one(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    ApiError::input(format!("invalid `{name}` parameter, `{text}` is not a number"))
                })
            })
            .transpose()
    };
    let mut query = match one("cursor") {
        Some(cursor) => Query::from_cursor(&cursor)?,
        None => Query {
            filter: parameters(raw, "filter"),
            order: parameters(raw, "orderField")
                .iter()
                .map(|text| order(text))
                .collect(),
            term: one("fullTextFilterTerm").unwrap_or_default(),
            term_fields: listed(raw, "fullTextFilterFields"),
            offset: number("offset")?.unwrap_or(0),
            ..Query::default()
        },
    };
    query.limit = number("limit")?.or(query.limit);
    query.fields = listed(raw, "fields");
    if query.fields.iter().any(|field| field.contains('[')) {
        return Err(ApiError::input(
            "invalid fields, array type fields are not supported",
        ));
    }
    Ok(query)
}

/// `metadata.name,desc`
fn order(text: &str) -> Order {
    let (field, direction) = text.split_once(',').unwrap_or((text, "asc"));
    Order {
        field: field.to_owned(),
        descending: direction.eq_ignore_ascii_case("desc"),
    }
}

async fn entities(
    State(catalog): State<Catalog>,
    _caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let mut query = query_of(raw.as_deref())?;
    query.limit = query.limit.or(Some(usize::MAX / 2));
    Ok(Json(catalog.query(&query)?.items))
}

async fn by_query(
    State(catalog): State<Catalog>,
    _caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let Page {
        items,
        total,
        next,
        previous,
    } = catalog.query(&query_of(raw.as_deref())?)?;
    let mut page = Map::new();
    if let Some(next) = next {
        page.insert("nextCursor".into(), next.into());
    }
    if let Some(previous) = previous {
        page.insert("prevCursor".into(), previous.into());
    }
    Ok(Json(
        json!({ "items": items, "totalItems": total, "pageInfo": page }),
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refs {
    entity_refs: Vec<String>,
    #[serde(default)]
    fields: Vec<String>,
}

async fn by_refs(
    State(catalog): State<Catalog>,
    _caller: Caller,
    Json(refs): Json<Refs>,
) -> Result<Json<Value>, ApiError> {
    let find = |text: &String| {
        let reference = EntityRef::parse(text, None, "default").ok()?;
        catalog
            .entity(&reference)
            .map(|entity| pave_entity::project(&entity, &refs.fields))
    };
    Ok(Json(
        json!({ "items": refs.entity_refs.iter().map(find).collect::<Vec<_>>() }),
    ))
}

type Name = Path<(String, String, String)>;

fn missing((kind, namespace, name): &(String, String, String)) -> ApiError {
    ApiError::not_found(format!(
        "No entity named '{name}' found, with kind '{kind}' in namespace '{namespace}'"
    ))
}

async fn by_name(
    State(catalog): State<Catalog>,
    _caller: Caller,
    Path(name): Name,
) -> Result<Json<Value>, ApiError> {
    let reference = EntityRef::new(&name.0, &name.1, &name.2);
    catalog.entity(&reference).map(Json).ok_or_else(|| missing(&name))
}

async fn ancestry(
    State(catalog): State<Catalog>,
    _caller: Caller,
    Path(name): Name,
) -> Result<Json<Value>, ApiError> {
    let reference = EntityRef::new(&name.0, &name.1, &name.2);
    let found = catalog.ancestry(&reference);
    if found.is_empty() {
        return Err(missing(&name));
    }
    let items: Vec<Value> = found
        .into_iter()
        .map(|(entity, parent)| {
            let parents: Vec<String> = parent.iter().map(ToString::to_string).collect();
            json!({ "entity": entity, "parentEntityRefs": parents })
        })
        .collect();
    Ok(Json(
        json!({ "rootEntityRef": reference.to_string(), "items": items }),
    ))
}

async fn facets(
    State(catalog): State<Catalog>,
    _caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let paths = parameters(raw.as_deref(), "facet");
    if paths.is_empty() {
        return Err(ApiError::input("Missing facet parameter"));
    }
    Ok(Json(
        json!({ "facets": catalog.facets(&parameters(raw.as_deref(), "filter"), &paths)? }),
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refresh {
    entity_ref: String,
}

async fn refresh(
    State(catalog): State<Catalog>,
    _caller: Caller,
    Json(refresh): Json<Refresh>,
) -> Result<StatusCode, ApiError> {
    let reference = EntityRef::parse(&refresh.entity_ref, None, "default")
        .map_err(|error| ApiError::input(error.to_string()))?;
    catalog.refresh(&reference).await?;
    Ok(StatusCode::OK)
}

async fn locations(State(catalog): State<Catalog>, _caller: Caller) -> Result<Json<Value>, ApiError> {
    let items: Vec<Value> = catalog
        .locations()
        .await?
        .iter()
        .map(|location| json!({ "data": location }))
        .collect();
    Ok(Json(json!(items)))
}

async fn location(
    State(catalog): State<Catalog>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let found = catalog
        .locations()
        .await?
        .into_iter()
        .find(|location| location.id == id);
    found
        .map(|location| Json(json!(location)))
        .ok_or_else(|| ApiError::not_found(format!("Found no location with ID {id}")))
}

/// The location that an entity came from.
async fn location_of(
    State(catalog): State<Catalog>,
    _caller: Caller,
    Path(name): Name,
) -> Result<Json<Value>, ApiError> {
    let reference = EntityRef::new(&name.0, &name.1, &name.2);
    Ok(Json(json!(catalog.location_of(&reference).await?)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    location: NewLocation,
    #[serde(default)]
    catalog_filename: Option<String>,
}

/// What a repository would add, without adding it.
async fn analyze(
    State(catalog): State<Catalog>,
    _caller: Caller,
    Json(wanted): Json<Analysis>,
) -> Result<Response, ApiError> {
    let NewLocation { kind, target, .. } = &wanted.location;
    if let Err(refusal) = Catalog::may_register(kind, target) {
        return Ok(refused(&refusal));
    }
    let file = wanted.catalog_filename.as_deref();
    Ok(Json(catalog.analyze(target, file).await?).into_response())
}

#[derive(Deserialize)]
struct Candidate {
    entity: Value,
    location: String,
}

/// Checks an entity that is not in any file yet.
async fn validate(_caller: Caller, Json(wanted): Json<Candidate>) -> Result<Response, ApiError> {
    if !wanted.location.contains(':') {
        return Err(ApiError::input(format!(
            "`{}` is not a location; expected `<type>:<target>`, such as `url:https://…`",
            wanted.location
        )));
    }
    // JSON is YAML, so that the check is the one that files get.
    let (_, diagnostics) = pave_entity::parse_entities(&wanted.location, &wanted.entity.to_string());
    let errors: Vec<Value> = diagnostics
        .iter()
        .filter(|finding| finding.severity == pave_diagnostic::Severity::Error)
        .map(|finding| json!({ "name": "InputError", "message": finding.message, "code": finding.code }))
        .collect();
    if errors.is_empty() {
        return Ok(StatusCode::OK.into_response());
    }
    Ok((StatusCode::BAD_REQUEST, Json(json!({ "errors": errors }))).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLocation {
    #[serde(rename = "type")]
    kind: String,
    target: String,
    /// `required` or `optional`; what cannot be read is told either way.
    #[serde(default, rename = "presence")]
    _presence: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manner {
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    on_conflict: Option<String>,
}

async fn register(
    State(portal): State<Portal>,
    caller: Caller,
    QueryExtractor(manner): QueryExtractor<Manner>,
    Json(wanted): Json<NewLocation>,
) -> Result<Response, ApiError> {
    if manner.dry_run {
        return try_out(&portal, &wanted).await;
    }
    let request = pave_auth::AccessRequest::path("create", "/pave/locations");
    crate::own::permit(&portal, &caller.0, &request).await?;
    if let Err(refusal) = Catalog::may_register(&wanted.kind, &wanted.target) {
        return Ok(refused(&refusal));
    }
    let registered = match portal.catalog.register(&wanted.kind, &wanted.target, false).await {
        Err(CatalogError::Conflict(_)) if manner.on_conflict.as_deref() == Some("refresh") => {
            return refreshed(&portal, &wanted.target).await;
        }
        registered => registered?,
    };
    portal
        .audit
        .record(&caller.0, Action::RegisterLocation, wanted.target, "")
        .await?;
    let answer = json!({ "location": registered.location, "entities": registered.entities });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// The location that is there already, read again.
async fn refreshed(portal: &Portal, target: &str) -> Result<Response, ApiError> {
    portal.catalog.refresh_where(|known| known == target).await;
    let all = portal.catalog.locations().await?;
    let location = all.iter().find(|location| location.target == target);
    Ok((
        StatusCode::CREATED,
        Json(json!({ "location": location, "entities": [] })),
    )
        .into_response())
}

/// Upstream's error, and beside it what to do.
fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::BAD_REQUEST;
    let body = json!({
        "error": { "name": "InputError", "message": refusal.message },
        "response": { "statusCode": status.as_u16() },
        "diagnostics": refusal.diagnostics,
    });
    (status, Json(body)).into_response()
}

/// What registering would give; a refusal comes with what to do about it, a template with what its check finds.
async fn try_out(portal: &Portal, wanted: &NewLocation) -> Result<Response, ApiError> {
    let registered = match portal.catalog.try_out(&wanted.kind, &wanted.target).await? {
        Ok(registered) => registered,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    let diagnostics = check_templates(portal, &registered.entities).await;
    Ok((
        StatusCode::CREATED,
        Json(json!({
            "location": registered.location,
            "entities": registered.entities,
            "exists": registered.exists,
            "diagnostics": diagnostics,
        })),
    )
        .into_response())
}

/// Checks the templates among the entities against the actions that are installed.
async fn check_templates(portal: &Portal, entities: &[Value]) -> Diagnostics {
    let mut urls: Vec<&str> = entities
        .iter()
        .filter(|entity| is_template(entity))
        .filter_map(|entity| {
            entity["metadata"]["annotations"]["backstage.io/managed-by-location"]
                .as_str()?
                .strip_prefix("url:")
        })
        .collect();
    urls.dedup();
    let actions = portal.scaffolder.actions();
    let mut found = Diagnostics::new();
    for url in urls {
        // It was read a moment ago; when it is gone now, reading it again will say so.
        let Ok(bytes) = portal.sources.read(url).await else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let (documents, _) = pave_yaml::parse(url, &text, pave_yaml::Dialect::Backstage);
        for document in documents
            .iter()
            .filter(|document| is_template(&document.to_value()))
        {
            found.extend(pave_template::lint(document, &text, &actions));
        }
    }
    found
}

fn is_template(entity: &Value) -> bool {
    entity["kind"]
        .as_str()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("template"))
}

async fn unregister(
    State(portal): State<Portal>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let request = pave_auth::AccessRequest::path("delete", "/pave/locations");
    crate::own::permit(&portal, &caller.0, &request).await?;
    portal.catalog.unregister(&id).await?;
    portal
        .audit
        .record(&caller.0, Action::UnregisterLocation, id, "")
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
