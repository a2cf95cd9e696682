//! What came of an Application's objects: claim ▶ composite ▶ managed resources, and the secrets they write.
//!
//! Crossplane links these by references in the spec and not by owners, which is why Argo CD cannot draw them.

use futures::future::{BoxFuture, join_all};
use pave_kube::Kinds;
use pave_manifest::health;
use pave_names::GroupVersionKind;
use serde_json::{Value, json};

/// Levels below an Application's own objects.
const DEPTH: usize = 4;
/// Objects whose children are looked for, at most.
const PARENTS: usize = 200;

/// Adds `children` to every resource of `status.resources`, as far as the one who asks may read them.
pub(super) async fn add_children(kinds: &Kinds, resources: &mut [Value]) {
    for resource in &mut *resources {
        resource["children"] = json!([]);
    }
    let parents = resources
        .iter_mut()
        .filter(|it| may_have_children(it))
        .take(PARENTS);
    join_all(parents.map(|resource| async move {
        let group = resource["group"].as_str().unwrap_or_default();
        let version = resource["version"].as_str().unwrap_or_default();
        let reference = json!({
            "apiVersion": format!("{group}/{version}"),
            "kind": resource["kind"], "namespace": resource["namespace"], "name": resource["name"],
        });
        if let Some(live) = read(kinds, &reference).await {
            resource["children"] = json!(children(kinds, &live, DEPTH).await);
        }
    }))
    .await;
}

/// Kubernetes' own kinds and the definitions of others refer to nothing that is drawn here.
fn may_have_children(resource: &Value) -> bool {
    let group = resource["group"].as_str().unwrap_or_default();
    group.contains('.')
        && !group.ends_with(".k8s.io")
        && !group.ends_with("crossplane.io")
        && group != "argoproj.io"
}

fn children<'a>(kinds: &'a Kinds, parent: &'a Value, depth: usize) -> BoxFuture<'a, Vec<Value>> {
    Box::pin(async move {
        if depth == 0 {
            return Vec::new();
        }
        let found = references(parent).into_iter();
        join_all(found.map(|reference| node(kinds, reference, depth))).await
    })
}

async fn node(kinds: &Kinds, reference: Value, depth: usize) -> Value {
    let gvk = GroupVersionKind::from_api_version(
        reference["apiVersion"].as_str().unwrap_or_default(),
        reference["kind"].as_str().unwrap_or_default(),
    )
    .ok();
    let live = read(kinds, &reference).await;
    let health = match &live {
        Some(live) => health::assess(live, &|_| is_composite(live))
            .map(|it| json!({ "status": format!("{:?}", it.code), "message": it.message })),
        None => Some(json!({ "status": "Missing", "message": "not there, or you may not read it" })),
    };
    let below = match &live {
        Some(live) => children(kinds, live, depth - 1).await,
        None => Vec::new(),
    };
    // What is cluster-scoped has no namespace, whatever refers to it.
    let namespace = live
        .as_ref()
        .map_or(&reference["namespace"], |live| &live["metadata"]["namespace"]);
    json!({
        "group": gvk.as_ref().map_or("", |it| &it.group), "version": gvk.as_ref().map_or("", |it| &it.version),
        "kind": reference["kind"], "namespace": namespace, "name": reference["name"],
        "health": health, "children": below,
    })
}

/// Whether an object has the fields that Crossplane gives a composite, of either generation.
fn is_composite(object: &Value) -> bool {
    let fields = ["/spec/resourceRefs", "/spec/claimRef", "/spec/crossplane"];
    fields.iter().any(|field| object.pointer(field).is_some())
}

/// What an object refers to: as a claim, as a composite of either generation, as the writer of a secret.
fn references(object: &Value) -> Vec<Value> {
    let at = |pointer: &str| object.pointer(pointer);
    let own_namespace = at("/metadata/namespace").cloned().unwrap_or_default();
    let mut found: Vec<Value> = at("/spec/resourceRef").cloned().into_iter().collect();
    for pointer in ["/spec/resourceRefs", "/spec/crossplane/resourceRefs"] {
        found.extend(
            at(pointer)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .cloned(),
        );
    }
    for reference in &mut found {
        if reference["namespace"].is_null() {
            reference["namespace"] = own_namespace.clone();
        }
    }
    if let Some(secret) = at("/spec/writeConnectionSecretToRef") {
        let namespace = match &secret["namespace"] {
            Value::Null => own_namespace,
            named => named.clone(),
        };
        found.push(
            json!({ "apiVersion": "v1", "kind": "Secret", "namespace": namespace, "name": secret["name"] }),
        );
    }
    found.retain(|it| it["name"].is_string() && it["kind"].is_string());
    found
}

async fn read(kinds: &Kinds, reference: &Value) -> Option<Value> {
    let kind = kinds.of(reference).await.ok()?;
    let namespace = reference["namespace"].as_str().filter(|_| kind.namespaced);
    let found = kind
        .api(kinds.client(), namespace)
        .get(reference["name"].as_str()?)
        .await;
    serde_json::to_value(found.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(object: &Value, expected: &[&str]) {
        let found = references(object);
        let told: Vec<String> = found
            .iter()
            .map(|it| {
                format!(
                    "{} {}/{}",
                    it["kind"].as_str().unwrap(),
                    it["namespace"].as_str().unwrap_or(""),
                    it["name"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(told, expected, "{object}");
    }

    #[test]
    fn references_of_each_layer() {
        check(
            &json!({ "metadata": { "namespace": "team-a" }, "spec": {
                "resourceRef": { "apiVersion": "e.org/v1", "kind": "Environment", "name": "x" },
                "writeConnectionSecretToRef": { "name": "s" } } }),
            &["Environment team-a/x", "Secret team-a/s"],
        );
        check(
            &json!({ "metadata": {}, "spec": { "resourceRefs": [{ "apiVersion": "a/v1", "kind": "Group", "name": "g" }, { "kind": "Late" }],
                "writeConnectionSecretToRef": { "name": "s", "namespace": "system" } } }),
            &["Group /g", "Secret system/s"],
        );
        check(
            &json!({ "metadata": {}, "spec": { "crossplane": { "resourceRefs": [{ "apiVersion": "a/v1", "kind": "Group", "name": "g" }] } } }),
            &["Group /g"],
        );
        check(&json!({ "kind": "ConfigMap" }), &[]);
    }
}
