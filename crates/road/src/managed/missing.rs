//! Parameters that a managed resource cannot be made without.

use pave_azure::mapping::{Kind, Place};
use pave_diagnostic::Diagnostic;

use super::{Managed, Model};
use crate::against::quoted;
use crate::classic::{self, Role};

/// What a server that copies no other one must say.
const SERVER: [&str; 4] = [
    "skuName",
    "version",
    "administratorLogin",
    "administratorPasswordSecretRef",
];

/// A line for each parameter, to begin with.
type Examples = &'static [(&'static str, &'static str)];

const CLASSIC: Examples = &[
    ("sku", "sku: {tier: GeneralPurpose, family: Gen5, capacity: 2}"),
    ("sslEnforcement", "sslEnforcement: Enabled"),
    ("storageProfile", "storageProfile: {storageMB: 5120}"),
    (
        "resourceGroupName",
        "resourceGroupNameSelector: {matchControllerRef: true}",
    ),
];

const CURRENT: Examples = &[
    ("skuName", "skuName: B_Standard_B1ms"),
    ("version", "version: \"16\""),
    ("location", "location: West Europe"),
    (
        "resourceGroupName",
        "resourceGroupNameSelector: {matchControllerRef: true}",
    ),
    ("serverId", "serverIdSelector: {matchControllerRef: true}"),
];

impl Managed<'_> {
    fn parameter(&self, name: &str) -> bool {
        self.has(&format!("/spec/forProvider/{name}")) || self.has(&format!("/spec/initProvider/{name}"))
    }

    /// Whether a parameter is set, or taken from another resource.
    fn referable(&self, name: &str) -> bool {
        ["", "Ref", "Selector"]
            .iter()
            .any(|suffix| self.parameter(&format!("{name}{suffix}")))
    }

    /// All parameters that are missing, at once.
    pub(super) fn missing(&self) -> Option<Diagnostic> {
        let (absent, examples) = match self.model {
            Model::Classic(kind) if kind.role == Role::Server => (self.missing_classic(), CLASSIC),
            Model::Classic(_) => return None,
            Model::Current(kind) => (self.missing_current(kind), CURRENT),
        };
        if absent.is_empty() {
            return None;
        }
        let proposed = examples
            .iter()
            .filter(|(name, _)| absent.contains(name))
            .map(|(_, line)| *line);
        let proposed: Vec<&str> = proposed.collect();
        let help = if proposed.is_empty() {
            format!("set {}", quoted(&absent))
        } else {
            format!("the team chooses; to begin with: {}", quoted(&proposed))
        };
        let (kind, api) = (self.model.kind(), self.model.api());
        let message = format!(
            "{kind} ({api}) needs {} under `spec.forProvider`",
            quoted(&absent)
        );
        Some(
            Diagnostic::error("PV2105", message)
                .with_label(self.subject.label(&self.at("/spec/forProvider")))
                .with_help(help)
                .with_effect("the API refuses the resource, so nothing is made in Azure"),
        )
    }

    fn missing_classic(&self) -> Vec<&'static str> {
        let required = classic::REQUIRED.into_iter().filter(|name| !self.parameter(name));
        let group = (!self.referable("resourceGroupName")).then_some("resourceGroupName");
        required.chain(group).collect()
    }

    fn missing_current(&self, kind: &'static Kind) -> Vec<&'static str> {
        let required = kind
            .fields
            .iter()
            .filter(|field| field.required)
            .map(|field| field.path);
        let makes_server = kind.has_password && !self.parameter("createMode");
        let server = SERVER.into_iter().filter(|_| makes_server);
        let place = match kind.place {
            Place::ResourceGroup => None,
            Place::InGroup { .. } => Some("resourceGroupName"),
            Place::Below { parent, .. } => Some(parent),
        };
        let absent = required
            .chain(server)
            .filter(|path| !self.parameter(&path.replace('.', "/")));
        absent.chain(place.filter(|name| !self.referable(name))).collect()
    }
}
