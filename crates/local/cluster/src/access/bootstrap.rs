//! Roles that every cluster has. Present ones are left as they are: they may have been edited.

use serde_json::{Value, json};

const API: &str = "rbac.authorization.k8s.io/v1";
const GROUP: &str = "rbac.authorization.k8s.io";

fn metadata(name: &str) -> Value {
    json!({
        "name": name,
        "labels": { "kubernetes.io/bootstrapping": "rbac-defaults" },
        "annotations": { "rbac.authorization.kubernetes.io/autoupdate": "true" },
    })
}

fn role(name: &str, rules: &Value) -> Value {
    json!({ "apiVersion": API, "kind": "ClusterRole", "metadata": metadata(name), "rules": rules })
}

/// A role for people that others add rules to by label.
fn aggregated(name: &str, rules: &Value, joins: &[&str]) -> Value {
    let mut role = role(name, rules);
    let label = |name: &str| format!("rbac.authorization.k8s.io/aggregate-to-{name}");
    role["aggregationRule"] = json!({ "clusterRoleSelectors": [{ "matchLabels": { label(name): "true" } }] });
    for join in joins {
        role["metadata"]["labels"][label(join)] = json!("true");
    }
    role
}

fn binding(name: &str, role: &str, groups: &[&str]) -> Value {
    let subjects: Vec<Value> = groups
        .iter()
        .map(|group| json!({ "kind": "Group", "apiGroup": GROUP, "name": group }))
        .collect();
    json!({
        "apiVersion": API, "kind": "ClusterRoleBinding", "metadata": metadata(name),
        "roleRef": { "apiGroup": GROUP, "kind": "ClusterRole", "name": role }, "subjects": subjects,
    })
}

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];

fn view_rules() -> Value {
    json!([
        { "apiGroups": [""], "verbs": READ, "resources": ["configmaps", "endpoints", "events", "limitranges",
            "namespaces", "persistentvolumeclaims", "pods", "pods/log", "replicationcontrollers", "resourcequotas",
            "serviceaccounts", "services"] },
        { "apiGroups": ["apps"], "verbs": READ, "resources": ["controllerrevisions", "daemonsets", "deployments",
            "replicasets", "statefulsets"] },
        { "apiGroups": ["autoscaling", "batch", "policy", "discovery.k8s.io", "events.k8s.io", "networking.k8s.io"],
            "verbs": READ, "resources": ["*"] },
    ])
}

fn edit_rules() -> Value {
    let mut rules = view_rules();
    let more = json!([
        { "apiGroups": [""], "verbs": READ, "resources": ["secrets"] },
        { "apiGroups": [""], "verbs": WRITE, "resources": ["configmaps", "events", "persistentvolumeclaims", "pods",
            "replicationcontrollers", "secrets", "serviceaccounts", "services"] },
        { "apiGroups": [""], "verbs": ["create"], "resources": ["serviceaccounts/token"] },
        { "apiGroups": [""], "verbs": ["impersonate"], "resources": ["serviceaccounts"] },
        { "apiGroups": ["apps"], "verbs": WRITE, "resources": ["daemonsets", "deployments", "deployments/scale",
            "replicasets", "replicasets/scale", "statefulsets", "statefulsets/scale"] },
        { "apiGroups": ["autoscaling", "batch", "policy", "networking.k8s.io"], "verbs": WRITE, "resources": ["*"] },
        { "apiGroups": ["coordination.k8s.io"], "verbs": ["get", "list", "watch", "create", "delete",
            "deletecollection", "patch", "update"], "resources": ["leases"] },
    ]);
    if let (Some(rules), Value::Array(more)) = (rules.as_array_mut(), more) {
        rules.extend(more);
    }
    rules
}

fn admin_rules() -> Value {
    let mut rules = edit_rules();
    if let Some(rules) = rules.as_array_mut() {
        rules.push(json!({ "apiGroups": ["authorization.k8s.io"], "verbs": ["create"], "resources": ["localsubjectaccessreviews"] }));
        rules.push(
            json!({ "apiGroups": [GROUP], "verbs": ["get", "list", "watch", "create", "delete",
            "deletecollection", "patch", "update"], "resources": ["rolebindings", "roles"] }),
        );
    }
    rules
}

/// Every bootstrap role and binding, in the order in which they are created.
pub(crate) fn objects() -> Vec<Value> {
    let health = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
    vec![
        role(
            "cluster-admin",
            &json!([
                { "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] },
                { "nonResourceURLs": ["*"], "verbs": ["*"] },
            ]),
        ),
        role(
            "system:discovery",
            &json!([{ "verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*",
            "/healthz", "/livez", "/readyz", "/openapi", "/openapi/*", "/version", "/version/"] }]),
        ),
        role(
            "system:public-info-viewer",
            &json!([{ "verbs": ["get"], "nonResourceURLs": health }]),
        ),
        role(
            "system:basic-user",
            &json!([
                { "apiGroups": ["authorization.k8s.io"], "verbs": ["create"],
                    "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"] },
                { "apiGroups": ["authentication.k8s.io"], "verbs": ["create"], "resources": ["selfsubjectreviews"] },
            ]),
        ),
        role(
            "system:service-account-issuer-discovery",
            &json!([
                { "verbs": ["get"], "nonResourceURLs": ["/.well-known/openid-configuration", "/openid/v1/jwks"] },
            ]),
        ),
        role(
            "system:auth-delegator",
            &json!([
                { "apiGroups": ["authentication.k8s.io"], "verbs": ["create"], "resources": ["tokenreviews"] },
                { "apiGroups": ["authorization.k8s.io"], "verbs": ["create"], "resources": ["subjectaccessreviews"] },
            ]),
        ),
        aggregated("admin", &admin_rules(), &[]),
        aggregated("edit", &edit_rules(), &["admin"]),
        aggregated("view", &view_rules(), &["edit"]),
        binding("cluster-admin", "cluster-admin", &["system:masters"]),
        binding("system:discovery", "system:discovery", &["system:authenticated"]),
        binding(
            "system:basic-user",
            "system:basic-user",
            &["system:authenticated"],
        ),
        binding(
            "system:public-info-viewer",
            "system:public-info-viewer",
            &["system:authenticated", "system:unauthenticated"],
        ),
        binding(
            "system:service-account-issuer-discovery",
            "system:service-account-issuer-discovery",
            &["system:serviceaccounts"],
        ),
    ]
}

/// Lets everybody read how the tokens of this cluster's service accounts are verified, as a managed cluster with an
/// issuer does: whoever verifies one elsewhere has no credential here.
pub(crate) fn open_issuer() -> Value {
    binding(
        "pave:issuer",
        "system:service-account-issuer-discovery",
        &["system:unauthenticated", "system:authenticated"],
    )
}
