use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A kubeconfig with one cluster, one user and one context, named as Azure names them.
pub(crate) fn kubeconfig(
    server: &str,
    authority: &str,
    cluster: &str,
    user: &str,
    context: &str,
    token: &str,
) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": context,
        "clusters": [{ "name": cluster, "cluster": {
            "server": server,
            "certificate-authority-data": STANDARD.encode(authority),
        }}],
        "users": [{ "name": user, "user": { "token": token } }],
        "contexts": [{ "name": context, "context": { "cluster": cluster, "user": user } }],
    })
}
