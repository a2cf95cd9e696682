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
resource "azurerm_postgresql_flexible_server" "main" {
  name                   = "orders-db"
  resource_group_name    = azurerm_resource_group.main.name
  location               = azurerm_resource_group.main.location
  version                = "16"
  administrator_login    = "appuser"
  administrator_password = "Secret-123"
  sku_name               = "B_Standard_B1ms"
  storage_mb             = 32768
  maintenance_window {
    day_of_week = 3
  }
}
resource "azurerm_postgresql_flexible_server_database" "orders" {
  name      = "orders"
  server_id = azurerm_postgresql_flexible_server.main.id
}
resource "azurerm_postgresql_flexible_server_firewall_rule" "all" {
  name             = "all"
  server_id        = azurerm_postgresql_flexible_server.main.id
  start_ip_address = "0.0.0.0"
  end_ip_address   = "255.255.255.255"
}
resource "azurerm_postgresql_flexible_server_configuration" "memory" {
  name      = "work_mem"
  server_id = azurerm_postgresql_flexible_server.main.id
  value     = "8192"
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn server_and_what_stands_below_it() {
    let workspace = Workspace::new(HCL).await;
    workspace.init().await;
    assert!(workspace.apply().await.ok().contains("5 added"));
    workspace.unchanged().await;
    let id = format!(
        "{}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders-db",
        group_id("rg-data")
    );
    let document = workspace.arm.document(&id).unwrap();
    assert_eq!(
        document["sku"],
        json!({ "name": "Standard_B1ms", "tier": "Burstable" })
    );
    assert_eq!(document["properties"]["storage"]["storageSizeGB"], 32);
    assert_eq!(document["properties"]["maintenanceWindow"]["dayOfWeek"], 3);

    workspace.write(&HCL.replace("32768", "65536").replace("Secret-123", "Secret-456"));
    let changed = workspace.apply().await.ok();
    assert!(changed.contains("0 added, 1 changed, 0 destroyed"), "{changed}");
    let sent = workspace.arm.last_body("PATCH");
    assert_eq!(sent["properties"]["storage"]["storageSizeGB"], 64);
    assert_eq!(sent["properties"]["administratorLoginPassword"], "Secret-456");
    workspace.unchanged().await;
    workspace.write(&HCL.replace("\"appuser\"", "\"other\""));
    let replaced = workspace.plan().await;
    assert!(
        replaced.text.contains("4 to add, 0 to change, 4 to destroy"),
        "{}",
        replaced.text
    );
    workspace
        .terraform(&[
            "state",
            "rm",
            "azurerm_postgresql_flexible_server_database.orders",
        ])
        .await
        .ok();
    let database = format!("{id}/databases/orders");
    workspace.write(&HCL.replace("32768", "65536").replace("Secret-123", "Secret-456"));
    workspace
        .terraform(&[
            "import",
            "azurerm_postgresql_flexible_server_database.orders",
            &database,
        ])
        .await
        .ok();
    workspace.unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_password_is_refused_without_being_shown() {
    let workspace = Workspace::new(&HCL.replace("Secret-123", "alllowercase")).await;
    workspace.init().await;
    let said = workspace
        .terraform(&["validate", "-no-color"])
        .await
        .failed(&["at least three of"]);
    assert!(said.contains("administrator_password"));
}
