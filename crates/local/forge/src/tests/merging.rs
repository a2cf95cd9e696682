use serde_json::json;

use super::pulls::BASE;
use super::scene::{Scene, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn every_strategy_merges_and_keeps_the_road() {
    let cases = [
        ("noFastForward", 2, 4),
        ("squash", 1, 2),
        ("rebase", 1, 3),
        ("rebaseMerge", 2, 4),
    ];
    for (index, (strategy, parents, commits)) in cases.into_iter().enumerate() {
        let scene = Scene::new().await;
        let road = "0123456789abcdef0123456789abcdef";
        scene
            .put(
                "author",
                "x",
                "docs/x",
                "1\n",
                &format!("Add x\n\nPave-Road: {road}"),
            )
            .await;
        scene.put("author", "x", "docs/y", "1\n", "Add y").await;
        let before = scene.put("author", "main", "docs/z", "1\n", "Meanwhile").await;
        let id = scene.open_pull("author", "x").await;
        let options = json!({ "mergeStrategy": strategy, "deleteSourceBranch": true, "mergeCommitMessage": "Merged it\n\nbecause" });
        let options = if index % 2 == 0 {
            options
        } else {
            // As the node client writes it.
            let mut options = options;
            options["mergeStrategy"] = json!(index + 1);
            options
        };
        let (status, done) = scene.complete("author", id, options).await;
        assert_eq!(status, 200, "{strategy}: {done}");
        assert_eq!(done["status"], "completed", "{strategy}");
        assert_eq!(done["closedBy"]["displayName"], "author");
        assert!(done["closedDate"].is_string());
        let tip = scene.tip("main").await.unwrap();
        assert_eq!(done["lastMergeCommit"]["commitId"], tip);
        assert_eq!(scene.tip("x").await, None, "{strategy}");
        let line = scene.git_in(&["rev-list", "--parents", "-n1", &tip]).await;
        assert_eq!(line.split_whitespace().count() - 1, parents, "{strategy}");
        let count = scene
            .git_in(&["rev-list", "--count", &format!("{before}..{tip}")])
            .await;
        assert_eq!(count.trim().parse::<i32>().unwrap() + 1, commits, "{strategy}");
        let log = scene
            .git_in(&["log", "--format=%(trailers:key=Pave-Road,valueonly)", &tip])
            .await;
        assert!(log.contains(road), "{strategy}: {log}");
        for file in ["docs/x", "docs/y", "docs/z"] {
            scene.git_in(&["cat-file", "-e", &format!("{tip}:{file}")]).await;
        }
        if strategy != "rebase" {
            let message = scene.git_in(&["log", "-n1", "--format=%B", &tip]).await;
            assert_eq!(
                message.trim(),
                format!("Merged it\n\nbecause\n\nPave-Road: {road}"),
                "{strategy}"
            );
        }
        // Told once more after the answer was lost.
        let again = scene.patch("author", id, json!({ "status": "completed" })).await;
        assert_eq!(again.1["lastMergeCommit"]["commitId"], tip);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_refused_with_the_reason() {
    let scene = Scene::new().await;
    scene.put("author", "x", "README.md", "theirs\n", "Change").await;
    scene
        .put("author", "main", "README.md", "ours\n", "Change too")
        .await;
    let id = scene.open_pull("author", "x").await;
    let pull = scene.pull(id).await;
    assert_eq!(pull["mergeStatus"], "conflicts");
    assert_eq!(pull["conflicts"], json!(["README.md"]));
    let (status, error) = scene.complete("author", id, json!({})).await;
    assert_eq!(status, 409);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("README.md") && message.contains("rebase"),
        "{message}"
    );
    // A stale head.
    scene.put("author", "y", "docs/y", "1\n", "Add y").await;
    let id = scene.open_pull("author", "y").await;
    let stale = scene.pull(id).await["lastMergeSourceCommit"].clone();
    scene.put("author", "y", "docs/y", "2\n", "More").await;
    let body = json!({ "status": "completed", "lastMergeSourceCommit": stale });
    let (status, error) = scene.patch("author", id, body).await;
    assert_eq!(
        (status, error["typeKey"].as_str()),
        (409, Some("GitPullRequestStaleException"))
    );
    // Who completes must be allowed to push what changes.
    let (status, error) = scene.complete("alice", id, json!({})).await;
    assert_eq!(status, 403);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("alice may not change docs/y") && message.contains("ask the group platform"),
        "{message}"
    );
    assert_eq!(scene.pull(id).await["status"], "active");
    // A draft waits.
    scene.patch("author", id, json!({ "isDraft": true })).await;
    let (status, error) = scene.complete("author", id, json!({})).await;
    assert!(
        status == 409 && error["message"].as_str().unwrap().contains("draft"),
        "{error}"
    );
    // No such branch, the same branch.
    for (source, target) in [("nowhere", "main"), ("main", "main")] {
        let body = json!({ "sourceRefName": format!("refs/heads/{source}"), "targetRefName": format!("refs/heads/{target}"), "title": "t" });
        assert_eq!(
            scene
                .call("author", "POST", &format!("{BASE}/pullrequests"), Some(body))
                .await
                .0,
            400
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_no_half_merge() {
    let scene = Scene::new().await;
    scene.put("author", "x", "docs/x", "1\n", "Add x").await;
    scene.put("author", "y", "docs/y", "1\n", "Add y").await;
    let (merged, unmerged) = (
        scene.open_pull("author", "x").await,
        scene.open_pull("author", "y").await,
    );
    let main = scene.tip("main").await.unwrap();
    // As if the process had died after the row was written, before and after the reference moved.
    for (id, moved) in [(unmerged, false), (merged, true)] {
        let mut pull = scene.forge.store().pull(id).await.unwrap().unwrap();
        let commit = pull.merge.commit.clone();
        pull.completing = Some(crate::pull::Completing {
            commit: commit.clone(),
            by: scene.admin.clone(),
            options: json!({}),
        });
        scene
            .forge
            .store()
            .keep_pull(&pull, &scene.repository, Vec::new())
            .await
            .unwrap();
        let update = crate::store::Update {
            name: "refs/heads/main".into(),
            old: main.clone(),
            new: commit.clone(),
        };
        scene
            .forge
            .store()
            .intend(&scene.repository, &scene.admin, &[update])
            .await
            .unwrap();
        if moved {
            scene
                .git_in(&["update-ref", "refs/heads/main", &commit, &main])
                .await;
        }
    }
    let scene = scene.restart().await;
    eventually("both are settled", async || {
        let (one, other) = (scene.pull(merged).await, scene.pull(unmerged).await);
        (one["status"] == "completed" && other["status"] == "active" && other["mergeStatus"] == "succeeded")
            .then_some(())
    })
    .await;
    let row = scene.forge.store().pull(unmerged).await.unwrap().unwrap();
    assert_eq!(row.completing, None);
    assert!(
        scene
            .forge
            .store()
            .intended(scene.repository.id())
            .await
            .unwrap()
            .is_empty()
    );
    let (status, _) = scene.complete("author", unmerged, json!({})).await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_merges_at_once_lose_nothing() {
    let scene = Scene::new().await;
    let mut ids = Vec::new();
    for index in 0..6 {
        let branch = format!("b{index}");
        scene
            .put("author", &branch, &format!("docs/{branch}"), "1\n", "Add")
            .await;
        ids.push(scene.open_pull("author", &branch).await);
    }
    let merges = ids
        .iter()
        .map(|id| scene.complete("author", *id, json!({ "mergeStrategy": "squash" })));
    for (status, answer) in futures::future::join_all(merges).await {
        assert_eq!(
            (status, answer["status"].as_str()),
            (200, Some("completed")),
            "{answer}"
        );
    }
    let tip = scene.tip("main").await.unwrap();
    let files = scene.git_in(&["ls-tree", "--name-only", &tip, "docs/"]).await;
    assert_eq!(files.lines().count(), 6);
    // A bypass that was said earlier is not one for who completes later.
    scene.put("author", "c", "docs/c", "1\n", "Add").await;
    let id = scene.open_pull("author", "c").await;
    let (_, pull) = scene
        .patch(
            "author",
            id,
            json!({ "completionOptions": { "bypassPolicy": true, "mergeStrategy": 2 } }),
        )
        .await;
    assert_eq!(pull["completionOptions"], json!({ "mergeStrategy": 2 }));
}
