use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use pave_arm::{ArmClient, ArmError};
use pave_devops::{Event, Feed};
use pave_journal::Journal;
use pave_names::EntityRef;
use pave_runtime::Tasks;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::requests::Requests;
use super::{Found, entities};
use crate::Catalog;

/// How often a subscription is looked at when nothing says that it changed.
pub const PERIOD: Duration = Duration::from_secs(60);
/// Events that come together are answered by one look.
const TOGETHER: Duration = Duration::from_millis(200);
/// Version of Resource Manager's lists.
const VERSION: &str = "2021-04-01";

/// A subscription whose resources the catalog shows.
pub struct Subscription {
    /// Speaks to Resource Manager.
    pub client: ArmClient,
    /// Its id.
    pub id: String,
    /// Whether it is public Azure.
    pub is_public: bool,
    /// Knows which request made what.
    pub journal: Journal,
    /// Says when a run has ended.
    pub feed: Feed,
    /// Address of the portal, for links.
    pub portal: String,
    /// How often it is looked at when nothing says that it changed.
    pub period: Duration,
}

/// Shows what stands in a subscription, from now on.
pub fn watch(catalog: Catalog, subscription: Subscription, tasks: &Tasks) {
    let token = tasks.token();
    let events = subscription.feed.subscribe();
    tasks.spawn("catalog: azure resources", async move {
        tokio::select! {
            () = token.cancelled() => {}
            () = run(&catalog, &subscription, events) => {}
        }
    });
}

async fn run(catalog: &Catalog, subscription: &Subscription, mut events: Receiver<Arc<Event>>) {
    let mut hops = Box::pin(subscription.journal.events(0));
    let mut requests = Requests::default();
    let mut is_open = true;
    let mut next = tokio::time::Instant::now();
    loop {
        tokio::select! {
            Some(hop) = hops.next() => {
                if requests.note(&hop) {
                    next = next.min(tokio::time::Instant::now() + TOGETHER);
                }
            }
            event = events.recv(), if is_open => match event {
                Err(RecvError::Closed) => is_open = false,
                event if is_end(event.as_deref()) => next = next.min(tokio::time::Instant::now() + TOGETHER),
                _ => {}
            },
            () = catalog.asked() => next = tokio::time::Instant::now(),
            () = tokio::time::sleep_until(next) => {
                if let Err(error) = refresh(catalog, subscription, &requests).await {
                    // What was there stays until Azure answers again.
                    tracing::warn!(%error, subscription = subscription.id, "the resources of the subscription cannot be read");
                }
                next = tokio::time::Instant::now() + subscription.period;
            }
        }
    }
}

/// Whether a run ended, or events were lost.
fn is_end(event: Result<&Event, &RecvError>) -> bool {
    match event {
        Ok(Event::Run { state, .. }) => state.is_final(),
        Ok(_) => false,
        Err(_) => true,
    }
}

#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error(transparent)]
    Arm(#[from] ArmError),
    #[error(transparent)]
    Catalog(#[from] crate::CatalogError),
}

async fn refresh(
    catalog: &Catalog,
    subscription: &Subscription,
    requests: &Requests,
) -> Result<(), RefreshError> {
    let base = format!("/subscriptions/{}", subscription.id);
    let groups = subscription
        .client
        .list(&format!("{base}/resourcegroups"), VERSION)
        .await?;
    let resources = subscription
        .client
        .list(&format!("{base}/resources"), VERSION)
        .await?;
    // A team's namespace is called as its group.
    let group_of = |namespace: &str| {
        let group = EntityRef::new("group", "default", namespace);
        catalog.entity(&group).map(|_| group.to_string())
    };
    let found = Found {
        subscription: &subscription.id,
        groups: &groups,
        resources: &resources,
        requests: &requests.by_resource(group_of),
        portal: &subscription.portal,
        is_public: subscription.is_public,
        period: &format!("after each run, and every {} s", subscription.period.as_secs()),
    };
    let provider = format!("azure-resource-manager:{}", subscription.id);
    catalog.provide(&provider, entities(&found)).await?;
    Ok(())
}
