use serde_json::{Value, json};

use crate::{HostsError, Integrations, Version, glob};

fn integrations() -> Integrations {
    let config = json!({
        "azure": [
            { "host": "127.0.0.1:4443", "credentials": [{ "personalAccessToken": "local" }] },
            { "host": "dev.azure.com", "credentials": [
                { "personalAccessToken": "mine", "organizations": ["Mine"] }, { "personalAccessToken": "rest" },
            ] },
        ],
        "github": [{ "host": "ghe.example.com", "apiBaseUrl": "https://ghe.example.com/api/v3", "token": "g" }],
    });
    Integrations::from_config(&config).unwrap()
}

#[test]
fn azure_urls() {
    let check = |url: &str, expected: &str| {
        let found = match integrations().repository_of(url) {
            Ok(it) => {
                let version = it.version.map(|version| version.revision()).unwrap_or_default();
                let parts = [
                    it.host.as_str(),
                    &it.organization,
                    &it.project,
                    &it.repository,
                    &it.path,
                    &version,
                ];
                format!("{} {}", parts.join("|"), it.clone_url)
            }
            Err(error) => error.backstage_name().to_owned(),
        };
        assert_eq!(found, expected, "{url}");
    };
    check(
        "https://dev.azure.com/o/p/_git/r",
        "dev.azure.com|o|p|r|| https://dev.azure.com/o/p/_git/r",
    );
    check(
        "https://o@dev.azure.com/o/p/_git/r?path=/a/b.yaml&version=GBmain&_a=contents",
        "dev.azure.com|o|p|r|a/b.yaml|refs/heads/main https://dev.azure.com/o/p/_git/r",
    );
    check(
        "https://dev.azure.com/o/_git/r?version=GTv1",
        "dev.azure.com|o|r|r||refs/tags/v1 https://dev.azure.com/o/_git/r",
    );
    check(
        "https://127.0.0.1:4443/pave/my%20p/_git/a%2Bb?path=%2Fx%20y",
        "127.0.0.1:4443|pave|my p|a+b|x y| https://127.0.0.1:4443/pave/my%20p/_git/a%2Bb",
    );
    check(
        "https://127.0.0.1:4443/tfs/o/p/_git/r/extra",
        "127.0.0.1:4443|o|p|r|| https://127.0.0.1:4443/tfs/o/p/_git/r",
    );
    check(
        "https://acme.visualstudio.com/p/_git/r",
        "acme.visualstudio.com|acme|p|r|| https://acme.visualstudio.com/p/_git/r",
    );
    check("https://dev.azure.com/o/p/_git/r?version=GCabc", "InputError");
    check("https://dev.azure.com/o/p/r", "InputError");
    check("https://dev.azure.com/_git/r", "InputError");
    check("https://127.0.0.1:4444/o/p/_git/r", "InputError");
    check("no url", "InputError");
}

#[test]
fn github_urls() {
    let it = integrations()
        .repository_of("https://github.com/o/r/blob/main/a/b.yaml")
        .unwrap();
    assert_eq!(
        (it.organization.as_str(), it.repository.as_str(), it.path.as_str()),
        ("o", "r", "a/b.yaml")
    );
    assert_eq!(it.version, Some(Version::Any("main".to_owned())));
    assert_eq!(it.clone_url.as_str(), "https://github.com/o/r.git");
    assert!(
        integrations()
            .repository_of("https://github.com/o/r/pulls/1")
            .is_err()
    );
    assert!(
        integrations()
            .repository_of("https://github.com/o/r/blob/main/%2e%2e%2fx")
            .is_err()
    );
    let edit = integrations()
        .edit_url("https://github.com/o/r/blob/main/x")
        .unwrap();
    assert_eq!(edit, "https://github.com/o/r/edit/main/x");
}

#[test]
fn relative_urls() {
    let check = |base: &str, relative: &str, expected: &str| {
        let found = integrations()
            .resolve(base, relative)
            .map_err(|error| error.backstage_name());
        assert_eq!(
            found.as_deref().unwrap_or_else(|name| name),
            expected,
            "{base} + {relative}"
        );
    };
    let azure = "https://dev.azure.com/o/p/_git/r?path=/a/b.yaml&version=GBx";
    check(
        azure,
        "./c.yaml",
        "https://dev.azure.com/o/p/_git/r?path=%2Fa%2Fc.yaml&version=GBx",
    );
    check(
        azure,
        "d/e",
        "https://dev.azure.com/o/p/_git/r?path=%2Fa%2Fd%2Fe&version=GBx",
    );
    check(
        azure,
        "/root.yaml",
        "https://dev.azure.com/o/p/_git/r?path=%2Froot.yaml&version=GBx",
    );
    check(
        azure,
        "../../../x",
        "https://dev.azure.com/o/p/_git/r?path=%2Fx&version=GBx",
    );
    check(azure, "https://github.com/a/b", "https://github.com/a/b");
    check(
        "https://dev.azure.com/o/p/_git/r",
        "./a",
        "https://dev.azure.com/o/p/_git/r?path=%2Fa",
    );
    let github = "https://github.com/o/r/blob/main/a/b.yaml?x=1";
    check(github, "./c", "https://github.com/o/r/tree/main/a/c?x=1");
    check(github, "/c", "https://github.com/o/r/tree/main/c?x=1");
    check(github, "../../../../x", "InputError");
    check("https://example.com/a/b", "c", "https://example.com/a/c");
}

#[test]
fn credentials_by_organization() {
    let header = |url: &str| {
        let location = integrations().repository_of(url).unwrap();
        integrations()
            .credential(&location)
            .unwrap()
            .map(|it| it.header())
    };
    assert_eq!(
        header("https://dev.azure.com/mine/p/_git/r").unwrap(),
        "Basic Om1pbmU="
    );
    assert_eq!(
        header("https://dev.azure.com/o/p/_git/r").unwrap(),
        "Basic OnJlc3Q="
    );
    assert_eq!(header("https://github.com/o/r"), None);
    assert!(!format!("{:?}", integrations()).contains("mine\""));
}

#[test]
fn configuration_is_checked() {
    let check = |config: Value, expected: &str| {
        let error = Integrations::from_config(&config).unwrap_err();
        assert!(matches!(error, HostsError::Configuration { .. }));
        assert!(error.to_string().starts_with(expected), "{error}");
    };
    check(
        json!({ "azure": [{ "token": "x" }] }),
        "integrations.azure[0].token: `token` is no longer supported",
    );
    check(json!({ "azure": {} }), "integrations.azure: expected a list");
    let both = json!({ "personalAccessToken": "x", "clientId": "y" });
    check(
        json!({ "azure": [{ "credentials": [both] }] }),
        "integrations.azure[0].credentials[0]: give exactly one of",
    );
    let identity = json!({ "clientId": "y" });
    check(
        json!({ "azure": [{ "host": "a:1", "credentials": [identity] }] }),
        "integrations.azure[0].credentials[0]: only",
    );
    let pat = json!({ "personalAccessToken": "x" });
    check(
        json!({ "azure": [{ "credentials": [pat, pat] }] }),
        "integrations.azure[0].credentials: at most one",
    );
    let named = json!({ "personalAccessToken": "x", "organizations": ["o"] });
    check(
        json!({ "azure": [{ "credentials": [named, named] }] }),
        "integrations.azure[0].credentials: organization `o`",
    );
    check(
        json!({ "azure": [{ "host": "https://a" }] }),
        "integrations.azure[0]: `https://a` is not a host",
    );
    check(
        json!({ "github": [{ "host": "a" }] }),
        "integrations.github[0]: `a` needs apiBaseUrl",
    );
}

#[test]
fn patterns() {
    let cases = [
        ("a/*.yaml", "a/b.yaml", true),
        ("a/*.yaml", "a/b/c.yaml", false),
        ("**/catalog-info.yaml", "catalog-info.yaml", true),
        ("**/catalog-info.yaml", "a/b/catalog-info.yaml", true),
        ("a/?.yaml", "a/bb.yaml", false),
        ("a/**", "b/c", false),
    ];
    for (pattern, path, expected) in cases {
        assert_eq!(glob::matches(pattern, path), expected, "{pattern} {path}");
    }
    assert_eq!(glob::base("a/b/*/c"), "a/b");
}
