//! Lists: what they select, their pages, and long ones as tables and as metadata only, against the same made another way.
#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is a panic")]

mod support;

use std::collections::BTreeSet;

use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use support::*;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const PARTIAL: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
const WIDGETS: &str = "/apis/example.com/v1/widgets";

async fn ask(client: &kube::Client, path: &str, accept: &str) -> String {
    let request = http::Request::get(path).header("accept", accept);
    client
        .request_text(request.body(Vec::new()).unwrap())
        .await
        .unwrap()
}

async fn read(client: &kube::Client, path: &str, accept: &str) -> Value {
    serde_json::from_str(&ask(client, path, accept).await).unwrap()
}

/// More widgets than fit into one piece of an answer, in two namespaces.
async fn widgets(world: &World, count: usize) -> kube::Client {
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
    let creations = (0..count).map(|index| {
        let namespace = if index % 5 == 0 { "kube-public" } else { "default" };
        let widgets = api(&client, "example.com/v1", "Widget", Some(namespace));
        async move {
            let mut widget = widget(
                &format!("w-{index:04}"),
                if index % 2 == 0 { "small" } else { "large" },
            );
            widget["metadata"]["labels"] = json!({ "part": format!("p{}", index % 3) });
            widget["metadata"]["annotations"] =
                json!({ "note": format!("\"metadata\":{{\\ 😀 {}", "x".repeat(600)) });
            widgets
                .create(&PostParams::default(), &object(widget))
                .await
                .unwrap();
        }
    });
    futures::future::join_all(creations).await;
    client
}

/// Ages may pass a second between two looks.
fn without_ages(mut answer: Value) -> Value {
    for row in answer["rows"].as_array_mut().into_iter().flatten() {
        for cell in row["cells"].as_array_mut().into_iter().flatten() {
            let is_age = cell
                .as_str()
                .is_some_and(|cell| cell.ends_with('s') && cell.len() < 5);
            if is_age {
                *cell = json!("age");
            }
        }
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_select_and_page_over_one_snapshot() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("team"));
    let spaces = api(&client, "v1", "Namespace", None);
    let space = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team" } });
    spaces
        .create(&PostParams::default(), &object(space))
        .await
        .unwrap();
    for index in 0..5 {
        let mut map = config_map(&format!("m{index}"), &json!({}));
        map.metadata.labels = Some([("parity".to_owned(), (index % 2).to_string())].into());
        maps.create(&PostParams::default(), &map).await.unwrap();
    }
    let odd = maps
        .list(&ListParams::default().labels("parity=1"))
        .await
        .unwrap();
    assert_eq!(odd.items.len(), 2);
    let one = maps
        .list(&ListParams::default().fields("metadata.name=m3"))
        .await
        .unwrap();
    assert_eq!(one.items.len(), 1);

    let first = maps
        .list(&ListParams::default().labels("parity").limit(2))
        .await
        .unwrap();
    maps.delete("m3", &DeleteParams::default()).await.unwrap();
    let token = first.metadata.continue_.clone().unwrap();
    let rest = maps
        .list(
            &ListParams::default()
                .labels("parity")
                .limit(10)
                .continue_token(&token),
        )
        .await
        .unwrap();
    assert_eq!(
        rest.items.len(),
        3,
        "the page shows the snapshot of the first, with what was deleted since"
    );
    assert_eq!(rest.metadata.resource_version, first.metadata.resource_version);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_from_the_future_times_out() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("default"));
    let error = maps.list(&ListParams::default().at("999999")).await.unwrap_err();
    assert_eq!(code(&error), 504);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_says_the_same_compactly_and_indented() {
    let world = world().await;
    let client = widgets(&world, 400).await;
    let kinds = [
        WIDGETS,
        "/apis/example.com/v1/namespaces/default/widgets",
        "/api/v1/namespaces",
        "/api/v1/pods",
    ];
    let selections = [
        "",
        "limit=7",
        "limit=1000",
        "labelSelector=part%3Dp1",
        "labelSelector=part%3Dp1&limit=3",
        "fieldSelector=metadata.name%3Dw-0001",
        "includeObject=None",
        "includeObject=Object",
        "includeObject=Metadata&limit=2",
    ];
    let now = read(&client, WIDGETS, PARTIAL).await;
    let revision = now["metadata"]["resourceVersion"].as_str().unwrap();
    for kind in kinds {
        for selection in selections {
            for accept in [TABLE, PARTIAL, "application/json"] {
                // Others may write between two looks.
                let path =
                    format!("{kind}?resourceVersion={revision}&resourceVersionMatch=Exact&{selection}");
                let compact = read(&client, &path, accept).await;
                let indented = read(&client, &format!("{path}&pretty=1"), accept).await;
                assert_eq!(without_ages(compact), without_ages(indented), "{path} {accept}");
            }
        }
    }
    let list = read(&client, WIDGETS, PARTIAL).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 400);
    assert!(list.to_string().len() > 300_000, "the answer came in pieces");
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    let item = &list["items"][0];
    assert_eq!(item["kind"], "PartialObjectMetadata");
    assert!(item.get("spec").is_none() && item["metadata"]["managedFields"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_table_agree_with_the_objects() {
    let world = world().await;
    let client = widgets(&world, 200).await;
    let whole = read(&client, WIDGETS, "application/json").await;
    let table = read(&client, &format!("{WIDGETS}?includeObject=Object"), TABLE).await;
    let names: Vec<&Value> = table["columnDefinitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| &column["name"])
        .collect();
    assert_eq!(names, ["Name", "Size", "Ready"]);
    let (rows, items) = (
        table["rows"].as_array().unwrap(),
        whole["items"].as_array().unwrap(),
    );
    assert_eq!(rows.len(), items.len());
    for (row, item) in rows.iter().zip(items) {
        assert_eq!(row["object"], *item);
        assert_eq!(
            row["cells"],
            json!([item["metadata"]["name"], item["spec"]["size"], null])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_of_one_snapshot_whatever_happens_meanwhile() {
    let world = world().await;
    let client = widgets(&world, 60).await;
    let selections = ["", "&labelSelector=part%3Dp1"];
    for (kind, selection) in [WIDGETS, "/apis/example.com/v1/namespaces/default/widgets"]
        .iter()
        .zip(selections)
    {
        let whole = read(
            &client,
            &format!("{kind}?{}", selection.trim_start_matches('&')),
            "application/json",
        )
        .await;
        let everything = whole["items"].as_array().unwrap();
        let (mut pages, mut token) = (Vec::new(), String::new());
        let mut revisions = BTreeSet::new();
        loop {
            let path = format!("{kind}?limit=7&continue={token}{selection}");
            let page = read(&client, &path, "application/json").await;
            // Others may write between two requests, but one list is of one revision.
            revisions.insert(page["metadata"]["resourceVersion"].to_string());
            pages.extend(page["items"].as_array().unwrap().iter().cloned());
            let left = page["metadata"].get("remainingItemCount").and_then(Value::as_u64);
            let expected = (everything.len() - pages.len()) as u64;
            assert_eq!(left, (selection.is_empty() && expected > 0).then_some(expected));
            match page["metadata"]["continue"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
            disturb(&client, pages.len()).await;
        }
        assert_eq!(pages, *everything);
        assert_eq!(revisions.len(), 1);
    }
}

/// Changes, removes, makes again and adds objects before and behind the place that a list has reached.
async fn disturb(client: &kube::Client, step: usize) {
    let widgets = api(client, "example.com/v1", "Widget", Some("default"));
    for name in ["w-0001", "w-0058"] {
        let patch = json!({ "metadata": { "labels": { "step": step.to_string(), "part": format!("p{}", step % 3) } } });
        widgets
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }
    for name in ["w-0002", "w-0057"] {
        widgets.delete(name, &DeleteParams::default()).await.unwrap();
        widgets
            .create(&PostParams::default(), &object(widget(name, "large")))
            .await
            .unwrap();
    }
    for name in ["a", "w-0030", "z"].map(|name| format!("{name}-{step}")) {
        widgets
            .create(&PostParams::default(), &object(widget(&name, "small")))
            .await
            .ok();
    }
}
