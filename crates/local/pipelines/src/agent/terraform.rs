//! Terraform, as the tasks run it: real, with the credentials of a service connection, and with its state kept.

pub(crate) mod errors;
mod lockfile;
mod precheck;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pave_pipeline::terraform::{AzureConnection, Command, Credential, Inputs as TerraformInputs, command};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::child::{self, Ended, Start};
use super::command::keep;
use super::job::Connection;
use super::session::Session;
use super::shell::which;
use super::step::{Result, StepError};
use super::task::Inputs;

/// Clouds whose endpoints Terraform's provider knows by itself.
const PUBLIC: [&str; 5] = [
    "AzureCloud",
    "AzureUSGovernment",
    "AzureChinaCloud",
    "AzureGermanCloud",
    "AzureStack",
];

pub(crate) use state::Kept;

/// `TerraformInstaller`: finds the program that is here.
pub(crate) async fn install(session: &Arc<Session>, inputs: &Inputs, stop: &CancellationToken) -> Result {
    let program = program(session)?;
    let wanted = inputs
        .get(&["terraformVersion"])
        .unwrap_or("latest")
        .trim_start_matches('v')
        .to_owned();
    let start = Start {
        program: program.display().to_string(),
        arguments: vec!["version".to_owned(), "-json".to_owned()],
        environment: environment(session, &[], None),
        directory: session.sources(),
        capture: true,
        ..Start::default()
    };
    let ended = child::run(session, start, stop).await?;
    let version: Value = serde_json::from_slice(&ended.output).unwrap_or_default();
    let found = version
        .get("terraform_version")
        .and_then(Value::as_str)
        .unwrap_or("unknown")
        .to_owned();
    session.say(&format!("Terraform {found} is at {}.", program.display()));
    if wanted != "latest" && wanted != found {
        session.warn(&format!(
            "Terraform {wanted} is asked for; {found} is what this machine has, and it is used."
        ));
    }
    if let Some(directory) = program.parent() {
        session.state().paths.push(directory.display().to_string());
    }
    session.set("terraformLocation", &program.display().to_string(), false);
    Ok(())
}

/// `TerraformTaskV4` and its relatives.
pub(crate) async fn run(
    session: &Arc<Session>,
    inputs: &Inputs,
    own: &[(String, String)],
    stop: &CancellationToken,
) -> Result {
    let identifier = uuid::Uuid::new_v4().to_string();
    let wanted = TerraformInputs {
        values: inputs.pairs().to_vec(),
        default_directory: session
            .variable("System.DefaultWorkingDirectory")
            .unwrap_or_default(),
        identifier: identifier.clone(),
    };
    let resource = connection(session, wanted.connection())?;
    let backend = connection(session, wanted.backend_connection())?;
    let (resource_azure, backend_azure) = (
        signed_in(session, resource.as_ref()).await?,
        signed_in(session, backend.as_ref()).await?,
    );
    let made = command(&wanted, resource_azure.as_ref(), backend_azure.as_ref());
    let made = made.map_err(|found| StepError::Words(crate::engine::queue::in_a_line(&found)))?;
    for secret in &made.secrets {
        session.state().hide(secret);
    }
    let directory = session.path(&made.directory);
    if !directory.is_dir() {
        return Err(StepError::Words(format!(
            "The working directory `{}` does not exist.",
            directory.display()
        )));
    }
    let task = Task {
        session,
        program: program(session)?,
        connection: resource.or(backend),
        own,
        relative: relative(session, &directory),
        directory,
        stop,
    };
    task.run(&wanted, made, &identifier).await
}

struct Task<'a> {
    session: &'a Arc<Session>,
    program: PathBuf,
    connection: Option<Connection>,
    own: &'a [(String, String)],
    directory: PathBuf,
    /// The directory as seen from the repository.
    relative: String,
    stop: &'a CancellationToken,
}

impl Task<'_> {
    async fn run(&self, wanted: &TerraformInputs, mut made: Command, identifier: &str) -> Result {
        let name = wanted.command().to_owned();
        let session = self.session;
        if name == "init" {
            self.check_before()?;
        }
        let kept = self.state().await?;
        if let (Some(kept), "apply" | "destroy" | "custom") = (&kept, name.as_str()) {
            kept.copy(session)?;
        }
        let shown = format!(
            "##[command]{} {}",
            self.program.display(),
            made.arguments.join(" ")
        );
        let plan_file = self.plan_file(&name, &mut made, identifier);
        if let Some(kept) = &kept {
            kept.open(session)?;
        }
        let done = self.commands(&shown, &made, plan_file.as_deref()).await;
        let results = matches!(name.as_str(), "apply" | "destroy");
        if results {
            // Also after a failure: what was made before it exists.
            self.keep_results(kept.as_deref()).await?;
        }
        if let Some(kept) = &kept {
            kept.close(session)?;
        }
        let ended = done?;
        let code = ended.number();
        if ended.stopped {
            return Err(StepError::Said);
        }
        if let Some(changes) = made.changes_code {
            self.output("changesPresent", if code == changes { "true" } else { "false" });
        }
        if !made.success_codes.contains(&code) {
            return Err(StepError::Words(format!(
                "Terraform command '{name}' failed with exit code '{code}'."
            )));
        }
        self.write_output(&made, &ended)?;
        Ok(())
    }

    async fn commands(&self, shown: &str, made: &Command, plan_file: Option<&Path>) -> Result<Ended> {
        let session = self.session;
        if !made.before.is_empty() {
            // It only warns of several clouds in one configuration, and may fail.
            let before = self.start(made.before.clone(), made, true);
            child::run(session, before, self.stop).await?;
        }
        session.say(shown);
        if let Some(step) = session.state().step.as_mut() {
            step.reader = Some(errors::Reader::new(&self.relative));
        }
        let ended = child::run(
            session,
            self.start(made.arguments.clone(), made, made.output_file.is_some()),
            self.stop,
        )
        .await?;
        if let Some(plan) =
            plan_file.filter(|_| made.success_codes.contains(&ended.number()) && !ended.stopped)
        {
            self.keep_plan(made, plan).await?;
        }
        Ok(ended)
    }

    fn start(&self, arguments: Vec<String>, made: &Command, capture: bool) -> Start {
        let own: Vec<(String, String)> = self.own.iter().chain(&made.environment).cloned().collect();
        let job = &self.session.job.terraform;
        let mut visible: Vec<PathBuf> = vec![job.states.clone()];
        visible.extend(
            job.visible
                .iter()
                .chain(&job.cli_config)
                .chain(&job.metadata_authority)
                .cloned(),
        );
        Start {
            program: self.program.display().to_string(),
            arguments,
            environment: environment(self.session, &own, self.connection.as_ref()),
            directory: self.directory.clone(),
            visible,
            capture,
        }
    }

    /// Says what the provider of the mirror would refuse, in better words than Terraform has for it.
    fn check_before(&self) -> Result {
        let job = &self.session.job.terraform;
        let local = self.connection.as_ref().is_none_or(is_local);
        let local = local && !precheck::from_registry(self.session, self.own);
        let Some(mirror) = job.mirror.as_ref().filter(|_| local) else {
            return Ok(());
        };
        let shown = if self.relative.is_empty() {
            String::new()
        } else {
            format!("{}/", self.relative)
        };
        if precheck::complain(self.session, &self.directory, &shown) {
            return Err(StepError::Said);
        }
        match lockfile::diagnose(&self.directory, mirror, &shown) {
            Some(found) => {
                let place = found.clone();
                let mut data = std::collections::BTreeMap::new();
                let line = place.split(':').nth(1).unwrap_or("1").to_owned();
                data.insert("sourcepath".to_owned(), format!("{shown}.terraform.lock.hcl"));
                data.insert("linenumber".to_owned(), line);
                data.insert("code".to_owned(), "PV2251".to_owned());
                self.session.state().complain("error", &found, data);
                Err(StepError::Said)
            }
            None => Ok(()),
        }
    }

    /// The state of this directory, ours until the job ends, where the configuration names no backend.
    async fn state(&self) -> Result<Option<Arc<Kept>>> {
        if state::names_backend(&self.directory) {
            return Ok(None);
        }
        let known = self.session.state().kept.get(&self.directory).cloned();
        if let Some(known) = known {
            return Ok(Some(known));
        }
        let kept = Arc::new(state::take(self.session, &self.directory, self.stop).await?);
        self.session
            .state()
            .kept
            .insert(self.directory.clone(), Arc::clone(&kept));
        Ok(Some(kept))
    }

    /// Where the plan is saved: every plan is kept for people to see, also when the pipeline does not.
    fn plan_file(&self, name: &str, made: &mut Command, identifier: &str) -> Option<PathBuf> {
        if name != "plan" {
            return None;
        }
        let given = made
            .arguments
            .iter()
            .find_map(|argument| argument.strip_prefix("-out="));
        if let Some(given) = given {
            return Some(self.directory.join(given));
        }
        let path = self.session.temporary().join(format!("{identifier}.tfplan"));
        made.arguments.insert(1, format!("-out={}", path.display()));
        Some(path)
    }

    async fn keep_plan(&self, made: &Command, plan: &Path) -> Result {
        let arguments = vec!["show".to_owned(), "-json".to_owned(), plan.display().to_string()];
        let shown = child::run(self.session, self.start(arguments, made, true), self.stop).await?;
        if shown.number() != 0 {
            self.session
                .warn("The plan could not be shown as JSON; it is not attached.");
            return Ok(());
        }
        let name = made
            .publish_plan
            .as_ref()
            .map_or_else(|| self.attachment_name(), |(_, name)| name.clone());
        keep(self.session, "terraform-plan-results", &name, &shown.output)?;
        Ok(())
    }

    /// Which resources there are now, by address and id.
    async fn keep_results(&self, kept: Option<&Kept>) -> Result {
        let text = if let Some(kept) = kept {
            std::fs::read(kept.state()).unwrap_or_default()
        } else {
            let arguments = vec!["show".to_owned(), "-json".to_owned()];
            let start = self.start(arguments, &Command::default(), true);
            // The step may have been cancelled; what it made must be known all the same.
            child::run(self.session, start, &CancellationToken::new())
                .await?
                .output
        };
        if text.is_empty() {
            // Nothing was made.
            return Ok(());
        }
        let text = String::from_utf8_lossy(&text);
        let found = match pave_pipeline::terraform::state_resources(&text) {
            Ok(found) => found,
            Err(error) => {
                self.session.warn(&format!(
                    "Which resources there are now cannot be told: the state cannot be read ({error})."
                ));
                return Ok(());
            }
        };
        let resources = found.iter().map(|it| {
            let kind = it.address.rsplit('.').nth(1).unwrap_or_default();
            json!({"address": it.address, "type": kind, "id": it.id})
        });
        let resources: Vec<Value> = resources.collect();
        let result = json!({"workingDirectory": self.relative, "resources": resources});
        keep(
            self.session,
            "terraform-apply-results",
            &self.attachment_name(),
            result.to_string().as_bytes(),
        )?;
        Ok(())
    }

    fn attachment_name(&self) -> String {
        if self.relative.is_empty() {
            "root".to_owned()
        } else {
            self.relative.replace('/', "-")
        }
    }

    fn write_output(&self, made: &Command, ended: &Ended) -> Result {
        let Some(file) = &made.output_file else {
            return Ok(());
        };
        let path = self.session.path(file);
        if !path.starts_with(&self.session.job.workspace) {
            return Err(StepError::Words(format!("`{file}` is not in the workspace.")));
        }
        drop(std::fs::remove_file(&path));
        std::io::Write::write_all(&mut std::fs::File::create_new(&path)?, &ended.output)?;
        self.session.job.isolation.own(&path)?;
        if let Some(variable) = made.output_variable {
            self.output(variable, &path.display().to_string());
        }
        Ok(())
    }

    /// Sets an output variable of the step.
    fn output(&self, name: &str, value: &str) {
        super::command::obey(
            pave_pipeline::LoggingCommand::SetVariable {
                name: name.to_owned(),
                value: value.to_owned(),
                secret: false,
                output: true,
                read_only: false,
            },
            self.session,
        );
    }
}

fn relative(session: &Session, directory: &Path) -> String {
    let below = directory.strip_prefix(session.sources()).unwrap_or(directory);
    below.to_string_lossy().trim_matches('/').to_owned()
}

/// The program, or what to do without one.
fn program(session: &Session) -> Result<PathBuf> {
    if let Some(program) = &session.job.terraform.program {
        return Ok(program.clone());
    }
    let found = ["terraform", "tofu"].iter().find_map(|name| which(session, name));
    found.ok_or_else(|| {
        StepError::Words(
            "PV2252: neither `terraform` nor `tofu` is on this machine. Install one of them and put it on the PATH; `make run` does so."
                .to_owned(),
        )
    })
}

fn connection(session: &Session, name: Option<&str>) -> Result<Option<Connection>> {
    let Some(name) = name else { return Ok(None) };
    let mut all = session.job.connections.iter();
    let found = all.find(|it| it.name.eq_ignore_ascii_case(name) || it.id.eq_ignore_ascii_case(name));
    match found {
        Some(found) => Ok(Some(found.clone())),
        None => Err(StepError::Words(format!(
            "PV2253: there is no service connection `{name}` in this project that the run may use."
        ))),
    }
}

fn is_local(connection: &Connection) -> bool {
    let environment = connection
        .data
        .get("environment")
        .map_or("AzureCloud", String::as_str);
    !PUBLIC
        .iter()
        .any(|public| public.eq_ignore_ascii_case(environment))
}

async fn signed_in(session: &Session, connection: Option<&Connection>) -> Result<Option<AzureConnection>> {
    let Some(connection) = connection else {
        return Ok(None);
    };
    let parameter = |name: &str| {
        let found = connection
            .parameters
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let secrets = session.secrets.connections.get(&connection.id);
    let credential = match connection.scheme.to_ascii_lowercase().as_str() {
        "managedserviceidentity" => Credential::ManagedIdentity,
        "workloadidentityfederation" => Credential::WorkloadIdentity {
            client_id: parameter("serviceprincipalid"),
            token: federated(session, connection).await?,
        },
        // An unknown scheme is taken for a principal, as the task does.
        _ => Credential::ServicePrincipal {
            client_id: parameter("serviceprincipalid"),
            client_secret: secrets
                .and_then(|it| it.get("serviceprincipalkey"))
                .cloned()
                .unwrap_or_default(),
        },
    };
    let subscription = connection
        .data
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("subscriptionid"));
    Ok(Some(AzureConnection {
        subscription_id: subscription.map(|(_, value)| value.clone()).unwrap_or_default(),
        tenant_id: parameter("tenantid"),
        credential,
    }))
}

/// Asks for a token of this run, which the cloud trusts.
async fn federated(session: &Session, connection: &Connection) -> Result<String> {
    let wrong = |error: &dyn std::fmt::Display| {
        StepError::Words(format!("no federated token for `{}`: {error}", connection.name))
    };
    pave_keys::install_crypto();
    let mut client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30));
    if let Some(authority) = &session.job.authority {
        let certificate =
            reqwest::Certificate::from_pem(&std::fs::read(authority)?).map_err(|error| wrong(&error))?;
        client = client.tls_certs_merge([certificate]);
    }
    let client = client.build().map_err(|error| wrong(&error))?;
    let url = format!(
        "{}?api-version=7.1&serviceConnectionId={}",
        session.job.terraform.oidc_request, connection.id
    );
    let asked = client
        .post(url)
        .bearer_auth(&session.secrets.access_token)
        .send()
        .await;
    let answer = asked
        .and_then(reqwest::Response::error_for_status)
        .map_err(|error| wrong(&error))?;
    let body: Value = answer.json().await.map_err(|error| wrong(&error))?;
    let token = body
        .get("oidcToken")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    session.state().hide(&token);
    Ok(token)
}

fn environment(
    session: &Session,
    own: &[(String, String)],
    connection: Option<&Connection>,
) -> Vec<(String, String)> {
    let mut all = session.environment(own);
    let job = &session.job.terraform;
    let mut set = |name: &str, value: String| all.push((name.to_owned(), value));
    set("CHECKPOINT_DISABLE", "1".to_owned());
    set("TF_IN_AUTOMATION", "1".to_owned());
    set("TF_INPUT", "0".to_owned());
    // A configuration without a connection (`validate`) goes on with what `init` fetched.
    let local = connection.is_none_or(is_local) && !precheck::from_registry(session, own);
    if let (true, Some(configuration)) = (local, &job.cli_config) {
        set("TF_CLI_CONFIG_FILE", configuration.display().to_string());
    }
    if let Some(connection) = connection.filter(|it| is_local(it)) {
        if let Ok(url) = url::Url::parse(&connection.url)
            && let Some(host) = url.host_str()
        {
            set(
                "ARM_METADATA_HOSTNAME",
                url.port()
                    .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            );
        }
        if job.metadata_authority.is_some() {
            let copy = session.job.workspace.join("_temp/metadata-authority.pem");
            set("SSL_CERT_FILE", copy.display().to_string());
        }
    }
    if let Some(road) = &job.correlation {
        set("ARM_CORRELATION_REQUEST_ID", road.clone());
    }
    all
}
