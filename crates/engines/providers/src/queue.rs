//! Which object is looked at when: at once when woken, later when asked, never twice at a time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pave_runtime::Tasks;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::cache::Key;
use crate::engine::Engine;
use crate::round;

/// Rounds wait this long for all watches to have listed, so that a start does not report what is merely not seen yet.
const LONGEST_START: Duration = Duration::from_secs(5);

/// Wait after a round that ended without an answer, which only a defect can cause.
const AFTER_DEFECT: Duration = Duration::from_secs(30);

/// The sending end: anyone may wake an object.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: UnboundedSender<Message>,
}

pub(crate) enum Message {
    /// Look at it now.
    Wake(Key),
    /// A round ended and asks to come again after that time.
    Done(Key, Option<Duration>),
    /// One more watch has listed everything.
    Listed,
}

impl Queue {
    pub(crate) fn new() -> (Self, UnboundedReceiver<Message>) {
        let (sender, receiver) = unbounded_channel();
        (Self { sender }, receiver)
    }

    pub(crate) fn wake(&self, key: Key) {
        self.send(Message::Wake(key));
    }

    pub(crate) fn listed(&self) {
        self.send(Message::Listed);
    }

    fn send(&self, message: Message) {
        // The receiver is gone only while everything ends.
        drop(self.sender.send(message));
    }
}

/// Runs rounds as they fall due, until the tasks end.
pub(crate) async fn dispatch(
    engine: Arc<Engine>,
    mut receiver: UnboundedReceiver<Message>,
    mut unlisted: usize,
    tasks: Tasks,
) {
    let token = tasks.token();
    let mut schedule = Schedule::default();
    let opens = Instant::now() + LONGEST_START;
    loop {
        let open = unlisted == 0 || Instant::now() >= opens;
        if open {
            for key in schedule.take_due(Instant::now(), engine.settings.concurrency) {
                start(&engine, key, &tasks);
            }
        }
        let full = schedule.running.len() >= engine.settings.concurrency;
        let next = if open {
            schedule.next_due().filter(|_| !full)
        } else {
            Some(opens)
        };
        let sleep = async {
            match next {
                Some(next) => tokio::time::sleep_until(next.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = token.cancelled() => return,
            () = sleep => {}
            message = receiver.recv() => match message {
                Some(Message::Wake(key)) => schedule.wake(key, Instant::now()),
                Some(Message::Done(key, after)) => schedule.done(key, after, Instant::now()),
                Some(Message::Listed) => unlisted = unlisted.saturating_sub(1),
                None => return,
            },
        }
    }
}

fn start(engine: &Arc<Engine>, key: Key, tasks: &Tasks) {
    let answer = Answer {
        queue: engine.queue.clone(),
        key: Some(key.clone()),
        after: Some(AFTER_DEFECT),
    };
    let (engine, token) = (Arc::clone(engine), tasks.token());
    tasks.spawn("providers/round", async move {
        // As a whole: a move of its parts would leave the dropping behind.
        let mut answer = answer;
        tokio::select! {
            () = token.cancelled() => {}
            after = round::run(&engine, &key) => answer.after = after,
        }
    });
}

/// Reports the end of a round however it ends, so that a defect in one never stops its object for good.
struct Answer {
    queue: Queue,
    key: Option<Key>,
    after: Option<Duration>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.queue.send(Message::Done(key, self.after));
        }
    }
}

/// When which object is due.
#[derive(Default)]
pub(crate) struct Schedule {
    due: BTreeSet<(Instant, Key)>,
    at: HashMap<Key, Instant>,
    running: HashSet<Key>,
    woken: HashSet<Key>,
}

impl Schedule {
    /// Makes the object due now, or once more after the round that is running.
    pub(crate) fn wake(&mut self, key: Key, now: Instant) {
        if self.running.contains(&key) {
            self.woken.insert(key);
        } else {
            self.put(key, now);
        }
    }

    /// Takes note of the end of a round.
    pub(crate) fn done(&mut self, key: Key, after: Option<Duration>, now: Instant) {
        self.running.remove(&key);
        if self.woken.remove(&key) {
            self.put(key, now);
        } else if let Some(after) = after {
            self.put(key, now + after);
        }
    }

    /// The objects whose rounds start now.
    pub(crate) fn take_due(&mut self, now: Instant, limit: usize) -> Vec<Key> {
        let mut taken = Vec::new();
        while self.running.len() < limit {
            match self.due.first() {
                Some((at, _)) if *at <= now => {}
                _ => break,
            }
            let Some((_, key)) = self.due.pop_first() else {
                break;
            };
            self.at.remove(&key);
            self.running.insert(key.clone());
            taken.push(key);
        }
        taken
    }

    /// When the next object falls due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    fn put(&mut self, key: Key, at: Instant) {
        if let Some(known) = self.at.get(&key).copied() {
            if known <= at {
                return;
            }
            self.due.remove(&(known, key.clone()));
        }
        self.at.insert(key.clone(), at);
        self.due.insert((at, key));
    }
}
