use serde_json::{Value, json};

use super::pulls::BASE;
use super::scene::Scene;
use crate::changes::ZERO;

#[tokio::test(flavor = "multi_thread")]
async fn references_move_by_rest() {
    let scene = Scene::new().await;
    let tip = scene.tip("main").await.unwrap();
    let path = format!("{BASE}/refs?api-version=7.1");
    let update =
        |name: &str, old: &str, new: &str| json!({ "name": name, "oldObjectId": old, "newObjectId": new });
    let one = async |user: &str, update: Value| {
        let (status, answer) = scene.call(user, "POST", &path, Some(json!([update]))).await;
        assert_eq!(status, 200, "{answer}");
        answer["value"][0]["updateStatus"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        one("author", update("refs/heads/new", ZERO, &tip)).await,
        "succeeded"
    );
    assert_eq!(
        one("author", update("refs/heads/new", ZERO, &tip)).await,
        "staleOldObjectId"
    );
    assert_eq!(
        one("author", update("nowhere", ZERO, &tip)).await,
        "invalidRefName"
    );
    assert_eq!(
        one("author", update("refs/heads/n", ZERO, &"1".repeat(40))).await,
        "unresolvableToCommit"
    );
    assert_eq!(
        one("alice", update("refs/heads/mine", ZERO, &tip)).await,
        "createBranchPermissionRequired"
    );
    assert_eq!(
        one("author", update("refs/heads/new", &tip, ZERO)).await,
        "succeeded"
    );
    assert_eq!(scene.tip("new").await, None);
    let tag = json!({ "name": "v1", "message": "one", "taggedObject": { "objectId": tip } });
    let (status, made) = scene
        .call("author", "POST", &format!("{BASE}/annotatedtags"), Some(tag))
        .await;
    assert_eq!(status, 201, "{made}");
    let id = made["objectId"].as_str().unwrap();
    let (_, read) = scene
        .call("alice", "GET", &format!("{BASE}/annotatedtags/{id}"), None)
        .await;
    assert_eq!(
        (read["name"].as_str(), read["message"].as_str()),
        (Some("v1"), Some("one"))
    );
    scene.put("author", "x", "docs/x", "1\n", "Add x").await;
    let (_, diff) = scene
        .call(
            "alice",
            "GET",
            &format!("{BASE}/diffs/commits?baseVersion=main&targetVersion=x"),
            None,
        )
        .await;
    assert_eq!(diff["changes"][0]["item"]["path"], "/docs/x", "{diff}");
    assert_eq!(
        (diff["aheadCount"].as_u64(), diff["behindCount"].as_u64()),
        (Some(1), Some(0))
    );
    let (_, branches) = scene
        .call("alice", "GET", &format!("{BASE}/stats/branches"), None)
        .await;
    assert_eq!(branches["count"], 2);
    let asked = json!({ "baseCommit": { "version": "main" }, "targetCommits": [
        { "version": "x", "versionType": "branch" }, { "version": tip, "versionType": 2 } ] });
    let versions = scene
        .send("alice", "POST", &format!("{BASE}/stats/branches"), asked, 200)
        .await;
    let ahead = |at: usize| versions["value"][at]["aheadCount"].as_u64();
    assert_eq!((ahead(0), ahead(1)), (Some(1), Some(0)), "{versions}");
    assert_eq!(versions["value"][1]["isBaseVersion"], true);
    let path = format!("{BASE}/stats/branches");
    scene.send("alice", "POST", &path, json!({}), 400).await;
    let (_, pushes) = scene
        .call("alice", "GET", &format!("{BASE}/pushes?$top=1"), None)
        .await;
    assert_eq!(pushes["value"][0]["pushedBy"]["displayName"], "author");
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_and_repositories_come_and_go() {
    let scene = Scene::new().await;
    let body = json!({ "name": "second", "description": "The other one", "visibility": 0, "capabilities": { "versioncontrol": { "sourceControlType": "Git" } } });
    assert_eq!(
        scene
            .call("alice", "POST", "/pave/_apis/projects", Some(body.clone()))
            .await
            .0,
        403
    );
    let (status, operation) = scene
        .call("admin", "POST", "/pave/_apis/projects", Some(body))
        .await;
    assert_eq!(status, 202, "{operation}");
    let id = operation["id"].as_str().unwrap();
    let (_, ended) = scene
        .call("admin", "GET", &format!("/pave/_apis/operations/{id}"), None)
        .await;
    assert_eq!(ended["status"], "succeeded");
    let project = scene.get("/pave/_apis/projects/second").await;
    assert_eq!(project["description"], "The other one");
    assert_eq!(project["visibility"], "private");
    let change = json!({ "description": "", "visibility": "public" });
    scene
        .send("admin", "PATCH", "/pave/_apis/projects/second", change, 202)
        .await;
    let project = scene.get("/pave/_apis/projects/second").await;
    assert_eq!(
        (project["description"].as_str(), project["visibility"].as_str()),
        (Some(""), Some("public"))
    );
    let odd = json!({ "visibility": "organization" });
    scene
        .send("admin", "PATCH", "/pave/_apis/projects/second", odd, 400)
        .await;
    let repositories = "/pave/second/_apis/git/repositories";
    // A project begins with an empty repository of its name.
    let first = scene.get(repositories).await;
    assert_eq!(
        (first["count"].as_u64(), first["value"][0]["name"].as_str()),
        (Some(1), Some("second"))
    );
    assert_eq!(first["value"][0].get("defaultBranch"), None);
    let (_, made) = scene
        .call("admin", "POST", repositories, Some(json!({ "name": "one" })))
        .await;
    let id = made["id"].as_str().unwrap().to_owned();
    let (_, renamed) = scene
        .call(
            "admin",
            "PATCH",
            &format!("{repositories}/{id}"),
            Some(json!({ "name": "two" })),
        )
        .await;
    assert_eq!(renamed["name"], "two");
    assert_eq!(
        scene
            .call("admin", "GET", &format!("{repositories}/one"), None)
            .await
            .0,
        404
    );
    assert_eq!(
        scene
            .call("admin", "DELETE", &format!("{repositories}/{id}"), None)
            .await
            .0,
        204
    );
    assert_eq!(
        scene
            .call("admin", "GET", &format!("{repositories}/two"), None)
            .await
            .0,
        404
    );
    // The name is free again.
    assert_eq!(
        scene
            .call("admin", "POST", repositories, Some(json!({ "name": "two" })))
            .await
            .0,
        201
    );
    let (status, _) = scene
        .call("admin", "DELETE", "/pave/_apis/projects/second", None)
        .await;
    assert_eq!(status, 202);
    assert_eq!(
        scene
            .call("admin", "GET", "/pave/_apis/projects/second", None)
            .await
            .0,
        404
    );
}
