use serde_json::{Value, json};

use super::pulls::BASE;
use super::scene::Scene;
use crate::changes::ZERO;

impl Scene {
    async fn lock(&self, user: &str, branch: &str, locked: bool, expected: u16) -> Value {
        let path = format!("{BASE}/refs?filter=heads/{branch}&api-version=7.1");
        let body = json!({ "isLocked": locked });
        self.send(user, "PATCH", &path, body, expected).await
    }

    async fn branch(&self, name: &str) -> Value {
        let found = self.get(&format!("{BASE}/refs?filter=heads/{name}")).await;
        found["value"][0].clone()
    }

    async fn move_branch(&self, user: &str, name: &str, old: &str, new: &str) -> String {
        let body = json!([{ "name": format!("refs/heads/{name}"), "oldObjectId": old, "newObjectId": new }]);
        let answer = self.send(user, "POST", &format!("{BASE}/refs"), body, 200).await;
        answer["value"][0]["updateStatus"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_branch_is_moved_by_nobody_else() {
    let scene = Scene::new().await;
    let first = scene.tip("main").await.unwrap();
    let shown = scene.lock("author", "main", true, 200).await;
    assert_eq!(
        (
            shown["name"].as_str(),
            shown["isLocked"].as_bool(),
            shown["isLockedBy"]["displayName"].as_str()
        ),
        (Some("refs/heads/main"), Some(true), Some("author"))
    );
    // Once more changes nothing; somebody else is told who has it.
    scene.lock("author", "main", true, 200).await;
    let refused = scene.lock("admin", "main", true, 403).await;
    assert_eq!(refused["typeKey"], "GitRefLockedException", "{refused}");
    assert_eq!(scene.branch("main").await["isLockedBy"]["displayName"], "author");

    // Not by a push, not by REST.
    let checkout = scene.checkout("admin", "checkout").await;
    scene.commit(&checkout, "docs/x", b"1\n").await;
    let (pushed, printed) = scene.git("admin", &checkout, &["push", "URL", "main"]).await;
    assert!(
        !pushed && printed.contains("'refs/heads/main' is locked by author"),
        "{printed}"
    );
    let body = json!({
        "refUpdates": [{ "name": "refs/heads/main", "oldObjectId": first }],
        "commits": [{ "comment": "By REST", "changes": [{ "changeType": "add", "item": { "path": "/y" },
            "newContent": { "content": "1", "contentType": "rawtext" } }] }],
    });
    let refused = scene
        .send("admin", "POST", &format!("{BASE}/pushes"), body, 403)
        .await;
    assert_eq!(refused["typeKey"], "GitRefLockedException", "{refused}");
    assert_eq!(scene.tip("main").await.unwrap(), first);

    // Who locked it goes on.
    scene.put("author", "main", "docs/z", "1\n", "Go on").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_branch_takes_no_merges_of_others() {
    let scene = Scene::new().await;
    scene.put("author", "x", "docs/x", "1\n", "Add x").await;
    let id = scene.open_pull("author", "x").await;
    scene.lock("author", "main", true, 200).await;
    let (status, refused) = scene.complete("admin", id, json!({})).await;
    assert_eq!(
        (status, refused["typeKey"].as_str()),
        (403, Some("GitRefLockedException")),
        "{refused}"
    );
    assert_eq!(scene.pull(id).await["status"], "active");
    scene.lock("author", "main", false, 200).await;
    // The source is somebody else's now: it stays, and the merge goes through.
    scene.lock("author", "x", true, 200).await;
    let (status, done) = scene
        .complete("admin", id, json!({ "deleteSourceBranch": true }))
        .await;
    assert_eq!(
        (status, done["status"].as_str()),
        (200, Some("completed")),
        "{done}"
    );
    assert_eq!(scene.branch("x").await["isLocked"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_go_by_their_holder_or_by_who_manages() {
    let scene = Scene::new().await;
    let tip = scene.put("author", "x", "docs/x", "1\n", "Add x").await;
    // Locking asks for the right to make or delete the branch.
    scene.lock("alice", "x", true, 403).await;
    scene.lock("carol", "x", true, 403).await;
    scene.lock("author", "nowhere", true, 404).await;
    let path = format!("{BASE}/refs?filter=heads/x");
    scene.send("author", "PATCH", &path, json!({}), 400).await;
    scene.lock("admin", "x", true, 200).await;
    assert_eq!(scene.move_branch("author", "x", &tip, ZERO).await, "locked");
    let refused = scene.lock("author", "x", false, 403).await;
    assert!(
        refused["message"].as_str().unwrap().contains("verb manage"),
        "{refused}"
    );
    let scene = scene.restart().await;
    assert_eq!(scene.branch("x").await["isLocked"], true);
    let shown = scene.lock("admin", "x", false, 200).await;
    assert_eq!(
        (shown["isLocked"].as_bool(), shown.get("isLockedBy")),
        (Some(false), None)
    );
    assert_eq!(scene.branch("x").await.get("isLocked"), None);
    scene.lock("author", "x", true, 200).await;
    scene.lock("admin", "x", false, 200).await;

    // A lock goes with its branch.
    scene.lock("author", "x", true, 200).await;
    assert_eq!(scene.move_branch("author", "x", &tip, ZERO).await, "succeeded");
    assert_eq!(scene.move_branch("admin", "x", ZERO, &tip).await, "succeeded");
    assert_eq!(scene.branch("x").await.get("isLocked"), None);
}
