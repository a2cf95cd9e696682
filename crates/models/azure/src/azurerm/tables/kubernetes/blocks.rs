use super::super::super::schema::{Attribute, Nested, Present, flag, no, number, text, typed};
use super::super::super::value::{Type, Value};
use super::super::super::wire::{Form, Wire};
use super::super::tags;
use super::identity;

pub(super) fn all() -> Vec<Nested> {
    vec![
        default_node_pool(),
        identity(),
        service_principal(),
        network_profile(),
        node_provisioning_profile(),
        entra(),
        api_server_access_profile(),
        key_vault_secrets_provider(),
        kubelet_identity(),
        oms_agent(),
        web_app_routing(),
        workload_autoscaler_profile(),
        Nested::timeouts(),
    ]
}

/// A text of the first pool.
macro_rules! pool {
    ($field:literal) => {
        concat!("/properties/agentPoolProfiles/0/", $field)
    };
}

/// A field of the network profile.
macro_rules! network {
    ($field:literal) => {
        concat!("/properties/networkProfile/", $field)
    };
}

fn default_node_pool() -> Nested {
    let attributes = vec![
        text("name", pool!("name")).required().replaces(),
        text("vm_size", pool!("vmSize")).or_azure(),
        number("node_count", pool!("count")).or_azure(),
        flag("auto_scaling_enabled", pool!("enableAutoScaling")),
        number("min_count", pool!("minCount")),
        number("max_count", pool!("maxCount")),
        text("type", pool!("type"))
            .default(Value::text("VirtualMachineScaleSets"))
            .replaces(),
        number("max_pods", pool!("maxPods")).or_azure(),
        typed(
            "node_labels",
            Type::Map(Box::new(Type::Text)),
            Wire::plain(pool!("nodeLabels")),
        )
        .or_azure(),
        critical_addons(),
        text("orchestrator_version", pool!("orchestratorVersion")).or_azure(),
        number("os_disk_size_gb", pool!("osDiskSizeGB")).or_azure(),
        text("os_disk_type", pool!("osDiskType")).default(Value::text("Managed")),
        text("os_sku", pool!("osSKU")).or_azure(),
        text("kubelet_disk_type", pool!("kubeletDiskType")).or_azure(),
        text("pod_subnet_id", pool!("podSubnetID")),
        text("vnet_subnet_id", pool!("vnetSubnetID")),
        text("proximity_placement_group_id", pool!("proximityPlacementGroupID")).replaces(),
        text("host_group_id", pool!("hostGroupID")).replaces(),
        text(
            "capacity_reservation_group_id",
            pool!("capacityReservationGroupID"),
        )
        .replaces(),
        text("snapshot_id", pool!("creationData/sourceResourceId")),
        text("scale_down_mode", pool!("scaleDownMode")).default(Value::text("Delete")),
        text("workload_runtime", pool!("workloadRuntime")).or_azure(),
        text("gpu_driver", pool!("gpuProfile/driver")).replaces(),
        text("gpu_instance", pool!("gpuInstanceProfile")).replaces(),
        text("node_public_ip_prefix_id", pool!("nodePublicIPPrefixID")).replaces(),
        flag("fips_enabled", pool!("enableFIPS")),
        flag("host_encryption_enabled", pool!("enableEncryptionAtHost")),
        flag("node_public_ip_enabled", pool!("enableNodePublicIP")),
        flag("ultra_ssd_enabled", pool!("enableUltraSSD")).default(no()),
        typed("zones", Type::texts(), Wire::plain(pool!("availabilityZones"))),
        typed("temporary_name_for_rotation", Type::Text, Wire::Kept),
        Attribute {
            wire: Wire::plain(pool!("tags")),
            ..tags()
        },
    ];
    Nested::once(
        "default_node_pool",
        Present::At("/properties/agentPoolProfiles/0"),
        attributes,
    )
    .required()
    .with(vec![upgrade_settings()])
}

/// A taint of one name stands for it.
fn critical_addons() -> Attribute {
    typed(
        "only_critical_addons_enabled",
        Type::Bool,
        Wire::at(pool!("nodeTaints"), Form::Taint),
    )
}

fn upgrade_settings() -> Nested {
    let attributes = vec![
        text("max_surge", pool!("upgradeSettings/maxSurge")).required(),
        number(
            "drain_timeout_in_minutes",
            pool!("upgradeSettings/drainTimeoutInMinutes"),
        ),
        number(
            "node_soak_duration_in_minutes",
            pool!("upgradeSettings/nodeSoakDurationInMinutes"),
        ),
        text(
            "undrainable_node_behavior",
            pool!("upgradeSettings/undrainableNodeBehavior"),
        ),
    ];
    Nested::once(
        "upgrade_settings",
        Present::At(pool!("upgradeSettings/maxSurge")),
        attributes,
    )
}

fn service_principal() -> Nested {
    let profile = "/properties/servicePrincipalProfile/clientId";
    let secret = super::secret("client_secret", "/properties/servicePrincipalProfile/secret").required();
    Nested::once(
        "service_principal",
        Present::Unless(profile, "msi"),
        vec![text("client_id", profile).required(), secret],
    )
}

fn network_profile() -> Nested {
    let texts = |name, pointer| {
        typed(name, Type::List(Box::new(Type::Text)), Wire::plain(pointer))
            .or_azure()
            .replaces()
    };
    let mut attributes = vec![
        text("network_plugin", network!("networkPlugin"))
            .required()
            .replaces(),
        text("network_plugin_mode", network!("networkPluginMode")),
        text("network_mode", network!("networkMode"))
            .or_azure()
            .replaces(),
        typed(
            "network_policy",
            Type::Text,
            Wire::at(network!("networkPolicy"), Form::Unless("none")),
        )
        .or_azure(),
        text("network_data_plane", network!("networkDataplane")).default(Value::text("azure")),
        text("outbound_type", network!("outboundType")).default(Value::text("loadBalancer")),
        text("load_balancer_sku", network!("loadBalancerSku"))
            .default(Value::text("standard"))
            .replaces(),
        typed(
            "pod_cidrs",
            Type::List(Box::new(Type::Text)),
            Wire::plain(network!("podCidrs")),
        )
        .or_azure(),
        text("pod_cidr", network!("podCidr")).or_azure(),
        texts("service_cidrs", network!("serviceCidrs")),
        texts("ip_versions", network!("ipFamilies")),
    ];
    for (name, pointer) in [
        ("dns_service_ip", network!("dnsServiceIP")),
        ("service_cidr", network!("serviceCidr")),
    ] {
        attributes.push(text(name, pointer).or_azure().replaces());
    }
    Nested::once(
        "network_profile",
        Present::At(network!("networkPlugin")),
        attributes,
    )
    .computed()
}

fn node_provisioning_profile() -> Nested {
    let profile = "/properties/nodeProvisioningProfile";
    Nested::once(
        "node_provisioning_profile",
        Present::At(profile),
        vec![
            text("mode", "/properties/nodeProvisioningProfile/mode").default(Value::text("Manual")),
            text(
                "default_node_pools",
                "/properties/nodeProvisioningProfile/defaultNodePools",
            )
            .default(Value::text("Auto")),
        ],
    )
    .computed()
}

fn entra() -> Nested {
    let profile = "/properties/aadProfile/managed";
    let groups = Wire::plain("/properties/aadProfile/adminGroupObjectIDs");
    Nested::once(
        "azure_active_directory_role_based_access_control",
        Present::When(profile, "true"),
        vec![
            text("tenant_id", "/properties/aadProfile/tenantID").or_azure(),
            flag("azure_rbac_enabled", "/properties/aadProfile/enableAzureRBAC"),
            typed("admin_group_object_ids", Type::List(Box::new(Type::Text)), groups),
        ],
    )
}

fn api_server_access_profile() -> Nested {
    let ranges = "/properties/apiServerAccessProfile/authorizedIPRanges";
    Nested::once(
        "api_server_access_profile",
        Present::At(ranges),
        vec![
            typed("authorized_ip_ranges", Type::texts(), Wire::plain(ranges)),
            text("subnet_id", "/properties/apiServerAccessProfile/subnetId"),
            flag(
                "virtual_network_integration_enabled",
                "/properties/apiServerAccessProfile/enableVnetIntegration",
            )
            .default(no()),
        ],
    )
}

fn key_vault_secrets_provider() -> Nested {
    let addon = "/properties/addonProfiles/azureKeyvaultSecretsProvider/enabled";
    let config = |name, pointer| typed(name, Type::Text, Wire::plain(pointer));
    Nested::once(
        "key_vault_secrets_provider",
        Present::When(addon, "true"),
        vec![
            typed(
                "secret_rotation_enabled",
                Type::Bool,
                Wire::plain(
                    "/properties/addonProfiles/azureKeyvaultSecretsProvider/config/enableSecretRotation",
                ),
            )
            .default(no()),
            config(
                "secret_rotation_interval",
                "/properties/addonProfiles/azureKeyvaultSecretsProvider/config/rotationPollInterval",
            )
            .default(Value::text("2m")),
        ],
    )
}

fn kubelet_identity() -> Nested {
    let of = |name, pointer| text(name, pointer).or_azure().replaces();
    Nested::once(
        "kubelet_identity",
        Present::At("/properties/identityProfile/kubeletidentity"),
        vec![
            of(
                "client_id",
                "/properties/identityProfile/kubeletidentity/clientId",
            ),
            of(
                "object_id",
                "/properties/identityProfile/kubeletidentity/objectId",
            ),
            of(
                "user_assigned_identity_id",
                "/properties/identityProfile/kubeletidentity/resourceId",
            ),
        ],
    )
    .computed()
}

fn oms_agent() -> Nested {
    let config = "/properties/addonProfiles/omsagent/config/logAnalyticsWorkspaceResourceID";
    let msi = "/properties/addonProfiles/omsagent/config/useAADAuth";
    Nested::once(
        "oms_agent",
        Present::When("/properties/addonProfiles/omsagent/enabled", "true"),
        vec![
            text("log_analytics_workspace_id", config).required(),
            typed("msi_auth_for_monitoring_enabled", Type::Bool, Wire::plain(msi)),
        ],
    )
}

fn web_app_routing() -> Nested {
    let zones = "/properties/ingressProfile/webAppRouting/dnsZoneResourceIds";
    let controller = "/properties/ingressProfile/webAppRouting/nginx/defaultIngressControllerType";
    Nested::once(
        "web_app_routing",
        Present::When("/properties/ingressProfile/webAppRouting/enabled", "true"),
        vec![
            typed(
                "dns_zone_ids",
                Type::List(Box::new(Type::Text)),
                Wire::plain(zones),
            )
            .required(),
            text("default_nginx_controller", controller).default(Value::text("AnnotationControlled")),
        ],
    )
}

fn workload_autoscaler_profile() -> Nested {
    let keda = "/properties/workloadAutoScalerProfile/keda/enabled";
    let vertical = "/properties/workloadAutoScalerProfile/verticalPodAutoscaler/enabled";
    Nested::once(
        "workload_autoscaler_profile",
        Present::At(keda),
        vec![
            flag("keda_enabled", keda).default(no()),
            flag("vertical_pod_autoscaler_enabled", vertical).default(no()),
        ],
    )
}
