//! Steps: what a job does, one thing after the other.

use pave_diagnostic::Location;
use serde::{Deserialize, Serialize};

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
        /// `current`, `none`, or the alias of a pipeline resource; empty: everything that a deployment begins with.
        source: String,
        /// A run that is chosen here; then `source` says nothing.
        #[serde(default)]
        run: Option<ChosenRun>,
        /// Name; empty for all.
        artifact: String,
        /// Where to; empty for the default.
        path: String,
        /// Patterns, one per line; empty for everything.
        patterns: String,
    },
}

/// A run whose artifacts a step fetches, by `buildType: specific`. Texts hold `$(macros)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenRun {
    /// Project, by name or id; empty for the pipeline's own.
    pub project: String,
    /// Pipeline, by name or id.
    pub pipeline: String,
    /// `latest`, `latestFromBranch` or `specific`.
    pub version: String,
    /// Id of the run, for `specific`.
    pub id: String,
    /// Branch, for `latestFromBranch`.
    pub branch: String,
    /// Tags that it must all have, separated by commas.
    pub tags: String,
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
