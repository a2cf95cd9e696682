use pave_azure::names;
use serde_json::{Value, json};

use super::child::invalid;
use super::{check_location, fill, merge, refuse_changes, render, take, writable};
use crate::error::ArmError;
use crate::store::Resource;

/// The sizes of redundancy that Azure offers.
const SKUS: &[&str] = &[
    "Standard_LRS",
    "Standard_GRS",
    "Standard_RAGRS",
    "Standard_ZRS",
    "Standard_GZRS",
    "Standard_RAGZRS",
    "Premium_LRS",
    "Premium_ZRS",
    "StandardV2_LRS",
    "StandardV2_GRS",
    "StandardV2_ZRS",
    "StandardV2_GZRS",
    "PremiumV2_LRS",
    "PremiumV2_ZRS",
];
const KINDS: &[&str] = &[
    "StorageV2",
    "Storage",
    "BlobStorage",
    "BlockBlobStorage",
    "FileStorage",
];
/// Set by us alone.
const READ_ONLY: &[&str] = &[
    "primaryEndpoints",
    "secondaryEndpoints",
    "primaryLocation",
    "secondaryLocation",
    "statusOfPrimary",
    "statusOfSecondary",
    "creationTime",
    "keyCreationTime",
    "privateEndpointConnections",
];

/// Checks a new storage account and fills in what Azure fills in.
pub(crate) fn create_account(name: &str, request: &Value, now: &str) -> Result<Value, ArmError> {
    names::check_storage_account(name)
        .map_err(|error| ArmError::name("AccountNameInvalid", "accountName", &error))?;
    let mut body = writable(request);
    take(&mut body, READ_ONLY);
    check_location(&mut body)?;
    check_shape(&body)?;
    if !body["properties"].is_object() {
        body["properties"] = json!({});
    }
    let tier = if body["sku"]["name"]
        .as_str()
        .is_some_and(|sku| sku.starts_with("Premium"))
    {
        "Premium"
    } else {
        "Standard"
    };
    let service = json!({ "keyType": "Account", "enabled": true, "lastEnabledTime": now });
    fill(
        &mut body,
        &json!({
            "sku": { "tier": tier },
            "properties": {
                "accessTier": "Hot",
                "supportsHttpsTrafficOnly": true,
                "minimumTlsVersion": "TLS1_2",
                "allowBlobPublicAccess": false,
                "allowSharedKeyAccess": true,
                "allowCrossTenantReplication": false,
                "defaultToOAuthAuthentication": false,
                "publicNetworkAccess": "Enabled",
                "isHnsEnabled": false,
                "dnsEndpointType": "Standard",
                "networkAcls": { "bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [],
                    "virtualNetworkRules": [] },
                "encryption": { "keySource": "Microsoft.Storage", "services": { "blob": service, "file": service } },
                "creationTime": now,
                "keyCreationTime": { "key1": now, "key2": now },
                "privateEndpointConnections": [],
            },
        }),
    );
    Ok(body)
}

/// Lays a change over an account; `replace` is a PUT, otherwise a PATCH.
pub(crate) fn update_account(existing: &Value, request: &Value, replace: bool) -> Result<Value, ArmError> {
    let mut change = writable(request);
    take(&mut change, READ_ONLY);
    refuse_changes(
        existing,
        &mut change,
        &["/location", "/kind", "/properties/isHnsEnabled"],
    )?;
    let mut body = existing.clone();
    if replace && let Some(fields) = body.as_object_mut() {
        fields.shift_remove("tags");
    }
    merge(&mut body, &change);
    check_shape(&body)?;
    Ok(body)
}

fn check_shape(body: &Value) -> Result<(), ArmError> {
    let check = |field: &str, value: &Value, known: &[&str]| {
        let text = value.as_str().unwrap_or_default();
        if known.contains(&text) {
            return Ok(());
        }
        let list = known.join("`, `");
        Err(invalid(field, &format!("`{text}` is not one of `{list}`")))
    };
    check("sku.name", &body["sku"]["name"], SKUS)?;
    check("kind", &body["kind"], KINDS)
}

/// An account as ARM shows it. `suffix` ends the host names of its endpoints.
pub(crate) fn render_account(account: &Resource, suffix: &str) -> Value {
    let mut document = render(account, "Microsoft.Storage/storageAccounts");
    let (name, location) = (account.name().to_owned(), document["location"].clone());
    let properties = &mut document["properties"];
    let mut endpoints = serde_json::Map::new();
    for service in ["dfs", "web", "blob", "queue", "table", "file"] {
        let url = format!("https://{name}.{service}.{suffix}/");
        endpoints.insert(service.to_owned(), json!(url));
    }
    properties["primaryEndpoints"] = Value::Object(endpoints);
    properties["primaryLocation"] = location;
    properties["statusOfPrimary"] = json!("available");
    document
}

/// A container: what was there, with what is asked for over it.
pub(crate) fn container(existing: Option<&Resource>, request: &Value, now: &str) -> Value {
    let mut change = writable(request);
    if !change["properties"].is_object() {
        change["properties"] = json!({});
    }
    let mut body = existing.map_or_else(
        || {
            json!({ "properties": {
                "publicAccess": "None", "metadata": {}, "leaseStatus": "Unlocked", "leaseState": "Available",
                "defaultEncryptionScope": "$account-encryption-key", "denyEncryptionScopeOverride": false,
                "hasImmutabilityPolicy": false, "hasLegalHold": false,
            } })
        },
        |existing| existing.body.clone(),
    );
    merge(&mut body, &change);
    body["properties"]["lastModifiedTime"] = json!(now);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn request() -> Value {
        json!({ "location": "West Europe", "sku": { "name": "Standard_LRS" }, "kind": "StorageV2" })
    }

    #[test]
    fn an_account_has_azures_defaults() {
        let body = create_account("teamadata", &request(), NOW).unwrap();
        assert_eq!(body["location"], "westeurope");
        assert_eq!(body["sku"]["tier"], "Standard");
        assert_eq!(body["properties"]["minimumTlsVersion"], "TLS1_2");
        let change = json!({ "tags": { "a": "b" }, "properties": { "minimumTlsVersion": "TLS1_3" } });
        let body = update_account(&body, &change, false).unwrap();
        assert_eq!(body["properties"]["minimumTlsVersion"], "TLS1_3");
        assert_eq!(body["properties"]["allowBlobPublicAccess"], false);
    }

    #[test]
    fn refusals_name_the_field() {
        for (pointer, value, words) in [
            ("/sku/name", json!("Cheap"), "Standard_LRS"),
            ("/kind", json!("Best"), "StorageV2"),
            ("/location", json!("nowhere"), "is not a location"),
        ] {
            let mut request = request();
            *request.pointer_mut(pointer).unwrap() = value;
            let error = create_account("teamadata", &request, NOW).unwrap_err();
            assert!(error.message.contains(words), "{}", error.message);
        }
        assert!(create_account("team-a", &request(), NOW).is_err());
        let existing = create_account("teamadata", &request(), NOW).unwrap();
        assert!(update_account(&existing, &json!({ "location": "northeurope" }), true).is_err());
    }
}
