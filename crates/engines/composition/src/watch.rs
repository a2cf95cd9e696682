//! Watches: turn the changes of a kind into calls.

use futures::{StreamExt as _, pin_mut};
use kube::api::{Api, DynamicObject};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch_stream};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is there, or changed.
    Applied,
    /// It is gone.
    Deleted,
}

/// Follows a kind until the token is cancelled. A lost connection is taken up again; objects are then seen anew.
pub(crate) async fn follow(
    api: Api<DynamicObject>,
    token: CancellationToken,
    mut call: impl FnMut(Change, &Value),
) {
    let kind = api.resource_url().to_owned();
    let events = watch_stream(api, watcher::Config::default()).default_backoff();
    pin_mut!(events);
    loop {
        let event = tokio::select! {
            () = token.cancelled() => return,
            event = events.next() => event,
        };
        let (change, object) = match event {
            Some(Ok(Event::Apply(object) | Event::InitApply(object))) => (Change::Applied, object),
            Some(Ok(Event::Delete(object))) => (Change::Deleted, object),
            Some(Ok(Event::Init | Event::InitDone)) => continue,
            Some(Err(error)) => {
                tracing::debug!(%kind, %error, "watch interrupted");
                continue;
            }
            None => return,
        };
        if let Ok(value) = serde_json::to_value(&object) {
            call(change, &value);
        }
    }
}
