//! Managed resources: against the schema of their kind, and against what Azure accepts.

mod missing;

use std::collections::BTreeSet;

use pave_azure::mapping::{self, EXTERNAL_NAME, Kind, Place};
use pave_azure::names;
use pave_composite::composition::Template;
use pave_diagnostic::{Diagnostic, Diagnostics, nearest};
use pave_names::GroupVersionKind;
use pave_schema::Schema;
use serde_json::Value;

use crate::against::{self, Against, quoted};
use crate::classic::{self, ClassicKind, Role};
use crate::edit::{Edits, offer};
use crate::pointer;
use crate::subject::Subject;

const EFFECT: &str = "a strict apply refuses it; otherwise the value is dropped without a word";

/// A managed resource, in a Composition or on its own.
pub(crate) struct Managed<'a> {
    /// Document.
    pub(crate) subject: &'a Subject,
    /// Where the object stands in it.
    pub(crate) base: String,
    /// Fields that patches fill in.
    pub(crate) filled: Vec<Vec<String>>,
    /// What it is.
    pub(crate) model: Model,
}

/// Which provider's kind it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Model {
    /// Of the family that is served.
    Current(&'static Kind),
    /// Of the archived provider.
    Classic(&'static ClassicKind),
}

impl Model {
    /// The kind of an object, if it is one of Azure's.
    pub(crate) fn of(gvk: &GroupVersionKind) -> Option<Self> {
        let current = mapping::kind_of(&gvk.group, &gvk.kind).map(Self::Current);
        current.or_else(|| classic::find(gvk).map(Self::Classic))
    }

    /// The kind of a template of a Composition, if it is one of Azure's.
    pub(crate) fn of_template(template: &Template) -> Option<Self> {
        Self::of(&pave_manifest::api_version_and_kind(template.base.as_ref()?))
    }

    /// Its name.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Current(kind) => kind.kind,
            Self::Classic(kind) => kind.kind,
        }
    }

    /// The schema of a version; the newest one's for a version that is not served.
    pub(crate) fn schema(self, version: &str) -> Schema {
        match self {
            Self::Classic(kind) => classic::schema(kind),
            Self::Current(kind) => {
                let version = if kind.versions.contains(&version) {
                    version
                } else {
                    kind.version()
                };
                let gvk = GroupVersionKind {
                    version: version.to_owned(),
                    ..kind.gvk()
                };
                mapping::schema_of(&gvk).map_or_else(Schema::any, |openapi| Schema::parse(&openapi).0)
            }
        }
    }

    /// The API that serves it: group and newest version.
    fn api(self) -> String {
        match self {
            Self::Current(kind) => format!("{}/{}", kind.group, kind.version()),
            Self::Classic(kind) => format!("{}/{}", kind.group, kind.version),
        }
    }

    /// What it is to a road.
    pub(crate) fn role(self) -> Role {
        match self {
            Self::Classic(kind) => kind.role,
            Self::Current(kind) => match kind.place {
                Place::InGroup { .. } => Role::Server,
                Place::Below {
                    child: "databases", ..
                } => Role::Database,
                Place::Below {
                    child: "firewallRules",
                    ..
                } => Role::Access,
                _ => Role::Other,
            },
        }
    }

    /// Group of the `ProviderConfig` that it needs.
    pub(crate) fn config_group(self) -> &'static str {
        match self {
            Self::Classic(_) => classic::CONFIG_GROUP,
            Self::Current(_) => mapping::PROVIDER_CONFIG_GROUP,
        }
    }
}

/// An Azure group without such a kind: the nearest one is proposed.
pub(crate) fn unknown_kind(subject: &Subject, base: &str) -> Option<Diagnostic> {
    let text = |field: &str| subject.str(&format!("{base}/{field}"));
    let gvk = GroupVersionKind::from_api_version(text("apiVersion"), text("kind")).ok()?;
    let served: BTreeSet<&str> = mapping::kinds().iter().map(|kind| kind.group).collect();
    let config = gvk.kind.starts_with("ProviderConfig") || gvk.kind == "StoreConfig";
    if config || Model::of(&gvk).is_some() {
        return None;
    }
    let mut known: Vec<&str> = mapping::kinds()
        .iter()
        .filter(|kind| kind.group == gvk.group)
        .map(|kind| kind.kind)
        .collect();
    known.extend(classic::kinds_in(&gvk.group));
    let message = format!("`{}` has no kind `{}` that is known here", gvk.group, gvk.kind);
    if known.is_empty() {
        let group = nearest(&gvk.group, served.iter().copied())?;
        let message = format!("there is no API group `{}`", gvk.group);
        let fix =
            Edits::of(subject).replace(&format!("{base}/apiVersion"), format!("{group}/{}", gvk.version));
        let diagnostic = Diagnostic::error("PV2102", message)
            .with_label(subject.value_label(&format!("{base}/apiVersion")))
            .with_help(format!("did you mean `{group}`?"))
            .with_effect("no provider serves it, so the object cannot be made");
        return Some(offer(diagnostic, fix.fix(format!("write `{group}`"))));
    }
    let near = nearest(&gvk.kind, known.iter().copied());
    let help = near.map_or_else(
        || format!("known are {}", quoted(&known)),
        |near| format!("did you mean `{near}`?"),
    );
    let diagnostic = Diagnostic::warning("PV2102", message)
        .with_label(subject.value_label(&format!("{base}/kind")))
        .with_help(help)
        .with_effect("it cannot be checked, and no provider of this platform makes it");
    let fix = near.and_then(|near| {
        Edits::of(subject)
            .replace(&format!("{base}/kind"), near)
            .fix(format!("write `{near}`"))
    });
    Some(offer(diagnostic, fix))
}

impl Managed<'_> {
    fn at(&self, pointer: &str) -> String {
        format!("{}{pointer}", self.base)
    }

    fn value(&self) -> &Value {
        self.subject.value.pointer(&self.base).unwrap_or(&Value::Null)
    }

    fn is_filled(&self, pointer: &str) -> bool {
        let steps = pointer::segments(pointer);
        self.filled.iter().any(|filled| pointer::touches(filled, &steps))
    }

    fn has(&self, pointer: &str) -> bool {
        self.value().pointer(pointer).is_some_and(|it| !it.is_null()) || self.is_filled(pointer)
    }

    fn version(&self) -> &str {
        self.value()["apiVersion"]
            .as_str()
            .and_then(|text| text.split_once('/'))
            .map_or("", |(_, version)| version)
    }

    /// All that is wrong with it.
    pub(crate) fn check(&self) -> Diagnostics {
        let mut found: Diagnostics = self.served().into_iter().collect();
        found.extend(self.password());
        found.extend(self.secret());
        let mut filled = self.filled.clone();
        // What has a finding of its own is not told twice.
        filled.push(vec!["spec".into(), "writeConnectionSecretToRef".into()]);
        let name = format!("the schema of {} ({})", self.model.kind(), self.model.api());
        let schema = self.model.schema(self.version());
        let against = Against {
            schema: &schema,
            name,
            written: None,
            filled: &filled,
            effect: EFFECT,
        };
        let mut schema_findings = against::check(self.subject, &self.base, &against);
        schema_findings.retain(|finding| {
            let told = |path: &str| {
                finding
                    .labels
                    .first()
                    .is_some_and(|label| label.path.contains(path))
            };
            let missing = finding.code == "PV2105" && told("spec.forProvider.");
            let rule = finding.code == "PV2106" && finding.message.contains("is a required parameter");
            !(told("administratorLoginPassword") || missing || rule)
        });
        found.extend(schema_findings);
        found.extend(self.missing());
        if let Model::Current(kind) = self.model {
            found.extend(self.refused(kind));
        }
        found
    }

    fn served(&self) -> Vec<Diagnostic> {
        let version = self.version();
        let place = self.at("/apiVersion");
        let (group, served, retired) = match self.model {
            Model::Current(kind) => (kind.group, kind.versions, None),
            Model::Classic(kind) => (kind.group, std::slice::from_ref(&kind.version), Some(kind)),
        };
        let mut found = Vec::new();
        if !served.contains(&version) {
            let newest = served.last().copied().unwrap_or_default();
            let message = format!(
                "`{group}` serves {} as {}, not as `{version}`",
                self.model.kind(),
                quoted(served)
            );
            let diagnostic = Diagnostic::error("PV2103", message)
                .with_label(self.subject.value_label(&place))
                .with_help(format!("write `{group}/{newest}`"))
                .with_effect("the API server knows no such kind, so the resource is never made");
            let fix = Edits::of(self.subject).replace(&place, format!("{group}/{newest}"));
            found.push(offer(diagnostic, fix.fix(format!("write `{group}/{newest}`"))));
        }
        if let Some(kind) = retired {
            let (what, when) = match kind.role {
                Role::Server => (
                    ", and Azure retired single servers on 2025-03-28",
                    "Azure refuses to make such a server",
                ),
                _ => ("", "no maintained provider makes it"),
            };
            let message = format!(
                "{} belongs to the classic provider, which is archived{what}",
                kind.kind
            );
            found.push(
                Diagnostic::warning("PV2107", message)
                    .with_label(self.subject.value_label(&self.at("/kind")))
                    .with_help(format!("use {}", kind.instead))
                    .with_effect(when),
            );
        }
        found
    }

    /// A password that is written down.
    fn password(&self) -> Option<Diagnostic> {
        let parameters = self.value().pointer("/spec/forProvider")?.as_object()?;
        let key = parameters.keys().find(|key| {
            let lower = key.to_lowercase();
            lower.ends_with("password") && !lower.starts_with("autogenerate") && parameters[*key].is_string()
        })?;
        let place = self.at(&pointer::child("/spec/forProvider", key));
        let known = self
            .model
            .schema(self.version())
            .property(&["spec", "forProvider", key])
            .is_some();
        let message = if known {
            format!("`{key}` is a secret that would stand in Git")
        } else {
            format!(
                "{} ({}) has no field `{key}`, and a secret would stand in Git",
                self.model.kind(),
                self.model.api()
            )
        };
        let help = match self.model {
            Model::Classic(_) => {
                "remove it: the provider makes a password and puts it into the connection secret"
            }
            Model::Current(_) => {
                "remove it: set `autoGeneratePassword: true` and `administratorPasswordSecretRef`, and publish the connection secret"
            }
        };
        let diagnostic = Diagnostic::error("PV2108", message)
            .with_label(self.subject.label(&place))
            .with_help(help)
            .with_effect(
                "everybody who can read the repository reads it; the server gets another password anyway",
            );
        Some(offer(
            diagnostic,
            Edits::of(self.subject)
                .remove(&place)
                .fix(format!("remove `{key}`")),
        ))
    }

    fn secret(&self) -> Option<Diagnostic> {
        let reference = "/spec/writeConnectionSecretToRef";
        if !self.has(reference) || self.has(&format!("{reference}/namespace")) {
            return None;
        }
        let message = format!(
            "`spec.writeConnectionSecretToRef` has no `namespace`, which a cluster-scoped {} needs",
            self.model.kind()
        );
        let diagnostic = Diagnostic::error("PV2110", message)
            .with_label(self.subject.label(&self.at(reference)))
            .with_help(
                "add the platform's namespace (`namespace: crossplane-system`), or patch `spec.claimRef.namespace` to \
                 `spec.writeConnectionSecretToRef.namespace`",
            )
            .with_effect("the API refuses the resource, so no server and no secret come of it");
        let name = self.at(&format!("{reference}/name"));
        let fix = Edits::of(self.subject).insert_after(&name, &["namespace: crossplane-system".to_owned()]);
        Some(offer(diagnostic, fix.fix("add `namespace: crossplane-system`")))
    }

    /// What Azure would refuse of what is written out.
    fn refused(&self, kind: &Kind) -> Diagnostics {
        let parameters = mapping::create_parameters(&self.value()["spec"]);
        let external = self.value()["metadata"]["annotations"][EXTERNAL_NAME].as_str();
        let name = external.unwrap_or(sample_name(kind));
        let literal = |field: &str| {
            let place = pointer::from_path(field);
            self.value()
                .pointer(&place)
                .and_then(Value::as_str)
                .is_some_and(|text| !text.contains("${"))
        };
        let mut found: Diagnostics = kind
            .check(name, &parameters, true)
            .into_iter()
            .filter(|finding| literal(&finding.field))
            .map(|finding| self.refusal(&finding.field, &finding.message, &finding.help))
            .collect();
        let text = |name: &str| parameters[name].as_str();
        if let Some(Err(error)) = text("location").map(names::check_location) {
            found.push(self.refusal("spec.forProvider.location", &error.message, &error.help));
        }
        if let Some(Err(error)) = text("version")
            .filter(|_| kind.has_password)
            .map(names::check_postgresql_version)
        {
            found.push(self.refusal("spec.forProvider.version", &error.message, &error.help));
        }
        found
    }

    fn refusal(&self, field: &str, message: &str, help: &str) -> Diagnostic {
        Diagnostic::error("PV1401", message.to_owned())
            .with_label(self.subject.value_label(&self.at(&pointer::from_path(field))))
            .with_help(help.to_owned())
            .with_effect("Azure refuses the request; the resource stays unsynced")
    }
}

/// A name that Azure accepts for the kind.
fn sample_name(kind: &Kind) -> &'static str {
    match kind.place {
        Place::Below {
            child: "configurations",
            ..
        } => "work_mem",
        _ => "example",
    }
}
