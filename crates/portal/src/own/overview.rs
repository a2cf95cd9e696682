use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use pave_catalog::Query;
use pave_journal::{Hop, RoadSummary};
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
        "attention": attention(&roads, &environments, &applications, &caller.0.entity.to_string()),
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

/// Whether a road waits for others than the person who asked for it.
fn awaits_others(road: &RoadSummary, person: &str) -> bool {
    let asked = |hop: &Hop| hop.station == Station::Task && hop.link["requestedBy"] == person;
    let waits = |hop: &Hop| hop.station == Station::Review && hop.link["awaitsOthers"] == true;
    road.hops.iter().any(asked) && road.hops.iter().any(waits)
}

/// What has failed or waits for a person, other than what waits for somebody else.
fn attention(
    roads: &[RoadSummary],
    environments: &[Value],
    applications: &[Value],
    person: &str,
) -> Vec<Value> {
    let stuck = |hop: &&Hop| {
        matches!(
            hop.state,
            Standing::Failed | Standing::Waiting | Standing::Degraded
        )
    };
    let own = roads.iter().filter(|road| !awaits_others(road, person));
    let of_roads = own.filter_map(|road| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn what_waits_for_others_does_not_need_the_person_who_asked() {
        let hop = |station, state, link| {
            let road = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
            let mut hop = Hop::new(road, station, "", state, Timestamp::UNIX_EPOCH);
            hop.link = link;
            hop
        };
        let check = |awaits_others: bool, person: &str, expected: usize| {
            let task = hop(
                Station::Task,
                Standing::Ok,
                json!({ "requestedBy": "user:default/alice" }),
            );
            let review = hop(
                Station::Review,
                Standing::Waiting,
                json!({ "awaitsOthers": awaits_others }),
            );
            let road = RoadSummary {
                road: task.road.clone(),
                title: "rg-one".to_owned(),
                direction: Direction::Up,
                started_at: Timestamp::UNIX_EPOCH,
                changed_at: Timestamp::UNIX_EPOCH,
                hops: vec![task, review],
            };
            assert_eq!(attention(&[road], &[], &[], person).len(), expected, "{person}");
        };
        check(true, "user:default/alice", 0);
        check(true, "user:default/bob", 1);
        check(false, "user:default/alice", 1);
    }
}
