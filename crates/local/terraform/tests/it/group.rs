use serde_json::json;

use crate::workspace::{Workspace, group_id};

/// The second post's file, as its template fills it in.
const POST: &str = r#"provider "azurerm" {
  features {}
}

resource "azurerm_resource_group" "example" {
  name     = "rg-orders"
  location = "West Europe"
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_posts_file_runs_as_it_is() {
    let mut workspace = Workspace::new(POST).await;
    let correlation = "6f1c2f44-9f10-4f5a-8f0e-0a4c9f3d1b11";
    workspace.set("ARM_CORRELATION_REQUEST_ID", correlation);
    assert!(workspace.init().await.contains("hashicorp/azurerm v4.81.0"));
    workspace.terraform(&["validate", "-no-color"]).await.ok();
    let planned = workspace.plan().await;
    assert_eq!(planned.code, 2, "{}", planned.text);
    assert!(
        planned.text.contains("+ location = \"westeurope\""),
        "{}",
        planned.text
    );
    let applied = workspace.apply().await.ok();
    assert!(applied.contains("1 added, 0 changed, 0 destroyed"), "{applied}");
    let document = workspace.arm.document(&group_id("rg-orders")).unwrap();
    assert_eq!(document["location"], "westeurope");
    workspace.unchanged().await;
    let state = workspace.values("azurerm_resource_group.example").await;
    assert_eq!(state["id"], group_id("rg-orders"));
    assert!(
        workspace
            .arm
            .held
            .lock()
            .unwrap()
            .correlations
            .iter()
            .all(|seen| seen == correlation)
    );

    // Tags come and go in place, another name or place needs another group.
    let tagged = POST.replace("West Europe\"", "westeurope\"\n  tags = { team = \"orders\" }");
    workspace.changes(&tagged, 1).await;
    assert_eq!(
        workspace.arm.last_body("PATCH"),
        json!({ "tags": { "team": "orders" } })
    );
    workspace.changes(POST, 1).await;
    assert_eq!(workspace.arm.last_body("PATCH"), json!({ "tags": {} }));
    workspace.write(&POST.replace("rg-orders", "rg-other"));
    let replaced = workspace.apply().await.ok();
    assert!(replaced.contains("# forces replacement"), "{replaced}");
    assert!(workspace.arm.document(&group_id("rg-orders")).is_none());

    assert!(workspace.destroy().await.ok().contains("1 destroyed"));
    assert!(workspace.arm.document(&group_id("rg-other")).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_seen_and_mended() {
    let workspace = Workspace::applied(POST).await;
    let key = group_id("rg-orders").to_lowercase();
    workspace
        .arm
        .held
        .lock()
        .unwrap()
        .documents
        .get_mut(&key)
        .unwrap()["tags"] = json!({ "by": "hand" });
    let drifted = workspace.plan().await;
    assert_eq!(drifted.code, 2, "{}", drifted.text);
    assert!(drifted.text.contains("- \"by\" = \"hand\""), "{}", drifted.text);
    workspace.apply().await.ok();
    workspace.unchanged().await;
    workspace.arm.held.lock().unwrap().documents.clear();
    assert!(workspace.apply().await.ok().contains("1 added"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exists_is_not_taken_but_imported() {
    let workspace = Workspace::new(POST).await;
    workspace.init().await;
    let id = group_id("rg-orders");
    let document = json!({ "id": id, "name": "rg-orders", "location": "westeurope", "properties": { "provisioningState": "Succeeded" } });
    workspace.arm.hold(&id, document);
    let import = format!("terraform import azurerm_resource_group.<name> '{id}'");
    workspace.apply().await.failed(&[
        "A resource group of this name exists already",
        &import,
        "main.tf line 6",
    ]);
    let import = |id: String| async {
        let id = id;
        workspace
            .terraform(&["import", "-no-color", "azurerm_resource_group.example", &id])
            .await
    };
    import(id).await.ok();
    workspace.unchanged().await;
    import(group_id("rg-orders")).await.failed(&["already managed"]);
    workspace
        .terraform(&["state", "rm", "azurerm_resource_group.example"])
        .await
        .ok();
    import("rg-orders".to_owned()).await.failed(&[
        "`rg-orders` is not the id of a resource group",
        "/resourceGroups/{name}",
    ]);
    import(group_id("rg-none")).await.failed(&["non-existent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_something_in_it_stays() {
    let workspace = Workspace::applied(POST).await;
    let inside = format!("{}/providers/Microsoft.Cache/redis/r", group_id("rg-orders"));
    workspace.arm.hold(&inside, json!({ "id": inside }));
    workspace.destroy().await.failed(&[
        "still holds resources",
        &inside,
        "prevent_deletion_if_contains_resources = false",
    ]);
    workspace.write(&POST.replace(
        "features {}",
        "features {\n    resource_group {\n      prevent_deletion_if_contains_resources = false\n    }\n  }",
    ));
    workspace.destroy().await.ok();
    assert!(workspace.arm.document(&group_id("rg-orders")).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn data_sources_say_what_is_there() {
    let hcl = r#"
terraform {
  required_providers {
    azurerm = { source = "hashicorp/azurerm", version = ">= 3.0" }
  }
}
provider "azurerm" {
  features {}
}
resource "azurerm_resource_group" "example" {
  name     = "rg-orders"
  location = "westeurope"
  timeouts { create = "5m" }
}
data "azurerm_resource_group" "same" { name = azurerm_resource_group.example.name }
data "azurerm_client_config" "current" {}
data "azurerm_subscription" "current" {}
output "all" {
  value = [data.azurerm_resource_group.same.location, data.azurerm_client_config.current.object_id,
    data.azurerm_subscription.current.display_name, data.azurerm_client_config.current.client_id]
}
"#;
    let workspace = Workspace::new(hcl).await;
    workspace.init().await;
    workspace.apply().await.ok();
    let state = workspace.state().await;
    assert_eq!(
        state["values"]["outputs"]["all"]["value"],
        json!(["westeurope", "object-1", "Double", "client"])
    );
    workspace.unchanged().await;
    workspace.write(&hcl.replace("name = azurerm_resource_group.example.name", "name = \"rg-none\""));
    workspace
        .apply()
        .await
        .failed(&["There is no resource group `rg-none`", "main.tf line"]);
}
