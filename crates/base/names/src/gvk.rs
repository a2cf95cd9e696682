use std::fmt;

use serde::{Deserialize, Serialize};

/// Group, version and kind of a Kubernetes object. The core group is the empty string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupVersionKind {
    /// API group; empty for the core group.
    pub group: String,
    /// Version within the group.
    pub version: String,
    /// Kind, in `CamelCase`.
    pub kind: String,
}

/// An object carries no usable `apiVersion` and `kind`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`apiVersion: {api_version}`, `kind: {kind}` does not name a kind")]
pub struct GroupVersionKindError {
    /// What stood under `apiVersion`.
    pub api_version: String,
    /// What stood under `kind`.
    pub kind: String,
}

impl GroupVersionKind {
    /// From the `apiVersion` and `kind` of a manifest.
    pub fn from_api_version(api_version: &str, kind: &str) -> Result<Self, GroupVersionKindError> {
        let error = || GroupVersionKindError {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        };
        if api_version.is_empty() || kind.is_empty() {
            return Err(error());
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if version.is_empty() || version.contains('/') {
            return Err(error());
        }
        Ok(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        })
    }

    /// `group/version`, or the bare version for the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for GroupVersionKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, Kind={}", self.api_version(), self.kind)
    }
}

/// Names one object across versions: what GitOps pairs desired with live by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectKey {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind, in `CamelCase`.
    pub kind: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            group,
            kind,
            namespace,
            name,
        } = self;
        let kind = if group.is_empty() {
            kind.clone()
        } else {
            format!("{kind}.{group}")
        };
        if namespace.is_empty() {
            write!(formatter, "{kind} {name}")
        } else {
            write!(formatter, "{kind} {namespace}/{name}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_versions_split_into_group_and_version() {
        let check = |api_version: &str, group: &str, version: &str| {
            let gvk = GroupVersionKind::from_api_version(api_version, "X").unwrap();
            assert_eq!((gvk.group.as_str(), gvk.version.as_str()), (group, version));
            assert_eq!(gvk.api_version(), api_version);
        };
        check("v1", "", "v1");
        check("apps/v1", "apps", "v1");
        assert!(GroupVersionKind::from_api_version("a/b/c", "X").is_err());
        assert!(GroupVersionKind::from_api_version("v1", "").is_err());
    }
}
