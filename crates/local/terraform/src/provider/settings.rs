//! The `provider "azurerm"` block and its ARM_* variables.

use std::time::Duration;

use pave_arm::{ArmClient, ArmError, Credential, Environment};
use pave_azure::azurerm::Value;
use tokio::sync::watch;

use super::Phase;
use super::cloud::{Cloud, Identity};
use super::say::{attribute, error, error_at, sentence, with_source};
use crate::protocol::Diagnostic;

/// What the configuration and the variables say together; the configuration wins, as upstream.
struct Settings<'a> {
    configuration: &'a Value,
    environment: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

impl Settings<'_> {
    fn text(&self, name: &str, variables: &[&str]) -> Option<String> {
        let said = self
            .configuration
            .text_at(name)
            .filter(|text| !text.is_empty())
            .map(str::to_owned);
        said.or_else(|| {
            variables
                .iter()
                .find_map(|variable| (self.environment)(variable).filter(|it| !it.is_empty()))
        })
    }

    fn flag(&self, name: &str, variable: &str) -> bool {
        let said = self.configuration.get(name).as_bool();
        said.unwrap_or_else(|| {
            (self.environment)(variable)
                .is_some_and(|it| ["1", "true", "TRUE", "True"].contains(&it.as_str()))
        })
    }

    /// A text, or the contents of the file that another attribute names.
    fn text_or_file(&self, name: &str, variable: &str) -> Result<Option<String>, Diagnostic> {
        if let Some(text) = self.text(name, &[variable]) {
            return Ok(Some(text));
        }
        let (file_name, file_variable) = (format!("{name}_file_path"), format!("{variable}_FILE_PATH"));
        let Some(path) = self.text(&file_name, &[&file_variable]) else {
            return Ok(None);
        };
        let read = std::fs::read_to_string(&path).map(|text| Some(text.trim().to_owned()));
        read.map_err(|failure| {
            let detail = format!("{path}: {failure}. Check `{file_name}` ({file_variable}).");
            error_at(
                format!("Cannot read the file of {name}"),
                detail,
                attribute(&file_name),
            )
        })
    }
}

/// Makes the connection; none while parts of the configuration are only known after apply.
pub(super) async fn configure(
    configuration: &Value,
    phase: watch::Receiver<Phase>,
) -> Result<Option<Cloud>, Vec<Diagnostic>> {
    if configuration.has_unknown() {
        return Ok(None);
    }
    let environment = |name: &str| std::env::var(name).ok();
    let settings = Settings {
        configuration,
        environment: &environment,
    };
    let (subscription, identity) = identity(&settings)?;
    let http = client().map_err(|failure| vec![error("Cannot set up TLS", with_source(&failure))])?;
    let environment = endpoints(&settings, &http)
        .await
        .map_err(|problem| vec![problem])?;
    let credential = Credential::ClientSecret {
        tenant: identity.tenant.clone(),
        client_id: identity.client.clone(),
        client_secret: identity.secret.clone(),
    };
    let correlation = settings.text("", &["ARM_CORRELATION_REQUEST_ID"]);
    let correlation = correlation.and_then(|text| uuid::Uuid::parse_str(&text).ok());
    let wants_none = settings.flag(
        "disable_correlation_request_id",
        "ARM_DISABLE_CORRELATION_REQUEST_ID",
    );
    let arm = ArmClient::new(http.clone(), environment.clone(), credential)
        .correlated(correlation.filter(|_| !wants_none));
    let keeps_groups = configuration.at("features.resource_group.prevent_deletion_if_contains_resources");
    Ok(Some(Cloud {
        arm,
        http,
        environment,
        subscription,
        identity,
        keeps_full_groups: keeps_groups.as_bool().unwrap_or(true),
        phase,
    }))
}

/// Subscription and principal, with everything that is missing at once.
fn identity(settings: &Settings<'_>) -> Result<(String, Identity), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut need = |found: Result<Option<String>, Diagnostic>, name: &str, variable: &str| match found {
        Ok(Some(text)) => text,
        Ok(None) => {
            let detail = format!(
                "Write `{name}` in `provider \"azurerm\"`, or set {variable}. In a pipeline the service connection sets it: \
                 name one in `environmentServiceNameAzureRM`."
            );
            problems.push(error_at(format!("azurerm needs {name}"), detail, attribute(name)));
            String::new()
        }
        Err(problem) => {
            problems.push(problem);
            String::new()
        }
    };
    let subscription = need(
        Ok(settings.text("subscription_id", &["ARM_SUBSCRIPTION_ID"])),
        "subscription_id",
        "ARM_SUBSCRIPTION_ID",
    );
    let tenant = need(
        Ok(settings.text("tenant_id", &["ARM_TENANT_ID"])),
        "tenant_id",
        "ARM_TENANT_ID",
    );
    let client = need(
        settings.text_or_file("client_id", "ARM_CLIENT_ID"),
        "client_id",
        "ARM_CLIENT_ID",
    );
    let secret = settings.text_or_file("client_secret", "ARM_CLIENT_SECRET");
    let other = [("use_oidc", "ARM_USE_OIDC"), ("use_msi", "ARM_USE_MSI")];
    let other = other
        .into_iter()
        .find(|(name, variable)| settings.flag(name, variable));
    let secret = match (secret, other) {
        (Ok(None), Some((name, _))) => {
            let detail = format!(
                "The small azurerm signs in with a client secret only. Use a service connection of the kind service \
                 principal, or {}: HashiCorp's provider knows the other ways.",
                pave_azure::azurerm::SWITCH
            );
            problems.push(error_at(
                format!("The small azurerm does not know {name}"),
                detail,
                attribute(name),
            ));
            String::new()
        }
        (secret, _) => need(secret, "client_secret", "ARM_CLIENT_SECRET"),
    };
    if problems.is_empty() {
        Ok((
            subscription,
            Identity {
                tenant,
                client,
                secret,
            },
        ))
    } else {
        Err(problems)
    }
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    // A second call finds the provider installed already, which is what is wanted.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .user_agent(concat!("pave-azurerm/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Where Azure answers: what the metadata host says, or public Azure.
async fn endpoints(settings: &Settings<'_>, http: &reqwest::Client) -> Result<Environment, Diagnostic> {
    let host = settings.text("metadata_host", &["ARM_METADATA_HOSTNAME", "ARM_METADATA_HOST"]);
    if let Some(host) = host {
        let host = host
            .trim_start_matches("https://")
            .trim_end_matches('/')
            .to_owned();
        let found = Environment::discover(http, &format!("https://{host}")).await;
        return found.map_err(|failure| unreachable(&host, &failure));
    }
    let name = settings
        .text("environment", &["ARM_ENVIRONMENT"])
        .unwrap_or_else(|| "public".to_owned());
    if !["public", "AzureCloud", "AzurePublicCloud"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(&name))
    {
        let detail = "The small azurerm knows `public`, and any cloud whose `metadata_host` (ARM_METADATA_HOSTNAME) is named.";
        return Err(error_at(
            format!("Unknown environment {name}"),
            detail,
            attribute("environment"),
        ));
    }
    Environment::public().map_err(|failure| error("Cannot use public Azure", sentence(&failure.to_string())))
}

fn unreachable(host: &str, failure: &ArmError) -> Diagnostic {
    let cure = "Check `metadata_host` (ARM_METADATA_HOSTNAME), that Pave is running, and that SSL_CERT_FILE names the file of \
                its certificate authority.";
    let detail = format!("{}\n\n{cure}", with_source(failure));
    error_at(
        format!("The cloud at {host} does not say where its endpoints are"),
        detail,
        attribute("metadata_host"),
    )
}
