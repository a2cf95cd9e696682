use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use pave_git::{Change, Signature, commit_and_push};
use pave_runtime::Tasks;
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

use super::scene::{Scene, eventually, serve};

type Heard = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// Listens for service hooks; refuses the first `refusals`.
struct Listener {
    heard: Heard,
    url: Url,
    tasks: Tasks,
}

#[derive(Clone)]
struct Ear {
    heard: Heard,
    refusals: Arc<Mutex<u32>>,
}

impl Listener {
    async fn new(refusals: u32) -> Self {
        let heard = Heard::default();
        let ear = Ear {
            heard: heard.clone(),
            refusals: Arc::new(Mutex::new(refusals)),
        };
        let router = axum::Router::new().fallback(hear).with_state(ear);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api/webhook", socket.local_addr().unwrap())
            .parse()
            .unwrap();
        let tasks = Tasks::new();
        serve(&tasks, socket, router);
        Self { heard, url, tasks }
    }

    fn pushes(&self) -> Vec<(HeaderMap, Value)> {
        self.heard.lock().unwrap().clone()
    }

    async fn wait(&self, count: usize) -> Vec<(HeaderMap, Value)> {
        eventually("the event", async || {
            Some(self.pushes()).filter(|all| all.len() >= count)
        })
        .await
    }
}

async fn hear(State(ear): State<Ear>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
    let mut refusals = ear.refusals.lock().unwrap();
    if *refusals > 0 {
        *refusals -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    ear.heard.lock().unwrap().push((headers, body));
    StatusCode::OK
}

async fn push(scene: &Scene, name: &str) -> String {
    let change = [Change::write(format!("environments/team-a/{name}"), name)];
    let author = Signature::new("Alice", "alice@example.com");
    let work = scene.path("work");
    let pushed = commit_and_push(
        &work,
        &scene.remote("alice"),
        "main",
        &author,
        "Add",
        &change,
        None,
    )
    .await
    .unwrap();
    pushed.commit.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_told_as_azure_devops_tells_it() {
    let scene = Scene::new().await;
    let listener = Listener::new(2).await;
    let id = scene
        .forge
        .ensure_subscription("pave", &listener.url, Some(("pave", "s3cret")))
        .await
        .unwrap();
    assert_eq!(
        scene
            .forge
            .ensure_subscription("pave", &listener.url, Some(("pave", "s3cret")))
            .await
            .unwrap(),
        id
    );
    let before = scene.tip("main").await.unwrap();
    let commit = push(&scene, "x").await;
    let heard = listener.wait(1).await;
    let (headers, body) = &heard[0];
    assert_eq!(headers["authorization"], "Basic cGF2ZTpzM2NyZXQ=");
    assert!(headers.contains_key("x-vss-activityid"));
    assert_eq!(body["eventType"], "git.push");
    assert_eq!(body["subscriptionId"], id.to_string());
    let resource = &body["resource"];
    assert_eq!(resource["refUpdates"][0]["name"], "refs/heads/main");
    assert_eq!(resource["refUpdates"][0]["oldObjectId"], before);
    assert_eq!(resource["refUpdates"][0]["newObjectId"], commit);
    assert_eq!(resource["commits"][0]["commitId"], commit);
    assert_eq!(resource["commits"].as_array().unwrap().len(), 1);
    assert_eq!(resource["repository"]["remoteUrl"], scene.clone_url().as_str());
    assert_eq!(resource["pushedBy"]["displayName"], "alice");
    listener.tasks.shutdown(std::time::Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_keep_their_order_and_survive_a_restart() {
    let scene = Scene::new().await;
    let deaf = Listener::new(u32::MAX).await;
    scene
        .forge
        .ensure_subscription("pave", &deaf.url, None)
        .await
        .unwrap();
    let first = push(&scene, "1").await;
    let second = push(&scene, "2").await;
    let scene = scene.restart().await;
    assert!(deaf.pushes().is_empty());
    // The same address begins to listen.
    let address = deaf.url.socket_addrs(|| None).unwrap()[0];
    deaf.tasks.shutdown(std::time::Duration::from_secs(5)).await;
    let socket = eventually("the address is free", async || {
        TcpListener::bind(address).await.ok()
    })
    .await;
    let heard = Heard::default();
    let ear = Ear {
        heard: heard.clone(),
        refusals: Arc::default(),
    };
    serve(
        &scene.tasks,
        socket,
        axum::Router::new().fallback(hear).with_state(ear),
    );
    let all = eventually("both", async || {
        Some(heard.lock().unwrap().clone()).filter(|it| it.len() >= 2)
    })
    .await;
    assert_eq!(all[0].1["resource"]["commits"][0]["commitId"], first);
    assert_eq!(all[1].1["resource"]["commits"][0]["commitId"], second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_reference_and_event_is_made_good() {
    let scene = Scene::new().await;
    let listener = Listener::new(0).await;
    scene
        .forge
        .ensure_subscription("pave", &listener.url, None)
        .await
        .unwrap();
    let update = |name: &str, new: &str| crate::store::Update {
        name: format!("refs/heads/{name}"),
        old: crate::changes::ZERO.to_owned(),
        new: new.to_owned(),
    };
    let tip = scene.tip("main").await.unwrap();
    // As if the process had died after the reference moved, before it moved, and without an intent at all.
    let intents = [update("moved", &tip), update("unmoved", &tip)];
    for intent in &intents {
        scene
            .forge
            .store()
            .intend(&scene.repository, &scene.admin, std::slice::from_ref(intent))
            .await
            .unwrap();
    }
    for name in ["refs/heads/moved", "refs/heads/stray"] {
        scene
            .repository
            .git()
            .run(&["update-ref", name, &tip], b"")
            .await
            .unwrap();
    }
    let scene = scene.restart().await;
    let heard = listener.wait(2).await;
    let names: Vec<&str> = heard
        .iter()
        .map(|(_, it)| it["resource"]["refUpdates"][0]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["refs/heads/moved", "refs/heads/stray"]);
    assert_eq!(heard[0].1["resource"]["pushedBy"]["displayName"], "admin");
    assert_eq!(heard[1].1["resource"]["pushedBy"]["displayName"], "anonymous");
    // Nothing is announced twice.
    let scene = scene.restart().await;
    let last = push(&scene, "last").await;
    let heard = listener.wait(3).await;
    assert_eq!(heard[2].1["resource"]["refUpdates"][0]["newObjectId"], last);
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_requests_are_told_as_azure_devops_tells_them() {
    let scene = Scene::new().await;
    let listener = Listener::new(1).await;
    let kinds = [
        "git.pullrequest.created",
        "git.pullrequest.updated",
        "git.pullrequest.merged",
    ];
    for kind in kinds {
        let body = serde_json::json!({
            "publisherId": "tfs", "eventType": kind, "resourceVersion": "1.0", "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "publisherInputs": { "repository": scene.repository.id(), "branch": "main" },
            "consumerInputs": { "url": listener.url },
        });
        let (status, made) = scene
            .call("admin", "POST", "/pave/_apis/hooks/subscriptions", Some(body))
            .await;
        assert_eq!(status, 200, "{made}");
    }
    scene.put("author", "x", "docs/x", "1\n", "Add x").await;
    let id = scene.open_pull("author", "x").await;
    let (_, done) = scene.complete("author", id, serde_json::json!({})).await;
    assert_eq!(done["status"], "completed");
    // Created, the test merge, the completion as an update, the merge.
    let heard = listener.wait(4).await;
    let of = |kind: &str| {
        heard
            .iter()
            .filter(|(_, it)| it["eventType"] == kind)
            .map(|(_, it)| &it["resource"])
            .collect::<Vec<_>>()
    };
    assert_eq!(of(kinds[0])[0]["pullRequestId"], id);
    assert_eq!(of(kinds[1])[0]["status"], "completed");
    let merged = of(kinds[2]);
    assert_eq!(
        (merged[0]["status"].as_str(), merged[0]["mergeStatus"].as_str()),
        (Some("active"), Some("succeeded"))
    );
    assert_eq!(merged[1]["status"], "completed");
    assert_eq!(
        merged[1]["lastMergeCommit"]["commitId"],
        scene.tip("main").await.unwrap()
    );
    listener.tasks.shutdown(std::time::Duration::from_secs(1)).await;
}
