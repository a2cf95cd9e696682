use pave_devops::{Event, RunState};
use serde_json::{Value, json};

use super::pulls::BASE;
use super::scene::{Scene, eventually};

const POLICY: &str = "/pave/platform/_apis/policy";
const APPROVERS: &str = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd";
const REQUIRED: &str = "fd2167ab-b0be-447a-8ec8-39368250530e";
const BUILD: &str = "0609b952-1397-4640-95ec-e00a01b2c241";
const COMMENTS: &str = "c6a1889d-b943-4856-b76f-9e46bb6b0df2";
const STRATEGY: &str = "fa4e907d-c16b-4a4c-9dfa-4916e5d171ab";

impl Scene {
    async fn policy(&self, kind: &str, mut settings: Value) -> i64 {
        settings["scope"] = json!([{ "repositoryId": self.repository.id(), "refName": "refs/heads/main", "matchKind": "Exact" }]);
        let body =
            json!({ "isEnabled": true, "isBlocking": true, "type": { "id": kind }, "settings": settings });
        let (status, made) = self
            .call(
                "admin",
                "POST",
                &format!("{POLICY}/configurations?api-version=7.1"),
                Some(body),
            )
            .await;
        assert_eq!(status, 200, "{made}");
        made["id"].as_i64().unwrap()
    }

    async fn vote(&self, user: &str, id: i64, vote: i64) {
        let path = format!("{BASE}/pullRequests/{id}/reviewers/{}", self.id(user));
        let (status, answer) = self.call(user, "PUT", &path, Some(json!({ "vote": vote }))).await;
        assert_eq!(status, 200, "{answer}");
    }

    async fn evaluation(&self, id: i64, policy: i64) -> String {
        let project = self.pull(id).await["repository"]["project"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("{POLICY}/evaluations?artifactId=vstfs:///CodeReview/CodeReviewId/{project}/{id}");
        let (_, found) = self.call("alice", "GET", &path, None).await;
        let all = found["value"].as_array().unwrap();
        let found = all.iter().find(|it| it["configuration"]["id"] == policy).unwrap();
        found["status"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guarded_branch_takes_pull_requests_only() {
    let scene = Scene::new().await;
    let policy = scene
        .policy(
            APPROVERS,
            json!({ "minimumApproverCount": 1, "resetOnSourcePush": true }),
        )
        .await;
    let checkout = scene.checkout("author", "work").await;
    scene.commit(&checkout, "docs/x", b"x\n").await;
    let (pushed, printed) = scene.git("author", &checkout, &["push", "origin", "main"]).await;
    assert!(!pushed);
    for line in [
        "TF402455",
        "refs/heads/main of pave/platform/platform-configs is guarded by: Minimum number of reviewers",
        "verb bypass on nonResourceURL /forge/pave/platform/platform-configs",
        "ask the group platform",
    ] {
        assert!(printed.contains(line), "{line}\n{printed}");
    }
    scene
        .git_ok(
            "author",
            &checkout,
            &["push", "-q", "origin", "main:refs/heads/x"],
        )
        .await;
    let tip = scene.tip("main").await.unwrap();
    let update =
        json!([{ "name": "refs/heads/main", "oldObjectId": tip, "newObjectId": scene.tip("x").await }]);
    let (_, moved) = scene
        .call("author", "POST", &format!("{BASE}/refs"), Some(update))
        .await;
    assert_eq!(moved["value"][0]["updateStatus"], "rejectedByPolicy", "{moved}");
    let id = scene.open_pull("author", "x").await;
    assert_eq!(scene.evaluation(id, policy).await, "running");
    let (status, error) = scene.complete("author", id, json!({})).await;
    assert_eq!(
        (status, error["typeKey"].as_str()),
        (403, Some("GitPullRequestUpdateRejectedByPolicyException"))
    );
    assert!(
        error["message"].as_str().unwrap().contains("0 of 1 approvals"),
        "{error}"
    );
    let (status, error) = scene
        .complete("author", id, json!({ "bypassPolicy": true }))
        .await;
    assert_eq!(status, 403);
    assert!(
        error["message"].as_str().unwrap().contains("verb bypass"),
        "{error}"
    );
    scene.vote("carol", id, 10).await;
    assert_eq!(scene.evaluation(id, policy).await, "approved");
    // Pushing again takes the vote back.
    scene.put("author", "x", "docs/y", "1\n", "More").await;
    assert_eq!(scene.evaluation(id, policy).await, "running");
    scene.vote("carol", id, -10).await;
    assert_eq!(scene.evaluation(id, policy).await, "rejected");
    scene.vote("carol", id, 5).await;
    let (status, done) = scene.complete("author", id, json!({})).await;
    assert_eq!(
        (status, done["status"].as_str()),
        (200, Some("completed")),
        "{done}"
    );
    // Who may bypass pushes as before.
    scene.put("admin", "main", "docs/z", "1\n", "Urgent").await;
    let unknown = json!({ "type": { "id": "x" }, "settings": {} });
    let (status, error) = scene
        .call(
            "admin",
            "POST",
            &format!("{POLICY}/configurations"),
            Some(unknown.clone()),
        )
        .await;
    assert!(
        status == 400 && error["message"].as_str().unwrap().contains(BUILD),
        "{error}"
    );
    let wanted = json!({ "type": { "id": APPROVERS }, "settings": { "minimumApproverCount": 1 } });
    assert_eq!(
        scene
            .call("alice", "POST", &format!("{POLICY}/configurations"), Some(wanted))
            .await
            .0,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_asked_for_and_auto_complete_waits_for_it() {
    let scene = Scene::new().await;
    let policy = scene
        .policy(
            BUILD,
            json!({ "buildDefinitionId": 7, "queueOnSourceUpdateOnly": false }),
        )
        .await;
    scene.put("author", "x", "docs/x", "1\n", "Add x").await;
    let id = scene.open_pull("author", "x").await;
    let asked = || scene.builds.asked.lock().unwrap().clone();
    assert_eq!(asked().len(), 1);
    assert_eq!(asked()[0].definition, 7);
    assert_eq!(
        scene.pull(id).await["lastMergeCommit"]["commitId"],
        asked()[0].pull_request.merge_commit
    );
    assert_eq!(scene.evaluation(id, policy).await, "queued");
    let body = json!({ "autoCompleteSetBy": { "id": scene.id("author") }, "completionOptions": { "deleteSourceBranch": true, "mergeStrategy": "squash" } });
    let (status, pull) = scene.patch("author", id, body).await;
    assert_eq!(
        (status, pull["autoCompleteSetBy"]["displayName"].as_str()),
        (200, Some("author")),
        "{pull}"
    );
    let other = json!({ "autoCompleteSetBy": { "id": scene.id("admin") } });
    assert_eq!(scene.patch("author", id, other).await.0, 403);
    let end = |build: i64, state: RunState| {
        let index = usize::try_from(build - 1).unwrap();
        scene.builds.states.lock().unwrap()[index] = state;
        let project = asked()[0].pull_request.repository.project.clone();
        scene.feed.publish(Event::Run {
            project,
            build,
            definition: 7,
            state,
        });
    };
    end(1, RunState::Failed);
    eventually("the policy says so", async || {
        (scene.evaluation(id, policy).await == "rejected").then_some(())
    })
    .await;
    assert_eq!(scene.pull(id).await["status"], "active");
    scene.put("author", "x", "docs/x", "2\n", "Better").await;
    eventually("another build", async || (asked().len() == 2).then_some(())).await;
    // The answer comes while nobody listens: a start looks.
    scene.builds.states.lock().unwrap()[1] = RunState::Succeeded;
    let scene = scene.restart().await;
    eventually("it completes by itself", async || {
        (scene.pull(id).await["status"] == "completed").then_some(())
    })
    .await;
    assert_eq!(scene.tip("x").await, None);
    assert_eq!(scene.pull(id).await["closedBy"]["displayName"], "author");
}

#[tokio::test(flavor = "multi_thread")]
async fn required_reviewers_comments_and_strategies() {
    let scene = Scene::new().await;
    let group = crate::pull::people::group_id("platform");
    let required = scene
        .policy(
            REQUIRED,
            json!({ "requiredReviewerIds": [group], "filenamePatterns": ["/docs/*"] }),
        )
        .await;
    let comments = scene.policy(COMMENTS, json!({})).await;
    scene
        .policy(STRATEGY, json!({ "allowSquash": true, "allowRebase": true }))
        .await;
    scene.put("author", "x", "docs/x", "1\n", "Add x").await;
    let id = scene.open_pull("author", "x").await;
    let pull = scene.pull(id).await;
    assert_eq!(
        (
            pull["reviewers"][0]["isContainer"].as_bool(),
            pull["reviewers"][0]["isRequired"].as_bool()
        ),
        (Some(true), Some(true)),
        "{pull}"
    );
    let thread = json!({ "comments": [{ "content": "Hm" }], "status": "active" });
    scene
        .call(
            "carol",
            "POST",
            &format!("{BASE}/pullRequests/{id}/threads"),
            Some(thread),
        )
        .await;
    assert_eq!(scene.evaluation(id, comments).await, "running");
    assert_eq!(scene.evaluation(id, required).await, "running");
    // Alice is not of the group.
    scene.vote("alice", id, 10).await;
    assert_eq!(scene.evaluation(id, required).await, "running");
    scene.vote("carol", id, 10).await;
    assert_eq!(scene.evaluation(id, required).await, "approved");
    scene
        .call(
            "carol",
            "PATCH",
            &format!("{BASE}/pullRequests/{id}/threads/1"),
            Some(json!({ "status": 4 })),
        )
        .await;
    let (status, error) = scene
        .complete("author", id, json!({ "mergeStrategy": "noFastForward" }))
        .await;
    assert!(
        status == 403 && error["message"].as_str().unwrap().contains("squash or rebase"),
        "{error}"
    );
    let (_, done) = scene.complete("author", id, json!({})).await;
    assert_eq!(done["status"], "completed", "{done}");
}
