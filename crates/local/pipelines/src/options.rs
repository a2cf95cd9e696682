use std::path::PathBuf;
use std::sync::Arc;

use pave_auth::{Authorizer, Identities};
use pave_devops::{Feed, Repositories};
use pave_keys::Keys;
use pave_runtime::Tasks;
use url::Url;

use crate::isolation::Isolation;

/// What the pipelines need.
pub struct Options {
    /// Directory for `pipelines.db`, jobs and logs.
    pub data: PathBuf,
    /// Directory for workspaces and Terraform states, which the user that runs steps must reach; `None` chooses one
    /// ([`crate::reachable_workspaces`]).
    pub workspaces: Option<PathBuf>,
    /// Seals secrets, signs federated tokens.
    pub keys: Keys,
    /// Who is known; makes the tokens of runs.
    pub identities: Identities,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// Where code comes from.
    pub repositories: Arc<dyn Repositories>,
    /// Where pushes are heard of, and runs told.
    pub feed: Feed,
    /// The URL that people reach the host by.
    pub base_url: Url,
    /// Where background work is registered.
    pub tasks: Tasks,
    /// How an agent is started.
    pub agent: AgentProgram,
    /// How Terraform is started.
    pub terraform: TerraformSettings,
    /// Certificate of the local authority, for clients that steps start.
    pub authority: Option<PathBuf>,
    /// How steps are kept apart; `None` finds the best that works ([`Isolation::detect`]).
    pub isolation: Option<Isolation>,
    /// How much is allowed.
    pub limits: Limits,
}

/// A program that runs [`crate::agent::main`] with what follows its own arguments.
#[derive(Debug, Clone)]
pub struct AgentProgram {
    /// The program.
    pub program: PathBuf,
    /// Arguments before the job's directory.
    pub arguments: Vec<String>,
}

/// How Terraform is started.
#[derive(Debug, Clone, Default)]
pub struct TerraformSettings {
    /// `terraform` or `tofu`; `None` looks on the PATH of steps.
    pub program: Option<PathBuf>,
    /// `TF_CLI_CONFIG_FILE` for service connections that are not of a public cloud.
    pub cli_config: Option<PathBuf>,
    /// File system mirror that `cli_config` names: lock files are compared with it.
    pub mirror: Option<PathBuf>,
    /// Certificates that the local ARM is trusted by (`SSL_CERT_FILE`).
    pub metadata_host_authority: Option<PathBuf>,
    /// Files and directories that Terraform must see even where the data directory is hidden.
    pub visible: Vec<PathBuf>,
}

/// How much is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Jobs at the same time.
    pub agents: usize,
    /// Bytes of a step's log from its beginning.
    pub log_head: u64,
    /// Bytes of a step's log from its end.
    pub log_tail: u64,
    /// Bytes of artifacts and attachments of one job.
    pub artifacts: u64,
    /// Most seconds of a job; its own limit counts where it is shorter.
    pub job_seconds: u64,
    /// Seconds that a step has to end after a cancel, where that is less than the job's own limit.
    pub cancel_seconds: u64,
    /// Runs whose files are kept, per definition.
    pub kept_runs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            agents: 2,
            log_head: 8 * 1024 * 1024,
            log_tail: 1024 * 1024,
            artifacts: 1024 * 1024 * 1024,
            job_seconds: 6 * 3600,
            cancel_seconds: 300,
            kept_runs: 200,
        }
    }
}
