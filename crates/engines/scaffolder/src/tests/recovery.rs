use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use pave_runtime::Tasks;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::neighbours::{DEADLINE, Ended, Request, World, completion, finished, messages};
use crate::action::{Action, ActionContext, ActionError, ActionSpec, Effect, Outputs};
use crate::{EventKind, Scaffolder, TaskStatus};

/// Counts how often it ran.
struct Counter {
    spec: ActionSpec,
    count: Arc<AtomicUsize>,
}

impl Counter {
    fn action(effect: Effect, count: &Arc<AtomicUsize>) -> Arc<dyn Action> {
        let spec = ActionSpec {
            id: "test:count".to_owned(),
            description: String::new(),
            input: json!({ "type": "object" }),
            output: json!({ "type": "object" }),
            examples: Vec::new(),
            supports_dry_run: true,
            effect,
        };
        Arc::new(Self {
            spec,
            count: Arc::clone(count),
        })
    }
}

impl Action for Counter {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn run<'a>(&'a self, _: &'a ActionContext<'a>) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async {
            let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(Map::from_iter([("count".to_owned(), json!(count))]))
        })
    }
}

fn steps(world: &World) -> Value {
    json!([
        { "id": "count", "action": "test:count" },
        { "id": "write", "action": "roadiehq:utils:fs:write", "input": { "path": "a.txt", "content": "n=${{ steps.count.output.count }}" } },
        { "id": "publish", "action": "pave:repo:commit", "input": { "remoteUrl": world.remote_url(), "sourcePath": "." } },
        { "id": "end", "action": "debug:log", "input": { "message": "end ${{ steps.publish.output.commitHash }}" } },
    ])
}

/// Runs until the named point, then drops everything as a crash would.
async fn crash_at(
    world: &World,
    point: &'static str,
    action: &Arc<dyn Action>,
    make: bool,
) -> Option<String> {
    let tasks = Tasks::new();
    let reached = Arc::new(Notify::new());
    let signal = Arc::clone(&reached);
    let interrupt = move |found: &str| {
        let hit = found == point;
        if hit {
            signal.notify_one();
        }
        hit
    };
    let scaffolder = world
        .open_with(&tasks, |context| {
            context.actions.push(Arc::clone(action));
            context.interrupt = Some(Arc::new(interrupt));
        })
        .await;
    let id = if make {
        Some(
            Request::of(&steps(world))
                .secrets(json!({ "s": "hidden" }))
                .start(&scaffolder)
                .await,
        )
    } else {
        None
    };
    tokio::time::timeout(DEADLINE, reached.notified())
        .await
        .expect(point);
    tasks.shutdown(DEADLINE).await;
    id
}

async fn reopen(world: &World, action: &Arc<dyn Action>) -> (Scaffolder, Tasks) {
    let tasks = Tasks::new();
    let scaffolder = world
        .open_with(&tasks, |context| context.actions.push(Arc::clone(action)))
        .await;
    (scaffolder, tasks)
}

#[tokio::test]
async fn a_task_goes_on_after_a_crash_at_every_joint_and_commits_once() {
    for point in [
        "began count",
        "did count",
        "recorded count",
        "began write",
        "did write",
        "began publish",
        "pushed publish",
        "did publish",
        "recorded publish",
        "began end",
        "did end",
    ] {
        let world = World::new();
        let count = Arc::default();
        let action = Counter::action(Effect::Idempotent, &count);
        let id = crash_at(&world, point, &action, true).await.unwrap();
        let (scaffolder, tasks) = reopen(&world, &action).await;
        let events = finished(&scaffolder, &id).await;
        assert!(
            events.iter().any(|event| event.kind == EventKind::Recovered),
            "{point}"
        );
        assert_eq!(
            scaffolder.task(&id).await.unwrap().status,
            TaskStatus::Completed,
            "{point}"
        );
        let commits = world.remote(&["log", "--format=%H", "main"]);
        assert_eq!(commits.lines().count(), 1, "{point}");
        let log = messages(&events);
        assert!(
            log.contains(&format!("end {}", commits.trim())),
            "{point}: {log:?}"
        );
        let output = completion(&events)["output"]["commit"].clone();
        assert_eq!(output, commits.trim(), "{point}");
        tasks.shutdown(DEADLINE).await;
    }
}

#[tokio::test]
async fn a_workspace_that_was_lost_is_made_again() {
    let world = World::new();
    let count: Arc<AtomicUsize> = Arc::default();
    let action = Counter::action(Effect::Once, &count);
    let id = crash_at(&world, "began publish", &action, true).await.unwrap();
    std::fs::remove_dir_all(world.path("workspaces").join(&id)).unwrap();
    let (scaffolder, _tasks) = reopen(&world, &action).await;
    finished(&scaffolder, &id).await;
    assert_eq!(world.remote(&["show", "main:a.txt"]), "n=1");
    assert_eq!(
        count.load(Ordering::SeqCst),
        1,
        "what must not be done twice keeps its outcome"
    );
}

#[tokio::test]
async fn an_interrupted_step_that_must_not_run_twice_waits_for_a_person() {
    let world = World::new();
    let count: Arc<AtomicUsize> = Arc::default();
    let action = Counter::action(Effect::Once, &count);
    let id = crash_at(&world, "did count", &action, true).await.unwrap();
    let (scaffolder, _tasks) = reopen(&world, &action).await;
    let waiting = async {
        loop {
            let task = scaffolder.task(&id).await.unwrap();
            if let Some(waiting) = task.waiting {
                return (task.status, waiting);
            }
            tokio::task::yield_now().await;
        }
    };
    let (status, reason) = tokio::time::timeout(DEADLINE, waiting).await.unwrap();
    assert_eq!(status, TaskStatus::Open);
    assert!(
        reason.contains("test:count") && reason.contains("retry"),
        "{reason}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
    scaffolder.retry(&id, None).await.unwrap();
    finished(&scaffolder, &id).await;
    assert_eq!(scaffolder.task(&id).await.unwrap().status, TaskStatus::Completed);
    assert_eq!(count.load(Ordering::SeqCst), 2);
    assert!(scaffolder.retry("nobody", None).await.is_err());
}

#[tokio::test]
async fn a_failed_task_runs_again_when_asked() {
    let (world, tasks) = (World::new(), Tasks::new());
    world
        .refusal
        .lock()
        .unwrap()
        .push(pave_diagnostic::Diagnostic::error("PV1801", "not yet"));
    let scaffolder = world.open(&tasks).await;
    let steps = json!([{ "id": "publish", "action": "pave:repo:commit", "input": { "remoteUrl": world.remote_url(), "filePath": "a", "content": "${{ secrets.word }}" } }]);
    let Ended { id, events } = Request::of(&steps)
        .secrets(json!({ "word": "first" }))
        .run(&scaffolder)
        .await;
    assert!(completion(&events)["error"].is_object());
    world.refusal.lock().unwrap().clear();
    scaffolder
        .retry(&id, Some(json!({ "word": "second" })))
        .await
        .unwrap();
    let events = finished(&scaffolder, &id).await;
    assert!(completion(&events)["error"].is_null(), "{events:?}");
    assert_eq!(world.remote(&["show", "main:a"]), "second");
    let (id, again) = (id.clone(), scaffolder.retry(&id, None));
    again.await.unwrap();
    finished(&scaffolder, &id).await;
    assert_eq!(world.remote(&["log", "--format=%H", "main"]).lines().count(), 1);
}

#[tokio::test]
async fn a_task_that_was_lost_for_too_long_is_failed() {
    let world = World::new();
    let id = {
        let (tasks, began) = (Tasks::new(), Arc::new(Notify::new()));
        let signal = Arc::clone(&began);
        let scaffolder = world
            .open_with(&tasks, |context| {
                context.interrupt = Some(Arc::new(move |point: &str| {
                    signal.notify_one();
                    point == "began a"
                }));
            })
            .await;
        let steps = json!([{ "id": "a", "action": "debug:log", "input": { "message": "a" } }]);
        let id = Request::of(&steps)
            .secrets(json!({ "key": "k" }))
            .start(&scaffolder)
            .await;
        tokio::time::timeout(DEADLINE, began.notified()).await.unwrap();
        tasks.shutdown(DEADLINE).await;
        id
    };
    let tasks = Tasks::new();
    let scaffolder = world
        .open_with(&tasks, |context| {
            context.defaults.task_timeout = std::time::Duration::ZERO;
        })
        .await;
    let events = finished(&scaffolder, &id).await;
    let message = completion(&events)["error"]["message"].as_str().unwrap();
    assert!(message.contains("lost connection"), "{message}");
    assert_eq!(scaffolder.task(&id).await.unwrap().status, TaskStatus::Failed);
}
