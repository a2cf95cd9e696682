use serde_json::{Value as Json, json};

use super::super::check::{self, Problem};
use super::super::schema::{Attribute, flag, no, number, text, typed, yes};
use super::super::value::{Type, Value};
use super::super::wire::{Form, Wire, put};
use super::super::{Question, Resource};
use super::{block, group, id, identity, location, tags};
use crate::mapping::{Lifetime, Place};
use crate::names;

mod blocks;
mod kubeconfig;

const UPGRADE_CHANNEL: &str = "/properties/autoUpgradeProfile/upgradeChannel";

/// Type and name in ARM.
const TYPE: &str = "Microsoft.ContainerService/managedClusters";

pub(super) fn resource() -> Resource {
    Resource {
        name: "azurerm_kubernetes_cluster",
        title: "Kubernetes cluster",
        state_version: 2,
        place: Some(Place::InGroup { resource_type: TYPE }),
        api_version: "2025-10-01",
        block: block(attributes(), blocks::all()),
        kind: None,
        questions: &[Question {
            action: "listClusterUserCredential",
            fold: kubeconfig::fold,
        }],
        check: check_cluster,
        check_change: check_rotation,
        complete,
    }
}

fn attributes() -> Vec<Attribute> {
    let mut all = vec![id(), super::name(), group(), location(), tags()];
    all.extend(settings());
    all.extend(outputs());
    all
}

fn settings() -> Vec<Attribute> {
    let addon = |name, pointer| flag(name, pointer);
    vec![
        text("dns_prefix", "/properties/dnsPrefix").replaces(),
        text("dns_prefix_private_cluster", "/properties/fqdnSubdomain").replaces(),
        text("kubernetes_version", "/properties/kubernetesVersion").or_azure(),
        text("sku_tier", "/sku/tier").default(Value::text("Free")),
        text("support_plan", "/properties/supportPlan").default(Value::text("KubernetesOfficial")),
        typed(
            "automatic_upgrade_channel",
            Type::Text,
            Wire::at(UPGRADE_CHANNEL, Form::Unless("none")),
        ),
        text(
            "node_os_upgrade_channel",
            "/properties/autoUpgradeProfile/nodeOSUpgradeChannel",
        )
        .default(Value::text("NodeImage")),
        text("node_resource_group", "/properties/nodeResourceGroup")
            .or_azure()
            .replaces(),
        text("disk_encryption_set_id", "/properties/diskEncryptionSetID").replaces(),
        text("edge_zone", "/extendedLocation/name").replaces(),
        flag("role_based_access_control_enabled", "/properties/enableRBAC")
            .default(yes())
            .replaces(),
        flag("local_account_disabled", "/properties/disableLocalAccounts"),
        flag("oidc_issuer_enabled", "/properties/oidcIssuerProfile/enabled")
            .or_azure()
            .grows_only(),
        flag(
            "ai_toolchain_operator_enabled",
            "/properties/aiToolchainOperatorProfile/enabled",
        )
        .default(no()),
        typed(
            "custom_ca_trust_certificates_base64",
            Type::List(Box::new(Type::Text)),
            Wire::plain("/properties/securityProfile/customCATrustCertificates"),
        ),
        flag(
            "workload_identity_enabled",
            "/properties/securityProfile/workloadIdentity/enabled",
        )
        .default(no()),
        flag(
            "image_cleaner_enabled",
            "/properties/securityProfile/imageCleaner/enabled",
        ),
        number(
            "image_cleaner_interval_hours",
            "/properties/securityProfile/imageCleaner/intervalHours",
        ),
        flag(
            "private_cluster_enabled",
            "/properties/apiServerAccessProfile/enablePrivateCluster",
        )
        .default(no())
        .replaces(),
        flag(
            "private_cluster_public_fqdn_enabled",
            "/properties/apiServerAccessProfile/enablePrivateClusterPublicFQDN",
        )
        .default(no()),
        text(
            "private_dns_zone_id",
            "/properties/apiServerAccessProfile/privateDNSZone",
        )
        .or_azure()
        .replaces(),
        typed(
            "run_command_enabled",
            Type::Bool,
            Wire::at("/properties/apiServerAccessProfile/disableRunCommand", Form::Not),
        )
        .default(yes()),
        addon(
            "azure_policy_enabled",
            "/properties/addonProfiles/azurepolicy/enabled",
        ),
        addon(
            "http_application_routing_enabled",
            "/properties/addonProfiles/httpApplicationRouting/enabled",
        ),
        addon(
            "open_service_mesh_enabled",
            "/properties/addonProfiles/openServiceMesh/enabled",
        ),
        flag(
            "cost_analysis_enabled",
            "/properties/metricsProfile/costAnalysis/enabled",
        ),
    ]
}

fn outputs() -> Vec<Attribute> {
    let secret = |name, pointer| text(name, pointer).computed().sensitive();
    let config = |name, pointer| {
        typed(
            name,
            Type::List(Box::new(kubeconfig::entry())),
            Wire::plain(pointer),
        )
        .computed()
        .sensitive()
    };
    vec![
        text(
            "current_kubernetes_version",
            "/properties/currentKubernetesVersion",
        )
        .computed(),
        text("fqdn", "/properties/fqdn").computed(),
        text("private_fqdn", "/properties/privateFQDN").computed(),
        text("portal_fqdn", "/properties/azurePortalFQDN").computed(),
        text("oidc_issuer_url", "/properties/oidcIssuerProfile/issuerURL").computed(),
        text("node_resource_group_id", "/properties/nodeResourceGroupId").computed(),
        text(
            "http_application_routing_zone_name",
            "/properties/addonProfiles/httpApplicationRouting/config/HTTPApplicationRoutingZoneName",
        )
        .computed(),
        config("kube_config", "/kubeconfig/entries"),
        secret("kube_config_raw", "/kubeconfig/raw"),
        config("kube_admin_config", "/kubeconfig/admin/entries"),
        secret("kube_admin_config_raw", "/kubeconfig/admin/raw"),
    ]
}

/// What ARM wants beside what the configuration says.
fn complete(body: &mut Json) {
    put(body, "/sku/name", json!("Base"));
    if body.pointer(UPGRADE_CHANNEL).is_none() {
        put(body, UPGRADE_CHANNEL, json!("none"));
    }
    let pool = "/properties/agentPoolProfiles/0";
    put(body, &format!("{pool}/mode"), json!("System"));
    put(body, &format!("{pool}/osType"), json!("Linux"));
    if body
        .pointer("/properties/servicePrincipalProfile/clientId")
        .is_none()
    {
        put(body, "/properties/servicePrincipalProfile/clientId", json!("msi"));
    }
}

fn check_cluster(value: &Value) -> Vec<Problem> {
    let channels = ["patch", "rapid", "node-image", "stable"];
    let findings = [
        check::name(value, "name", names::check_managed_cluster),
        check::location(value),
        check::group(value),
        check_prefix(value),
        check::name(value, "default_node_pool.name", |name| {
            names::check_agent_pool(name, false)
        }),
        check::name(value, "kubernetes_version", names::check_kubernetes_version),
        check_counts(value),
        check_identity(value),
        check::one_of(value, "sku_tier", &["Free", "Standard", "Premium"]),
        check::one_of(value, "automatic_upgrade_channel", &channels),
        check::one_of(
            value,
            "node_os_upgrade_channel",
            &["Unmanaged", "SecurityPatch", "NodeImage", "None"],
        ),
        check::one_of(
            value,
            "network_profile.network_plugin",
            &["azure", "kubenet", "none"],
        ),
        check::between(value, "default_node_pool.node_count", 0.0, 1000.0),
    ];
    findings.into_iter().flatten().collect()
}

fn check_prefix(value: &Value) -> Option<Problem> {
    let path = "dns_prefix";
    let (prefix, private) = (value.get(path), value.get("dns_prefix_private_cluster"));
    if prefix.is_null() && private.is_null() {
        let help = "set `dns_prefix`, or `dns_prefix_private_cluster` for a private cluster";
        return Some(Problem::new(path, "the cluster has no DNS prefix", help));
    }
    check::name(value, path, names::check_dns_prefix)
}

fn check_counts(value: &Value) -> Option<Problem> {
    let of = |name: &str| value.at(&format!("default_node_pool.{name}"));
    let scales = of("auto_scaling_enabled");
    let path = "default_node_pool.min_count";
    if *scales == Value::Unknown {
        return None;
    }
    let (least, most) = (of("min_count"), of("max_count"));
    if scales.as_bool() != Some(true) {
        let said = !least.is_null() || !most.is_null();
        let help = "set `auto_scaling_enabled = true`, or leave `min_count` and `max_count` out";
        return said.then(|| Problem::new(path, "`min_count` and `max_count` need auto scaling", help));
    }
    if least.is_null() || most.is_null() {
        let help = "set `min_count` and `max_count`";
        return Some(Problem::new(
            path,
            "auto scaling needs `min_count` and `max_count`",
            help,
        ));
    }
    let wrong = least
        .as_number()
        .zip(most.as_number())
        .is_some_and(|(least, most)| least > most);
    wrong.then(|| Problem::new(path, "`min_count` is greater than `max_count`", "swap them"))
}

/// What Azure changes only by moving the default pool's nodes over to another pool for a while.
const ROTATED: [&str; 14] = [
    "fips_enabled",
    "host_encryption_enabled",
    "kubelet_disk_type",
    "max_pods",
    "node_public_ip_enabled",
    "only_critical_addons_enabled",
    "os_disk_size_gb",
    "os_disk_type",
    "pod_subnet_id",
    "snapshot_id",
    "ultra_ssd_enabled",
    "vm_size",
    "vnet_subnet_id",
    "zones",
];

/// Changes of the default pool that need a name for the other pool, and have none.
fn check_rotation(prior: &Value, planned: &Value) -> Vec<Problem> {
    let (before, after) = (prior.get("default_node_pool"), planned.get("default_node_pool"));
    if before.is_empty() || !after.get("temporary_name_for_rotation").is_null() {
        return Vec::new();
    }
    let differs = |name: &&&str| {
        let (before, after) = (before.get(name), after.get(name));
        before != after && !(before.is_empty() && after.is_empty()) && *after != Value::Unknown
    };
    let changed = ROTATED.iter().filter(differs);
    let problem = |name: &&'static str| {
        let message = format!("changing `{name}` moves the default pool's nodes to another pool for a while");
        let help = "set `temporary_name_for_rotation` to a name for that pool, such as `temporary`";
        Problem::new("default_node_pool", message, help)
    };
    changed.map(problem).collect()
}

fn check_identity(value: &Value) -> Option<Problem> {
    let none = value.get("identity").is_empty() && value.get("service_principal").is_empty();
    let help = "add `identity { type = \"SystemAssigned\" }`";
    none.then(|| {
        Problem::new(
            "identity",
            "the cluster has neither `identity` nor `service_principal`",
            help,
        )
    })
}

/// A secret of a block.
fn secret(name: &'static str, pointer: &'static str) -> Attribute {
    let wire = Wire::At {
        pointer,
        form: Form::Plain,
        lifetime: Lifetime::CreateOnly,
    };
    typed(name, Type::Text, wire).sensitive()
}
