//! A work queue: one object at a time each, many objects at once, back-off for those that fail.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Everything is looked at again after this time, should an event have been lost.
const RESYNC: Duration = Duration::from_secs(60);
/// First and longest wait after a failure.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Wait after a write conflict.
const CONFLICT: Duration = Duration::from_millis(20);
/// Events do not restart a failing object more often than this, so that its own writes cannot make it spin.
const SHORTEST: Duration = Duration::from_millis(250);

/// Names an object of the kind that a queue is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Namespace; empty for cluster-scoped objects.
    pub(crate) namespace: String,
    /// Name.
    pub(crate) name: String,
}

impl Key {
    /// A key.
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The namespace as the API wants it.
    pub(crate) fn namespace(&self) -> Option<&str> {
        Some(self.namespace.as_str()).filter(|it| !it.is_empty())
    }
}

/// What came of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to do until something changes.
    Settled,
    /// The object is gone; forget it.
    Gone,
    /// It failed; try again after a growing wait.
    Failed,
    /// Somebody else wrote in between; try again at once.
    Conflict,
    /// Something is under way whose end might raise no event.
    After(Duration),
}

#[derive(Default)]
struct State {
    active: HashSet<Key>,
    dirty: HashSet<Key>,
    due: HashMap<Key, Instant>,
    timers: BTreeSet<(Instant, Key)>,
    failures: HashMap<Key, (u32, Instant)>,
}

impl State {
    /// Whether the key may start now; else it is remembered.
    fn admit(&mut self, key: &Key) -> bool {
        if self.active.contains(key) {
            self.dirty.insert(key.clone());
            return false;
        }
        let earliest = self.failures.get(key).map(|(_, last)| *last + SHORTEST);
        match earliest.filter(|earliest| *earliest > Instant::now()) {
            Some(earliest) => {
                self.schedule(key.clone(), earliest);
                false
            }
            None => true,
        }
    }

    fn schedule(&mut self, key: Key, at: Instant) {
        if let Some(earlier) = self.due.get(&key).copied() {
            if earlier <= at {
                return;
            }
            self.timers.remove(&(earlier, key.clone()));
        }
        self.due.insert(key.clone(), at);
        self.timers.insert((at, key));
    }

    fn unschedule(&mut self, key: &Key) {
        if let Some(at) = self.due.remove(key) {
            self.timers.remove(&(at, key.clone()));
        }
    }

    fn finish(&mut self, key: &Key, outcome: Outcome) {
        self.active.remove(key);
        let now = Instant::now();
        let wait = match outcome {
            Outcome::Settled => Some(RESYNC),
            Outcome::Gone => None,
            Outcome::After(wait) => Some(wait),
            Outcome::Conflict => Some(CONFLICT),
            Outcome::Failed => {
                let count = self.failures.get(key).map_or(0, |(count, _)| *count);
                self.failures.insert(key.clone(), (count.saturating_add(1), now));
                Some((BACK_OFF.0 * 2_u32.saturating_pow(count.min(8))).min(BACK_OFF.1))
            }
        };
        if !matches!(outcome, Outcome::Failed | Outcome::Conflict) {
            self.failures.remove(key);
        }
        if let Some(wait) = wait {
            self.schedule(key.clone(), now + wait);
        }
    }

    fn pop_due(&mut self) -> Option<Key> {
        let (at, key) = self.timers.first()?.clone();
        (at <= Instant::now()).then(|| {
            self.unschedule(&key);
            key
        })
    }
}

/// Runs a queue until the token is cancelled. Work that is under way then is dropped: every step can be repeated.
pub(crate) async fn run<F, W>(mut incoming: UnboundedReceiver<Key>, token: CancellationToken, work: F)
where
    F: Fn(Key) -> W,
    W: Future<Output = Outcome> + Send + 'static,
{
    let mut state = State::default();
    let mut running: FuturesUnordered<BoxFuture<'static, (Key, Outcome)>> = FuturesUnordered::new();
    loop {
        let next = state.timers.first().map(|(at, _)| *at);
        let wake = next.unwrap_or_else(|| Instant::now() + RESYNC);
        let ready = tokio::select! {
            () = token.cancelled() => return,
            Some((key, outcome)) = running.next(), if !running.is_empty() => {
                state.finish(&key, outcome);
                state.dirty.remove(&key).then_some(key)
            }
            key = incoming.recv() => match key {
                Some(key) => Some(key),
                None => return,
            },
            () = tokio::time::sleep_until(wake) => state.pop_due(),
        };
        let Some(key) = ready else { continue };
        if state.admit(&key) {
            state.unschedule(&key);
            state.active.insert(key.clone());
            let work = work(key.clone());
            running.push(Box::pin(async move { (key, work.await) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_back_off_and_changes_are_joined() {
        let mut state = State::default();
        let key = Key::new("", "a");
        assert!(state.admit(&key));
        state.active.insert(key.clone());
        assert!(!state.admit(&key) && state.dirty.contains(&key));
        for expected in [1, 2, 4, 8, 16, 30, 30] {
            state.unschedule(&key);
            let before = Instant::now();
            state.finish(&key, Outcome::Failed);
            let wait = state.due[&key] - before;
            assert_eq!(wait.as_secs(), expected);
            // A change that comes at once is put off a little, so that own writes cannot make it spin.
            assert!(!state.admit(&key));
            assert!(state.due[&key] <= before + Duration::from_secs(1));
        }
        state.finish(&key, Outcome::Settled);
        assert!(state.admit(&key) && state.failures.is_empty());
    }
}
