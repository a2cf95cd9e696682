//! What the archived classic Azure provider had, as far as roads still name it.

use pave_names::GroupVersionKind;
use pave_schema::Schema;
use serde_json::{Map, Value, json};

/// A kind of the classic provider.
#[derive(Debug)]
pub(crate) struct ClassicKind {
    /// API group.
    pub(crate) group: &'static str,
    /// Kind.
    pub(crate) kind: &'static str,
    /// The only version that was ever served.
    pub(crate) version: &'static str,
    /// What to use instead.
    pub(crate) instead: &'static str,
    /// What it is.
    pub(crate) role: Role,
}

/// What a managed resource is to a road.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A PostgreSQL server.
    Server,
    /// A database on it.
    Database,
    /// What lets clients connect to it.
    Access,
    /// Anything else.
    Other,
}

const DATABASE_GROUP: &str = "database.azure.crossplane.io";
const SERVER_INSTEAD: &str = "a ResourceGroup (azure.upbound.io/v1beta1), a FlexibleServer and a FlexibleServerDatabase \
                              (dbforpostgresql.azure.upbound.io/v1beta1)";

const KINDS: &[ClassicKind] = &[
    ClassicKind {
        group: DATABASE_GROUP,
        kind: "PostgreSQLServer",
        version: "v1beta1",
        instead: SERVER_INSTEAD,
        role: Role::Server,
    },
    ClassicKind {
        group: DATABASE_GROUP,
        kind: "PostgreSQLServerFirewallRule",
        version: "v1alpha3",
        instead: "a FlexibleServerFirewallRule (dbforpostgresql.azure.upbound.io/v1beta1)",
        role: Role::Access,
    },
    ClassicKind {
        group: DATABASE_GROUP,
        kind: "PostgreSQLServerVirtualNetworkRule",
        version: "v1alpha3",
        instead: "a FlexibleServer with `delegatedSubnetId` (dbforpostgresql.azure.upbound.io/v1beta1)",
        role: Role::Access,
    },
    ClassicKind {
        group: DATABASE_GROUP,
        kind: "PostgreSQLServerConfiguration",
        version: "v1beta1",
        instead: "a FlexibleServerConfiguration (dbforpostgresql.azure.upbound.io/v1beta1)",
        role: Role::Other,
    },
    ClassicKind {
        group: "azure.crossplane.io",
        kind: "ResourceGroup",
        version: "v1alpha3",
        instead: "a ResourceGroup (azure.upbound.io/v1beta1)",
        role: Role::Other,
    },
];

/// Group of the classic provider's `ProviderConfig`.
pub(crate) const CONFIG_GROUP: &str = "azure.crossplane.io";

/// The classic kind of that group and name.
pub(crate) fn find(gvk: &GroupVersionKind) -> Option<&'static ClassicKind> {
    KINDS
        .iter()
        .find(|known| known.group == gvk.group && known.kind == gvk.kind)
}

/// The names of the kinds in a group of the classic provider.
pub(crate) fn kinds_in(group: &str) -> impl Iterator<Item = &'static str> {
    KINDS
        .iter()
        .filter(move |known| known.group == group)
        .map(|known| known.kind)
}

/// Fields that the API refuses a server without.
pub(crate) const REQUIRED: [&str; 6] = [
    "administratorLogin",
    "location",
    "sku",
    "sslEnforcement",
    "storageProfile",
    "version",
];

/// The schema of a kind; only the server's is told in full.
pub(crate) fn schema(kind: &ClassicKind) -> Schema {
    if kind.kind != "PostgreSQLServer" {
        return Schema::any();
    }
    Schema::parse(&server()).0
}

fn texts(names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"type": "string"})))
        .collect()
}

fn server() -> Value {
    let mut parameters = texts(&[
        "administratorLogin",
        "createMode",
        "location",
        "minimalTlsVersion",
        "publicNetworkAccess",
        "resourceGroupName",
        "restorePointInTime",
        "sourceServerID",
        "version",
    ]);
    let on = json!({"type": "string", "enum": ["Enabled", "Disabled"]});
    parameters.extend([
        ("sslEnforcement".to_owned(), on.clone()),
        (
            "sku".to_owned(),
            json!({
                "type": "object",
                "required": ["capacity", "family", "tier"],
                "properties": {
                    "tier": {"type": "string", "enum": ["Basic", "GeneralPurpose", "MemoryOptimized"]},
                    "capacity": {"type": "integer"}, "family": {"type": "string"}, "size": {"type": "string"},
                },
            }),
        ),
        (
            "storageProfile".to_owned(),
            json!({
                "type": "object",
                "required": ["storageMB"],
                "properties": {
                    "storageMB": {"type": "integer"}, "backupRetentionDays": {"type": "integer"},
                    "geoRedundantBackup": on, "storageAutogrow": on,
                },
            }),
        ),
        (
            "tags".to_owned(),
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
        ),
        (
            "resourceGroupNameRef".to_owned(),
            json!({"type": "object", "properties": texts(&["name"])}),
        ),
        (
            "resourceGroupNameSelector".to_owned(),
            json!({"type": "object", "properties": {
            "matchControllerRef": {"type": "boolean"},
            "matchLabels": {"type": "object", "additionalProperties": {"type": "string"}}}}),
        ),
    ]);
    json!({
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": {
                "type": "object",
                "required": ["forProvider"],
                "properties": {
                    "deletionPolicy": {"type": "string", "enum": ["Orphan", "Delete"]},
                    "forProvider": {"type": "object", "required": REQUIRED, "properties": parameters},
                    "providerConfigRef": {"type": "object", "properties": texts(&["name"])},
                    "providerRef": {"type": "object", "properties": texts(&["name"])},
                    "writeConnectionSecretToRef": {"type": "object", "required": ["name", "namespace"],
                        "properties": texts(&["name", "namespace"])},
                },
            },
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        },
    })
}
