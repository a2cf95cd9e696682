use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use pave_catalog::Query;
use pave_journal::RoadSummary;
use pave_names::{Direction, State as Standing, Station};
use serde_json::{Value, json};

use super::{application, environment, road};
use crate::context::Portal;
use crate::error::ApiError;
use crate::session::Caller;

/// Roads that the home page shows.
const ROADS: usize = 12;

pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/session", get(session))
        .route("/overview", get(overview))
}

async fn session(State(portal): State<Portal>, caller: Caller) -> Json<Value> {
    let principal = caller.0;
    Json(json!({
        "principal": {
            "entity": principal.entity, "user": principal.user, "displayName": principal.display_name,
            "email": principal.email, "groups": principal.groups,
        },
        "version": env!("CARGO_PKG_VERSION"),
        "addresses": *portal.addresses,
        "title": portal.configuration.title,
        "organization": portal.configuration.organization,
        "stations": Station::ALL,
    }))
}

/// What the home page shows: what needs the person, what is under way, what there is to ask for.
async fn overview(State(portal): State<Portal>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let roads: Vec<RoadSummary> = portal
        .journal
        .roads(ROADS)
        .await?
        .into_iter()
        .map(road::titled)
        .collect();
    let environments = environment::all(&portal, &caller.0).await?;
    let applications = application::all(&portal, &caller.0).await;
    let count = |key: &str, wanted: &str| applications.iter().filter(|item| item[key] == wanted).count();
    let query = Query {
        filter: vec!["kind=template".into()],
        ..Query::default()
    };
    let templates: Vec<Value> = portal
        .catalog
        .query(&query)?
        .items
        .iter()
        .filter_map(|template| {
            Some(json!({
                "entityRef": pave_entity::reference(template)?.to_string(),
                "title": template["metadata"]["title"],
                "description": template["metadata"]["description"],
            }))
        })
        .collect();
    Ok(Json(json!({
        "attention": attention(&roads, &environments, &applications),
        "usualSeconds": usual_seconds(&roads),
        "roads": roads,
        "environments": environments,
        "applications": {
            "total": applications.len(),
            "synced": count("sync", "Synced"),
            "healthy": count("health", "Healthy"),
            "items": applications,
        },
        "templates": templates,
    })))
}

/// What has failed or waits for a person.
fn attention(roads: &[RoadSummary], environments: &[Value], applications: &[Value]) -> Vec<Value> {
    let stuck = |hop: &&pave_journal::Hop| {
        matches!(
            hop.state,
            Standing::Failed | Standing::Waiting | Standing::Degraded
        )
    };
    let of_roads = roads.iter().filter_map(|road| {
        let hop = road.hops.iter().find(stuck)?;
        Some(json!({ "title": road.title, "cause": hop.cause, "state": hop.state, "road": road.road }))
    });
    let covered: Vec<_> = roads
        .iter()
        .filter(|road| road.hops.iter().any(|hop| stuck(&hop)))
        .map(|road| json!(road.road))
        .collect();
    let of_environments = environments.iter().filter(|it| it["state"] == "failed" && !covered.contains(&it["road"])).map(|it| {
        json!({
            "title": format!("{}/{}", it["namespace"].as_str().unwrap_or_default(), it["name"].as_str().unwrap_or_default()),
            "cause": it["cause"], "state": it["state"], "road": it["road"],
            "environment": { "namespace": it["namespace"], "name": it["name"] },
        })
    });
    let of_applications = applications
        .iter()
        .filter(|it| it["sync"] == "Unknown" || it["health"] == "Degraded")
        .map(|it| {
            json!({
                "title": format!("Application {}", it["name"].as_str().unwrap_or_default()),
                "cause": it["message"], "state": "failed",
                "application": { "namespace": it["namespace"], "name": it["name"] },
            })
        });
    of_roads.chain(of_environments).chain(of_applications).collect()
}

/// Median time of the requests that arrived, in seconds.
pub(super) fn usual_seconds(roads: &[RoadSummary]) -> Option<f64> {
    let mut times: Vec<i64> = roads
        .iter()
        .filter(|road| road.direction == Direction::Up)
        .filter_map(|road| {
            let arrived = road
                .hops
                .iter()
                .find(|hop| hop.station == Station::Secret && hop.state == Standing::Ok)?;
            Some(arrived.changed_at.as_millisecond() - road.started_at.as_millisecond())
        })
        .collect();
    times.sort_unstable();
    let median = *times.get(times.len() / 2)?;
    Some(std::time::Duration::from_millis(u64::try_from(median).ok()?).as_secs_f64())
}
