//! Node pools: lists of machines that are only written down here.

use pave_azure::names;
use serde_json::{Value, json};

use crate::documents::child::invalid;
use crate::documents::{drop_empty_texts, fill, merge};
use crate::error::ArmError;
use crate::store::Resource;

/// Checks one pool, by the name it is written under.
fn check_pool(name: &str, pool: &Value) -> Result<(), ArmError> {
    let windows = pool["osType"] == "Windows";
    names::check_agent_pool(name, windows)
        .map_err(|error| ArmError::name("InvalidParameter", "agentPoolProfile.name", &error))?;
    let field = |field: &str| format!("agentPoolProfile({name}).{field}");
    let mode = pool["mode"].as_str().unwrap_or("User");
    if !["System", "User", "Gateway", "Machines", "ManagedSystem"].contains(&mode) {
        return Err(invalid(
            &field("mode"),
            &format!("`{mode}` is not `System` or `User`"),
        ));
    }
    let number = |field: &str| pool[field].as_i64();
    let least = i64::from(mode == "System");
    if let Some(count) = number("count").filter(|count| !(least..=1000).contains(count)) {
        let message = format!("`{count}` is not between {least} and 1000");
        return Err(invalid(&field("count"), &message));
    }
    if pool["enableAutoScaling"] == true {
        let (Some(from), Some(to)) = (number("minCount"), number("maxCount")) else {
            let message = "`minCount` and `maxCount` are needed with `enableAutoScaling`";
            return Err(invalid(&field("minCount"), message));
        };
        if from > to {
            return Err(invalid(
                &field("minCount"),
                &format!("`{from}` is more than `maxCount`, `{to}`"),
            ));
        }
    }
    Ok(())
}

/// One pool of a cluster.
pub(crate) fn find_pool<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    let pools = body["properties"]["agentPoolProfiles"].as_array()?;
    pools.iter().find(|pool| pool["name"] == name)
}

/// Puts a pool into a cluster, or lays a change over it.
pub(crate) fn put_pool(body: &mut Value, name: &str, change: &Value) -> Result<(), ArmError> {
    let mut pool = find_pool(body, name).cloned().unwrap_or_else(|| json!({}));
    let mut change = change.clone();
    drop_empty_texts(&mut change);
    if let Some(fields) = change.as_object_mut() {
        for field in [
            "provisioningState",
            "currentOrchestratorVersion",
            "nodeImageVersion",
            "powerState",
        ] {
            fields.shift_remove(field);
        }
    }
    merge(&mut pool, &change);
    pool["name"] = json!(name);
    check_pool(name, &pool)?;
    let Some(pools) = body["properties"]["agentPoolProfiles"].as_array_mut() else {
        body["properties"]["agentPoolProfiles"] = json!([pool]);
        return finish_pools(body);
    };
    match pools.iter_mut().find(|known| known["name"] == name) {
        Some(known) => *known = pool,
        None => pools.push(pool),
    }
    finish_pools(body)
}

/// Takes a pool out; says whether it was there. The last one that runs the system stays.
pub(crate) fn remove_pool(body: &mut Value, name: &str) -> Result<bool, ArmError> {
    let Some(pools) = body["properties"]["agentPoolProfiles"].as_array_mut() else {
        return Ok(false);
    };
    let before = pools.len();
    let system = |pool: &Value| pool["mode"] == "System";
    let others = pools.iter().filter(|pool| pool["name"] != name);
    if !others.clone().any(system) && others.count() < before {
        let message = format!("node pool `{name}` is the last of mode `System` and cannot be deleted");
        return Err(ArmError::bad_request("OperationNotAllowed", message));
    }
    pools.retain(|pool| pool["name"] != name);
    Ok(pools.len() < before)
}

/// Fills in what Azure says about every pool.
pub(super) fn finish_pools(body: &mut Value) -> Result<(), ArmError> {
    let version = body["properties"]["kubernetesVersion"].clone();
    let Some(pools) = body["properties"]["agentPoolProfiles"].as_array_mut() else {
        return Ok(());
    };
    let only = pools.len() == 1;
    for pool in pools {
        let mode = if only { "System" } else { "User" };
        fill(
            pool,
            &json!({
                "count": 1, "vmSize": "Standard_D2s_v3", "mode": mode, "osType": "Linux", "osSKU": "Ubuntu",
                "type": "VirtualMachineScaleSets", "osDiskSizeGB": 128, "osDiskType": "Managed",
                "kubeletDiskType": "OS", "maxPods": 250, "enableAutoScaling": false, "enableNodePublicIP": false,
                "enableEncryptionAtHost": false, "enableUltraSSD": false, "enableFIPS": false,
                "scaleDownMode": "Delete", "orchestratorVersion": version, "currentOrchestratorVersion": version,
                "powerState": { "code": "Running" }, "provisioningState": "Succeeded",
                "nodeImageVersion": "AKSUbuntu-2404-202601.01.0",
                "securityProfile": {},
            }),
        );
        let name = pool["name"].as_str().unwrap_or_default();
        check_pool(name, pool)?;
    }
    Ok(())
}

/// A pool as ARM shows it by itself.
pub(crate) fn render_pool(cluster: &Resource, pool: &Value) -> Value {
    let mut properties = pool.clone();
    if let Some(fields) = properties.as_object_mut() {
        fields.shift_remove("name");
    }
    let name = pool["name"].as_str().unwrap_or_default();
    json!({
        "id": format!("{}/agentPools/{name}", cluster.canonical),
        "name": name,
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "properties": properties,
    })
}
