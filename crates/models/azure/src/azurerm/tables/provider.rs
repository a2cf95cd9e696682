use super::super::schema::{Attribute, Block, Nested, Present, typed};
use super::super::value::Type;
use super::super::wire::Wire;

const TEXTS: [&str; 16] = [
    "ado_pipeline_service_connection_id",
    "client_certificate_path",
    "client_id",
    "client_id_file_path",
    "client_secret_file_path",
    "environment",
    "metadata_host",
    "msi_api_version",
    "msi_endpoint",
    "oidc_request_token",
    "oidc_request_url",
    "oidc_token_file_path",
    "partner_id",
    "resource_provider_registrations",
    "subscription_id",
    "tenant_id",
];

const SECRETS: [&str; 4] = [
    "client_certificate",
    "client_certificate_password",
    "client_secret",
    "oidc_token",
];

const FLAGS: [&str; 8] = [
    "disable_correlation_request_id",
    "disable_terraform_partner_id",
    "skip_provider_registration",
    "storage_use_azuread",
    "use_aks_workload_identity",
    "use_cli",
    "use_msi",
    "use_oidc",
];

const LISTS: [&str; 2] = ["auxiliary_tenant_ids", "resource_providers_to_register"];

/// Switches of `features` itself.
const SWITCHES_OF_FEATURES: [&str; 2] = [
    "persist_id_on_create_before_polling_for_completion",
    "skip_import_check_on_create_and_allow_overwriting_existing_resources",
];

/// Texts in blocks of `features`.
const TEXTS_OF_FEATURES: [(&str, &str); 1] = [("enhanced_validation", "preflight_location_fallback")];

/// Blocks of `features` with their switches.
const FEATURES: &[(&str, &[&str])] = &[
    (
        "api_management",
        &["purge_soft_delete_on_destroy", "recover_soft_deleted"],
    ),
    (
        "app_configuration",
        &["purge_soft_delete_on_destroy", "recover_soft_deleted"],
    ),
    ("application_insights", &["disable_generated_rule"]),
    ("cognitive_account", &["purge_soft_delete_on_destroy"]),
    ("databricks_workspace", &["force_delete"]),
    (
        "enhanced_validation",
        &["locations", "preflight_enabled", "resource_providers"],
    ),
    (
        "key_vault",
        &[
            "purge_soft_delete_on_destroy",
            "purge_soft_deleted_certificates_on_destroy",
            "purge_soft_deleted_hardware_security_module_keys_on_destroy",
            "purge_soft_deleted_hardware_security_modules_on_destroy",
            "purge_soft_deleted_keys_on_destroy",
            "purge_soft_deleted_secrets_on_destroy",
            "recover_soft_deleted_certificates",
            "recover_soft_deleted_hardware_security_module_keys",
            "recover_soft_deleted_key_vaults",
            "recover_soft_deleted_keys",
            "recover_soft_deleted_secrets",
        ],
    ),
    ("log_analytics_workspace", &["permanently_delete_on_destroy"]),
    ("machine_learning", &["purge_soft_deleted_workspace_on_destroy"]),
    ("managed_disk", &["expand_without_downtime"]),
    (
        "netapp",
        &[
            "delete_backups_on_backup_vault_destroy",
            "prevent_volume_destruction",
        ],
    ),
    (
        "postgresql_flexible_server",
        &["restart_server_on_configuration_value_change"],
    ),
    (
        "recovery_service",
        &[
            "purge_protected_items_from_vault_on_destroy",
            "vm_backup_stop_protection_and_retain_data_on_destroy",
            "vm_backup_suspend_protection_and_retain_data_on_destroy",
        ],
    ),
    (
        "recovery_services_vaults",
        &["recover_soft_deleted_backup_protected_vm"],
    ),
    ("resource_group", &["prevent_deletion_if_contains_resources"]),
    ("servicebus", &["auto_delete_subscription_default_rule"]),
    ("storage", &["data_plane_available"]),
    ("subscription", &["prevent_cancellation_on_destroy"]),
    ("template_deployment", &["delete_nested_items_during_deletion"]),
    (
        "virtual_machine",
        &[
            "delete_os_disk_on_deletion",
            "detach_implicit_data_disk_on_deletion",
            "graceful_shutdown",
            "skip_shutdown_and_force_delete",
        ],
    ),
    (
        "virtual_machine_scale_set",
        &[
            "force_delete",
            "reimage_on_manual_upgrade",
            "roll_instances_when_required",
            "scale_to_zero_before_deletion",
        ],
    ),
];

/// The `provider "azurerm"` block: everything that the real one takes, so that the same HCL does for both.
pub(in crate::azurerm) fn provider() -> Block {
    let of = |name, kind| typed(name, kind, Wire::Kept);
    let mut attributes: Vec<Attribute> = TEXTS.iter().map(|name| of(name, Type::Text)).collect();
    attributes.extend(SECRETS.iter().map(|name| of(name, Type::Text).sensitive()));
    attributes.extend(FLAGS.iter().map(|name| of(name, Type::Bool)));
    attributes.extend(
        LISTS
            .iter()
            .map(|name| of(name, Type::List(Box::new(Type::Text)))),
    );
    let features = FEATURES.iter().map(|(name, switches)| {
        let switches = switches.iter().map(|switch| of(switch, Type::Bool)).collect();
        Nested::once(name, Present::Kept, switches)
    });
    let mut features: Vec<Nested> = features.collect();
    for nested in &mut features {
        for name in TEXTS_OF_FEATURES
            .iter()
            .filter(|(block, _)| *block == nested.name)
        {
            nested.block.attributes.push(of(name.1, Type::Text));
        }
    }
    let switches = SWITCHES_OF_FEATURES.iter().map(|name| of(name, Type::Bool));
    let features = Nested::once("features", Present::Kept, switches.collect())
        .required()
        .with(features);
    let validation = ["locations", "resource_providers"].map(|name| of(name, Type::Bool));
    let validation = Nested::once("enhanced_validation", Present::Kept, validation.into());
    Block {
        attributes,
        blocks: vec![validation, features],
    }
}
