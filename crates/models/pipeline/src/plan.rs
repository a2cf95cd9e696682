//! A pipeline after everything that is decided before it starts: templates expanded, names given, defaults filled in.

use pave_diagnostic::{Diagnostics, Location};
use serde::{Deserialize, Serialize};

use crate::trigger::Trigger;

/// A pipeline that can run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Run number format (`name:`); `None` means `$(Date:yyyyMMdd)$(Rev:.r)`.
    pub run_name: Option<String>,
    /// Which pushes start it.
    pub trigger: Trigger,
    /// Which pull requests start it. Kept only: on Azure Repos the branch policy decides.
    pub pr: Trigger,
    /// Schedules, kept as written.
    pub schedules: Vec<Schedule>,
    /// Other repositories that templates and `checkout` name.
    pub repositories: Vec<RepositoryResource>,
    /// Resources that are kept as written: pipelines, containers, packages, webhooks, builds.
    pub other_resources: Vec<OtherResource>,
    /// Variables of the whole run.
    pub variables: Vec<Variable>,
    /// Stages, in the order written.
    pub stages: Vec<Stage>,
    /// The expanded pipeline, as `preview` answers it.
    pub final_yaml: String,
}

/// A cron schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Five fields, UTC.
    pub cron: String,
    /// Name for people.
    pub display_name: String,
    /// Branches it runs on.
    pub branches: crate::trigger::Filter,
    /// Whether it runs without new commits.
    pub always: bool,
    /// Whether it waits while the previous one runs.
    pub batch: bool,
}

/// A repository under an alias.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RepositoryResource {
    /// Alias.
    pub alias: String,
    /// `git`, `github`, `githubenterprise`, `bitbucket`.
    pub kind: String,
    /// `project/repository` or `repository`.
    pub name: String,
    /// Reference; empty means the default branch.
    pub reference: String,
    /// Service connection; empty for repositories of the same organization.
    pub endpoint: String,
    /// Where it stands.
    pub place: Location,
}

/// A resource that nothing here acts on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OtherResource {
    /// Key below `resources`, e.g. `pipelines`.
    pub kind: String,
    /// Alias.
    pub alias: String,
    /// As written.
    pub value: serde_json::Value,
}

/// A variable or a group of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Variable {
    /// A name with a value.
    Value {
        /// Name.
        name: String,
        /// Text; a text that is wholly `$[ … ]` is worked out when its scope starts ([`crate::is_runtime_expression`]).
        value: String,
        /// Whether steps may set it.
        read_only: bool,
    },
    /// A variable group.
    Group {
        /// Name of the group.
        name: String,
        /// Where it is named.
        place: Location,
    },
}

/// A stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Name; `__default` when the file has none.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// Stages that come first.
    pub depends_on: Vec<String>,
    /// `None` means `succeeded()`.
    pub condition: Option<String>,
    /// Variables of the stage.
    pub variables: Vec<Variable>,
    /// Jobs, in the order written.
    pub jobs: Vec<Job>,
    /// Whether a person may skip it when queueing.
    pub is_skippable: bool,
    /// Whether a person must start it (`trigger: manual`).
    pub manual: bool,
    /// Where it stands.
    pub place: Location,
}

/// A job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Name; `Job` when the file has none.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// Jobs of the same stage that come first.
    pub depends_on: Vec<String>,
    /// `None` means `succeeded()`.
    pub condition: Option<String>,
    /// What runs it.
    pub kind: JobKind,
    /// Legs of `strategy.matrix` and `strategy.parallel`; empty: one job.
    pub matrix: Vec<Leg>,
    /// A matrix that is worked out at run time: `$[ … ]`, see [`crate::matrix_from_json`].
    pub matrix_expression: Option<String>,
    /// How many legs run at the same time; 0: all.
    pub max_parallel: u32,
    /// Whether a failure leaves the run partially succeeded.
    pub continue_on_error: bool,
    /// Where it runs.
    pub pool: Pool,
    /// `workspace.clean`: `outputs`, `resources` or `all`.
    pub clean_workspace: Option<String>,
    /// Container image, kept.
    pub container: Option<String>,
    /// Minutes; 0: as long as the pool allows.
    pub timeout_minutes: u32,
    /// Minutes that steps have to end after a cancel.
    pub cancel_timeout_minutes: u32,
    /// Variables of the job.
    pub variables: Vec<Variable>,
    /// Steps in order, the implicit checkout among them.
    pub steps: Vec<Step>,
    /// Where it stands.
    pub place: Location,
}

/// What runs a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum JobKind {
    /// An agent.
    #[default]
    Agent,
    /// The server itself (`pool: server`).
    Server,
    /// An agent, recorded against an environment.
    Deployment {
        /// Which environment.
        environment: Environment,
        /// `runOnce`, `rolling` or `canary`.
        strategy: String,
    },
}

/// The environment of a deployment job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Name.
    pub name: String,
    /// Resource in it; empty for the environment itself.
    pub resource_name: String,
    /// Kind of resource; empty when not said.
    pub resource_type: String,
    /// Tags that select resources.
    pub tags: Vec<String>,
}

/// One leg of a matrix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Name.
    pub name: String,
    /// Its variables.
    pub variables: Vec<(String, String)>,
}

/// Where a job runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// Name; empty for the hosted pool.
    pub name: String,
    /// Image, e.g. `ubuntu-latest`.
    pub vm_image: Option<String>,
    /// Demands, as written.
    pub demands: Vec<String>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Name under which others see its output variables.
    pub name: Option<String>,
    /// Name for people; may hold `$(macros)`.
    pub display_name: String,
    /// `None` means `succeeded()`.
    pub condition: Option<String>,
    /// Whether a failure leaves the job succeeded with issues.
    pub continue_on_error: bool,
    /// Whether it runs at all.
    pub enabled: bool,
    /// Environment, values with `$(macros)`.
    pub env: Vec<(String, String)>,
    /// Minutes; 0: no limit of its own.
    pub timeout_minutes: u32,
    /// How often it is tried again after a failure.
    pub retries: u32,
    /// `target`: `host` or a container.
    pub target: Option<String>,
    /// Hook of a deployment that it belongs to, e.g. `deploy`; empty in plain jobs.
    pub hook: String,
    /// What it does.
    pub action: Action,
    /// Where it stands.
    pub place: Location,
}

/// What a step does. Texts hold `$(macros)` that are filled in just before it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Lines for a shell.
    Script {
        /// Which shell.
        shell: Shell,
        /// The lines.
        text: String,
        /// Directory.
        working_directory: Option<String>,
        /// Whether anything on standard error fails it.
        fail_on_stderr: bool,
    },
    /// Fetches a repository, or keeps the implicit fetch from happening.
    Checkout(Checkout),
    /// A task by name.
    Task {
        /// Name without version.
        name: String,
        /// Major version.
        major: u32,
        /// Inputs as written.
        inputs: Vec<(String, String)>,
    },
    /// Publishes files as an artifact.
    Publish {
        /// File or directory.
        path: String,
        /// Name of the artifact.
        artifact: String,
    },
    /// Fetches artifacts.
    Download {
        /// `current`, `none`, or the alias of a pipeline resource.
        source: String,
        /// Name; empty for all.
        artifact: String,
        /// Where to; empty for the default.
        path: String,
        /// Patterns, one per line; empty for everything.
        patterns: String,
    },
}

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shell {
    /// `bash`: always bash.
    Bash,
    /// `script`: the platform's own, which is bash here.
    Script,
    /// `pwsh`: PowerShell.
    Pwsh,
    /// `powershell`: Windows PowerShell.
    PowerShell,
}

/// How to fetch a repository.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as upstream has them"
)]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkout {
    /// `self`, `none`, or an alias.
    pub repository: String,
    /// Whether to remove untracked files first.
    pub clean: bool,
    /// Commits to fetch; 0: all. `None`: the definition decides (1 for new ones).
    pub fetch_depth: Option<u32>,
    /// Whether to fetch tags.
    pub fetch_tags: Option<bool>,
    /// Whether to fetch large files.
    pub lfs: bool,
    /// `true`, `recursive`, or nothing.
    pub submodules: Option<String>,
    /// Where to, below the agent's build directory.
    pub path: Option<String>,
    /// Whether later steps may use the credentials.
    pub persist_credentials: bool,
    /// Whether nobody wrote this step.
    pub implicit: bool,
}

/// A parameter that the pipeline asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// Upstream's word for its type, e.g. `string`.
    pub kind: String,
    /// Default; `None`: must be given.
    pub default: Option<serde_json::Value>,
    /// Allowed values; empty: any.
    pub values: Vec<serde_json::Value>,
    /// Where it stands.
    pub place: Location,
}

/// Reads files of repositories for templates.
pub trait Files {
    /// A file of the pipeline's own repository (`None`) or of an aliased one; `path` begins without `/`.
    fn read(&self, repository_alias: Option<&str>, path: &str) -> Option<String>;
}

/// Files that are already here: (alias, path) to text.
impl<S: std::hash::BuildHasher> Files for std::collections::HashMap<(Option<String>, String), String, S> {
    fn read(&self, repository_alias: Option<&str>, path: &str) -> Option<String> {
        self.get(&(repository_alias.map(str::to_owned), path.to_owned()))
            .cloned()
    }
}

/// A file that a template names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileReference {
    /// Alias of a repository resource; `None`: the pipeline's own.
    pub repository: Option<String>,
    /// Path without leading `/`.
    pub path: String,
}

/// What to compile.
pub struct CompileRequest<'a> {
    /// Path of the file in its repository.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Where templates come from.
    pub files: &'a dyn Files,
    /// Values for parameters, as given when queueing.
    pub parameters: &'a [(String, serde_json::Value)],
    /// Variables known before the start: predefined, of the definition, and set when queueing; later ones win.
    pub variables: &'a [KnownVariable],
}

/// A variable that is known before the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownVariable {
    /// Name.
    pub name: String,
    /// Value; leave empty for a secret.
    pub value: String,
    /// Whether it is secret: then `${{ }}` must not see it.
    pub secret: bool,
}

/// What became of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    /// The pipeline, unless an error makes it unfit to run.
    pub plan: Option<Plan>,
    /// Everything that was found.
    pub diagnostics: Diagnostics,
    /// The parameters that the file declares.
    pub parameters: Vec<Parameter>,
    /// Repositories that the file declares, for fetching templates even when there is no plan yet.
    pub repositories: Vec<RepositoryResource>,
    /// Templates that were asked for and not found. Whoever reads files asynchronously fetches them and compiles again.
    pub missing_files: Vec<FileReference>,
    /// Templates that were read.
    pub used_files: Vec<FileReference>,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Well.
    Succeeded,
    /// Well, with warnings or tolerated failures.
    SucceededWithIssues,
    /// Badly.
    Failed,
    /// It was stopped.
    Canceled,
    /// It did not run.
    Skipped,
}

impl Outcome {
    /// Upstream's word, as `dependencies.x.result` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::SucceededWithIssues => "SucceededWithIssues",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
            Self::Skipped => "Skipped",
        }
    }

    /// Whether `succeeded()` counts it.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Succeeded | Self::SucceededWithIssues)
    }
}
