use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use pave_journal::{Hop, RoadSummary};
use pave_names::{Direction, RoadId, Station};
use serde::Deserialize;
use serde_json::{Value, json};

use super::environment;
use crate::context::Portal;
use crate::error::ApiError;
use crate::session::Caller;

pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/roads", get(list))
        .route("/roads/{road}", get(one))
        .route("/trace", get(trace))
}

#[derive(Deserialize)]
struct Limit {
    #[serde(default = "fifty")]
    limit: usize,
}

fn fifty() -> usize {
    50
}

async fn list(
    State(portal): State<Portal>,
    _caller: Caller,
    Query(query): Query<Limit>,
) -> Result<Json<Value>, ApiError> {
    let roads = portal.journal.roads(query.limit.min(500)).await?;
    Ok(Json(
        json!({ "items": roads.into_iter().map(titled).collect::<Vec<_>>() }),
    ))
}

async fn one(
    State(portal): State<Portal>,
    caller: Caller,
    Path(road): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let road: RoadId = road
        .parse()
        .map_err(|error: pave_names::RoadIdError| ApiError::input(error.to_string()))?;
    detail(&portal, &caller, &road).await.map(Json)
}

/// The whole of one road, with the environment it leads to.
async fn detail(portal: &Portal, caller: &Caller, road: &RoadId) -> Result<Value, ApiError> {
    let hops = portal.journal.road(road).await?;
    let (Some(started_at), Some(changed_at)) = (
        hops.iter().map(|hop| hop.started_at).min(),
        hops.iter().map(|hop| hop.changed_at).max(),
    ) else {
        return Err(ApiError::not_found(format!(
            "no request is known as road `{road}`"
        )));
    };
    let summary = titled(RoadSummary {
        road: road.clone(),
        title: String::new(),
        direction: Direction::Up,
        started_at,
        changed_at,
        hops,
    });
    let claim = summary
        .hops
        .iter()
        .find(|hop| hop.station == Station::Claim)
        .and_then(|hop| claim_of(&hop.subject));
    let mut answer = json!(summary);
    answer["environment"] = match claim {
        Some((namespace, name)) => environment::summary(portal, &caller.0, namespace, name).await?,
        None => Value::Null,
    };
    Ok(answer)
}

/// A road is known by what it is for: the claim if it has one, else its first hop.
pub(super) fn titled(mut summary: RoadSummary) -> RoadSummary {
    let deletes = goes_back(&summary.hops);
    summary.direction = if deletes { Direction::Down } else { Direction::Up };
    let named = |station: Station| summary.hops.iter().find(|hop| hop.station == station);
    let title = named(Station::Claim)
        .and_then(|hop| claim_of(&hop.subject))
        .map(|(namespace, name)| format!("{namespace}/{name}"))
        .or_else(|| named(Station::PullRequest).and_then(proposal_title))
        .or_else(|| named(Station::Commit).and_then(file_title))
        .or_else(|| summary.hops.first().map(|hop| hop.title.clone()))
        .unwrap_or_default();
    summary.title = if deletes { format!("Delete {title}") } else { title };
    summary
}

/// Whether a road takes away. A claim that was deleted by hand and came back from Git tells the newer of the two.
fn goes_back(hops: &[Hop]) -> bool {
    let claims = hops.iter().filter(|hop| hop.station == Station::Claim);
    match claims.max_by_key(|hop| hop.sequence) {
        Some(claim) => claim.direction == Direction::Down,
        None => hops.iter().any(|hop| hop.direction == Direction::Down),
    }
}

/// `environments/team-a/orders.yaml` as `team-a/orders`.
fn file_title(commit: &Hop) -> Option<String> {
    let file = commit.link["files"].as_array()?.first()?.as_str()?;
    let mut parts = file.rsplitn(3, '/');
    let name = parts.next()?.split('.').next()?;
    Some(format!("{}/{name}", parts.next()?))
}

/// `Pull request 7: rg-one` as `rg-one`.
fn proposal_title(hop: &Hop) -> Option<String> {
    hop.title.split_once(": ").map(|(_, title)| title.to_owned())
}

/// Namespace and name in `claim/<namespace>/<name>`.
pub(super) fn claim_of(subject: &str) -> Option<(&str, &str)> {
    subject.strip_prefix("claim/")?.split_once('/')
}

#[derive(Deserialize)]
struct What {
    what: String,
}

/// Roads among which a name is looked for.
const RECENT: usize = 500;
/// Digits of a road id and of a whole commit hash.
const ROAD: usize = 32;
const COMMIT: usize = 40;

/// The newest road of anything: a road id, `team/name`, `claim/…`, `task/…`, a commit, an entity of the cluster.
async fn trace(
    State(portal): State<Portal>,
    caller: Caller,
    Query(query): Query<What>,
) -> Result<Json<Value>, ApiError> {
    let what = query.what.trim();
    if let Ok(road) = what.parse::<RoadId>()
        && !portal.journal.road(&road).await?.is_empty()
    {
        return detail(&portal, &caller, &road).await.map(Json);
    }
    let guesses = [
        what.to_owned(),
        format!("claim/{what}"),
        format!("task/{what}"),
        format!("commit/{what}"),
        format!("cloud/{what}"),
        format!("secret/{what}"),
    ];
    // A commit that no request made gives its objects a road that begins with its hash.
    if let Some(Ok(road)) = what
        .get(..ROAD)
        .filter(|_| what.len() == COMMIT)
        .map(str::parse::<RoadId>)
        && !portal.journal.road(&road).await?.is_empty()
    {
        return detail(&portal, &caller, &road).await.map(Json);
    }
    for subject in guesses {
        if let Some(road) = portal.journal.find(&subject).await?.first() {
            return detail(&portal, &caller, road).await.map(Json);
        }
    }
    let recent = portal.journal.roads(RECENT).await?;
    if let Some(road) = recent.into_iter().map(titled).find(|it| is_about(it, what)) {
        return detail(&portal, &caller, &road.road).await.map(Json);
    }
    Err(ApiError::not_found(format!(
        "no request has anything to do with `{what}`; name it as `team/name`, `task/<id>`, `pullrequest/<id>`, `run/<id>`, a whole commit \
         hash, an id of the cloud, or a road id"
    )))
}

/// Whether a road is called so, or leads to something of that name: `run/7`, `pullrequest/7`, an id of the cloud or its end.
fn is_about(road: &RoadSummary, what: &str) -> bool {
    let (kind, id) = what.split_once('/').unwrap_or(("", what));
    let leads_there = |hop: &Hop| match kind {
        "run" | "pullrequest" => {
            let own = hop
                .subject
                .strip_prefix(kind)
                .is_some_and(|rest| rest.starts_with('/'));
            own && hop.subject.rsplit('/').next() == Some(id)
        }
        _ => {
            let arm = hop.link["armId"].as_str().unwrap_or_default();
            arm.eq_ignore_ascii_case(what) || arm.rsplit('/').next() == Some(what)
        }
    };
    road.title == what || road.hops.iter().any(leads_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use pave_names::State as Standing;

    #[test]
    fn a_road_is_found_by_what_it_leads_to() {
        let road: RoadId = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
        let at = Timestamp::UNIX_EPOCH;
        let run = Hop::new(
            road.clone(),
            Station::Run,
            "run/pave/backstage/7",
            Standing::Ok,
            at,
        );
        let mut cloud = Hop::new(road.clone(), Station::Cloud, "cloud/x", Standing::Ok, at);
        cloud.link = json!({ "armId": "/subscriptions/s/resourceGroups/rg-one" });
        let summary = RoadSummary {
            road,
            title: "Resource group rg-one".into(),
            direction: Direction::Up,
            started_at: at,
            changed_at: at,
            hops: vec![run, cloud],
        };
        for (what, expected) in [
            ("Resource group rg-one", true),
            ("rg-one", true),
            ("/subscriptions/s/resourcegroups/RG-ONE", true),
            ("run/7", true),
            ("pullrequest/7", false),
            ("run/8", false),
            ("rg", false),
        ] {
            assert_eq!(is_about(&summary, what), expected, "{what}");
        }
    }

    #[test]
    fn roads_are_known_by_what_they_are_for() {
        let road: RoadId = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
        let at = Timestamp::UNIX_EPOCH;
        let mut commit = Hop::new(road.clone(), Station::Commit, "commit/abc", Standing::Ok, at);
        commit.link = json!({ "files": ["environments/team-a/orders.yaml"] });
        commit.direction = Direction::Down;
        let summary = RoadSummary {
            road,
            title: String::new(),
            direction: Direction::Up,
            started_at: at,
            changed_at: at,
            hops: vec![commit],
        };
        let titled = titled(summary);
        assert_eq!(
            (titled.title.as_str(), titled.direction),
            ("Delete team-a/orders", Direction::Down)
        );
    }
}
