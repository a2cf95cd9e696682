//! What a Composition needs around it before anybody can connect to a database.

use pave_azure::mapping::PROVIDER_CONFIG;
use pave_composite::composition::Template;
use pave_diagnostic::{Diagnostic, Diagnostics};
use serde_json::Value;

use super::Check;
use crate::classic::Role;
use crate::edit::{Edits, offer};
use crate::managed::Model;

impl Check<'_> {
    pub(super) fn preflight(&self) -> Diagnostics {
        let mut found = self.configurations();
        let server = self.templates().find_map(|template| {
            let model = Model::of_template(template)?;
            (model.role() == Role::Server).then_some((template, model))
        });
        let Some((template, model)) = server else {
            return found;
        };
        let composes = |role: Role| {
            self.templates()
                .filter_map(Model::of_template)
                .any(|it| it.role() == role)
        };
        if !composes(Role::Database) {
            found.push(self.no_database(template, model));
        }
        if !composes(Role::Access) && !is_private(template) {
            found.push(self.nobody_connects(template, model));
        }
        if !self.publishes() {
            found.push(self.no_details(template, model));
        }
        found
    }

    /// `ProviderConfig`s that are named but nowhere written.
    fn configurations(&self) -> Diagnostics {
        let mut told: Vec<(String, String)> = Vec::new();
        let mut found = Vec::new();
        for template in self.templates() {
            let (Some(model), Some(base)) = (Model::of_template(template), &template.base) else {
                continue;
            };
            let name = base
                .pointer("/spec/providerConfigRef/name")
                .and_then(Value::as_str)
                .unwrap_or("default")
                .to_owned();
            let group = model.config_group().to_owned();
            let written = self
                .world
                .of_kind(&group, PROVIDER_CONFIG)
                .any(|it| it.str("/metadata/name") == name);
            if written || told.contains(&(group.clone(), name.clone())) {
                continue;
            }
            told.push((group.clone(), name.clone()));
            let place = format!("{}/base", template.pointer);
            let message = format!(
                "there is no ProviderConfig `{name}` of `{group}`, which {} needs",
                model.kind()
            );
            found.push(
                Diagnostic::warning("PV2121", message)
                    .with_label(self.composed.subject.label(&place))
                    .with_help(format!(
                        "add a ProviderConfig `{name}` ({group}/v1beta1) whose `credentials.secretRef` names the Secret with Azure's credentials"
                    ))
                    .with_effect("the resource stays unsynced: cannot get referenced ProviderConfig"),
            );
        }
        found
    }

    fn no_database(&self, template: &Template, model: Model) -> Diagnostic {
        let message = format!(
            "the Composition makes a server ({}) but no database on it",
            model.kind()
        );
        Diagnostic::warning("PV2112", message)
            .with_label(self.composed.subject.label(&format!("{}/base", template.pointer)))
            .with_help(
                "add a FlexibleServerDatabase (dbforpostgresql.azure.upbound.io/v1beta1) with `serverIdSelector: {matchControllerRef: true}`, \
                 named by a patch to `crossplane.io/external-name`",
            )
            .with_effect("whoever asks for a database gets a server with none but `postgres`")
    }

    fn nobody_connects(&self, template: &Template, model: Model) -> Diagnostic {
        let message = format!(
            "no firewall rule lets anybody connect to the server ({})",
            model.kind()
        );
        Diagnostic::warning("PV2122", message)
            .with_label(self.composed.subject.label(&format!("{}/base", template.pointer)))
            .with_help("add a FlexibleServerFirewallRule (0.0.0.0 to 0.0.0.0 lets Azure's own services in), or a delegated subnet")
            .with_effect("the server is ready, and every connection to it times out")
    }

    /// Whether any resource passes its connection details on.
    fn publishes(&self) -> bool {
        self.templates()
            .any(|template| !template.connection_details.is_empty())
    }

    fn no_details(&self, template: &Template, model: Model) -> Diagnostic {
        let subject = &self.composed.subject;
        let message = format!(
            "no `connectionDetails` pass on what the connection secret of {} holds",
            model.kind()
        );
        let mut diagnostic = Diagnostic::warning("PV2118", message)
            .with_label(subject.label(&template.pointer))
            .with_help("add `connectionDetails` for endpoint, port, username and password")
            .with_effect(
                "the developer's secret stays empty: there is a database, and nobody knows the password",
            );
        if let Some(defined) = self.defined
            && !defined.definition.connection_secret_keys.is_empty()
        {
            diagnostic = diagnostic.with_label(
                defined
                    .subject
                    .label("/spec/connectionSecretKeys")
                    .with_text("the XRD promises these keys"),
            );
        }
        let mut lines = vec!["connectionDetails:".to_owned()];
        for key in ["endpoint", "port", "username", "password"] {
            lines.push(format!("  - name: {key}"));
            lines.push("    type: FromConnectionSecretKey".to_owned());
            lines.push(format!("    fromConnectionSecretKey: {key}"));
        }
        let last = if subject.entry(&format!("{}/patches", template.pointer)).is_some() {
            "patches"
        } else {
            "base"
        };
        let fix = Edits::of(subject).insert_after(&format!("{}/{last}", template.pointer), &lines);
        offer(diagnostic, fix.fix("add `connectionDetails`"))
    }
}

/// Whether the server is reached through a network of its own.
fn is_private(template: &Template) -> bool {
    let parameter = |name: &str| {
        template
            .base
            .as_ref()
            .and_then(|base| base.pointer(&format!("/spec/forProvider/{name}")))
    };
    let patched = |name: &str| {
        template
            .patches
            .iter()
            .any(|patch| patch.target.to_string() == format!("spec.forProvider.{name}"))
    };
    let named = |name: &str| parameter(name).is_some() || patched(name);
    named("delegatedSubnetId")
        || named("delegatedSubnetIdSelector")
        || parameter("publicNetworkAccessEnabled") == Some(&Value::Bool(false))
        || parameter("publicNetworkAccess").is_some_and(|it| it == "Disabled")
}
