/// What became of an argument.
pub(super) enum Renamed {
    /// It has another name.
    To(&'static str),
    /// It is said in another way, or not at all.
    Words(&'static str),
}

use Renamed::{To, Words};

/// What became of an argument of azurerm 2 or 3 in azurerm 4.
pub(super) fn renamed(owner: &str, path: &str) -> Option<Renamed> {
    let change = match owner {
        "azurerm_kubernetes_cluster" => return cluster(path),
        "azurerm_storage_account" => match path {
            "enable_https_traffic_only" => To("https_traffic_only_enabled"),
            "allow_blob_public_access" => To("allow_nested_items_to_be_public"),
            "enable_advanced_threat_protection" => Words("leave it out; it is a resource of its own"),
            _ => return None,
        },
        "azurerm_postgresql_flexible_server" => match path {
            "cmk_enabled" => Words("leave it out"),
            _ => return None,
        },
        _ => return None,
    };
    Some(change)
}

fn cluster(path: &str) -> Option<Renamed> {
    let pool = "write it in `api_server_access_profile { authorized_ip_ranges = […] }`";
    let change = match path {
        "default_node_pool.enable_auto_scaling" => To("auto_scaling_enabled"),
        "default_node_pool.enable_node_public_ip" => To("node_public_ip_enabled"),
        "default_node_pool.enable_host_encryption" => To("host_encryption_enabled"),
        "default_node_pool.availability_zones" => To("zones"),
        "default_node_pool.node_taints" => {
            Words("leave it out; `only_critical_addons_enabled = true` writes the one taint of this pool")
        }
        "default_node_pool.custom_ca_trust_enabled" => Words("leave it out; azurerm 4 has it no more"),
        "automatic_channel_upgrade" => To("automatic_upgrade_channel"),
        "node_os_channel_upgrade" => To("node_os_upgrade_channel"),
        "network_profile.ebpf_data_plane" => To("network_data_plane"),
        "network_profile.docker_bridge_cidr" => Words("leave it out; AKS does not use Docker any more"),
        "api_server_authorized_ip_ranges" => Words(pool),
        "role_based_access_control" => Words("write `role_based_access_control_enabled = true`"),
        "identity.user_assigned_identity_id" => Words("write `identity_ids = […]`, with this id in it"),
        "web_app_routing.dns_zone_id" => Words("write `dns_zone_ids = […]`, with this id in it"),
        "private_link_enabled" => To("private_cluster_enabled"),
        "azure_active_directory_role_based_access_control.client_app_id"
        | "azure_active_directory_role_based_access_control.server_app_id"
        | "azure_active_directory_role_based_access_control.server_app_secret" => {
            Words("leave it out; the integration is managed and needs no applications")
        }
        "workload_autoscaler_profile.vertical_pod_autoscaler_update_mode"
        | "workload_autoscaler_profile.vertical_pod_autoscaler_controlled_values" => {
            Words("leave it out; Azure chooses it")
        }
        "azure_active_directory_role_based_access_control.managed" => {
            Words("leave it out; the integration is always managed")
        }
        "agent_pool_profile" => To("default_node_pool"),
        "addon_profile" => {
            Words("write each add-on as its own argument, such as `azure_policy_enabled = true`")
        }
        "enable_pod_security_policy" => {
            Words("leave it out; Kubernetes has no pod security policies any more")
        }
        "public_network_access_enabled" => Words("leave it out, or write `private_cluster_enabled`"),
        _ => return None,
    };
    Some(change)
}
