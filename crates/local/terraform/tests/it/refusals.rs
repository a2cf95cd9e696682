use serde_json::json;

use crate::hcl::in_group;
use crate::workspace::Workspace;

#[tokio::test(flavor = "multi_thread")]
async fn names_are_checked_before_azure_is_asked() {
    for (from, to, expected) in [
        ("rg-orders", "rg orders", "contains ` `, which Azure refuses"),
        ("westeurope", "westeurop", "is not a location"),
    ] {
        let workspace = Workspace::new(&in_group("rg-orders").replace(from, to)).await;
        workspace.init().await;
        workspace
            .terraform(&["validate", "-no-color"])
            .await
            .failed(&[expected, "main.tf line"]);
        assert_eq!(workspace.arm.count("PUT"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_at_once() {
    let mut workspace = Workspace::new(&in_group("rg-orders")).await;
    workspace.init().await;
    workspace.set("ARM_SUBSCRIPTION_ID", "");
    workspace.set("ARM_CLIENT_SECRET", "");
    workspace.plan().await.failed(&[
        "azurerm needs subscription_id",
        "azurerm needs client_secret",
        "environmentServiceNameAzureRM",
    ]);
    workspace.set("ARM_USE_OIDC", "true");
    workspace
        .plan()
        .await
        .failed(&["azurerm needs oidc_token", "ARM_OIDC_TOKEN_FILE_PATH"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_azure_said_and_what_to_do() {
    let mut workspace = Workspace::new(&in_group("rg-orders")).await;
    workspace.init().await;
    let refusal =
        json!({ "error": { "code": "LocationNotAvailableForResourceGroup", "message": "no room here" } });
    workspace.arm.held.lock().unwrap().refuse = Some(("rg-orders", 400, refusal));
    workspace.apply().await.failed(&[
        "Creating the resource group failed",
        "no room here",
        "main.tf line 7",
        "location = \"westeurope\"",
    ]);
    workspace.set("ARM_CLIENT_SECRET", "wrong");
    workspace
        .apply()
        .await
        .failed(&["AADSTS7000215", "Check client id, secret and tenant"]);
    workspace.set("ARM_METADATA_HOSTNAME", "127.0.0.1:9");
    workspace
        .apply()
        .await
        .failed(&["does not say where its endpoints are", "SSL_CERT_FILE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_operation_leaves_what_can_be_replaced() {
    let workspace = Workspace::new(&in_group("rg-orders")).await;
    workspace.init().await;
    workspace.arm.held.lock().unwrap().fail = Some("rg-orders");
    workspace
        .apply()
        .await
        .failed(&["QuotaExceeded: no machines left"]);
    workspace.arm.held.lock().unwrap().fail = None;
    let applied = workspace.apply().await.ok();
    assert!(
        applied.contains("is tainted, so must be replaced") && applied.contains("1 added"),
        "{applied}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_small_one_lacks_is_refused_by_terraform() {
    let group = in_group("rg-orders");
    let hcl = format!("{group}\nresource \"azurerm_key_vault\" \"main\" {{\n  name = \"v\"\n}}\n");
    let workspace = Workspace::new(&hcl).await;
    workspace.init().await;
    workspace
        .terraform(&["validate", "-no-color"])
        .await
        .failed(&["does not support resource type \"azurerm_key_vault\""]);
    let found = pave_local_terraform::unsupported(&[("main.tf", &hcl)]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0]
            .to_string()
            .contains("has no resource type `azurerm_key_vault`"),
        "{}",
        found[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hash_in_the_lock_file_is_the_one_we_know() {
    let workspace = Workspace::new(&in_group("rg-orders")).await;
    workspace.init().await;
    let lock = std::fs::read_to_string(workspace.directory.path().join("work/.terraform.lock.hcl")).unwrap();
    let binary = std::path::Path::new("/somewhere/else");
    let elsewhere = tempfile::tempdir().unwrap();
    let mirror =
        pave_local_terraform::write_mirror(elsewhere.path(), binary, pave_local_terraform::VERSIONS).unwrap();
    let hash_of = |version: &str| mirror.hash_of(version);
    assert_eq!(pave_local_terraform::check_lock_file("lock", &lock, &hash_of), []);
    let foreign = lock.replace("h1:", "h1:x");
    let found = pave_local_terraform::check_lock_file("lock", &foreign, &hash_of);
    assert!(
        found[0]
            .to_string()
            .contains("has the hashes of HashiCorp's azurerm 4.81.0"),
        "{}",
        found[0]
    );
}

#[test]
fn by_hand_it_says_what_it_is() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_terraform-provider-azurerm"));
    let output = command.env_remove("TF_PLUGIN_MAGIC_COOKIE").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("this is a Terraform provider"));
}
