use serde_json::json;

use crate::workspace::{Workspace, group_id};

const HCL: &str = r#"
provider "azurerm" {
  features {}
}
resource "azurerm_resource_group" "main" {
  name     = "rg-data"
  location = "westeurope"
}
resource "azurerm_user_assigned_identity" "reader" {
  name                = "reader"
  location            = azurerm_resource_group.main.location
  resource_group_name = azurerm_resource_group.main.name
}
resource "azurerm_storage_account" "main" {
  name                     = "ordersdata"
  resource_group_name      = azurerm_resource_group.main.name
  location                 = azurerm_resource_group.main.location
  account_tier             = "Standard"
  account_replication_type = "LRS"
  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.reader.id]
  }
  network_rules {
    default_action = "Deny"
    ip_rules       = ["203.0.113.7"]
  }
}
output "principal" { value = azurerm_user_assigned_identity.reader.principal_id }
output "endpoint" { value = azurerm_storage_account.main.primary_blob_host }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn account_and_identity() {
    let workspace = Workspace::new(HCL).await;
    workspace.init().await;
    workspace.apply().await.ok();
    workspace.unchanged().await;
    let account = format!(
        "{}/providers/Microsoft.Storage/storageAccounts/ordersdata",
        group_id("rg-data")
    );
    let document = workspace.arm.document(&account).unwrap();
    assert_eq!(document["sku"]["name"], "Standard_LRS");
    assert_eq!(
        document["properties"]["networkAcls"]["ipRules"],
        json!([{ "value": "203.0.113.7", "action": "Allow" }])
    );
    assert_eq!(document["properties"]["allowBlobPublicAccess"], true);
    let reader = format!(
        "{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader",
        group_id("rg-data")
    );
    assert_eq!(
        document["identity"]["userAssignedIdentities"],
        json!({ reader: {} })
    );
    let values = workspace.values("azurerm_storage_account.main").await;
    assert_eq!(values["primary_access_key"], "a2V5MQ==");
    let connection = values["primary_connection_string"].as_str().unwrap();
    assert!(
        connection.ends_with("AccountName=ordersdata;AccountKey=a2V5MQ==;EndpointSuffix=storage.test"),
        "{connection}"
    );
    let outputs = workspace.state().await["values"]["outputs"].clone();
    assert_eq!(outputs["principal"]["value"], "principal-1");
    assert_eq!(outputs["endpoint"]["value"], "ordersdata.blob.storage.test");

    workspace.write(&HCL.replace("\"LRS\"", "\"GRS\""));
    assert!(workspace.apply().await.ok().contains("1 changed"));
    assert_eq!(
        workspace.arm.document(&account).unwrap()["sku"]["name"],
        "Standard_GRS"
    );
    workspace.unchanged().await;

    for (address, id) in [
        ("azurerm_storage_account.main", account.clone()),
        ("azurerm_user_assigned_identity.reader", reader_id()),
    ] {
        workspace.terraform(&["state", "rm", address]).await.ok();
        workspace.terraform(&["import", address, &id]).await.ok();
    }
    workspace.unchanged().await;
    workspace.destroy().await.ok();
    assert!(workspace.arm.held.lock().unwrap().documents.is_empty());
}

fn reader_id() -> String {
    format!(
        "{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader",
        group_id("rg-data")
    )
}
