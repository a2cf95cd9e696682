use serde_json::{Value, json};

use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_the_file_are_refused_with_their_place() {
    let scene = Scene::new().await;
    let definition = scene
        .define("bad", "trigger: none\nsteps:\n- task: Frobnicate@1\n")
        .await;
    let path = format!("pipelines/{definition}/runs");
    let refused = scene
        .call_as(&scene.admin, "POST", &path, json!({}))
        .await
        .unwrap_err();
    assert_eq!(refused.status, 400);
    assert!(
        refused.message.contains("/bad.yml (Line: 3") && refused.message.contains("Frobnicate"),
        "{}",
        refused.message
    );
    let text = "trigger: none\nsteps:\n- script: echo hi\n";
    let preview = scene
        .call(
            "POST",
            &format!("pipelines/{definition}/preview"),
            json!({"previewRun": true, "yamlOverride": text}),
        )
        .await;
    assert!(
        preview["finalYaml"].as_str().unwrap().contains("echo hi"),
        "{preview}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_decide_who_may_run() {
    let scene = Scene::new().await;
    let definition = scene
        .define("ci", "trigger: none\nsteps:\n- script: echo hi\n")
        .await;
    let path = format!("pipelines/{definition}/runs");
    let refused = scene
        .call_as(&scene.bob, "POST", &path, json!({}))
        .await
        .unwrap_err();
    assert_eq!(refused.status, 403);
    assert!(
        refused.message.contains("ask the group platform"),
        "{}",
        refused.message
    );
    assert_eq!(scene.get("build/definitions?name=ci").await["count"], 1);
    let full = scene.get(&format!("build/definitions/{definition}")).await;
    assert_eq!(full["process"], json!({"type": 2, "yamlFilename": "ci.yml"}));
    let stale = json!({"id": definition, "name": "ci", "revision": 7});
    let refused = scene
        .call_as(
            &scene.admin,
            "PUT",
            &format!("build/definitions/{definition}"),
            stale,
        )
        .await
        .unwrap_err();
    assert_eq!(refused.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_connection_never_shows_its_secret() {
    let scene = Scene::new().await;
    let project = &scene.repository.at.project;
    let body = json!({
        "name": "azure", "type": "AzureRM", "url": "https://127.0.0.1:9/", "data": {"environment": "Local"},
        "authorization": {"scheme": "ServicePrincipal", "parameters": {"tenantid": "t", "serviceprincipalid": "c", "serviceprincipalkey": "very-secret-key", "authenticationType": "spnKey"}},
        "serviceEndpointProjectReferences": [{"projectReference": {"id": project.id, "name": project.name}, "name": "azure"}],
    });
    let made = scene.call("POST", "serviceendpoint/endpoints", body).await;
    assert_eq!(made["isReady"], false);
    assert!(
        made["operationStatus"]["statusMessage"]
            .as_str()
            .unwrap()
            .contains("cannot be reached"),
        "{made}"
    );
    let shown = scene.get("serviceendpoint/endpoints?endpointNames=azure").await;
    assert!(!shown.to_string().contains("very-secret-key"));
    assert_eq!(
        shown["value"][0]["authorization"]["parameters"]["serviceprincipalkey"],
        Value::Null
    );
    let build = scene.run("trigger: none\nsteps:\n- task: TerraformTaskV4@4\n  inputs: { command: plan, environmentServiceNameAzureRM: azur }\n").await;
    scene.assert_result(&build, "failed").await;
    let job = scene.records(&build, "Job").await[0].clone();
    let message = job["issues"][0]["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("PV2253") && message.contains("Did you mean `azure`?"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_lines_and_archives() {
    let scene = Scene::new().await;
    let build = scene.run("trigger: none\nsteps:\n- checkout: none\n- script: printf 'a\\nb\\nc\\n'\n  displayName: Three\n").await;
    let id = &build["id"];
    let log = scene.step(&build, "Three").await["log"]["id"].clone();
    let all = scene
        .get(&format!("build/builds/{id}/logs/{log}?$format=json"))
        .await;
    let count = all["count"].as_u64().unwrap();
    let last = scene
        .get(&format!(
            "build/builds/{id}/logs/{log}?$format=json&startLine={count}"
        ))
        .await;
    assert_eq!(last["count"], 1);
    assert_eq!(
        last["value"][0],
        all["value"][usize::try_from(count).unwrap() - 1]
    );
    let (_, zip) = scene
        .call_as(
            &scene.admin,
            "GET",
            &format!("build/builds/{id}/logs?$format=zip"),
            Value::Null,
        )
        .await
        .unwrap();
    assert_eq!(&zip[..2], b"PK");
    let logs = scene.get(&format!("build/builds/{id}/logs")).await;
    assert!(logs["count"].as_u64().unwrap() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_about_builds() {
    let scene = Scene::new().await;
    let definition = scene
        .define(
            "ci",
            "trigger: none\nsteps:\n- checkout: none\n- script: echo hi\n",
        )
        .await;
    let badge = scene
        .get(&format!("build/status/{definition}?branchName=main"))
        .await;
    assert!(badge.as_str().unwrap().contains("never built"), "{badge}");
    let build = scene.queue(definition, json!({})).await;
    scene.ended(build).await;
    let badge = scene.get("build/status/ci").await;
    assert!(
        badge.as_str().unwrap().contains("<title>ci: succeeded</title>"),
        "{badge}"
    );
    let latest = scene
        .get(&format!("build/latest/{definition}?branchName=main"))
        .await;
    assert_eq!(latest["id"], build);
    let changes = scene.get(&format!("build/builds/{build}/changes")).await;
    assert_eq!(changes["value"][0]["message"], "Add pipeline");
    assert_eq!(
        scene.get(&format!("build/builds/{build}/workitems")).await["count"],
        0
    );
    let report = scene.get(&format!("build/builds/{build}/report")).await;
    assert!(report["content"].as_str().unwrap().contains("succeeded"));
    let tags = format!("build/builds/{build}/tags");
    scene.call("PUT", &format!("{tags}/blue"), Value::Null).await;
    scene.call("POST", &tags, json!(["red", "Blue"])).await;
    assert_eq!(scene.get(&tags).await["value"], json!(["blue", "red"]));
    let left = scene.call("DELETE", &format!("{tags}/red"), Value::Null).await;
    assert_eq!(left["value"], json!(["blue"]));
    assert_eq!(scene.get("build/tags").await["value"], json!(["blue"]));
    let path = format!("build/definitions/{definition}");
    let now = scene.get(&path).await;
    let body = json!({"id": definition, "name": "renamed", "revision": now["revision"], "comment": "Rename"});
    assert_eq!(scene.call("PUT", &path, body).await["revision"], 2);
    let revisions = scene.get(&format!("{path}/revisions")).await;
    assert_eq!(revisions["count"], 2);
    assert_eq!(revisions["value"][1]["comment"], "Rename");
    assert_eq!(scene.get(&format!("{path}?revision=1")).await["name"], "ci");
    let lease = json!([{"runId": build, "definitionId": definition, "ownerId": "User:bob", "daysValid": 3, "protectPipeline": false}]);
    let made = scene.call("POST", "build/retention/leases", lease).await;
    let id = made["value"][0]["leaseId"].clone();
    assert_eq!(
        scene.get(&format!("build/builds/{build}/leases")).await["count"],
        1
    );
    let removed = scene
        .call_as(
            &scene.admin,
            "DELETE",
            &format!("build/retention/leases?ids={id}"),
            Value::Null,
        )
        .await;
    assert_eq!(removed.unwrap().0, 204);
    assert_eq!(scene.get("build/retention/leases").await["count"], 0);
}
