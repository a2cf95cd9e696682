use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pave_names::GroupVersionKind;
use tokio::sync::Notify;

/// How much of a comparison is to be done anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Compare with the revision of the last time: something in the cluster changed.
    #[default]
    Recent,
    /// Ask Git: the time has come.
    Latest,
    /// Ask Git: somebody said so, or the Application changed.
    Force,
}

/// What waits for the worker of one Application.
#[derive(Default)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    notify: Notify,
}

#[derive(Default)]
struct Inner {
    level: Option<Level>,
    closed: bool,
    kinds_came: bool,
    unknown: HashSet<(String, String)>,
}

/// What the worker finds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letter {
    /// How much to do.
    pub(crate) level: Level,
    /// The Application is gone.
    pub(crate) closed: bool,
    /// A kind that was missing is served now: what failed for it may be tried again at once.
    pub(crate) kinds_came: bool,
}

impl Mailbox {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a comparison; several requests become one.
    pub(crate) fn ask(&self, level: Level) {
        let mut inner = self.inner();
        inner.level = inner.level.max(Some(level));
        drop(inner);
        self.notify.notify_one();
    }

    /// Ends the worker.
    pub(crate) fn close(&self) {
        self.inner().closed = true;
        self.notify.notify_one();
    }

    /// Says which kinds the cluster did not serve.
    pub(crate) fn set_unknown(&self, kinds: impl Iterator<Item = GroupVersionKind>) {
        self.inner().unknown = kinds.map(|gvk| (gvk.group, gvk.kind)).collect();
    }

    /// Asks for a comparison if a kind was one that is missed.
    pub(crate) fn kind_came(&self, group: &str, kind: &str) {
        let mut inner = self.inner();
        if inner.unknown.remove(&(group.to_owned(), kind.to_owned())) {
            inner.kinds_came = true;
            drop(inner);
            self.ask(Level::Recent);
        }
    }

    /// Waits for something to do.
    pub(crate) async fn take(&self) -> Letter {
        loop {
            {
                let mut inner = self.inner();
                if inner.closed || inner.level.is_some() {
                    let level = inner.level.take().unwrap_or_default();
                    let kinds_came = std::mem::take(&mut inner.kinds_came);
                    return Letter {
                        level,
                        closed: inner.closed,
                        kinds_came,
                    };
                }
            }
            self.notify.notified().await;
        }
    }
}
