use crate::workspace::{Workspace, group_id};

/// The first post's cluster in today's spelling, with what it leaves out.
const HCL: &str = r#"
variable "initial_node_count" { default = 2 }
provider "azurerm" {
  features {}
}
resource "azurerm_resource_group" "main" {
  name     = "rg-platform"
  location = "westeurope"
}
# Create an AKS cluster
resource "azurerm_kubernetes_cluster" "primary" {
  name                = "platform"
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.main.name
  dns_prefix          = "platform"
  kubernetes_version  = "1.36"
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
output "host" {
  value     = azurerm_kubernetes_cluster.primary.kube_config[0].host
  sensitive = true
}
output "principal" { value = azurerm_kubernetes_cluster.primary.identity[0].principal_id }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_posts_cluster() {
    let workspace = Workspace::new(HCL).await;
    workspace.init().await;
    workspace.apply().await.ok();
    workspace.unchanged().await;
    let id = format!(
        "{}/providers/Microsoft.ContainerService/managedClusters/platform",
        group_id("rg-platform")
    );
    let document = workspace.arm.document(&id).unwrap();
    let pool = &document["properties"]["agentPoolProfiles"][0];
    assert_eq!(pool["enableAutoScaling"], true);
    assert_eq!((&pool["mode"], &pool["count"]), (&"System".into(), &2.into()));
    assert_eq!(
        document["sku"],
        serde_json::json!({ "name": "Base", "tier": "Free" })
    );
    let values = workspace.values("azurerm_kubernetes_cluster.primary").await;
    let config = &values["kube_config"][0];
    assert_eq!(
        (&config["host"], &config["password"]),
        (&"https://k.test:6443".into(), &"tok".into())
    );
    assert!(
        values["kube_config_raw"]
            .as_str()
            .unwrap()
            .starts_with("apiVersion: v1")
    );
    assert_eq!(values["network_profile"][0]["service_cidr"], "10.0.0.0/16");
    let outputs = workspace.state().await["values"]["outputs"].clone();
    assert_eq!(outputs["principal"]["value"], "principal-1");

    workspace.write(&HCL.replace("max_count            = 3", "max_count            = 5"));
    assert!(
        workspace
            .apply()
            .await
            .ok()
            .contains("0 added, 1 changed, 0 destroyed")
    );
    assert_eq!(
        workspace.arm.document(&id).unwrap()["properties"]["agentPoolProfiles"][0]["maxCount"],
        5
    );
    workspace.unchanged().await;
    workspace
        .terraform(&["state", "rm", "azurerm_kubernetes_cluster.primary"])
        .await
        .ok();
    workspace
        .terraform(&["import", "azurerm_kubernetes_cluster.primary", &id])
        .await
        .ok();
    workspace.unchanged().await;
    workspace.destroy().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_spellings_are_refused_as_azurerm_4_does() {
    let workspace = Workspace::new(&HCL.replace("auto_scaling_enabled", "enable_auto_scaling")).await;
    workspace.init().await;
    workspace.terraform(&["validate", "-no-color"]).await.failed(&[
        "An argument named \"enable_auto_scaling\" is not expected here",
        "main.tf line 21",
    ]);
}
