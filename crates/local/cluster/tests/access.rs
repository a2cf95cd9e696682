//! Who may do what.

#![allow(clippy::unwrap_used, reason = "a failure while setting up is a failed test")]

mod support;

use kube::api::{PostParams, WatchParams};
use pave_auth::AccessRequest;
use serde_json::{Value, json};
use support::*;

async fn with_teams() -> World {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let spaces = api(&client, "v1", "Namespace", None);
    for name in ["team-a", "team-b"] {
        let space = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        spaces
            .create(&PostParams::default(), &object(space))
            .await
            .unwrap();
        let bindings = api(&client, "rbac.authorization.k8s.io/v1", "RoleBinding", Some(name));
        let binding = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": { "name": "team" }, "roleRef": { "kind": "ClusterRole", "name": "edit" },
            "subjects": [{ "kind": "Group", "name": name }] });
        bindings
            .create(&PostParams::default(), &object(binding))
            .await
            .unwrap();
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_stays_in_its_namespace() {
    let world = with_teams().await;
    let bob = world.cluster.client(&person("bob", &["team-b"]));
    let own = api(&bob, "v1", "ConfigMap", Some("team-b"));
    own.create(&PostParams::default(), &config_map("mine", &json!({})))
        .await
        .unwrap();
    let other = api(&bob, "v1", "ConfigMap", Some("team-a"));
    let refused = other
        .create(&PostParams::default(), &config_map("theirs", &json!({})))
        .await
        .unwrap_err();
    let kube::Error::Api(status) = &refused else {
        panic!("{refused}")
    };
    assert_eq!(
        status.message,
        "configmaps is forbidden: User \"bob\" cannot create resource \"configmaps\" in API group \"\" in the namespace \"team-a\""
    );
    let causes = &status.details.as_ref().unwrap().causes;
    assert!(
        causes[0].message.contains("verbs [\"create\"]") && causes[0].message.contains("`platform`"),
        "{causes:?}"
    );
    assert_eq!(
        code(
            &other
                .watch(&WatchParams::default(), "0")
                .await
                .map(|_| ())
                .unwrap_err()
        ),
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_away_more_than_they_have() {
    let world = with_teams().await;
    let client = world.cluster.client(&admin());
    let bindings = api(
        &client,
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        Some("team-a"),
    );
    let binding = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": { "name": "lead" }, "roleRef": { "kind": "ClusterRole", "name": "admin" },
        "subjects": [{ "kind": "User", "name": "alice" }] });
    bindings
        .create(&PostParams::default(), &object(binding.clone()))
        .await
        .unwrap();
    let alice = world.cluster.client(&person("alice", &["team-a"]));
    let hers = api(
        &alice,
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        Some("team-a"),
    );
    let give = |name: &str, role: &str| {
        let mut value = binding.clone();
        value["metadata"]["name"] = json!(name);
        value["roleRef"]["name"] = json!(role);
        object(value)
    };
    hers.create(&PostParams::default(), &give("fine", "edit"))
        .await
        .unwrap();
    let refused = hers
        .create(&PostParams::default(), &give("greedy", "cluster-admin"))
        .await
        .unwrap_err();
    assert_eq!(code(&refused), 403);
    assert!(
        refused
            .to_string()
            .contains("attempting to grant RBAC permissions not currently held"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_with_verbs_of_their_own() {
    let world = with_teams().await;
    let client = world.cluster.client(&admin());
    let roles = api(&client, "rbac.authorization.k8s.io/v1", "ClusterRole", None);
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": "push-team-a" }, "rules": [{ "verbs": ["push"],
            "nonResourceURLs": ["/forge/pave/platform/platform-configs/environments/team-a/*"] }] });
    roles.create(&PostParams::default(), &object(role)).await.unwrap();
    let bindings = api(
        &client,
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        None,
    );
    let binding = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": { "name": "push-team-a" }, "roleRef": { "kind": "ClusterRole", "name": "push-team-a" },
        "subjects": [{ "kind": "Group", "name": "team-a" }] });
    bindings
        .create(&PostParams::default(), &object(binding))
        .await
        .unwrap();
    let authorizer = world.cluster.authorizer();
    let path = "/forge/pave/platform/platform-configs/environments/team-a/x.yaml";
    let request = AccessRequest::path("push", path);
    assert!(
        authorizer
            .authorize(&person("alice", &["team-a"]), &request)
            .await
            .allowed
    );
    let denied = authorizer.authorize(&person("bob", &["team-b"]), &request).await;
    assert!(
        !denied.allowed && denied.reason.contains(path),
        "{}",
        denied.reason
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_over_http() {
    let world = with_teams().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = world.cluster.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let alice = person("alice", &["team-a"]);
    world
        .identities
        .upsert_user(
            &alice.entity,
            "Alice",
            "alice@example.com",
            &["team-a".to_owned()],
        )
        .await
        .unwrap();
    let token = world
        .identities
        .issue_token(&alice.entity, "test", None)
        .await
        .unwrap();
    let get = async |path: &str, token: Option<&str>| {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let authorization = token
            .map(|token| format!("Authorization: Bearer {token}\r\n"))
            .unwrap_or_default();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    assert_eq!(get("/healthz", None).await, 200);
    assert_eq!(get("/version", None).await, 200);
    assert_eq!(get("/api", None).await, 403);
    assert_eq!(get("/api", Some("wrong")).await, 401);
    assert_eq!(get("/api", Some(&token)).await, 200);
    assert_eq!(
        get("/api/v1/namespaces/team-a/configmaps", Some(&token)).await,
        200
    );
    assert_eq!(
        get("/api/v1/namespaces/team-b/configmaps", Some(&token)).await,
        403
    );
    assert_eq!(
        get("/apis/nothing.example.com/v1/things", Some(&token)).await,
        403
    );
    let robot = world
        .identities
        .service_account_token("team-a", "default")
        .unwrap();
    assert_eq!(
        get("/api/v1/namespaces/team-a/configmaps", Some(&robot)).await,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_answer_as_asked() {
    let world = with_teams().await;
    let bob = world.cluster.client(&person("bob", &["team-b"]));
    let ask = async |namespace: &str| {
        let reviews = api(&bob, "authorization.k8s.io/v1", "SelfSubjectAccessReview", None);
        let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {},
            "spec": { "resourceAttributes": { "verb": "create", "resource": "configmaps", "namespace": namespace } } });
        reviews
            .create(&PostParams::default(), &object(review))
            .await
            .unwrap()
            .data["status"]
            .clone()
    };
    assert_eq!(ask("team-b").await["allowed"], true);
    let denied: Value = ask("team-a").await;
    assert_eq!(denied["allowed"], false);
    assert!(denied["reason"].as_str().unwrap().contains("team-a"), "{denied}");
}
