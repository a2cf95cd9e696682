//! The kubeconfig by which the administrator reaches the local cluster.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One cluster, one user, one context, all named `pave`.
pub(crate) fn of(server: &str, authority_pem: &str, token: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "pave",
        "clusters": [{ "name": "pave", "cluster": {
            "server": server,
            "certificate-authority-data": STANDARD.encode(authority_pem),
        }}],
        "users": [{ "name": "pave", "user": { "token": token } }],
        "contexts": [{ "name": "pave", "context": { "cluster": "pave", "user": "pave", "namespace": "default" } }],
    })
}
