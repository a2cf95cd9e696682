//! From a `ProviderConfig` to a client of ARM.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use pave_arm::{ArmClient, ArmError, Credential, Environment};
use pave_azure::mapping::{PROVIDER_CONFIG, PROVIDER_CONFIG_GROUP};
use serde_json::Value;

use crate::cache::Cache;
use crate::failure::{chain, kube_words};

/// Why Azure cannot be spoken to. No variant carries a credential.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error(
        "cannot get referenced ProviderConfig: \"{name}\": {PROVIDER_CONFIG}.{PROVIDER_CONFIG_GROUP} \"{name}\" not found"
    )]
    Missing { name: String },
    #[error(
        "ProviderConfig \"{name}\": credentials.source {found} is not supported here; use Secret with a secretRef"
    )]
    Source { name: String, found: String },
    #[error("cannot get credentials of ProviderConfig \"{name}\": {why}")]
    Credentials { name: String, why: String },
    #[error("ProviderConfig \"{name}\": {}", chain(.source))]
    Environment {
        name: String,
        #[source]
        source: ArmError,
    },
}

/// A client of ARM and the subscription that it works in.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) client: ArmClient,
    pub(crate) subscription: String,
}

/// Clients by configuration, so that all resources share an access token.
pub(crate) struct Connections {
    kubernetes: kube::Client,
    http: reqwest::Client,
    known: Mutex<HashMap<String, (Value, Value, Connection)>>,
}

impl Connections {
    pub(crate) fn new(kubernetes: kube::Client, http: reqwest::Client) -> Self {
        Self {
            kubernetes,
            http,
            known: Mutex::default(),
        }
    }

    /// Reads the configuration and its credentials; the client is kept as long as both stay the same.
    pub(crate) async fn connect(&self, cache: &Cache, name: &str) -> Result<Connection, ConnectError> {
        let missing = || ConnectError::Missing {
            name: name.to_owned(),
        };
        let configuration = cache.configuration(name).ok_or_else(missing)?;
        let spec = &configuration["spec"];
        let credentials = self.credentials(name, spec).await?;
        if let Some(connection) = self.known(name, spec, &credentials) {
            return Ok(connection);
        }
        let connection = self.open(name, spec, &credentials).await?;
        let entry = (spec.clone(), credentials, connection.clone());
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), entry);
        Ok(connection)
    }

    fn known(&self, name: &str, spec: &Value, credentials: &Value) -> Option<Connection> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (known_spec, known_credentials, connection) = known.get(name)?;
        (known_spec == spec && known_credentials == credentials).then(|| connection.clone())
    }

    async fn credentials(&self, name: &str, spec: &Value) -> Result<Value, ConnectError> {
        let source = spec["credentials"]["source"].as_str().unwrap_or("None");
        if source != "Secret" {
            return Err(ConnectError::Source {
                name: name.to_owned(),
                found: source.to_owned(),
            });
        }
        let failed = |why: String| ConnectError::Credentials {
            name: name.to_owned(),
            why,
        };
        let reference = &spec["credentials"]["secretRef"];
        let text = |key: &str| reference[key].as_str().filter(|text| !text.is_empty());
        let (Some(namespace), Some(secret), Some(key)) = (text("namespace"), text("name"), text("key"))
        else {
            return Err(failed(
                "credentials.secretRef needs namespace, name and key".into(),
            ));
        };
        let api: Api<Secret> = Api::namespaced(self.kubernetes.clone(), namespace);
        let found = api
            .get_opt(secret)
            .await
            .map_err(|error| failed(kube_words(&error)))?;
        let found = found.ok_or_else(|| failed(format!("Secret {namespace}/{secret} not found")))?;
        let data = found.data.unwrap_or_default();
        let data = data
            .get(key)
            .ok_or_else(|| failed(format!("Secret {namespace}/{secret} has no key `{key}`")))?;
        let parsed: Value = serde_json::from_slice(&data.0)
            .map_err(|_| failed(format!("key `{key}` of Secret {namespace}/{secret} is not JSON")))?;
        // Upstream takes an array of principals round-robin; one of them does the work as well.
        Ok(parsed.get(0).cloned().unwrap_or(parsed))
    }

    async fn open(&self, name: &str, spec: &Value, credentials: &Value) -> Result<Connection, ConnectError> {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let pick = |field: &str, key: &str| {
            let found = text(&spec[field]).or_else(|| text(&credentials[key]));
            found.ok_or_else(|| ConnectError::Credentials {
                name: name.to_owned(),
                why: format!("`{key}` is missing in the credentials"),
            })
        };
        let credential = Credential::ClientSecret {
            tenant: pick("tenantID", "tenantId")?,
            client_id: pick("clientID", "clientId")?,
            client_secret: pick("", "clientSecret")?,
        };
        let subscription = pick("subscriptionID", "subscriptionId")?;
        let manager = text(&credentials["resourceManagerEndpointUrl"]);
        let authority = text(&credentials["activeDirectoryEndpointUrl"]);
        let environment = match (manager, authority) {
            (Some(manager), Some(authority)) => Environment::new(&manager, &authority),
            (Some(manager), None) => Environment::discover(&self.http, &manager).await,
            (None, _) => Environment::public(),
        };
        let environment = environment.map_err(|source| ConnectError::Environment {
            name: name.to_owned(),
            source,
        })?;
        let client = ArmClient::new(self.http.clone(), environment, credential);
        Ok(Connection { client, subscription })
    }
}
