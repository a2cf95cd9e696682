use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures::{Stream, StreamExt, pin_mut};
use pave_auth::Principal;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::access::Readable;
use super::{application, devops, environment};
use crate::context::Portal;
use crate::error::ApiError;
use crate::live::{Change, Watched};
use crate::session::Caller;

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/events", get(events))
}

#[derive(Deserialize)]
struct After {
    after: Option<u64>,
}

/// One stream for everything that pages show live. A page that comes back names the last hop it saw.
async fn events(
    State(portal): State<Portal>,
    caller: Caller,
    Query(query): Query<After>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let after = match last.or(query.after) {
        Some(after) => after,
        None => portal.journal.newest().await?,
    };
    Ok(Sse::new(stream(portal, caller.0, after))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn stream(portal: Portal, principal: Principal, after: u64) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let mut changes = portal.live.changes();
        let mut feed = portal.live.feed();
        let hops = portal.journal.events(after);
        pin_mut!(hops);
        // Says that the stream stands, before anything happens.
        yield Ok(Event::default().comment("connected"));
        loop {
            tokio::select! {
                hop = hops.next() => match hop {
                    Some(hop) => {
                        let id = hop.sequence.to_string();
                        yield Ok(event("hop", &json!(hop)).id(id));
                    }
                    None => return,
                },
                change = changes.recv() => match change {
                    Ok(change) => if let Some(event) = told(&portal, &principal, &change).await {
                        yield Ok(event);
                    },
                    // Too far behind: the page reconnects and reads everything again.
                    Err(broadcast::error::RecvError::Lagged(_) | broadcast::error::RecvError::Closed) => return,
                },
                hint = feed.recv() => match hint {
                    Ok(hint) => if let Some(hint) = devops::hint(&portal, &principal, &hint).await {
                        yield Ok(event("devops", &hint));
                    },
                    Err(broadcast::error::RecvError::Lagged(_) | broadcast::error::RecvError::Closed) => return,
                },
            }
        }
    }
}

/// A change as the page hears of it, if the person may see the object.
async fn told(portal: &Portal, principal: &Principal, change: &Change) -> Option<Event> {
    if !Readable::new(portal, principal).allows(&change.object).await {
        return None;
    }
    let name = json!({
        "namespace": change.object["metadata"]["namespace"],
        "name": change.object["metadata"]["name"],
    });
    Some(match (change.watched, change.gone) {
        (Watched::Claim, true) => event("environment-deleted", &name),
        (Watched::Claim, false) => event(
            "environment",
            &environment::row(portal, &change.object).await.ok()?,
        ),
        (Watched::Application, true) => event("application-deleted", &name),
        (Watched::Application, false) => event("application", &application::row(&change.object)),
    })
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
