//! XRDs: what a composite resource and its claim look like.

mod crd;
mod schema;
mod validate;

use serde_json::{Value, json};

use crate::finding::Finding;

/// Where composite resources live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Cluster-wide, with claims; the only kind before 2.0.
    LegacyCluster,
    /// In namespaces.
    Namespaced,
    /// Cluster-wide, without claims.
    Cluster,
}

/// Where Crossplane's own fields stand in a composite resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Directly below `spec`.
    Legacy,
    /// Below `spec.crossplane`.
    Modern,
}

static NULL: Value = Value::Null;

impl Layout {
    /// The object that holds Crossplane's own fields; null if there is none yet.
    #[must_use]
    pub fn machinery(self, composite: &Value) -> &Value {
        composite.pointer(self.pointer()).unwrap_or(&NULL)
    }

    /// Where it stands.
    #[must_use]
    pub fn pointer(self) -> &'static str {
        match self {
            Self::Legacy => "/spec",
            Self::Modern => "/spec/crossplane",
        }
    }

    /// The `spec` of a composite resource that holds nothing but these fields of Crossplane.
    #[must_use]
    pub fn wrap(self, machinery: Value) -> Value {
        match self {
            Self::Legacy => machinery,
            Self::Modern => json!({"crossplane": machinery}),
        }
    }
}

/// Names of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Kind.
    pub kind: String,
    /// Plural, in lower case.
    pub plural: String,
    /// Singular, in lower case.
    pub singular: String,
    /// Kind of the list.
    pub list_kind: String,
    /// Short names.
    pub short_names: Vec<String>,
    /// Categories.
    pub categories: Vec<String>,
}

/// A parsed XRD.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Name, which is also that of the CRD.
    pub name: String,
    /// API group.
    pub group: String,
    /// Names of the composite resource.
    pub names: Names,
    /// Names of the claim, if claims are offered.
    pub claim_names: Option<Names>,
    /// Where composite resources live.
    pub scope: Scope,
    /// Keys that may be published; empty for all.
    pub connection_secret_keys: Vec<String>,
    /// Composition to use when nothing is said.
    pub default_composition: Option<String>,
    /// Composition to use whatever is said.
    pub enforced_composition: Option<String>,
    /// `Automatic` or `Manual`.
    pub default_update_policy: String,
    /// `Background` or `Foreground`.
    pub default_delete_policy: String,
    /// The version that Compositions point at and that is stored.
    pub referenceable: String,
    object: Value,
}

impl Definition {
    /// Reads an XRD of `v1` or `v2`. None if it names no kind at all; findings tell what is wrong with it.
    #[must_use]
    pub fn parse(object: &Value) -> (Option<Self>, Vec<Finding>) {
        let findings = validate::validate(object);
        let spec = &object["spec"];
        let text = |pointer: &str| spec.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (Some(group), Some(names)) = (text("/group"), Names::parse(&spec["names"])) else {
            return (None, findings);
        };
        let version = referenceable(spec).or_else(|| text("/versions/0/name"));
        let Some(referenceable) = version else {
            return (None, findings);
        };
        let definition = Self {
            name: object
                .pointer("/metadata/name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            group,
            names,
            claim_names: Names::parse(&spec["claimNames"]),
            scope: scope(object),
            connection_secret_keys: strings(&spec["connectionSecretKeys"]),
            default_composition: text("/defaultCompositionRef/name"),
            enforced_composition: text("/enforcedCompositionRef/name"),
            default_update_policy: text("/defaultCompositionUpdatePolicy")
                .unwrap_or_else(|| "Automatic".to_owned()),
            default_delete_policy: text("/defaultCompositeDeletePolicy")
                .unwrap_or_else(|| "Background".to_owned()),
            referenceable,
            object: object.clone(),
        };
        (Some(definition), findings)
    }

    /// Where Crossplane's own fields stand.
    #[must_use]
    pub fn layout(&self) -> Layout {
        if self.scope == Scope::LegacyCluster {
            Layout::Legacy
        } else {
            Layout::Modern
        }
    }

    /// `group/version` of composite resources and claims.
    #[must_use]
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.referenceable)
    }

    /// The CRD of the composite resource.
    #[must_use]
    pub fn composite_crd(&self) -> Value {
        crd::composite(self, &self.object)
    }

    /// The CRD of the claim, if claims are offered.
    #[must_use]
    pub fn claim_crd(&self) -> Option<Value> {
        self.claim_names
            .as_ref()
            .map(|names| crd::claim(self, names, &self.object))
    }
}

impl Names {
    fn parse(value: &Value) -> Option<Self> {
        let text = |name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .filter(|it| !it.is_empty())
        };
        let kind = text("kind")?.to_owned();
        Some(Self {
            plural: text("plural")?.to_owned(),
            singular: text("singular").map_or_else(|| kind.to_lowercase(), str::to_owned),
            list_kind: text("listKind").map_or_else(|| format!("{kind}List"), str::to_owned),
            short_names: strings(&value["shortNames"]),
            categories: strings(&value["categories"]),
            kind,
        })
    }
}

/// The default scope depends on the version, and on claims: an object stored as `v1` but read as `v2` is legacy.
fn scope(object: &Value) -> Scope {
    let version = object
        .get("apiVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match object.pointer("/spec/scope").and_then(Value::as_str) {
        Some("Namespaced") => Scope::Namespaced,
        Some("Cluster") => Scope::Cluster,
        None if version.ends_with("/v2") => Scope::Namespaced,
        _ => Scope::LegacyCluster,
    }
}

fn referenceable(spec: &Value) -> Option<String> {
    let versions = spec.get("versions")?.as_array()?;
    let found = versions
        .iter()
        .find(|it| it.get("referenceable").and_then(Value::as_bool) == Some(true))?;
    found.get("name").and_then(Value::as_str).map(str::to_owned)
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests;
