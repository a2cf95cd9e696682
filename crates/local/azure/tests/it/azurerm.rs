//! What the real azurerm 4.81.0 and 5.2.0 ask, in their order, and what they need to hear: recorded from the
//! providers themselves, so that it holds where they are not at hand.

use reqwest::Method;
use serde_json::{Value, json};

use crate::clusters::with_planes;
use crate::harness::{Cloud, PASSWORD, server_body};

const CLUSTER: &str = "Microsoft.ContainerService/managedClusters/platform?api-version=2025-10-01";
const POOL: &str =
    "Microsoft.ContainerService/managedClusters/platform/agentPools/more?api-version=2025-10-01";
const CREDENTIAL: &str =
    "Microsoft.ContainerService/managedClusters/platform/listClusterUserCredential?api-version=2025-10-01";
const MAINTENANCE: &str = "Microsoft.ContainerService/managedClusters/platform/maintenanceConfigurations/default?api-version=2025-10-01";
const SERVER: &str = "Microsoft.DBforPostgreSQL/flexibleServers/orders-db?api-version=2025-08-01";
const PARAMETER: &str =
    "Microsoft.DBforPostgreSQL/flexibleServers/orders-db/configurations/work_mem?api-version=2025-08-01";
const DATABASE: &str =
    "Microsoft.DBforPostgreSQL/flexibleServers/orders-db/databases/orders?api-version=2025-08-01";
const RULE: &str =
    "Microsoft.DBforPostgreSQL/flexibleServers/orders-db/firewallRules/all?api-version=2025-08-01";
const IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/reader?api-version=2024-11-30";
const CREDENTIAL_OF_IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/reader/federatedIdentityCredentials/one?api-version=2024-11-30";
const ACCOUNT: &str = "Microsoft.Storage/storageAccounts/ordersdata?api-version=2025-08-01";
const KEYS: &str =
    "Microsoft.Storage/storageAccounts/ordersdata/listKeys?%24expand=kerb&api-version=2025-08-01";
const BLOBS: &str =
    "Microsoft.Storage/storageAccounts/ordersdata/blobServices/default?api-version=2025-08-01";
const FILES: &str =
    "Microsoft.Storage/storageAccounts/ordersdata/fileServices/default?api-version=2025-08-01";
const CONTAINER: &str = "Microsoft.Storage/storageAccounts/ordersdata/blobServices/default/containers/state?api-version=2025-08-01";

/// One request, the status without which the provider gives up, and what it reads of the answer and needs.
struct Step<'a>(Method, &'a str, Value, u16, &'a [&'a str]);

fn get<'a>(path: &'a str, status: u16, needs: &'a [&'a str]) -> Step<'a> {
    Step(Method::GET, path, Value::Null, status, needs)
}

fn put(path: &str, status: u16, body: Value) -> Step<'_> {
    Step(Method::PUT, path, body, status, &[])
}

fn patch(path: &str, status: u16, body: Value) -> Step<'_> {
    Step(Method::PATCH, path, body, status, &[])
}

fn delete(path: &str, status: u16) -> Step<'_> {
    Step(Method::DELETE, path, Value::Null, status, &[])
}

/// Takes the steps one after the other; what takes its time is followed to its end.
async fn check(cloud: &Cloud, steps: &[Step<'_>]) {
    for Step(method, path, body, status, needs) in steps {
        let whole = match path.strip_prefix('/') {
            None => format!("{}/providers/{path}", cloud.group()),
            Some(rest) => format!("/subscriptions/{}/{rest}", cloud.subscription),
        };
        let body = Some(body.clone()).filter(|body| !body.is_null());
        let answer = cloud.call(method.clone(), &whole, body).await.expect(*status);
        let case = format!("{method} {path}: {}", answer.body);
        for pointer in *needs {
            let found = answer.body.pointer(pointer);
            assert!(found.is_some_and(|found| !found.is_null()), "{pointer} of {case}");
        }
        let operation = answer.header("azure-asyncoperation");
        assert!(*status != 202 || !operation.is_empty(), "{case}");
        if !operation.is_empty() {
            assert_eq!(answer.header("retry-after"), "0", "{case}");
            assert_eq!(
                answer.header("x-go-azure-sdk-skip-polling-delay"),
                "true",
                "{case}"
            );
            let asked = path.split("api-version=").nth(1).unwrap();
            assert!(
                operation.ends_with(&format!("api-version={asked}")),
                "{operation}"
            );
            assert_eq!(cloud.follow(operation).await["status"], "Succeeded", "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_start_it_asks_who_and_where() {
    let cloud = Cloud::open().await;
    for (version, needs) in [
        (
            "2022-09-01",
            [
                "/name",
                "/resourceManager",
                "/microsoftGraphResourceId",
                "/suffixes/storage",
            ],
        ),
        (
            "2018-01-01",
            [
                "/resourceManager",
                "/authentication/loginEndpoint",
                "/suffixes/keyVaultDns",
                "/authentication/audiences/0",
            ],
        ),
    ] {
        let path = format!("/metadata/endpoints?api-version={version}");
        let answer = cloud.get(&path).await.expect(200).body;
        for pointer in needs {
            assert!(answer.pointer(pointer).is_some(), "{version}: {pointer}");
        }
    }
    check(
        &cloud,
        &[
            get(
                "/?api-version=2022-12-01",
                200,
                &["/subscriptionId", "/displayName", "/state"],
            ),
            get(
                "/providers?api-version=2022-09-01",
                200,
                &["/value/0/namespace", "/value/0/registrationState"],
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_identities() {
    let cloud = Cloud::open().await;
    let group = "/resourceGroups/team-a?api-version=2023-07-01";
    let inside =
        "/resourceGroups/team-a/resources?%24expand=provisioningState&%24top=10&api-version=2023-07-01";
    let tags = json!({ "team": "orders" });
    let federated = json!({ "properties": { "audiences": ["api://AzureADTokenExchange"],
        "issuer": "https://issuer.test/x", "subject": "system:serviceaccount:a:b" } });
    check(
        &cloud,
        &[
            get(group, 404, &["/error/code"]),
            put(group, 201, json!({ "location": "westeurope", "tags": tags })),
            get(
                group,
                200,
                &["/id", "/location", "/tags/team", "/properties/provisioningState"],
            ),
            patch(group, 200, json!({ "tags": { "team": "other" } })),
            get(IDENTITY, 404, &["/error/code"]),
            put(
                IDENTITY,
                201,
                json!({ "location": "westeurope", "properties": { "isolationScope": "None" }, "tags": tags }),
            ),
            get(
                IDENTITY,
                200,
                &[
                    "/properties/clientId",
                    "/properties/principalId",
                    "/properties/tenantId",
                ],
            ),
            patch(
                IDENTITY,
                200,
                json!({ "properties": {}, "tags": { "team": "other" } }),
            ),
            get(CREDENTIAL_OF_IDENTITY, 404, &["/error/code"]),
            put(CREDENTIAL_OF_IDENTITY, 201, federated),
            get(
                CREDENTIAL_OF_IDENTITY,
                200,
                &[
                    "/properties/issuer",
                    "/properties/subject",
                    "/properties/audiences/0",
                ],
            ),
            delete(CREDENTIAL_OF_IDENTITY, 200),
            delete(IDENTITY, 200),
            get(inside, 200, &["/value"]),
            delete(group, 202),
            get(group, 404, &["/error/code"]),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_accounts() {
    let cloud = Cloud::open().await;
    cloud.make_group().await;
    let body = json!({
        "identity": { "type": "None", "userAssignedIdentities": null }, "kind": "StorageV2", "location": "westeurope",
        "properties": { "accessTier": "Hot", "allowBlobPublicAccess": true, "allowCrossTenantReplication": false,
            "allowSharedKeyAccess": true, "defaultToOAuthAuthentication": false, "dnsEndpointType": "Standard",
            "encryption": { "keySource": "Microsoft.Storage",
                "services": { "queue": { "keyType": "Service" }, "table": { "keyType": "Service" } } },
            "isHnsEnabled": false, "isLocalUserEnabled": true, "isNfsV3Enabled": false, "isSftpEnabled": false,
            "minimumTlsVersion": "TLS1_2", "publicNetworkAccess": "Enabled", "supportsHttpsTrafficOnly": true,
            "networkAcls": { "defaultAction": "Deny", "ipRules": [{ "action": "Allow", "value": "203.0.113.7" }],
                "resourceAccessRules": [], "virtualNetworkRules": [] } },
        "sku": { "name": "Standard_LRS", "tier": "Standard" }, "tags": { "team": "orders" },
    });
    let container = json!({ "properties": { "metadata": {}, "publicAccess": "None" } });
    check(
        &cloud,
        &[
            get(ACCOUNT, 404, &["/error/code"]),
            put(ACCOUNT, 202, body.clone()),
            get(
                ACCOUNT,
                200,
                &[
                    "/sku/tier",
                    "/properties/primaryEndpoints/blob",
                    "/properties/primaryLocation",
                ],
            ),
            Step(
                Method::POST,
                KEYS,
                Value::Null,
                200,
                &["/keys/0/keyName", "/keys/1/value"],
            ),
            get(BLOBS, 200, &["/properties"]),
            get(FILES, 200, &["/properties"]),
            put(ACCOUNT, 200, body),
            get(CONTAINER, 404, &["/error/code"]),
            put(CONTAINER, 201, container),
            get(CONTAINER, 200, &["/properties/publicAccess"]),
            delete(CONTAINER, 200),
            delete(ACCOUNT, 200),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn database_servers() {
    let cloud = Cloud::open().await;
    cloud.make_group().await;
    let version = server_body()["properties"]["version"].clone();
    let body = json!({
        "identity": { "type": "None", "userAssignedIdentities": null }, "location": "westeurope",
        "properties": { "administratorLogin": "appuser", "administratorLoginPassword": PASSWORD, "version": version,
            "backup": { "geoRedundantBackup": "Disabled" }, "highAvailability": { "mode": "Disabled" },
            "network": { "publicNetworkAccess": "Enabled" },
            "storage": { "autoGrow": "Disabled", "storageSizeGB": 32, "tier": "P4" } },
        "sku": { "name": "Standard_B1ms", "tier": "Burstable" }, "tags": { "team": "orders" },
    });
    let window = json!({ "properties": { "maintenanceWindow": {
        "customWindow": "Enabled", "dayOfWeek": 3, "startHour": 0, "startMinute": 0 } } });
    let rule = json!({ "properties": { "endIpAddress": "255.255.255.255", "startIpAddress": "0.0.0.0" } });
    let parameter = json!({ "properties": { "source": "user-override", "value": "8192" } });
    let database = json!({ "properties": { "charset": "UTF8", "collation": "en_US.utf8" } });
    check(
        &cloud,
        &[
            get(SERVER, 404, &["/error/code"]),
            put(SERVER, 202, body),
            patch(SERVER, 202, window),
            get(
                SERVER,
                200,
                &[
                    "/sku/name",
                    "/properties/fullyQualifiedDomainName",
                    "/properties/storage/tier",
                ],
            ),
            get(PARAMETER, 200, &["/properties/value", "/properties/defaultValue"]),
            patch(PARAMETER, 202, parameter),
            get(DATABASE, 404, &["/error/code"]),
            put(DATABASE, 202, database),
            get(DATABASE, 200, &["/properties/charset", "/properties/collation"]),
            get(RULE, 404, &["/error/code"]),
            put(RULE, 202, rule),
            get(RULE, 200, &["/properties/startIpAddress"]),
            delete(RULE, 202),
            delete(DATABASE, 202),
            delete(SERVER, 202),
            get(SERVER, 404, &["/error/code"]),
        ],
    )
    .await;
}

/// What is not said comes as an empty text, and no zone or surge appears that nobody asked for: the provider would
/// plan to take it away.
#[tokio::test(flavor = "multi_thread")]
async fn clusters() {
    let (cloud, _) = with_planes(None).await;
    let pool = json!({ "count": 1, "enableAutoScaling": false, "enableEncryptionAtHost": false, "enableFIPS": false,
        "enableNodePublicIP": false, "enableUltraSSD": false, "kubeletDiskType": "", "mode": "System", "name": "nodepool",
        "nodeLabels": {}, "osDiskType": "Managed", "osType": "Linux", "scaleDownMode": "Delete", "tags": {},
        "type": "VirtualMachineScaleSets", "vmSize": "Standard_D2s_v3" });
    let body = json!({
        "identity": { "type": "SystemAssigned", "userAssignedIdentities": null }, "location": "westeurope",
        "properties": {
            "addonProfiles": { "azurepolicy": { "config": { "version": "v2" }, "enabled": false } },
            "agentPoolProfiles": [pool],
            "apiServerAccessProfile": { "disableRunCommand": false, "enablePrivateCluster": false,
                "enablePrivateClusterPublicFQDN": false },
            "autoUpgradeProfile": { "nodeOSUpgradeChannel": "NodeImage", "upgradeChannel": "none" },
            "azureMonitorProfile": { "metrics": { "enabled": false } }, "disableLocalAccounts": false,
            "dnsPrefix": "platform", "enableRBAC": true, "kubernetesVersion": "", "nodeResourceGroup": "",
            "metricsProfile": { "costAnalysis": { "enabled": false } }, "securityProfile": {},
            "servicePrincipalProfile": { "clientId": "msi" }, "supportPlan": "KubernetesOfficial" },
        "sku": { "name": "Base", "tier": "Free" }, "tags": { "team": "orders" },
    });
    let mut another = json!({ "name": "more", "properties": pool });
    another["properties"]["mode"] = json!("User");
    let needs = [
        "/identity/principalId",
        "/properties/fqdn",
        "/properties/currentKubernetesVersion",
        "/properties/nodeResourceGroup",
        "/properties/identityProfile/kubeletidentity/resourceId",
        "/properties/networkProfile/serviceCidr",
    ];
    check(
        &cloud,
        &[
            get(CLUSTER, 404, &["/error/code"]),
            put(CLUSTER, 201, body),
            get(CLUSTER, 200, &needs),
            Step(
                Method::POST,
                CREDENTIAL,
                Value::Null,
                200,
                &["/kubeconfigs/0/value"],
            ),
            get(MAINTENANCE, 404, &["/error/code"]),
            get(POOL, 404, &["/error/code"]),
            put(POOL, 201, another),
            get(POOL, 200, &["/properties/orchestratorVersion"]),
        ],
    )
    .await;
    let path = format!("{}/providers/{CLUSTER}", cloud.group());
    let shown = cloud.get(&path).await.expect(200).body;
    for pool in shown["properties"]["agentPoolProfiles"].as_array().unwrap() {
        assert_eq!(pool["kubeletDiskType"], "OS", "{pool}");
        assert_eq!(pool["upgradeSettings"], Value::Null, "{pool}");
    }
    // The provider sends back what it read, with one change.
    check(
        &cloud,
        &[
            put(CLUSTER, 200, shown),
            delete(POOL, 202),
            delete(CLUSTER, 202),
            get(CLUSTER, 404, &["/error/code"]),
        ],
    )
    .await;
}
