//! The real kubectl against a loopback listener.

mod support;

use serde_json::{Value, json};
use support::*;

async fn setup() -> Option<(World, Terminal)> {
    if !has_kubectl() {
        return None;
    }
    let world = world().await;
    let terminal = terminal(&world.cluster, &admin()).await;
    Some((world, terminal))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubectl_creates_itself() {
    let Some((_world, kubectl)) = setup().await else {
        return;
    };
    // These go out as protobuf.
    for (arguments, expected) in [
        ("create configmap a --from-literal=k=v", "configmap/a created"),
        (
            "create secret generic s --from-literal=password=hunter2",
            "secret/s created",
        ),
        ("create namespace team", "namespace/team created"),
        (
            "create serviceaccount robot -n team",
            "serviceaccount/robot created",
        ),
        (
            "create role r --verb=get --resource=configmaps",
            "role.rbac.authorization.k8s.io/r created",
        ),
        (
            "create rolebinding b --role=r --user=alice",
            "rolebinding.rbac.authorization.k8s.io/b created",
        ),
        (
            "create clusterrole c --verb=get --non-resource-url=/logs/*",
            "clusterrole.rbac.authorization.k8s.io/c created",
        ),
        (
            "create clusterrolebinding d --clusterrole=c --group=team-a",
            "clusterrolebinding.rbac.authorization.k8s.io/d created",
        ),
        ("auth can-i create pods", "yes"),
        ("auth whoami", "admin"),
        (
            "create service clusterip web --tcp=80:8080",
            "service/web created",
        ),
    ] {
        let words: Vec<&str> = arguments.split(' ').collect();
        let out = kubectl.run(&words).await;
        assert!(
            out.success && out.out.contains(expected),
            "kubectl {arguments}: {}{}",
            out.out,
            out.error
        );
    }
    assert_eq!(
        kubectl.ok(&["get", "cm", "a", "-o", "jsonpath={.data.k}"]).await,
        "v"
    );
    let secret: Value =
        serde_json::from_str(&kubectl.ok(&["get", "secret", "s", "-o", "json"]).await).unwrap();
    assert_eq!(
        (&secret["data"]["password"], &secret["type"]),
        (&json!("aHVudGVyMg=="), &json!("Opaque"))
    );
    let token = kubectl.ok(&["create", "token", "robot", "-n", "team"]).await;
    assert_eq!(token.trim().split('.').count(), 3, "a JWT: {token}");
}

const DOCUMENTS: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: one
  labels: {app: demo}
data:
  key: value
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: demo}}
  template:
    metadata: {labels: {app: demo}}
    spec:
      containers:
      - {name: web, image: 'nginx:1', ports: [{containerPort: 80}]}
";

#[tokio::test(flavor = "multi_thread")]
async fn apply_get_describe_delete() {
    let Some((_world, kubectl)) = setup().await else {
        return;
    };
    let out = kubectl.ok_with(&["apply", "-f", "-"], DOCUMENTS).await;
    assert_eq!(out, "configmap/one created\ndeployment.apps/web created\n");
    let out = kubectl.ok_with(&["apply", "-f", "-"], DOCUMENTS).await;
    assert_eq!(out, "configmap/one unchanged\ndeployment.apps/web unchanged\n");
    let changed = DOCUMENTS
        .replace("key: value", "key: other")
        .replace("nginx:1", "nginx:2");
    let out = kubectl.ok_with(&["apply", "-f", "-"], &changed).await;
    assert_eq!(out, "configmap/one configured\ndeployment.apps/web configured\n");
    let image = "jsonpath={.spec.template.spec.containers[0].image}";
    assert_eq!(
        kubectl.ok(&["get", "deploy", "web", "-o", image]).await,
        "nginx:2"
    );

    let server = kubectl
        .ok_with(&["apply", "--server-side", "-f", "-"], DOCUMENTS)
        .await;
    assert!(server.contains("configmap/one serverside-applied"), "{server}");
    assert_eq!(
        kubectl
            .ok(&["get", "cm", "one", "-o", "jsonpath={.data.key}"])
            .await,
        "value"
    );

    let typo = DOCUMENTS.replace("\ndata:", "\ndta:");
    let refused = kubectl.pipe(&["apply", "-f", "-"], &typo).await;
    assert!(
        !refused.success && refused.error.contains("unknown field \"dta\""),
        "{}",
        refused.error
    );

    let table = kubectl.ok(&["get", "configmaps"]).await;
    assert!(
        table.starts_with("NAME") && table.contains("DATA") && table.contains("one"),
        "{table}"
    );
    let described = kubectl.ok(&["describe", "configmap", "one"]).await;
    assert!(described.contains("value"), "{described}");
    kubectl
        .ok(&["patch", "cm", "one", "-p", "{\"data\":{\"more\":\"1\"}}"])
        .await;
    kubectl.ok(&["label", "cm", "one", "tier=a"]).await;
    let by_label = kubectl.ok(&["get", "cm", "-l", "tier=a", "-o", "name"]).await;
    assert_eq!(by_label, "configmap/one\n");
    assert!(kubectl.ok(&["get", "all"]).await.contains("deployment.apps/web"));
    let out = kubectl.ok_with(&["delete", "-f", "-"], DOCUMENTS).await;
    assert!(out.contains("configmap \"one\" deleted"), "{out}");
    let gone = kubectl.run(&["get", "cm", "one"]).await;
    assert_eq!(
        gone.error.trim(),
        "Error from server (NotFound): configmaps \"one\" not found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_kinds_as_if_built_in() {
    let Some((_world, kubectl)) = setup().await else {
        return;
    };
    kubectl
        .ok_with(&["apply", "-f", "-"], &widget_definition().to_string())
        .await;
    kubectl
        .ok(&[
            "wait",
            "--for=condition=Established",
            "crd/widgets.example.com",
            "--timeout=5s",
        ])
        .await;
    kubectl
        .ok_with(&["apply", "-f", "-"], &widget("w", "small").to_string())
        .await;
    let table = kubectl.ok(&["get", "wd"]).await;
    let header: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["NAME", "SIZE", "READY"]);
    assert!(table.contains("small"), "{table}");
    let explained = kubectl.ok(&["explain", "widget.spec"]).await;
    assert!(
        explained.contains("What is wanted") && explained.contains("size"),
        "{explained}"
    );
    let builtin = kubectl
        .ok(&["explain", "deployment.spec.template.spec.containers"])
        .await;
    assert!(builtin.contains("image"), "{builtin}");

    let wrong = kubectl
        .pipe(&["apply", "-f", "-"], &widget("x", "huge").to_string())
        .await;
    assert!(
        wrong.error.contains("spec.size: Unsupported value: \"huge\""),
        "{}",
        wrong.error
    );
    let mut unknown = widget("x", "small");
    unknown["spec"]["colour"] = json!("red");
    let wrong = kubectl.pipe(&["apply", "-f", "-"], &unknown.to_string()).await;
    assert!(
        wrong.error.contains("unknown field \"spec.colour\""),
        "{}",
        wrong.error
    );

    let ready = "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}";
    let waiting = kubectl
        .command(&["wait", "--for=condition=Ready", "wd/w", "--timeout=20s"])
        .spawn()
        .unwrap();
    kubectl
        .ok(&[
            "patch",
            "wd",
            "w",
            "--subresource=status",
            "--type=merge",
            "-p",
            ready,
        ])
        .await;
    assert!(waiting.wait_with_output().await.unwrap().status.success());
    assert!(kubectl.ok(&["describe", "wd", "w"]).await.contains("Ready"));
    assert!(kubectl.ok(&["get", "all"]).await.contains("widget.example.com/w"));

    kubectl.ok(&["delete", "crd", "widgets.example.com"]).await;
    // kubectl may still remember the kind.
    let gone = kubectl.run(&["get", "widgets"]).await;
    assert!(
        gone.error.contains("NotFound") || gone.error.contains("doesn't have a resource type"),
        "{}",
        gone.error
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_shows_changes() {
    use tokio::io::AsyncBufReadExt;
    let Some((_world, kubectl)) = setup().await else {
        return;
    };
    kubectl.ok(&["create", "configmap", "seen"]).await;
    let mut watching = kubectl
        .command(&["get", "cm", "-w", "-o", "name"])
        .spawn()
        .unwrap();
    let mut lines = tokio::io::BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut until = async |wanted: &str| {
        let found = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line == wanted {
                    return true;
                }
            }
            false
        };
        assert!(
            tokio::time::timeout(std::time::Duration::from_secs(20), found)
                .await
                .unwrap()
        );
    };
    until("configmap/seen").await;
    kubectl.ok(&["create", "configmap", "fresh"]).await;
    until("configmap/fresh").await;
    watching.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_which_rule_is_missing() {
    let Some((world, _)) = setup().await else { return };
    let bob = terminal(&world.cluster, &person("bob", &["team-b"])).await;
    let refused = bob.run(&["create", "configmap", "x", "-n", "kube-public"]).await;
    assert!(!refused.success);
    assert!(
        refused
            .error
            .contains("configmaps is forbidden: User \"bob\" cannot create"),
        "{}",
        refused.error
    );
    assert!(
        refused
            .error
            .contains("Warning: no Role or ClusterRole bound to `bob`"),
        "{}",
        refused.error
    );
    let answer = bob
        .run(&["auth", "can-i", "create", "configmaps", "-n", "kube-public"])
        .await;
    assert!(answer.out.starts_with("no"), "{}", answer.out);
    assert!(
        bob.ok(&["auth", "can-i", "--list"])
            .await
            .contains("selfsubjectaccessreviews")
    );
}
