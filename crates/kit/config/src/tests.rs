use std::collections::BTreeMap;

use pave_diagnostic::Severity;
use serde_json::{Value, json};

use crate::{Loaded, MASK, Request, Surroundings, load};

/// Files and variables in memory.
#[derive(Default)]
struct Table {
    files: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
}

impl Table {
    fn of(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Self {
        let owned = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        Self {
            files: owned(files),
            variables: owned(variables),
        }
    }
}

impl Surroundings for Table {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        Ok(self.files.get(path).cloned())
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn variables(&self) -> Vec<(String, String)> {
        self.variables.clone().into_iter().collect()
    }
}

fn loaded(text: &str, variables: &[(&str, &str)]) -> Loaded {
    load(
        &Request::default(),
        &Table::of(&[("app-config.yaml", text)], variables),
    )
}

/// Every case gives what the original gave, and is refused where the original refused it.
#[test]
fn the_same_as_the_original() {
    let recorded: Value = serde_json::from_str(include_str!("tests/recorded.json")).unwrap();
    let mut wrong = Vec::new();
    for case in recorded["cases"].as_array().unwrap() {
        let texts = |key: &str| serde_json::from_value(case[key].clone()).unwrap_or_default();
        let table = Table {
            files: texts("files"),
            variables: texts("variables"),
        };
        let request = Request {
            files: serde_json::from_value(case["named"].clone()).unwrap_or_default(),
            ..Request::default()
        };
        let loaded = load(&request, &table);
        let refused = pave_diagnostic::has_errors(&loaded.diagnostics);
        if refused != case["refused"].is_string() || (!refused && loaded.config.value() != case["value"]) {
            wrong.push(format!("{}: {}", case["name"], loaded.config.value()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_value_knows_where_it_comes_from() {
    let table = Table::of(
        &[
            (
                "etc/app.yaml",
                "app:\n  title: Orders\nbackend:\n  baseUrl: http://${HOST:-localhost}:7007\nintegrations:\n  $include: hosts.yaml#all\n",
            ),
            (
                "etc/hosts.yaml",
                "all:\n  azure:\n    - host: ${FORGE}\n      credentials:\n        - personalAccessToken:\n            $file: ../pat.txt\n",
            ),
            ("pat.txt", "t0ken-of-a-machine\n"),
        ],
        &[
            ("FORGE", "forge.example.com"),
            ("APP_CONFIG_organization_name", "Example"),
        ],
    );
    let request = Request {
        files: vec!["etc/app.yaml".into()],
        defaults: vec![
            ("app.title".into(), json!("Pave")),
            ("pave.demo".into(), json!(false)),
        ],
        flags: vec![("--portal-port".into(), "pave.portal.port".into(), json!(0))],
    };
    let loaded = load(&request, &table);
    assert_eq!(loaded.diagnostics, []);
    let lines: Vec<String> = loaded
        .config
        .entries()
        .iter()
        .map(|entry| format!("{} = {} ({})", entry.path, entry.value, entry.origin))
        .collect();
    assert_eq!(
        lines,
        [
            "pave.portal.port = 0 (flag --portal-port)",
            "pave.demo = false (default)",
            "organization.name = \"Example\" (environment variable APP_CONFIG_organization_name)",
            "app.title = \"Orders\" (etc/app.yaml:2:10)",
            "backend.baseUrl = \"http://localhost:7007\" (etc/app.yaml:4:12, default of ${HOST})",
            "integrations.azure[0].host = \"forge.example.com\" (etc/hosts.yaml:3:13, included at etc/app.yaml:6:13, environment variable FORGE)",
            "integrations.azure[0].credentials[0].personalAccessToken = \"******\" (etc/hosts.yaml:6:20, included at etc/app.yaml:6:13, content of pat.txt)",
        ]
    );
    let token = "integrations.azure[0].credentials[0].personalAccessToken";
    assert_eq!(loaded.config.text(token).as_deref(), Some("t0ken-of-a-machine"));
    assert!(loaded.config.origin(token).is_some());
}

#[test]
fn findings_name_file_line_key_and_cure() {
    let check = |text: &str, expected: &[&str]| {
        let found: Vec<String> = loaded(text, &[])
            .diagnostics
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expected, "{text}");
    };
    check("app:\n  title: Orders\n", &[]);
    check(
        "integratons: {}\n",
        &[
            "app-config.yaml:1:1: integratons: unknown key `integratons` (help: did you mean `integrations`?) [PV2401]",
        ],
    );
    check(
        "integrations:\n  azure:\n    - host: h\n      credentials:\n        - personalAcessToken: ${X:-y}\n",
        &[
            "app-config.yaml:5:11: integrations.azure[0].credentials[0].personalAcessToken: unknown key `integrations.azure[0].credentials[0].personalAcessToken` (help: did you mean `personalAccessToken`?) [PV2401]",
        ],
    );
    check(
        "integrations:\n  azure:\n    - credentials:\n        - personalAccessToken: ${PERSONAL_ACCESS_TOKEN}\n",
        &[
            "app-config.yaml:4:32: integrations.azure[0].credentials[0].personalAccessToken: environment variable `PERSONAL_ACCESS_TOKEN` is not set, so `integrations.azure[0].credentials[0].personalAccessToken` is absent (help: `export PERSONAL_ACCESS_TOKEN=…` before the start, or write a default: `${PERSONAL_ACCESS_TOKEN:-…}`) [PV2402]",
        ],
    );
    check(
        "backend:\n  auth:\n    keys:\n      - secret:\n          $file: gone.txt\n",
        &[
            "app-config.yaml:5:18: backend.auth.keys[0].secret: there is no file `gone.txt` (help: paths count from the file in which they stand) [PV2403]",
            "app-config.yaml:2:3: backend.auth: `backend.auth` is read, but nothing here acts on it yet [PV2408]",
        ],
    );
    check(
        "integrations:\n  azure:\n    host: dev.azure.com\n",
        &[
            "app-config.yaml:3:5: integrations.azure: `integrations.azure` is a map of keys, expected a list (help: begin each item with `- `) [PV2406]",
        ],
    );
    check(
        "organization:\n  name: 5\n",
        &[
            "app-config.yaml:2:9: organization.name: `organization.name` is a number, expected text (help: put it in quotes) [PV2406]",
        ],
    );
    check(
        "integrations:\n  github:\n    - token: ghp_written_out\n",
        &[
            "app-config.yaml:3:14: integrations.github[0].token: a secret stands in the file: `integrations.github[0].token` (help: take it from the environment, `${NAME}`, or from a file that only Pave may read, `$file: path`) [PV2407]",
        ],
    );
    check(
        "techdocs:\n  builder: local\n",
        &["app-config.yaml:1:1: techdocs: `techdocs` is read, but nothing here acts on it yet [PV2408]"],
    );
}

#[test]
fn the_environment_is_checked_as_files_are() {
    let found = loaded(
        "app: {}\n",
        &[("APP_CONFIG_app_titel", "x"), ("APP_CONFIG_app", "1")],
    )
    .diagnostics;
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "environment variable `APP_CONFIG_app_titel` goes below `APP_CONFIG_app`, which is no map (help: write the key with `_` between its parts, e.g. `APP_CONFIG_app_baseUrl=http://localhost:7007`) [PV2405]",
            "`app` is a number, expected a map of keys (environment variable APP_CONFIG_app) (help: write `key: value` lines below it) [PV2406]",
        ]
    );
}

#[test]
fn secrets_are_never_shown() {
    let text = "\
app:
  title: shows-itself-once-more
integrations:
  azure:
    - host: h
      credentials:
        - personalAccessToken: shows-itself-once-more
          organizations: ['${ORGANIZATION}']
          clientId: ${CLIENT}
backend:
  auth:
    externalAccess:
      - type: static
        options: { token: '${T}', subject: ci }
  database:
    connection: { host: '${DBHOST}', port: 5432, password: 12345678 }
  baseUrl: ${URL}
proxy:
  endpoints:
    '/grafana.api':
      target: https://user:hidden@grafana.example.com
      headers: { Authorization: 'Bearer ${T}', X-Other: abc }
auth:
  providers:
    microsoft:
      development: { clientId: id, clientSecret: '${T}', tenantId: t, odd: '${T}' }
elsewhere:
  apiToken: abc
  empty_secret: ''
";
    let variables = [
        ("T", "value-of-t"),
        ("CLIENT", "client-id"),
        ("ORGANIZATION", "pave"),
        ("DBHOST", "db"),
        ("URL", "http://127.0.0.1:7007"),
    ];
    let loaded = loaded(text, &variables);
    let masked: Vec<String> = loaded
        .config
        .entries()
        .into_iter()
        .filter(|entry| entry.secret)
        .map(|entry| entry.path)
        .collect();
    assert_eq!(
        masked,
        [
            "app.title",
            "integrations.azure[0].credentials[0].personalAccessToken",
            "backend.auth.externalAccess[0].options.token",
            "backend.database.connection.host",
            "backend.database.connection.password",
            "proxy.endpoints[\"/grafana.api\"].target",
            "proxy.endpoints[\"/grafana.api\"].headers.Authorization",
            "proxy.endpoints[\"/grafana.api\"].headers.X-Other",
            "auth.providers.microsoft.development.clientSecret",
            "auth.providers.microsoft.development.odd",
            "elsewhere.apiToken",
            "elsewhere.empty_secret",
        ]
    );
    let shown = format!(
        "{:?} {} {:?}",
        loaded.config.entries(),
        json!(loaded.config.entries()),
        loaded
    );
    for secret in ["shows-itself", "value-of-t", "hidden", "12345678"] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
    assert!(shown.contains(MASK) && shown.contains("client-id") && shown.contains("127.0.0.1:7007"));
    assert!(
        loaded
            .diagnostics
            .iter()
            .all(|finding| finding.severity != Severity::Error)
    );
}

#[test]
fn files_that_include_each_other_end() {
    let table = Table::of(&[("app-config.yaml", "a:\n  $include: app-config.yaml\n")], &[]);
    let loaded = load(&Request::default(), &table);
    let last = loaded
        .diagnostics
        .iter()
        .find(|finding| finding.code == "PV2404")
        .unwrap();
    assert!(last.message.contains("include itself"), "{last}");
}
