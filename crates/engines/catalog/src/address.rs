use std::fmt;

use serde_json::Value;

/// What a registered location is read through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// A Git host.
    Url,
    /// The file system of this machine; only the configuration names such a location.
    File,
}

/// Where a location lies, as upstream writes it: `url:https://…`, `file:/…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// What it is read through.
    pub kind: AddressKind,
    /// URL, or absolute path.
    pub target: String,
}

impl AddressKind {
    /// The `type` of a location.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::File => "file",
        }
    }

    pub(crate) fn of(kind: &str) -> Self {
        if kind == "file" { Self::File } else { Self::Url }
    }
}

impl Address {
    /// The address of something on a host.
    #[must_use]
    pub fn url(target: impl Into<String>) -> Self {
        Self {
            kind: AddressKind::Url,
            target: target.into(),
        }
    }

    /// The address of a file, by its absolute path, which may be a pattern.
    #[must_use]
    pub fn file(target: impl Into<String>) -> Self {
        Self {
            kind: AddressKind::File,
            target: target.into(),
        }
    }

    /// From an annotation, such as `backstage.io/managed-by-origin-location`.
    pub(crate) fn of_annotation(entity: &Value, annotation: &str) -> Option<Self> {
        let text = entity["metadata"]["annotations"][annotation].as_str()?;
        match text.split_once(':')? {
            ("url", target) => Some(Self::url(target)),
            ("file", target) => Some(Self::file(target)),
            _ => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.kind.as_str(), self.target)
    }
}
