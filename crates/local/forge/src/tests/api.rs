use serde_json::{Value, json};

use super::scene::Scene;
use crate::changes::ZERO;

const REPOSITORY: &str = "/pave/platform/_apis/git/repositories/platform-configs";

#[tokio::test(flavor = "multi_thread")]
async fn clients_find_their_way() {
    let scene = Scene::new().await;
    let (status, all) = scene.call("", "OPTIONS", "/pave/_apis", None).await;
    assert_eq!(status, 200);
    let items = all["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["resourceName"] == "items")
        .unwrap();
    assert_eq!(items["id"], "fb93c0db-47ed-4a31-8c20-47552878fb44");
    let (_, some) = scene.call("", "OPTIONS", "/pave/_apis/Location", None).await;
    assert_eq!(some["count"], 2, "{some}");
    let (_, areas) = scene
        .call("alice", "GET", "/pave/_apis/ResourceAreas", None)
        .await;
    assert_eq!(areas, json!({ "count": 0, "value": null }));
    let (_, data) = scene
        .call("alice", "GET", "/pave/_apis/connectionData", None)
        .await;
    assert_eq!(data["authenticatedUser"]["providerDisplayName"], "alice");
    let response = scene.raw("", "GET", "/pave/_apis/projects", None, "*/*").await;
    assert_eq!(response.status(), 401);
    assert!(
        response.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Basic")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_and_repositories() {
    let scene = Scene::new().await;
    let (_, projects) = scene.call("alice", "GET", "/pave/_apis/projects", None).await;
    assert_eq!(projects["value"][0]["name"], "platform");
    let (_, project) = scene
        .call("alice", "GET", "/pave/_apis/Projects/PLATFORM", None)
        .await;
    assert_eq!(
        project["capabilities"]["versioncontrol"]["sourceControlType"],
        "Git"
    );
    let (status, error) = scene
        .call("alice", "GET", "/pave/_apis/projects/none", None)
        .await;
    assert_eq!(
        (status, error["typeKey"].as_str()),
        (404, Some("ProjectDoesNotExistWithNameException"))
    );
    let (_, repository) = scene.call("alice", "GET", REPOSITORY, None).await;
    assert_eq!(repository["defaultBranch"], "refs/heads/main");
    assert_eq!(repository["remoteUrl"], scene.clone_url().as_str());
    let by_id = format!(
        "/pave/_apis/git/repositories/{}",
        repository["id"].as_str().unwrap()
    );
    assert_eq!(scene.call("alice", "GET", &by_id, None).await.1, repository);
    let (_, none) = scene
        .call("bob", "GET", "/pave/_apis/git/repositories", None)
        .await;
    assert_eq!(none["count"], 0);
    assert_eq!(scene.call("bob", "GET", REPOSITORY, None).await.0, 403);

    let path = "/pave/platform/_apis/git/repositories";
    let body = json!({ "name": "new one" });
    assert_eq!(scene.call("alice", "POST", path, Some(body.clone())).await.0, 403);
    let (status, made) = scene.call("admin", "POST", path, Some(body.clone())).await;
    assert_eq!(status, 201);
    assert!(
        made["remoteUrl"]
            .as_str()
            .unwrap()
            .ends_with("/pave/platform/_git/new%20one")
    );
    assert_eq!(made.get("defaultBranch"), None);
    let (status, error) = scene.call("admin", "POST", path, Some(body)).await;
    assert_eq!(
        (status, error["typeKey"].as_str()),
        (409, Some("GitRepositoryNameAlreadyExistsException"))
    );
    assert_eq!(
        scene
            .call("admin", "POST", path, Some(json!({ "name": "../x" })))
            .await
            .0,
        400
    );
    let (_, empty) = scene
        .call(
            "admin",
            "GET",
            "/pave/platform/_apis/git/repositories/new%20one/commits",
            None,
        )
        .await;
    assert_eq!(empty["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_come_raw_as_json_and_as_zip() {
    let scene = Scene::new().await;
    let get = async |path: &str, accept: &str| {
        let response = scene
            .raw("alice", "GET", &format!("{REPOSITORY}/{path}"), None, accept)
            .await;
        (response.status().as_u16(), response.bytes().await.unwrap())
    };
    for path in [
        "items?path=/infra/xrd.yaml&api-version=6.0",
        "items/infra/xrd.yaml?version=main",
        "Items?scopePath=infra/xrd.yaml",
    ] {
        assert_eq!(get(path, "*/*").await, (200, "kind: X\n".into()), "{path}");
    }
    let (_, one) = scene
        .call(
            "alice",
            "GET",
            &format!("{REPOSITORY}/items?path=/infra/xrd.yaml&includeContent=true"),
            None,
        )
        .await;
    assert_eq!(
        (one["path"].as_str(), one["content"].as_str()),
        (Some("/infra/xrd.yaml"), Some("kind: X\n"))
    );
    let (_, all) = scene
        .call(
            "alice",
            "GET",
            &format!("{REPOSITORY}/items?scopePath=/&recursionLevel=Full"),
            None,
        )
        .await;
    let paths: Vec<&str> = all["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["path"].as_str().unwrap())
        .collect();
    let expected = [
        "/",
        "/environments",
        "/environments/team-a",
        "/infra",
        "/README.md",
        "/environments/team-a/README.md",
        "/infra/xrd.yaml",
    ];
    assert_eq!(paths, expected);
    let (_, level) = scene
        .call(
            "alice",
            "GET",
            &format!("{REPOSITORY}/items?scopePath=/environments&recursionLevel=oneLevel"),
            None,
        )
        .await;
    assert_eq!(level["value"][1]["isFolder"], true);
    let (status, zip) = get(
        "items?recursionLevel=full&download=true&scopePath=/environments/team-a",
        "application/zip",
    )
    .await;
    assert_eq!(status, 200);
    let names = String::from_utf8_lossy(&zip);
    assert!(
        names.starts_with("PK") && names.contains("team-a/README.md") && !names.contains("environments/")
    );
    let (status, error) = scene
        .call("alice", "GET", &format!("{REPOSITORY}/items?path=/none"), None)
        .await;
    assert_eq!(status, 404);
    assert!(
        error["message"].as_str().unwrap().starts_with("TF401174"),
        "{error}"
    );
    assert_eq!(get("items?path=/../x", "*/*").await.0, 400);
    assert_eq!(get("items?path=/infra/xrd.yaml&version=none", "*/*").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn refs_and_commits() {
    let scene = Scene::new().await;
    let tip = scene.tip("main").await.unwrap();
    let (_, refs) = scene
        .call(
            "alice",
            "GET",
            &format!("{REPOSITORY}/refs?filter=heads/ma"),
            None,
        )
        .await;
    assert_eq!(
        (
            refs["value"][0]["name"].as_str(),
            refs["value"][0]["objectId"].as_str()
        ),
        (Some("refs/heads/main"), Some(tip.as_str()))
    );
    assert_eq!(
        scene
            .call("alice", "GET", &format!("{REPOSITORY}/refs/tags"), None)
            .await
            .1["count"],
        0
    );
    let (_, commits) = scene
        .call(
            "alice",
            "GET",
            &format!("{REPOSITORY}/commits?searchCriteria.itemVersion.version=main"),
            None,
        )
        .await;
    assert_eq!(
        (
            commits["value"][0]["commitId"].as_str(),
            commits["value"][0]["comment"].as_str()
        ),
        (Some(tip.as_str()), Some("Seed"))
    );
    let (_, commit) = scene
        .call("alice", "GET", &format!("{REPOSITORY}/commits/{tip}"), None)
        .await;
    assert_eq!(commit["author"]["name"], "admin");
    let (_, changes) = scene
        .call(
            "alice",
            "GET",
            &format!("{REPOSITORY}/commits/{tip}/changes"),
            None,
        )
        .await;
    assert_eq!(changes["changeCounts"]["Add"], 3);
    let (_, none) = scene
        .call(
            "alice",
            "GET",
            &format!("{REPOSITORY}/commits?searchCriteria.author=nobody"),
            None,
        )
        .await;
    assert_eq!(none["count"], 0);
}

fn push(old: &str, change: &Value) -> Value {
    json!({
        "refUpdates": [{ "name": "refs/heads/main", "oldObjectId": old }],
        "commits": [{ "comment": "By REST", "changes": [change] }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_pass_the_same_gate() {
    let scene = Scene::new().await;
    let path = format!("{REPOSITORY}/pushes?api-version=7.1");
    let tip = scene.tip("main").await.unwrap();
    let write = |kind: Value, path: &str| json!({ "changeType": kind, "item": { "path": path }, "newContent": { "content": "aGk=", "contentType": "base64encoded" } });
    let (status, error) = scene
        .call(
            "alice",
            "POST",
            &path,
            Some(push(&tip, &write(json!("edit"), "/infra/xrd.yaml"))),
        )
        .await;
    assert_eq!(status, 403);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("missing rule: verb push"),
        "{error}"
    );
    let (status, error) = scene
        .call(
            "alice",
            "POST",
            &path,
            Some(push(ZERO, &write(json!(1), "/environments/team-a/x"))),
        )
        .await;
    assert_eq!(
        (status, error["typeKey"].as_str()),
        (409, Some("GitReferenceStaleException"))
    );
    let (status, made) = scene
        .call(
            "alice",
            "POST",
            &path,
            Some(push(&tip, &write(json!(1), "/environments/team-a/x"))),
        )
        .await;
    assert_eq!(status, 201, "{made}");
    let new = scene.tip("main").await.unwrap();
    assert_eq!(made["commits"][0]["commitId"], new);
    assert_eq!(made["refUpdates"][0]["newObjectId"], new);
    let (_, item) = scene
        .call(
            "alice",
            "GET",
            &format!("{REPOSITORY}/items/environments/team-a/x?includeContent=true"),
            None,
        )
        .await;
    assert_eq!(item["content"], "hi");
    let again = write(json!("add"), "/environments/team-a/x");
    assert_eq!(
        scene
            .call("alice", "POST", &path, Some(push(&new, &again)))
            .await
            .0,
        409
    );
    let missing = write(json!(2), "/environments/team-a/y");
    assert_eq!(
        scene
            .call("alice", "POST", &path, Some(push(&new, &missing)))
            .await
            .0,
        404
    );
    let delete = json!({ "changeType": "delete", "item": { "path": "/environments/team-a/x" } });
    assert_eq!(
        scene
            .call("alice", "POST", &path, Some(push(&new, &delete)))
            .await
            .0,
        201
    );
    let out = write(json!("add"), "/../x");
    let now = scene.tip("main").await.unwrap();
    assert_eq!(
        scene.call("admin", "POST", &path, Some(push(&now, &out))).await.0,
        400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_hide_their_password() {
    let scene = Scene::new().await;
    let path = "/pave/_apis/hooks/subscriptions";
    let body = json!({
        "publisherId": "tfs", "eventType": "git.push", "resourceVersion": "1.0", "consumerId": "webHooks",
        "consumerActionId": "httpRequest", "publisherInputs": {},
        "consumerInputs": { "url": "http://127.0.0.1:9/x", "basicAuthUsername": "u", "basicAuthPassword": "s3cret" },
    });
    assert_eq!(scene.call("alice", "POST", path, Some(body.clone())).await.0, 403);
    let (status, made) = scene.call("admin", "POST", path, Some(body)).await;
    assert_eq!(status, 200);
    let (_, all) = scene.call("admin", "GET", path, None).await;
    assert_eq!(all["value"][0]["id"], made["id"]);
    assert!(!all.to_string().contains("s3cret"));
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(scene.call("admin", "DELETE", &one, None).await.0, 204);
    assert_eq!(scene.call("admin", "GET", &one, None).await.0, 404);
    let file = std::fs::read(scene.path("forge/forge.db")).unwrap();
    assert!(!file.windows(6).any(|it| it == b"s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_areas_answer_behind_the_forge() {
    let scene = Scene::new().await;
    let (_, all) = scene.call("", "OPTIONS", "/pave/_apis/Build", None).await;
    assert_eq!(
        (all["count"].as_u64(), all["value"][0]["resourceName"].as_str()),
        (Some(1), Some("Builds"))
    );
    let get = async |user: &str, path: &str| scene.call(user, "GET", path, None).await;
    let (_, answer) = get("alice", "/pave/PLATFORM/_apis/Build/Builds?$TOP=3").await;
    assert_eq!(
        answer,
        json!({ "user": "alice", "project": "platform", "tail": ["Build", "Builds"], "top": "3" })
    );
    assert_eq!(get("", "/pave/platform/_apis/build/builds").await.0, 401);
    let (status, error) = get("alice", "/pave/none/_apis/build/builds").await;
    assert!(
        status == 404 && error["message"].as_str().unwrap().starts_with("TF200016"),
        "{error}"
    );
    let (status, error) = get("alice", "/pave/platform/_apis/build/builds/7").await;
    assert_eq!(
        (status, error["typeKey"].as_str()),
        (404, Some("ResourceNotFoundException"))
    );
    assert_eq!(get("alice", "/pave/platform/_apis/wiki/wikis").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_is_searched_where_one_may_read() {
    let scene = Scene::new().await;
    let path = "/pave/_apis/search/codesearchresults";
    let search = async |user: &str, text: &str| {
        let body = json!({ "searchText": text, "$skip": 0, "$top": 10 });
        scene.call(user, "POST", path, Some(body)).await.1
    };
    let found = search("alice", "path:/infra/xrd.yaml repo:* proj:*").await;
    assert_eq!(
        (found["count"].as_u64(), found["results"][0]["path"].as_str()),
        (Some(1), Some("/infra/xrd.yaml"))
    );
    assert_eq!(
        search("alice", "HELLO ext:md").await["results"][0]["fileName"],
        "README.md"
    );
    assert_eq!(search("alice", "nowhere").await["count"], 0);
    assert_eq!(search("bob", "hello").await["count"], 0);
}
