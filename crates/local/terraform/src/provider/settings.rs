//! The `provider "azurerm"` block and its ARM_* variables.

mod signing;

use std::time::{Duration, Instant};

use pave_arm::{ArmClient, ArmError, Environment};
use pave_azure::azurerm::Value;
use tokio::sync::watch;

use super::Phase;
use super::cloud::Cloud;
use super::say::{attribute, error, error_at, sentence, with_source};
use crate::protocol::Diagnostic;

/// Longest time that the local cloud may take to come back, and the time between two looks.
const RESTART: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(250);

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
    let (subscription, identity, credential) = signing::identity(&settings)?;
    let http = client().map_err(|failure| vec![error("Cannot set up TLS", with_source(&failure))])?;
    let environment = endpoints(&settings, &http)
        .await
        .map_err(|problem| vec![problem])?;
    let correlation = settings.text("", &["ARM_CORRELATION_REQUEST_ID"]);
    let correlation = correlation.and_then(|text| uuid::Uuid::parse_str(&text).ok());
    let wants_none = settings.flag(
        "disable_correlation_request_id",
        "ARM_DISABLE_CORRELATION_REQUEST_ID",
    );
    let arm = ArmClient::new(http, environment, credential).correlated(correlation.filter(|_| !wants_none));
    let arm = arm.patient(patience());
    let keeps_groups = configuration.at("features.resource_group.prevent_deletion_if_contains_resources");
    let overwrites =
        configuration.at("features.skip_import_check_on_create_and_allow_overwriting_existing_resources");
    Ok(Some(Cloud {
        overwrites: overwrites.as_bool().unwrap_or(false),
        arm,
        subscription,
        identity,
        keeps_full_groups: keeps_groups.as_bool().unwrap_or(true),
        phase,
    }))
}

/// How long a cloud that does not answer is waited for. A run goes on while the local cloud restarts; a person at a
/// terminal wants to know at once.
fn patience() -> Duration {
    let in_a_run = std::env::var_os("TF_IN_AUTOMATION").is_some_and(|told| !told.is_empty());
    if in_a_run { RESTART } else { Duration::ZERO }
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
        let began = Instant::now();
        loop {
            let found = Environment::discover(http, &format!("https://{host}")).await;
            match found {
                Err(ArmError::Transport { .. }) if began.elapsed() < patience() => {
                    tokio::time::sleep(PAUSE).await;
                }
                found => return found.map_err(|failure| unreachable(&host, &failure)),
            }
        }
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
