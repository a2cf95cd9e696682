//! `app-config.yaml` of this machine: reading it, and what of it the program acts on.

use std::path::PathBuf;

use pave_catalog::Rules;
use pave_config::{Config, Loaded, Origin, Request, Source, Surroundings};
use pave_diagnostic::{Diagnostic, Diagnostics, Label};
use pave_hosts::{HostsError, Integrations};
use serde_json::{Value, json};

/// Kinds that catalog locations may hold when no rule says otherwise.
pub(crate) const ALLOWED: [&str; 9] = [
    "Component",
    "API",
    "Resource",
    "System",
    "Domain",
    "Group",
    "User",
    "Location",
    "Template",
];

/// The file system and the environment of this process.
struct Machine;

impl Surroundings for Machine {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn variables(&self) -> Vec<(String, String)> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text).collect()
    }
}

/// A configuration and what follows from it.
pub(crate) struct Configuration {
    pub(crate) config: Config,
    /// Files that were read.
    pub(crate) files: Vec<String>,
    pub(crate) diagnostics: Diagnostics,
    /// The hosts of `integrations`, without entries that lost their credential to a missing variable.
    pub(crate) integrations: Value,
    /// Kinds that catalog locations may hold.
    pub(crate) allowed: Vec<String>,
    /// Whether the configuration itself says which kinds are allowed.
    pub(crate) has_rules: bool,
    /// URLs of catalog locations.
    pub(crate) locations: Vec<String>,
}

/// What the command line says.
#[derive(Default)]
pub(crate) struct Flags {
    /// `--config`, as often as it was given.
    pub(crate) files: Vec<PathBuf>,
    /// `--demo`.
    pub(crate) demo: bool,
    /// `--portal-port`.
    pub(crate) portal_port: Option<u16>,
}

impl Configuration {
    /// Reads files, environment and flags; `portal` is the portal's address, where it is known.
    pub(crate) fn read(flags: &Flags, portal: &str) -> Self {
        let mut said = Vec::new();
        if flags.demo {
            said.push(("--demo".to_owned(), "pave.demo".to_owned(), json!(true)));
        }
        if let Some(port) = flags.portal_port {
            said.push((
                "--portal-port".to_owned(),
                "pave.portal.port".to_owned(),
                json!(port),
            ));
        }
        let default = |path: &str, value: Value| (path.to_owned(), value);
        let request = Request {
            files: flags
                .files
                .iter()
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            defaults: vec![
                default("organization.name", json!("")),
                default("app.title", json!("Pave")),
                default("app.baseUrl", json!(portal)),
                default("backend.baseUrl", json!(portal)),
                default("catalog.rules", json!([{ "allow": ALLOWED }])),
                default("pave.demo", json!(false)),
            ],
            flags: said,
        };
        Self::understand(pave_config::load(&request, &Machine))
    }

    fn understand(loaded: Loaded) -> Self {
        let Loaded {
            config,
            files,
            mut diagnostics,
        } = loaded;
        let integrations = without_lost_credentials(config.get("integrations"));
        if let Err(error) = Integrations::from_config(&integrations) {
            diagnostics.push(wrong_integration(&config, &error));
        }
        let (allowed, has_rules) = rules(&config, &mut diagnostics);
        let locations = locations(&config, &mut diagnostics);
        Self {
            config,
            files,
            diagnostics,
            integrations,
            allowed,
            has_rules,
            locations,
        }
    }

    /// Text of a key, where it says something.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        self.config.text(path)
    }

    /// Whether the demo is wanted.
    pub(crate) fn demo(&self) -> bool {
        match self.config.get("pave.demo") {
            Some(Value::Bool(wanted)) => wanted,
            Some(Value::String(text)) => matches!(text.trim(), "true" | "yes" | "on" | "1"),
            _ => false,
        }
    }

    /// The portal's port, where somebody names one.
    pub(crate) fn portal_port(&self) -> Option<u16> {
        let value = self.config.get("pave.portal.port")?;
        let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
        u16::try_from(number).ok()
    }

    /// The catalog's rules; the demo's own location may hold every kind that it needs, whatever they say.
    ///
    /// # Errors
    /// When a rule cannot be one; the findings have said so before.
    pub(crate) fn rules(&self, demo_location: Option<&str>) -> Result<Rules, String> {
        let mut catalog = self.config.get("catalog").unwrap_or_default();
        if let Some(target) = demo_location {
            let own = json!({ "type": "url", "target": target, "rules": [{ "allow": ALLOWED }] });
            let mut locations = catalog["locations"].as_array().cloned().unwrap_or_default();
            locations.push(own);
            catalog["locations"] = json!(locations);
        }
        Rules::from_config(&catalog)
    }

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

    /// What the portal shows of it.
    pub(crate) fn shown(&self, forge_host: &str) -> pave_portal::Configuration {
        pave_portal::Configuration {
            title: self.text("app.title").unwrap_or_default(),
            organization: self.text("organization.name").unwrap_or_default(),
            base_url: self.text("app.baseUrl").unwrap_or_default(),
            files: self.files.clone(),
            entries: json!(self.config.entries()),
            diagnostics: self.diagnostics.clone(),
            integrations: self.integration_rows(forge_host),
            allowed: self.allowed.clone(),
            rules_origin: self
                .config
                .origin("catalog.rules")
                .filter(|_| self.has_rules)
                .map(|origin| json!(origin)),
        }
    }

    /// Each host with the kind and the origin of its credentials, never a value.
    fn integration_rows(&self, forge_host: &str) -> Vec<pave_portal::Integration> {
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
fn without_lost_credentials(integrations: Option<Value>) -> Value {
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

fn wrong_integration(config: &Config, error: &HostsError) -> Diagnostic {
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

/// Kinds that are allowed everywhere, and whether there are rules at all. What no rule can be is noted.
fn rules(config: &Config, diagnostics: &mut Diagnostics) -> (Vec<String>, bool) {
    let has_rules = config
        .origin("catalog.rules")
        .is_some_and(|origin| origin.source != Source::Default);
    if let Err(message) = Rules::from_config(&config.get("catalog").unwrap_or_default()) {
        // The message begins with the field, in backticks.
        let field = message.split('`').nth(1).unwrap_or("catalog.rules").to_owned();
        diagnostics.push(at(config, Diagnostic::error("PV2406", message), &field));
    }
    let rules = config.get("catalog.rules").unwrap_or_default();
    let everywhere = rules
        .as_array()
        .into_iter()
        .flatten()
        .filter(|rule| rule["locations"].is_null());
    let kinds = everywhere.flat_map(|rule| rule["allow"].as_array().into_iter().flatten());
    let allowed = kinds.filter_map(|kind| kind.as_str().or_else(|| kind["kind"].as_str()));
    (allowed.map(ToOwned::to_owned).collect(), has_rules)
}

fn locations(config: &Config, diagnostics: &mut Diagnostics) -> Vec<String> {
    let mut targets = Vec::new();
    let locations = config.get("catalog.locations").unwrap_or_default();
    for (index, location) in locations.as_array().into_iter().flatten().enumerate() {
        let path = format!("catalog.locations[{index}]");
        match (location["type"].as_str(), location["target"].as_str()) {
            (Some("url"), Some(target)) => targets.push(target.to_owned()),
            (kind, _) => {
                let kind = kind.unwrap_or("without a type");
                let message = format!(
                    "`{path}` is left out: only locations of type `url` with a target are read, this one is `{kind}`"
                );
                let finding = Diagnostic::warning("PV2409", message)
                    .with_help("put the file into a repository and give its URL with `type: url`");
                diagnostics.push(at(config, finding, &path));
            }
        }
    }
    targets
}

/// Puts a finding where the key, or its nearest parent, was written.
fn at(config: &Config, finding: Diagnostic, path: &str) -> Diagnostic {
    match config.origin(path) {
        Some(Origin {
            source: Source::File(location),
            ..
        }) => finding.with_label(Label::at(location.clone()).with_path(path)),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Text(&'static str, BTreeMap<&'static str, &'static str>);

    impl Surroundings for Text {
        fn read(&self, path: &str) -> Result<Option<String>, String> {
            Ok((path == "app-config.yaml").then(|| self.0.to_owned()))
        }

        fn variable(&self, name: &str) -> Option<String> {
            self.1.get(name).map(|value| (*value).to_owned())
        }

        fn variables(&self) -> Vec<(String, String)> {
            Vec::new()
        }
    }

    const POST: &str = "\
integrations:
  azure:
    - host: dev.azure.com
      credentials:
        - personalAccessToken: ${PERSONAL_ACCESS_TOKEN}
";

    fn read(text: &'static str, variables: &[(&'static str, &'static str)]) -> Configuration {
        let machine = Text(text, variables.iter().copied().collect());
        Configuration::understand(pave_config::load(&Request::default(), &machine))
    }

    #[test]
    fn the_posts_block_is_read_as_it_is() {
        let configuration = read(POST, &[("PERSONAL_ACCESS_TOKEN", "pat-of-alice")]);
        assert_eq!(configuration.diagnostics, []);
        let merged = configuration.integrations_with("127.0.0.1:7444", "own");
        assert_eq!(merged["azure"][0]["host"], "127.0.0.1:7444");
        assert_eq!(
            merged["azure"][1]["credentials"][0]["personalAccessToken"],
            "pat-of-alice"
        );
        let rows = json!(configuration.shown("127.0.0.1:7444").integrations);
        assert_eq!(
            rows[1]["credentials"][0]["origin"]["variables"],
            json!(["PERSONAL_ACCESS_TOKEN"])
        );
        assert!(!rows.to_string().contains("pat-of-alice"));
    }

    #[test]
    fn a_missing_variable_leaves_the_host_without_a_credential() {
        let configuration = read(POST, &[]);
        let codes: Vec<&str> = configuration
            .diagnostics
            .iter()
            .map(|it| it.code.as_str())
            .collect();
        assert_eq!(codes, ["PV2402"]);
        assert_eq!(configuration.integrations["azure"][0]["credentials"], json!([]));
        let rows = json!(configuration.shown("127.0.0.1:7444").integrations);
        assert_eq!(rows[1]["credentials"][0]["kind"], "missing");
        assert!(
            rows[1]["credentials"][0]["problem"]
                .as_str()
                .unwrap()
                .contains("PERSONAL_ACCESS_TOKEN")
        );
    }

    #[test]
    fn what_is_wrong_with_an_integration_has_a_place() {
        let configuration = read(
            "integrations:\n  azure:\n    - host: dev.azure.com\n      token: ${T}\n",
            &[("T", "x")],
        );
        let told: Vec<String> = configuration
            .diagnostics
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            told[0].starts_with("app-config.yaml:4:14: integrations.azure[0].token"),
            "{told:?}"
        );
    }

    #[test]
    fn rules_and_locations_are_taken_over() {
        let text = "\
catalog:
  rules:
    - allow: [Component, { kind: Template }]
  locations:
    - { type: url, target: https://dev.azure.com/o/p/_git/r?path=/a.yaml }
    - { type: file, target: ./x.yaml }
";
        let configuration = read(text, &[]);
        assert_eq!(configuration.allowed, ["Component", "Template"]);
        assert!(configuration.has_rules);
        assert_eq!(
            configuration.locations,
            ["https://dev.azure.com/o/p/_git/r?path=/a.yaml"]
        );
        assert_eq!(configuration.diagnostics[0].code, "PV2409");
        let rules = configuration.rules(Some("https://forge/demo")).unwrap();
        let group = json!({ "kind": "Group" });
        assert!(rules.allow(&group, "url", "https://forge/demo"));
        assert!(!rules.allow(&group, "url", "https://forge/other"));
    }

    #[test]
    fn a_rule_that_is_none_has_a_place() {
        let configuration = read("catalog:\n  rules:\n    - allow: Component\n", &[]);
        let told: Vec<String> = configuration
            .diagnostics
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            told.iter().all(|line| line.starts_with("app-config.yaml:3:")),
            "{told:?}"
        );
        assert!(pave_diagnostic::has_errors(&configuration.diagnostics));
    }

    #[test]
    fn an_entry_for_the_forge_stands_instead_of_ours() {
        let text = "integrations:\n  azure:\n    - host: 127.0.0.1:7444\n      credentials: [{ personalAccessToken: '${T}' }]\n";
        let merged = read(text, &[("T", "mine")]).integrations_with("127.0.0.1:7444", "own");
        assert_eq!(merged["azure"].as_array().unwrap().len(), 1);
        assert_eq!(
            merged["azure"][0]["credentials"][0]["personalAccessToken"],
            "mine"
        );
        let merged = read(text, &[]).integrations_with("127.0.0.1:7444", "own");
        assert_eq!(merged["azure"][0]["credentials"][0]["personalAccessToken"], "own");
    }
}
