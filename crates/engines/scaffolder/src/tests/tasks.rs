use pave_diagnostic::Diagnostic;
use pave_names::{State, Station};
use pave_runtime::Tasks;
use serde_json::json;

use super::neighbours::{Ended, Request, World, alice, completion, finished, messages, template};
use crate::{Created, EventKind, TaskFilter, TaskStatus};

#[tokio::test]
async fn a_file_reaches_the_branch_in_one_step() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let steps = json!([{ "id": "publish", "name": "Commit it", "action": "pave:repo:commit", "input": {
        "remoteUrl": world.remote_url(),
        "filePath": "environments/${{ parameters.envName }}.yaml",
        "content": "name: ${{ parameters.envName }}\nuser: ${{ parameters.dbUser }}\n",
        "commitMessage": "Add ${{ parameters.envName }}",
        "allowedHosts": ["x"] } }]);
    let Ended { id, events } = Request::of(&steps)
        .values(json!({ "envName": "orders" }))
        .run(&scaffolder)
        .await;
    let log = messages(&events);
    assert_eq!(log[0], "Starting up task with 1 steps");
    assert_eq!(log[1], "Beginning step Commit it");
    assert!(log[2].contains("has no input `allowedHosts`"), "{log:?}");
    assert_eq!(log.last().unwrap(), "Finished step Commit it");
    let commit = world.remote(&["rev-parse", "main"]);
    assert_eq!(
        completion(&events)["output"],
        json!({ "commit": commit.trim(), "links": [] })
    );
    assert_eq!(
        world.remote(&["show", "main:environments/orders.yaml"]),
        "name: orders\nuser: admin_user\n"
    );
    let task = scaffolder.task(&id).await.unwrap();
    assert_eq!(
        (task.status, task.created_by.as_str()),
        (TaskStatus::Completed, "user:default/alice")
    );
    let message = world.remote(&["log", "-1", "--format=%an <%ae>%n%B", "main"]);
    for line in [
        "Alice <alice@example.com>",
        "Add orders",
        &format!("Pave-Road: {}", task.road),
        "Pave-Requested-By: user:default/alice",
        &format!("Pave-Step: {id}/publish"),
    ] {
        assert!(message.lines().any(|found| found == line), "{line} in {message}");
    }
    let hops = world.journal().road(&task.road).await.unwrap();
    let stations: Vec<_> = hops.iter().map(|hop| (hop.station, hop.state)).collect();
    assert_eq!(
        stations,
        [(Station::Task, State::Ok), (Station::Commit, State::Ok)]
    );
    assert_eq!(hops[1].link["files"], json!(["environments/orders.yaml"]));
    assert!(!world.has_file(&format!("workspaces/{id}")));
    tasks.shutdown(super::neighbours::DEADLINE).await;
}

#[tokio::test]
async fn values_are_checked_before_a_task_is_made() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let template = template(&json!([{ "action": "debug:log" }]));
    let created = scaffolder
        .create_task(&alice(), &template, json!({}), json!({}))
        .await
        .unwrap();
    let Created::Invalid(errors) = created else {
        panic!("{created:?}")
    };
    assert_eq!(errors[0].stack, "instance requires property \"envName\"");
    assert_eq!(
        scaffolder
            .tasks(&TaskFilter::default())
            .await
            .unwrap()
            .total_tasks,
        0
    );
}

#[tokio::test]
async fn steps_follow_if_each_and_failure() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let steps = json!([
        { "id": "no", "action": "debug:log", "if": "${{ parameters.nothing }}" },
        { "id": "each", "action": "roadiehq:utils:fs:write", "each": ["a", "b"], "if": "${{ each.value != 'b' }}",
          "input": { "path": "${{ each.key }}-${{ each.value }}", "content": "${{ user.entity.metadata.name }}" } },
        { "id": "show", "action": "debug:log", "input": { "message": "${{ steps.each.output.path }}", "listWorkspace": true } },
        { "id": "bad", "action": "fs:delete", "input": { "files": "x" } },
        { "id": "after", "action": "debug:log" },
        { "id": "always", "action": "debug:log", "if": "${{ always() }}", "input": { "message": "cleaning" } },
        { "id": "failure", "action": "debug:log", "if": "${{ failure() }}", "input": { "message": "it failed" } },
    ]);
    let Ended { events, .. } = Request::of(&steps).run(&scaffolder).await;
    let log = messages(&events).join("\n");
    for line in [
        "Skipping step no because its if condition was false",
        "[\"0-a\"]",
        "Workspace:\n  - 0-a",
        "Skipping step after because a previous step failed",
        "cleaning",
        "it failed",
    ] {
        assert!(log.contains(line), "{line} in\n{log}");
    }
    let error = &completion(&events)["error"];
    assert_eq!(error["name"], "InputError");
    assert_eq!(
        error["message"],
        "Invalid input passed to action fs:delete, instance.files is not of a type(s) array"
    );
}

#[tokio::test]
async fn secrets_do_not_reach_the_log_and_go_at_the_end() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let steps = json!([{ "id": "a", "action": "debug:log", "input": { "message": "p=${{ secrets.key | upper }} ${{ secrets.key }}" } }]);
    let Ended { events, .. } = Request::of(&steps)
        .secrets(json!({ "key": "open-sesame" }))
        .run(&scaffolder)
        .await;
    let log = messages(&events).join("\n");
    assert!(log.contains("p=*** ***"), "{log}");
    tasks.shutdown(super::neighbours::DEADLINE).await;
    drop(scaffolder);
    for name in ["data/scaffolder.db", "data/scaffolder.db-wal"] {
        let bytes = std::fs::read(world.path(name)).unwrap_or_default();
        assert!(
            !bytes
                .windows(11)
                .any(|window| window.eq_ignore_ascii_case(b"open-sesame")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_gate_stops_a_commit_in_its_words() {
    let (world, tasks) = (World::new(), Tasks::new());
    world
        .refusal
        .lock()
        .unwrap()
        .push(Diagnostic::error("PV1801", "bob may not create claims in team-a"));
    let scaffolder = world.open(&tasks).await;
    let steps = json!([{ "id": "publish", "action": "pave:repo:commit", "input": { "remoteUrl": world.remote_url(), "filePath": "a", "content": "b" } }]);
    let Ended { id, events } = Request::of(&steps).run(&scaffolder).await;
    let error = &completion(&events)["error"];
    assert_eq!(error["name"], "NotAllowedError");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("bob may not create claims in team-a"),
        "{error}"
    );
    assert_eq!(world.remote(&["for-each-ref"]), "");
    let road = scaffolder.task(&id).await.unwrap().road;
    let hop = world.journal().road(&road).await.unwrap().remove(0);
    assert_eq!(hop.state, State::Failed);
    assert!(hop.cause.contains("bob may not"), "{}", hop.cause);
}

#[tokio::test]
async fn files_are_deleted_on_a_road_of_their_own() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let steps = json!([{ "id": "publish", "action": "pave:repo:commit", "input": { "remoteUrl": world.remote_url(), "files": [
        { "path": "a/${{ parameters.envName }}", "content": "1" }, { "path": "keep", "content": "2" }] } }]);
    Request::of(&steps).run(&scaffolder).await;
    let deleted = scaffolder
        .delete_files(
            &alice(),
            &world.remote_url(),
            "main",
            &["a/x".to_owned()],
            "Delete ${{ x }}",
        )
        .await
        .unwrap();
    let Created::Task { id, road } = deleted else {
        panic!("{deleted:?}")
    };
    finished(&scaffolder, &id).await;
    assert_eq!(world.remote(&["ls-tree", "-r", "--name-only", "main"]), "keep\n");
    assert!(
        world
            .remote(&["log", "-1", "--format=%s", "main"])
            .contains("Delete ${{ x }}")
    );
    let hops = world.journal().road(&road).await.unwrap();
    assert!(
        hops.iter()
            .all(|hop| hop.direction == pave_names::Direction::Down),
        "{hops:?}"
    );
    assert_eq!(hops.len(), 2);
}

#[tokio::test]
async fn a_task_is_cancelled_between_steps() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let steps = json!([
        { "id": "wait", "action": "debug:wait", "input": { "minutes": 5 } },
        { "id": "never", "action": "debug:log", "input": { "message": "never" } },
    ]);
    let id = Request::of(&steps).start(&scaffolder).await;
    {
        use futures::StreamExt;
        let events = scaffolder.events(&id, 0);
        let mut events = Box::pin(events);
        let waiting = async {
            while let Some(event) = events.next().await {
                if event.body["message"]
                    .as_str()
                    .is_some_and(|message| message.starts_with("Waiting"))
                {
                    return;
                }
            }
        };
        tokio::time::timeout(super::neighbours::DEADLINE, waiting)
            .await
            .unwrap();
    }
    assert_eq!(scaffolder.cancel(&id).await.unwrap(), TaskStatus::Cancelled);
    let events = finished(&scaffolder, &id).await;
    assert!(events.iter().any(|event| event.kind == EventKind::Cancelled));
    assert!(!messages(&events).contains(&"never".to_owned()));
    assert_eq!(scaffolder.task(&id).await.unwrap().status, TaskStatus::Cancelled);
    // Events after the last one: the completion is repeated all the same.
    let last = events.last().unwrap().id;
    let again = scaffolder.events_now(&id, last).await.unwrap();
    assert_eq!(
        again.iter().map(|event| event.kind).collect::<Vec<_>>(),
        [EventKind::Completion]
    );
}

#[tokio::test]
async fn an_unknown_action_fails_before_anything_is_done() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let steps = json!([{ "id": "a", "action": "debug:log" }, { "id": "b", "action": "debug:lag" }]);
    let Ended { id, events } = Request::of(&steps).run(&scaffolder).await;
    assert_eq!(
        completion(&events)["error"]["message"],
        "Template action with ID 'debug:lag' is not registered. Did you mean 'debug:log'?"
    );
    assert_eq!(messages(&events).len(), 1);
    let page = scaffolder
        .tasks(&TaskFilter {
            status: vec![TaskStatus::Failed],
            created_by: vec!["user:default/alice".to_owned()],
            ..TaskFilter::default()
        })
        .await
        .unwrap();
    assert_eq!((page.total_tasks, page.tasks[0].id.as_str()), (1, id.as_str()));
}

#[tokio::test]
async fn the_publish_step_of_the_post_is_told_what_to_use() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let steps = json!([{ "id": "publish-yaml", "action": "publish:github", "input": { "repoUrl": "github.com:my-org/platform-configs", "filePath": "a.yaml", "content": "b" } }]);
    let Ended { events, .. } = Request::of(&steps).run(&scaffolder).await;
    let message = completion(&events)["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message.contains("'publish:github' is not registered"),
        "{message}"
    );
    assert!(message.contains("use 'pave:repo:commit'"), "{message}");
    let listing: Vec<_> = scaffolder
        .actions()
        .iter()
        .map(|action| action.id.clone())
        .collect();
    assert!(listing.is_sorted() && listing.len() >= 15, "{listing:?}");
}
