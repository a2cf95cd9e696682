//! Custom kinds: from definition to object and back.

mod support;

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;
use support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_is_served_the_moment_it_is_defined() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let definitions = api(
        &client,
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        None,
    );
    let made = definitions
        .create(&PostParams::default(), &object(widget_definition()))
        .await
        .unwrap();
    let conditions = made.data["status"]["conditions"].as_array().unwrap().clone();
    assert!(
        conditions
            .iter()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    );
    let widgets = api(&client, "example.com/v1", "Widget", Some("default"));
    let mut value = widget("w", "small");
    value["spec"]["colour"] = json!("red");
    value["status"] = json!({ "ready": true });
    let made = widgets
        .create(&PostParams::default(), &object(value))
        .await
        .unwrap();
    assert_eq!(
        made.data["spec"],
        json!({ "size": "small", "replicas": 1 }),
        "pruned and defaulted"
    );
    assert!(made.data.get("status").is_none(), "status has its own path");
    assert_eq!(made.metadata.generation, Some(1));

    let status = Patch::Merge(json!({ "status": { "ready": true }, "spec": { "size": "large" } }));
    let patched = widgets
        .patch_status("w", &PatchParams::default(), &status)
        .await
        .unwrap();
    assert_eq!(
        (&patched.data["status"]["ready"], &patched.data["spec"]["size"]),
        (&json!(true), &json!("small"))
    );
    assert_eq!(patched.metadata.generation, Some(1));
    let spec = Patch::Merge(json!({ "spec": { "size": "large" } }));
    let patched = widgets.patch("w", &PatchParams::default(), &spec).await.unwrap();
    assert_eq!(patched.metadata.generation, Some(2));
    assert_eq!(patched.data["status"]["ready"], true);

    let wrong = widgets
        .create(&PostParams::default(), &object(widget("x", "huge")))
        .await
        .unwrap_err();
    assert_eq!(code(&wrong), 422);
    let strategic = widgets
        .patch("w", &PatchParams::default(), &Patch::Strategic(json!({})))
        .await
        .unwrap_err();
    assert_eq!(code(&strategic), 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_objects_follow_a_changed_schema() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let definitions = api(
        &client,
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        None,
    );
    definitions
        .create(&PostParams::default(), &object(widget_definition()))
        .await
        .unwrap();
    let widgets = api(&client, "example.com/v1", "Widget", Some("default"));
    widgets
        .create(&PostParams::default(), &object(widget("w", "small")))
        .await
        .unwrap();
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    let operations = serde_json::from_value(json!([
        { "op": "remove", "path": format!("{path}/replicas") },
        { "op": "add", "path": format!("{path}/colour"), "value": { "type": "string", "default": "red" } },
    ]))
    .unwrap();
    let change = Patch::Json::<()>(operations);
    definitions
        .patch("widgets.example.com", &PatchParams::default(), &change)
        .await
        .unwrap();
    let read = widgets.get("w").await.unwrap();
    assert_eq!(read.data["spec"], json!({ "size": "small", "colour": "red" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_takes_its_objects_along() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let definitions = api(
        &client,
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        None,
    );
    definitions
        .create(&PostParams::default(), &object(widget_definition()))
        .await
        .unwrap();
    let widgets = api(&client, "example.com/v1", "Widget", Some("default"));
    let mut held = widget("held", "small");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    widgets
        .create(&PostParams::default(), &object(held))
        .await
        .unwrap();
    definitions
        .delete("widgets.example.com", &DeleteParams::default())
        .await
        .unwrap();
    let late = widgets
        .create(&PostParams::default(), &object(widget("late", "small")))
        .await
        .unwrap_err();
    assert_eq!(code(&late), 403);
    eventually("the object is asked to go", || async {
        widgets
            .get("held")
            .await
            .unwrap()
            .metadata
            .deletion_timestamp
            .is_some()
    })
    .await;
    let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    widgets
        .patch("held", &PatchParams::default(), &release)
        .await
        .unwrap();
    eventually("the definition goes", || async {
        definitions.get("widgets.example.com").await.is_err()
    })
    .await;
    assert_eq!(code(&widgets.get("held").await.unwrap_err()), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_is_not_structural_is_refused() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let definitions = api(
        &client,
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        None,
    );
    let mut wrong = widget_definition();
    wrong["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"] =
        json!({ "description": "no type" });
    let error = definitions
        .create(&PostParams::default(), &object(wrong))
        .await
        .unwrap_err();
    assert_eq!(code(&error), 422);
    let mut misnamed = widget_definition();
    misnamed["metadata"]["name"] = json!("wrong.example.com");
    assert_eq!(
        code(
            &definitions
                .create(&PostParams::default(), &object(misnamed))
                .await
                .unwrap_err()
        ),
        422
    );
}
