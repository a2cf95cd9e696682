use serde_json::{Value, json};

use crate::harness::Scene;

const PIPELINE: &str = "trigger: none
steps:
- task: TerraformTaskV4@4
  displayName: Init
  inputs:
    provider: azurerm
    command: init
    backendServiceArm: azure-local
    backendAzureRmResourceGroupName: rg
    backendAzureRmStorageAccountName: sa
    backendAzureRmContainerName: c
    backendAzureRmKey: k
    workingDirectory: $(System.DefaultWorkingDirectory)/terraform/changed
- task: TerraformTaskV4@4
  displayName: Validate
  inputs:
    command: validate
    workingDirectory: $(System.DefaultWorkingDirectory)/terraform/changed
- task: TerraformTaskV4@4
  name: plan
  displayName: Plan
  inputs:
    command: plan
    environmentServiceNameAzureRM: azure-local
    workingDirectory: $(System.DefaultWorkingDirectory)/terraform/changed
- task: TerraformTaskV4@4
  displayName: Apply
  inputs:
    command: apply
    environmentServiceNameAzureRM: azure-local
    workingDirectory: $(System.DefaultWorkingDirectory)/terraform/changed
- script: echo \"changes $(plan.changesPresent)\"
  displayName: Tell
";

async fn connection(scene: &Scene) -> Value {
    let project = &scene.repository.at.project;
    let body = json!({
        "name": "azure-local", "type": "AzureRM", "url": "https://127.0.0.1:2/",
        "data": {"environment": "Local", "subscriptionId": "00000000-0000-0000-0000-000000000001"},
        "authorization": {"scheme": "ManagedServiceIdentity", "parameters": {"tenantid": "t"}},
        "serviceEndpointProjectReferences": [{"projectReference": {"id": project.id, "name": project.name}, "name": "azure-local"}],
    });
    scene.call("POST", "serviceendpoint/endpoints", body).await
}

async fn attachment(scene: &Scene, build: &Value, category: &str) -> Value {
    let all = scene
        .get(&format!("build/builds/{}/attachments/{category}", build["id"]))
        .await;
    let Some(link) = all["value"][0]["_links"]["self"]["href"].as_str() else {
        panic!("no {category}: {all}\n{}", scene.everything(build).await);
    };
    let path = link.split("/_apis/").nth(1).unwrap().to_owned();
    scene.get(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn terraform_is_real_and_its_state_is_kept() {
    let scene = Scene::new().await;
    connection(&scene).await;
    let hcl = "resource \"terraform_data\" \"one\" {\n  input = \"a\"\n}\n";
    scene
        .repository
        .push("main", "HCL", &[("terraform/changed/main.tf", hcl)]);
    let definition = scene.define("tf", PIPELINE).await;
    let id = scene.queue(definition, json!({})).await;
    let build = scene.ended(id).await;
    scene.assert_result(&build, "succeeded").await;
    assert!(scene.log(&build, "Tell").await.contains("changes true"));
    assert!(scene.log(&build, "Init").await.contains("its state is kept in"));
    let plan = attachment(&scene, &build, "terraform-plan-results").await;
    assert_eq!(
        plan["resource_changes"][0]["change"]["actions"],
        json!(["create"]),
        "{plan}"
    );
    let applied = attachment(&scene, &build, "terraform-apply-results").await;
    assert_eq!(
        applied["resources"][0]["address"], "terraform_data.one",
        "{applied}"
    );
    assert!(applied["resources"][0]["id"].as_str().unwrap().len() > 10);
    // The second run finds the state of the first.
    let again = scene.queue(definition, json!({})).await;
    let build = scene.ended(again).await;
    scene.assert_result(&build, "succeeded").await;
    assert!(scene.log(&build, "Tell").await.contains("changes false"));
    let history = scene.file(&format!("work/state/{definition}/terraform__changed.history"));
    assert_eq!(std::fs::read_dir(history).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_one_directory_wait_for_each_other() {
    let scene = Scene::new().await;
    connection(&scene).await;
    let hcl = "resource \"terraform_data\" \"one\" {\n  input = timestamp()\n  provisioner \"local-exec\" {\n    command = \"sleep 0.3\"\n  }\n}\n";
    scene
        .repository
        .push("main", "HCL", &[("terraform/changed/main.tf", hcl)]);
    let definition = scene.define("tf", PIPELINE).await;
    let both = [
        scene.queue(definition, json!({})).await,
        scene.queue(definition, json!({})).await,
    ];
    let mut waited = false;
    for id in both {
        let build = scene.ended(id).await;
        scene.assert_result(&build, "succeeded").await;
        waited |= scene.log(&build, "Init").await.contains("Waiting for the state");
    }
    assert!(waited);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terraform_error_names_file_and_line() {
    let scene = Scene::new().await;
    connection(&scene).await;
    let hcl = "resource \"terraform_data\" \"one\" {\n  inputt = \"a\"\n}\n";
    scene
        .repository
        .push("main", "HCL", &[("terraform/changed/main.tf", hcl)]);
    let definition = scene.define("tf", PIPELINE).await;
    let id = scene.queue(definition, json!({})).await;
    let build = scene.ended(id).await;
    scene.assert_result(&build, "failed").await;
    let step = scene.step(&build, "Validate").await;
    let issue = &step["issues"][0];
    assert_eq!(
        (
            issue["data"]["sourcepath"].as_str(),
            issue["data"]["linenumber"].as_str()
        ),
        (Some("terraform/changed/main.tf"), Some("2")),
        "{step:#}"
    );
    assert!(
        issue["message"]
            .as_str()
            .unwrap()
            .starts_with("Unsupported argument: "),
        "{step:#}"
    );
    assert_eq!(scene.step(&build, "Apply").await["result"], "skipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_apply_keeps_what_it_made() {
    let scene = Scene::new().await;
    connection(&scene).await;
    let hcl = "resource \"terraform_data\" \"one\" {}\nresource \"terraform_data\" \"two\" {\n  depends_on = [terraform_data.one]\n  provisioner \"local-exec\" {\n    command = \"sleep 60\"\n  }\n}\n";
    scene
        .repository
        .push("main", "HCL", &[("terraform/changed/main.tf", hcl)]);
    let definition = scene.define("tf", PIPELINE).await;
    let id = scene.queue(definition, json!({})).await;
    let build = json!({"id": id});
    crate::harness::eventually("the provisioner runs", async || {
        let applying = scene
            .records(&build, "Task")
            .await
            .iter()
            .any(|it| it["name"] == "Apply" && it["state"] == "inProgress");
        (applying && scene.log(&build, "Apply").await.contains("Provisioning with")).then_some(())
    })
    .await;
    scene
        .call(
            "PATCH",
            &format!("build/builds/{id}"),
            json!({"status": "cancelling"}),
        )
        .await;
    let build = scene.ended(id).await;
    scene.assert_result(&build, "canceled").await;
    let applied = attachment(&scene, &build, "terraform-apply-results").await;
    assert!(
        applied["resources"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["address"] == "terraform_data.one"),
        "{applied}"
    );
}
