use serde_json::{Value, json};

use super::scene::{Scene, eventually};
use crate::changes::ZERO;

pub(super) const BASE: &str = "/pave/platform/_apis/git/repositories/platform-configs";

impl Scene {
    /// Commits a file on a branch by REST; a new branch begins at main. Returns the commit.
    pub(super) async fn put(
        &self,
        user: &str,
        branch: &str,
        file: &str,
        content: &str,
        comment: &str,
    ) -> String {
        let old = match self.tip(branch).await {
            Some(tip) => tip,
            None => self.tip("main").await.unwrap(),
        };
        let (status, there) = self
            .call("admin", "GET", &format!("{BASE}/items?path=/{file}&versionDescriptor.version={old}&versionDescriptor.versionType=commit"), None)
            .await;
        let kind = if status == 200 && !there.is_null() {
            "edit"
        } else {
            "add"
        };
        let body = json!({
            "refUpdates": [{ "name": format!("refs/heads/{branch}"), "oldObjectId": old }],
            "commits": [{ "comment": comment, "changes": [{
                "changeType": kind, "item": { "path": format!("/{file}") },
                "newContent": { "content": content, "contentType": "rawtext" } }] }],
        });
        let (status, made) = self
            .call(user, "POST", &format!("{BASE}/pushes"), Some(body))
            .await;
        assert_eq!(status, 201, "{made}");
        self.tip(branch).await.unwrap()
    }

    /// Opens a pull request to main.
    pub(super) async fn open_pull(&self, user: &str, branch: &str) -> i64 {
        let body = json!({
            "sourceRefName": format!("refs/heads/{branch}"), "targetRefName": "refs/heads/main",
            "title": format!("Take {branch}"), "description": "why",
        });
        let path = format!("{BASE}/pullrequests?supportsIterations=false");
        let (status, made) = self.call(user, "POST", &path, Some(body)).await;
        assert_eq!(status, 201, "{made}");
        made["pullRequestId"].as_i64().unwrap()
    }

    pub(super) async fn pull(&self, id: i64) -> Value {
        let (status, pull) = self
            .call("admin", "GET", &format!("{BASE}/pullRequests/{id}"), None)
            .await;
        assert_eq!(status, 200, "{pull}");
        pull
    }

    pub(super) async fn patch(&self, user: &str, id: i64, body: Value) -> (u16, Value) {
        self.call(
            user,
            "PATCH",
            &format!("{BASE}/pullrequests/{id}?api-version=7.1"),
            Some(body),
        )
        .await
    }

    /// Completes with the source commit that is known now.
    pub(super) async fn complete(&self, user: &str, id: i64, options: Value) -> (u16, Value) {
        let source = self.pull(id).await["lastMergeSourceCommit"].clone();
        let body =
            json!({ "status": "completed", "lastMergeSourceCommit": source, "completionOptions": options });
        self.patch(user, id, body).await
    }

    pub(super) async fn git_in(&self, arguments: &[&str]) -> String {
        let printed = self.repository.git().run(arguments, b"").await.unwrap();
        String::from_utf8(printed).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_lives_as_in_azure_devops() {
    let scene = Scene::new().await;
    let first = scene.put("author", "feature/x", "docs/x", "1\n", "Add x").await;
    let id = scene.open_pull("author", "feature/x").await;
    let pull = scene.pull(id).await;
    assert_eq!(pull["status"], "active");
    assert_eq!(pull["mergeStatus"], "succeeded");
    assert_eq!(pull["lastMergeSourceCommit"]["commitId"], first);
    assert_eq!(pull["createdBy"]["displayName"], "author");
    let merge = scene
        .git_in(&["rev-parse", &format!("refs/pull/{id}/merge")])
        .await;
    assert_eq!(pull["lastMergeCommit"]["commitId"], merge.trim());
    // The same pair again.
    let again =
        json!({ "sourceRefName": "refs/heads/feature/x", "targetRefName": "refs/heads/main", "title": "t" });
    let (status, error) = scene
        .call("author", "POST", &format!("{BASE}/pullrequests"), Some(again))
        .await;
    assert_eq!(status, 409);
    assert!(
        error["message"].as_str().unwrap().starts_with("TF401179"),
        "{error}"
    );
    // A push makes an iteration and a new test merge.
    let second = scene.put("author", "feature/x", "docs/y", "2\n", "Add y").await;
    let pull = scene.pull(id).await;
    assert_eq!(pull["lastMergeSourceCommit"]["commitId"], second);
    let get = async |tail: &str| {
        scene
            .call("alice", "GET", &format!("{BASE}/pullRequests/{id}/{tail}"), None)
            .await
            .1
    };
    let iterations = get("iterations").await;
    assert_eq!(iterations["count"], 2);
    assert_eq!(iterations["value"][1]["reason"], "push");
    let changes = get("iterations/2/changes").await;
    assert_eq!(changes["changeEntries"].as_array().unwrap().len(), 2, "{changes}");
    let changes = get("iterations/2/changes?$compareTo=1").await;
    assert_eq!(
        changes["changeEntries"][0]["item"]["path"], "/docs/y",
        "{changes}"
    );
    assert_eq!(get("commits").await["count"], 2);
    // Lists.
    for (query, count) in [
        ("searchCriteria.status=active", 1),
        (
            "searchCriteria.status=1&searchCriteria.sourceRefName=refs/heads/feature/x",
            1,
        ),
        ("searchCriteria.status=completed", 0),
        (
            "searchCriteria.status=all&searchCriteria.targetRefName=refs/heads/other",
            0,
        ),
        ("$top=0", 0),
    ] {
        let (_, found) = scene
            .call("alice", "GET", &format!("{BASE}/pullrequests?{query}"), None)
            .await;
        assert_eq!(found["count"], count, "{query}");
    }
    let (_, one) = scene
        .call(
            "alice",
            "GET",
            &format!("/pave/_apis/git/pullrequests/{id}"),
            None,
        )
        .await;
    assert_eq!(one["pullRequestId"], id);
    let (status, error) = scene
        .call("alice", "GET", &format!("{BASE}/pullrequests/99"), None)
        .await;
    assert_eq!(
        (status, error["typeKey"].as_str()),
        (404, Some("GitPullRequestNotFoundException"))
    );
    // Who neither opened it nor may review changes nothing.
    assert_eq!(scene.patch("bob", id, json!({ "title": "x" })).await.0, 403);
    let (_, pull) = scene
        .patch(
            "author",
            id,
            json!({ "title": "Better", "isDraft": true, "status": 2 }),
        )
        .await;
    assert_eq!(
        (pull["title"].as_str(), pull["status"].as_str()),
        (Some("Better"), Some("abandoned"))
    );
    let (_, pull) = scene
        .patch("author", id, json!({ "status": "active", "isDraft": false }))
        .await;
    assert_eq!(pull["status"], "active");
    assert_eq!(pull["mergeStatus"], "succeeded");
}

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
async fn people_vote_and_discuss() {
    let scene = Scene::new().await;
    scene.put("author", "x", "docs/x", "1\n", "Add x").await;
    let id = scene.open_pull("author", "x").await;
    let path = format!("{BASE}/pullRequests/{id}");
    let (carol, alice) = (scene.id("carol"), scene.id("alice"));
    let call = async |user: &str, method: &str, tail: &str, body: Value| {
        let body = (!body.is_null()).then_some(body);
        scene.call(user, method, &format!("{path}/{tail}"), body).await
    };
    let (status, _) = call(
        "carol",
        "PUT",
        &format!("reviewers/{carol}"),
        json!({ "vote": 10 }),
    )
    .await;
    assert_eq!(status, 200);
    let (status, error) = call(
        "carol",
        "PUT",
        &format!("reviewers/{alice}"),
        json!({ "vote": 10 }),
    )
    .await;
    assert_eq!(status, 403, "{error}");
    assert_eq!(
        call(
            "carol",
            "PUT",
            &format!("reviewers/{carol}"),
            json!({ "vote": 7 })
        )
        .await
        .0,
        400
    );
    let me = scene.id("author");
    assert_eq!(
        call("author", "PUT", &format!("reviewers/{me}"), json!({ "vote": 10 }))
            .await
            .0,
        403
    );
    let (_, added) = call("author", "POST", "reviewers", json!([{ "id": alice }])).await;
    assert_eq!(added["count"], 1, "{added}");
    let (_, all) = call("alice", "GET", "reviewers", Value::Null).await;
    assert_eq!(all["count"], 2);
    assert_eq!(all["value"][0]["vote"], 10);
    let (status, error) = call("author", "POST", "reviewers", json!([{ "id": "nobody" }])).await;
    assert_eq!(
        (status, error["typeKey"].as_str()),
        (400, Some("IdentityNotFoundException"))
    );
    // Discussion.
    let thread = json!({ "comments": [{ "parentCommentId": 0, "content": "Why?", "commentType": 1 }], "status": 1,
        "threadContext": { "filePath": "/docs/x", "rightFileStart": { "line": 1, "offset": 1 } } });
    let (_, thread) = call("carol", "POST", "threads", thread).await;
    assert_eq!(
        (thread["id"].as_i64(), thread["status"].as_str()),
        (Some(1), Some("active"))
    );
    let answer = json!({ "content": "Because.", "parentCommentId": 1, "commentType": "text" });
    let (_, comment) = call("author", "POST", "threads/1/comments", answer).await;
    assert_eq!(comment["id"], 2);
    assert_eq!(
        call(
            "author",
            "PATCH",
            "threads/1/comments/1",
            json!({ "content": "x" })
        )
        .await
        .0,
        403
    );
    let (_, thread) = call("author", "PATCH", "threads/1", json!({ "status": "fixed" })).await;
    assert_eq!(thread["status"], "fixed");
    call("author", "DELETE", "threads/1/comments/2", Value::Null).await;
    let (_, thread) = call("author", "GET", "threads/1", Value::Null).await;
    assert_eq!(thread["comments"][1]["isDeleted"], true);
    // Statuses and labels.
    let posted = json!({ "state": 2, "description": "fine", "context": { "name": "check", "genre": "ci" } });
    assert_eq!(call("author", "POST", "statuses", posted.clone()).await.0, 403);
    let (_, posted) = call("carol", "POST", "statuses", posted).await;
    assert_eq!(posted["state"], "succeeded");
    call("author", "POST", "labels", json!({ "name": "urgent" })).await;
    assert_eq!(scene.pull(id).await["labels"][0]["name"], "urgent");
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
    let (_, pushes) = scene
        .call("alice", "GET", &format!("{BASE}/pushes?$top=1"), None)
        .await;
    assert_eq!(pushes["value"][0]["pushedBy"]["displayName"], "author");
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_and_repositories_come_and_go() {
    let scene = Scene::new().await;
    let body = json!({ "name": "second", "visibility": 0, "capabilities": { "versioncontrol": { "sourceControlType": "Git" } } });
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
    let repositories = "/pave/second/_apis/git/repositories";
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
