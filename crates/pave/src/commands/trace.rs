//! `pave trace`: the road of anything.

use futures::StreamExt;
use pave_journal::Hop;
use pave_names::{Direction, State, Station};
use serde_json::Value;

use crate::cli::{Format, Trace};
use crate::client::Client;
use crate::drawing;
use crate::failure::Failure;
use crate::output;
use crate::platform::place::Place;

pub(crate) async fn run(place: &Place, command: Trace) -> Result<(), Failure> {
    let client = Client::connect(place)?;
    let road = find(&client, &command.what).await?;
    print(&road, command.output)?;
    if command.watch && end(&hops(&road)?).is_none() {
        let id = road["road"].as_str().unwrap_or_default().to_owned();
        follow(&client, &id).await?;
    }
    Ok(())
}

/// Prints the newest road of something.
pub(crate) async fn show(client: &Client, what: &str, format: Format) -> Result<(), Failure> {
    print(&find(client, what).await?, format)
}

async fn find(client: &Client, what: &str) -> Result<Value, Failure> {
    client
        .get(&format!("/api/pave/v1/trace?what={}", encode(what)))
        .await
}

fn print(road: &Value, format: Format) -> Result<(), Failure> {
    let names = vec![road["road"].as_str().unwrap_or_default().to_owned()];
    if output::machine(road, &names, format) {
        return Ok(());
    }
    output::line(format!(
        "road {}  {}",
        names[0],
        road["title"].as_str().unwrap_or_default()
    ));
    for line in drawing::road(&hops(road)?, output::coloured()) {
        output::line(line);
    }
    Ok(())
}

pub(crate) fn hops(road: &Value) -> Result<Vec<Hop>, Failure> {
    serde_json::from_value(road["hops"].clone())
        .map_err(|error| Failure::ours(format!("the road cannot be read: {error}")))
}

/// How a road ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// What was asked for is there, or gone.
    Reached,
    /// Nothing will come of the request unless somebody acts.
    Failed,
}

/// How a road ended; nothing while more will happen, be it by itself or because a person approves.
pub(crate) fn end(hops: &[Hop]) -> Option<End> {
    let has = |station: Station| hops.iter().any(|hop| hop.station == station);
    let ends = |station: Station| matches!(station, Station::Task | Station::PullRequest | Station::Run);
    if !hops.iter().all(|hop| hop.state.is_settled()) {
        return None;
    }
    if hops
        .iter()
        .any(|hop| hop.state == State::Failed && ends(hop.station))
    {
        return Some(End::Failed);
    }
    let is_there = if hops.iter().any(|hop| hop.direction == Direction::Down) {
        has(Station::Cloud)
    } else {
        has(Station::Secret) || has(Station::Merge) && has(Station::Run)
    };
    is_there.then_some(End::Reached)
}

/// Prints each hop of a road as it changes, until the road has settled.
pub(crate) async fn follow(client: &Client, road: &str) -> Result<(), Failure> {
    let mut told = Vec::new();
    let response = client.stream("/api/pave/v1/events").await?;
    let mut stream = response.bytes_stream();
    loop {
        let now = hops(&client.get(&format!("/api/pave/v1/roads/{road}")).await?)?;
        for hop in &now {
            if !told.contains(&hop.sequence) {
                told.push(hop.sequence);
                for line in drawing::road(std::slice::from_ref(hop), output::coloured()) {
                    output::line(line);
                }
            }
        }
        match end(&now) {
            // The cause is printed with the hop.
            Some(End::Failed) => return Err(Failure::told()),
            Some(End::Reached) => return Ok(()),
            None => {}
        }
        match stream.next().await {
            Some(Ok(_)) => {}
            _ => return Err(Failure::user("the platform went away").hint("see `pave status`")),
        }
    }
}

/// Percent-encodes a text for a query.
pub(crate) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_road_ends_at_its_last_station_or_where_it_failed() {
        use State::{Deleted, Failed, Ok, Running, Waiting};
        use Station::{Cloud, Merge, PullRequest, Review, Run, Secret, Task};
        let check = |expected: Option<End>, stations: &[(Station, State)]| {
            let hop = |(station, state): &(Station, State)| {
                let road = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
                let mut hop = Hop::new(road, *station, "", *state, jiff::Timestamp::UNIX_EPOCH);
                if *state == Deleted {
                    hop.direction = Direction::Down;
                }
                hop
            };
            let hops: Vec<Hop> = stations.iter().map(hop).collect();
            assert_eq!(end(&hops), expected, "{stations:?}");
        };
        check(None, &[(Task, Running)]);
        check(None, &[(Task, Ok)]);
        check(Some(End::Failed), &[(Task, Failed)]);
        check(None, &[(Task, Ok), (Cloud, Ok)]);
        check(Some(End::Reached), &[(Task, Ok), (Cloud, Ok), (Secret, Ok)]);
        check(Some(End::Reached), &[(Task, Ok), (Cloud, Deleted)]);
        // By pull request.
        check(None, &[(Task, Ok), (PullRequest, Ok), (Review, Waiting)]);
        check(None, &[(Task, Ok), (PullRequest, Ok), (Review, Ok), (Merge, Ok)]);
        check(Some(End::Failed), &[(Task, Ok), (PullRequest, Failed)]);
        let merged = [(Task, Ok), (PullRequest, Ok), (Review, Ok), (Merge, Ok)];
        let run = |state| [merged.as_slice(), &[(Run, state)]].concat();
        check(None, &run(Running));
        check(Some(End::Failed), &run(Failed));
        check(Some(End::Reached), &run(Ok));
    }
}
