use pave_azure::names::{FLEXIBLE_SERVER_SKUS, POSTGRESQL_VERSIONS, Sku};
use serde_json::{Value, json};

/// What `az` asks of a location; "no offers are restricted" is what lets it go on.
const FEATURES: [(&str, &str); 5] = [
    ("OfferRestricted", "Disabled"),
    ("ZoneRedundantHa", "Disabled"),
    ("GeoBackup", "Disabled"),
    ("IndexTuning", "Disabled"),
    ("OnlineResize", "Disabled"),
];

/// What can be made in a location; `az postgres flexible-server create` reads it first.
pub(crate) fn capabilities(location: &str) -> Value {
    let editions = ["Burstable", "GeneralPurpose", "MemoryOptimized"];
    let versions = POSTGRESQL_VERSIONS.iter().map(|version| {
        let later = POSTGRESQL_VERSIONS.iter().skip_while(|other| *other != version).skip(1);
        json!({ "name": version, "supportedVersionsToUpgrade": later.collect::<Vec<_>>(), "status": "Available" })
    });
    json!({ "value": [{
        "name": "FlexibleServerCapabilities",
        "location": location,
        "supportedServerEditions": editions.map(edition),
        "supportedServerVersions": versions.collect::<Vec<_>>(),
        "supportedFeatures": FEATURES.map(|(name, status)| json!({ "name": name, "status": status })),
        "fastProvisioningSupported": "Disabled",
        "supportedFastProvisioningEditions": [],
        "geoBackupSupported": "Disabled",
        "zoneRedundantHaSupported": "Disabled",
        "zoneRedundantHaAndGeoBackupSupported": "Disabled",
        "storageAutoGrowthSupported": "Disabled",
        "onlineResizeSupported": "Disabled",
        "restricted": "Disabled",
        "status": "Available",
    }] })
}

fn edition(tier: &str) -> Value {
    let skus: Vec<&Sku> = FLEXIBLE_SERVER_SKUS
        .iter()
        .filter(|sku| sku.tier == tier)
        .collect();
    let listed = skus.iter().map(|sku| {
        json!({
            "name": sku.name,
            "vCores": sku.cores,
            "supportedIops": 640,
            "supportedMemoryPerVcoreMb": sku.memory_per_core,
            "supportedZones": ["1", "2", "3"],
            "supportedHaMode": [],
            "supportedFeatures": [],
            "status": "Available",
        })
    });
    let sizes = [32, 64, 128, 256, 512].map(|size| {
        json!({
            "storageSizeMb": size * 1024,
            "supportedIops": 120,
            "defaultIopsTier": "P4",
            "supportedIopsTiers": [{ "name": "P4", "iops": 120, "status": "Available" }],
            "status": "Available",
        })
    });
    json!({
        "name": tier,
        "defaultSkuName": skus.first().map(|sku| sku.name),
        "supportedServerSkus": listed.collect::<Vec<_>>(),
        "supportedStorageEditions": [{
            "name": "ManagedDisk",
            "defaultStorageSizeMb": 32 * 1024,
            "supportedStorageMb": sizes,
            "status": "Available",
        }],
        "status": "Available",
    })
}
