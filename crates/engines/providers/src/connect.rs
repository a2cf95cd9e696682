//! From a `ProviderConfig` to a client of ARM.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use pave_arm::{ArmClient, ArmError, Assertion, Credential, Environment, IdentityEndpoint};
use pave_azure::mapping::{PROVIDER_CONFIG, PROVIDER_CONFIG_GROUP};
use serde_json::Value;

use crate::cache::Cache;
use crate::failure::kube_words;

/// Why Azure cannot be spoken to. No variant carries a credential.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error(
        "cannot get referenced ProviderConfig: \"{name}\": {PROVIDER_CONFIG}.{PROVIDER_CONFIG_GROUP} \"{name}\" not found"
    )]
    Missing { name: String },
    #[error(
        "ProviderConfig \"{name}\": credentials.source {found} is not supported here; use Secret with a secretRef, OIDCTokenFile, SystemAssignedManagedIdentity or UserAssignedManagedIdentity"
    )]
    Source { name: String, found: String },
    #[error("cannot get credentials of ProviderConfig \"{name}\": {why}")]
    Credentials { name: String, why: String },
    #[error("ProviderConfig \"{name}\": {}", pave_diagnostic::with_causes(.source))]
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
        let source = Source::of(name, spec)?;
        let credentials = match source {
            Source::Secret => self.credentials(name, spec).await?,
            _ => Value::Null,
        };
        if let Some(connection) = self.known(name, spec, &credentials) {
            return Ok(connection);
        }
        let connection = self.open(name, source, spec, &credentials).await?;
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

    async fn open(
        &self,
        name: &str,
        source: Source,
        spec: &Value,
        credentials: &Value,
    ) -> Result<Connection, ConnectError> {
        let credential = source.credential(name, spec, credentials)?;
        let subscription = pick(name, spec, credentials, "subscriptionID", "subscriptionId")?;
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

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// What the configuration says itself, or else its credentials.
fn pick(
    name: &str,
    spec: &Value,
    credentials: &Value,
    field: &str,
    key: &str,
) -> Result<String, ConnectError> {
    let found = text(&spec[field]).or_else(|| text(&credentials[key]));
    found.ok_or_else(|| ConnectError::Credentials {
        name: name.to_owned(),
        why: match credentials {
            Value::Null => format!("`spec.{field}` is missing"),
            _ => format!("`{key}` is missing in the credentials"),
        },
    })
}

/// Where the proof comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Secret,
    TokenFile,
    Machine,
    /// One of several identities of the machine.
    MachineAs,
}

/// Where a pod's token is mounted if the configuration does not say (Azure Workload Identity's webhook).
const TOKEN_FILE: &str = "/var/run/secrets/azure/tokens/azure-identity-token";

impl Source {
    fn of(name: &str, spec: &Value) -> Result<Self, ConnectError> {
        match spec["credentials"]["source"].as_str().unwrap_or("None") {
            "Secret" => Ok(Self::Secret),
            "OIDCTokenFile" => Ok(Self::TokenFile),
            "SystemAssignedManagedIdentity" => Ok(Self::Machine),
            "UserAssignedManagedIdentity" => Ok(Self::MachineAs),
            other => Err(ConnectError::Source {
                name: name.to_owned(),
                found: other.to_owned(),
            }),
        }
    }

    fn credential(self, name: &str, spec: &Value, credentials: &Value) -> Result<Credential, ConnectError> {
        let pick = |field: &str, key: &str| pick(name, spec, credentials, field, key);
        let endpoint = || {
            let mut endpoint = IdentityEndpoint::from_environment(|variable| std::env::var(variable).ok());
            if let Some(url) = text(&spec["msiEndpoint"]) {
                endpoint.url = url;
            }
            endpoint
        };
        Ok(match self {
            Self::Secret => Credential::ClientSecret {
                tenant: pick("tenantID", "tenantId")?,
                client_id: pick("clientID", "clientId")?,
                client_secret: pick("", "clientSecret")?,
            },
            Self::TokenFile => Credential::Federated {
                tenant: pick("tenantID", "tenantId")?,
                client_id: pick("clientID", "clientId")?,
                assertion: Assertion::File(
                    text(&spec["oidcTokenFilePath"])
                        .unwrap_or_else(|| TOKEN_FILE.to_owned())
                        .into(),
                ),
            },
            Self::Machine => Credential::ManagedIdentity {
                client_id: None,
                endpoint: endpoint(),
            },
            Self::MachineAs => Credential::ManagedIdentity {
                client_id: Some(pick("clientID", "clientId")?),
                endpoint: endpoint(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_source_becomes_its_credential_or_says_what_is_missing() {
        let check = |spec: Value, credentials: Value, expected: &str| {
            let found = Source::of("default", &spec)
                .and_then(|source| source.credential("default", &spec, &credentials));
            let found = match found {
                Ok(Credential::Federated { assertion, .. }) => format!("{assertion:?}"),
                Ok(Credential::ManagedIdentity { client_id, endpoint }) => {
                    format!("machine {client_id:?} {}", endpoint.url)
                }
                Ok(other) => format!("{other:?}"),
                Err(error) => error.to_string(),
            };
            assert!(found.contains(expected), "{found}");
        };
        let of = |source: &str| json!({"credentials": {"source": source}, "msiEndpoint": "http://m"});
        let named = |source: &str| json!({"credentials": {"source": source}, "clientID": "c", "tenantID": "t", "msiEndpoint": "http://m"});
        let whole = json!({"clientId": "c", "tenantId": "t", "clientSecret": "s"});
        check(of("Secret"), whole, "ClientSecret");
        check(
            of("Secret"),
            json!({}),
            "`tenantId` is missing in the credentials",
        );
        check(named("OIDCTokenFile"), Value::Null, TOKEN_FILE);
        check(of("OIDCTokenFile"), Value::Null, "`spec.tenantID` is missing");
        check(
            of("SystemAssignedManagedIdentity"),
            Value::Null,
            "machine None http://m",
        );
        check(
            named("UserAssignedManagedIdentity"),
            Value::Null,
            "machine Some(\"c\") http://m",
        );
        check(
            of("UserAssignedManagedIdentity"),
            Value::Null,
            "`spec.clientID` is missing",
        );
        check(of("Upbound"), Value::Null, "Upbound is not supported here");
    }
}
