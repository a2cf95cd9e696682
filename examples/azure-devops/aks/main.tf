# The first post's cluster in the spelling of azurerm 4: `enable_auto_scaling` is called `auto_scaling_enabled` there.
terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.0"
    }
  }
}

provider "azurerm" {
  features {}
}

resource "azurerm_resource_group" "main" {
  name     = var.resource_group_name
  location = var.region
}

# Create an AKS cluster
resource "azurerm_kubernetes_cluster" "primary" {
  name                = var.cluster_name
  location            = var.region
  resource_group_name = azurerm_resource_group.main.name
  dns_prefix          = var.dns_prefix
  kubernetes_version  = var.k8s_version

  default_node_pool {
    name                 = "nodepool"
    vm_size              = var.node_vm_size
    node_count           = var.initial_node_count
    auto_scaling_enabled = true
    min_count            = var.min_node_count
    max_count            = var.max_node_count
  }

  identity {
    type = "SystemAssigned" # enable managed identity for the cluster
  }

  lifecycle {
    # The autoscaler changes it.
    ignore_changes = [default_node_pool[0].node_count]
  }
}

output "kube_config" {
  value     = azurerm_kubernetes_cluster.primary.kube_config_raw
  sensitive = true
}
