use pave_diagnostic::{Diagnostic, nearest};

use crate::codes;
use crate::tasks::missing_input;

const TASK: &str = "TerraformTaskV4";
const COMMANDS: [&str; 8] = [
    "init", "validate", "plan", "show", "apply", "output", "destroy", "custom",
];
const PROVIDERS: [&str; 4] = ["azurerm", "aws", "gcp", "oci"];

/// Inputs of the task, with macros filled in.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Name and value as written.
    pub values: Vec<(String, String)>,
    /// `System.DefaultWorkingDirectory`.
    pub default_directory: String,
    /// A fresh identifier, for files that the task names.
    pub identifier: String,
}

impl Inputs {
    /// An input; nothing when it is missing or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        find(&self.values, name)
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }

    /// The command, `init` unless another one is given.
    #[must_use]
    pub fn command(&self) -> &str {
        self.get("command").unwrap_or("init")
    }

    /// Service connection for the state, which only `init` has.
    #[must_use]
    pub fn backend_connection(&self) -> Option<&str> {
        (self.command() == "init")
            .then(|| self.get("backendServiceArm"))
            .flatten()
    }

    /// Service connection for resources; `init` and `validate` need none.
    #[must_use]
    pub fn connection(&self) -> Option<&str> {
        let needs = !matches!(self.command(), "init" | "validate");
        needs.then(|| self.get("environmentServiceNameAzureRM")).flatten()
    }
}

fn find<'a>(values: &'a [(String, String)], name: &str) -> Option<&'a str> {
    values
        .iter()
        .rev()
        .find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())
        .map(|(_, value)| value.as_str())
}

/// A service connection to Azure, as far as Terraform needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct AzureConnection {
    /// Subscription; empty where the connection has none.
    pub subscription_id: String,
    /// Tenant.
    pub tenant_id: String,
    /// How to sign in.
    pub credential: Credential,
}

/// How a service connection signs in.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A principal with a secret.
    ServicePrincipal {
        /// Client.
        client_id: String,
        /// Secret.
        client_secret: String,
    },
    /// The identity of the machine.
    ManagedIdentity,
    /// A token of the run that Azure trusts.
    WorkloadIdentity {
        /// Client.
        client_id: String,
        /// Token.
        token: String,
    },
}

/// Never shows a secret.
impl std::fmt::Debug for AzureConnection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AzureConnection")
            .field("subscription_id", &self.subscription_id)
            .field("tenant_id", &self.tenant_id)
            .field("credential", &self.credential)
            .finish()
    }
}

/// Never shows a secret.
impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::ServicePrincipal { .. } => "ServicePrincipal",
            Self::ManagedIdentity => "ManagedIdentity",
            Self::WorkloadIdentity { .. } => "WorkloadIdentity",
        })
    }
}

/// What the task runs.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// Arguments after `terraform`.
    pub arguments: Vec<String>,
    /// Environment on top of the step's own.
    pub environment: Vec<(String, String)>,
    /// Directory.
    pub directory: String,
    /// Arguments of a command that runs first and may fail (`providers`); empty for none.
    pub before: Vec<String>,
    /// Exit codes that count as success.
    pub success_codes: Vec<i32>,
    /// Exit code that sets `changesPresent` to true; any other success sets it to false. `None`: not set.
    pub changes_code: Option<i32>,
    /// File that takes standard output instead of the log.
    pub output_file: Option<String>,
    /// Output variable that names `output_file`.
    pub output_variable: Option<&'static str>,
    /// With `publishPlan`: the saved plan, to be shown as JSON and attached, and the attachment's name.
    pub publish_plan: Option<(String, String)>,
    /// Values that must be masked in the log.
    pub secrets: Vec<String>,
}

/// Never shows a secret.
impl std::fmt::Debug for Command {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let masker = crate::Masker::new(&self.secrets);
        let names: Vec<&str> = self.environment.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("Command")
            .field("arguments", &masker.mask(&self.arguments.join(" ")))
            .field("environment", &names)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// Works out the command line of `TerraformTaskV4@4`.
///
/// `connection` belongs to [`Inputs::connection`], `backend` to [`Inputs::backend_connection`].
#[expect(clippy::result_large_err, reason = "made at most once for a step")]
pub fn command(
    inputs: &Inputs,
    connection: Option<&AzureConnection>,
    backend: Option<&AzureConnection>,
) -> Result<Command, Diagnostic> {
    if let Some(first) = check_inputs(&inputs.values).into_iter().next() {
        return Err(first);
    }
    let mut command = Command {
        directory: inputs
            .get("workingDirectory")
            .unwrap_or(&inputs.default_directory)
            .to_owned(),
        success_codes: vec![0],
        ..Command::default()
    };
    let options = words(inputs.text("commandOptions"));
    let name = inputs.command();
    match name {
        "init" => {
            init(&mut command, inputs, options, backend)?;
            return Ok(command);
        }
        "validate" => {
            command.arguments = joined(&["validate"], options);
            return Ok(command);
        }
        "plan" => plan(&mut command, inputs, options),
        "apply" | "destroy" => {
            let approved = options
                .iter()
                .any(|option| option == "-auto-approve" || option == "--auto-approve");
            let begin: &[&str] = if approved {
                &[name]
            } else {
                &[name, "-auto-approve"]
            };
            command.arguments = joined(begin, options);
            command.before = vec!["providers".to_owned()];
        }
        "show" => {
            let json = inputs.text("outputFormat").eq_ignore_ascii_case("json");
            let begin: &[&str] = if json { &["show", "-json"] } else { &["show"] };
            command.arguments = joined(begin, options);
            to_file(&mut command, inputs, "showFilePath");
        }
        "output" => {
            command.arguments = joined(&["output", "-json"], options);
            command.output_file = Some(format!("{}/output-{}.json", command.directory, inputs.identifier));
            command.output_variable = Some("jsonOutputVariablesPath");
        }
        _ => {
            let custom = words(inputs.text("customCommand"));
            command.arguments = custom.into_iter().chain(options).collect();
            to_file(&mut command, inputs, "customFilePath");
        }
    }
    let Some(connection) = connection else {
        return Err(missing_input(TASK, "environmentServiceNameAzureRM"));
    };
    provider_environment(&mut command, connection);
    Ok(command)
}

fn joined(begin: &[&str], options: Vec<String>) -> Vec<String> {
    begin.iter().map(|&word| word.to_owned()).chain(options).collect()
}

fn plan(command: &mut Command, inputs: &Inputs, options: Vec<String>) {
    let saved = options
        .iter()
        .find_map(|option| option.strip_prefix("-out=").map(str::to_owned));
    let mut arguments = joined(&["plan"], options);
    if let Some(name) = inputs.get("publishPlan") {
        let path = saved.unwrap_or_else(|| {
            let path = format!(
                "{}/terraform-plan-{}.tfplan",
                command.directory, inputs.identifier
            );
            arguments.push(format!("-out={path}"));
            path
        });
        command.publish_plan = Some((path, name.to_owned()));
    }
    arguments.push("-detailed-exitcode".to_owned());
    command.arguments = arguments;
    command.before = vec!["providers".to_owned()];
    command.success_codes = vec![0, 2];
    command.changes_code = Some(2);
}

fn to_file(command: &mut Command, inputs: &Inputs, variable: &'static str) {
    if inputs.text("outputTo").eq_ignore_ascii_case("file") {
        let name = inputs.text("fileName");
        let path = if name.starts_with('/') {
            name.to_owned()
        } else {
            format!("{}/{name}", command.directory)
        };
        command.output_file = Some(path);
        command.output_variable = Some(variable);
    }
}

/// Each setting is an argument of its own, after `commandOptions`, in the order in which the task gives them.
#[expect(clippy::result_large_err, reason = "made at most once for a step")]
fn init(
    command: &mut Command,
    inputs: &Inputs,
    options: Vec<String>,
    backend: Option<&AzureConnection>,
) -> Result<(), Diagnostic> {
    let Some(backend) = backend else {
        return Err(missing_input(TASK, "backendServiceArm"));
    };
    let mut settings = vec![
        (
            "storage_account_name",
            inputs.text("backendAzureRmStorageAccountName").to_owned(),
        ),
        (
            "container_name",
            inputs.text("backendAzureRmContainerName").to_owned(),
        ),
        ("key", inputs.text("backendAzureRmKey").to_owned()),
        (
            "resource_group_name",
            inputs.text("backendAzureRmResourceGroupName").to_owned(),
        ),
    ];
    if !backend.subscription_id.is_empty() {
        settings.push(("subscription_id", backend.subscription_id.clone()));
    }
    settings.push(("tenant_id", backend.tenant_id.clone()));
    let entra = inputs.get("backendAzureRmUseEntraIdForAuthentication");
    if entra.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        settings.push(("use_azuread_auth", "true".to_owned()));
    }
    let in_environment = inputs.flag("backendAzureRmUseEnvironmentVariablesForAuthentication");
    let mut secret = |setting: &'static str, variable: &str, value: &str| {
        if in_environment {
            command.environment.push((variable.to_owned(), value.to_owned()));
        } else {
            settings.push((setting, value.to_owned()));
        }
    };
    match &backend.credential {
        Credential::ServicePrincipal {
            client_id,
            client_secret,
        } => {
            secret("client_id", "ARM_CLIENT_ID", client_id);
            secret("client_secret", "ARM_CLIENT_SECRET", client_secret);
            command.secrets.push(client_secret.clone());
        }
        Credential::ManagedIdentity => settings.push(("use_msi", "true".to_owned())),
        Credential::WorkloadIdentity { client_id, token } => {
            secret("client_id", "ARM_CLIENT_ID", client_id);
            secret("oidc_token", "ARM_OIDC_TOKEN", token);
            settings.push(("use_oidc", "true".to_owned()));
            command.secrets.push(token.clone());
        }
    }
    command.arguments = joined(&["init"], options);
    let settings = settings
        .into_iter()
        .map(|(key, value)| format!("-backend-config={key}={value}"));
    command.arguments.extend(settings);
    Ok(())
}

fn provider_environment(command: &mut Command, connection: &AzureConnection) {
    let mut set = |name: &str, value: &str| command.environment.push((name.to_owned(), value.to_owned()));
    if !connection.subscription_id.is_empty() {
        set("ARM_SUBSCRIPTION_ID", &connection.subscription_id);
    }
    set("ARM_TENANT_ID", &connection.tenant_id);
    match &connection.credential {
        Credential::ServicePrincipal {
            client_id,
            client_secret,
        } => {
            set("ARM_CLIENT_ID", client_id);
            set("ARM_CLIENT_SECRET", client_secret);
            command.secrets.push(client_secret.clone());
        }
        Credential::ManagedIdentity => set("ARM_USE_MSI", "true"),
        Credential::WorkloadIdentity { client_id, token } => {
            set("ARM_CLIENT_ID", client_id);
            set("ARM_OIDC_TOKEN", token);
            set("ARM_USE_OIDC", "true");
            command.secrets.push(token.clone());
        }
    }
}

/// What is wrong with the inputs, before anything is known of service connections.
pub(crate) fn check_inputs(values: &[(String, String)]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let command = find(values, "command").unwrap_or("init");
    let provider = find(values, "provider").unwrap_or("azurerm");
    found.extend(one_of("provider", provider, &PROVIDERS));
    found.extend(one_of("command", command, &COMMANDS));
    if provider != "azurerm" {
        if PROVIDERS.contains(&provider) {
            found.push(
                Diagnostic::error(
                    codes::TASK_INPUT,
                    format!("provider `{provider}` has no stand-in here"),
                )
                .with_help("only `azurerm` runs here; others run with a script and credentials of their own"),
            );
        }
        return found;
    }
    let needed: &[&str] = match command {
        "init" => &[
            "backendServiceArm",
            "backendAzureRmResourceGroupName",
            "backendAzureRmStorageAccountName",
            "backendAzureRmContainerName",
            "backendAzureRmKey",
        ],
        "plan" | "apply" | "destroy" | "output" | "show" => &["environmentServiceNameAzureRM"],
        "custom" => &["environmentServiceNameAzureRM", "customCommand"],
        _ => &[],
    };
    for name in needed {
        if find(values, name).is_none() {
            found.push(missing_input(TASK, name));
        }
    }
    let to_file = matches!(command, "show" | "custom")
        && find(values, "outputTo").is_some_and(|value| value.eq_ignore_ascii_case("file"));
    if to_file && find(values, "fileName").is_none() {
        found.push(missing_input(TASK, "fileName"));
    }
    found
}

fn one_of(name: &str, value: &str, allowed: &[&str]) -> Option<Diagnostic> {
    if allowed.contains(&value) || value.contains("$(") {
        return None;
    }
    let diagnostic = Diagnostic::error(
        codes::TASK_INPUT,
        format!("`{name}` of task `{TASK}` cannot be `{value}`"),
    );
    Some(match nearest(value, allowed.iter().copied()) {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
        None => diagnostic.with_help(format!("it is one of {}", allowed.join(", "))),
    })
}

/// Splits a line as the task library does: blanks separate, double quotes keep together, `\"` is a quote.
#[must_use]
pub fn words(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut started) = (false, false);
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' if quoted && chars.peek() == Some(&'"') => {
                word.push('"');
                chars.next();
            }
            '"' => {
                quoted = !quoted;
                started = true;
            }
            blank if blank.is_whitespace() && !quoted => {
                if started {
                    out.push(std::mem::take(&mut word));
                }
                started = false;
            }
            other => {
                word.push(other);
                started = true;
            }
        }
    }
    if started {
        out.push(word);
    }
    out
}

#[cfg(test)]
mod tests;
