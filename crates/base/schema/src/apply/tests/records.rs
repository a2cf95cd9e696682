//! What `managedFields` says, beyond the fields of the object itself.

use serde_json::{Value, json};

use super::{A, ApplyRequest, Scene, U, Writer, apply};

#[test]
fn objects_from_before_belong_to_before_first_apply() {
    let mut scene = Scene::with(
        json!({ "apiVersion": "e/v1", "kind": "T", "metadata": { "name": "t" },
        "spec": { "size": 1, "mode": "auto" }, "status": { "phase": "Up" } }),
    );
    assert!(
        scene
            .conflict("alice", &json!({ "size": 2 }))
            .contains(r#""before-first-apply" using e/v1: .spec.size"#)
    );
    assert!(scene.apply("alice", &json!({ "size": 1 })));
    scene.check(
        &json!({ "size": 1, "mode": "auto" }),
        &[
            ("alice", A, json!({ "f:spec": { "f:size": {} } })),
            (
                "before-first-apply",
                U,
                json!({ "f:spec": { ".": {}, "f:mode": {}, "f:size": {} } }),
            ),
        ],
    );
}

#[test]
fn status_is_apart() {
    let mut scene = Scene::new();
    let body = json!({ "apiVersion": "e/v1", "kind": "T", "metadata": { "name": "t", "labels": { "a": "b" } },
        "spec": { "size": 1 }, "status": { "phase": "Up" } });
    scene.try_apply_body("alice", "", &body, false).unwrap();
    assert_eq!(scene.stored.as_ref().unwrap().get("status"), None);
    assert_eq!(
        scene.fields("alice", A),
        json!({ "f:metadata": { "f:labels": { "f:a": {} } }, "f:spec": { "f:size": {} } })
    );

    let applied = scene.try_apply_body("alice", "status", &body, false).unwrap();
    assert_eq!(applied.object["status"], json!({ "phase": "Up" }));
    let entry = applied.managed.find("alice", A, "status").unwrap();
    assert_eq!(entry.fields.to_json(), json!({ "f:status": { "f:phase": {} } }));
    assert_eq!(applied.managed.entries.len(), 2);

    scene.update_sub("controller", "status", |object| {
        object["status"]["phase"] = json!("Down");
    });
    let managed = scene.managed();
    assert_eq!(
        managed.find("controller", U, "status").unwrap().fields.to_json(),
        json!({ "f:status": { "f:phase": {} } })
    );
    assert_eq!(managed.find("alice", A, "status"), None);
    let body = json!({ "status": { "phase": "Up" } });
    let error = scene.try_apply_body("alice", "status", &body, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"Apply failed with 1 conflict: conflict with "controller" with subresource "status" using e/v1: .status.phase"#
    );
}

#[test]
fn metadata_of_the_server_is_never_tracked() {
    let mut scene = Scene::new();
    scene.update("creator", |object| {
        object["metadata"] = json!({ "name": "t", "namespace": "n", "uid": "u", "creationTimestamp": "x",
            "finalizers": ["a"], "annotations": { "k": "v" } });
    });
    assert_eq!(
        scene.fields("creator", U),
        json!({ "f:metadata": { "f:annotations": { ".": {}, "f:k": {} }, "f:finalizers": { ".": {}, "v:\"a\"": {} } },
            "f:spec": {} })
    );
}

#[test]
fn the_oldest_updaters_become_ancient() {
    let mut scene = Scene::new();
    for number in 0..13 {
        scene.update(&format!("manager-{number:02}"), |object| {
            object["spec"]["free"][format!("k{number}")] = json!(number);
        });
    }
    let managed = scene.managed();
    assert_eq!(managed.entries.len(), 10);
    let ancient = managed.find("ancient-changes", U, "").unwrap();
    assert_eq!(ancient.time.as_deref(), Some("2026-01-01T00:00:04Z"));
    let free = ancient.fields.to_json()["f:spec"]["f:free"].clone();
    assert_eq!(
        free,
        json!({ ".": {}, "f:k0": {}, "f:k1": {}, "f:k2": {}, "f:k3": {} })
    );
    assert!(managed.find("manager-03", U, "").is_none());
    assert!(managed.find("manager-04", U, "").is_some());
}

#[test]
fn managed_fields_of_an_update() {
    let check = |given: Option<Value>, remaining: usize| {
        let mut scene = Scene::new();
        scene.apply("alice", &json!({ "size": 1 }));
        scene.update("editor", |object| {
            let metadata = object["metadata"].as_object_mut().unwrap();
            match given {
                Some(given) => metadata.insert("managedFields".to_owned(), given),
                None => metadata.remove("managedFields"),
            };
        });
        assert_eq!(scene.managed().entries.len(), remaining);
    };
    check(None, 1);
    check(Some(json!([])), 0);
    check(Some(json!([{}])), 0);
    check(Some(json!("nonsense")), 1);
    check(Some(json!([{ "manager": "x", "operation": "Bogus" }])), 1);
    check(
        Some(json!([
            { "manager": "x", "operation": "Update", "apiVersion": "e/v1", "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": {} } },
            { "manager": "y", "operation": "Apply", "apiVersion": "e/v1", "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": {} } }
        ])),
        2,
    );
}

#[test]
fn kubectl_takes_over_from_its_client_side_self() {
    let applied = json!({ "apiVersion": "e/v1", "kind": "T", "metadata": { "name": "t" }, "spec": { "size": 1, "color": "red" } });
    let annotate = |object: &mut Value| {
        *object = applied.clone();
        object["metadata"]["annotations"] =
            json!({ "kubectl.kubernetes.io/last-applied-configuration": applied.to_string() });
    };
    let mut scene = Scene::new();
    scene.update("kubectl-client-side-apply", annotate);
    assert!(
        scene
            .conflict("alice", &json!({ "size": 2 }))
            .contains("kubectl-client-side-apply")
    );
    scene.apply("kubectl", &json!({ "size": 2, "color": "red" }));
    assert_eq!(scene.spec()["size"], json!(2));
    let annotation = &scene.stored.as_ref().unwrap()["metadata"]["annotations"];
    let text = annotation["kubectl.kubernetes.io/last-applied-configuration"]
        .as_str()
        .unwrap();
    assert!(text.contains(r#""size":2"#) && text.ends_with('\n'), "{text}");

    let mut scene = Scene::new();
    scene.update("kubectl-client-side-apply", annotate);
    scene.update("editor", |object| object["spec"]["size"] = json!(7));
    assert_eq!(
        scene.conflict("kubectl", &json!({ "size": 2, "color": "blue" })),
        r#"Apply failed with 1 conflict: conflict with "editor" using e/v1: .spec.size"#
    );
}

#[test]
fn appliers_stay_the_same_over_versions() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "size": 1 }));
    let body =
        json!({ "apiVersion": "e/v2", "kind": "T", "metadata": { "name": "t" }, "spec": { "color": "red" } });
    let writer = Writer {
        manager: "alice",
        api_version: "e/v2",
        subresource: "",
        now: "now",
        has_status: true,
    };
    let request = ApplyRequest {
        schema: &scene.schema,
        live: scene.stored.as_ref(),
        body: &body,
        writer,
        force: false,
    };
    let applied = apply(&request).unwrap();
    assert_eq!(applied.object["spec"], json!({ "color": "red", "mode": "auto" }));
    assert_eq!(applied.managed.entries.len(), 1);
    assert_eq!(applied.managed.entries[0].api_version, "e/v2");
}
