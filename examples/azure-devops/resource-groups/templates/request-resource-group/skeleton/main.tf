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

resource "azurerm_resource_group" "this" {
  name     = "${{ values.name }}"
  location = "${{ values.location }}"

  tags = {
    owner = "${{ values.owner }}"
  }
}
