//! ARM in memory, with long-running operations that take a number of polls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::BodyExt;
use serde_json::{Value, json};

#[derive(Clone)]
pub(crate) struct Arm {
    pub(crate) url: String,
    state: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    url: String,
    resources: BTreeMap<String, Value>,
    operations: BTreeMap<usize, Work>,
    next: usize,
    requests: Vec<Seen>,
    /// Path suffix to refusal: status, code, message.
    refusals: BTreeMap<String, (u16, String, String)>,
    /// Path suffix to the error with which operations end.
    failures: BTreeMap<String, (String, String)>,
    /// Operations stand still while this is set.
    frozen: bool,
}

struct Work {
    path: String,
    result: Option<Value>,
    polls: u32,
    failure: Option<(String, String)>,
    done: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) correlation: Option<String>,
    pub(crate) body: Value,
}

impl Arm {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arm = Self {
            url: url.clone(),
            state: Arc::default(),
        };
        arm.lock().url = url;
        let router = Router::new().fallback(serve).with_state(arm.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        arm
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap()
    }

    pub(crate) fn refuse(&self, suffix: &str, status: u16, code: &str, message: &str) {
        self.lock()
            .refusals
            .insert(suffix.to_lowercase(), (status, code.into(), message.into()));
    }

    /// Operations on such paths are accepted, and end with an error.
    pub(crate) fn fail(&self, suffix: &str, code: &str, message: &str) {
        self.lock()
            .failures
            .insert(suffix.to_lowercase(), (code.into(), message.into()));
    }

    pub(crate) fn accept(&self, suffix: &str) {
        let suffix = suffix.to_lowercase();
        let mut inner = self.lock();
        inner.refusals.remove(&suffix);
        inner.failures.remove(&suffix);
    }

    pub(crate) fn freeze(&self, frozen: bool) {
        self.lock().frozen = frozen;
    }

    pub(crate) fn find(&self, suffix: &str) -> Option<Value> {
        let inner = self.lock();
        inner
            .resources
            .iter()
            .find(|(path, _)| path.ends_with(&suffix.to_lowercase()))
            .map(|(_, it)| it.clone())
    }

    /// Changes a resource behind the engine's back.
    pub(crate) fn drift(&self, suffix: &str, change: impl Fn(&mut Value)) {
        let mut inner = self.lock();
        let found = inner
            .resources
            .iter_mut()
            .find(|(path, _)| path.ends_with(&suffix.to_lowercase()));
        change(found.unwrap().1);
    }

    /// Shows a document at a path.
    pub(crate) fn show(&self, path: &str, document: Value) {
        self.lock().resources.insert(path.to_lowercase(), document);
    }

    pub(crate) fn requests(&self, method: &str, suffix: &str) -> Vec<Seen> {
        let inner = self.lock();
        let wanted =
            |it: &&Seen| it.method == method && it.path.to_lowercase().ends_with(&suffix.to_lowercase());
        inner.requests.iter().filter(wanted).cloned().collect()
    }
}

async fn serve(State(arm): State<Arm>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    if parts.uri.path().ends_with("/oauth2/v2.0/token") {
        return token(&body);
    }
    if parts
        .headers
        .get("authorization")
        .is_none_or(|it| it != "Bearer token")
    {
        return refusal(401, "InvalidAuthenticationToken", "no token");
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    arm.lock().handle(&parts.method, &parts.uri, &parts.headers, body)
}

fn token(form: &Bytes) -> Response {
    if String::from_utf8_lossy(form).contains("client_secret=right") {
        return axum::Json(json!({"access_token": "token", "expires_in": 3599})).into_response();
    }
    let body = json!({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."});
    (StatusCode::UNAUTHORIZED, axum::Json(body)).into_response()
}

impl Inner {
    fn handle(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: Value) -> Response {
        assert!(uri.query().unwrap_or("").contains("api-version="), "{uri}");
        if let Some((_, id)) = uri.path().split_once("/operations/") {
            return self.poll(id.parse().unwrap());
        }
        let path = uri.path().to_lowercase();
        let correlation = headers
            .get("x-ms-correlation-request-id")
            .map(|it| it.to_str().unwrap().to_owned());
        let seen = Seen {
            method: method.to_string(),
            path: uri.path().to_owned(),
            correlation,
            body: body.clone(),
        };
        self.requests.push(seen);
        if *method != Method::GET
            && let Some((_, (status, code, message))) =
                self.refusals.iter().find(|(suffix, _)| path.ends_with(*suffix))
        {
            return refusal(*status, code, message);
        }
        let segments = path.trim_matches('/').split('/').count();
        match *method {
            Method::GET => match self.resources.get(&path) {
                Some(found) => axum::Json(found.clone()).into_response(),
                None => refusal(404, "ResourceNotFound", &path),
            },
            Method::PUT => self.put(uri.path(), segments, body),
            Method::PATCH => {
                let Some(mut found) = self.resources.get(&path).cloned() else {
                    return refusal(404, "ResourceNotFound", &path);
                };
                merge(&mut found, &body);
                self.accepted(path, Some(found), 202)
            }
            Method::DELETE => {
                if !self.resources.contains_key(&path) {
                    return StatusCode::NO_CONTENT.into_response();
                }
                self.accepted(path, None, 202)
            }
            _ => refusal(405, "MethodNotAllowed", "no"),
        }
    }

    fn put(&mut self, path: &str, segments: usize, mut body: Value) -> Response {
        body["id"] = json!(path);
        body["name"] = json!(path.rsplit('/').next().unwrap());
        let lower = path.to_lowercase();
        if segments == 4 {
            body["properties"] = json!({"provisioningState": "Succeeded"});
            self.resources.insert(lower, body.clone());
            return (StatusCode::CREATED, axum::Json(body)).into_response();
        }
        let parents = if segments == 8 { 4 } else { 2 };
        let parent: Vec<&str> = lower.split('/').collect();
        let parent = parent[..parent.len() - parents].join("/");
        if !self.resources.contains_key(&parent) {
            let code = if segments == 8 {
                "ResourceGroupNotFound"
            } else {
                "ParentResourceNotFound"
            };
            return refusal(404, code, &format!("{parent} could not be found"));
        }
        if segments == 8 {
            body["properties"]["state"] = json!("Ready");
            body["properties"]["fullyQualifiedDomainName"] = json!("127.64.0.1");
            body["properties"]["backup"]["backupRetentionDays"] = json!(7);
            body["properties"]
                .as_object_mut()
                .unwrap()
                .remove("administratorLoginPassword");
        } else if path.contains("/databases/") {
            body["properties"]["charset"] = json!("UTF8");
        }
        self.accepted(lower, Some(body), 202)
    }

    fn accepted(&mut self, path: String, result: Option<Value>, status: u16) -> Response {
        self.next += 1;
        let failure = self
            .failures
            .iter()
            .find(|(suffix, _)| path.ends_with(*suffix))
            .map(|(_, it)| it.clone());
        self.operations.insert(
            self.next,
            Work {
                path,
                result,
                polls: 3,
                failure,
                done: false,
            },
        );
        let url = format!(
            "{}/subscriptions/s/providers/p/locations/l/operations/{}?api-version=1",
            self.url, self.next
        );
        let headers = [("azure-asyncoperation", url), ("retry-after", "0".to_owned())];
        (StatusCode::from_u16(status).unwrap(), headers).into_response()
    }

    fn poll(&mut self, id: usize) -> Response {
        let frozen = self.frozen;
        let Some(work) = self.operations.get_mut(&id) else {
            return refusal(404, "NotFound", "no operation");
        };
        if frozen || work.polls > 0 {
            work.polls = work.polls.saturating_sub(1);
            return (
                [("retry-after", "0")],
                axum::Json(json!({"status": "InProgress"})),
            )
                .into_response();
        }
        if let Some((code, message)) = &work.failure {
            let error = json!({"code": code, "message": message});
            return axum::Json(json!({"status": "Failed", "error": error})).into_response();
        }
        if !std::mem::replace(&mut work.done, true) {
            let path = work.path.clone();
            match work.result.take() {
                Some(result) => drop(self.resources.insert(path, result)),
                None => self.resources.retain(|known, _| !known.starts_with(&path)),
            }
        }
        axum::Json(json!({"status": "Succeeded"})).into_response()
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Response {
    let body = json!({"error": {"code": code, "message": message}});
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

fn merge(object: &mut Value, patch: &Value) {
    match (object, patch) {
        (Value::Object(object), Value::Object(patch)) => {
            for (key, value) in patch {
                // Tags are replaced as a whole, everything else is merged.
                let entry = object.entry(key).or_insert(Value::Null);
                if key == "tags" {
                    *entry = value.clone();
                } else {
                    merge(entry, value);
                }
            }
        }
        (object, patch) => *object = patch.clone(),
    }
}
