//! The document by which clients find this cloud's endpoints.

use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Value, json};

use crate::arm::Arm;
use crate::caller::query;
use crate::options::Options;

/// Versions that answer a list of clouds instead of one.
const LIST_VERSIONS: &[&str] = &["2015-01-01", "2019-05-01", "2020-06-01"];

/// `GET /metadata/endpoints`.
pub(crate) async fn endpoints(State(arm): State<Arm>, RawQuery(raw): RawQuery) -> Json<Value> {
    let version = query(raw.as_deref()).remove("api-version").unwrap_or_default();
    let document = document(&arm.options);
    Json(if LIST_VERSIONS.contains(&version.as_str()) {
        json!([document])
    } else {
        document
    })
}

fn document(options: &Options) -> Value {
    let base = &options.base_url;
    let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host);
    let name = host.split(':').next().unwrap_or_default();
    // Synapse, managed HSM and attestation are left out: clients then leave those services out too.
    json!({
        "name": "PaveCloud",
        "portal": base,
        "resourceManager": base,
        "gallery": base,
        "graph": base,
        "graphAudience": base,
        "media": base,
        "sqlManagement": base,
        "vmImageAliasDoc": base,
        "batch": base,
        "logAnalyticsResourceId": base,
        "ossrDbmsResourceId": base,
        "activeDirectoryDataLake": base,
        "microsoftGraphResourceId": base,
        "appInsightsResourceId": base,
        "appInsightsTelemetryChannelResourceId": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [base, "https://management.azure.com"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {
            "keyVaultDns": format!("vault.{name}"),
            "storage": crate::blob::storage_suffix(options),
            "acrLoginServer": format!("azurecr.{name}"),
            "postgresqlServerEndpoint": format!("postgres.database.{name}"),
            "mysqlServerEndpoint": format!("mysql.database.{name}"),
            "mariadbServerEndpoint": format!("mariadb.database.{name}"),
            "sqlServerHostname": format!("database.{name}"),
            "azureFrontDoorEndpointSuffix": format!("azurefd.{name}"),
            "storageSyncEndpointSuffix": format!("afs.{name}"),
            "azureDataLakeStoreFileSystem": format!("azuredatalakestore.{name}"),
            "azureDataLakeAnalyticsCatalogAndJob": format!("azuredatalakeanalytics.{name}"),
        },
    })
}
