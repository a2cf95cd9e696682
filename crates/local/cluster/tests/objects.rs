//! Create, read, update, delete, patch, list and watch through `kube::Client` in process.

mod support;

use futures::TryStreamExt;
use kube::Resource as _;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, PropagationPolicy, WatchParams};
use serde_json::{Value, json};
use support::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_object_lives_and_dies() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("default"));
    let made = maps
        .create(&PostParams::default(), &config_map("a", &json!({ "k": "v" })))
        .await
        .unwrap();
    assert!(made.metadata.uid.is_some() && made.metadata.creation_timestamp.is_some());
    assert!(made.metadata.managed_fields.is_some(), "writers are tracked");
    let again = maps
        .create(&PostParams::default(), &config_map("a", &json!({})))
        .await
        .unwrap_err();
    assert_eq!(code(&again), 409);

    let mut stale = made.clone();
    stale.data["data"]["k"] = json!("w");
    let updated = maps.replace("a", &PostParams::default(), &stale).await.unwrap();
    assert_ne!(updated.metadata.resource_version, made.metadata.resource_version);
    stale.data["data"]["k"] = json!("x");
    assert_eq!(
        code(
            &maps
                .replace("a", &PostParams::default(), &stale)
                .await
                .unwrap_err()
        ),
        409
    );

    let unchanged = maps.replace("a", &PostParams::default(), &updated).await.unwrap();
    assert_eq!(
        unchanged.metadata.resource_version, updated.metadata.resource_version,
        "a no-op makes no revision"
    );

    maps.delete("a", &DeleteParams::default()).await.unwrap();
    assert_eq!(code(&maps.get("a").await.unwrap_err()), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_names_and_missing_namespaces() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("default"));
    let value = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "generateName": "x-" } });
    let made = maps
        .create(&PostParams::default(), &object(value.clone()))
        .await
        .unwrap();
    assert_eq!(made.metadata.name.unwrap().len(), 7);
    let nowhere = api(&client, "v1", "ConfigMap", Some("nowhere"));
    let error = nowhere
        .create(&PostParams::default(), &object(value))
        .await
        .unwrap_err();
    assert_eq!(code(&error), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_of_four_kinds() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("default"));
    let body =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "p" }, "data": { "a": "1" } });
    let apply = PatchParams::apply("one");
    let made = maps.patch("p", &apply, &Patch::Apply(&body)).await.unwrap();
    let same = maps.patch("p", &apply, &Patch::Apply(&body)).await.unwrap();
    assert_eq!(
        made.metadata.resource_version, same.metadata.resource_version,
        "applying the same is no write"
    );

    let other =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "p" }, "data": { "a": "2" } });
    let conflict = maps
        .patch("p", &PatchParams::apply("two"), &Patch::Apply(&other))
        .await
        .unwrap_err();
    assert_eq!(code(&conflict), 409);
    assert!(
        conflict.to_string().contains("conflict with \"one\""),
        "{conflict}"
    );
    let forced = maps
        .patch("p", &PatchParams::apply("two").force(), &Patch::Apply(&other))
        .await
        .unwrap();
    assert_eq!(forced.data["data"]["a"], "2");

    let none = PatchParams::default();
    let merged = maps
        .patch("p", &none, &Patch::Merge(json!({ "data": { "b": "3" } })))
        .await
        .unwrap();
    assert_eq!(merged.data["data"], json!({ "a": "2", "b": "3" }));
    let strategic = maps
        .patch("p", &none, &Patch::Strategic(json!({ "data": { "b": null } })))
        .await
        .unwrap();
    assert_eq!(strategic.data["data"], json!({ "a": "2" }));
    let operations =
        serde_json::from_value(json!([{ "op": "add", "path": "/data/c", "value": "4" }])).unwrap();
    let patched = maps
        .patch("p", &none, &Patch::Json::<()>(operations))
        .await
        .unwrap();
    assert_eq!(patched.data["data"]["c"], "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_resumes_exactly_where_a_list_ended() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("default"));
    let labelled = |name: &str, on: &str| {
        let mut map = config_map(name, &json!({}));
        map.metadata.labels = Some([("on".to_owned(), on.to_owned())].into());
        map
    };
    let parameters = ListParams::default().labels("on=yes");
    let list = maps.list(&parameters).await.unwrap();
    let revision = list.metadata.resource_version.unwrap();
    maps.create(&PostParams::default(), &labelled("w", "no"))
        .await
        .unwrap();
    let on = Patch::Merge(json!({ "metadata": { "labels": { "on": "yes" } } }));
    maps.patch("w", &PatchParams::default(), &on).await.unwrap();

    let stream = maps
        .watch(&WatchParams::default().labels("on=yes"), &revision)
        .await
        .unwrap();
    let mut stream = std::pin::pin!(stream);
    assert_eq!(next(&mut stream).await, ("ADDED", "w".to_owned()));
    let more = Patch::Merge(json!({ "data": { "x": "1" } }));
    maps.patch("w", &PatchParams::default(), &more).await.unwrap();
    assert_eq!(next(&mut stream).await, ("MODIFIED", "w".to_owned()));
    let off = Patch::Merge(json!({ "metadata": { "labels": { "on": "no" } } }));
    maps.patch("w", &PatchParams::default(), &off).await.unwrap();
    assert_eq!(next(&mut stream).await, ("DELETED", "w".to_owned()));

    let stream = maps
        .watch(&WatchParams::default().fields("metadata.name=w"), "0")
        .await
        .unwrap();
    let mut stream = std::pin::pin!(stream);
    assert_eq!(next(&mut stream).await, ("ADDED", "w".to_owned()));
    maps.delete("w", &DeleteParams::default()).await.unwrap();
    assert_eq!(next(&mut stream).await, ("DELETED", "w".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streaming_list_ends_with_a_bookmark() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("kube-public"));
    maps.create(&PostParams::default(), &config_map("s", &json!({})))
        .await
        .unwrap();
    let parameters = WatchParams::default().initial_events().fields("metadata.name=s");
    let stream = maps.watch(&parameters, "0").await.unwrap();
    let mut stream = std::pin::pin!(stream);
    assert_eq!(next(&mut stream).await.0, "ADDED");
    let bookmark = stream.try_next().await.unwrap().unwrap();
    let kube::api::WatchEvent::Bookmark(bookmark) = bookmark else {
        panic!("a bookmark, not {bookmark:?}")
    };
    assert_eq!(bookmark.metadata.annotations["k8s.io/initial-events-end"], "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn finalizers_delay_and_owners_collect() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("default"));
    let mut held = config_map("held", &json!({}));
    held.metadata.finalizers = Some(vec!["example.com/hold".to_owned()]);
    let owner = maps.create(&PostParams::default(), &held).await.unwrap();
    let child = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "child", "ownerReferences": [
        { "apiVersion": "v1", "kind": "ConfigMap", "name": "held", "uid": owner.metadata.uid } ] } });
    maps.create(&PostParams::default(), &object(child)).await.unwrap();

    let answer = maps.delete("held", &DeleteParams::default()).await.unwrap();
    let waiting = answer.left().expect("the object, since a finalizer holds it");
    assert!(waiting.metadata.deletion_timestamp.is_some());
    assert!(maps.get("child").await.is_ok());
    let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    maps.patch("held", &PatchParams::default(), &release)
        .await
        .unwrap();
    assert_eq!(code(&maps.get("held").await.unwrap_err()), 404);
    eventually("the child goes with its owner", || async {
        maps.get("child").await.is_err()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreground_waits_for_dependents_and_orphan_lets_them_be() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("default"));
    let child = |name: &str, owner: &str, uid: &Option<String>, finalizers: &[&str]| {
        object(
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "finalizers": finalizers,
            "ownerReferences": [{ "apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid,
                "blockOwnerDeletion": true, "controller": true }] } }),
        )
    };
    let owner = maps
        .create(&PostParams::default(), &config_map("f", &json!({})))
        .await
        .unwrap();
    let held = child("f-child", "f", &owner.metadata.uid, &["example.com/hold"]);
    maps.create(&PostParams::default(), &held).await.unwrap();
    let foreground = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Foreground),
        ..DeleteParams::default()
    };
    maps.delete("f", &foreground).await.unwrap();
    eventually("the child is asked to go first", || async {
        maps.get("f-child")
            .await
            .unwrap()
            .metadata
            .deletion_timestamp
            .is_some()
    })
    .await;
    assert!(maps.get("f").await.is_ok(), "the owner waits");
    let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    maps.patch("f-child", &PatchParams::default(), &release)
        .await
        .unwrap();
    eventually("the owner follows", || async { maps.get("f").await.is_err() }).await;

    let owner = maps
        .create(&PostParams::default(), &config_map("o", &json!({})))
        .await
        .unwrap();
    maps.create(
        &PostParams::default(),
        &child("o-child", "o", &owner.metadata.uid, &[]),
    )
    .await
    .unwrap();
    let orphan = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Orphan),
        ..DeleteParams::default()
    };
    maps.delete("o", &orphan).await.unwrap();
    eventually("the owner goes", || async { maps.get("o").await.is_err() }).await;
    let left = maps.get("o-child").await.unwrap();
    assert!(left.metadata.owner_references.unwrap_or_default().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_takes_its_contents_along() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let spaces = api(&client, "v1", "Namespace", None);
    let space = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "gone" } });
    spaces
        .create(&PostParams::default(), &object(space))
        .await
        .unwrap();
    let accounts = api(&client, "v1", "ServiceAccount", Some("gone"));
    eventually("the default account", || async {
        accounts.get("default").await.is_ok()
    })
    .await;
    let maps = api(&client, "v1", "ConfigMap", Some("gone"));
    eventually("the authority", || async {
        maps.get("kube-root-ca.crt").await.is_ok()
    })
    .await;
    let mut held = config_map("held", &json!({}));
    held.metadata.finalizers = Some(vec!["example.com/hold".to_owned()]);
    maps.create(&PostParams::default(), &held).await.unwrap();
    spaces.delete("gone", &DeleteParams::default()).await.unwrap();
    let refused = maps
        .create(&PostParams::default(), &config_map("late", &json!({})))
        .await
        .unwrap_err();
    assert_eq!(code(&refused), 403);
    assert!(spaces.get("gone").await.is_ok());
    let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    maps.patch("held", &PatchParams::default(), &release)
        .await
        .unwrap();
    eventually("the namespace goes", || async {
        spaces.get("gone").await.is_err()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_wrong_type_are_named() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let check = async |api_version: &str, kind: &str, namespace: Option<&str>, more: Value| {
        let mut value = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": "x" } });
        for (key, part) in more.as_object().unwrap() {
            value[key] = part.clone();
        }
        let body = serde_json::to_vec(&value).unwrap();
        let resource = kube::core::ApiResource::from_gvk(&gvk(api_version, kind));
        let url = kube::api::Request::new(kube::api::DynamicObject::url_path(&resource, namespace));
        let request = url.create(&PostParams::default(), body).unwrap();
        let error = client.request::<Value>(request).await.unwrap_err();
        assert!(matches!(code(&error), 400 | 422), "{more}: {error}");
    };
    check("v1", "Namespace", None, json!({ "spec": "text" })).await;
    check(
        "v1",
        "Namespace",
        None,
        json!({ "metadata": { "name": "x", "labels": "text" } }),
    )
    .await;
    check("v1", "Namespace", None, json!({ "metadata": "text" })).await;
    check(
        "v1",
        "Secret",
        Some("default"),
        json!({ "data": "text", "stringData": { "a": "b" } }),
    )
    .await;
    let rbac = "rbac.authorization.k8s.io/v1";
    check(
        rbac,
        "RoleBinding",
        Some("default"),
        json!({ "roleRef": "text", "subjects": ["text"] }),
    )
    .await;
    let extensions = "apiextensions.k8s.io/v1";
    check(
        extensions,
        "CustomResourceDefinition",
        None,
        json!({ "spec": "text" }),
    )
    .await;
    check(
        extensions,
        "CustomResourceDefinition",
        None,
        json!({ "spec": { "versions": ["a"], "names": 1 } }),
    )
    .await;
}

fn gvk(api_version: &str, kind: &str) -> kube::core::GroupVersionKind {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    kube::core::GroupVersionKind::gvk(group, version, kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_one_thing_seen_through_two_apis() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let event = json!({ "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": "e" },
        "eventTime": "2026-01-02T03:04:05.000006Z", "reportingController": "pave", "reportingInstance": "pave-0",
        "action": "Look", "reason": "Seen", "type": "Normal", "note": "it was seen",
        "regarding": { "apiVersion": "v1", "kind": "ConfigMap", "name": "a", "namespace": "default" } });
    let new = api(&client, "events.k8s.io/v1", "Event", Some("default"));
    let made = new.create(&PostParams::default(), &object(event)).await.unwrap();
    assert_eq!(made.data["note"], "it was seen");
    let old = api(&client, "v1", "Event", Some("default"));
    let found = old
        .list(&ListParams::default().fields("involvedObject.name=a"))
        .await
        .unwrap();
    assert_eq!(
        (found.items.len(), &found.items[0].data["message"]),
        (1, &json!("it was seen"))
    );
}
