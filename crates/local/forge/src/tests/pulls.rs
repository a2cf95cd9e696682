use serde_json::{Value, json};

use super::scene::Scene;

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
