use axum::extract::{Path, Query as QueryExtractor, RawQuery, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use pave_catalog::{Catalog, Order, Page, Query};
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

#[derive(Deserialize)]
struct NewLocation {
    #[serde(rename = "type")]
    kind: String,
    target: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DryRun {
    #[serde(default)]
    dry_run: bool,
}

async fn register(
    State(portal): State<Portal>,
    caller: Caller,
    QueryExtractor(dry_run): QueryExtractor<DryRun>,
    Json(wanted): Json<NewLocation>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let dry_run = dry_run.dry_run;
    if !dry_run {
        let request = pave_auth::AccessRequest::path("create", "/pave/locations");
        crate::own::permit(&portal, &caller.0, &request).await?;
    }
    let registered = portal
        .catalog
        .register(&wanted.kind, &wanted.target, dry_run)
        .await?;
    let mut answer = json!({ "location": registered.location, "entities": registered.entities });
    if dry_run {
        answer["exists"] = json!(registered.exists);
    } else {
        portal
            .audit
            .record(&caller.0, Action::RegisterLocation, wanted.target, "")
            .await?;
    }
    Ok((StatusCode::CREATED, Json(answer)))
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
