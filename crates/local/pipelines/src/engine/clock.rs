//! The clock that schedules, business hours and time limits of checks go by; tests move one by hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

/// The longest sleep at once, since a machine's clock can be set.
const LONGEST: Duration = Duration::from_secs(30);

/// Tells the time, and waits for one.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Comes back when it is that late.
    fn wait_until(&self, at: Timestamp) -> BoxFuture<'_, ()>;
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        pave_runtime::clock::now()
    }

    fn wait_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let left = at.as_millisecond() - self.now().as_millisecond();
                match u64::try_from(left) {
                    Ok(left) if left > 0 => {
                        tokio::time::sleep(LONGEST.min(Duration::from_millis(left))).await;
                    }
                    _ => return,
                }
            }
        })
    }
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub struct ManualClock {
    time: Arc<watch::Sender<Timestamp>>,
    awaited: Arc<Mutex<BTreeMap<Timestamp, usize>>>,
}

impl ManualClock {
    /// A clock that stands at this moment.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            time: Arc::new(watch::Sender::new(now)),
            awaited: Arc::default(),
        }
    }

    /// Moves it.
    pub fn set(&self, now: Timestamp) {
        self.time.send_replace(now);
    }

    /// Whether somebody waits for exactly this moment.
    #[must_use]
    pub fn is_awaited(&self, at: Timestamp) -> bool {
        self.awaited
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&at)
    }
}

/// One entry of those awaited.
struct Awaiting<'a>(&'a ManualClock, Timestamp);

impl Drop for Awaiting<'_> {
    fn drop(&mut self) {
        let mut awaited = self.0.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = awaited.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                awaited.remove(&self.1);
            }
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.time.borrow()
    }

    fn wait_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            *self
                .awaited
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(at)
                .or_default() += 1;
            let _entry = Awaiting(self, at);
            let mut time = self.time.subscribe();
            // The sender lives as long as we do.
            drop(time.wait_for(|now| *now >= at).await);
        })
    }
}
