mod pools;

use pave_azure::names;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::child::invalid;
use super::{check_location, drop_empty_texts, fill, merge, refuse_changes, render, take, writable};
use crate::error::ArmError;
use crate::store::Resource;
use pools::finish_pools;
pub(crate) use pools::{find_pool, put_pool, remove_pool, render_pool};

/// What really answers, whatever version was asked for.
const RUNS: &str = "1.36.0";
/// Set by us alone.
const READ_ONLY: &[&str] = &[
    "fqdn",
    "privateFQDN",
    "azurePortalFQDN",
    "currentKubernetesVersion",
    "powerState",
    "maxAgentPools",
    "resourceUID",
    "privateLinkResources",
];
/// What stays as it was made.
const FIXED: &[&str] = &[
    "/location",
    "/properties/dnsPrefix",
    "/properties/nodeResourceGroup",
    "/properties/networkProfile/networkPlugin",
];

/// Ids of the identities that a cluster names, by lower-case resource id: client id and object id.
pub(crate) type Identities = std::collections::BTreeMap<String, (String, String)>;

/// Checks a new cluster and fills in what Azure fills in.
pub(crate) fn create_cluster(
    name: &str,
    group: &str,
    request: &Value,
    tenant: Uuid,
    identities: &Identities,
) -> Result<Value, ArmError> {
    names::check_managed_cluster(name)
        .map_err(|error| ArmError::name("InvalidParameter", "resourceName", &error))?;
    let mut body = readable(request);
    check_location(&mut body)?;
    if !body["properties"].is_object() {
        body["properties"] = json!({});
    }
    let prefix = body["properties"]["dnsPrefix"].as_str().unwrap_or_default();
    names::check_dns_prefix(prefix)
        .map_err(|error| ArmError::name("InvalidParameter", "properties.dnsPrefix", &error))?;
    if body["identity"].is_null() && body["properties"]["servicePrincipalProfile"].is_null() {
        return Err(invalid(
            "identity",
            "either `identity` or `properties.servicePrincipalProfile` is needed",
        ));
    }
    let location = body["location"].as_str().unwrap_or_default().to_owned();
    let node_group = format!("MC_{group}_{name}_{location}");
    let short: String = node_group.chars().take(80).collect();
    fill(&mut body, &defaults(&short, identities.is_empty()));
    fill_identity(&mut body, tenant, identities)?;
    finish_pools(&mut body)?;
    check_shape(&body)?;
    Ok(body)
}

/// Lays a change over a cluster; pools that the change does not name stay.
pub(crate) fn update_cluster(
    existing: &Value,
    request: &Value,
    tenant: Uuid,
    identities: &Identities,
) -> Result<Value, ArmError> {
    let mut change = readable(request);
    refuse_changes(existing, &mut change, FIXED)?;
    let mut body = existing.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.shift_remove("tags");
    }
    let pools = change["properties"]["agentPoolProfiles"].take();
    if let Some(properties) = change["properties"].as_object_mut() {
        properties.shift_remove("agentPoolProfiles");
    }
    merge(&mut body, &change);
    for pool in pools.as_array().into_iter().flatten() {
        let name = pool["name"].as_str().unwrap_or_default().to_owned();
        put_pool(&mut body, &name, pool)?;
    }
    fill_identity(&mut body, tenant, identities)?;
    finish_pools(&mut body)?;
    check_shape(&body)?;
    Ok(body)
}

/// A request without secrets and without what only we set.
fn readable(request: &Value) -> Value {
    let mut body = writable(request);
    take(&mut body, READ_ONLY);
    drop_empty_texts(&mut body["properties"]);
    let forgotten = [
        ("/properties/servicePrincipalProfile", "secret"),
        ("/properties/windowsProfile", "adminPassword"),
        ("/properties/oidcIssuerProfile", "issuerURL"),
        ("/properties/aadProfile", "serverAppSecret"),
    ];
    for (pointer, field) in forgotten {
        if let Some(fields) = body.pointer_mut(pointer).and_then(Value::as_object_mut) {
            fields.shift_remove(field);
        }
    }
    body
}

fn defaults(node_group: &str, system_assigned: bool) -> Value {
    let mut defaults = json!({
        "sku": { "name": "Base", "tier": "Free" },
        "properties": {
            "kubernetesVersion": RUNS,
            "agentPoolProfiles": [],
            "enableRBAC": true,
            "supportPlan": "KubernetesOfficial",
            "nodeResourceGroup": node_group,
            "disableLocalAccounts": false,
            "powerState": { "code": "Running" },
            "maxAgentPools": 100,
            "resourceUID": Uuid::new_v4().simple().to_string()[..24],
            "servicePrincipalProfile": { "clientId": "msi" },
            "oidcIssuerProfile": { "enabled": false },
            "securityProfile": {},
            "storageProfile": { "diskCSIDriver": { "enabled": true }, "fileCSIDriver": { "enabled": true },
                "snapshotController": { "enabled": true } },
            "workloadAutoScalerProfile": {},
            "nodeProvisioningProfile": { "mode": "Manual", "defaultNodePools": "Auto" },
            "networkProfile": { "networkPlugin": "azure", "networkPluginMode": "overlay", "networkDataplane": "azure",
                "networkPolicy": "none", "loadBalancerSku": "standard", "outboundType": "loadBalancer",
                "podCidr": "10.244.0.0/16", "serviceCidr": "10.0.0.0/16", "dnsServiceIP": "10.0.0.10",
                "podCidrs": ["10.244.0.0/16"], "serviceCidrs": ["10.0.0.0/16"], "ipFamilies": ["IPv4"],
                "loadBalancerProfile": { "managedOutboundIPs": { "count": 1 }, "backendPoolType": "nodeIPConfiguration" } },
        },
    });
    if system_assigned {
        defaults["properties"]["identityProfile"] = json!({ "kubeletidentity": {
            "clientId": Uuid::new_v4(), "objectId": Uuid::new_v4() } });
    }
    defaults
}

/// The identities that a request names, lower-case.
pub(crate) fn used_identities(request: &Value) -> Vec<String> {
    let named = request["identity"]["userAssignedIdentities"].as_object();
    named
        .into_iter()
        .flat_map(|named| named.keys())
        .map(|id| id.to_lowercase())
        .collect()
}

fn fill_identity(body: &mut Value, tenant: Uuid, identities: &Identities) -> Result<(), ArmError> {
    let kind = body["identity"]["type"].as_str().unwrap_or("None").to_owned();
    if kind == "None" {
        return Ok(());
    }
    if kind.contains("SystemAssigned") {
        fill(
            &mut body["identity"],
            &json!({ "principalId": Uuid::new_v4(), "tenantId": tenant }),
        );
    }
    let Some(named) = body["identity"]["userAssignedIdentities"].as_object_mut() else {
        return Ok(());
    };
    let mut filled = Map::new();
    for id in named.keys() {
        let Some((client, object)) = identities.get(&id.to_lowercase()) else {
            let message = format!("the identity `{id}` does not exist (help: make it first)");
            return Err(invalid("identity.userAssignedIdentities", &message));
        };
        filled.insert(id.clone(), json!({ "clientId": client, "principalId": object }));
    }
    let first = filled.iter().next().map(
        |(id, ids)| json!({ "resourceId": id, "clientId": ids["clientId"], "objectId": ids["principalId"] }),
    );
    *named = filled;
    if let Some(first) = first {
        fill(
            &mut body["properties"],
            &json!({ "identityProfile": { "kubeletidentity": first } }),
        );
    }
    Ok(())
}

fn check_shape(body: &Value) -> Result<(), ArmError> {
    let properties = &body["properties"];
    let version = properties["kubernetesVersion"].as_str().unwrap_or_default();
    names::check_kubernetes_version(version).map_err(|error| {
        ArmError::name(
            "AgentPoolK8sVersionNotSupported",
            "properties.kubernetesVersion",
            &error,
        )
    })?;
    let tier = body["sku"]["tier"].as_str().unwrap_or_default();
    if !["Free", "Standard", "Premium"].contains(&tier) {
        let message = format!("`{tier}` is not a tier (help: write `Free`, `Standard` or `Premium`)");
        return Err(invalid("sku.tier", &message));
    }
    let pools = properties["agentPoolProfiles"].as_array();
    if !pools.into_iter().flatten().any(|pool| pool["mode"] == "System") {
        let message = "a cluster needs a node pool of mode `System` (help: set `mode` of one to `System`)";
        return Err(invalid("properties.agentPoolProfiles", message));
    }
    Ok(())
}

/// A cluster as ARM shows it, reached at `url`.
pub(crate) fn render_cluster(cluster: &Resource, url: &str) -> Value {
    let mut document = render(cluster, "Microsoft.ContainerService/managedClusters");
    let properties = &mut document["properties"];
    let host = url::Url::parse(url).ok();
    let host = host.as_ref().and_then(url::Url::host_str).unwrap_or_default();
    properties["fqdn"] = json!(host);
    properties["azurePortalFQDN"] = json!(host);
    properties["currentKubernetesVersion"] = properties["kubernetesVersion"].clone();
    let kubelet = &mut properties["identityProfile"]["kubeletidentity"];
    if kubelet["clientId"].is_string() && kubelet["resourceId"].is_null() {
        kubelet["resourceId"] = json!(identity_of_nodes(cluster));
    }
    if properties["oidcIssuerProfile"]["enabled"] == true {
        properties["oidcIssuerProfile"]["issuerURL"] = json!(url);
    }
    document
}

/// The identity that Azure makes for the nodes, in their own group.
fn identity_of_nodes(cluster: &Resource) -> String {
    let subscription = cluster.canonical.split('/').nth(2).unwrap_or_default();
    let group = cluster.body["properties"]["nodeResourceGroup"]
        .as_str()
        .unwrap_or_default();
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity/\
         userAssignedIdentities/{}-agentpool",
        cluster.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Value {
        json!({
            "location": "West Europe", "identity": { "type": "SystemAssigned" },
            "properties": {
                "dnsPrefix": "aks-team",
                "servicePrincipalProfile": { "clientId": "msi", "secret": "hidden-1" },
                "agentPoolProfiles": [{ "name": "nodepool", "count": 2, "vmSize": "Standard_D2s_v3", "mode": "System" }],
            },
        })
    }

    fn create(request: &Value) -> Result<Value, ArmError> {
        create_cluster("aks-team", "rg", request, Uuid::nil(), &Identities::new())
    }

    #[test]
    fn a_cluster_has_azures_defaults_and_no_secret() {
        let body = create(&request()).unwrap();
        assert_eq!(
            body["properties"]["nodeResourceGroup"],
            "MC_rg_aks-team_westeurope"
        );
        assert_eq!(body["properties"]["agentPoolProfiles"][0]["osType"], "Linux");
        assert!(body["identity"]["principalId"].is_string());
        assert!(!body.to_string().contains("hidden-1"));
    }

    #[test]
    fn refusals_name_the_field() {
        for (pointer, value, words) in [
            ("/properties/dnsPrefix", json!("aks_team"), "contains `_`"),
            (
                "/properties/agentPoolProfiles/0/name",
                json!("node-pool"),
                "contains `-`",
            ),
            (
                "/properties/agentPoolProfiles/0/count",
                json!(0),
                "between 1 and 1000",
            ),
            (
                "/properties/agentPoolProfiles/0/mode",
                json!("User"),
                "of mode `System`",
            ),
            (
                "/properties/agentPoolProfiles/0/enableAutoScaling",
                json!(true),
                "minCount",
            ),
            ("/identity", json!(null), "either `identity`"),
        ] {
            let mut request = request();
            if pointer == "/identity" {
                request["properties"]["servicePrincipalProfile"] = Value::Null;
            }
            match request.pointer_mut(pointer) {
                Some(place) => *place = value,
                None => request["properties"]["agentPoolProfiles"][0]["enableAutoScaling"] = value,
            }
            let error = create(&request).unwrap_err();
            assert!(
                error.message.contains(words),
                "{} does not say {words}",
                error.message
            );
        }
    }

    #[test]
    fn pools_come_and_go_and_one_stays() {
        let mut body = create(&request()).unwrap();
        put_pool(&mut body, "user", &json!({ "count": 3, "mode": "User" })).unwrap();
        assert_eq!(find_pool(&body, "user").unwrap()["vmSize"], "Standard_D2s_v3");
        assert!(remove_pool(&mut body, "nodepool").is_err());
        assert!(remove_pool(&mut body, "user").unwrap());
        assert!(!remove_pool(&mut body, "user").unwrap());
        let change = json!({ "location": "westeurope", "tags": { "a": "b" }, "properties": {
            "dnsPrefix": "aks-team", "agentPoolProfiles": [{ "name": "nodepool", "count": 5 }] } });
        let body = update_cluster(&body, &change, Uuid::nil(), &Identities::new()).unwrap();
        assert_eq!(body["properties"]["agentPoolProfiles"][0]["count"], 5);
        assert_eq!(body["properties"]["agentPoolProfiles"][0]["mode"], "System");
        let change = json!({ "properties": { "dnsPrefix": "other" } });
        assert!(update_cluster(&body, &change, Uuid::nil(), &Identities::new()).is_err());
    }
}
