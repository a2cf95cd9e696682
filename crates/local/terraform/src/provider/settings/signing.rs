//! How to sign in, of the ways that the block and the variables leave open.

use std::path::PathBuf;

use pave_arm::{Assertion, Credential, IdentityEndpoint};

use super::Settings;
use crate::protocol::Diagnostic;
use crate::provider::cloud::Identity;
use crate::provider::say::{attribute, error_at};

/// Subscription, principal and its proof, with everything that is missing at once.
pub(super) fn identity(settings: &Settings<'_>) -> Result<(String, Identity, Credential), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut keep = |found: Result<String, Diagnostic>| {
        found.unwrap_or_else(|problem| {
            problems.push(problem);
            String::new()
        })
    };
    let subscription = keep(needed(
        Ok(settings.text("subscription_id", &["ARM_SUBSCRIPTION_ID"])),
        "subscription_id",
        "ARM_SUBSCRIPTION_ID",
    ));
    let is_kubernetes = settings.flag("use_aks_workload_identity", "ARM_USE_AKS_WORKLOAD_IDENTITY");
    let pod = |name: &'static str| if is_kubernetes { name } else { "" };
    let tenant = Ok(settings.text("tenant_id", &["ARM_TENANT_ID", pod("AZURE_TENANT_ID")]));
    let client = settings
        .text_or_file("client_id", "ARM_CLIENT_ID")
        .map(|found| found.or_else(|| settings.text("", &[pod("AZURE_CLIENT_ID")])));
    let way = way(settings, pod("AZURE_FEDERATED_TOKEN_FILE"));
    // A machine knows who it is; everybody else has to say so.
    let is_machine = matches!(way, Ok(Way::Machine(_)));
    let need = |found: Result<Option<String>, Diagnostic>, name: &str, variable: &str| match found {
        Ok(None) if is_machine => Ok(String::new()),
        found => needed(found, name, variable),
    };
    let tenant = keep(need(tenant, "tenant_id", "ARM_TENANT_ID"));
    let client = keep(need(client, "client_id", "ARM_CLIENT_ID"));
    match way {
        Ok(way) if problems.is_empty() => {
            let identity = Identity { tenant, client };
            let credential = way.credential(&identity);
            Ok((subscription, identity, credential))
        }
        Ok(_) => Err(problems),
        Err(problem) => {
            problems.push(problem);
            Err(problems)
        }
    }
}

/// A way to sign in, without who does.
enum Way {
    Secret(String),
    Federation(Assertion),
    Machine(IdentityEndpoint),
}

impl Way {
    fn credential(self, identity: &Identity) -> Credential {
        let (tenant, client_id) = (identity.tenant.clone(), identity.client.clone());
        match self {
            Self::Secret(client_secret) => Credential::ClientSecret {
                tenant,
                client_id,
                client_secret,
            },
            Self::Federation(assertion) => Credential::Federated {
                tenant,
                client_id,
                assertion,
            },
            Self::Machine(endpoint) => Credential::ManagedIdentity {
                client_id: Some(client_id).filter(|id| !id.is_empty()),
                endpoint,
            },
        }
    }
}

/// The first way that is open, in upstream's order: secret, federation, machine.
fn way(settings: &Settings<'_>, pod_token: &str) -> Result<Way, Diagnostic> {
    let secret = settings.text_or_file("client_secret", "ARM_CLIENT_SECRET");
    if let Ok(Some(secret)) = secret {
        return Ok(Way::Secret(secret));
    }
    if settings.flag("use_oidc", "ARM_USE_OIDC") || !pod_token.is_empty() {
        return federation(settings, pod_token).map(Way::Federation);
    }
    if settings.flag("use_msi", "ARM_USE_MSI") {
        return Ok(Way::Machine(machine(settings)));
    }
    needed(secret, "client_secret", "ARM_CLIENT_SECRET").map(Way::Secret)
}

fn federation(settings: &Settings<'_>, pod_token: &str) -> Result<Assertion, Diagnostic> {
    if let Some(token) = settings.text("oidc_token", &["ARM_OIDC_TOKEN"]) {
        return Ok(Assertion::Token(token));
    }
    let file = settings.text("oidc_token_file_path", &["ARM_OIDC_TOKEN_FILE_PATH", pod_token]);
    if let Some(path) = file {
        return Ok(Assertion::File(PathBuf::from(path)));
    }
    let url = settings.text(
        "oidc_request_url",
        &[
            "ARM_OIDC_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "SYSTEM_OIDCREQUESTURI",
        ],
    );
    let token = settings.text(
        "oidc_request_token",
        &[
            "ARM_OIDC_REQUEST_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "SYSTEM_ACCESSTOKEN",
        ],
    );
    let service_connection = settings.text(
        "ado_pipeline_service_connection_id",
        &[
            "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
            "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID",
        ],
    );
    match (url, token) {
        (Some(url), Some(token)) => Ok(Assertion::Requested {
            url,
            token,
            service_connection,
        }),
        (Some(_), None) => Err(missing("oidc_request_token", "ARM_OIDC_REQUEST_TOKEN")),
        (None, Some(_)) => Err(missing("oidc_request_url", "ARM_OIDC_REQUEST_URL")),
        (None, None) => {
            let detail = "With `use_oidc` (ARM_USE_OIDC) azurerm signs in with another issuer's token. Give one of: `oidc_token` \
                          (ARM_OIDC_TOKEN), `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or `oidc_request_url` and \
                          `oidc_request_token`. In a pipeline a service connection with workload identity federation sets it.";
            Err(error_at(
                "azurerm needs oidc_token",
                detail,
                attribute("oidc_token"),
            ))
        }
    }
}

fn machine(settings: &Settings<'_>) -> IdentityEndpoint {
    let mut endpoint = IdentityEndpoint::from_environment(settings.environment);
    if let Some(url) = settings.text("msi_endpoint", &["ARM_MSI_ENDPOINT"]) {
        endpoint.url = url;
    }
    if let Some(version) = settings.text("msi_api_version", &["ARM_MSI_API_VERSION"]) {
        endpoint.api_version = version;
    }
    endpoint
}

fn needed(
    found: Result<Option<String>, Diagnostic>,
    name: &str,
    variable: &str,
) -> Result<String, Diagnostic> {
    found?.ok_or_else(|| missing(name, variable))
}

fn missing(name: &str, variable: &str) -> Diagnostic {
    let detail = format!(
        "Write `{name}` in `provider \"azurerm\"`, or set {variable}. In a pipeline the service connection sets it: name one \
         in `environmentServiceNameAzureRM`."
    );
    error_at(format!("azurerm needs {name}"), detail, attribute(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use pave_azure::azurerm::Value;

    use super::*;

    const WHO: [(&str, &str); 3] = [
        ("ARM_SUBSCRIPTION_ID", "s"),
        ("ARM_TENANT_ID", "t"),
        ("ARM_CLIENT_ID", "c"),
    ];

    /// How one signs in with these variables, or which attributes are missing.
    fn signing_in(variables: &[(&str, &str)]) -> Result<(Identity, Credential), Vec<String>> {
        let environment = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings {
            configuration: &Value::Map(BTreeMap::new()),
            environment: &environment,
        };
        match identity(&settings) {
            Ok((_, identity, credential)) => Ok((identity, credential)),
            Err(problems) => Err(problems.into_iter().map(|it| it.summary).collect()),
        }
    }

    fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        WHO.iter().chain(more).copied().collect()
    }

    #[test]
    fn the_first_open_way_is_taken() {
        let federated = |assertion: Assertion| Credential::Federated {
            tenant: "t".to_owned(),
            client_id: "c".to_owned(),
            assertion,
        };
        let requested = |connection: Option<&str>| {
            federated(Assertion::Requested {
                url: "u".to_owned(),
                token: "job".to_owned(),
                service_connection: connection.map(str::to_owned),
            })
        };
        let oidc = ("ARM_USE_OIDC", "true");
        let check = |more: &[(&str, &str)], expected: Credential| {
            let (_, found) = signing_in(&with(more)).unwrap_or_else(|found| panic!("{more:?}: {found:?}"));
            assert!(found == expected, "{more:?}: {found:?}");
        };
        let secret = Credential::ClientSecret {
            tenant: "t".to_owned(),
            client_id: "c".to_owned(),
            client_secret: "p".to_owned(),
        };
        check(
            &[oidc, ("ARM_OIDC_TOKEN", "tok"), ("ARM_CLIENT_SECRET", "p")],
            secret,
        );
        let token = federated(Assertion::Token("tok".to_owned()));
        check(
            &[
                oidc,
                ("ARM_OIDC_TOKEN", "tok"),
                ("ARM_OIDC_TOKEN_FILE_PATH", "/f"),
            ],
            token,
        );
        let file = federated(Assertion::File(PathBuf::from("/f")));
        check(&[oidc, ("ARM_OIDC_TOKEN_FILE_PATH", "/f")], file.clone());
        let aks = ("ARM_USE_AKS_WORKLOAD_IDENTITY", "1");
        check(&[aks, ("AZURE_FEDERATED_TOKEN_FILE", "/f")], file);
        let github = [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "u"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job"),
        ];
        check(&[oidc, github[0], github[1]], requested(None));
        let devops = [("SYSTEM_OIDCREQUESTURI", "u"), ("SYSTEM_ACCESSTOKEN", "job")];
        let connection = ("ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", "x");
        check(&[oidc, devops[0], devops[1], connection], requested(Some("x")));
        let machine = Credential::ManagedIdentity {
            client_id: Some("c".to_owned()),
            endpoint: IdentityEndpoint {
                url: "http://m".to_owned(),
                ..IdentityEndpoint::machine()
            },
        };
        check(
            &[("ARM_USE_MSI", "true"), ("ARM_MSI_ENDPOINT", "http://m")],
            machine,
        );
    }

    #[test]
    fn a_machine_knows_who_it_is() {
        let found = signing_in(&[("ARM_SUBSCRIPTION_ID", "s"), ("ARM_USE_MSI", "true")]);
        let (identity, credential) = found.unwrap_or_else(|found| panic!("{found:?}"));
        assert_eq!((identity.tenant, identity.client), (String::new(), String::new()));
        assert!(matches!(
            credential,
            Credential::ManagedIdentity { client_id: None, .. }
        ));
    }

    #[test]
    fn what_is_missing_is_named() {
        let check = |variables: &[(&str, &str)], expected: &[&str]| {
            let expected: Vec<String> = expected
                .iter()
                .map(|name| format!("azurerm needs {name}"))
                .collect();
            assert_eq!(signing_in(variables).err(), Some(expected));
        };
        check(
            &[],
            &["subscription_id", "tenant_id", "client_id", "client_secret"],
        );
        let oidc = ("ARM_USE_OIDC", "true");
        check(&with(&[oidc]), &["oidc_token"]);
        check(
            &with(&[oidc, ("ARM_OIDC_REQUEST_URL", "u")]),
            &["oidc_request_token"],
        );
        check(
            &with(&[oidc, ("ARM_OIDC_REQUEST_TOKEN", "t")]),
            &["oidc_request_url"],
        );
    }
}
