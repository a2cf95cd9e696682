//! Terraform, as the tasks run it: real, with the credentials of a service connection, and with its state kept.

mod access;
pub(crate) mod errors;
mod lockfile;
mod precheck;
mod results;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pave_pipeline::terraform::{Command, Inputs as TerraformInputs, command};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::child::{self, Ended, Start};
use super::job::Connection;
use super::session::Session;
use super::shell::which;
use super::step::{Result, StepError};
use super::task::Inputs;
use super::tunnel::Tunnel;

pub(crate) use access::{connection, is_local, signed_in};
use access::{environment, tunnel};
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
    let connection = resource.or(backend);
    let task = Task {
        session,
        program: program(session)?,
        tunnel: tunnel(session, own, connection.as_ref()).await?,
        connection,
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
    /// The way to the storage accounts of the local cloud, with their states.
    tunnel: Option<Tunnel>,
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
        let mut environment = environment(self.session, &own, self.connection.as_ref());
        if let Some(tunnel) = &self.tunnel {
            tunnel.lead(&mut environment);
        }
        Start {
            program: self.program.display().to_string(),
            arguments,
            environment,
            directory: self.directory.clone(),
            visible,
            capture,
            container: None,
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
