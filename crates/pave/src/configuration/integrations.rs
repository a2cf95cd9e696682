//! The hosts of `integrations`: what is shown to each, and where it was written.

use pave_config::Config;
use pave_diagnostic::Diagnostic;
use pave_hosts::HostsError;
use serde_json::{Value, json};

use super::{Configuration, at};

impl Configuration {
    /// The integrations with the embedded forge among them. An entry that somebody wrote for the forge's own host
    /// stands instead of ours.
    pub(crate) fn integrations_with(&self, forge_host: &str, token: &str) -> Value {
        let mut value = self.integrations.clone();
        if !value.is_object() {
            value = json!({});
        }
        let own = json!({ "host": forge_host, "credentials": [{ "personalAccessToken": token }] });
        let mut azure = value["azure"].as_array().cloned().unwrap_or_default();
        let names_the_forge = |entry: &Value| {
            let host = entry["host"]
                .as_str()
                .is_some_and(|host| host.eq_ignore_ascii_case(forge_host));
            host && entry["credentials"]
                .as_array()
                .is_some_and(|list| !list.is_empty())
        };
        if !azure.iter().any(names_the_forge) {
            azure.retain(|entry| entry["host"].as_str() != Some(forge_host));
            azure.insert(0, own);
        }
        value["azure"] = json!(azure);
        value
    }

    /// Each host with the kind and the origin of its credentials, never a value.
    pub(super) fn integration_rows(&self, forge_host: &str) -> Vec<pave_portal::Integration> {
        let value = self.config.get("integrations").unwrap_or_default();
        let mut rows = Vec::new();
        for (kind, default) in [("azure", "dev.azure.com"), ("github", "github.com")] {
            let entries = value[kind].as_array().cloned().unwrap_or_default();
            for (index, entry) in entries.iter().enumerate() {
                let path = format!("integrations.{kind}[{index}]");
                rows.push(pave_portal::Integration {
                    host: entry["host"].as_str().unwrap_or(default).to_lowercase(),
                    kind: kind.to_owned(),
                    embedded: false,
                    origin: self.config.origin(&path).map(|origin| json!(origin)),
                    credentials: self.credentials(kind, entry, &path),
                });
            }
            if kind == "azure"
                && !rows
                    .iter()
                    .any(|row| row.host == forge_host && !row.credentials.is_empty())
            {
                rows.insert(0, embedded(forge_host));
            }
            if !rows.iter().any(|row| row.host == default) {
                rows.push(pave_portal::Integration {
                    host: default.to_owned(),
                    kind: kind.to_owned(),
                    embedded: false,
                    origin: None,
                    credentials: Vec::new(),
                });
            }
        }
        rows
    }

    fn credentials(&self, kind: &str, entry: &Value, path: &str) -> Vec<pave_portal::IntegrationCredential> {
        if kind == "github" {
            let token = format!("{path}.token");
            let apps = entry["apps"].as_array().is_some_and(|apps| !apps.is_empty());
            let found = [
                ("token", entry["token"].is_string(), token),
                ("app", apps, format!("{path}.apps")),
            ];
            return found
                .into_iter()
                .filter(|(_, is_there, _)| *is_there)
                .map(|(kind, _, path)| self.credential(kind, Vec::new(), &path))
                .collect();
        }
        let list = entry["credentials"].as_array().cloned().unwrap_or_default();
        let one = |(index, credential): (usize, &Value)| {
            let has = |key: &str| credential[key].is_string();
            let (kind, key) = match () {
                () if has("personalAccessToken") => ("personalAccessToken", ".personalAccessToken"),
                () if has("clientSecret") => ("servicePrincipal", ".clientSecret"),
                () if has("managedIdentityClientId") => ("federated", ".managedIdentityClientId"),
                () if has("clientId") => ("managedIdentity", ".clientId"),
                () => ("missing", ""),
            };
            let organizations = credential["organizations"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let organizations = organizations
                .iter()
                .filter_map(|name| name.as_str().map(ToOwned::to_owned))
                .collect();
            self.credential(kind, organizations, &format!("{path}.credentials[{index}]{key}"))
        };
        list.iter().enumerate().map(one).collect()
    }

    fn credential(
        &self,
        kind: &str,
        organizations: Vec<String>,
        path: &str,
    ) -> pave_portal::IntegrationCredential {
        // What is missing is told by the finding that says so.
        let missing = self.diagnostics.iter().find(|finding| {
            finding.code == "PV2402" && finding.labels.iter().any(|label| label.path.starts_with(path))
        });
        pave_portal::IntegrationCredential {
            kind: kind.to_owned(),
            organizations,
            origin: self.config.origin(path).map(|origin| json!(origin)),
            problem: missing
                .filter(|_| kind == "missing")
                .map(|finding| finding.message.clone()),
        }
    }
}

fn embedded(forge_host: &str) -> pave_portal::Integration {
    pave_portal::Integration {
        host: forge_host.to_owned(),
        kind: "azure".to_owned(),
        embedded: true,
        origin: None,
        credentials: vec![pave_portal::IntegrationCredential {
            kind: "personalAccessToken".to_owned(),
            organizations: Vec::new(),
            origin: None,
            problem: None,
        }],
    }
}

/// A credential whose only value came from a variable that is not set is none: its host is then read without one.
pub(super) fn without_lost_credentials(integrations: Option<Value>) -> Value {
    let mut value = integrations.unwrap_or_default();
    let hosts = value.get_mut("azure").and_then(Value::as_array_mut);
    for host in hosts.into_iter().flatten() {
        if let Some(list) = host.get_mut("credentials").and_then(Value::as_array_mut) {
            let says_something = |credential: &Value| {
                credential
                    .as_object()
                    .is_none_or(|fields| fields.keys().any(|key| key != "organizations"))
            };
            list.retain(says_something);
        }
    }
    value
}

pub(super) fn wrong_integration(config: &Config, error: &HostsError) -> Diagnostic {
    let (field, message) = match error {
        HostsError::Configuration { field, message } => (field.as_str(), message.clone()),
        other => ("integrations", other.to_string()),
    };
    at(
        config,
        Diagnostic::error("PV2406", format!("`{field}`: {message}")),
        field,
    )
}
