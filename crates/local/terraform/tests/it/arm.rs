//! A double of Azure Resource Manager: keeps what it is given, adds what Azure adds, and remembers who asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use pave_keys::Keys;
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;

pub(crate) const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000002";

/// What the double holds.
#[derive(Default)]
pub(crate) struct Held {
    /// Documents by lower-case path.
    pub(crate) documents: BTreeMap<String, Value>,
    /// Requests, as `METHOD path`.
    pub(crate) log: Vec<String>,
    /// Bodies of PUT and PATCH, with their path.
    pub(crate) bodies: Vec<(String, Value)>,
    /// Correlation ids that came along.
    pub(crate) correlations: Vec<String>,
    /// A refusal for every PUT whose path contains the first.
    pub(crate) refuse: Option<(&'static str, u16, Value)>,
    /// Operations whose path contains this end as failed.
    pub(crate) fail: Option<&'static str>,
}

pub(crate) type Shared = Arc<Mutex<Held>>;

pub(crate) struct Arm {
    pub(crate) host: String,
    pub(crate) held: Shared,
    server: tokio::task::JoinHandle<()>,
}

impl Arm {
    pub(crate) async fn open(keys: &Keys) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let held = Shared::default();
        let router = Router::new()
            .fallback(answer)
            .with_state((held.clone(), format!("https://{host}")));
        let server = tokio::spawn(serve(listener, keys.clone(), router));
        Self { host, held, server }
    }

    pub(crate) fn document(&self, path: &str) -> Option<Value> {
        self.held
            .lock()
            .unwrap()
            .documents
            .get(&path.to_lowercase())
            .cloned()
    }

    /// Puts a document there as if somebody else had.
    pub(crate) fn hold(&self, path: &str, document: Value) {
        let mut held = self.held.lock().unwrap();
        held.documents.insert(path.to_lowercase(), document);
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        let method = format!("{method} ");
        self.held
            .lock()
            .unwrap()
            .log
            .iter()
            .filter(|line| line.starts_with(&method))
            .count()
    }

    pub(crate) fn last_body(&self, method: &str) -> Value {
        let held = self.held.lock().unwrap();
        let found = held
            .bodies
            .iter()
            .rev()
            .find(|(line, _)| line.starts_with(method));
        found.map(|(_, body)| body.clone()).unwrap_or_default()
    }
}

impl Drop for Arm {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Serves a router on TLS with this installation's certificate.
pub(crate) async fn serve(listener: tokio::net::TcpListener, keys: Keys, router: Router) {
    let acceptor = TlsAcceptor::from(keys.server_config(&["127.0.0.1"], &["http/1.1"]).unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
        tokio::spawn(async move {
            let accepted = tokio::time::timeout(Duration::from_secs(10), acceptor.accept(stream)).await;
            if let Ok(Ok(stream)) = accepted {
                let builder = Builder::new(TokioExecutor::new());
                drop(builder.serve_connection(TokioIo::new(stream), service).await);
            }
        });
    }
}

fn reply(status: u16, body: &Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(body.clone())).into_response()
}

async fn answer(
    State((held, base)): State<(Shared, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_end_matches('/').to_owned();
    if path == "/metadata/endpoints" {
        let authentication = json!({ "loginEndpoint": base, "audiences": [base] });
        return reply(
            200,
            &json!({ "name": "double", "resourceManager": base, "authentication": authentication }),
        );
    }
    if path.ends_with("/oauth2/v2.0/token") {
        // Claims: {"oid":"object-1"}
        let token = "e30.eyJvaWQiOiJvYmplY3QtMSJ9.e30";
        let right = String::from_utf8_lossy(&body).contains("client_secret=right");
        let refusal =
            json!({ "error": "invalid_client", "error_description": "AADSTS7000215: wrong secret" });
        return if right {
            reply(
                200,
                &json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": token }),
            )
        } else {
            reply(401, &refusal)
        };
    }
    let mut held = held.lock().unwrap();
    if let Some(correlation) = headers.get("x-ms-correlation-request-id") {
        held.correlations.push(correlation.to_str().unwrap().to_owned());
    }
    held.log.push(format!("{method} {path}"));
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if method == Method::PUT || method == Method::PATCH {
        held.bodies.push((format!("{method} {path}"), body.clone()));
    }
    manage(&mut held, &base, &method, &path, &body)
}

fn manage(held: &mut Held, base: &str, method: &Method, path: &str, body: &Value) -> Response {
    let key = path.to_lowercase();
    if let Some(id) = key.strip_prefix("/operations/") {
        let failed = held.fail.is_some_and(|part| id.contains(part));
        let error = json!({ "code": "QuotaExceeded", "message": "no machines left" });
        return reply(
            200,
            &if failed {
                json!({ "status": "Failed", "error": error })
            } else {
                json!({ "status": "Succeeded" })
            },
        );
    }
    if key == format!("/subscriptions/{SUBSCRIPTION}") {
        let document = json!({ "id": path, "subscriptionId": SUBSCRIPTION, "displayName": "Double", "state": "Enabled", "tenantId": "t" });
        return reply(200, &document);
    }
    if *method == Method::GET && key.ends_with("/resources") {
        let prefix = format!("{}/providers/", key.trim_end_matches("/resources"));
        let ids = held
            .documents
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix))
            .map(|(_, it)| json!({ "id": it["id"] }));
        return reply(200, &json!({ "value": ids.collect::<Vec<_>>() }));
    }
    match (method, held.documents.get(&key).cloned()) {
        (&Method::POST, _) if key.ends_with("/listkeys") => reply(
            200,
            &json!({ "keys": [{ "keyName": "key1", "value": "a2V5MQ==" }, { "keyName": "key2", "value": "a2V5Mg==" }] }),
        ),
        (&Method::POST, _) if key.ends_with("credential") => reply(
            200,
            &json!({ "kubeconfigs": [{ "name": "clusterUser", "value": KUBECONFIG }] }),
        ),
        (&Method::GET, Some(document)) => reply(200, &document),
        (&Method::DELETE, Some(_)) => {
            held.documents
                .retain(|known, _| *known != key && !known.starts_with(&format!("{key}/")));
            reply(200, &Value::Null)
        }
        (&Method::PUT, old) => put(held, base, path, old, body),
        (&Method::PATCH, Some(mut document)) => {
            merge(&mut document, body);
            held.documents.insert(key, document.clone());
            reply(200, &document)
        }
        _ => reply(
            404,
            &json!({ "error": { "code": "ResourceNotFound", "message": format!("nothing at {path}") } }),
        ),
    }
}

fn put(held: &mut Held, base: &str, path: &str, old: Option<Value>, body: &Value) -> Response {
    if let Some((part, status, refusal)) = held.refuse.clone()
        && path.contains(part)
    {
        return reply(status, &refusal);
    }
    let mut document = old.unwrap_or_default();
    merge(&mut document, body);
    complete(&mut document, path);
    held.documents.insert(path.to_lowercase(), document.clone());
    let headers = [
        (
            "azure-asyncoperation",
            format!("{base}/operations{path}?api-version=2020-01-01"),
        ),
        ("retry-after", "0".to_owned()),
    ];
    (StatusCode::ACCEPTED, headers, axum::Json(document)).into_response()
}

/// What Azure fills in.
fn complete(document: &mut Value, path: &str) {
    let name = path.rsplit('/').next().unwrap().to_owned();
    let host = |service: &str| format!("https://{name}.{service}.storage.test/");
    let mut added = json!({ "id": path, "name": name, "properties": { "provisioningState": "Succeeded" } });
    if path.contains("storageAccounts") {
        added["properties"]["primaryEndpoints"] = json!({ "blob": host("blob"), "file": host("file") });
        added["properties"]["primaryLocation"] = document["location"].clone();
        if document["properties"]["accessTier"].is_null() {
            added["properties"]["accessTier"] = json!("Hot");
        }
        if document["properties"]["networkAcls"].is_null() {
            added["properties"]["networkAcls"] =
                json!({ "defaultAction": "Allow", "bypass": "AzureServices" });
        }
    } else if path.contains("managedClusters") {
        let identity = json!({ "clientId": "c", "objectId": "o", "resourceId": "/subscriptions/x/identity" });
        merge(
            &mut added["properties"],
            &json!({
                "fqdn": format!("{name}.azmk8s.test"),
                "currentKubernetesVersion": "1.36.1",
                "kubernetesVersion": "1.36",
                "nodeResourceGroup": format!("MC_{name}"),
                "networkProfile": { "networkPlugin": "azure", "serviceCidr": "10.0.0.0/16" },
                "identityProfile": { "kubeletidentity": identity },
                "oidcIssuerProfile": { "enabled": true, "issuerURL": "https://issuer.test/" },
            }),
        );
        added["identity"] = json!({ "principalId": "principal-1", "tenantId": "t" });
    } else if path.contains("userAssignedIdentities") {
        merge(
            &mut added["properties"],
            &json!({ "clientId": "client-1", "principalId": "principal-1", "tenantId": "t" }),
        );
    }
    let said = document.clone();
    merge(document, &added);
    // What was said wins over what Azure would have filled in.
    merge(document, &said);
}

fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                // Tags are replaced as a whole.
                if key == "tags" {
                    base.insert(key.clone(), value.clone());
                } else {
                    merge(base.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (_, Value::Null) => {}
        (base, over) => *base = over.clone(),
    }
}

/// One cluster at `https://k.test:6443` and one user with the token `tok`.
const KUBECONFIG: &str = "YXBpVmVyc2lvbjogdjEKY2x1c3RlcnM6Ci0gY2x1c3RlcjoKICAgIGNlcnRpZmljYXRlLWF1dGhvcml0eS1kYXRhOiBRMEU9CiAgICBzZXJ2ZXI6IGh0dHBzOi8vay50ZXN0OjY0NDMKICBuYW1lOiBrCnVzZXJzOgotIG5hbWU6IHUKICB1c2VyOgogICAgdG9rZW46IHRvawo=";
