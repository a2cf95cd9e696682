//! A pipeline after everything that is decided before it starts: templates expanded, names given, defaults filled in.

mod request;
mod step;

use pave_diagnostic::Location;
use serde::{Deserialize, Serialize};

use crate::trigger::Trigger;

pub use request::{CompileRequest, Compiled, FileReference, Files, KnownVariable, Parameter};
pub use step::{Action, Checkout, ChosenRun, Shell, Step};

/// A pipeline that can run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Run number format (`name:`); `None` means `$(Date:yyyyMMdd)$(Rev:.r)`.
    pub run_name: Option<String>,
    /// Which pushes start it.
    pub trigger: Trigger,
    /// Which pull requests start it. Kept only: on Azure Repos the branch policy decides.
    pub pr: Trigger,
    /// When it starts by the clock.
    pub schedules: Vec<Schedule>,
    /// Other repositories that templates and `checkout` name.
    pub repositories: Vec<RepositoryResource>,
    /// Pipelines whose runs it uses, or whose completion starts it.
    #[serde(default)]
    pub pipelines: Vec<PipelineResource>,
    /// Resources that are kept as written: containers, packages, webhooks, builds.
    pub other_resources: Vec<OtherResource>,
    /// What happens to runs that wait for the same exclusive lock: `sequential` or `runLatest`; nothing when not said.
    #[serde(default)]
    pub lock_behavior: Option<String>,
    /// Templates that the file extends, the outermost first.
    #[serde(default)]
    pub extends: Vec<FileReference>,
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
    /// Which pushes to it start the pipeline; [`Trigger::None`] when nothing is written.
    #[serde(default = "never")]
    pub trigger: Trigger,
    /// The commit, once a run has fixed it; empty: the head of the reference.
    #[serde(default)]
    pub version: String,
    /// Where it stands.
    pub place: Location,
}

fn never() -> Trigger {
    Trigger::None
}

/// Another pipeline under an alias.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PipelineResource {
    /// Alias.
    pub alias: String,
    /// Project; empty for the pipeline's own.
    pub project: String,
    /// Name of the pipeline, perhaps with its folder.
    pub source: String,
    /// Number of the run to take; empty: the latest.
    pub version: String,
    /// Branch of the run to take by default; empty: any.
    pub branch: String,
    /// Tags that the run to take must all have.
    pub tags: Vec<String>,
    /// Whether its completion starts this pipeline; `None`: it does not.
    pub trigger: Option<PipelineTrigger>,
    /// Where it stands.
    pub place: Location,
}

/// Which completed runs of another pipeline start this one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PipelineTrigger {
    /// Branches.
    pub branches: crate::trigger::Filter,
    /// Stages that must have succeeded; empty: the whole run.
    pub stages: Vec<String>,
    /// Tags that it must all have.
    pub tags: Vec<String>,
}

impl PipelineTrigger {
    /// Whether a run fits. `stages` are those that succeeded, `succeeded` is about the whole run.
    #[must_use]
    pub fn matches(&self, branch: &str, tags: &[String], stages: &[&str], succeeded: bool) -> bool {
        let has = |list: &[&str], wanted: &str| list.iter().any(|item| item.eq_ignore_ascii_case(wanted));
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let short = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        let done = if self.stages.is_empty() {
            succeeded
        } else {
            self.stages.iter().all(|wanted| has(stages, wanted))
        };
        done && self.branches.matches(short) && self.tags.iter().all(|wanted| has(&tags, wanted))
    }
}

/// A resource that is kept as written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OtherResource {
    /// Key below `resources`, e.g. `containers`.
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
    /// What happens to runs that wait for the same exclusive lock: `sequential` or `runLatest`; nothing when not said.
    #[serde(default)]
    pub lock_behavior: Option<String>,
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
    /// Legs of `strategy.matrix` and `strategy.parallel`; empty: one job. Of a deployment: runs of its hooks, which come
    /// one after the other.
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
    /// The container that its steps run in.
    #[serde(default)]
    pub runs_in: Option<Container>,
    /// Containers that run beside it, with the names under which steps reach them.
    #[serde(default)]
    pub services: Vec<(String, Container)>,
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

/// One leg of a matrix, or one run of a hook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Name.
    pub name: String,
    /// Its variables.
    pub variables: Vec<(String, String)>,
    /// The hook of a deployment whose steps it runs; empty: all steps of the job.
    #[serde(default)]
    pub hook: String,
}

/// A container of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Image, with its registry where it has one.
    pub image: String,
    /// Arguments for `docker create`, as written.
    pub options: String,
    /// Environment, values with `$(macros)`.
    pub env: Vec<(String, String)>,
    /// `host:container` or `container`.
    pub ports: Vec<String>,
    /// `from:to`, as written.
    pub volumes: Vec<String>,
    /// Service connection of the registry; empty for a public one.
    pub endpoint: String,
    /// Where it is asked for.
    pub place: Location,
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
