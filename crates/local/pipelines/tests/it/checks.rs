//! Checks before a stage: each kind, decided and waiting, and what clients see of them.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::harness::{Scene, eventually};

const TASK: &str = "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7";

#[expect(clippy::needless_pass_by_value, reason = "written where it is called")]
fn task(definition: &str, inputs: Value) -> (Value, Value) {
    let ids = [
        ("evaluatebranchProtection", "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b"),
        ("evaluateBusinessHours", "445fde2f-6c39-441c-807f-8a59ff2e075f"),
        ("InvokeRESTAPI", "9c3e8943-130d-4c78-ac63-8af81df62dfb"),
    ];
    let id = ids
        .iter()
        .find(|(name, _)| *name == definition)
        .map_or("", |(_, id)| id);
    (
        json!({"id": TASK, "name": "Task Check"}),
        json!({"definitionRef": {"id": id, "name": definition, "version": "0.0.1"}, "inputs": inputs}),
    )
}

async fn environment(scene: &Scene) -> Value {
    scene
        .call("POST", "distributedtask/environments", json!({"name": "prod"}))
        .await
}

async fn guard(scene: &Scene, environment: &Value, kind: Value, settings: Value, timeout: i64) -> Value {
    let body = json!({"type": kind, "settings": settings, "timeout": timeout, "resource": {"type": "environment", "id": environment["id"].to_string()}});
    scene.call("POST", "pipelines/checks/configurations", body).await
}

const DEPLOY: &str = "trigger: none
stages:
- stage: Prod
  jobs:
  - deployment: go
    environment: prod
    strategy:
      runOnce:
        deploy:
          steps:
          - script: echo deploying
            displayName: Deploy
";

/// The suite of checks of a run, once a check says something.
async fn suite(scene: &Scene, build: i64, words: &str) -> Value {
    let path = format!("pipelines/checks/runs?buildId={build}");
    eventually(words, async || {
        let found = scene.get(&path).await;
        let suites = found["value"].as_array()?.clone();
        let said = |suite: &Value| {
            let runs = suite["checkRuns"].as_array().cloned().unwrap_or_default();
            runs.iter()
                .any(|it| it["resultMessage"].as_str().is_some_and(|it| it.contains(words)))
        };
        suites.into_iter().find(said)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_not_allowed_fails_the_stage() {
    let scene = Scene::new().await;
    let environment = environment(&scene).await;
    let (kind, settings) = task(
        "evaluatebranchProtection",
        json!({"allowedBranches": "refs/heads/releases/*"}),
    );
    let check = guard(&scene, &environment, kind.clone(), settings, 10).await;
    let build = scene.run(DEPLOY).await;
    scene.assert_result(&build, "failed").await;
    let stage = scene.records(&build, "Stage").await[0].clone();
    let issue = stage["issues"][0]["message"].as_str().unwrap();
    assert!(issue.contains("Branch control of environment `prod`"), "{issue}");
    assert!(issue.contains("`refs/heads/main`"), "{issue}");
    let record = scene.records(&build, "Checkpoint.TaskCheck").await[0].clone();
    assert_eq!(
        (&record["name"], &record["result"]),
        (&json!("Branch control"), &json!("failed"))
    );
    let checkpoint = scene.records(&build, "Checkpoint").await[0].clone();
    assert_eq!(record["parentId"], checkpoint["id"]);
    let suite = scene
        .get(&format!(
            "pipelines/checks/runs/{}",
            checkpoint["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(suite["status"], "rejected");
    assert_eq!(suite["checkRuns"][0]["checkConfigurationRef"]["id"], check["id"]);
    // Once the branch is allowed, the stage can run again.
    let (_, settings) = task(
        "evaluatebranchProtection",
        json!({"allowedBranches": "refs/heads/main"}),
    );
    let path = format!("pipelines/checks/configurations/{}", check["id"]);
    let changed = scene
        .call("PATCH", &path, json!({"type": kind, "settings": settings}))
        .await;
    assert_eq!(changed["version"], 2);
    let stages = format!("build/builds/{}/stages/Prod", build["id"]);
    scene.call("PATCH", &stages, json!({"state": "retry"})).await;
    let again = scene.ended(build["id"].as_i64().unwrap()).await;
    scene.assert_result(&again, "succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_waits_for_business_hours_through_a_restart() {
    let scene = Scene::new().await;
    let environment = environment(&scene).await;
    let inputs =
        json!({"businessDays": "Monday", "startTime": "09:00", "endTime": "17:00", "timeZone": "UTC"});
    let (kind, settings) = task("evaluateBusinessHours", inputs);
    guard(&scene, &environment, kind, settings, 40_000).await;
    let definition = scene.define("ci", DEPLOY).await;
    let build = scene.queue(definition, json!({})).await;
    let found = suite(&scene, build, "Waits for business hours").await;
    let words = found["checkRuns"][0]["resultMessage"].as_str().unwrap();
    assert!(
        words.contains("Monday 09:00 to 17:00 (UTC), next from 2026-11-23T09:00:00Z"),
        "{words}"
    );
    let scene = scene.restart().await;
    let monday = "2026-11-23T09:00:00Z".parse().unwrap();
    eventually("Monday is awaited", async || {
        scene.clock.is_awaited(monday).then_some(())
    })
    .await;
    scene.clock.set(monday);
    let build = scene.ended(build).await;
    scene.assert_result(&build, "succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_nobody_grants_ends_in_time() {
    let scene = Scene::new().await;
    let environment = environment(&scene).await;
    let approval = json!({"id": "8c6f20a7-a545-4486-9777-f762fafe0d4d", "name": "Approval"});
    let settings = json!({"approvers": [{"id": scene.bob.id}]});
    guard(&scene, &environment, approval, settings, 60).await;
    let definition = scene.define("ci", DEPLOY).await;
    let build = scene.queue(definition, json!({})).await;
    suite(&scene, build, "Waits for 1 of 1 approvals; asked are: bob.").await;
    let end = "2026-11-22T13:00:00Z".parse().unwrap();
    eventually("the end is awaited", async || {
        scene.clock.is_awaited(end).then_some(())
    })
    .await;
    scene.clock.set(end);
    let build = scene.ended(build).await;
    scene.assert_result(&build, "failed").await;
    let approvals = scene.get("pipelines/approvals").await;
    assert_eq!(approvals["value"][0]["status"], "timedOut");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_after_the_other_uses_a_locked_environment() {
    let scene = Scene::new().await;
    let environment = environment(&scene).await;
    let lock = json!({"id": "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563", "name": "ExclusiveLock"});
    guard(&scene, &environment, lock, json!({}), 60).await;
    let marker = scene.file("go");
    let yaml = |behavior: &str| {
        let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", marker.display());
        format!(
            "lockBehavior: {behavior}\n{}",
            DEPLOY.replace("echo deploying", &wait)
        )
    };
    let definition = scene.define("ci", &yaml("sequential")).await;
    let first = scene.queue(definition, json!({})).await;
    suite(&scene, first, "holds the lock").await;
    let second = scene.queue(definition, json!({})).await;
    suite(
        &scene,
        second,
        &format!("Waits until run {first} no longer uses environment `prod`"),
    )
    .await;
    // Of those that only want the newest one, the older one gives way.
    let latest = scene.define("latest", &yaml("runLatest")).await;
    let third = scene.queue(latest, json!({})).await;
    suite(&scene, third, "Waits until run").await;
    let fourth = scene.queue(latest, json!({})).await;
    let third = scene.ended(third).await;
    assert_eq!(third["result"], "canceled", "{third:#}");
    std::fs::write(&marker, "").unwrap();
    for build in [first, second, fourth] {
        let build = scene.ended(build).await;
        scene.assert_result(&build, "succeeded").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_must_extend_the_template() {
    let scene = Scene::new().await;
    let environment = environment(&scene).await;
    let kind = json!({"id": "4020e66e-b0f3-47e1-bc88-48f3cc59b5f3", "name": "ExtendsCheck"});
    let settings = json!({"extendsChecks": [{"repositoryType": "git", "repositoryName": "library", "repositoryRef": "refs/heads/main", "templatePath": "safe.yml"}]});
    guard(&scene, &environment, kind, settings, 60).await;
    let build = scene.run(DEPLOY).await;
    scene.assert_result(&build, "failed").await;
    let stage = scene.records(&build, "Stage").await[0].clone();
    let issue = stage["issues"][0]["message"].as_str().unwrap();
    assert!(
        issue.contains("must extend safe.yml@backstage/library (refs/heads/main), but it extends none"),
        "{issue}"
    );
    let template = DEPLOY.replace("trigger: none\n", "");
    scene
        .library
        .push("main", "Add template", &[("safe.yml", &template)]);
    let yaml = "trigger: none\nresources: {repositories: [{repository: t, name: library, ref: refs/heads/main}]}\nextends: {template: safe.yml@t}\n";
    let definition = scene.define("extending", yaml).await;
    let build = scene.queue(definition, json!({})).await;
    let build = scene.ended(build).await;
    scene.assert_result(&build, "succeeded").await;
}

/// A service that says no once, then yes.
fn service() -> (u16, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).unwrap();
            let asked = String::from_utf8_lossy(&buffer[..read]).into_owned();
            assert!(asked.starts_with("POST /may?branch=refs/heads/main "), "{asked}");
            let body = if count.fetch_add(1, Ordering::SeqCst) == 0 {
                r#"{"status":"not yet"}"#
            } else {
                r#"{"status":"ok"}"#
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (port, calls)
}

async fn connection(scene: &Scene, name: &str, url: &str) -> Value {
    let project = &scene.repository.at.project;
    let body = json!({
        "name": name, "type": "generic", "url": url, "authorization": {"scheme": "UsernamePassword", "parameters": {"username": "u", "password": "p"}},
        "serviceEndpointProjectReferences": [{"projectReference": {"id": project.id, "name": project.name}, "name": name}],
    });
    scene.call("POST", "serviceendpoint/endpoints", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_asked_until_it_says_yes() {
    let scene = Scene::new().await;
    let environment = environment(&scene).await;
    let (port, calls) = service();
    let connection = connection(&scene, "gate", &format!("http://127.0.0.1:{port}/")).await;
    let inputs = json!({
        "connectedServiceNameSelector": "connectedServiceName", "connectedServiceName": connection["id"], "method": "POST",
        "urlSuffix": "may?branch=$(Build.SourceBranch)", "body": "{}", "headers": "{\"Content-Type\": \"application/json\"}",
        "waitForCompletion": "false", "successCriteria": "eq(root['status'], 'ok')",
    });
    let (kind, mut settings) = task("InvokeRESTAPI", inputs);
    settings["retryInterval"] = json!(5);
    guard(&scene, &environment, kind, settings, 60).await;
    let definition = scene.define("ci", DEPLOY).await;
    let build = scene.queue(definition, json!({})).await;
    suite(
        &scene,
        build,
        "does not hold. It is asked again at 2026-11-22T12:05:00Z.",
    )
    .await;
    let next = "2026-11-22T12:05:00Z".parse().unwrap();
    eventually("the next call is awaited", async || {
        scene.clock.is_awaited(next).then_some(())
    })
    .await;
    scene.clock.set(next);
    let build = scene.ended(build).await;
    scene.assert_result(&build, "succeeded").await;
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_checked_is_refused_by_name() {
    let scene = Scene::new().await;
    let environment = environment(&scene).await;
    let far = connection(&scene, "far", "http://169.254.169.254/").await;
    let call = |extra: Value| {
        let mut inputs = json!({"connectedServiceName": far["id"], "method": "GET"});
        inputs
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        task("InvokeRESTAPI", inputs)
    };
    let hours = |zone: &str| {
        task(
            "evaluateBusinessHours",
            json!({"businessDays": "Monday", "startTime": "09:00", "endTime": "17:00", "timeZone": zone}),
        )
    };
    for ((kind, settings), words) in [
        (
            (json!({"name": "Evaluate artifact"}), json!({})),
            "does not evaluate the check `Evaluate artifact`",
        ),
        (task("AzureFunction", json!({})), "the task check `AzureFunction`"),
        (call(json!({})), "`169.254.169.254` is not called"),
        (
            call(json!({"waitForCompletion": "true"})),
            "completion by a callback",
        ),
        (
            hours("W. Europe Standard Time"),
            "the time zone `W. Europe Standard Time` is not known here",
        ),
        (
            (json!({"name": "Approval"}), json!({"approvers": []})),
            "names nobody",
        ),
        ((json!({"name": "ExtendsCheck"}), json!({})), "names no template"),
        (task("evaluatebranchProtection", json!({})), "names no branch"),
    ] {
        let body = json!({"type": kind, "settings": settings, "resource": {"type": "environment", "id": environment["id"].to_string()}});
        let refused = scene
            .call_as(&scene.admin, "POST", "pipelines/checks/configurations", body)
            .await
            .unwrap_err();
        assert_eq!(refused.status, 400);
        assert!(refused.message.contains(words), "{}", refused.message);
    }
    let body = json!({"type": {"name": "ExclusiveLock"}, "resource": {"type": "queue", "id": "1"}});
    let refused = scene
        .call_as(&scene.admin, "POST", "pipelines/checks/configurations", body)
        .await
        .unwrap_err();
    assert!(
        refused.message.contains("type `queue` have no checks"),
        "{}",
        refused.message
    );
    assert_eq!(scene.get("pipelines/checks/configurations").await["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn approvers_decide_in_their_order() {
    let scene = Scene::new().await;
    let environment = environment(&scene).await;
    let settings = json!({
        "approvers": [{"id": scene.bob.id}, {"id": scene.admin.id}], "executionOrder": "inSequence", "minRequiredApprovers": 2,
    });
    guard(&scene, &environment, json!({"name": "Approval"}), settings, 60).await;
    let definition = scene.define("ci", DEPLOY).await;
    let build = scene.queue(definition, json!({})).await;
    suite(&scene, build, "Waits for 2 of 2 approvals").await;
    let id = scene.get("pipelines/approvals").await["value"][0]["id"].clone();
    let yes = json!([{"approvalId": id, "status": "approved", "comment": "fine"}]);
    let refused = scene
        .call_as(&scene.admin, "PATCH", "pipelines/approvals", yes.clone())
        .await
        .unwrap_err();
    assert!(
        refused.message.contains("it is the turn of bob"),
        "{}",
        refused.message
    );
    scene
        .call_as(&scene.bob, "PATCH", "pipelines/approvals", yes.clone())
        .await
        .unwrap();
    let refused = scene
        .call_as(&scene.bob, "PATCH", "pipelines/approvals", yes.clone())
        .await
        .unwrap_err();
    assert!(
        refused.message.contains("has approved already"),
        "{}",
        refused.message
    );
    // Put off by an hour.
    let later = json!([{"approvalId": id, "status": "approved", "deferredTo": "2026-11-22T12:30:00Z"}]);
    scene.call("PATCH", "pipelines/approvals", later).await;
    suite(&scene, build, "Approved, but not before 2026-11-22T12:30:00Z").await;
    let at = "2026-11-22T12:30:00Z".parse().unwrap();
    eventually("that time is awaited", async || {
        scene.clock.is_awaited(at).then_some(())
    })
    .await;
    scene.clock.set(at);
    let build = scene.ended(build).await;
    scene.assert_result(&build, "succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_or_handed_it_on_does_not_approve() {
    let scene = Scene::new().await;
    let environment = environment(&scene).await;
    let settings = json!({
        "approvers": [{"id": scene.bob.id}, {"id": scene.admin.id}], "minRequiredApprovers": 1,
        "blockedApprovers": [{"id": scene.admin.id}],
    });
    guard(&scene, &environment, json!({"name": "Approval"}), settings, 60).await;
    let definition = scene.define("ci", DEPLOY).await;
    let build = scene.queue(definition, json!({})).await;
    suite(&scene, build, "Waits for 1 of 1 approvals").await;
    let id = scene.get("pipelines/approvals").await["value"][0]["id"].clone();
    let yes = json!([{"approvalId": id, "status": "approved"}]);
    let refused = scene
        .call_as(&scene.admin, "PATCH", "pipelines/approvals", yes.clone())
        .await
        .unwrap_err();
    assert!(
        refused.message.contains("among those who may not approve"),
        "{}",
        refused.message
    );
    let on = json!([{"approvalId": id, "reassignTo": {"id": "somebody", "displayName": "Somebody"}}]);
    scene
        .call_as(&scene.bob, "PATCH", "pipelines/approvals", on)
        .await
        .unwrap();
    let refused = scene
        .call_as(&scene.bob, "PATCH", "pipelines/approvals", yes)
        .await
        .unwrap_err();
    assert!(
        refused.message.contains("approvers are: Somebody"),
        "{}",
        refused.message
    );
    let path = format!("build/builds/{build}");
    scene.call("PATCH", &path, json!({"status": "cancelling"})).await;
    assert_eq!(scene.ended(build).await["result"], "canceled");
    assert_eq!(
        scene.get("pipelines/approvals").await["value"][0]["status"],
        "canceled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_waits_until_it_is_permitted() {
    let scene = Scene::new().await;
    let environment = environment(&scene).await;
    let path = format!("pipelines/pipelinePermissions/environment/{}", environment["id"]);
    assert_eq!(scene.get(&path).await["allPipelines"]["authorized"], true);
    let refused = scene
        .call_as(
            &scene.bob,
            "PATCH",
            &path,
            json!({"pipelines": [{"id": 1, "authorized": true}]}),
        )
        .await
        .unwrap_err();
    assert_eq!(refused.status, 403);
    let only = json!({"allPipelines": {"authorized": false}, "pipelines": []});
    scene.call("PATCH", &path, only).await;
    let definition = scene.define("ci", DEPLOY).await;
    let build = scene.queue(definition, json!({})).await;
    let found = suite(&scene, build, "permits pipeline `ci` to use it").await;
    assert_eq!(found["checkRuns"][0]["recordType"], "Checkpoint.Authorization");
    let permitted = scene
        .call(
            "PATCH",
            &path,
            json!({"pipelines": [{"id": definition, "authorized": true}]}),
        )
        .await;
    assert_eq!(permitted["pipelines"][0]["id"], definition);
    let build = scene.ended(build).await;
    scene.assert_result(&build, "succeeded").await;
}
