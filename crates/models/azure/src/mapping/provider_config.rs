use serde_json::{Value, json};

use super::crd::conditions;

/// Group of the provider configuration.
pub const PROVIDER_CONFIG_GROUP: &str = "azure.upbound.io";

/// Kind of the object that says with which credentials and at which endpoint Azure is spoken to.
pub const PROVIDER_CONFIG: &str = "ProviderConfig";

/// Kind of the object that says that a managed resource uses a configuration.
pub const PROVIDER_CONFIG_USAGE: &str = "ProviderConfigUsage";

pub(super) fn crds() -> [Value; 2] {
    [config(), usage()]
}

fn crd(kind: &str, columns: &Value, version: &Value, categories: &[&str]) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    let mut served =
        json!({"name": "v1beta1", "served": true, "storage": true, "additionalPrinterColumns": columns});
    if let (Some(served), Some(version)) = (served.as_object_mut(), version.as_object()) {
        served.extend(version.clone());
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{PROVIDER_CONFIG_GROUP}")},
        "spec": {
            "group": PROVIDER_CONFIG_GROUP,
            "names": {
                "kind": kind,
                "listKind": format!("{kind}List"),
                "plural": plural,
                "singular": kind.to_lowercase(),
                "categories": categories,
            },
            "scope": "Cluster",
            "versions": [served],
        },
    })
}

fn config() -> Value {
    let columns = json!([
        {"jsonPath": ".metadata.creationTimestamp", "name": "AGE", "type": "date"},
        {"jsonPath": ".spec.credentials.secretRef.name", "name": "SECRET-NAME", "type": "string", "priority": 1},
    ]);
    let text = |description: &str| json!({"type": "string", "description": description});
    let sources = [
        "None",
        "Secret",
        "UserAssignedManagedIdentity",
        "SystemAssignedManagedIdentity",
        "OIDCTokenFile",
        "Upbound",
        "Filesystem",
    ];
    let key = json!({"type": "object", "required": ["key", "name", "namespace"], "properties": {
        "key": {"type": "string"}, "name": {"type": "string"}, "namespace": {"type": "string"}}});
    let spec = json!({
        "type": "object",
        "required": ["credentials"],
        "properties": {
            "clientID": text("ClientID is the user-assigned managed identity's ID or the application's, where the credentials name none."),
            "credentials": {
                "type": "object",
                "required": ["source"],
                "description": "Credentials required to authenticate to this provider.",
                "properties": {
                    "source": {"type": "string", "enum": sources},
                    "secretRef": key,
                    "fs": {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}},
                    "env": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                },
            },
            "environment": text("Environment of Azure: public, usgovernment or china."),
            "msiEndpoint": text("Endpoint of managed identities."),
            "oidcTokenFilePath": text("Path of the file with the token to exchange."),
            "subscriptionID": text("SubscriptionID is the Azure subscription to use, before the one that the credentials name."),
            "tenantID": text("TenantID is the Entra ID tenant, where the credentials name none."),
        },
    });
    let version = json!({
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {
            "type": "object",
            "description": "A ProviderConfig says with which credentials and where Azure is spoken to.",
            "required": ["spec"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "spec": spec,
                "status": {"type": "object", "properties": {
                    "conditions": conditions(),
                    "users": {"type": "integer", "format": "int64", "description": "Users of this provider configuration."},
                }},
            },
        }},
    });
    crd(
        PROVIDER_CONFIG,
        &columns,
        &version,
        &["crossplane", "provider", "azure"],
    )
}

fn usage() -> Value {
    let columns = json!([
        {"jsonPath": ".metadata.creationTimestamp", "name": "AGE", "type": "date"},
        {"jsonPath": ".providerConfigRef.name", "name": "CONFIG-NAME", "type": "string"},
        {"jsonPath": ".resourceRef.kind", "name": "RESOURCE-KIND", "type": "string"},
        {"jsonPath": ".resourceRef.name", "name": "RESOURCE-NAME", "type": "string"},
    ]);
    let version = json!({
        "schema": {"openAPIV3Schema": {
            "type": "object",
            "description": "A ProviderConfigUsage indicates that a resource is using a ProviderConfig.",
            "required": ["providerConfigRef", "resourceRef"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "providerConfigRef": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                "resourceRef": {"type": "object", "required": ["apiVersion", "kind", "name"], "properties": {
                    "apiVersion": {"type": "string"}, "kind": {"type": "string"},
                    "name": {"type": "string"}, "uid": {"type": "string"},
                }},
            },
        }},
    });
    crd(
        PROVIDER_CONFIG_USAGE,
        &columns,
        &version,
        &["crossplane", "provider", "azure"],
    )
}
