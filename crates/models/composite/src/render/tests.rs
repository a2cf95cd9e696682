#![expect(clippy::needless_pass_by_value, reason = "tables read better with values")]

use serde_json::json;

use super::*;

fn composite() -> Value {
    json!({
        "apiVersion": "platform.example.com/v1alpha1", "kind": "TeamEnvironment",
        "metadata": {"name": "dev-x1", "uid": "uid-1", "labels": {"crossplane.io/composite": "dev-x1"},
            "annotations": {"pave.dev/road": "0af7651916cd43dd8448eb211c80319c", "other": "stays"}},
        "spec": {"dbName": "orders", "claimRef": {"name": "dev", "namespace": "team-a"}},
    })
}

fn composition(resources: Value) -> Composition {
    let object = json!({"metadata": {"name": "c"}, "spec": {
        "compositeTypeRef": {"apiVersion": "platform.example.com/v1alpha1", "kind": "TeamEnvironment"},
        "resources": resources}});
    Composition::parse(&object).0
}

fn server() -> Value {
    json!({
        "name": "server",
        "base": {"apiVersion": "example.com/v1", "kind": "Server", "spec": {"size": 1}},
        "patches": [
            {"fromFieldPath": "spec.dbName", "toFieldPath": "spec.database"},
            {"fromFieldPath": "spec.region"},
            {"type": "ToCompositeFieldPath", "fromFieldPath": "status.fqdn", "toFieldPath": "status.endpoint"},
        ],
        "connectionDetails": [{"fromConnectionSecretKey": "password"}],
    })
}

fn observed(status: Value) -> ObservedResources {
    let object = json!({"apiVersion": "example.com/v1", "kind": "Server", "metadata": {"name": "kept"}, "status": status});
    let connection = [("password".to_owned(), b"secret".to_vec())].into();
    [("server".to_owned(), Observed { object, connection })].into()
}

#[test]
fn a_first_render_names_labels_and_owns() {
    let rendered = render(
        &composite(),
        &composition(json!([server()])),
        &ObservedResources::new(),
    );
    insta::assert_json_snapshot!("first_render", rendered.resources[0].object);
    assert!(rendered.resources[0].generated_name && !rendered.ready);
    assert_eq!(rendered.status, json!({}));
    assert_eq!(
        rendered.skipped,
        [(
            "server".to_owned(),
            "patch at index 1 of resource `server` was skipped: `spec.region` is not set".to_owned()
        )]
    );
    assert_eq!(rendered.findings[0].pointer, "/spec/resources/0/patches/1");
    assert_eq!(
        rendered.provenance,
        [Provenance {
            resource: "server".into(),
            direction: Direction::FromComposite,
            from: vec!["spec.dbName".into()],
            to: "spec.database".into(),
            patch: "/spec/resources/0/patches/0".into(),
        }]
    );
}

#[test]
fn what_is_observed_gives_name_status_secret_and_readiness() {
    let ready = json!({"fqdn": "s.example.com", "conditions": [{"type": "Ready", "status": "True"}]});
    let rendered = render(&composite(), &composition(json!([server()])), &observed(ready));
    assert_eq!(rendered.resources[0].object["metadata"]["name"], "kept");
    assert_eq!(rendered.status, json!({"endpoint": "s.example.com"}));
    assert_eq!(
        rendered.connection,
        Details::from([("password".to_owned(), b"secret".to_vec())])
    );
    assert!(rendered.ready);
    let waiting = render(
        &composite(),
        &composition(json!([server()])),
        &observed(json!({})),
    );
    assert_eq!(waiting.unready(), ["server"]);
    assert_eq!(
        waiting.resources[0].waiting_for.as_deref(),
        Some("condition Ready to be True; it is Unknown")
    );
}

#[test]
fn a_failed_patch_blocks_its_resource_only() {
    let mut broken = server();
    broken["patches"][1]["policy"] = json!({"fromFieldPath": "Required"});
    let mut other = server();
    other["name"] = json!("other");
    let rendered = render(
        &composite(),
        &composition(json!([broken, other])),
        &ObservedResources::new(),
    );
    assert_eq!(
        rendered.resources[0].blocked.as_deref(),
        Some("patch at index 1: required field `spec.region` is not set")
    );
    assert_eq!(rendered.resources[1].blocked, None);
    assert_eq!(rendered.findings[0].diagnostic.code, "PV1331");
    assert!(!rendered.ready && rendered.fatal.is_none());
}

#[test]
fn steps_build_on_each_other() {
    let object = json!({"metadata": {"name": "c"}, "spec": {
    "compositeTypeRef": {"apiVersion": "platform.example.com/v1alpha1", "kind": "TeamEnvironment"},
    "pipeline": [
        {"step": "one", "functionRef": {"name": "function-patch-and-transform"}, "input": {
            "environment": {"patches": [{"fromFieldPath": "spec.dbName", "toFieldPath": "db"}]},
            "resources": [{"name": "a", "base": {"apiVersion": "v1", "kind": "ConfigMap"}}]}},
        {"step": "two", "functionRef": {"name": "function-patch-and-transform"}, "input": {
            "resources": [{"name": "a", "patches": [
                {"type": "FromEnvironmentFieldPath", "fromFieldPath": "db", "toFieldPath": "data.db"}]}]}},
    ]}});
    let rendered = render(
        &composite(),
        &Composition::parse(&object).0,
        &ObservedResources::new(),
    );
    assert_eq!(
        (
            rendered.resources.len(),
            &rendered.resources[0].object["data"]["db"]
        ),
        (1, &json!("orders"))
    );
    let orphan = composition(json!([{"name": "nobody", "patches": []}]));
    let rendered = render(&composite(), &orphan, &ObservedResources::new());
    assert_eq!(
        rendered.fatal.as_deref(),
        Some("resource `nobody` has no base, and no earlier step makes it")
    );
}

#[test]
fn a_namespaced_composite_composes_its_secret() {
    let composite = json!({"apiVersion": "example.com/v1", "kind": "Thing",
        "metadata": {"name": "t", "namespace": "team-a", "uid": "u"}, "spec": {"dbName": "x", "crossplane": {}}});
    let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
    let rendered = render(&composite, &composition(json!([server()])), &observed(ready));
    let secret = &rendered.resources[1];
    assert_eq!(secret.name, "t-connection-secret");
    assert_eq!(secret.object["metadata"]["name"], "t-connection");
    assert_eq!(secret.object["metadata"]["namespace"], "team-a");
    assert_eq!(secret.object["data"]["password"], "c2VjcmV0");
    assert_eq!(rendered.resources[0].object["metadata"]["namespace"], "team-a");
}

#[test]
fn names_are_deterministic_and_fit_a_label() {
    let name = deterministic_name("dev-x1", "uid-1", "server");
    assert_eq!(name, deterministic_name("dev-x1", "uid-1", "server"));
    assert_ne!(name, deterministic_name("dev-x1", "uid-2", "server"));
    assert!(name.starts_with("dev-x1-") && name.len() == 7 + 12);
    assert_eq!(deterministic_name(&"a".repeat(80), "u", "r").len(), 63);
}
