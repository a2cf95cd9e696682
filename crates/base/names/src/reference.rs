use std::fmt;

use serde::{Deserialize, Serialize};

/// A Backstage entity reference in canonical form: `kind:namespace/name`, lower-cased as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntityRef {
    kind: String,
    namespace: String,
    name: String,
}

/// The text is not an entity reference.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not an entity reference: {why}")]
pub struct EntityRefError {
    text: String,
    why: &'static str,
}

impl EntityRef {
    /// From its three parts; they are lower-cased.
    #[must_use]
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            kind: kind.to_lowercase(),
            namespace: namespace.to_lowercase(),
            name: name.to_lowercase(),
        }
    }

    /// Parses `[kind:][namespace/]name`.
    ///
    /// As upstream, a `:` after the first `/` belongs to the name, and parts are not checked as names.
    pub fn parse(
        text: &str,
        default_kind: Option<&str>,
        default_namespace: &str,
    ) -> Result<Self, EntityRefError> {
        let error = |why| EntityRefError {
            text: text.to_owned(),
            why,
        };
        let slash = text.find('/');
        let colon = text
            .find(':')
            .filter(|colon| slash.is_none_or(|slash| *colon < slash));
        let (kind, rest) = match colon {
            Some(colon) => (&text[..colon], &text[colon + 1..]),
            None => (
                default_kind.ok_or_else(|| error("it has no kind and none is implied here"))?,
                text,
            ),
        };
        let (namespace, name) = rest.split_once('/').unwrap_or((default_namespace, rest));
        if kind.is_empty() || namespace.is_empty() || name.is_empty() {
            return Err(error("a part of it is empty"));
        }
        Ok(Self::new(kind, namespace, name))
    }

    /// Kind, in lower case.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Namespace, in lower case.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Name, in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl TryFrom<String> for EntityRef {
    type Error = EntityRefError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text, None, "default")
    }
}

impl From<EntityRef> for String {
    fn from(reference: EntityRef) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for EntityRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}/{}", self.kind, self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_parse_as_upstream_does() {
        let check = |text: &str, expected: Option<&str>| {
            let parsed = EntityRef::parse(text, Some("Group"), "default")
                .ok()
                .map(|it| it.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        };
        check("Component:default/Foo", Some("component:default/foo"));
        check("foo", Some("group:default/foo"));
        check("ns/foo", Some("group:ns/foo"));
        check("user:bob", Some("user:default/bob"));
        check("a/b:c", Some("group:a/b:c"));
        check(":a/b", None);
        check("a:/b", None);
        check("", None);
    }
}
