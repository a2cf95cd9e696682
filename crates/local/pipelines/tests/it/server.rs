//! Jobs that the server runs itself: people, times and services that a run waits for.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::{Scene, eventually};

fn asking(inputs: &str, more: &str) -> String {
    format!(
        "trigger: none
jobs:
- job: ask
  pool: server
  steps:
  - task: ManualValidation@1
    displayName: Look at it
{more}    inputs:
      notifyUsers: ''
{inputs}- job: go
  dependsOn: ask
  steps:
  - checkout: none
  - script: echo went on
    displayName: Go
"
    )
}

async fn question(scene: &Scene) -> Value {
    eventually("a question", async || {
        let found = scene.get("pipelines/approvals?state=pending&$expand=steps").await;
        found["value"].as_array()?.first().cloned()
    })
    .await
}

async fn waits_until(scene: &Scene, time: &str) {
    let at = time.parse().unwrap();
    eventually("the time is awaited", async || {
        scene.clock.is_awaited(at).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_resumes_a_run_after_a_restart() {
    let scene = Scene::new().await;
    let id = scene
        .started(&asking(
            "      instructions: look twice\n      approvers: bob\n",
            "",
        ))
        .await;
    let approval = question(&scene).await;
    assert_eq!(approval["instructions"], "look twice");
    assert_eq!(approval["resource"], "step Look at it");
    assert_eq!(approval["steps"][0]["assignedApprover"]["displayName"], "bob");
    let step = scene.step(&json!({"id": id}), "Look at it").await;
    assert_eq!(
        (&step["state"], &step["task"]["name"]),
        (&json!("inProgress"), &json!("ManualValidation"))
    );
    assert_eq!(
        step["currentOperation"],
        "Waits for bob. Instructions: look twice"
    );
    let scene = scene.restart().await;
    assert_eq!(question(&scene).await["id"], approval["id"]);
    let wish = json!([{"approvalId": approval["id"], "status": "approved", "comment": "fine"}]);
    let refused = scene
        .call_as(&scene.admin, "PATCH", "pipelines/approvals", wish.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.status, 403);
    scene
        .call_as(&scene.bob, "PATCH", "pipelines/approvals", wish)
        .await
        .unwrap();
    let build = scene.ended(id).await;
    scene.assert_result(&build, "succeeded").await;
    assert!(scene.log(&build, "Go").await.contains("went on"));
    let log = scene.log(&build, "Look at it").await;
    assert!(
        log.contains("The run was resumed by bob. \u{201c}fine\u{201d}"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_run_the_pipeline_may_answer_where_nobody_is_named() {
    let scene = Scene::new().await;
    let id = scene.started(&asking("", "")).await;
    let approval = question(&scene).await;
    let wish = json!([{"approvalId": approval["id"], "status": "rejected", "comment": "not yet"}]);
    let refused = scene
        .call_as(&scene.bob, "PATCH", "pipelines/approvals", wish.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.status, 403);
    scene.call("PATCH", "pipelines/approvals", wish).await;
    let build = scene.ended(id).await;
    scene.assert_result(&build, "failed").await;
    let issue = scene.step(&build, "Look at it").await["issues"][0]["message"].clone();
    assert_eq!(
        issue,
        "The validation was rejected by admin. \u{201c}not yet\u{201d}"
    );
    let skipped = scene.records(&build, "Job").await;
    let skipped = skipped.iter().find(|it| it["name"] == "go").unwrap();
    assert_eq!(skipped["resultCode"], "Job `ask` failed.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_nobody_answers_ends_as_it_says() {
    for (action, expected) in [("resume", "succeeded"), ("reject", "failed")] {
        let scene = Scene::new().await;
        let inputs = format!("      onTimeout: {action}\n");
        let id = scene
            .started(&asking(&inputs, "    timeoutInMinutes: 10\n"))
            .await;
        question(&scene).await;
        let scene = scene.restart().await;
        waits_until(&scene, "2026-11-22T12:10:00Z").await;
        scene.clock.set("2026-11-22T12:10:00Z".parse().unwrap());
        let build = scene.ended(id).await;
        scene.assert_result(&build, expected).await;
        let approvals = scene.get("pipelines/approvals").await;
        assert_eq!(approvals["value"][0]["status"], "timedOut");
        let log = scene.log(&build, "Look at it").await;
        assert!(log.contains("Nobody answered within 10 minutes"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_asks_nobody_any_more_and_can_be_run_again() {
    let scene = Scene::new().await;
    let id = scene.started(&asking("", "")).await;
    let first = question(&scene).await;
    scene.cancel(id).await;
    let build = scene.ended(id).await;
    scene.assert_result(&build, "canceled").await;
    let approvals = scene.get("pipelines/approvals").await;
    assert_eq!(approvals["value"][0]["status"], "canceled");
    let path = format!("build/builds/{id}/stages/__default");
    scene.call("PATCH", &path, json!({"state": "retry"})).await;
    let second = question(&scene).await;
    assert_ne!(first["id"], second["id"]);
    let wish = json!([{"approvalId": second["id"], "status": "approved"}]);
    scene.call("PATCH", "pipelines/approvals", wish).await;
    let build = scene.ended(id).await;
    scene.assert_result(&build, "succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_and_a_limit_count_from_their_beginning_through_a_restart() {
    let scene = Scene::new().await;
    let yaml = "trigger: none
jobs:
- job: wait
  pool: server
  steps:
  - task: Delay@1
    displayName: Wait
    inputs: { delayForMinutes: '$(minutes)' }
  variables: { minutes: 20 }
- job: late
  pool: server
  timeoutInMinutes: 5
  steps:
  - task: Delay@1
    displayName: Too long
    inputs: { delayForMinutes: '30' }
";
    let id = scene.started(yaml).await;
    scene.step_runs(id, "Wait").await;
    waits_until(&scene, "2026-11-22T12:05:00Z").await;
    let scene = scene.restart().await;
    scene.clock.set("2026-11-22T12:05:00Z".parse().unwrap());
    waits_until(&scene, "2026-11-22T12:20:00Z").await;
    scene.clock.set("2026-11-22T12:20:00Z".parse().unwrap());
    let build = scene.ended(id).await;
    scene.assert_result(&build, "failed").await;
    assert_eq!(scene.step(&build, "Wait").await["result"], "succeeded");
    let late = scene.step(&build, "Too long").await;
    assert_eq!(
        late["issues"][0]["message"],
        "The job ran longer than the maximum time of 5 minutes."
    );
}

/// A service that notes what it is asked; answers nothing when it is told to hang.
fn service(hangs: bool) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let mut text = String::new();
            while !text.contains("\r\n\r\n") || (text.starts_with("POST") && !text.ends_with('}')) {
                let read = stream.read(&mut buffer).unwrap();
                if read == 0 {
                    break;
                }
                text += &String::from_utf8_lossy(&buffer[..read]);
            }
            notes.lock().unwrap().push(text);
            if hangs {
                open.push(stream);
                continue;
            }
            let body = r#"{"status":"ok"}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (port, asked)
}

async fn connection(scene: &Scene, name: &str, url: &str) {
    let project = &scene.repository.at.project;
    let body = json!({
        "name": name, "type": "generic", "url": url, "authorization": {"scheme": "UsernamePassword", "parameters": {"username": "u", "password": "p"}},
        "serviceEndpointProjectReferences": [{"projectReference": {"id": project.id, "name": project.name}, "name": name}],
    });
    scene.call("POST", "serviceendpoint/endpoints", body).await;
}

fn calling(inputs: &str) -> String {
    format!(
        "trigger: none
jobs:
- job: call
  pool: server
  steps:
  - task: InvokeRESTAPI@1
    displayName: Call
    inputs:
      serviceConnection: svc
{inputs}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_called_with_variables_and_its_answer_counts() {
    let scene = Scene::new().await;
    let (port, asked) = service(false);
    connection(&scene, "svc", &format!("http://127.0.0.1:{port}/")).await;
    let inputs = "      method: POST
      urlSuffix: runs?branch=$(Build.SourceBranch)&key=$(key)
      body: '{\"secret\": \"$(key)\"}'
      successCriteria: eq(root['status'], 'ok')
";
    let definition = scene.define("ci", &calling(inputs)).await;
    let given = json!({"variables": {"key": {"value": "hunter2", "isSecret": true}}});
    let build = scene.complete(definition, given).await;
    scene.assert_result(&build, "succeeded").await;
    let seen = asked.lock().unwrap().clone();
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0].starts_with("POST /runs?branch=refs/heads/main&key=hunter2 "),
        "{seen:?}"
    );
    assert!(seen[0].contains("{\"secret\": \"hunter2\"}"), "{seen:?}");
    let log = scene.log(&build, "Call").await;
    assert!(
        log.contains("key=*** answered 200 OK, and `eq(root['status'], 'ok')` holds."),
        "{log}"
    );
    let yaml = calling("      method: GET\n      successCriteria: eq(root['status'], 'bad')\n");
    let definition = scene.define("bad", &yaml).await;
    let bad = scene.complete(definition, json!({})).await;
    scene.assert_result(&bad, "failed").await;
    let issue = scene.step(&bad, "Call").await["issues"][0]["message"].clone();
    assert!(issue.as_str().unwrap().contains("does not hold"), "{issue}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_this_machine_is_called() {
    let scene = Scene::new().await;
    connection(&scene, "svc", "http://169.254.169.254/").await;
    let build = scene.run(&calling("      method: GET\n")).await;
    scene.assert_result(&build, "failed").await;
    let issue = scene.step(&build, "Call").await["issues"][0]["message"].clone();
    assert!(
        issue
            .as_str()
            .unwrap()
            .contains("`169.254.169.254` is not called"),
        "{issue}"
    );
    let yaml = calling("      method: GET\n").replace("svc", "other");
    let definition = scene.define("other", &yaml).await;
    let none = scene.complete(definition, json!({})).await;
    scene.assert_result(&none, "failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_may_have_arrived_is_not_made_twice() {
    for (method, again) in [("POST", false), ("GET", true)] {
        let scene = Scene::new().await;
        let (port, asked) = service(true);
        connection(&scene, "svc", &format!("http://127.0.0.1:{port}/")).await;
        let body = if again { "" } else { "      body: '{}'\n" };
        let id = scene
            .started(&calling(&format!("      method: {method}\n{body}")))
            .await;
        let calls = |count: usize| {
            let asked = Arc::clone(&asked);
            async move {
                eventually("the call", async || {
                    (asked.lock().unwrap().len() >= count).then_some(())
                })
                .await;
            }
        };
        calls(1).await;
        let scene = scene.restart().await;
        if again {
            calls(2).await;
            scene.cancel(id).await;
            let build = scene.ended(id).await;
            scene.assert_result(&build, "canceled").await;
            continue;
        }
        let build = scene.ended(id).await;
        scene.assert_result(&build, "failed").await;
        let issue = scene.step(&build, "Call").await["issues"][0]["message"].clone();
        assert!(
            issue
                .as_str()
                .unwrap()
                .contains("whether the service did it is not known"),
            "{issue}"
        );
        assert_eq!(asked.lock().unwrap().len(), 1);
    }
}
