//! What is not waited for is done all the same, once and in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{BoxFuture, join_all};
use pave_runtime::Tasks;
use serde_json::{Map, json};
use tokio::sync::Barrier;

use super::neighbours::{Ended, Request, World, completion, messages};
use crate::action::{Action, ActionContext, ActionError, ActionSpec, Effect, Outputs};
use crate::model::{EventKind, StepStatus};
use crate::store::Store;

/// Goes on when as many tasks as there are slots have come.
struct Meet {
    spec: ActionSpec,
    barrier: Barrier,
    inside: AtomicUsize,
    ran: AtomicUsize,
}

const SLOTS: usize = 3;

impl Meet {
    fn new() -> Arc<Self> {
        let spec = ActionSpec {
            id: "test:meet".to_owned(),
            description: String::new(),
            input: json!({ "type": "object" }),
            output: json!({ "type": "object" }),
            examples: Vec::new(),
            supports_dry_run: true,
            effect: Effect::Once,
        };
        Arc::new(Self {
            spec,
            barrier: Barrier::new(SLOTS),
            inside: AtomicUsize::new(0),
            ran: AtomicUsize::new(0),
        })
    }
}

impl Action for Meet {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn run<'a>(&'a self, _: &'a ActionContext<'a>) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async {
            let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(inside <= SLOTS, "{inside} at once");
            self.barrier.wait().await;
            self.inside.fetch_sub(1, Ordering::SeqCst);
            self.ran.fetch_add(1, Ordering::SeqCst);
            Ok(Map::new())
        })
    }
}

#[tokio::test]
async fn as_many_tasks_run_as_there_are_slots_each_once() {
    let (world, tasks, meet) = (World::new(), Tasks::new(), Meet::new());
    let action: Arc<dyn Action> = meet.clone();
    let scaffolder = world
        .open_with(&tasks, |context| {
            context.actions.push(action);
            context.defaults.concurrency = SLOTS;
        })
        .await;
    let steps = json!([{ "id": "meet", "action": "test:meet" }]);
    let ended = join_all((0..4 * SLOTS).map(|_| Request::of(&steps).run(&scaffolder))).await;
    for Ended { events, .. } in ended {
        assert!(completion(&events)["error"].is_null(), "{events:?}");
    }
    assert_eq!(meet.ran.load(Ordering::SeqCst), 4 * SLOTS);
}

#[tokio::test]
async fn lines_stand_in_the_order_in_which_they_were_said() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let said: Vec<String> = (0..40).map(|number| format!("line {number}")).collect();
    let steps = json!([
        { "id": "a", "name": "a", "action": "debug:log", "each": said, "input": { "message": "${{ each.value }}" } },
        { "id": "b", "name": "b", "action": "debug:log", "input": { "message": "after" } },
    ]);
    let Ended { events, .. } = Request::of(&steps).run(&scaffolder).await;
    let log = messages(&events);
    let lines: Vec<&String> = log
        .iter()
        .filter(|line| !line.starts_with("Running step"))
        .collect();
    let frame = ["Starting up task with 2 steps", "Beginning step a"];
    let end = ["Finished step a", "Beginning step b", "after", "Finished step b"];
    let said = said.iter().map(String::as_str);
    let expected: Vec<&str> = frame.into_iter().chain(said).chain(end).collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn what_was_handed_over_is_kept_though_nobody_waits() {
    let (world, tasks) = (World::new(), Tasks::new());
    // A task to write to.
    let scaffolder = world.open(&tasks).await;
    let Ended { id, events } = Request::of(&json!([{ "id": "a", "action": "debug:log" }]))
        .run(&scaffolder)
        .await;
    let sealer = pave_keys::Keys::open(&world.path("keys")).unwrap().sealer();
    let store = Store::open(&world.path("data/scaffolder.db"), sealer).unwrap();
    let body = |number: usize| json!({ "message": number.to_string() });
    for number in 0..100 {
        drop(store.event(&id, EventKind::Log, body(number)));
    }
    drop(store.step(&id, "b", StepStatus::Completed, &Map::new(), "100"));
    store.event(&id, EventKind::Log, body(101)).await.unwrap();
    let kept = messages(&store.events(&id, events.last().unwrap().id).await.unwrap());
    let expected: Vec<String> = (0..=101).map(|number| number.to_string()).collect();
    assert_eq!(kept, expected);
    assert!(store.step_record(&id, "b").await.unwrap().is_some());
}
