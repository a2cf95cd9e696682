//! A small double of an Azure DevOps host: Git over HTTP by git's own backend, repositories and pull requests.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::neighbours::World;

/// TLS, as every such host has it.
pub(super) struct Secure {
    socket: tokio::net::TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
}

impl Secure {
    pub(super) fn new(socket: tokio::net::TcpListener, keys: &pave_keys::Keys) -> Self {
        let config = keys.server_config(&["127.0.0.1"], &["http/1.1"]).unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        Self { socket, acceptor }
    }
}

impl axum::serve::Listener for Secure {
    type Io = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, from) = self.socket.accept().await.unwrap();
            // A client that does not trust us goes away in the middle.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.socket.local_addr()
    }
}

/// The host, and what was done to it.
#[derive(Clone, Default)]
pub(super) struct Host {
    root: PathBuf,
    pub(super) address: String,
    pub(super) pulls: Arc<Mutex<Vec<Value>>>,
    /// Names of repositories, with the default branch.
    repositories: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Host {
    /// Serves the world's `repository.git` as `acme/platform/repository`, filled with a small Terraform project.
    pub(super) async fn serve(world: &World) -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Self {
            root: world.path("."),
            address: socket.local_addr().unwrap().to_string(),
            repositories: Arc::new(Mutex::new(BTreeMap::from([(
                "repository".to_owned(),
                "refs/heads/main".to_owned(),
            )]))),
            ..Self::default()
        };
        world.remote(&["config", "http.receivepack", "true"]);
        world.git(&["clone", "--quiet", "repository.git", "seed"]);
        std::fs::create_dir_all(world.path("seed/terraform/base")).unwrap();
        std::fs::write(
            world.path("seed/terraform/base/main.tf"),
            "resource \"azurerm_resource_group\" \"example\" {\n  name = \"${{ values.name }}\"\n}\n",
        )
        .unwrap();
        std::fs::write(world.path("seed/.gitignore"), "*.log\n").unwrap();
        std::fs::write(world.path("seed/run.sh"), "#!/bin/sh\n").unwrap();
        Self::commit(world, "seed", "First");
        let keys = pave_keys::Keys::open(&world.path("keys")).unwrap();
        let socket = Secure::new(socket, &keys);
        let router = axum::Router::new().fallback(answer).with_state(host.clone());
        drop(tokio::spawn(async move {
            axum::serve(socket, router).await.unwrap();
        }));
        host
    }

    /// Commits what lies in a clone and pushes it to main.
    pub(super) fn commit(world: &World, clone: &str, message: &str) {
        let identity = ["-c", "user.name=bob", "-c", "user.email=bob@example.com"];
        let run = |arguments: &[&str]| {
            let mut all = vec!["-C", clone];
            all.extend(identity);
            all.extend(arguments);
            world.git(&all);
        };
        run(&["add", "-A"]);
        run(&["commit", "--quiet", "-m", message]);
        run(&["push", "--quiet", "origin", "HEAD:main"]);
    }

    pub(super) fn remote_url(&self) -> String {
        // The user part is how the post writes it; it is ignored.
        format!("https://acme@{}/acme/platform/_git/repository", self.address)
    }

    pub(super) fn default_branch(&self, name: &str) -> String {
        self.repositories.lock().unwrap()[name].clone()
    }

    fn repository(&self, name: &str) -> Value {
        let address = format!("https://{}/acme/platform/_git/{name}", self.address);
        json!({ "id": format!("id-of-{name}"), "name": name, "remoteUrl": address, "webUrl": address,
            "defaultBranch": self.repositories.lock().unwrap().get(name).filter(|branch| !branch.is_empty()) })
    }

    fn rest(&self, method: &str, path: &str, query: &str, body: &Value) -> (StatusCode, Value) {
        let tail = path
            .strip_prefix("/acme/platform/_apis/git/repositories")
            .unwrap_or("?");
        let parts: Vec<&str> = tail.split('/').filter(|part| !part.is_empty()).collect();
        let error =
            |status, key: &str, message: String| (status, json!({ "typeKey": key, "message": message }));
        match (method, parts.as_slice()) {
            ("POST", []) => {
                let name = body["name"].as_str().unwrap();
                if self.repositories.lock().unwrap().contains_key(name) {
                    let message = format!("TF400948: A Git repository with the name {name} already exists.");
                    return error(
                        StatusCode::CONFLICT,
                        "GitRepositoryNameAlreadyExistsException",
                        message,
                    );
                }
                let directory = self.root.join(format!("{name}.git"));
                let made = std::process::Command::new("git")
                    .args(["init", "--quiet", "--bare", "--initial-branch=main"])
                    .arg(&directory)
                    .status()
                    .unwrap();
                assert!(made.success());
                std::fs::write(
                    directory.join("config"),
                    "[core]\nrepositoryformatversion = 0\nbare = true\n[http]\nreceivepack = true\n",
                )
                .unwrap();
                self.repositories
                    .lock()
                    .unwrap()
                    .insert(name.to_owned(), String::new());
                (StatusCode::CREATED, self.repository(name))
            }
            ("GET", [name]) => (StatusCode::OK, self.repository(name.trim_start_matches("id-of-"))),
            ("PATCH", [name]) => {
                let name = name.trim_start_matches("id-of-");
                let branch = body["defaultBranch"].as_str().unwrap().to_owned();
                self.repositories.lock().unwrap().insert(name.to_owned(), branch);
                (StatusCode::OK, self.repository(name))
            }
            ("GET", [_, "pullrequests"]) => {
                let wanted = |pull: &Value, key: &str| {
                    let pair = format!("searchCriteria.{key}=");
                    let value = query.split('&').find_map(|it| it.strip_prefix(&pair));
                    value.is_none_or(|value| pull[key] == value.replace("%2F", "/"))
                };
                let pulls = self.pulls.lock().unwrap();
                let found: Vec<&Value> = pulls
                    .iter()
                    .filter(|pull| {
                        ["status", "sourceRefName", "targetRefName"]
                            .iter()
                            .all(|key| wanted(pull, key))
                    })
                    .collect();
                (StatusCode::OK, json!({ "count": found.len(), "value": found }))
            }
            ("POST", [name, "pullrequests"]) => {
                let mut pulls = self.pulls.lock().unwrap();
                let same = |pull: &Value| {
                    pull["status"] == "active"
                        && pull["sourceRefName"] == body["sourceRefName"]
                        && pull["targetRefName"] == body["targetRefName"]
                };
                if pulls.iter().any(same) {
                    let message =
                        "TF401179: An active pull request for the source and target branch already exists.";
                    return error(
                        StatusCode::CONFLICT,
                        "GitPullRequestExistsException",
                        message.to_owned(),
                    );
                }
                let mut pull = body.clone();
                pull["pullRequestId"] = json!(pulls.len() + 1);
                pull["status"] = json!("active");
                pull["createdBy"] = json!({ "id": "id-of-alice", "displayName": "Alice" });
                pull["repository"] = json!({ "name": name, "project": { "name": "platform" } });
                pulls.push(pull.clone());
                (StatusCode::CREATED, pull)
            }
            ("PATCH", [_, "pullrequests", id]) => {
                let mut pulls = self.pulls.lock().unwrap();
                let pull = &mut pulls[id.parse::<usize>().unwrap() - 1];
                for (key, value) in body.as_object().unwrap() {
                    pull[key] = value.clone();
                }
                (StatusCode::OK, pull.clone())
            }
            _ => error(StatusCode::NOT_FOUND, "NotFound", format!("{method} {path}")),
        }
    }

    /// `git http-backend`, spoken to as a web server would.
    async fn smart(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let uri = parts.uri;
        let tail = uri
            .path()
            .strip_prefix("/acme/platform/_git/")
            .unwrap_or_default();
        let (name, rest) = tail.split_once('/').unwrap_or((tail, ""));
        let header = |name: &str| {
            let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let mut command = tokio::process::Command::new("git");
        command
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REMOTE_USER", "somebody")
            .env("REQUEST_METHOD", parts.method.as_str())
            .env("PATH_INFO", format!("/{name}.git/{rest}"))
            .env("QUERY_STRING", uri.query().unwrap_or_default())
            .env("CONTENT_TYPE", header("content-type"))
            .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
            .env("GIT_PROTOCOL", header("git-protocol"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let mut child = command
            .env("CONTENT_LENGTH", body.len().to_string())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let write = async move {
            stdin.write_all(&body).await.ok();
            drop(stdin);
        };
        let ((), output) = tokio::join!(write, child.wait_with_output());
        let output = output.unwrap().stdout;
        let at = output
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let mut response = Response::builder();
        for line in String::from_utf8_lossy(&output[..at]).lines() {
            let (key, value) = line.split_once(": ").unwrap();
            response = match key {
                "Status" => response.status(value[..3].parse::<u16>().unwrap()),
                _ => response.header(key, value),
            };
        }
        response.body(Body::from(output[at + 4..].to_vec())).unwrap()
    }
}

async fn answer(State(host): State<Host>, request: Request) -> Response {
    if request.uri().path().contains("/_git/") {
        return host.smart(request).await;
    }
    let (method, uri) = (request.method().to_string(), request.uri().clone());
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (status, answer) = host.rest(&method, uri.path(), uri.query().unwrap_or_default(), &body);
    (status, axum::Json(answer)).into_response()
}
