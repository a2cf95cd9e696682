//! A Kubernetes API in memory: just enough for a controller of custom resources.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::{Body, Bytes};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Kubernetes {
    state: Arc<Mutex<State>>,
    written: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct State {
    version: u64,
    objects: BTreeMap<(String, String), Value>,
    log: Vec<(u64, String, &'static str, Value)>,
}

/// Where a request points: collection without its version, then perhaps a name and a subresource.
struct Target {
    collection: String,
    api_version: String,
    namespace: Option<String>,
    name: Option<String>,
    status: bool,
}

impl Kubernetes {
    pub(crate) fn new() -> Self {
        let (written, _) = watch::channel(0);
        Self {
            state: Arc::default(),
            written: Arc::new(written),
        }
    }

    pub(crate) fn client(&self) -> kube::Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.serve(request).await) }
        });
        kube::Client::new(service, "default")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// An object by `plural.group` (or plural), namespace (or nothing) and name.
    pub(crate) fn get(&self, collection: &str, name: &str) -> Option<Value> {
        self.lock()
            .objects
            .get(&(collection.to_owned(), name.to_owned()))
            .cloned()
    }

    pub(crate) fn all(&self, collection: &str) -> Vec<Value> {
        let state = self.lock();
        state
            .objects
            .iter()
            .filter(|((known, _), _)| known == collection)
            .map(|(_, it)| it.clone())
            .collect()
    }

    pub(crate) fn create(&self, collection: &str, object: Value) -> Value {
        self.write(collection, None, object, "ADDED")
    }

    pub(crate) fn merge(&self, collection: &str, name: &str, patch: &Value) -> Value {
        let known = self.get(collection, name).unwrap();
        let mut object = known.clone();
        merge(&mut object, patch);
        self.write(collection, Some(&known), object, "MODIFIED")
    }

    pub(crate) fn delete(&self, collection: &str, name: &str) {
        let Some(known) = self.get(collection, name) else {
            return;
        };
        let mut object = known.clone();
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        self.write(collection, Some(&known), object, "MODIFIED");
    }

    /// Waits until the object is as wanted; panics with its state after ten seconds.
    pub(crate) async fn until(
        &self,
        collection: &str,
        name: &str,
        wanted: impl Fn(Option<&Value>) -> bool,
    ) -> Value {
        let mut written = self.written.subscribe();
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            written.borrow_and_update();
            let found = self.get(collection, name);
            if wanted(found.as_ref()) {
                return found.unwrap_or_default();
            }
            if tokio::time::timeout_at(deadline, written.changed())
                .await
                .is_err()
            {
                panic!("{collection} {name} did not come to what was wanted: {found:#?}");
            }
        }
    }

    fn write(
        &self,
        collection: &str,
        known: Option<&Value>,
        mut object: Value,
        event: &'static str,
    ) -> Value {
        let mut state = self.lock();
        state.version += 1;
        let version = state.version;
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = json!(version.to_string());
        if known.is_none() {
            metadata["uid"] = json!(format!("uid-{version}"));
            metadata["generation"] = json!(1);
            metadata["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        if let Some(known) = known.filter(|known| known["spec"] != object["spec"]) {
            let generation = known["metadata"]["generation"].as_i64().unwrap_or(0);
            object["metadata"]["generation"] = json!(generation + 1);
        }
        if collection == "customresourcedefinitions.apiextensions.k8s.io" {
            object["status"] = json!({"conditions": [{"type": "Established", "status": "True"}], "acceptedNames": {"kind": "", "plural": ""}});
        }
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let held = object["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|it| !it.is_empty());
        let gone = !object["metadata"]["deletionTimestamp"].is_null() && !held;
        let key = (collection.to_owned(), name);
        if gone {
            state.objects.remove(&key);
        } else {
            state.objects.insert(key, object.clone());
        }
        let event = if gone { "DELETED" } else { event };
        state
            .log
            .push((version, collection.to_owned(), event, object.clone()));
        drop(state);
        self.written.send_replace(version);
        object
    }

    async fn serve(&self, request: Request<kube::client::Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let target = target(parts.uri.path());
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes())
                .into_owned()
                .collect();
        let body = body.collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        match (parts.method, target.name.clone()) {
            (Method::GET, None) if query.get("watch").is_some_and(|it| it != "false") => {
                self.watch(target, &query)
            }
            (Method::GET, None) => self.list(&target, &query),
            (Method::GET, Some(name)) => match self.get(&target.collection, &name) {
                Some(object) => answer(200, &versioned(object, &target)),
                None => refuse(
                    404,
                    "NotFound",
                    &format!("{} \"{name}\" not found", target.collection),
                ),
            },
            (Method::POST, _) => self.post(&target, body),
            (Method::PATCH, Some(name)) => self.patch(&target, &name, body),
            (method, name) => refuse(405, "MethodNotAllowed", &format!("{method} {name:?}")),
        }
    }

    fn post(&self, target: &Target, mut object: Value) -> Response<Body> {
        if object["metadata"]["name"].is_null() {
            let prefix = object["metadata"]["generateName"]
                .as_str()
                .unwrap_or("")
                .to_owned();
            object["metadata"]["name"] = json!(format!("{prefix}{}", self.lock().version));
        }
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        if self.get(&target.collection, &name).is_some() {
            return refuse(409, "AlreadyExists", &format!("{name} already exists"));
        }
        if let Some(namespace) = &target.namespace {
            object["metadata"]["namespace"] = json!(namespace);
        }
        answer(201, &self.write(&target.collection, None, object, "ADDED"))
    }

    fn patch(&self, target: &Target, name: &str, patch: Value) -> Response<Body> {
        let Some(known) = self.get(&target.collection, name) else {
            if patch["apiVersion"].is_string() {
                return answer(201, &self.write(&target.collection, None, patch, "ADDED"));
            }
            return refuse(404, "NotFound", &format!("{name} not found"));
        };
        let version = &patch["metadata"]["resourceVersion"];
        if !version.is_null() && *version != known["metadata"]["resourceVersion"] {
            return refuse(409, "Conflict", "the object has been modified");
        }
        let mut object = known.clone();
        if target.status {
            merge(&mut object, &json!({"status": patch["status"]}));
        } else {
            let status = known["status"].clone();
            merge(&mut object, &patch);
            if !status.is_null() {
                object["status"] = status;
            }
        }
        let object = if object == known {
            known
        } else {
            self.write(&target.collection, Some(&known), object, "MODIFIED")
        };
        answer(200, &versioned(object, target))
    }

    fn list(&self, target: &Target, query: &BTreeMap<String, String>) -> Response<Body> {
        let wanted = |object: &Value| {
            let selector = query.get("labelSelector").and_then(|it| it.split_once('='));
            selector.is_none_or(|(key, value)| object["metadata"]["labels"][key] == value)
        };
        let items = self.all(&target.collection).into_iter().filter(wanted);
        let items: Vec<Value> = items.map(|object| versioned(object, target)).collect();
        let version = self.lock().version.to_string();
        answer(
            200,
            &json!({"apiVersion": target.api_version, "kind": "List", "metadata": {"resourceVersion": version}, "items": items}),
        )
    }

    fn watch(&self, target: Target, query: &BTreeMap<String, String>) -> Response<Body> {
        let after: u64 = query
            .get("resourceVersion")
            .and_then(|it| it.parse().ok())
            .unwrap_or(0);
        let start = (self.written.subscribe(), Arc::clone(&self.state), target, after);
        let lines = futures::stream::unfold(start, |(mut written, state, target, mut after)| async move {
            loop {
                written.borrow_and_update();
                let next = {
                    let state = state.lock().unwrap();
                    state
                        .log
                        .iter()
                        .find(|it| it.0 > after && it.1 == target.collection)
                        .cloned()
                };
                if let Some((version, _, event, object)) = next {
                    after = version;
                    let mut line = json!({"type": event, "object": versioned(object, &target)}).to_string();
                    line.push('\n');
                    return Some((
                        Ok::<_, Infallible>(Bytes::from(line)),
                        (written, state, target, after),
                    ));
                }
                if written.changed().await.is_err() {
                    return None;
                }
            }
        });
        Response::builder()
            .header("content-type", "application/json")
            .body(Body::from_stream(lines))
            .unwrap()
    }
}

fn versioned(mut object: Value, target: &Target) -> Value {
    object["apiVersion"] = json!(target.api_version);
    object
}

fn target(path: &str) -> Target {
    let mut parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, version) = if parts.remove(0) == "api" {
        ("", parts.remove(0))
    } else {
        (parts.remove(0), parts.remove(0))
    };
    let api_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let mut namespace = None;
    if parts[0] == "namespaces" && parts.len() > 2 {
        namespace = Some(parts[1].to_owned());
        parts.drain(..2);
    }
    let mut collection = if group.is_empty() {
        parts[0].to_owned()
    } else {
        format!("{}.{group}", parts[0])
    };
    if let Some(namespace) = &namespace {
        collection = format!("{collection}/{namespace}");
    }
    let name = parts.get(1).map(|name| (*name).to_owned());
    Target {
        collection,
        api_version,
        namespace,
        name,
        status: parts.get(2) == Some(&"status"),
    }
}

fn answer(status: u16, body: &Value) -> Response<Body> {
    let builder = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    builder.body(Body::from(body.to_string())).unwrap()
}

fn refuse(code: u16, reason: &str, message: &str) -> Response<Body> {
    answer(
        code,
        &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code}),
    )
}

fn merge(object: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut object[key], value);
        }
    }
}
