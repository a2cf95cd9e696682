//! What happens behind the requests: garbage collection, namespaces, definitions on their way out, old events.

mod bootstrap;
mod collector;
mod definitions;
mod namespaces;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use crate::api::Server;
use crate::storage::{Event, EventKind};

pub(crate) use bootstrap::{bootstrap, ensure};

/// How often everything is looked over, whatever the events say.
const SWEEP: Duration = Duration::from_secs(30);

/// Follows the log until the server stops.
pub(crate) async fn run(server: Arc<Server>) {
    let mut feed = server.storage.feed();
    sweep(&server).await;
    let mut tick = tokio::time::interval(SWEEP);
    tick.tick().await;
    loop {
        tokio::select! {
            event = feed.recv() => match event {
                // Logical clusters share one log; each is looked after by its own.
                Ok(event) if *event.object.table.cluster != *server.cluster => {}
                Ok(event) => react(&server, &event).await,
                // Too much happened at once: look at everything instead.
                Err(RecvError::Lagged(_)) => sweep(&server).await,
                Err(RecvError::Closed) => return,
            },
            _ = tick.tick() => sweep(&server).await,
            () = server.stop.cancelled() => return,
        }
    }
}

async fn react(server: &Server, event: &Event) {
    let object = &event.object;
    if event.kind == EventKind::Deleted {
        collector::owner_gone(server, object.uid()).await;
        collector::dependent_gone(server, object).await;
        definitions::instance_gone(server, &object.table).await;
        namespaces::content_gone(server, &object.name.namespace).await;
        return;
    }
    if object.owners().next().is_some() {
        collector::check(server, object).await;
    }
    if object.is_terminating() {
        collector::release(server, object).await;
    }
    match (&*object.table.group, &*object.table.resource) {
        ("", "namespaces") => namespaces::follow(server, object).await,
        ("apiextensions.k8s.io", "customresourcedefinitions") => definitions::follow(server, object).await,
        _ => {}
    }
}

/// Looks at every object: what was missed, or happened while the server was down.
async fn sweep(server: &Server) {
    for resource in server.registry.snapshot().stored() {
        for object in server.storage.list(&resource.table, None).1 {
            if object.owners().next().is_some() {
                collector::check(server, &object).await;
            }
            if object.is_terminating() {
                collector::release(server, &object).await;
            }
        }
    }
    definitions::sweep(server).await;
    namespaces::sweep(server).await;
    bootstrap::expire_events(server).await;
}
