variable "resource_group_name" {
  type    = string
  default = "rg-workloads"
}

variable "cluster_name" {
  type    = string
  default = "workloads"
}

variable "dns_prefix" {
  type    = string
  default = "workloads"
}

variable "region" {
  type    = string
  default = "westeurope"
}

variable "k8s_version" {
  type        = string
  default     = null
  description = "Without one, what AKS recommends."
}

variable "node_vm_size" {
  type    = string
  default = "Standard_D2s_v5"
}

variable "initial_node_count" {
  type    = number
  default = 1
}

variable "min_node_count" {
  type    = number
  default = 1
}

variable "max_node_count" {
  type    = number
  default = 3
}
