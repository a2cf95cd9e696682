//! Compositions: from the XRD's fields to managed resources that can be made.

mod literal;
mod mode;
mod preflight;

use pave_composite::composition::Template;
use pave_composite::patch::Direction;
use pave_diagnostic::{Diagnostic, Diagnostics, nearest};
use serde_json::Value;

use crate::classic::Role;
use crate::edit::{Edits, offer};
use crate::managed::{Managed, Model, unknown_kind};
use crate::patches::{PatchCheck, sources};
use crate::pointer;
use crate::world::{Composed, Defined, World};

const API_VERSION: &str = "apiextensions.crossplane.io/v1";

/// A Composition with what belongs to it.
pub(crate) struct Check<'a> {
    pub(crate) world: &'a World,
    pub(crate) composed: &'a Composed,
    pub(crate) defined: Option<&'a Defined>,
}

/// Checks a Composition.
pub(crate) fn check(world: &World, composed: &Composed) -> Diagnostics {
    let check = Check {
        world,
        composed,
        defined: world.definition_of(composed),
    };
    let mut found: Diagnostics = check.api_version().into_iter().collect();
    found.extend(check.composite_type());
    found.extend(check.model());
    found.extend(mode::check(&composed.subject));
    for template in check.templates() {
        found.extend(check.template(template));
    }
    found.extend(structure(composed));
    found.extend(check.preflight());
    found
}

impl Check<'_> {
    /// Templates of all steps.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.composed
            .composition
            .steps
            .iter()
            .flat_map(|step| &step.templates)
    }

    fn api_version(&self) -> Option<Diagnostic> {
        let subject = &self.composed.subject;
        let written = subject.str("/apiVersion");
        if written == API_VERSION {
            return None;
        }
        let (group, version) = written.split_once('/').unwrap_or(("", written));
        let message = if group == "apiextensions.crossplane.io" {
            format!("`{group}` serves Composition as `v1`, not as `{version}`")
        } else {
            format!("there is no API group `{group}` with a Composition")
        };
        let diagnostic = Diagnostic::error("PV2102", message)
            .with_label(subject.value_label("/apiVersion"))
            .with_help(format!("write `apiVersion: {API_VERSION}`"))
            .with_effect("the API server refuses the Composition, so nothing is ever composed");
        Some(offer(
            diagnostic,
            Edits::of(subject)
                .replace("/apiVersion", API_VERSION)
                .fix(format!("write `{API_VERSION}`")),
        ))
    }

    /// Whether an XRD defines the kind that the Composition is for.
    fn composite_type(&self) -> Option<Diagnostic> {
        let wanted = &self.composed.composition.composite_type;
        let subject = &self.composed.subject;
        if wanted.kind.is_empty() {
            return None;
        }
        if let Some(defined) = self.defined {
            let definition = &defined.definition;
            if definition.referenceable == wanted.version {
                return None;
            }
            let right = definition.api_version();
            let message = format!(
                "the Composition is for `{}`, but the XRD's referenceable version is `{}`",
                wanted.api_version(),
                definition.referenceable
            );
            let diagnostic = Diagnostic::error("PV2127", message)
                .with_label(subject.value_label("/spec/compositeTypeRef/apiVersion"))
                .with_label(
                    defined
                        .subject
                        .label("/spec/versions")
                        .with_text("the versions of the XRD"),
                )
                .with_help(format!("write `{right}`"))
                .with_effect("no composite resource can select this Composition");
            let fix = Edits::of(subject).replace("/spec/compositeTypeRef/apiVersion", right.clone());
            return Some(offer(diagnostic, fix.fix(format!("write `{right}`"))));
        }
        if !self.world.groups().contains(&wanted.group) {
            return None;
        }
        let known: Vec<&str> = self
            .world
            .definitions
            .iter()
            .filter(|it| it.definition.group == wanted.group)
            .map(|it| it.definition.names.kind.as_str())
            .collect();
        let near = nearest(&wanted.kind, known.iter().copied());
        let diagnostic = Diagnostic::error(
            "PV2127",
            format!(
                "no XRD defines the kind `{}` that this Composition is for",
                wanted.kind
            ),
        )
        .with_label(subject.value_label("/spec/compositeTypeRef/kind"))
        .with_help(near.map_or_else(
            || format!("defined are {}", crate::against::quoted(&known)),
            |near| format!("did you mean `{near}`?"),
        ))
        .with_effect("no composite resource can select this Composition");
        let fix = near.and_then(|near| {
            Edits::of(subject)
                .replace("/spec/compositeTypeRef/kind", near)
                .fix(format!("write `{near}`"))
        });
        Some(offer(diagnostic, fix))
    }

    /// What the model found, with what only the whole road can add.
    fn model(&self) -> Diagnostics {
        let findings = self.composed.findings.iter().cloned();
        findings
            .map(|finding| {
                if finding.diagnostic.code == "PV1329" {
                    self.literal(&finding)
                } else {
                    finding.at(&self.composed.subject.document)
                }
            })
            .collect()
    }

    fn template(&self, template: &Template) -> Diagnostics {
        let subject = &self.composed.subject;
        let base = format!("{}/base", template.pointer);
        let model = Model::of_template(template);
        let mut found = Vec::new();
        let version = subject.str(&format!("{base}/apiVersion"));
        let version = version.rsplit('/').next().unwrap_or_default();
        let patches = PatchCheck {
            composed: self.composed,
            defined: self.defined,
            model,
            version,
        };
        if let Some(model) = model {
            let inward = template
                .patches
                .iter()
                .filter(|patch| patch.direction != Direction::ToComposite);
            let filled = inward.map(|patch| pointer::of_path(&patch.target)).collect();
            found.extend(
                Managed {
                    subject,
                    base,
                    filled,
                    model,
                }
                .check(),
            );
            found.extend(self.shared_name(template, model));
        } else {
            found.extend(unknown_kind(subject, &base));
        }
        found.extend(patches.all(template));
        found
    }

    /// A name that all teams share.
    fn shared_name(&self, template: &Template, model: Model) -> Option<Diagnostic> {
        let patch = template.patches.iter().find(|patch| {
            patch.direction == Direction::FromComposite
                && patch.target.to_string() == "metadata.name"
                && sources(patch).len() == 1
        })?;
        let (field, _) = sources(patch).into_iter().next()?;
        let from = field.join(".");
        let what = match model.role() {
            Role::Server => "and names the server, whose DNS name is unique in all of Azure",
            _ => "and names the thing in Azure",
        };
        let message = format!(
            "`{from}` becomes `metadata.name` of a cluster-wide {} {what}",
            model.kind()
        );
        let rules = match model.role() {
            Role::Server => " (3 to 63 lower-case letters, digits and dashes)",
            _ => "",
        };
        Some(
            Diagnostic::warning("PV2111", message)
                .with_label(self.composed.subject.value_label(&format!("{}/toFieldPath", patch.place.pointer)))
                .with_help(format!(
                    "patch `metadata.annotations[crossplane.io/external-name]` instead, with a prefix of the team: \
                     CombineFromComposite of `spec.claimRef.namespace` and `{from}` with fmt `%s-%s`{rules}"
                ))
                .with_effect("two teams that choose the same name fight over one object"),
        )
    }
}

const RESOURCE_FIELDS: [&str; 5] = ["name", "base", "patches", "connectionDetails", "readinessChecks"];
const PATCH_FIELDS: [&str; 8] = [
    "type",
    "fromFieldPath",
    "toFieldPath",
    "patchSetName",
    "combine",
    "transforms",
    "policy",
    "patches",
];
const SPEC_FIELDS: [&str; 8] = [
    "compositeTypeRef",
    "mode",
    "resources",
    "pipeline",
    "patchSets",
    "environment",
    "writeConnectionSecretsToNamespace",
    "publishConnectionDetailsWithStoreConfigRef",
];

/// Fields that a Composition does not have.
fn structure(composed: &Composed) -> Diagnostics {
    let mut found = unknown(composed, "/spec", &SPEC_FIELDS, "a Composition");
    let steps = composed.composition.steps.iter();
    for template in steps.flat_map(|step| &step.templates) {
        found.extend(unknown(
            composed,
            &template.pointer,
            &RESOURCE_FIELDS,
            "a resource of a Composition",
        ));
        let patches = composed
            .subject
            .value
            .pointer(&format!("{}/patches", template.pointer))
            .and_then(Value::as_array);
        for index in 0..patches.map_or(0, Vec::len) {
            found.extend(unknown(
                composed,
                &format!("{}/patches/{index}", template.pointer),
                &PATCH_FIELDS,
                "a patch",
            ));
        }
    }
    found
}

fn unknown(composed: &Composed, place: &str, known: &[&str], what: &str) -> Diagnostics {
    let subject = &composed.subject;
    let fields = subject
        .value
        .pointer(place)
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.keys());
    fields
        .filter(|key| !known.contains(&key.as_str()))
        .map(|key| {
            let at = pointer::child(place, key);
            let near = nearest(key, known.iter().copied());
            let diagnostic = Diagnostic::error(
                "PV2104",
                format!("field `{key}` reaches nothing: {what} has no such field"),
            )
            .with_label(subject.label(&at))
            .with_help(near.map_or_else(
                || format!("known are {}", crate::against::quoted(known)),
                |near| format!("did you mean `{near}`?"),
            ))
            .with_effect("a strict apply refuses it; otherwise it is dropped without a word");
            let fix = near.and_then(|near| {
                Edits::of(subject)
                    .rename(&at, near)
                    .fix(format!("rename it to `{near}`"))
            });
            offer(diagnostic, fix)
        })
        .collect()
}
