use serde_json::json;

use crate::hcl::{ACCOUNT, IDENTITY, in_group};
use crate::workspace::{Workspace, id_in};

const OUTPUTS: &str = r#"
output "principal" { value = azurerm_user_assigned_identity.main.principal_id }
output "endpoint" { value = azurerm_storage_account.main.primary_blob_host }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn account_and_identity() {
    let hcl = [&in_group("rg-data"), IDENTITY, ACCOUNT, OUTPUTS].concat();
    let workspace = Workspace::applied(&hcl).await;
    let account = id_in("rg-data", "Microsoft.Storage/storageAccounts/ordersdata");
    let document = workspace.arm.document(&account).unwrap();
    assert_eq!(document["sku"]["name"], "Standard_LRS");
    assert_eq!(
        document["properties"]["networkAcls"]["ipRules"],
        json!([{ "value": "203.0.113.7", "action": "Allow" }])
    );
    assert_eq!(document["properties"]["allowBlobPublicAccess"], true);
    let reader = id_in(
        "rg-data",
        "Microsoft.ManagedIdentity/userAssignedIdentities/reader",
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

    workspace.changes(&hcl.replace("\"LRS\"", "\"GRS\""), 1).await;
    assert_eq!(
        workspace.arm.document(&account).unwrap()["sku"]["name"],
        "Standard_GRS"
    );
    for address in [
        "azurerm_storage_account.main",
        "azurerm_user_assigned_identity.main",
    ] {
        workspace.import_again(address).await;
    }
    workspace.unchanged().await;
    workspace.destroy().await.ok();
    assert!(workspace.arm.held.lock().unwrap().documents.is_empty());
}
