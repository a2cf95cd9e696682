//! `app-config.yaml` of this machine: reading it, and what of it the program acts on.

mod further;
mod integrations;
mod locations;

use std::path::{Path, PathBuf};

use pave_catalog::{Address, Rules};
use pave_config::{Config, Loaded, Origin, Request, Source, Surroundings};
use pave_diagnostic::{Diagnostic, Diagnostics, Label};
use pave_hosts::Integrations;
use serde_json::{Value, json};

pub(crate) use further::FurtherAddress;
use locations::Locations;

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
    /// Catalog locations: URLs, and files of this machine.
    locations: Locations,
    /// Where the forge is reached beside its own address.
    pub(crate) further: Vec<FurtherAddress>,
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
    /// `--forge-at`, as often as it was given.
    pub(crate) forge_at: Vec<String>,
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
        if !flags.forge_at.is_empty() {
            said.push((
                "--forge-at".to_owned(),
                "pave.forge.alsoAt".to_owned(),
                further::of_flags(&flags.forge_at),
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
        // Without a working directory nothing relative can be read anyway.
        let working = std::env::current_dir().unwrap_or_default();
        Self::understand(pave_config::load(&request, &Machine), &working)
    }

    fn understand(loaded: Loaded, working: &Path) -> Self {
        let Loaded {
            config,
            files,
            mut diagnostics,
        } = loaded;
        let integrations = integrations::without_lost_credentials(config.get("integrations"));
        if let Err(error) = Integrations::from_config(&integrations) {
            diagnostics.push(integrations::wrong_integration(&config, &error));
        }
        let (allowed, has_rules) = rules(&config, &mut diagnostics);
        let locations = Locations::read(&config, working, &mut diagnostics);
        let further = further::read(&config, &mut diagnostics);
        Self {
            config,
            files,
            diagnostics,
            integrations,
            allowed,
            has_rules,
            locations,
            further,
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

    /// What links to pages begin with: `app.baseUrl` where it is an address that others reach, `portal` otherwise. Every
    /// Backstage configuration names a port of `localhost`, which is Backstage's, not ours.
    pub(crate) fn links_base(&self, portal: &str) -> String {
        let said = self
            .text("app.baseUrl")
            .and_then(|text| url::Url::parse(&text).ok());
        let reached = said.filter(|url| {
            let is_loopback = match url.host() {
                Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
                Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
                Some(url::Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
                None => true,
            };
            matches!(url.scheme(), "http" | "https") && !is_loopback
        });
        reached.map_or_else(
            || portal.to_owned(),
            |url| url.as_str().trim_end_matches('/').to_owned(),
        )
    }

    /// The catalog's rules; the demo's own location may hold every kind that it needs, whatever they say.
    ///
    /// # Errors
    /// When a rule cannot be one; the findings have said so before.
    pub(crate) fn rules(&self, demo_location: Option<&str>) -> Result<Rules, String> {
        let mut catalog = self.config.get("catalog").unwrap_or_default();
        self.locations.write_out(&mut catalog);
        if let Some(target) = demo_location {
            let own = json!({ "type": "url", "target": target, "rules": [{ "allow": ALLOWED }] });
            let mut locations = catalog["locations"].as_array().cloned().unwrap_or_default();
            locations.push(own);
            catalog["locations"] = json!(locations);
        }
        Rules::from_config(&catalog)
    }

    /// Where the catalog begins, in the order in which it is written.
    pub(crate) fn locations(&self) -> &[Address] {
        &self.locations.addresses
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
        Configuration::understand(
            pave_config::load(&Request::default(), &machine),
            Path::new("/nowhere"),
        )
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
            configuration.locations(),
            [Address::url("https://dev.azure.com/o/p/_git/r?path=/a.yaml")]
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
    fn a_further_address_that_is_none_has_a_place() {
        let text = "pave:\n  forge:\n    alsoAt:\n      - url: https://dev.azure.com\n      - url: http://dev.azure.com\n";
        let configuration = read(text, &[]);
        let told: Vec<String> = configuration
            .diagnostics
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("app-config.yaml:5:14: pave.forge.alsoAt[1].url"),
            "{told:?}"
        );
        let names: Vec<&str> = configuration.further.iter().map(FurtherAddress::name).collect();
        assert_eq!(names, ["dev.azure.com"]);
    }

    #[test]
    fn links_begin_where_others_reach_the_portal() {
        let check = |text: &'static str, expected: &str| {
            assert_eq!(
                read(text, &[]).links_base("http://127.0.0.1:7007"),
                expected,
                "{text}"
            );
        };
        let own = "http://127.0.0.1:7007";
        check(
            "app:\n  baseUrl: https://pave.example.com/\n",
            "https://pave.example.com",
        );
        check("app:\n  baseUrl: http://10.1.2.3:8080\n", "http://10.1.2.3:8080");
        check("app:\n  baseUrl: http://localhost:3000\n", own);
        check("app:\n  baseUrl: http://[::1]:3000\n", own);
        check("app:\n  baseUrl: pave.example.com\n", own);
        check("app:\n  title: Pave\n", own);
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
