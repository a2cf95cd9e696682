use pave_diagnostic::{Diagnostic, Fix, Label};

use super::{Literal, Resource, TerraformModule};
use crate::codes;

/// Type, old argument, new argument (empty: it is gone), version of azurerm that changed it.
const ARGUMENTS: [(&str, &str, &str, &str); 25] = [
    (
        "azurerm_kubernetes_cluster",
        "default_node_pool.enable_auto_scaling",
        "auto_scaling_enabled",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "default_node_pool.enable_host_encryption",
        "host_encryption_enabled",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "default_node_pool.enable_node_public_ip",
        "node_public_ip_enabled",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "default_node_pool.availability_zones",
        "zones",
        "3.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "automatic_channel_upgrade",
        "automatic_upgrade_channel",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "node_os_channel_upgrade",
        "node_os_upgrade_channel",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "api_server_authorized_ip_ranges",
        "api_server_access_profile.authorized_ip_ranges",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "public_network_access_enabled",
        "",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "enable_pod_security_policy",
        "",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "network_profile.docker_bridge_cidr",
        "",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "network_profile.ebpf_data_plane",
        "network_data_plane",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "azure_active_directory_role_based_access_control.managed",
        "",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "web_app_routing.dns_zone_id",
        "dns_zone_ids",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster",
        "role_based_access_control",
        "role_based_access_control_enabled",
        "3.0",
    ),
    ("azurerm_kubernetes_cluster", "addon_profile", "", "3.0"),
    (
        "azurerm_kubernetes_cluster",
        "private_link_enabled",
        "private_cluster_enabled",
        "3.0",
    ),
    (
        "azurerm_kubernetes_cluster_node_pool",
        "enable_auto_scaling",
        "auto_scaling_enabled",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster_node_pool",
        "enable_host_encryption",
        "host_encryption_enabled",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster_node_pool",
        "enable_node_public_ip",
        "node_public_ip_enabled",
        "4.0",
    ),
    (
        "azurerm_kubernetes_cluster_node_pool",
        "availability_zones",
        "zones",
        "3.0",
    ),
    (
        "azurerm_storage_account",
        "enable_https_traffic_only",
        "https_traffic_only_enabled",
        "4.0",
    ),
    (
        "azurerm_storage_account",
        "allow_blob_public_access",
        "allow_nested_items_to_be_public",
        "3.0",
    ),
    ("azurerm_subnet", "address_prefix", "address_prefixes", "3.0"),
    (
        "azurerm_network_interface",
        "enable_ip_forwarding",
        "ip_forwarding_enabled",
        "4.0",
    ),
    (
        "azurerm_network_interface",
        "enable_accelerated_networking",
        "accelerated_networking_enabled",
        "4.0",
    ),
];

/// Retired type and what to use instead.
const RESOURCES: [(&str, &str); 9] = [
    ("azurerm_postgresql_server", "azurerm_postgresql_flexible_server"),
    (
        "azurerm_postgresql_database",
        "azurerm_postgresql_flexible_server_database",
    ),
    (
        "azurerm_postgresql_firewall_rule",
        "azurerm_postgresql_flexible_server_firewall_rule",
    ),
    ("azurerm_mysql_server", "azurerm_mysql_flexible_server"),
    ("azurerm_mysql_database", "azurerm_mysql_flexible_database"),
    ("azurerm_sql_server", "azurerm_mssql_server"),
    ("azurerm_sql_database", "azurerm_mssql_database"),
    ("azurerm_app_service", "azurerm_linux_web_app"),
    ("azurerm_app_service_plan", "azurerm_service_plan"),
];

/// Old names of arguments and types, and what the provider block lacks.
pub(super) fn check(module: &mut TerraformModule) {
    let old = uses_old_provider(module);
    let mut found = Vec::new();
    for resource in &module.resources {
        if let Some((_, instead)) = RESOURCES.iter().find(|(kind, _)| *kind == resource.kind) {
            found.push(
                Diagnostic::error(codes::RETIRED_RESOURCE, format!("`{}` is retired", resource.kind))
                    .with_label(Label::at(resource.place.clone()))
                    .with_help(format!("use `{instead}`; its arguments differ")),
            );
        }
        for argument in &resource.attributes {
            let entry = ARGUMENTS
                .iter()
                .find(|(kind, path, ..)| *kind == resource.kind && *path == argument.path);
            if let Some((_, _, instead, since)) = entry
                && !(old && *since == "4.0")
            {
                found.push(argument_finding(resource, argument, instead, since));
            }
        }
    }
    for provider in module.providers.iter().filter(|one| one.name == "azurerm") {
        if !provider.blocks.iter().any(|block| block == "features") {
            found.push(
                Diagnostic::error(codes::PROVIDER, "provider `azurerm` has no `features` block")
                    .with_label(Label::at(provider.place.clone()))
                    .with_help("write `features {}` into it, even if it is empty"),
            );
        }
    }
    let uses_azure = module
        .resources
        .iter()
        .find(|one| one.kind.starts_with("azurerm_"));
    if let (Some(first), false) = (
        uses_azure,
        module.providers.iter().any(|one| one.name == "azurerm"),
    ) {
        found.push(
            Diagnostic::warning(codes::PROVIDER, "no `provider \"azurerm\"` is configured here")
                .with_label(Label::at(first.place.clone()))
                .with_help("write `provider \"azurerm\" { features {} }`; without `features` the provider refuses to start"),
        );
    }
    module.diagnostics.append(&mut found);
}

/// Whether the version constraint keeps azurerm below 4.
fn uses_old_provider(module: &TerraformModule) -> bool {
    module
        .required_providers
        .iter()
        .filter(|(name, source, _)| name == "azurerm" || source.ends_with("hashicorp/azurerm"))
        .any(|(_, _, version)| {
            let begin = version.trim_start_matches(['~', '>', '<', '=', ' ']);
            let below = version.contains("< 4") || version.contains("<4");
            let pinned = !version.trim_start().starts_with(['>', '<'])
                && matches!(begin.chars().next(), Some('1'..='3'));
            below || pinned
        })
}

fn argument_finding(resource: &Resource, argument: &Literal, instead: &str, since: &str) -> Diagnostic {
    let message = format!(
        "`{}` of `{}` is no longer there since azurerm {since}",
        argument.path, resource.kind
    );
    let diagnostic =
        Diagnostic::error(codes::RENAMED_ARGUMENT, message).with_label(Label::at(argument.place.clone()));
    if instead.is_empty() {
        return diagnostic.with_help("remove it");
    }
    let diagnostic = diagnostic.with_help(format!("it is `{instead}` now"));
    let moves = instead.contains('.') || argument.value.is_null() && argument.place == argument.value_place;
    if moves || instead.ends_with('s') && !argument.path.ends_with('s') {
        return diagnostic;
    }
    diagnostic.with_fix(Fix {
        title: format!("write `{instead}`"),
        file: argument.place.file.clone(),
        span: argument.place.span,
        replacement: instead.to_owned(),
    })
}
