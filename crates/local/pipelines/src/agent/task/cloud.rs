//! `AzureCLI`: a script with `az` signed in by a service connection, in a configuration of the step's own.

use std::path::Path;
use std::sync::Arc;

use pave_pipeline::Shell;
use pave_pipeline::terraform::{AzureConnection, Credential};
use tokio_util::sync::CancellationToken;

use super::super::container;
use super::super::job::Connection;
use super::super::session::Session;
use super::super::shell::{self, Script, which};
use super::super::step::{Result, StepError};
use super::super::terraform::{connection, is_local, signed_in};
use super::{Inputs, tool};

/// Name of a cloud that `az` does not know by itself.
const CLOUD: &str = "pave";

/// Runs the task; the configuration is gone afterwards, however it ended.
pub(super) async fn run(
    session: &Arc<Session>,
    inputs: &Inputs,
    own: &[(String, String)],
    stop: &CancellationToken,
) -> Result {
    if container::of_step(session).map_err(StepError::Words)?.is_none() && which(session, "az").is_none() {
        return Err(StepError::Words(
            "`az` is not on this machine. Install it (`pip install azure-cli`, or the package of your system) and put it on the PATH that Pave runs with; `TerraformTaskV4@4` and calls of the REST API do without."
                .to_owned(),
        ));
    }
    let script = script(session, inputs)?;
    let name = inputs.must(&["azureSubscription", "connectedServiceNameARM"])?;
    let Some(found) = connection(session, Some(name))? else {
        return Err(StepError::Said);
    };
    let Some(azure) = signed_in(session, Some(&found)).await? else {
        return Err(StepError::Said);
    };
    let directory = session
        .temporary()
        .join(format!("azure-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir(&directory)?;
    std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    session.job.isolation.own(&directory)?;
    let environment = environment(session, own, &found, &directory);
    let done = async {
        let shows = inputs.get(&["visibleAzLogin"]).is_none() || inputs.flag("visibleAzLogin");
        log_in(session, &found, &azure, &environment, shows, stop).await?;
        let mut environment = environment.clone();
        if inputs.flag("addSpnToEnvironment") {
            environment.extend(principal(&azure));
        }
        shell::run(session, script, &environment, stop).await
    };
    let done = done.await;
    // The step may have filled it with anything; what stays is removed with the workspace.
    drop(std::fs::remove_dir_all(&directory));
    done
}

fn script(session: &Session, inputs: &Inputs) -> Result<Script> {
    let kind = inputs.must(&["scriptType"])?.trim().to_lowercase();
    let shell = match kind.as_str() {
        "bash" | "sh" => Shell::Bash,
        "pscore" => Shell::Pwsh,
        other => {
            return Err(StepError::Words(format!(
                "`scriptType: {other}` runs on Windows only; write `bash` or `pscore`."
            )));
        }
    };
    let inline = inputs
        .get(&["scriptLocation"])
        .is_some_and(|place| place.trim().eq_ignore_ascii_case("inlineScript"));
    let arguments = inputs.get(&["arguments", "scriptArguments"]).unwrap_or_default();
    let text = match (inline, shell) {
        (true, Shell::Bash) if !arguments.trim().is_empty() => {
            format!("set -- {arguments}\n{}", inputs.must(&["inlineScript"])?)
        }
        (true, _) => inputs.must(&["inlineScript"])?.to_owned(),
        (false, Shell::Bash) => {
            let file = session.path(inputs.must(&["scriptPath"])?).display().to_string();
            format!("exec bash '{}' {arguments}", file.replace('\'', r"'\''"))
        }
        (false, _) => {
            let file = session.path(inputs.must(&["scriptPath"])?).display().to_string();
            format!("& '{}' {arguments}", file.replace('\'', "''"))
        }
    };
    Ok(Script {
        shell,
        text,
        directory: inputs
            .get(&["workingDirectory", "cwd"])
            .map(|path| session.path(path)),
        fail_on_stderr: inputs.flag("failOnStandardError"),
        arguments: Vec::new(),
    })
}

fn environment(
    session: &Session,
    own: &[(String, String)],
    found: &Connection,
    directory: &Path,
) -> Vec<(String, String)> {
    let mut all = own.to_vec();
    let mut set = |name: &str, value: String| all.push((name.to_owned(), value));
    set("AZURE_CONFIG_DIR", directory.display().to_string());
    set("AZURE_CORE_COLLECT_TELEMETRY", "false".to_owned());
    set("AZURE_HTTP_USER_AGENT", "pave-pipelines".to_owned());
    if is_local(found) {
        // Or az asks Microsoft whether the authority is one.
        set("AZURE_CORE_INSTANCE_DISCOVERY", "false".to_owned());
        if session.job.terraform.metadata_authority.is_some() {
            let copy = session.temporary().join("metadata-authority.pem");
            set("REQUESTS_CA_BUNDLE", copy.display().to_string());
        }
    }
    all
}

/// What `addSpnToEnvironment` shows to the script.
fn principal(azure: &AzureConnection) -> Vec<(String, String)> {
    let pair = |name: &str, value: &String| (name.to_owned(), value.clone());
    let mut all = vec![pair("tenantId", &azure.tenant_id)];
    match &azure.credential {
        Credential::ServicePrincipal {
            client_id,
            client_secret,
        } => all.extend([
            pair("servicePrincipalId", client_id),
            pair("servicePrincipalKey", client_secret),
        ]),
        Credential::WorkloadIdentity { client_id, token } => {
            all.extend([pair("servicePrincipalId", client_id), pair("idToken", token)]);
        }
        Credential::ManagedIdentity => {}
    }
    all
}

async fn log_in(
    session: &Arc<Session>,
    found: &Connection,
    azure: &AzureConnection,
    environment: &[(String, String)],
    shows: bool,
    stop: &CancellationToken,
) -> Result {
    let directory = session.sources();
    let az = async |arguments: &[&str], shows: bool| {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        tool::run(session, ("az", &arguments), &directory, environment, !shows, stop).await
    };
    if is_local(found) {
        let url = found.url.trim_end_matches('/');
        let slash = format!("{url}/");
        az(
            &[
                "cloud",
                "register",
                "--name",
                CLOUD,
                "--endpoint-resource-manager",
                url,
                "--endpoint-management",
                &slash,
                "--endpoint-active-directory",
                url,
                "--endpoint-active-directory-resource-id",
                &slash,
                "--endpoint-active-directory-graph-resource-id",
                &slash,
                "--endpoint-microsoft-graph-resource-id",
                &slash,
            ],
            shows,
        )
        .await?;
        az(&["cloud", "set", "--name", CLOUD], shows).await?;
    } else if let Some(name) = found
        .data
        .get("environment")
        .filter(|name| !name.eq_ignore_ascii_case("AzureCloud"))
    {
        az(&["cloud", "set", "--name", name], shows).await?;
    }
    // A secret is handed over in a file, since everybody sees a command line.
    let in_file = |secret: &str| -> Result<(std::path::PathBuf, String)> {
        let file = session.temporary_file(".txt", secret)?;
        let argument = format!("@{}", file.display());
        Ok((file, argument))
    };
    let tenant = azure.tenant_id.as_str();
    let mut kept = None;
    let logged_in = match &azure.credential {
        Credential::ManagedIdentity => az(&["login", "--identity", "--allow-no-subscriptions"], shows).await,
        Credential::ServicePrincipal {
            client_id,
            client_secret,
        } => {
            let (file, secret) = in_file(client_secret)?;
            kept = Some(file);
            let line = [
                "login",
                "--service-principal",
                "--username",
                client_id,
                "--password",
                &secret,
                "--tenant",
                tenant,
                "--allow-no-subscriptions",
            ];
            az(&line, shows).await
        }
        Credential::WorkloadIdentity { client_id, token } => {
            let (file, token) = in_file(token)?;
            kept = Some(file);
            let line = [
                "login",
                "--service-principal",
                "--username",
                client_id,
                "--tenant",
                tenant,
                "--allow-no-subscriptions",
                "--federated-token",
                &token,
            ];
            az(&line, shows).await
        }
    };
    if let Some(file) = kept {
        drop(std::fs::remove_file(file));
    }
    logged_in?;
    if !azure.subscription_id.is_empty() {
        az(
            &["account", "set", "--subscription", &azure.subscription_id],
            shows,
        )
        .await?;
    }
    Ok(())
}
