use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pave_local_pipelines::TerraformSettings;
use serde_json::{Value, json};

use crate::harness::{Scene, limits};

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
    connection_to(scene, "Local").await
}

async fn connection_to(scene: &Scene, environment: &str) -> Value {
    let project = &scene.repository.at.project;
    let body = json!({
        "name": "azure-local", "type": "AzureRM", "url": "https://127.0.0.1:2/",
        "data": {"environment": environment, "subscriptionId": "00000000-0000-0000-0000-000000000001"},
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
    let build = scene.complete(definition, json!({})).await;
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
    let build = scene.complete(definition, json!({})).await;
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
    let build = scene.complete(definition, json!({})).await;
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

/// Says which configuration file it was given.
const SHOWS_ITS_CONFIGURATION: &str = "#!/bin/sh\necho \"configured by [$TF_CLI_CONFIG_FILE]\"\n";

/// A mirror, a configuration file and a program that only looks at its environment.
fn small_provider(root: &Path) -> TerraformSettings {
    let tools = root.join("tools");
    std::fs::create_dir_all(tools.join("mirror")).unwrap();
    let program = tools.join("terraform");
    std::fs::write(&program, SHOWS_ITS_CONFIGURATION).unwrap();
    std::fs::write(tools.join("pave.tfrc"), "").unwrap();
    for path in [&tools, &program] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    TerraformSettings {
        program: Some(program),
        cli_config: Some(tools.join("pave.tfrc")),
        mirror: Some(tools.join("mirror")),
        metadata_host_authority: None,
        visible: vec![tools],
    }
}

const INIT: &str = "trigger: none
VARIABLESsteps:
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
ENV";

#[tokio::test(flavor = "multi_thread")]
async fn the_real_provider_is_taken_where_it_is_asked_for() {
    let lacking = "# a vault\nresource \"azurerm_key_vault\" \"one\" {\n  name = \"v\"\n}\n";
    let known = "data \"azurerm_client_config\" \"one\" {}\n";
    let variable = "variables:\n  PAVE_AZURERM: registry\n";
    let of_step = "  env:\n    PAVE_AZURERM: registry\n";
    let ours = "/tools/pave.tfrc]";
    let theirs = "configured by []";
    for (environment, hcl, variables, own, expected) in [
        ("Local", known, "", "", ours),
        ("Local", lacking, "", "", ""),
        ("Local", lacking, variable, "", theirs),
        ("Local", lacking, "", of_step, theirs),
        ("AzureCloud", lacking, "", "", theirs),
    ] {
        let scene = Scene::with_terraform(limits(), small_provider).await;
        connection_to(&scene, environment).await;
        scene
            .repository
            .push("main", "HCL", &[("terraform/changed/main.tf", hcl)]);
        let yaml = INIT.replace("VARIABLES", variables).replace("ENV", own);
        let definition = scene.define("tf", &yaml).await;
        let build = scene.complete(definition, json!({})).await;
        let case = format!("{environment} {hcl} {variables}{own}");
        if !expected.is_empty() {
            scene.assert_result(&build, "succeeded").await;
            let log = scene.log(&build, "Init").await;
            assert!(log.contains(expected), "{case}: {log}");
            continue;
        }
        scene.assert_result(&build, "failed").await;
        let log = scene.log(&build, "Init").await;
        assert!(!log.contains("configured by"), "{case}: {log}");
        let step = scene.step(&build, "Init").await;
        let issue = &step["issues"][0];
        assert_eq!(
            issue["data"]["sourcepath"], "terraform/changed/main.tf",
            "{step:#}"
        );
        assert_eq!(issue["data"]["linenumber"], "2", "{step:#}");
        let words = issue["message"].as_str().unwrap();
        for part in ["PV2310", "azurerm_key_vault", "PAVE_AZURERM=registry"] {
            assert!(words.contains(part), "{words}");
        }
    }
}
