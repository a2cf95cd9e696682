//! What has to be in the cluster before Git can bring the rest: namespaces, the administrators' right, the credentials
//! that never stand in Git, and the Application that points at `infra/`.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pave_auth::Principal;
use pave_kube::{Kinds, KindsError};
use serde_json::{Value, json};

use super::people::READERS;
use crate::summary::Summary;

/// Field manager of these objects.
const MANAGER: &str = "pave";
/// Longest wait for a kind, and the time between two looks.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(10);

/// Who sets the cluster up before anybody has a right in it, as kubeadm's first administrator does.
pub(crate) fn principal() -> Principal {
    let mut principal = Principal::service_account("pave-system", "bootstrap");
    principal.groups.push("system:masters".into());
    principal
}

/// How a provider reaches the cloud.
pub(crate) struct Cloud<'a> {
    pub(crate) url: &'a str,
    pub(crate) tenant: &'a str,
    pub(crate) subscription: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a str,
}

/// The cloud of this installation.
pub(crate) fn cloud(summary: &Summary) -> Cloud<'_> {
    Cloud {
        url: &summary.azure_url,
        tenant: &summary.tenant,
        subscription: &summary.subscription,
        client_id: &summary.client_id,
        client_secret: &summary.client_secret,
    }
}

/// Objects that need nothing but the cluster itself.
pub(crate) fn foundation(cloud: &Cloud<'_>) -> Vec<Value> {
    let credentials = json!({
        "clientId": cloud.client_id,
        "clientSecret": cloud.client_secret,
        "tenantId": cloud.tenant,
        "subscriptionId": cloud.subscription,
        "activeDirectoryEndpointUrl": cloud.url,
        "resourceManagerEndpointUrl": cloud.url,
    });
    vec![
        namespace("argocd"),
        namespace("crossplane-system"),
        namespace("pave-system"),
        binding("platform-administrators", "cluster-admin", &[group("platform")]),
        // These engines make and change objects of kinds that nobody knows beforehand.
        binding(
            "pave-engines",
            "cluster-admin",
            &["gitops", "composition", "providers", "portal"].map(account),
        ),
        role(
            "pave-tracer",
            &json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"] }]),
        ),
        binding("pave-tracer", "pave-tracer", &[account("tracer")]),
        role(
            "pave-reader",
            &json!([{ "nonResourceURLs": ["/forge/*", "/pipelines/*", "/environments/*"], "verbs": ["get"] }]),
        ),
        // Runs check code out, and the tracer looks at pull requests and runs.
        binding(
            "pave-reader",
            "pave-reader",
            &[group(READERS), account("tracer"), account("build-service")],
        ),
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": { "name": "azure-credentials", "namespace": "crossplane-system" },
            "data": { "credentials": STANDARD.encode(credentials.to_string()) },
        }),
    ]
}

/// Objects that need the GitOps kinds to be known.
pub(crate) fn gitops(repository_url: &str) -> Vec<Value> {
    let mut application = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": { "name": "platform-resources", "namespace": "argocd" },
        "spec": {
            "project": "default",
            "source": { "repoURL": repository_url, "targetRevision": "main", "path": "infra/" },
            "destination": { "namespace": "argocd", "server": "https://kubernetes.default.svc" },
            "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
        },
    });
    application["spec"]["source"]["directory"] = json!({ "recurse": true });
    vec![
        json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": { "name": "default", "namespace": "argocd" },
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{ "namespace": "*", "server": "*" }],
                "clusterResourceWhitelist": [{ "group": "*", "kind": "*" }],
            },
        }),
        application,
    ]
}

fn role(name: &str, rules: &Value) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": name }, "rules": rules,
    })
}

fn binding(name: &str, role: &str, subjects: &[Value]) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
        "subjects": subjects,
    })
}

fn group(name: &str) -> Value {
    json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": name })
}

fn account(name: &str) -> Value {
    json!({ "kind": "ServiceAccount", "name": name, "namespace": "pave-system" })
}

fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

/// Applies objects in order. A kind that an engine has yet to define is waited for.
pub(crate) async fn apply(kinds: &Kinds, objects: &[Value]) -> anyhow::Result<()> {
    let begun = Instant::now();
    for object in objects {
        loop {
            match pave_kube::apply(kinds, object, MANAGER, false).await {
                Ok(_) => break,
                Err(KindsError::Unknown(_)) if begun.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                Err(error) => anyhow::bail!("cannot set up {}: {error}", pave_kube::key_of(object)),
            }
        }
    }
    Ok(())
}
