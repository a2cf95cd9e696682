use serde_json::{Value, json};

use super::pulls::BASE;
use super::scene::{Scene, eventually};

const REPOSITORIES: &str = "/pave/platform/_apis/git/repositories";

impl Scene {
    /// Waits until a job has ended.
    async fn ended(&self, path: &str) -> Value {
        eventually(path, async || {
            let job = self.get(path).await;
            let waits = matches!(job["status"].as_str(), Some("queued" | "inProgress"));
            (!waits).then_some(job)
        })
        .await
    }

    async fn tips(&self, repository: &str) -> Vec<(String, String)> {
        let refs = self.get(&format!("{REPOSITORIES}/{repository}/refs")).await;
        let text = |it: &Value, field: &str| it[field].as_str().unwrap().to_owned();
        let all = refs["value"].as_array().unwrap().iter();
        all.map(|it| (text(it, "name"), text(it, "objectId"))).collect()
    }

    async fn make(&self, name: &str) {
        let body = json!({ "name": name });
        self.send("admin", "POST", REPOSITORIES, body, 201).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_are_imported() {
    let scene = Scene::new().await;
    scene.put("author", "topic", "docs/a", "1\n", "Add a").await;
    scene.make("taken").await;
    let path = format!("{REPOSITORIES}/taken/importRequests");
    let import = |url: &str| json!({ "parameters": { "gitSource": { "url": url } } });
    for (wrong, words) in [
        (import("file:///etc"), "not an http or https URL"),
        (import("https://a:b@example.com/x"), "user name or password"),
        (json!({ "parameters": { "tfvcSource": {} } }), "Only Git"),
        (
            json!({ "parameters": { "serviceEndpointId": "7c7a8fbe-7c52-4f4b-8f4e-3f9f0e0a7a11", "gitSource": { "url": "https://example.com" } } }),
            "service endpoint",
        ),
    ] {
        let error = scene.send("admin", "POST", &path, wrong, 400).await;
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    let made = scene
        .send("admin", "POST", &path, import(scene.clone_url().as_str()), 201)
        .await;
    let one = format!("{path}/{}", made["importRequestId"]);
    let done = scene.ended(&one).await;
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(done["detailedStatus"]["currentStep"], 4);
    assert_eq!(scene.tips("taken").await, scene.tips("platform-configs").await);
    // What helped on the way is gone, and the push was announced.
    let pushes = scene.get(&format!("{REPOSITORIES}/taken/pushes")).await;
    assert_eq!(pushes["value"][0]["refUpdates"].as_array().unwrap().len(), 2);
    let taken = scene
        .forge
        .repository("pave", "platform", "taken")
        .await
        .unwrap()
        .unwrap();
    assert!(taken.references(&["refs/pave"]).await.unwrap().is_empty());
    let error = scene
        .send("admin", "POST", &path, import("https://example.com/x"), 409)
        .await;
    assert!(
        error["message"].as_str().unwrap().contains("is not empty"),
        "{error}"
    );
    // Over HTTP, from a host that does not answer; then once more.
    scene.make("other").await;
    let path = format!("{REPOSITORIES}/other/importRequests");
    let made = scene
        .send("admin", "POST", &path, import("http://127.0.0.1:9/x"), 201)
        .await;
    let one = format!("{path}/{}", made["importRequestId"]);
    let failed = scene.ended(&one).await;
    assert_eq!(failed["status"], "failed");
    assert!(
        !failed["detailedStatus"]["errorMessage"]
            .as_str()
            .unwrap()
            .is_empty()
    );
    scene
        .send("admin", "PATCH", &one, json!({ "status": 1 }), 200)
        .await;
    assert_eq!(scene.ended(&one).await["status"], "failed");
    // Who may not make branches may not have the forge fetch anything.
    let here = format!("{BASE}/importRequests");
    scene
        .send("alice", "POST", &here, import("http://127.0.0.1:9/x"), 403)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_are_made_and_follow() {
    let scene = Scene::new().await;
    scene.put("author", "topic", "docs/a", "1\n", "Add a").await;
    let parent = scene.repository.id.to_string();
    let fork = |name: &str| json!({ "name": name, "parentRepository": { "id": parent } });
    let made = scene.send("admin", "POST", REPOSITORIES, fork("fork"), 201).await;
    assert_eq!(made["isFork"], true);
    assert_eq!(made["parentRepository"]["name"], "platform-configs");
    assert_eq!(made["defaultBranch"], "refs/heads/main");
    assert_eq!(scene.tips("fork").await, scene.tips("platform-configs").await);
    let path = format!("{REPOSITORIES}?sourceRef=refs/heads/main");
    scene.send("admin", "POST", &path, fork("slim"), 201).await;
    assert_eq!(scene.tips("slim").await.len(), 1);
    let forks = scene.get(&format!("{BASE}/forks/{parent}")).await;
    assert_eq!(forks["count"], 2);
    // Nobody makes by a fork what they may not make by a push; nothing half made stays.
    scene
        .send("author", "POST", REPOSITORIES, fork("mine"), 403)
        .await;
    let unknown = json!({ "name": "x", "parentRepository": { "id": scene.id("bob") } });
    scene.send("admin", "POST", REPOSITORIES, unknown, 404).await;
    let path = format!("{REPOSITORIES}?sourceRef=refs/heads/none");
    scene.send("admin", "POST", &path, fork("none"), 404).await;
    assert_eq!(
        scene
            .call("admin", "GET", &format!("{REPOSITORIES}/none"), None)
            .await
            .0,
        404
    );

    let head = scene.put("author", "main", "docs/b", "1\n", "Add b").await;
    let path = format!("{REPOSITORIES}/fork/forkSyncRequests");
    let sync = json!({
        "source": { "repositoryId": parent },
        "sourceToTargetRefs": [{ "sourceRef": "refs/heads/main", "targetRef": "refs/heads/main" }],
    });
    let made = scene.send("admin", "POST", &path, sync, 201).await;
    let done = scene.ended(&format!("{path}/{}", made["operationId"])).await;
    assert_eq!(done["status"], "completed", "{done}");
    assert!(
        scene
            .tips("fork")
            .await
            .contains(&("refs/heads/main".to_owned(), head))
    );
    let body = json!({
        "sourceRefName": "refs/heads/topic", "targetRefName": "refs/heads/main", "title": "t",
        "forkSource": { "repository": { "id": made["operationId"] } },
    });
    let error = scene
        .send("admin", "POST", &format!("{BASE}/pullrequests"), body, 400)
        .await;
    assert!(
        error["message"].as_str().unwrap().contains("push the branch to"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_taken_again_and_undone() {
    let scene = Scene::new().await;
    let fix = scene.put("author", "topic", "docs/a", "1\n", "Add a").await;
    let copy = |kind: &'static str, name: &str, source: Value| {
        let body = json!({
            "generatedRefName": format!("refs/heads/{name}"), "ontoRefName": "refs/heads/main", "source": source,
        });
        let (scene, path) = (&scene, format!("{BASE}/{kind}"));
        async move {
            let made = scene.send("author", "POST", &path, body, 201).await;
            let id = if kind == "reverts" {
                "revertId"
            } else {
                "cherryPickId"
            };
            scene.ended(&format!("{path}/{}", made[id])).await
        }
    };
    let commits = json!({ "commitList": [{ "commitId": fix }] });
    let done = copy("cherryPicks", "picked", commits.clone()).await;
    assert_eq!(done["status"], "completed", "{done}");
    let message = scene
        .git_in(&["log", "-1", "--format=%an|%B", "refs/heads/picked"])
        .await;
    assert!(
        message.contains("Add a") && message.contains(&format!("(cherry picked from commit {fix})")),
        "{message}"
    );
    assert_eq!(scene.git_in(&["show", "refs/heads/picked:docs/a"]).await, "1\n");
    let path = format!("{BASE}/cherryPicks?refName=refs/heads/picked");
    assert_eq!(scene.get(&path).await["cherryPickId"], done["cherryPickId"]);
    // The name is taken now.
    let again = copy("cherryPicks", "picked", commits).await;
    assert_eq!(again["detailedStatus"]["status"], "refNameConflict", "{again}");
    // A completed pull request is undone as a whole.
    let id = scene.open_pull("author", "topic").await;
    assert_eq!(scene.complete("author", id, json!({})).await.0, 200);
    let undone = copy("reverts", "undo", json!({ "pullRequestId": id })).await;
    assert_eq!(undone["status"], "completed", "{undone}");
    let files = scene
        .git_in(&["ls-tree", "-r", "--name-only", "refs/heads/undo"])
        .await;
    assert!(!files.contains("docs/a"), "{files}");
    // What was built upon since cannot be undone by itself.
    scene.put("author", "main", "docs/a", "2\n", "Change a").await;
    let conflict = copy("reverts", "late", json!({ "pullRequestId": id })).await;
    assert_eq!(
        (
            conflict["status"].as_str(),
            conflict["detailedStatus"]["conflict"].as_bool()
        ),
        (Some("failed"), Some(true)),
        "{conflict}"
    );
    assert!(
        conflict["detailedStatus"]["failureMessage"]
            .as_str()
            .unwrap()
            .contains("docs/a")
    );
    assert!(scene.tip("late").await.is_none());
    let path = format!("{BASE}/reverts");
    scene
        .send(
            "author",
            "POST",
            &path,
            json!({ "generatedRefName": "refs/heads/x" }),
            400,
        )
        .await;
}
