use axum::extract::Request;
use http::StatusCode;
use pave_git::{Change, Remote, Signature, commit_and_push, init_bare};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use url::Url;

use crate::{HostReader, HostsError, Integrations, Reader};

/// Answers the items API the way Azure DevOps does.
async fn items(request: Request) -> (StatusCode, String) {
    let uri = request.uri().to_string();
    let authorized = request
        .headers()
        .get("authorization")
        .is_some_and(|value| value == "Basic OnBhdA==");
    match uri.as_str() {
        _ if !authorized => (
            StatusCode::NON_AUTHORITATIVE_INFORMATION,
            "<html>Sign in</html>".to_owned(),
        ),
        "/o/p/_apis/git/repositories/r/items?path=%2Fa.yaml&version=main&api-version=6.0" => {
            (StatusCode::OK, "a: 1".to_owned())
        }
        "/o/same/_apis/git/repositories/same/items?path=%2Fa.yaml&api-version=6.0" => {
            (StatusCode::OK, "same".to_owned())
        }
        "/o/o/_apis/git/repositories/o/items?path=%2Fa.yaml&api-version=6.0" => {
            (StatusCode::OK, "o".to_owned())
        }
        _ => (StatusCode::NOT_FOUND, uri),
    }
}

async fn reader(token: &str) -> (TempDir, String, HostReader) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = socket.local_addr().unwrap().to_string();
    let router = axum::Router::new().fallback(items);
    drop(tokio::spawn(
        async move { axum::serve(socket, router).await.unwrap() },
    ));
    let config = json!({ "azure": [{ "host": host, "credentials": [{ "personalAccessToken": token }] }] });
    let root = tempfile::tempdir().unwrap();
    let http = pave_keys::Keys::open(&root.path().join("keys"))
        .unwrap()
        .http_client()
        .unwrap();
    let reader = HostReader::new(
        Integrations::from_config(&config).unwrap(),
        http,
        root.path().join("cache"),
        None,
    );
    (root, format!("http://{host}"), reader)
}

#[tokio::test]
async fn files_come_over_rest() {
    let (_root, base, reader) = reader("pat").await;
    let read = async |tail: &str| reader.read_url(&format!("{base}{tail}")).await;
    assert_eq!(
        read("/o/p/_git/r?path=/a.yaml&version=GBmain")
            .await
            .unwrap()
            .bytes,
        b"a: 1"
    );
    assert_eq!(read("/o/_git/same?path=/a.yaml").await.unwrap().bytes, b"same");
    assert_eq!(read("/o/_git/o?path=/a.yaml").await.unwrap().bytes, b"o");
    let missing = read("/o/p/_git/r?path=/b.yaml").await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    assert!(matches!(
        read("/o/p/_git/r").await,
        Err(HostsError::Malformed { .. })
    ));
}

#[tokio::test]
async fn a_sign_in_page_is_no_file() {
    let (_root, base, reader) = reader("wrong").await;
    let refused = reader
        .read_url(&format!("{base}/o/p/_git/r?path=/a.yaml&version=GBmain"))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, HostsError::Unauthorized { status: 203, .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn folders_come_through_git() {
    let (root, base, reader) = reader("pat").await;
    let origin = root.path().join("remote.git");
    init_bare(&origin).await.unwrap();
    let remote = Remote::new(Url::from_file_path(&origin).unwrap());
    let mut script = Change::write("t/run.sh", "#!");
    script.executable = true;
    let changes = [
        Change::write("t/a/one.yaml", "1"),
        Change::write("t/b/two.yaml", "2"),
        script,
        Change::write("x", "x"),
    ];
    let author = Signature::new("Alice", "alice@example.com");
    let work = root.path().join("work");
    let pushed = commit_and_push(&work, &remote, "main", &author, "First", &changes, None)
        .await
        .unwrap();

    // The same repository by another road: only the address differs from a host's.
    let url = format!("{base}/o/p/_git/r?path=/t&version=GBmain");
    let mut location = reader.integrations().repository_of(&url).unwrap();
    location.clone_url = remote.url.clone();
    let tree = reader.folder(&url, &location).await.unwrap();
    let files: Vec<(&str, bool)> = tree
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.executable))
        .collect();
    assert_eq!(
        files,
        [("a/one.yaml", false), ("b/two.yaml", false), ("run.sh", true)]
    );
    assert_eq!(tree.etag, pushed.commit.as_str());
}
