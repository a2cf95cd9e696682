//! `pave trace`: the road of anything.

use futures::StreamExt;
use pave_journal::Hop;
use serde_json::Value;

use crate::cli::Trace;
use crate::client::Client;
use crate::drawing;
use crate::failure::Failure;
use crate::output;
use crate::platform::place::Place;

pub(crate) async fn run(place: &Place, command: Trace) -> Result<(), Failure> {
    let client = Client::connect(place)?;
    let road = client
        .get(&format!("/api/pave/v1/trace?what={}", encode(&command.what)))
        .await?;
    show(&road, &command)?;
    if command.watch && !settled(&hops(&road)?) {
        let id = road["road"].as_str().unwrap_or_default().to_owned();
        follow(&client, &id).await?;
    }
    Ok(())
}

fn show(road: &Value, command: &Trace) -> Result<(), Failure> {
    let names = vec![road["road"].as_str().unwrap_or_default().to_owned()];
    if output::machine(road, &names, command.output) {
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

/// Whether nothing more will happen by itself.
pub(crate) fn settled(hops: &[Hop]) -> bool {
    let down = hops
        .iter()
        .any(|hop| hop.direction == pave_names::Direction::Down);
    let last = if down {
        pave_names::Station::Cloud
    } else {
        pave_names::Station::Secret
    };
    hops.iter().all(|hop| hop.state.is_settled())
        && (task_failed(hops) || hops.iter().any(|hop| hop.station == last))
}

/// Whether nothing will come of the request.
fn task_failed(hops: &[Hop]) -> bool {
    hops.iter()
        .any(|hop| hop.station == pave_names::Station::Task && hop.state == pave_names::State::Failed)
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
        if settled(&now) {
            // The cause is printed with the hop.
            return if task_failed(&now) {
                Err(Failure::told())
            } else {
                Ok(())
            };
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
