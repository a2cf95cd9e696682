//! What clients ask beside the work itself: teams, users, favorites, attachments, likes.

use serde_json::json;

use super::pulls::BASE;
use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_project_has_one_team_of_who_may_read() {
    let scene = Scene::new().await;
    let teams = scene.get("/pave/_apis/projects/platform/teams").await;
    assert_eq!(
        (teams["count"].as_u64(), teams["value"][0]["name"].as_str()),
        (Some(1), Some("platform Team"))
    );
    let project = scene.get("/pave/_apis/projects/platform").await;
    assert_eq!(project["defaultTeam"]["id"], teams["value"][0]["id"]);
    let id = teams["value"][0]["id"].as_str().unwrap();
    let path = format!("/pave/_apis/projects/platform/teams/{id}");
    assert_eq!(scene.get(&path).await, teams["value"][0]);
    assert_eq!(
        scene
            .get("/pave/_apis/projects/platform/teams/platform%20team")
            .await["id"],
        id
    );
    let members = scene.get(&format!("{path}/members")).await;
    let names: Vec<(&str, bool)> = members["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["identity"]["displayName"].as_str().unwrap(),
                it["isTeamAdmin"].as_bool().unwrap(),
            )
        })
        .collect();
    for (name, is_member, is_admin) in [
        ("admin", true, true),
        ("alice", true, false),
        ("carol", true, false),
        ("bob", false, false),
    ] {
        assert_eq!(
            names.iter().find(|(it, _)| *it == name),
            is_member.then_some(&(name, is_admin)),
            "{members}"
        );
    }
    assert_eq!(scene.get("/pave/_apis/teams").await, teams);
    let base = "/pave/_apis/projects/platform/teams";
    scene
        .send("admin", "POST", base, json!({ "name": "other" }), 400)
        .await;
    let (status, _) = scene.call("admin", "GET", &format!("{base}/other"), None).await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed() {
    let scene = Scene::new().await;
    let all = scene.get("/pave/_apis/userentitlements?top=2&skip=1").await;
    assert_eq!(
        (
            all["totalCount"].as_u64(),
            all["members"].as_array().map(Vec::len)
        ),
        (Some(5), Some(2))
    );
    let id = scene.id("alice");
    let one = scene.get(&format!("/pave/_apis/UserEntitlements/{id}")).await;
    assert_eq!(one["user"]["mailAddress"], "alice@example.com");
    let (status, _) = scene
        .call("alice", "GET", "/pave/_apis/userentitlements/none", None)
        .await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_finds_its_api() {
    let scene = Scene::new().await;
    let path = "/pave/platform/_git/platform-configs/vsts/info";
    let about = scene.get(path).await;
    assert_eq!(about["repository"], scene.get(BASE).await);
    assert_eq!(about["collection"]["name"], "pave");
    assert_eq!(scene.call("bob", "GET", path, None).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn favorites_are_of_one_person() {
    let scene = Scene::new().await;
    let path = "/pave/platform/_apis/git/favorites/refs";
    let repository = scene.repository.id();
    let body = json!({ "name": "refs/heads/main", "repositoryId": repository, "type": 2 });
    let made = scene.send("alice", "POST", path, body.clone(), 200).await;
    let again = scene.send("alice", "POST", path, body.clone(), 400).await;
    assert!(
        again["message"]
            .as_str()
            .unwrap()
            .contains("is already a favorite for user"),
        "{again}"
    );
    scene.send("bob", "POST", path, body, 403).await;
    let odd = json!({ "name": "main", "repositoryId": repository });
    scene.send("alice", "POST", path, odd, 400).await;
    let (_, own) = scene
        .call("alice", "GET", &format!("{path}?repositoryId={repository}"), None)
        .await;
    assert_eq!(
        (own["count"].as_u64(), own["value"][0]["id"].as_i64()),
        (Some(1), made["id"].as_i64())
    );
    assert_eq!(scene.get(path).await["count"], 0);
    let one = format!("{path}/{}", made["id"]);
    assert_eq!(scene.call("admin", "DELETE", &one, None).await.0, 404);
    assert_eq!(scene.call("alice", "DELETE", &one, None).await.0, 204);
    assert_eq!(scene.call("alice", "GET", &one, None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_requests_have_files_and_likes() {
    let scene = Scene::new().await;
    scene.put("author", "x", "docs/x", "1\n", "Add x").await;
    let id = scene.open_pull("author", "x").await;
    let path = format!("{BASE}/pullRequests/{id}/attachments");
    let one = format!("{path}/Picture%20of%20it.txt");
    let made = scene.send("alice", "POST", &one, json!("content"), 201).await;
    assert_eq!(made["displayName"], "Picture of it.txt");
    scene.send("alice", "POST", &one, json!("other"), 409).await;
    assert_eq!(scene.get(&path).await["value"], json!([made]));
    let response = scene.raw("carol", "GET", &one, None, "*/*").await;
    assert_eq!(response.headers()["content-disposition"], "attachment");
    assert_eq!(response.text().await.unwrap(), "\"content\"");
    assert_eq!(scene.call("carol", "DELETE", &one, None).await.0, 403);
    assert_eq!(scene.call("alice", "DELETE", &one, None).await.0, 200);
    assert_eq!(scene.call("alice", "GET", &one, None).await.0, 404);

    let threads = format!("{BASE}/pullRequests/{id}/threads");
    let body = json!({ "comments": [{ "content": "Nice" }], "status": "active" });
    let thread = scene.send("alice", "POST", &threads, body, 200).await;
    let comment = format!("{threads}/{}/comments/1", thread["id"]);
    let likes = format!("{comment}/likes");
    for _ in 0..2 {
        scene.send("carol", "POST", &likes, json!({}), 200).await;
    }
    let shown = scene.get(&comment).await;
    assert_eq!(shown["usersLiked"][0]["displayName"], "carol", "{shown}");
    assert_eq!(scene.get(&likes).await["count"], 1);
    assert_eq!(scene.call("carol", "DELETE", &likes, None).await.0, 200);
    assert_eq!(scene.get(&likes).await["count"], 0);
}
