//! A repository behind smart HTTP that counts what it is asked.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use pave_git::{Change, Remote, Signature, commit_and_push, init_bare};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use url::Url;

use crate::{HostReader, Integrations};

/// The repository, its server, and room for readers.
pub(super) struct Served {
    pub(super) root: TempDir,
    host: String,
    counts: Arc<Counts>,
}

/// What the server was asked.
#[derive(Default)]
struct Counts {
    newest: &'static str,
    directory: std::path::PathBuf,
    greetings: AtomicUsize,
    questions: AtomicUsize,
    fetches: AtomicUsize,
}

impl Served {
    /// A host that speaks the protocol up to a version, such as `version=2`; none is the oldest.
    pub(super) async fn new(newest: &'static str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("remote.git");
        init_bare(&directory).await.unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = socket.local_addr().unwrap().to_string();
        let counts = Arc::new(Counts {
            newest,
            directory,
            ..Counts::default()
        });
        let router = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&counts));
        drop(tokio::spawn(
            async move { axum::serve(socket, router).await.unwrap() },
        ));
        Self { root, host, counts }
    }

    /// A reader with the cache that all readers of this host share, as after a restart.
    pub(super) fn reader(&self) -> HostReader {
        let config = json!({ "azure": [{ "host": self.host }] });
        let integrations = Integrations::from_config(&config).unwrap();
        let cache = self.root.path().join("cache");
        let keys = pave_keys::Keys::open(&self.root.path().join("keys")).unwrap();
        HostReader::new(integrations, keys.http_client().unwrap(), cache, None)
    }

    pub(super) fn url(&self, tail: &str) -> String {
        format!("http://{}/o/p/_git/r{tail}", self.host)
    }

    pub(super) async fn push(&self, path: &str, content: &str) {
        let remote = Remote::new(Url::from_file_path(&self.counts.directory).unwrap());
        let (work, author) = (
            self.root.path().join("work"),
            Signature::new("Alice", "alice@example.com"),
        );
        let changes = [Change::write(path, content)];
        commit_and_push(&work, &remote, "main", &author, "Change", &changes, None)
            .await
            .unwrap();
    }

    /// Empties the packs of all copies.
    pub(super) fn lose_objects(&self) {
        for copy in std::fs::read_dir(self.root.path().join("cache")).unwrap() {
            let packs = copy.unwrap().path().join("objects/pack");
            std::fs::remove_dir_all(&packs).unwrap();
            std::fs::create_dir(&packs).unwrap();
        }
    }

    /// How often it was greeted, asked for its references, and fetched from since the last time.
    pub(super) fn counts(&self) -> [usize; 3] {
        let counts = &self.counts;
        [&counts.greetings, &counts.questions, &counts.fetches].map(|count| count.swap(0, Ordering::SeqCst))
    }
}

async fn answer(State(counts): State<Arc<Counts>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8_lossy(&body);
    let (count, kind, argument) = if parts.method == "GET" {
        (&counts.greetings, "advertisement", "--http-backend-info-refs")
    } else if text.contains("command=ls-refs") {
        (&counts.questions, "result", "--stateless-rpc")
    } else {
        (&counts.fetches, "result", "--stateless-rpc")
    };
    count.fetch_add(1, Ordering::SeqCst);
    let mut child = tokio::process::Command::new("git")
        .args(["upload-pack", argument])
        .arg(&counts.directory)
        .env("GIT_PROTOCOL", counts.newest)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&body).await.unwrap();
    let printed = child.wait_with_output().await.unwrap().stdout;
    let mut answer = Vec::new();
    if kind == "advertisement" && counts.newest != "version=2" {
        answer.extend_from_slice(b"001e# service=git-upload-pack\n0000");
    }
    answer.extend(printed);
    Response::builder()
        .header("content-type", format!("application/x-git-upload-pack-{kind}"))
        .body(Body::from(answer))
        .unwrap()
}
