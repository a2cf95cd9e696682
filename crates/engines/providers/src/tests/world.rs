//! An engine between a Kubernetes API and an ARM in memory, and the objects that the tests speak of.

use std::time::Duration;

use pave_runtime::Tasks;
use serde_json::{Value, json};

use super::arm::Arm;
use super::kubernetes::Kubernetes;
use crate::{Context, Settings, run_with};

pub(super) const GROUPS: &str = "resourcegroups.azure.upbound.io";
pub(super) const SERVERS: &str = "flexibleservers.dbforpostgresql.azure.upbound.io";
pub(super) const DATABASES: &str = "flexibleserverdatabases.dbforpostgresql.azure.upbound.io";
pub(super) const CONFIGURATIONS: &str = "flexibleserverconfigurations.dbforpostgresql.azure.upbound.io";
pub(super) const PROVIDER_CONFIGS: &str = "providerconfigs.azure.upbound.io";
pub(super) const USAGES: &str = "providerconfigusages.azure.upbound.io";
pub(super) const ROAD: &str = "0123456789abcdef0123456789abcdef";

pub(super) struct World {
    pub(super) kubernetes: Kubernetes,
    pub(super) arm: Arm,
    pub(super) tasks: Tasks,
}

impl World {
    pub(super) async fn new() -> Self {
        let world = Self::without_configuration().await;
        world.configure("right");
        world
    }

    pub(super) async fn without_configuration() -> Self {
        let world = Self {
            kubernetes: Kubernetes::new(),
            arm: Arm::start().await,
            tasks: Tasks::new(),
        };
        world.start(&world.tasks).await;
        world
    }

    pub(super) async fn start(&self, tasks: &Tasks) {
        let context = Context {
            client: self.kubernetes.client(),
            http: http(),
        };
        let settings = Settings {
            poll: Duration::from_millis(100),
            first_retry: Duration::from_millis(20),
            last_retry: Duration::from_millis(200),
            ..Settings::default()
        };
        run_with(context, settings, tasks.clone()).await;
    }

    pub(super) fn configure(&self, secret: &str) {
        let credentials = json!({
            "clientId": "c", "clientSecret": secret, "tenantId": "t", "subscriptionId": "s",
            "activeDirectoryEndpointUrl": self.arm.url, "resourceManagerEndpointUrl": self.arm.url,
        });
        let data = base64(&credentials.to_string());
        self.kubernetes.create(
            "secrets/crossplane-system",
            json!({"metadata": {"name": "azure-credentials"}, "data": {"creds": data}}),
        );
        let reference =
            json!({"namespace": "crossplane-system", "name": "azure-credentials", "key": "creds"});
        self.kubernetes.create(
            PROVIDER_CONFIGS,
            json!({
                "kind": "ProviderConfig", "metadata": {"name": "default"},
                "spec": {"credentials": {"source": "Secret", "secretRef": reference}},
            }),
        );
    }

    pub(super) fn create(&self, collection: &str, kind: &str, name: &str, spec: &Value) {
        let metadata = json!({
            "name": name, "annotations": {"pave.dev/road": ROAD}, "labels": {"part": kind},
            "ownerReferences": [{"uid": "xr", "controller": true}],
        });
        self.kubernetes.create(
            collection,
            json!({"kind": kind, "metadata": metadata, "spec": spec}),
        );
    }

    pub(super) fn group(&self) {
        self.create(
            GROUPS,
            "ResourceGroup",
            "orders-rg",
            &json!({"forProvider": {"location": "westeurope"}}),
        );
    }

    pub(super) fn server(&self) {
        let password = json!({"namespace": "team-a", "name": "orders-admin", "key": "password"});
        self.create(
            SERVERS,
            "FlexibleServer",
            "orders-pg",
            &json!({
                "forProvider": {
                    "location": "westeurope", "resourceGroupNameRef": {"name": "orders-rg"}, "version": "16",
                    "skuName": "B_Standard_B1ms", "administratorLogin": "appuser",
                    "administratorPasswordSecretRef": password, "autoGeneratePassword": true,
                },
                "writeConnectionSecretToRef": {"namespace": "team-a", "name": "orders-connection"},
            }),
        );
    }

    pub(super) fn database(&self) {
        self.create(
            DATABASES,
            "FlexibleServerDatabase",
            "orders",
            &json!({
                "forProvider": {"serverIdSelector": {"matchControllerRef": true}},
            }),
        );
    }

    pub(super) async fn condition(
        &self,
        collection: &str,
        name: &str,
        kind: &str,
        status: &str,
        words: &str,
    ) -> Value {
        let wanted = |object: Option<&Value>| object.is_some_and(|object| has(object, kind, status, words));
        self.kubernetes.until(collection, name, wanted).await
    }

    pub(super) async fn ready(&self, collection: &str, name: &str) -> Value {
        self.condition(collection, name, "Ready", "True", "").await
    }

    pub(super) async fn gone(&self, collection: &str, name: &str) {
        self.kubernetes
            .until(collection, name, |object| object.is_none())
            .await;
    }

    pub(super) fn secret(&self, name: &str, key: &str) -> Option<String> {
        let secret = self.kubernetes.get("secrets/team-a", name)?;
        Some(text(secret["data"][key].as_str()?))
    }

    pub(super) async fn event(&self, reason: &str, words: &str) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let events = self.kubernetes.all("events/default");
            let text = |event: &Value, key: &str| event[key].as_str().unwrap_or("").to_owned();
            if events
                .iter()
                .any(|it| text(it, "reason") == reason && text(it, "message").contains(words))
            {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "no event {reason} {words} among {events:#?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(super) fn has(object: &Value, kind: &str, status: &str, words: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let message = |it: &Value| it["message"].as_str().unwrap_or("").to_owned();
    let mut found = conditions.filter(|it| it["type"] == kind && it["status"] == status);
    found.any(|it| message(it).contains(words) || it["reason"] == words)
}

pub(super) fn http() -> reqwest::Client {
    let config = rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(
        rustls::crypto::ring::default_provider(),
    ));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .build()
        .unwrap()
}

pub(super) fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

pub(super) fn text(encoded: &str) -> String {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).unwrap()).unwrap()
}

pub(super) async fn until(wanted: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !wanted() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "it did not come to what was wanted"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
