use axum::extract::{Request, State};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::RepositoryLocation;
use crate::devops::{DevOps, DevOpsError, NewPullRequest, PullRequestQuery, credential_of_token};

/// Answers every request alike, and tells what was asked in the answer's `asked`.
async fn answer(
    State((status, body)): State<(u16, String)>,
    request: Request,
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    let asked = format!("{} {}", request.method(), request.uri());
    let body = body.replace("ASKED", &asked);
    (
        StatusCode::from_u16(status).unwrap(),
        [("content-type", "text/plain")],
        body,
    )
}

async fn host(status: u16, body: &str, token: &str) -> DevOps {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let router = axum::Router::new()
        .fallback(answer)
        .with_state((status, body.to_owned()));
    drop(tokio::spawn(
        async move { axum::serve(socket, router).await.unwrap() },
    ));
    client(&format!("http://{address}/acme/platform/_git/demo"), token)
}

fn client(url: &str, token: &str) -> DevOps {
    // Opening keys makes the process's choice of a cryptography library.
    let root = tempfile::tempdir().unwrap();
    drop(pave_keys::Keys::open(root.path()).unwrap());
    let http = crate::http_client(None).unwrap();
    let location = RepositoryLocation::azure(&Url::parse(url).unwrap()).unwrap();
    let credential = (!token.is_empty()).then(|| credential_of_token(token));
    DevOps::of(http, &location, credential).unwrap()
}

async fn check(status: u16, body: &str, token: &str, reason: &str, words: &str) {
    let refused = host(status, body, token).await.connection().await.unwrap_err();
    assert_eq!(refused.reason(), reason, "{status} {body}: {refused}");
    assert!(refused.to_string().contains(words), "{status} {body}: {refused}");
}

#[tokio::test]
async fn a_test_of_the_connection_says_what_is_wrong() {
    check(203, "<html>Sign In</html>", "pat", "wrong-token", "sign-in page").await;
    check(203, "<html>Sign In</html>", "", "no-token", "personalAccessToken").await;
    check(401, "", "pat", "wrong-token", "mistyped, revoked, expired").await;
    check(401, "", "", "no-token", "none is configured").await;
    let expired = r#"{"message":"The Personal Access Token used has expired."}"#;
    check(401, expired, "pat", "expired-token", "make a new one").await;
    let either = r#"{"message":"It is mistyped, was revoked, or has expired."}"#;
    check(401, either, "pat", "wrong-token", "mistyped, revoked, expired").await;
    check(404, "", "pat", "not-azure-devops", "connectionData").await;
    check(
        404,
        r#"{"message":"TF400813: no such organization"}"#,
        "pat",
        "not-found",
        "TF400813",
    )
    .await;
    check(200, "<html>Hello</html>", "pat", "not-azure-devops", "not JSON").await;
    check(200, "{}", "pat", "not-azure-devops", "who is signed in").await;
    let nobody = r#"{"authenticatedUser":{"id":"aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"}}"#;
    check(200, nobody, "pat", "wrong-token", "stranger").await;
    check(500, "", "pat", "refused", "500").await;
    check(429, "", "pat", "throttled", "too many requests").await;
}

#[tokio::test]
async fn who_we_are_is_told() {
    let body = r#"{"authenticatedUser":{"id":"1","providerDisplayName":"Alice"},"deploymentType":"hosted"}"#;
    let found = host(200, body, "pat").await.connection().await.unwrap();
    assert_eq!(
        (found.user.display_name.as_str(), found.deployment.as_str()),
        ("Alice", "hosted")
    );
}

#[tokio::test]
async fn no_connection_and_no_trust_are_two_things() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let url = format!("http://{address}/acme/platform/_git/demo");
    let refused = client(&url, "pat").connection().await.unwrap_err();
    assert_eq!(refused.reason(), "unreachable", "{refused}");
    // Plain HTTP where TLS is expected.
    let plain = host(200, "{}", "pat").await;
    let url = plain.base().as_str().replace("http://", "https://") + "/platform/_git/demo";
    let refused = client(&url, "pat").connection().await.unwrap_err();
    assert_eq!(refused.reason(), "not-azure-devops", "{refused}");
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_not_trusted() {
    let root = tempfile::tempdir().unwrap();
    let keys = pave_keys::Keys::open(root.path()).unwrap();
    let config = keys.server_config(&["127.0.0.1"], &["http/1.1"]).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(config);
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/acme/platform/_git/demo", socket.local_addr().unwrap());
    drop(tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            acceptor.accept(stream).await.ok();
        }
    }));
    let refused = client(&url, "pat").connection().await.unwrap_err();
    assert_eq!(refused.reason(), "untrusted", "{refused}");
}

#[tokio::test]
async fn pull_requests_are_asked_for_as_the_service_wants_it() {
    let body = r#"{"pullRequestId":7,"title":"ASKED","sourceRefName":"refs/heads/b","targetRefName":"refs/heads/main","createdBy":{"id":"u","displayName":"Alice"}}"#;
    let client = host(201, body, "pat").await;
    let wanted = NewPullRequest {
        source: "b".to_owned(),
        target: "refs/heads/main".to_owned(),
        supports_iterations: Some(false),
        ..NewPullRequest::default()
    };
    let made = client
        .create_pull_request("platform", "demo", &wanted)
        .await
        .unwrap();
    assert_eq!(
        made.title,
        "POST /acme/platform/_apis/git/repositories/demo/pullrequests?supportsIterations=false&api-version=7.0"
    );
    assert!(
        made.web_url.ends_with("/acme/platform/_git/demo/pullrequest/7"),
        "{}",
        made.web_url
    );
    let body = json!({ "value": [
        { "pullRequestId": 1, "sourceRefName": "refs/heads/b", "targetRefName": "refs/heads/main" },
        { "pullRequestId": 2, "sourceRefName": "refs/heads/other", "targetRefName": "refs/heads/main" },
    ] });
    let client = host(200, &body.to_string(), "pat").await;
    let query = PullRequestQuery {
        source: Some("b"),
        target: Some("main"),
        status: "active",
    };
    let found = client
        .find_pull_requests("platform", "demo", &query)
        .await
        .unwrap();
    assert_eq!(found.iter().map(|it| it.id).collect::<Vec<_>>(), [1]);
    let body = r#"{"typeKey":"GitPullRequestExistsException","message":"TF401179: exists"}"#;
    let refused = host(409, body, "pat")
        .await
        .create_pull_request("platform", "demo", &wanted)
        .await;
    assert!(
        matches!(refused, Err(DevOpsError::Conflict { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_refused_branch_is_an_error() {
    let body = json!({ "value": [{ "name": "refs/heads/b", "success": false, "updateStatus": "staleOldObjectId" }] });
    let client = host(200, &body.to_string(), "pat").await;
    let refused = client
        .update_references("platform", "demo", &[])
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("staleOldObjectId"), "{refused}");
    let body: Value = json!({ "value": [{ "name": "refs/heads/b-2", "objectId": "x" }] });
    let client = host(200, &body.to_string(), "pat").await;
    assert_eq!(client.branch("platform", "demo", "b").await.unwrap(), None);
}

#[test]
fn the_organizations_address_is_found() {
    let check = |url: &str, base: &str| {
        let found = client(url, "").base().to_string();
        assert_eq!(found.trim_end_matches('/'), base, "{url}");
    };
    check(
        "https://acme@dev.azure.com/acme/p/_git/r",
        "https://dev.azure.com/acme",
    );
    check("https://dev.azure.com/acme/_git/r", "https://dev.azure.com/acme");
    check(
        "https://acme.visualstudio.com/p/_git/r",
        "https://acme.visualstudio.com",
    );
    check(
        "https://tfs.example.com/tfs/Collection/p/_git/r",
        "https://tfs.example.com/tfs/Collection",
    );
    let local = DevOps::new(crate::http_client(None).unwrap(), "127.0.0.1:8443", "pave", None).unwrap();
    assert_eq!(local.base().as_str(), "https://127.0.0.1:8443/pave");
    assert!(DevOps::new(crate::http_client(None).unwrap(), "https://x/y", "pave", None).is_err());
}
