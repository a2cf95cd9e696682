//! What starts runs besides people: batched pushes, the clock, other pipelines, other repositories.

use serde_json::{Value, json};

use crate::harness::{Scene, eventually};

/// A job that waits for a file.
fn waiting(scene: &Scene, name: &str) -> String {
    let marker = scene.file(name);
    format!(
        "steps:\n- checkout: none\n- script: while [ ! -e {} ]; do sleep 0.05; done\n  displayName: Wait\n",
        marker.display()
    )
}

async fn builds(scene: &Scene, definition: i64) -> Vec<Value> {
    let found = scene
        .get(&format!(
            "build/builds?definitions={definition}&queryOrder=queueTimeAscending"
        ))
        .await;
    found["value"].as_array().unwrap().clone()
}

async fn nth(scene: &Scene, definition: i64, index: usize) -> Value {
    eventually("a run is queued", async || {
        builds(scene, definition).await.get(index).cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_while_a_run_goes_on_are_built_together() {
    let scene = Scene::new().await;
    let yaml = format!(
        "trigger:\n  batch: true\n  branches: {{ include: [main] }}\n  paths: {{ include: [src] }}\n{}",
        waiting(&scene, "go")
    );
    let definition = scene.define("ci", &yaml).await;
    scene.repository.push("main", "One", &[("src/a", "1")]);
    scene.tell_push();
    let first = nth(&scene, definition, 0).await;
    assert_eq!(first["reason"], "batchedCI");
    scene.repository.push("main", "Two", &[("src/b", "1")]);
    scene.tell_push();
    // What is held back survives the process.
    let scene = scene.restart().await;
    // The last one alone would start nothing.
    scene.repository.push("main", "Three", &[("docs/c", "1")]);
    scene.tell_push();
    let other = scene
        .define("other", "trigger: none\nsteps:\n- script: echo\n")
        .await;
    let waits = scene.queue(other, json!({})).await;
    scene.ended(waits).await;
    assert_eq!(builds(&scene, definition).await.len(), 1);
    std::fs::write(scene.file("go"), "").unwrap();
    let first = scene.ended(first["id"].as_i64().unwrap()).await;
    scene.assert_result(&first, "succeeded").await;
    let second = nth(&scene, definition, 1).await;
    let second = scene.ended(second["id"].as_i64().unwrap()).await;
    assert_eq!(second["reason"], "batchedCI");
    let head = scene.get(&format!("build/builds/{waits}")).await["sourceVersion"].clone();
    assert_eq!(second["sourceVersion"], head, "the newest commit is built");
    assert_eq!(builds(&scene, definition).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_starts_what_has_changed() {
    let scene = Scene::new().await;
    let yaml = "trigger: none
schedules:
- cron: 0 3 * * *
  displayName: Nightly
  branches: { include: [main] }
steps:
- checkout: none
- script: echo \"$(Build.Reason) $(Build.CronSchedule.DisplayName)\"
  displayName: Say
";
    let definition = scene.define("nightly", yaml).await;
    let moved = async |to: &str| {
        let at = to.parse().unwrap();
        eventually("the schedule is known", async || {
            scene.clock.is_awaited(at).then_some(())
        })
        .await;
        scene.clock.set(at);
    };
    moved("2026-11-23T03:00:00Z").await;
    let build = nth(&scene, definition, 0).await;
    let build = scene.ended(build["id"].as_i64().unwrap()).await;
    scene.assert_result(&build, "succeeded").await;
    assert_eq!(build["reason"], "schedule");
    assert!(scene.log(&build, "Say").await.contains("\nSchedule Nightly\n"));
    // Nothing has changed by the next night.
    moved("2026-11-24T03:00:00Z").await;
    let at = "2026-11-25T03:00:00Z".parse().unwrap();
    eventually("the next night is awaited", async || {
        scene.clock.is_awaited(at).then_some(())
    })
    .await;
    assert_eq!(builds(&scene, definition).await.len(), 1);
    let head = scene.repository.push("main", "Change", &[("a", "1")]);
    scene.tell_push();
    scene.clock.set(at);
    let build = nth(&scene, definition, 1).await;
    assert_eq!(build["sourceVersion"], head.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_that_nobody_was_there_are_not_made_up_for() {
    let scene = Scene::new().await;
    let yaml = "trigger: none\nschedules:\n- cron: 0 3 * * *\n  always: true\n  branches: { include: [main] }\nsteps:\n- script: echo\n";
    let definition = scene.define("nightly", yaml).await;
    let at = |text: &str| text.parse().unwrap();
    let tomorrow = at("2026-11-23T03:00:00Z");
    eventually("the schedule is known", async || {
        scene.clock.is_awaited(tomorrow).then_some(())
    })
    .await;
    let clock = scene.clock.clone();
    let scene = {
        let stopped = scene.restart();
        let scene = stopped.await;
        clock.set(at("2026-11-22T13:00:00Z"));
        scene
    };
    eventually("the schedule is known again", async || {
        scene.clock.is_awaited(tomorrow).then_some(())
    })
    .await;
    scene.clock.set(at("2026-11-26T04:00:00Z"));
    let next = at("2026-11-27T03:00:00Z");
    eventually("the next night is awaited", async || {
        scene.clock.is_awaited(next).then_some(())
    })
    .await;
    assert_eq!(builds(&scene, definition).await.len(), 1, "four nights, one run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_run_starts_another_that_knows_it() {
    let scene = Scene::new().await;
    let upstream = scene
        .define(
            "upstream",
            "trigger: none\nsteps:\n- checkout: none\n- script: echo '##vso[build.addbuildtag]prod'\n",
        )
        .await;
    let yaml = "trigger: none
resources:
  pipelines:
  - pipeline: up
    source: upstream
    trigger:
      branches: { include: [main] }
      tags: [prod]
steps:
- checkout: none
- script: echo \"$(resources.pipeline.up.pipelineName) $(resources.pipeline.up.runID) $(resources.pipeline.up.sourceBranch) $(resources.triggeringAlias) $(Build.Reason)\"
  displayName: Say
";
    let body = json!({"name": "down", "configuration": {"type": "yaml", "path": "/down.yml", "repository": {"name": "azure-demo"}}});
    scene.repository.push("main", "Add down", &[("down.yml", yaml)]);
    let down = scene.call("POST", "pipelines", body).await["id"]
        .as_i64()
        .unwrap();
    let path = format!("pipelines/{down}/runs");
    let refused = scene
        .call_as(&scene.admin, "POST", &path, json!({}))
        .await
        .unwrap_err();
    assert!(
        refused.message.contains("PV2255") && refused.message.contains("no run of `upstream` has succeeded"),
        "{}",
        refused.message
    );
    let first = scene.queue(upstream, json!({})).await;
    let first = scene.ended(first).await;
    let build = nth(&scene, down, 0).await;
    let build = scene.ended(build["id"].as_i64().unwrap()).await;
    scene.assert_result(&build, "succeeded").await;
    assert_eq!(build["reason"], "resourceTrigger");
    assert_eq!(build["triggerInfo"]["alias"], "up");
    assert_eq!(build["triggerInfo"]["pipelineId"], first["id"].to_string());
    let expected = format!("upstream {} refs/heads/main up ResourceTrigger", first["id"]);
    let said = scene.log(&build, "Say").await;
    assert!(said.contains(&expected), "{said}");
    // By hand: the latest one, or the one that is asked for.
    let second = scene.queue(upstream, json!({})).await;
    scene.ended(second).await;
    nth(&scene, down, 1).await;
    let version = first["buildNumber"].clone();
    let run = scene
        .call(
            "POST",
            &path,
            json!({"resources": {"pipelines": {"up": {"version": version}}}}),
        )
        .await;
    assert_eq!(run["resources"]["pipelines"]["up"]["runId"], first["id"]);
    let run = scene.call("POST", &path, json!({})).await;
    assert_eq!(run["resources"]["pipelines"]["up"]["runId"], second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_to_another_repository_starts_a_run() {
    let scene = Scene::new().await;
    scene.library.push("main", "Begin", &[("a", "1")]);
    let yaml = "trigger: none
resources:
  repositories:
  - repository: lib
    name: library
    trigger:
      branches: { include: [main] }
      paths: { include: [src] }
steps:
- checkout: lib
- script: cat src/b
  displayName: Show
";
    let definition = scene.define("ci", yaml).await;
    scene.library.push("main", "Docs", &[("docs/x", "1")]);
    scene.tell_push_to(&scene.library);
    let head = scene
        .library
        .push("main", "Code", &[("src/b", "from the library")]);
    scene.tell_push_to(&scene.library);
    let build = nth(&scene, definition, 0).await;
    let build = scene.ended(build["id"].as_i64().unwrap()).await;
    scene.assert_result(&build, "succeeded").await;
    assert_eq!(build["reason"], "resourceTrigger");
    assert_eq!(build["triggerInfo"]["ci.sourceSha"], head.as_str());
    assert!(scene.log(&build, "Show").await.contains("from the library"));
    assert_eq!(builds(&scene, definition).await.len(), 1);
}
