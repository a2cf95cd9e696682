//! What the server knows of a kind: names, scope, schema, subresources. Built-ins and custom kinds alike.

mod builtin;
mod columns;
mod convert;
mod custom;
mod document;
mod extensions;
mod registry;

use std::sync::OnceLock;

use pave_schema::Schema;
use serde_json::Value;

use crate::storage::TableId;

pub(crate) use columns::Column;
pub(crate) use convert::{to_served, to_stored};
pub(crate) use custom::{CLEANUP_FINALIZER, establish, terminate};
pub(crate) use document::{component_name, group_documents};
pub(crate) use registry::{Registry, Snapshot};

/// Paths of the scale subresource of a custom kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) specification: String,
    pub(crate) status: String,
    pub(crate) selector: Option<String>,
}

/// What only custom kinds have.
#[derive(Clone, Debug)]
pub(crate) struct Custom {
    /// Uid of the definition.
    pub(crate) definition: String,
    /// Objects older than this revision are pruned and defaulted when they are read.
    pub(crate) schema_revision: u64,
    /// The definition is being deleted: no new objects.
    pub(crate) is_terminating: bool,
    /// The schema as it was written.
    pub(crate) openapi: Value,
    /// Fields that selectors may name.
    pub(crate) selectable: Vec<String>,
}

/// Where the schema of a kind comes from.
pub(crate) enum Source {
    /// Made from the Rust type when first needed.
    Builtin(document::MakeSchema),
    /// Made from a `CustomResourceDefinition`.
    Custom(Custom),
}

/// Behaviour that differs among kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent facts about a kind"
)]
pub(crate) struct Traits {
    pub(crate) has_status: bool,
    pub(crate) has_generation: bool,
    /// PUT of an absent object creates it.
    pub(crate) update_creates: bool,
    /// Reviews: POST answers and stores nothing.
    pub(crate) is_review: bool,
}

/// One served version of a kind.
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) traits: Traits,
    pub(crate) scale: Option<Scale>,
    pub(crate) table: TableId,
    /// The `apiVersion` that objects are stored under.
    pub(crate) stored_api_version: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) source: Source,
    schema: OnceLock<Schema>,
}

impl Resource {
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `widgets.example.com`; the bare plural in the core group.
    pub(crate) fn qualified(&self) -> String {
        qualify(&self.plural, &self.group)
    }

    /// `Widget.example.com`.
    pub(crate) fn qualified_kind(&self) -> String {
        qualify(&self.kind, &self.group)
    }

    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.source, Source::Custom(_))
    }

    pub(crate) fn custom(&self) -> Option<&Custom> {
        match &self.source {
            Source::Custom(custom) => Some(custom),
            Source::Builtin(_) => None,
        }
    }

    /// Whether this is the named built-in.
    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.plural == plural && self.group == group
    }

    /// The compiled schema, made at first use.
    pub(crate) fn schema(&self) -> &Schema {
        self.schema.get_or_init(|| {
            let parsed = match &self.source {
                Source::Builtin(make) => Schema::parse(&document::inlined(*make)),
                Source::Custom(custom) => Schema::parse(&custom.openapi),
            };
            parsed.0
        })
    }

    /// Whether stored objects must be rewritten before this version serves them.
    pub(crate) fn serves_stored(&self) -> bool {
        self.stored_api_version == self.api_version()
    }

    /// Verbs as discovery shows them.
    pub(crate) fn verbs(&self) -> Vec<&'static str> {
        if self.traits.is_review {
            return vec!["create"];
        }
        vec![
            "create",
            "delete",
            "deletecollection",
            "get",
            "list",
            "patch",
            "update",
            "watch",
        ]
    }

    /// Names of the subresources with their verbs and kinds `(name, group, version, kind, verbs)`.
    pub(crate) fn subresources(&self) -> Vec<Subresource> {
        let mut list = Vec::new();
        let write = ["get", "patch", "update"];
        if self.traits.has_status {
            list.push(Subresource::new("status", self, &write));
        }
        if self.scale.is_some() {
            list.push(Subresource {
                name: "scale",
                group: "autoscaling".to_owned(),
                version: "v1".to_owned(),
                kind: "Scale".to_owned(),
                verbs: write.to_vec(),
            });
        }
        if self.is("", "namespaces") {
            list.push(Subresource::new("finalize", self, &["update"]));
        }
        if self.is("", "serviceaccounts") {
            list.push(Subresource {
                name: "token",
                group: "authentication.k8s.io".to_owned(),
                version: "v1".to_owned(),
                kind: "TokenRequest".to_owned(),
                verbs: vec!["create"],
            });
        }
        list
    }
}

/// One subresource as discovery shows it.
pub(crate) struct Subresource {
    pub(crate) name: &'static str,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) verbs: Vec<&'static str>,
}

impl Subresource {
    fn new(name: &'static str, of: &Resource, verbs: &[&'static str]) -> Self {
        Self {
            name,
            group: of.group.clone(),
            version: of.version.clone(),
            kind: of.kind.clone(),
            verbs: verbs.to_vec(),
        }
    }
}

fn qualify(name: &str, group: &str) -> String {
    if group.is_empty() {
        name.to_owned()
    } else {
        format!("{name}.{group}")
    }
}

/// Every built-in kind and those of one definition.
#[cfg(test)]
pub(crate) fn known_resources(definition: &crate::storage::Object) -> Vec<std::sync::Arc<Resource>> {
    let mut all: Vec<_> = builtin::builtins("local")
        .into_iter()
        .map(std::sync::Arc::new)
        .collect();
    all.extend(custom::resources("local", definition, &[]));
    all
}
