//! All documents of a road, and what they are to each other.

use std::collections::BTreeSet;
use std::rc::Rc;

use pave_composite::Finding;
use pave_composite::composition::Composition;
use pave_composite::xrd::{Definition, Scope};
use pave_schema::Schema;
use serde_json::Value;

use crate::subject::Subject;

/// What a check looks at.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// All documents, those that templates render included.
    pub(crate) subjects: Vec<Rc<Subject>>,
    /// XRDs.
    pub(crate) definitions: Vec<Defined>,
    /// Compositions.
    pub(crate) compositions: Vec<Composed>,
}

/// An XRD with what it defines.
#[derive(Debug)]
pub(crate) struct Defined {
    /// Where it is written.
    pub(crate) subject: Rc<Subject>,
    /// What it says.
    pub(crate) definition: Definition,
}

/// A Composition.
#[derive(Debug)]
pub(crate) struct Composed {
    /// Where it is written.
    pub(crate) subject: Rc<Subject>,
    /// What it says.
    pub(crate) composition: Composition,
    /// What its model found.
    pub(crate) findings: Vec<Finding>,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A template of the scaffolder.
    Template,
    /// Another entity of the catalog.
    Entity,
    /// An XRD.
    Definition,
    /// A Composition.
    Composition,
    /// A claim, by the position of its XRD.
    Claim(usize),
    /// A composite resource, by the position of its XRD.
    Composite(usize),
    /// Anything else.
    Other,
}

impl World {
    /// Adds documents.
    pub(crate) fn add(&mut self, subjects: impl IntoIterator<Item = Subject>) {
        for subject in subjects {
            let subject = Rc::new(subject);
            match subject.str("/kind") {
                "CompositeResourceDefinition" if !subject.is_rendered() => {
                    if let (Some(mut definition), _) = Definition::parse(&subject.value) {
                        // An XRD that cannot offer claims as written is read as the one it was meant to be.
                        if definition.claim_names.is_some() {
                            definition.scope = Scope::LegacyCluster;
                        }
                        self.definitions.push(Defined {
                            subject: Rc::clone(&subject),
                            definition,
                        });
                    }
                }
                "Composition"
                    if !subject.is_rendered()
                        && subject.value.pointer("/spec/compositeTypeRef").is_some() =>
                {
                    let (composition, findings) = Composition::parse(&subject.value);
                    self.compositions.push(Composed {
                        subject: Rc::clone(&subject),
                        composition,
                        findings,
                    });
                }
                _ => {}
            }
            self.subjects.push(subject);
        }
    }

    /// What a document is.
    pub(crate) fn what(&self, subject: &Subject) -> What {
        let gvk = subject.gvk();
        if gvk.kind == "Template" && gvk.group.ends_with("backstage.io") {
            return What::Template;
        }
        if gvk.group.ends_with("backstage.io") {
            return What::Entity;
        }
        match gvk.kind.as_str() {
            "CompositeResourceDefinition" => return What::Definition,
            "Composition" if subject.value.pointer("/spec/compositeTypeRef").is_some() => {
                return What::Composition;
            }
            _ => {}
        }
        for (index, defined) in self.definitions.iter().enumerate() {
            let definition = &defined.definition;
            if gvk.group != definition.group {
                continue;
            }
            if definition
                .claim_names
                .as_ref()
                .is_some_and(|names| names.kind == gvk.kind)
            {
                return What::Claim(index);
            }
            if definition.names.kind == gvk.kind {
                return What::Composite(index);
            }
        }
        What::Other
    }

    /// Documents of a kind in a group.
    pub(crate) fn of_kind<'a>(
        &'a self,
        group: &'a str,
        kind: &'a str,
    ) -> impl Iterator<Item = &'a Rc<Subject>> {
        self.subjects.iter().filter(move |subject| {
            let gvk = subject.gvk();
            gvk.group == group && gvk.kind == kind
        })
    }

    /// The XRD that a Composition is for.
    pub(crate) fn definition_of(&self, composed: &Composed) -> Option<&Defined> {
        let wanted = &composed.composition.composite_type;
        self.definitions.iter().find(|defined| {
            defined.definition.group == wanted.group && defined.definition.names.kind == wanted.kind
        })
    }

    /// The Compositions for an XRD.
    pub(crate) fn compositions_of<'a>(
        &'a self,
        definition: &'a Definition,
    ) -> impl Iterator<Item = &'a Composed> {
        self.compositions.iter().filter(move |composed| {
            let wanted = &composed.composition.composite_type;
            wanted.group == definition.group && wanted.kind == definition.names.kind
        })
    }

    /// Whether anything of that group is written here at all.
    pub(crate) fn groups(&self) -> BTreeSet<String> {
        self.definitions
            .iter()
            .map(|defined| defined.definition.group.clone())
            .collect()
    }
}

impl Defined {
    /// The position of a version, or of the referenceable one.
    pub(crate) fn version_index(&self, version: &str) -> usize {
        let versions = self
            .subject
            .value
            .pointer("/spec/versions")
            .and_then(Value::as_array);
        let position = |wanted: &str| versions?.iter().position(|it| it["name"] == wanted);
        position(version)
            .or_else(|| position(&self.definition.referenceable))
            .unwrap_or(0)
    }

    /// Pointer of a version's schema in the XRD.
    pub(crate) fn schema_pointer(&self, version: &str) -> String {
        format!(
            "/spec/versions/{}/schema/openAPIV3Schema",
            self.version_index(version)
        )
    }

    /// Pointer of a field of `spec` in the XRD.
    pub(crate) fn field_pointer(&self, path: &[String]) -> String {
        let root = self.schema_pointer(&self.definition.referenceable);
        path.iter().fold(root, |place, step| {
            crate::pointer::child(&format!("{place}/properties"), step)
        })
    }

    /// The schema of the composite resource.
    pub(crate) fn composite_schema(&self) -> Schema {
        self.schema(&self.definition.composite_crd(), &self.definition.referenceable)
    }

    /// The schema of a version of the claim, if there is one.
    pub(crate) fn claim_schema(&self, version: &str) -> Option<Schema> {
        self.definition.claim_crd().map(|crd| self.schema(&crd, version))
    }

    fn schema(&self, crd: &Value, version: &str) -> Schema {
        let versions = crd.pointer("/spec/versions").and_then(Value::as_array);
        let wanted = versions.and_then(|versions| {
            let named = versions.iter().find(|it| it["name"] == version);
            named.or_else(|| versions.get(self.version_index(version)))
        });
        wanted.map_or_else(Schema::any, |it| {
            Schema::parse(&it["schema"]["openAPIV3Schema"]).0
        })
    }
}
