//! The engine against a real API server and real repositories.

#[cfg(test)]
mod destinations;
#[cfg(test)]
mod world;

use serde_json::{Value, json};
use world::{World, application_key, config_map, config_text};

fn automated() -> Value {
    json!({"automated": {"prune": true, "selfHeal": true, "allowEmpty": true}})
}

#[tokio::test]
async fn a_commit_is_synced_and_stamped() {
    let world = World::new().await;
    let text = config_text("a", "one");
    let road = "0123456789abcdef0123456789abcdef";
    let message = format!("add\n\nPave-Road: {road}\nPave-Requested-By: user:default/alice");
    let commit = world.commit(&[("e/a.yaml", Some(&text))], &message);
    world.application("app", automated()).await;
    let application = world.wait_synced("app", &commit).await;
    let status = &application["status"];
    assert_eq!(status["health"]["status"], "Healthy");
    assert_eq!(status["operationState"]["phase"], "Succeeded");
    assert_eq!(
        status["operationState"]["syncResult"]["resources"][0]["message"],
        "configmap/a serverside-applied"
    );
    assert_eq!(status["history"][0]["revision"], commit.as_str());
    assert_eq!(status["resources"][0]["status"], "Synced");
    assert_eq!(status["sourceType"], "Directory");
    let object = world.get(&config_map("a")).await.unwrap();
    assert_eq!(object["data"]["value"], "one");
    let annotations = &object["metadata"]["annotations"];
    assert_eq!(
        annotations["argocd.argoproj.io/tracking-id"],
        "app:/ConfigMap:team-a/a"
    );
    assert_eq!(annotations["pave.dev/road"], road);
    assert_eq!(annotations["pave.dev/source"], format!("e/a.yaml@{commit}"));
    assert_eq!(annotations["pave.dev/requested-by"], "user:default/alice");
    let told = world.events("argocd", "OperationStarted").await;
    assert_eq!(told, [format!("Initiated automated sync to '{commit}'")]);
    world.events("argocd", "OperationCompleted").await;
}

#[tokio::test]
async fn a_push_event_is_acted_on_at_once() {
    let world = World::new().await;
    let first = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    world.application("app", automated()).await;
    world.wait_synced("app", &first).await;
    let second = world.commit(&[("e/b.yaml", Some(&config_text("b", "two")))], "more");
    let began = std::time::Instant::now();
    assert_eq!(world.notify(), ["app"]);
    world.wait(&config_map("b"), "applied", |it| it.is_some()).await;
    let took = began.elapsed();
    world.wait_synced("app", &second).await;
    // The aim is 0.3 s; a loaded machine gets more.
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
    // The file that did not change keeps the stamp of its own commit.
    let object = world.get(&config_map("a")).await.unwrap();
    assert_eq!(object["metadata"]["annotations"]["pave.dev/road"], first[..32]);
}

#[tokio::test]
async fn drift_is_healed() {
    let world = World::new().await;
    let commit = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    world.application("app", automated()).await;
    world.wait_synced("app", &commit).await;
    let mut drifted = config_map("a");
    drifted["data"] = json!({"value": "drift"});
    let began = std::time::Instant::now();
    world.merge(drifted).await;
    world
        .wait(&config_map("a"), "healed", |it| {
            it.is_some_and(|it| it["data"]["value"] == "one")
        })
        .await;
    assert!(
        began.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    let application = world.wait_synced("app", &commit).await;
    // A self-heal is no new deployment.
    assert_eq!(application["status"]["history"].as_array().unwrap().len(), 1);
    // A difference in Pave's own stamps is no drift.
    let mut stamped = config_map("a");
    stamped["metadata"]["annotations"] = json!({"pave.dev/road": "f".repeat(32)});
    world.merge(stamped).await;
    world.delete(config_map("a")).await;
    world
        .wait(&config_map("a"), "made again", |it| it.is_some())
        .await;
}

#[tokio::test]
async fn what_git_no_longer_names_is_pruned_down_to_nothing() {
    let world = World::new().await;
    let first = world.commit(
        &[
            ("e/a.yaml", Some(&config_text("a", "one"))),
            ("e/b.yaml", Some(&config_text("b", "one"))),
        ],
        "add",
    );
    world.application("app", automated()).await;
    world.wait_synced("app", &first).await;
    let second = world.commit(&[("e/a.yaml", None)], "remove one");
    world.notify();
    world.wait_synced("app", &second).await;
    assert!(world.get(&config_map("a")).await.is_none());
    // The folder is still there for its README.
    let third = world.commit(&[("e/b.yaml", None)], "remove the last");
    world.notify();
    let application = world.wait_synced("app", &third).await;
    assert!(world.get(&config_map("b")).await.is_none());
    assert!(application["status"]["resources"].is_null());
}

#[tokio::test]
async fn an_application_without_allow_empty_does_not_wipe_out_everything() {
    let world = World::new().await;
    let first = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    world
        .application("app", json!({"automated": {"prune": true}}))
        .await;
    world.wait_synced("app", &first).await;
    world.commit(&[("e/a.yaml", None)], "remove");
    world.notify();
    let told = |it: &Value| {
        it["status"]["conditions"][0]["message"]
            .as_str()
            .is_some_and(|it| it.contains("wipe out"))
    };
    world.wait_application("app", "refused", told).await;
    assert!(world.get(&config_map("a")).await.is_some());
    // Nor is a folder that is gone an empty one.
    world.commit(&[("e/README.md", None)], "remove the folder");
    world.notify();
    let told = |it: &Value| it.to_string().contains("app path does not exist");
    let application = world.wait_application("app", "refused", told).await;
    assert_eq!(application["status"]["sync"]["status"], "Unknown");
    assert!(world.get(&config_map("a")).await.is_some());
}

#[tokio::test]
async fn broken_yaml_is_named_with_its_place_and_prunes_nothing() {
    let world = World::new().await;
    let first = world.commit(
        &[
            ("e/a.yaml", Some(&config_text("a", "one"))),
            ("e/b.yaml", Some(&config_text("b", "one"))),
        ],
        "add",
    );
    world.application("app", automated()).await;
    world.wait_synced("app", &first).await;
    world.commit(
        &[("e/a.yaml", Some("apiVersion: v1\nkind: ConfigMap\nmetadata: [\n"))],
        "break",
    );
    world.notify();
    let broken = |it: &Value| it["status"]["conditions"][0]["type"] == "ComparisonError";
    let application = world.wait_application("app", "broken", broken).await;
    let message = application["status"]["conditions"][0]["message"]
        .as_str()
        .unwrap();
    assert!(
        message.contains("e/a.yaml:") && message.contains("help:"),
        "{message}"
    );
    assert_eq!(application["status"]["sync"]["status"], "Unknown");
    assert_eq!(application["status"]["health"]["status"], "Healthy");
    assert!(world.get(&config_map("a")).await.is_some());
    // What no longer even looks like an object is passed over, and what came of it stays.
    world.commit(&[("e/a.yaml", Some("nonsense: [\n"))], "break more");
    world.notify();
    let warned = |it: &Value| {
        it["status"]["conditions"][0]["type"] == "ExcludedResourceWarning" && it["operation"].is_null()
    };
    world.wait_application("app", "warned", warned).await;
    assert!(world.get(&config_map("a")).await.is_some());
    // The correction is taken.
    let last = world.commit(&[("e/a.yaml", Some(&config_text("a", "two")))], "mend");
    world.notify();
    let application = world.wait_synced("app", &last).await;
    assert!(application["status"]["conditions"].is_null());
    assert_eq!(world.get(&config_map("a")).await.unwrap()["data"]["value"], "two");
}

#[tokio::test]
async fn a_revert_undoes() {
    let world = World::new().await;
    world.application("app", automated()).await;
    let commit = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    world.notify();
    world.wait_synced("app", &commit).await;
    let reverted = world.revert();
    world.notify();
    world.wait_synced("app", &reverted).await;
    assert!(world.get(&config_map("a")).await.is_none());
}

/// A project whose applications write as a service account that may write `ConfigMap`s in team-b only.
async fn team_b(world: &World, destinations: Value) {
    world
        .apply(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": "team-b", "namespace": "argocd"},
            "spec": {
                "sourceRepos": ["*"], "destinations": destinations,
                "destinationServiceAccounts": [
                    {"server": "*", "namespace": "team-b", "defaultServiceAccount": "gitops"},
                ],
            },
        }))
        .await;
    let metadata = json!({"name": "gitops", "namespace": "team-b"});
    world
        .apply(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata,
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}],
        }))
        .await;
    world
        .apply(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gitops"},
            "subjects": [{"kind": "ServiceAccount", "name": "gitops", "namespace": "team-b"}],
        }))
        .await;
}

#[tokio::test]
async fn a_foreign_namespace_is_refused_in_words() {
    let world = World::new().await;
    let anywhere = json!([{"server": "*", "namespace": "*"}]);
    team_b(&world, anywhere).await;
    let own = world.commit(&[("e/own.yaml", Some(&config_text("own", "one")))], "own");
    world.application_of("app", "team-b", "team-b", automated()).await;
    world.wait_synced("app", &own).await;
    let foreign = config_text("a", "one").replace("name: a", "name: a\n  namespace: team-a");
    world.commit(&[("e/a.yaml", Some(&foreign))], "foreign");
    world.notify();
    let refused = |it: &Value| {
        it["status"]["operationState"]["message"]
            .as_str()
            .is_some_and(|it| it.contains("may not"))
    };
    let application = world.wait_application("app", "refused", refused).await;
    let message = application["status"]["operationState"]["message"]
        .as_str()
        .unwrap();
    for part in [
        "`system:serviceaccount:team-b:gitops`",
        "`configmaps`",
        "namespace `team-a`",
        "platform team",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(application["status"]["conditions"][0]["type"], "SyncError");
    assert!(world.get(&config_map("a")).await.is_none());
    // A correction is not kept waiting by the retries of the refused commit.
    let mended = world.commit(&[("e/a.yaml", None)], "mend");
    world.notify();
    let application = world.wait_synced("app", &mended).await;
    assert!(application["status"]["conditions"].is_null(), "{application:#}");
}

#[tokio::test]
async fn a_project_refuses_what_it_does_not_list() {
    let world = World::new().await;
    team_b(
        &world,
        json!([{"server": "https://kubernetes.default.svc", "namespace": "team-b"}]),
    )
    .await;
    let foreign = config_text("a", "one").replace("name: a", "name: a\n  namespace: team-a");
    world.commit(&[("e/a.yaml", Some(&foreign))], "foreign");
    world.application_of("app", "team-b", "team-b", automated()).await;
    let refused = |it: &Value| {
        it.to_string()
            .contains("namespace team-a is not permitted in project 'team-b'")
    };
    world.wait_application("app", "refused", refused).await;
    world
        .application_of("other", "team-b", "team-a", automated())
        .await;
    let invalid = |it: &Value| it["status"]["conditions"][0]["type"] == "InvalidSpecError";
    world.wait_application("other", "refused", invalid).await;
}

#[tokio::test]
async fn an_unknown_field_is_found_in_its_file() {
    let world = World::new().await;
    let text = format!("{}dataa:\n  x: y\n", config_text("a", "one"));
    world.commit(&[("e/a.yaml", Some(&text))], "typo");
    world.application("app", automated()).await;
    let refused = |it: &Value| {
        it["status"]["operationState"]["message"]
            .as_str()
            .is_some_and(|it| it.contains("e/a.yaml:7:1"))
    };
    world.wait_application("app", "refused", refused).await;
    assert!(world.get(&config_map("a")).await.is_none());
}

#[tokio::test]
async fn a_restart_continues() {
    let mut world = World::new().await;
    let first = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    world.application("app", automated()).await;
    world.wait_synced("app", &first).await;
    let mut second = String::new();
    world
        .restart(async |world| {
            second = world.commit(
                &[("e/a.yaml", None), ("e/b.yaml", Some(&config_text("b", "two")))],
                "meanwhile",
            );
        })
        .await;
    // Nobody tells of the push: what was acted on last is compared at the start.
    world.wait_synced("app", &second).await;
    assert!(world.get(&config_map("a")).await.is_none());
    assert!(world.get(&config_map("b")).await.is_some());
}

#[tokio::test]
async fn an_operation_set_by_anyone_is_carried_out() {
    let world = World::new().await;
    let commit = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    world.application("app", json!({})).await;
    let seen = |it: &Value| it["status"]["sync"]["status"] == "OutOfSync";
    let application = world.wait_application("app", "compared", seen).await;
    assert_eq!(application["status"]["health"]["status"], "Missing");
    assert!(world.get(&config_map("a")).await.is_none());
    let mut asked = application_key("app");
    asked["operation"] = json!({"sync": {"revision": commit}, "initiatedBy": {"username": "alice"}});
    world.merge(asked).await;
    let application = world.wait_synced("app", &commit).await;
    assert_eq!(
        application["status"]["history"][0]["initiatedBy"]["username"],
        "alice"
    );
}

#[tokio::test]
async fn a_refresh_annotation_is_answered_and_removed() {
    let world = World::new().await;
    let first = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    world.application("app", automated()).await;
    world.wait_synced("app", &first).await;
    let second = world.commit(&[("e/a.yaml", Some(&config_text("a", "two")))], "change");
    let mut asked = application_key("app");
    asked["metadata"]["annotations"] = json!({"argocd.argoproj.io/refresh": "hard"});
    world.merge(asked).await;
    let application = world.wait_synced("app", &second).await;
    assert!(application["metadata"]["annotations"]["argocd.argoproj.io/refresh"].is_null());
}

#[tokio::test]
async fn a_deletion_with_the_finalizer_takes_the_objects_along() {
    let world = World::new().await;
    let commit = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    world.application("app", automated()).await;
    let mut kept = application_key("app");
    kept["metadata"]["finalizers"] = json!(["resources-finalizer.argocd.argoproj.io"]);
    world.merge(kept).await;
    world.wait_synced("app", &commit).await;
    world.delete(application_key("app")).await;
    world
        .wait(&application_key("app"), "gone", |it| it.is_none())
        .await;
    assert!(world.get(&config_map("a")).await.is_none());
}

const CLAIMS: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: databases.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Database, plural: databases, singular: database, listKind: DatabaseList, categories: [claim]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer}}}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

fn claim() -> Value {
    json!({"apiVersion": "example.org/v1", "kind": "Database", "metadata": {"name": "d", "namespace": "team-a"}})
}

#[tokio::test]
async fn a_claim_lends_its_health_and_comes_back_with_a_warning() {
    let world = World::new().await;
    let text = "apiVersion: example.org/v1\nkind: Database\nmetadata: {name: d}\nspec: {size: 1}\n";
    let commit = world.commit(&[("e/crd.yaml", Some(CLAIMS)), ("e/d.yaml", Some(text))], "add");
    world.application("app", automated()).await;
    let application = world.wait_synced("app", &commit).await;
    assert_eq!(application["status"]["health"]["status"], "Progressing");
    let conditions = json!([{"type": "Synced", "status": "True"}, {"type": "Ready", "status": "True"}]);
    world
        .set_status(&claim(), json!({"conditions": conditions}))
        .await;
    let healthy = |it: &Value| it["status"]["health"]["status"] == "Healthy";
    world.wait_application("app", "healthy", healthy).await;
    world.delete(claim()).await;
    world
        .wait(&claim(), "made again", |it| {
            it.is_some_and(|it| it["status"].is_null())
        })
        .await;
    for namespace in ["argocd", "team-a"] {
        let told = world.events(namespace, "RecreatedEmpty").await;
        assert!(
            told[0].contains("EMPTY") && told[0].contains("deletionPolicy: Orphan"),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn a_kind_that_comes_later_is_synced_without_waiting_for_the_retry() {
    let world = World::new().await;
    let text = "apiVersion: example.org/v1\nkind: Database\nmetadata: {name: d}\nspec: {size: 1}\n";
    let commit = world.commit(&[("e/d.yaml", Some(text))], "add");
    world.application("app", automated()).await;
    let refused = |it: &Value| it.to_string().contains("serves no kind `Database`");
    world.wait_application("app", "refused", refused).await;
    let began = std::time::Instant::now();
    world.apply(yaml(CLAIMS)).await;
    world.wait_synced("app", &commit).await;
    assert!(
        began.elapsed() < std::time::Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn waves_wait_for_health() {
    let world = World::new().await;
    let first = "apiVersion: example.org/v1\nkind: Database\nmetadata: {name: d}\nspec: {size: 1}\n";
    let second = config_text("a", "one").replace(
        "name: a",
        "name: a\n  annotations: {argocd.argoproj.io/sync-wave: '1'}",
    );
    let commit = world.commit(
        &[
            ("e/crd.yaml", Some(CLAIMS)),
            ("e/d.yaml", Some(first)),
            ("e/a.yaml", Some(&second)),
        ],
        "add",
    );
    world.application("app", automated()).await;
    let waits = |it: &Value| {
        it.to_string()
            .contains("waiting for healthy state of database.example.org/d")
    };
    world.wait_application("app", "waiting", waits).await;
    assert!(world.get(&config_map("a")).await.is_none());
    world
        .set_status(
            &claim(),
            json!({"conditions": [{"type": "Ready", "status": "True"}]}),
        )
        .await;
    world.wait_synced("app", &commit).await;
    assert!(world.get(&config_map("a")).await.is_some());
}

#[tokio::test]
async fn an_operation_that_was_interrupted_goes_on_after_a_restart() {
    let mut world = World::new().await;
    let first = world.commit(&[("e/a.yaml", Some(&config_text("a", "one")))], "add");
    world.application("app", json!({})).await;
    world
        .wait_application("app", "compared", |it| {
            it["status"]["sync"]["status"] == "OutOfSync"
        })
        .await;
    let operation = json!({"sync": {"revision": first}, "initiatedBy": {"username": "alice"}});
    world
        .restart(async |world| {
            let mut begun = application_key("app");
            begun["operation"] = operation.clone();
            begun["status"]["operationState"] =
                json!({"operation": operation, "phase": "Running", "startedAt": "2026-01-01T00:00:00Z"});
            world.merge(begun).await;
        })
        .await;
    let application = world.wait_synced("app", &first).await;
    assert_eq!(
        application["status"]["operationState"]["startedAt"],
        "2026-01-01T00:00:00Z"
    );
    assert_eq!(application["status"]["operationState"]["phase"], "Succeeded");
}

fn yaml(text: &str) -> Value {
    pave_yaml::parse("x.yaml", text, pave_yaml::Dialect::Kubernetes).0[0].to_value()
}
