//! Reading and writing objects as plain JSON values.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, Preconditions, PropagationPolicy,
};
use pave_composite::connection::Details;
use pave_kube::{Kinds, KindsError};
use pave_names::GroupVersionKind;
use serde_json::{Value, json};

use crate::error::ReconcileError;

/// Field manager of the CRDs that XRDs define, and of Crossplane's own.
pub(crate) const MANAGER_DEFINITION: &str = "apiextensions.crossplane.io/definition";

/// The control plane.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) kinds: Kinds,
}

impl Cluster {
    /// Over a client.
    pub(crate) fn new(client: kube::Client) -> Self {
        Self {
            kinds: Kinds::new(client),
        }
    }

    /// The API of a kind.
    pub(crate) async fn api(
        &self,
        gvk: &GroupVersionKind,
        namespace: Option<&str>,
    ) -> Result<Api<DynamicObject>, KindsError> {
        Ok(self.kinds.resolve(gvk).await?.api(self.kinds.client(), namespace))
    }

    /// An object, or none if it does not exist.
    pub(crate) async fn get(
        &self,
        gvk: &GroupVersionKind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>, ReconcileError> {
        let found = self.api(gvk, namespace).await?.get_opt(name).await?;
        Ok(found.and_then(|object| serde_json::to_value(object).ok()))
    }

    /// All objects of a kind; none if the kind is not served.
    pub(crate) async fn list(
        &self,
        gvk: &GroupVersionKind,
        labels: &str,
    ) -> Result<Vec<Value>, ReconcileError> {
        let api = match self.api(gvk, None).await {
            Err(KindsError::Unknown(_)) => return Ok(Vec::new()),
            other => other?,
        };
        let list = match api.list(&ListParams::default().labels(labels)).await {
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Vec::new()),
            other => other?,
        };
        Ok(list
            .items
            .into_iter()
            .filter_map(|object| serde_json::to_value(object).ok())
            .collect())
    }

    /// Merge-patches an object. The caller puts a resource version into the patch where it must not have changed.
    pub(crate) async fn merge(
        &self,
        object: &Value,
        patch: &Value,
        manager: &str,
    ) -> Result<Value, ReconcileError> {
        let api = self
            .kinds
            .of(object)
            .await?
            .api(self.kinds.client(), text(object, "/metadata/namespace"));
        let params = PatchParams {
            field_manager: Some(manager.to_owned()),
            ..PatchParams::default()
        };
        let name = text(object, "/metadata/name").unwrap_or_default();
        let patched: DynamicObject = api.patch(name, &params, &Patch::Merge(patch)).await?;
        Ok(serde_json::to_value(patched).unwrap_or_default())
    }

    /// Deletes this very object (its UID is a precondition). One that is gone is as good as deleted.
    pub(crate) async fn delete(
        &self,
        object: &Value,
        propagation: PropagationPolicy,
    ) -> Result<(), ReconcileError> {
        let api = self
            .kinds
            .of(object)
            .await?
            .api(self.kinds.client(), text(object, "/metadata/namespace"));
        let preconditions = Preconditions {
            uid: text(object, "/metadata/uid").map(str::to_owned),
            resource_version: None,
        };
        let params = DeleteParams {
            propagation_policy: Some(propagation),
            preconditions: Some(preconditions),
            ..DeleteParams::default()
        };
        match api
            .delete(text(object, "/metadata/name").unwrap_or_default(), &params)
            .await
        {
            // 409: another object has the name by now.
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    /// Adds or removes a finalizer; nothing if it is (not) there already.
    pub(crate) async fn finalizer(
        &self,
        object: &Value,
        finalizer: &str,
        wanted: bool,
        manager: &str,
    ) -> Result<(), ReconcileError> {
        let current = object
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if current.iter().any(|it| it == finalizer) == wanted {
            return Ok(());
        }
        let mut finalizers: Vec<Value> = current.into_iter().filter(|it| it != finalizer).collect();
        if wanted {
            finalizers.push(json!(finalizer));
        }
        let version = object
            .pointer("/metadata/resourceVersion")
            .cloned()
            .unwrap_or(Value::Null);
        let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": version}});
        match self.merge(object, &patch, manager).await {
            Err(ReconcileError::Cluster(kube::Error::Api(status))) if status.code == 404 && !wanted => Ok(()),
            other => other.map(drop),
        }
    }

    /// The data of a secret, decoded; none if there is no such secret.
    pub(crate) async fn secret(&self, namespace: &str, name: &str) -> Result<Option<Value>, ReconcileError> {
        self.get(&gvk("v1", "Secret"), Some(namespace), name).await
    }
}

/// A kind, from constants.
pub(crate) fn gvk(api_version: &str, kind: &str) -> GroupVersionKind {
    GroupVersionKind::from_api_version(api_version, kind).unwrap_or_default()
}

/// The kind of an object or of a reference to one.
pub(crate) fn kind_of(object: &Value) -> GroupVersionKind {
    gvk(
        text(object, "/apiVersion").unwrap_or_default(),
        text(object, "/kind").unwrap_or_default(),
    )
}

/// A text that is not empty.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .filter(|it| !it.is_empty())
}

/// Whether an object is being deleted.
pub(crate) fn is_deleting(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// Whether an object is paused by its annotation.
pub(crate) fn is_paused(object: &Value) -> bool {
    let annotations = object.pointer("/metadata/annotations");
    annotations
        .and_then(|it| it.get(pave_composite::keys::PAUSED))
        .and_then(Value::as_str)
        == Some("true")
}

/// The owner reference of an object's controller.
pub(crate) fn controller(object: &Value) -> Option<&Value> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    owners.iter().find(|it| it["controller"] == true)
}

/// Whether the controller of an object is the given owner.
pub(crate) fn is_controlled_by(object: &Value, owner: &Value) -> bool {
    controller(object).and_then(|it| it.get("uid")) == owner.pointer("/metadata/uid")
}

/// A controller owner reference to an object.
pub(crate) fn controller_reference(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }])
}

/// The data of a secret, decoded.
pub(crate) fn secret_data(secret: &Value) -> Details {
    let data = secret.get("data").and_then(Value::as_object);
    data.into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), STANDARD.decode(value.as_str()?).ok()?)))
        .collect()
}

/// The data of a secret, encoded.
pub(crate) fn encode_data(details: &Details) -> BTreeMap<String, String> {
    details
        .iter()
        .map(|(key, value)| (key.clone(), STANDARD.encode(value)))
        .collect()
}

/// Installs the CRDs of Crossplane's own kinds and waits until they are served.
pub(crate) async fn install_crds(cluster: &Cluster) -> Result<(), ReconcileError> {
    for crd in pave_composite::crds() {
        let name = text(&crd, "/metadata/name").unwrap_or_default();
        let kind = gvk("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let existing = cluster.get(&kind, None, name).await?;
        if !existing
            .as_ref()
            .is_some_and(|it| crate::applier::contains(it, &crd))
        {
            pave_kube::apply(&cluster.kinds, &crd, MANAGER_DEFINITION, false).await?;
        }
        let served = gvk(
            "apiextensions.crossplane.io/v1",
            text(&crd, "/spec/names/kind").unwrap_or_default(),
        );
        wait_until_served(cluster, &served).await?;
    }
    Ok(())
}

async fn wait_until_served(cluster: &Cluster, kind: &GroupVersionKind) -> Result<(), ReconcileError> {
    // A CRD is established within milliseconds; it is the only thing that is asked for repeatedly, at start only.
    for _ in 0..200 {
        match cluster.kinds.resolve(kind).await {
            Ok(_) => return Ok(()),
            Err(KindsError::Unknown(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) => return Err(error.into()),
        }
    }
    Err(KindsError::Unknown(kind.clone()).into())
}
