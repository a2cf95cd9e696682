use serde_json::{Value, json};

use super::pulls::BASE;
use super::scene::Scene;

fn paths(items: &Value, field: &str) -> Vec<String> {
    let all = items.as_array().unwrap();
    all.iter()
        .map(|it| it[field].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_told_file_by_file() {
    let scene = Scene::new().await;
    let old = scene.put("author", "main", "docs/a", "1\n", "Add a").await;
    scene.put("author", "topic", "docs/a", "2\n", "Topic").await;
    scene.put("author", "topic", "docs/new", "topic\n", "Topic").await;
    scene.put("author", "main", "docs/a", "3\n", "Main").await;
    scene.put("author", "main", "docs/new", "main\n", "Main").await;
    let id = scene.open_pull("author", "topic").await;
    let path = format!("{BASE}/pullRequests/{id}/conflicts");
    let all = scene.get(&path).await;
    assert_eq!(paths(&all["value"], "conflictPath"), ["/docs/a", "/docs/new"]);
    assert_eq!(paths(&all["value"], "conflictType"), ["editEdit", "addAdd"]);
    let first = &all["value"][0];
    assert_eq!(first["resolutionStatus"], "unresolved");
    assert_eq!(first["mergeBaseCommit"]["commitId"], old);
    for (side, content) in [("baseBlob", "1\n"), ("sourceBlob", "2\n"), ("targetBlob", "3\n")] {
        let blob = first[side]["objectId"].as_str().unwrap();
        let path = format!("{BASE}/blobs/{blob}");
        let response = scene
            .raw("alice", "GET", &path, None, "application/octet-stream")
            .await;
        assert_eq!(response.text().await.unwrap(), content);
        assert_eq!(scene.get(&path).await["size"], 2);
    }
    assert!(all["value"][1]["baseBlob"].is_null());
    assert_eq!(scene.get(&format!("{path}/2")).await["conflictPath"], "/docs/new");
    assert_eq!(
        scene.call("alice", "GET", &format!("{path}/3"), None).await.0,
        404
    );
    let refused = scene
        .send("author", "PATCH", &format!("{path}/1"), json!({}), 400)
        .await;
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("resolve them there and push")
    );
    // Without a conflict the list is empty.
    scene.put("author", "calm", "docs/calm", "1\n", "Calm").await;
    let calm = scene.open_pull("author", "calm").await;
    let none = scene.get(&format!("{BASE}/pullRequests/{calm}/conflicts")).await;
    assert_eq!(none["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_questions_in_one_request() {
    let scene = Scene::new().await;
    let first = scene.tip("main").await.unwrap();
    let second = scene.put("author", "main", "docs/a", "1\n", "Add a").await;
    let batch = json!({ "itemDescriptors": [
        { "path": "/docs", "version": "main", "versionType": 0, "recursionLevel": "full" },
        { "path": "/README.md", "version": first, "versionType": "commit", "recursionLevel": 0 },
    ] });
    let path = format!("{BASE}/itemsBatch");
    let found = scene.send("alice", "POST", &path, batch, 200).await;
    assert_eq!(paths(&found["value"][0], "path"), ["/docs", "/docs/a"]);
    assert_eq!(paths(&found["value"][1], "path"), ["/README.md"]);
    scene.send("alice", "POST", &path, json!({}), 400).await;
    let missing = json!({ "itemDescriptors": [{ "path": "/none" }] });
    scene.send("alice", "POST", &path, missing, 404).await;

    let path = format!("{BASE}/commitsBatch");
    let found = scene
        .send("alice", "POST", &path, json!({ "ids": [first, second] }), 200)
        .await;
    assert_eq!(
        paths(&found["value"], "commitId"),
        [first.clone(), second.clone()]
    );
    let criteria = json!({ "itemVersion": { "version": "main", "versionType": "branch" }, "itemPath": "docs", "$top": 5 });
    let found = scene.send("alice", "POST", &path, criteria, 200).await;
    assert_eq!(paths(&found["value"], "commitId"), [second.as_str()]);

    let tree = scene.get(&format!("{BASE}/trees/{second}?recursive=true")).await;
    let names = paths(&tree["treeEntries"], "relativePath");
    assert!(
        names.contains(&"docs/a".to_owned()) && names.contains(&"docs".to_owned()),
        "{names:?}"
    );
    let bases = scene
        .get(&format!(
            "{BASE}/commits/{second}/mergeBases?otherCommitId={first}"
        ))
        .await;
    assert_eq!(paths(&bases["value"], "commitId"), [first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn services_note_what_they_know() {
    let scene = Scene::new().await;
    let head = scene.put("author", "topic", "docs/a", "1\n", "Add a").await;
    let path = format!("{BASE}/commits/{head}/statuses");
    let status = |state: Value| json!({ "state": state, "context": { "name": "build", "genre": "ci" } });
    scene.send("alice", "POST", &path, status(json!(1)), 201).await;
    let made = scene
        .send("alice", "POST", &path, status(json!("succeeded")), 201)
        .await;
    assert_eq!(made["createdBy"]["displayName"], "alice");
    scene.send("author", "POST", &path, status(json!(2)), 403).await;
    scene
        .send("alice", "POST", &path, status(json!("fine")), 400)
        .await;
    let all = scene.get(&path).await;
    assert_eq!(paths(&all["value"], "state"), ["succeeded", "pending"]);
    assert_eq!(scene.get(&format!("{path}?latestOnly=true")).await["count"], 1);

    let id = scene.open_pull("author", "topic").await;
    let path = format!("{BASE}/pullRequests/{id}/properties");
    let steps = json!([{ "op": "add", "path": "/tool.run", "value": 7 }, { "op": "add", "path": "/note", "value": "x" }]);
    scene.send("author", "PATCH", &path, steps, 200).await;
    let gone = json!([{ "op": "remove", "path": "/note" }]);
    scene.send("author", "PATCH", &path, gone, 200).await;
    let kept = scene.get(&path).await;
    assert_eq!(
        kept,
        json!({ "count": 1, "value": { "tool.run": { "$type": "System.Int32", "$value": 7 } } })
    );

    let path = format!("{BASE}/pullRequestQuery");
    let query = json!({ "queries": [{ "type": "commit", "items": [head, "0".repeat(40)] }] });
    let found = scene.send("alice", "POST", &path, query, 200).await;
    assert_eq!(found["results"][0][&head][0]["pullRequestId"], id);
    assert_eq!(found["results"][0].as_object().unwrap().len(), 1);
    assert_eq!(
        scene
            .complete("author", id, json!({ "mergeStrategy": "squash" }))
            .await
            .0,
        200
    );
    let merged = scene.pull(id).await["lastMergeCommit"]["commitId"].clone();
    let query = json!({ "queries": [{ "type": 1, "items": [merged] }] });
    let found = scene.send("alice", "POST", &path, query, 200).await;
    assert_eq!(
        found["results"][0][merged.as_str().unwrap()][0]["pullRequestId"],
        id
    );
}
