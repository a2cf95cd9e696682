//! From managed resources to ARM requests, and from ARM answers back to status.
//!
//! Each managed resource is one [`Kind`]: its fields with their places in ARM's documents, its references and
//! its place in ARM's tree, said once as a table ([`kinds`]). From it come the CRD ([`crds`]), the request
//! bodies, the comparison and the status. Upstream here is Upbound's Azure provider family, 1.x, and ARM as
//! azurerm 4 and 5 speak it.

mod body;
mod check;
mod connection;
mod crd;
mod field;
mod flexible_server;
mod path;
mod provider_config;
mod resource_group;
mod server_child;
mod status;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use pave_names::GroupVersionKind;
use serde_json::Value;

pub use body::Difference;
pub use check::Finding;
pub use field::{Codec, Field, Lifetime};
pub use path::{MissingPlace, Place};
pub use provider_config::{PROVIDER_CONFIG, PROVIDER_CONFIG_GROUP, PROVIDER_CONFIG_USAGE};
pub use status::{Availability, HEALTH_VERSION, health_path, health_summary};

/// Annotation with the name of the thing in Azure; the object's own name where it is absent.
pub const EXTERNAL_NAME: &str = "crossplane.io/external-name";

/// One kind of managed resource.
#[derive(Debug)]
pub struct Kind {
    /// API group.
    pub group: &'static str,
    /// Served versions, oldest first; the last one is stored, watched and written.
    pub versions: &'static [&'static str],
    /// Kind, in `CamelCase`.
    pub kind: &'static str,
    /// Plural, in lower case, as it stands in addresses.
    pub plural: &'static str,
    /// What it is, for `kubectl explain`.
    pub description: &'static str,
    /// Where it stands in ARM's tree.
    pub place: Place,
    /// API version of ARM by which it is spoken of: azurerm's.
    pub api_version: &'static str,
    /// Its parameters.
    pub fields: &'static [Field],
    /// Parameters that may be taken from another managed resource.
    pub references: &'static [Reference],
    /// How a change is sent.
    pub update: Update,
    /// How it is taken away.
    pub removal: Removal,
    /// Whether it has an administrator's password that is kept in a Secret.
    pub has_password: bool,
}

/// A parameter that `…Ref` or `…Selector` can fill from another managed resource.
#[derive(Debug)]
pub struct Reference {
    /// The plain parameter, such as `resourceGroupName`.
    pub field: &'static str,
    /// Group of the other resource.
    pub group: &'static str,
    /// Kind of the other resource.
    pub kind: &'static str,
    /// What is taken from it.
    pub takes: Takes,
}

/// What a [`Reference`] takes from the other resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Its name in Azure.
    ExternalName,
    /// Its ARM id, from `status.atProvider.id`.
    Id,
}

/// How a change is sent to ARM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Only what differs, by PATCH.
    Patch,
    /// The whole document, by PUT.
    Put,
}

/// How a resource is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// By DELETE.
    Delete,
    /// It is always there: its default value is put back.
    Reset,
}

/// All managed resources that this crate knows.
#[must_use]
pub fn kinds() -> &'static [Kind] {
    static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
        let children = [
            server_child::DATABASE,
            server_child::FIREWALL_RULE,
            server_child::CONFIGURATION,
        ];
        [resource_group::KIND, flexible_server::KIND]
            .into_iter()
            .chain(children)
            .collect()
    });
    &KINDS
}

/// The managed resource of that group and kind.
#[must_use]
pub fn kind_of(group: &str, kind: &str) -> Option<&'static Kind> {
    kinds()
        .iter()
        .find(|known| known.group == group && known.kind == kind)
}

/// The CRDs of all managed resources and of the provider configuration.
#[must_use]
pub fn crds() -> Vec<Value> {
    kinds()
        .iter()
        .map(crd::managed)
        .chain(provider_config::crds())
        .collect()
}

/// The `openAPIV3Schema` of a served version of one of our CRDs.
#[must_use]
pub fn schema_of(gvk: &GroupVersionKind) -> Option<Value> {
    static CRDS: LazyLock<Vec<Value>> = LazyLock::new(crds);
    let spec = CRDS.iter().map(|crd| &crd["spec"]);
    let mut spec = spec.filter(|spec| spec["group"] == gvk.group && spec["names"]["kind"] == gvk.kind);
    let versions = spec.next()?["versions"].as_array()?;
    let version = versions.iter().find(|version| version["name"] == gvk.version)?;
    Some(version["schema"]["openAPIV3Schema"].clone())
}

impl Kind {
    /// The version that is stored, and by which engines watch and write.
    #[must_use]
    pub fn version(&self) -> &'static str {
        self.versions.last().copied().unwrap_or("v1beta1")
    }

    /// Group, stored version and kind.
    #[must_use]
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind {
            group: self.group.to_owned(),
            version: self.version().to_owned(),
            kind: self.kind.to_owned(),
        }
    }

    /// `kind.group`, as upstream names a kind in messages.
    #[must_use]
    pub fn group_kind(&self) -> String {
        format!("{}.{}", self.kind, self.group)
    }
}

/// A parameter by its path; a block may be a list with one entry (`v1beta1`) or an object (`v1beta2`).
#[must_use]
pub fn parameter<'a>(parameters: &'a Value, path: &str) -> Option<&'a Value> {
    let found = path.split('.').try_fold(parameters, |value, part| match value {
        Value::Array(entries) => entries.first()?.get(part),
        other => other.get(part),
    });
    found.filter(|value| !value.is_null())
}

/// The name of the thing in Azure.
#[must_use]
pub fn external_name(object: &Value) -> &str {
    let annotated = object["metadata"]["annotations"][EXTERNAL_NAME]
        .as_str()
        .filter(|name| !name.is_empty());
    annotated
        .or_else(|| object["metadata"]["name"].as_str())
        .unwrap_or("")
}

/// `forProvider` with what only `initProvider` says filled in: what a thing is created with.
#[must_use]
pub fn create_parameters(spec: &Value) -> Value {
    let mut merged = spec["initProvider"].clone();
    if !merged.is_object() {
        merged = Value::Object(serde_json::Map::new());
    }
    overlay(&mut merged, &spec["forProvider"]);
    merged
}

fn overlay(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                overlay(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (base, over) => *base = over.clone(),
    }
}
