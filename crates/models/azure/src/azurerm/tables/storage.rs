use serde_json::{Value as Json, json};

use super::super::check::{self, Problem};
use super::super::schema::{Attribute, Nested, Present, flag, no, text, typed, yes};
use super::super::value::{Type, Value};
use super::super::wire::{Form, Wire, put};
use super::super::{Question, Resource};
use super::{block, group, id, identity, location, tags};
use crate::mapping::Place;
use crate::names;

pub(super) fn resource() -> Resource {
    Resource {
        name: "azurerm_storage_account",
        title: "storage account",
        state_version: 4,
        place: Some(Place::InGroup {
            resource_type: "Microsoft.Storage/storageAccounts",
        }),
        api_version: "2025-08-01",
        block: block(
            attributes(),
            vec![identity(), network_rules(), Nested::timeouts()],
        ),
        kind: None,
        questions: &[Question {
            action: "listKeys",
            fold: keys,
        }],
        complete: |_| {},
        check_change: |_, _| Vec::new(),
        check: check_account,
    }
}

fn attributes() -> Vec<Attribute> {
    let mut all = vec![
        id(),
        super::name(),
        group(),
        location(),
        text("account_kind", "/kind").default(Value::text("StorageV2")),
        typed("account_tier", Type::Text, Wire::at("/sku/name", Form::Before))
            .required()
            .replaces(),
        typed(
            "account_replication_type",
            Type::Text,
            Wire::at("/sku/name", Form::After),
        )
        .required(),
        text("access_tier", "/properties/accessTier").or_azure(),
        flag(
            "allow_nested_items_to_be_public",
            "/properties/allowBlobPublicAccess",
        )
        .default(yes()),
        text("allowed_copy_scope", "/properties/allowedCopyScope"),
        flag(
            "cross_tenant_replication_enabled",
            "/properties/allowCrossTenantReplication",
        )
        .default(no()),
        flag(
            "default_to_oauth_authentication",
            "/properties/defaultToOAuthAuthentication",
        )
        .default(no()),
        text("dns_endpoint_type", "/properties/dnsEndpointType")
            .default(Value::text("Standard"))
            .replaces(),
        text("edge_zone", "/extendedLocation/name").replaces(),
        flag(
            "https_traffic_only_enabled",
            "/properties/supportsHttpsTrafficOnly",
        )
        .default(yes()),
        flag(
            "infrastructure_encryption_enabled",
            "/properties/encryption/requireInfrastructureEncryption",
        )
        .default(no())
        .replaces(),
        flag("is_hns_enabled", "/properties/isHnsEnabled")
            .default(no())
            .replaces(),
        typed(
            "large_file_share_enabled",
            Type::Bool,
            Wire::at(
                "/properties/largeFileSharesState",
                Form::Coded(crate::mapping::Codec::Switch),
            ),
        )
        .or_azure()
        .grows_only(),
        flag("local_user_enabled", "/properties/isLocalUserEnabled").default(yes()),
        text("min_tls_version", "/properties/minimumTlsVersion").default(Value::text("TLS1_2")),
        flag("nfsv3_enabled", "/properties/isNfsV3Enabled")
            .default(no())
            .replaces(),
        typed(
            "public_network_access_enabled",
            Type::Bool,
            Wire::at(
                "/properties/publicNetworkAccess",
                Form::Coded(crate::mapping::Codec::Switch),
            ),
        )
        .default(yes()),
        text(
            "provisioned_billing_model_version",
            "/sku/provisionedBillingModelVersion",
        )
        .replaces(),
        text(
            "queue_encryption_key_type",
            "/properties/encryption/services/queue/keyType",
        )
        .default(Value::text("Service"))
        .replaces(),
        text(
            "table_encryption_key_type",
            "/properties/encryption/services/table/keyType",
        )
        .default(Value::text("Service"))
        .replaces(),
        flag("sftp_enabled", "/properties/isSftpEnabled").default(no()),
        flag("shared_access_key_enabled", "/properties/allowSharedKeyAccess").default(yes()),
        tags(),
    ];
    all.extend(outputs());
    all
}

fn outputs() -> Vec<Attribute> {
    let mut all = vec![
        text("primary_location", "/properties/primaryLocation").computed(),
        text("secondary_location", "/properties/secondaryLocation").computed(),
    ];
    for (name, pointer) in ENDPOINTS {
        all.push(text(name, pointer).computed());
    }
    for (name, pointer) in HOSTS {
        all.push(typed(name, Type::Text, Wire::at(pointer, Form::Host)).computed());
    }
    for (name, place) in names_of_routes() {
        let form = if name.ends_with("host") {
            Form::Host
        } else {
            Form::Plain
        };
        all.push(typed(name, Type::Text, Wire::at(place, form)).computed());
    }
    for (name, pointer) in SECRETS {
        all.push(text(name, pointer).computed().sensitive());
    }
    all
}

const ENDPOINTS: [(&str, &str); 12] = [
    ("primary_blob_endpoint", "/properties/primaryEndpoints/blob"),
    ("primary_dfs_endpoint", "/properties/primaryEndpoints/dfs"),
    ("primary_file_endpoint", "/properties/primaryEndpoints/file"),
    ("primary_queue_endpoint", "/properties/primaryEndpoints/queue"),
    ("primary_table_endpoint", "/properties/primaryEndpoints/table"),
    ("primary_web_endpoint", "/properties/primaryEndpoints/web"),
    ("secondary_blob_endpoint", "/properties/secondaryEndpoints/blob"),
    ("secondary_dfs_endpoint", "/properties/secondaryEndpoints/dfs"),
    ("secondary_file_endpoint", "/properties/secondaryEndpoints/file"),
    ("secondary_queue_endpoint", "/properties/secondaryEndpoints/queue"),
    ("secondary_table_endpoint", "/properties/secondaryEndpoints/table"),
    ("secondary_web_endpoint", "/properties/secondaryEndpoints/web"),
];

const HOSTS: [(&str, &str); 12] = [
    ("primary_blob_host", "/properties/primaryEndpoints/blob"),
    ("primary_dfs_host", "/properties/primaryEndpoints/dfs"),
    ("primary_file_host", "/properties/primaryEndpoints/file"),
    ("primary_queue_host", "/properties/primaryEndpoints/queue"),
    ("primary_table_host", "/properties/primaryEndpoints/table"),
    ("primary_web_host", "/properties/primaryEndpoints/web"),
    ("secondary_blob_host", "/properties/secondaryEndpoints/blob"),
    ("secondary_dfs_host", "/properties/secondaryEndpoints/dfs"),
    ("secondary_file_host", "/properties/secondaryEndpoints/file"),
    ("secondary_queue_host", "/properties/secondaryEndpoints/queue"),
    ("secondary_table_host", "/properties/secondaryEndpoints/table"),
    ("secondary_web_host", "/properties/secondaryEndpoints/web"),
];

const SECRETS: [(&str, &str); 6] = [
    ("primary_access_key", "/keys/0/value"),
    ("secondary_access_key", "/keys/1/value"),
    ("primary_connection_string", "/keys/0/connection"),
    ("secondary_connection_string", "/keys/1/connection"),
    ("primary_blob_connection_string", "/keys/0/blob"),
    ("secondary_blob_connection_string", "/keys/1/blob"),
];

/// Name and place of an address that takes one of two routes, and of its host.
macro_rules! route {
    ($side:literal, $service:literal, $route:literal) => {
        [
            (
                concat!($side, "_", $service, "_", $route, "_endpoint"),
                concat!(
                    "/properties/",
                    $side,
                    "Endpoints/",
                    $route,
                    "Endpoints/",
                    $service
                ),
            ),
            (
                concat!($side, "_", $service, "_", $route, "_host"),
                concat!(
                    "/properties/",
                    $side,
                    "Endpoints/",
                    $route,
                    "Endpoints/",
                    $service
                ),
            ),
        ]
    };
}

macro_rules! routes {
    ($side:literal) => {
        [
            route!($side, "blob", "internet"),
            route!($side, "dfs", "internet"),
            route!($side, "file", "internet"),
            route!($side, "web", "internet"),
            route!($side, "blob", "microsoft"),
            route!($side, "dfs", "microsoft"),
            route!($side, "file", "microsoft"),
            route!($side, "queue", "microsoft"),
            route!($side, "table", "microsoft"),
            route!($side, "web", "microsoft"),
        ]
    };
}

/// Addresses by route, which there are where somebody asked for routing.
fn names_of_routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = routes!("primary").into_iter().chain(routes!("secondary"));
    all.flatten()
}

/// Keys, and the connection strings that are made of them.
fn keys(document: &mut Json, answer: &Json) {
    let account = document["name"].as_str().unwrap_or_default().to_owned();
    let endpoint = |which: &str| {
        let found = document["properties"][which]["blob"].as_str();
        found.unwrap_or_default().to_owned()
    };
    let blobs = [endpoint("primaryEndpoints"), endpoint("secondaryEndpoints")];
    let [blob, _] = &blobs;
    let after = blob
        .split_once(".blob.")
        .map_or("core.windows.net", |(_, suffix)| suffix);
    let suffix = after.trim_end_matches('/').to_owned();
    for (index, key) in answer["keys"].as_array().into_iter().flatten().enumerate() {
        let key = key["value"].as_str().unwrap_or_default();
        let signed = format!("AccountName={account};AccountKey={key}");
        let entry = json!({
            "value": key,
            "connection": format!("DefaultEndpointsProtocol=https;{signed};EndpointSuffix={suffix}"),
            "blob": match blobs.get(index).map_or("", String::as_str) {
                "" => String::new(),
                blob => format!("DefaultEndpointsProtocol=https;BlobEndpoint={blob};{signed}"),
            },
        });
        put(document, &format!("/keys/{index}"), entry);
    }
}

fn network_rules() -> Nested {
    let names = |name, pointer, field| typed(name, Type::texts(), Wire::at(pointer, Form::Entries(field)));
    Nested::once(
        "network_rules",
        Present::At("/properties/networkAcls"),
        vec![
            text("default_action", "/properties/networkAcls/defaultAction").required(),
            typed(
                "bypass",
                Type::texts(),
                Wire::at("/properties/networkAcls/bypass", Form::Joined),
            )
            .or_azure(),
            names("ip_rules", "/properties/networkAcls/ipRules", "value").or_azure(),
            names(
                "virtual_network_subnet_ids",
                "/properties/networkAcls/virtualNetworkRules",
                "id",
            )
            .or_azure(),
        ],
    )
    .computed()
}

fn check_account(value: &Value) -> Vec<Problem> {
    let replications = ["LRS", "GRS", "RAGRS", "ZRS", "GZRS", "RAGZRS"];
    let kinds = [
        "Storage",
        "StorageV2",
        "BlobStorage",
        "FileStorage",
        "BlockBlobStorage",
    ];
    let findings = [
        check::name(value, "name", names::check_storage_account),
        check::location(value),
        check::group(value),
        check::one_of(value, "account_tier", &["Standard", "Premium"]),
        check::one_of(value, "account_replication_type", &replications),
        check::one_of(value, "account_kind", &kinds),
        check::one_of(value, "access_tier", &["Hot", "Cool", "Cold", "Premium"]),
        check::one_of(
            value,
            "min_tls_version",
            &["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"],
        ),
        check::one_of(value, "network_rules.default_action", &["Allow", "Deny"]),
    ];
    findings.into_iter().flatten().collect()
}
