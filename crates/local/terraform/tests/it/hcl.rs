//! The pieces of a configuration that several tests write.

/// The provider, and the resource group `main` of that name.
pub(crate) fn in_group(name: &str) -> String {
    format!(
        r#"
provider "azurerm" {{
  features {{}}
}}
resource "azurerm_resource_group" "main" {{
  name     = "{name}"
  location = "westeurope"
}}
"#
    )
}

/// A database server and one of everything that stands below it.
pub(crate) const SERVER: &str = r#"
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

/// An identity.
pub(crate) const IDENTITY: &str = r#"
resource "azurerm_user_assigned_identity" "main" {
  name                = "reader"
  location            = azurerm_resource_group.main.location
  resource_group_name = azurerm_resource_group.main.name
}
"#;

/// A storage account that has the identity.
pub(crate) const ACCOUNT: &str = r#"
resource "azurerm_storage_account" "main" {
  name                     = "ordersdata"
  resource_group_name      = azurerm_resource_group.main.name
  location                 = azurerm_resource_group.main.location
  account_tier             = "Standard"
  account_replication_type = "LRS"
  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.main.id]
  }
  network_rules {
    default_action = "Deny"
    ip_rules       = ["203.0.113.7"]
  }
}
"#;

/// The first post's cluster in today's spelling, with what it leaves out.
pub(crate) const CLUSTER: &str = r#"
variable "initial_node_count" { default = 2 }
# Create an AKS cluster
resource "azurerm_kubernetes_cluster" "primary" {
  name                = "platform"
  location            = azurerm_resource_group.main.location
  resource_group_name = azurerm_resource_group.main.name
  dns_prefix          = "platform"
  default_node_pool {
    name                 = "nodepool"
    vm_size              = "Standard_D2s_v5"
    node_count           = var.initial_node_count
    auto_scaling_enabled = true
    min_count            = 1
    max_count            = 3
  }
  identity {
    type = "SystemAssigned" # enable managed identity for the cluster
  }
  lifecycle {
    ignore_changes = [default_node_pool[0].node_count]
  }
}
"#;
