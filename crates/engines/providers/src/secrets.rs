//! The administrator's password and the connection secret.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use rand::Rng;
use serde_json::{Map, Value, json};

use crate::failure::kube_words;

/// Type of the secrets that Crossplane publishes.
const CONNECTION_TYPE: &str = "connection.crossplane.io/v1alpha1";

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Length of a generated password: upstream's.
const LENGTH: usize = 27;

/// Why a secret could not be read or written. Never carries its content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("Secret {name}: {}", kube_words(.source))]
    Kubernetes {
        name: String,
        #[source]
        source: kube::Error,
    },
    #[error("Secret {name} is controlled by {owner}, not by this resource")]
    Foreign { name: String, owner: String },
    #[error("Secret {name} is left from an earlier {owner} of the same name and about to be removed")]
    Leftover { name: String, owner: String },
    #[error(
        "administratorPasswordSecretRef names Secret {name}, which {why}; set autoGeneratePassword to have it made"
    )]
    NoPassword { name: String, why: String },
}

/// Where a password is kept.
pub(crate) struct PasswordReference<'a> {
    namespace: &'a str,
    name: &'a str,
    key: &'a str,
    generate: bool,
}

impl<'a> PasswordReference<'a> {
    /// From `forProvider`; none if the resource says nothing about a password.
    pub(crate) fn read(parameters: &'a Value) -> Option<Self> {
        let reference = &parameters["administratorPasswordSecretRef"];
        let text = |key: &str| reference[key].as_str();
        let (namespace, name, key) = (text("namespace")?, text("name")?, text("key")?);
        Some(Self {
            namespace,
            name,
            key,
            generate: parameters["autoGeneratePassword"] == true,
        })
    }

    fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn failed(&self) -> impl Fn(kube::Error) -> SecretError {
        let name = self.full_name();
        move |source| SecretError::Kubernetes {
            name: name.clone(),
            source,
        }
    }

    /// The password; made and **stored before it is handed out** where it is absent and may be generated.
    ///
    /// Storing comes first so that a crash between this and the request to Azure finds the same password again.
    pub(crate) async fn obtain(&self, client: &kube::Client, owner: &Value) -> Result<String, SecretError> {
        let api: Api<Secret> = Api::namespaced(client.clone(), self.namespace);
        let found = api.get_opt(self.name).await.map_err(self.failed())?;
        if let Some(owner) = found.as_ref().and_then(|secret| earlier_owner(secret, owner)) {
            return Err(SecretError::Leftover {
                name: self.full_name(),
                owner,
            });
        }
        if let Some(password) = found.as_ref().and_then(|secret| value_of(secret, self.key)) {
            return Ok(password);
        }
        if !self.generate {
            let why = if found.is_some() {
                format!("has no key `{}`", self.key)
            } else {
                "does not exist".into()
            };
            return Err(SecretError::NoPassword {
                name: self.full_name(),
                why,
            });
        }
        let password = generate();
        if let Some(existing) = found {
            // The version makes a second writer fail instead of replacing the first one's password.
            let patch = json!({
                "metadata": {"resourceVersion": existing.metadata.resource_version},
                "data": {self.key: STANDARD.encode(&password)},
            });
            let patched = api
                .patch(self.name, &PatchParams::default(), &Patch::Merge(&patch))
                .await;
            patched.map_err(self.failed())?;
        } else {
            let data = json!({self.key: STANDARD.encode(&password)});
            let secret = new_secret(
                self.namespace,
                self.name,
                "Opaque",
                &data,
                &owner_reference(owner, false),
            );
            let secret = secret.map_err(self.failed())?;
            api.create(&PostParams::default(), &secret)
                .await
                .map_err(self.failed())?;
        }
        Ok(password)
    }

    /// The password, if it is there.
    pub(crate) async fn peek(&self, client: &kube::Client) -> Result<Option<String>, SecretError> {
        let api: Api<Secret> = Api::namespaced(client.clone(), self.namespace);
        let found = api.get_opt(self.name).await.map_err(self.failed())?;
        Ok(found.and_then(|secret| value_of(&secret, self.key)))
    }
}

/// The connection secret of a managed resource.
pub(crate) struct ConnectionSecret<'a> {
    namespace: &'a str,
    name: &'a str,
    owner: &'a Value,
}

impl<'a> ConnectionSecret<'a> {
    /// From `writeConnectionSecretToRef`; none if nobody wants one.
    pub(crate) fn of(object: &'a Value) -> Option<Self> {
        let reference = &object["spec"]["writeConnectionSecretToRef"];
        let (namespace, name) = (reference["namespace"].as_str()?, reference["name"].as_str()?);
        Some(Self {
            namespace,
            name,
            owner: object,
        })
    }

    fn api(&self, client: &kube::Client) -> Api<Secret> {
        Api::namespaced(client.clone(), self.namespace)
    }

    fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn failed(&self) -> impl Fn(kube::Error) -> SecretError {
        let name = self.full_name();
        move |source| SecretError::Kubernetes {
            name: name.clone(),
            source,
        }
    }

    /// As it is now.
    pub(crate) async fn read(&self, client: &kube::Client) -> Result<Option<Secret>, SecretError> {
        self.api(client).get_opt(self.name).await.map_err(self.failed())
    }

    /// Adds what is missing or different and removes nothing: others may add keys of their own.
    pub(crate) async fn publish(
        &self,
        client: &kube::Client,
        known: Option<&Secret>,
        details: &BTreeMap<String, String>,
    ) -> Result<bool, SecretError> {
        let data: Map<String, Value> = details
            .iter()
            .filter(|(key, value)| known.and_then(|known| value_of(known, key)).as_ref() != Some(value))
            .map(|(key, value)| (key.clone(), json!(STANDARD.encode(value))))
            .collect();
        let api = self.api(client);
        let Some(known) = known else {
            let owner = owner_reference(self.owner, true);
            let secret = new_secret(self.namespace, self.name, CONNECTION_TYPE, &json!(data), &owner);
            let secret = secret.map_err(self.failed())?;
            api.create(&PostParams::default(), &secret)
                .await
                .map_err(self.failed())?;
            return Ok(true);
        };
        self.must_be_ours(known)?;
        if data.is_empty() {
            return Ok(false);
        }
        let patch = json!({"data": data});
        api.patch(self.name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(self.failed())?;
        Ok(true)
    }

    fn must_be_ours(&self, known: &Secret) -> Result<(), SecretError> {
        let owners = known.metadata.owner_references.iter().flatten();
        let mut controllers = owners.filter(|owner| owner.controller == Some(true));
        match controllers.next() {
            Some(owner) if self.owner["metadata"]["uid"] != owner.uid.as_str() => Err(SecretError::Foreign {
                name: self.full_name(),
                owner: format!("{} {}", owner.kind, owner.name),
            }),
            // Adopting a secret that someone else made would hand out its content: upstream refuses that as well.
            None if known.type_.as_deref() != Some(CONNECTION_TYPE) => Err(SecretError::Foreign {
                name: self.full_name(),
                owner: "somebody else".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// A value of a secret, as text.
pub(crate) fn value_of(secret: &Secret, key: &str) -> Option<String> {
    let ByteString(bytes) = secret.data.as_ref()?.get(key)?;
    String::from_utf8(bytes.clone())
        .ok()
        .filter(|text| !text.is_empty())
}

/// An owner of the same kind and name that is gone: the garbage collector will take the secret away, so a server
/// made with its password would be left without it.
fn earlier_owner(secret: &Secret, owner: &Value) -> Option<String> {
    let metadata = &owner["metadata"];
    let mut owners = secret.metadata.owner_references.iter().flatten();
    let same =
        |it: &&OwnerReference| owner["kind"] == it.kind.as_str() && metadata["name"] == it.name.as_str();
    owners
        .find(|it| same(it) && metadata["uid"] != it.uid.as_str())
        .map(|it| format!("{} {}", it.kind, it.name))
}

fn new_secret(
    namespace: &str,
    name: &str,
    kind: &str,
    data: &Value,
    owner: &Value,
) -> Result<Secret, kube::Error> {
    let secret = json!({
        "metadata": {"namespace": namespace, "name": name, "ownerReferences": [owner]},
        "type": kind,
        "data": data,
    });
    serde_json::from_value(secret).map_err(kube::Error::SerdeError)
}

/// An owner reference; the garbage collector takes the secret away with its owner.
pub(crate) fn owner_reference(owner: &Value, controller: bool) -> Value {
    let mut reference = json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    });
    if controller {
        reference["controller"] = json!(true);
        reference["blockOwnerDeletion"] = json!(true);
    }
    reference
}

/// A password of letters and digits that holds at least one of each kind: Azure wants three kinds.
pub(crate) fn generate() -> String {
    let mut random = rand::rng();
    loop {
        let letters = (0..LENGTH).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]));
        let password: String = letters.collect();
        let has = |kind: fn(&u8) -> bool| password.as_bytes().iter().any(kind);
        if has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit) {
            return password;
        }
    }
}
