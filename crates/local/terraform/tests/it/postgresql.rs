use serde_json::json;

use crate::hcl::{SERVER, in_group};
use crate::workspace::{Workspace, id_in};

#[tokio::test(flavor = "multi_thread")]
async fn server_and_what_stands_below_it() {
    let hcl = in_group("rg-data") + SERVER;
    let workspace = Workspace::applied(&hcl).await;
    let id = id_in("rg-data", "Microsoft.DBforPostgreSQL/flexibleServers/orders-db");
    let document = workspace.arm.document(&id).unwrap();
    assert_eq!(
        document["sku"],
        json!({ "name": "Standard_B1ms", "tier": "Burstable" })
    );
    assert_eq!(document["properties"]["storage"]["storageSizeGB"], 32);
    assert_eq!(document["properties"]["maintenanceWindow"]["dayOfWeek"], 3);

    let changed = hcl.replace("32768", "65536").replace("Secret-123", "Secret-456");
    workspace.changes(&changed, 1).await;
    let sent = workspace.arm.last_body("PATCH");
    assert_eq!(sent["properties"]["storage"]["storageSizeGB"], 64);
    assert_eq!(sent["properties"]["administratorLoginPassword"], "Secret-456");
    workspace.write(&hcl.replace("\"appuser\"", "\"other\""));
    let replaced = workspace.plan().await;
    assert!(
        replaced.text.contains("4 to add, 0 to change, 4 to destroy"),
        "{}",
        replaced.text
    );
    workspace.write(&changed);
    workspace
        .import_again("azurerm_postgresql_flexible_server_database.orders")
        .await;
    workspace.unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_password_is_refused_without_being_shown() {
    let workspace =
        Workspace::new(&(in_group("rg-data") + SERVER).replace("Secret-123", "alllowercase")).await;
    workspace.init().await;
    let said = workspace
        .terraform(&["validate", "-no-color"])
        .await
        .failed(&["at least three of"]);
    assert!(said.contains("administrator_password"));
}
