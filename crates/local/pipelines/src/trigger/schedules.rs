//! Runs that the clock starts (`schedules:`).
//!
//! A schedule counts from the moment it is first seen; what was due before that, or while nothing ran here, is not made
//! up for.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _};
use pave_devops::Event;
use pave_pipeline::{Cron, Schedule};

use super::standing::said;
use crate::engine::queue::{Wish, queue};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::Origin;
use crate::store::Stored;
use crate::things::Definition;

/// A schedule of a branch, and until when it was looked at.
struct Entry {
    definition: Stored<Definition>,
    branch: String,
    head: String,
    schedule: Schedule,
    cron: Cron,
    seen: Timestamp,
}

impl Entry {
    fn next(&self) -> Option<Timestamp> {
        self.cron.next(self.seen)
    }

    fn key(&self) -> Key {
        key(&self.definition, &self.branch, &self.schedule)
    }
}

/// Definition, branch, and the schedule's text and name.
type Key = (i64, String, String, String);

fn key(definition: &Stored<Definition>, branch: &str, schedule: &Schedule) -> Key {
    (
        definition.id,
        branch.to_owned(),
        schedule.cron.clone(),
        schedule.display_name.clone(),
    )
}

/// Starts what is due until the end.
pub(crate) async fn run(pipelines: Arc<Pipelines>) {
    let mut events = pipelines.options().feed.subscribe();
    let token = pipelines.options().tasks.token();
    let mut seen: HashMap<Key, Timestamp> = HashMap::new();
    loop {
        let now = pipelines.clock().now();
        let mut entries = collect(&pipelines, &seen, now).await;
        for entry in &mut entries {
            if entry.next().is_some_and(|at| at <= now) {
                if let Err(error) = start(&pipelines, entry).await {
                    super::complain(&entry.definition, &error);
                }
                entry.seen = now;
            }
        }
        seen = entries.iter().map(|entry| (entry.key(), entry.seen)).collect();
        let later = now.checked_add(24.hours()).unwrap_or(Timestamp::MAX);
        let next = entries
            .iter()
            .filter_map(Entry::next)
            .min()
            .unwrap_or(later)
            .min(later);
        tokio::select! {
            () = token.cancelled() => return,
            () = pipelines.clock().wait_until(next) => {}
            () = something_moved(&mut events) => {}
        }
    }
}

/// Comes back when a schedule may have been written or removed.
async fn something_moved(events: &mut tokio::sync::broadcast::Receiver<Arc<Event>>) {
    loop {
        match events.recv().await {
            Ok(event) => match event.as_ref() {
                Event::Push { .. } | Event::Changed { area: "build", .. } => return,
                _ => {}
            },
            Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => return,
            Err(tokio::sync::broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// All schedules of all branches.
async fn collect(pipelines: &Pipelines, seen: &HashMap<Key, Timestamp>, now: Timestamp) -> Vec<Entry> {
    let mut all = Vec::new();
    for definition in super::triggered(pipelines).await {
        match of(pipelines, &definition).await {
            Ok(found) => all.extend(found.into_iter().map(|(branch, head, schedule, cron)| Entry {
                seen: *seen.get(&key(&definition, &branch, &schedule)).unwrap_or(&now),
                definition: definition.clone(),
                branch,
                head,
                schedule,
                cron,
            })),
            Err(error) => super::complain(&definition, &error),
        }
    }
    all
}

/// The schedules of a definition: each branch's own file decides for the branch.
async fn of(
    pipelines: &Pipelines,
    definition: &Stored<Definition>,
) -> Result<Vec<(String, String, Schedule, Cron)>> {
    let mut found = Vec::new();
    let repository = definition.body.repository.id;
    for (branch, head) in pipelines.options().repositories.branches(repository).await? {
        let said = said(pipelines, definition, &branch, &head).await?;
        let short = branch.strip_prefix("refs/heads/").unwrap_or(&branch);
        let own = said.schedules.iter().filter(|it| it.branches.matches(short));
        let read = own.filter_map(|it| Some((it.clone(), Cron::parse(&it.cron).ok()?)));
        found.extend(read.map(|(schedule, cron)| (branch.clone(), head.clone(), schedule, cron)));
    }
    Ok(found)
}

async fn start(pipelines: &Pipelines, entry: &Entry) -> Result {
    let (definition, branch) = (&entry.definition, &entry.branch);
    let _turn = pipelines.queueing.lock().await;
    if !entry.schedule.always {
        let last = pipelines.store().last_scheduled(definition.id, branch).await?;
        if last.as_deref() == Some(entry.head.as_str()) {
            return Ok(());
        }
    }
    if entry.schedule.batch {
        let running = pipelines.store().active_of(definition.id, branch).await?;
        if running.iter().any(|run| run.reason == "schedule") {
            return Ok(());
        }
    }
    let wish = Wish {
        branch: branch.clone(),
        version: entry.head.clone(),
        reason: "schedule".to_owned(),
        origin: Some(Origin {
            category: "schedule".to_owned(),
            alias: entry.schedule.display_name.clone(),
            ..Origin::default()
        }),
        ..Wish::default()
    };
    queue(pipelines, definition, &definition.body.author, wish, true).await?;
    Ok(())
}
