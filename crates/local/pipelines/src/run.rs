//! A run: everything that is known of it, as it is stored and as the REST API shows it.

use std::collections::BTreeMap;

use pave_auth::Principal;
use pave_devops::{Project, RepositoryAt};
use pave_diagnostic::Diagnostic;
use pave_pipeline::{Outcome, Plan};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod gate;
mod origin;
mod server;

use crate::agent::job::Issue;

pub(crate) use gate::{CheckStatus, GateCheck, StageGate};
pub(crate) use origin::{Origin, ResolvedPipeline};
pub(crate) use server::{Answer, ServerJob, ServerStep};

/// How far a run, stage or job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Progress {
    #[default]
    Pending,
    Running,
    Completed,
}

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) id: i64,
    pub(crate) project: Project,
    pub(crate) definition: i64,
    pub(crate) definition_name: String,
    pub(crate) number: String,
    /// Upstream's word: `manual`, `individualCI`, `pullRequest`.
    pub(crate) reason: String,
    pub(crate) requested_for: Principal,
    pub(crate) repository: RepositoryAt,
    /// Full name, also `refs/pull/1/merge`.
    pub(crate) branch: String,
    pub(crate) version: String,
    pub(crate) message: String,
    pub(crate) pull_request: Option<PullRequestFacts>,
    /// What started it, where that was another pipeline, another repository, or the clock.
    #[serde(default)]
    pub(crate) origin: Option<Origin>,
    /// Runs of other pipelines that it uses.
    #[serde(default)]
    pub(crate) pipelines: Vec<ResolvedPipeline>,
    /// The checks before its stages, one entry for each attempt of a stage that has any.
    #[serde(default)]
    pub(crate) gates: Vec<StageGate>,
    pub(crate) plan: Plan,
    pub(crate) template_parameters: serde_json::Map<String, serde_json::Value>,
    /// Given when queueing; values of secrets are sealed beside the run.
    pub(crate) variables: Vec<GivenVariable>,
    pub(crate) stages_to_skip: Vec<String>,
    pub(crate) progress: Progress,
    pub(crate) result: Option<Outcome>,
    /// Somebody asked for an end.
    pub(crate) canceled: bool,
    pub(crate) queued_at: String,
    pub(crate) started_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    /// Findings in the YAML.
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) tags: Vec<String>,
    pub(crate) plan_id: Uuid,
    pub(crate) road: Option<String>,
    pub(crate) stages: Vec<StageRun>,
    pub(crate) records: Vec<Record>,
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) logs: Vec<Log>,
    /// What `counter` gave in this run: prefix, seed and number.
    #[serde(default)]
    pub(crate) counters: Vec<(String, i64, i64)>,
    /// Counts the changes of the timeline.
    pub(crate) change: i64,
}

/// What is known of the pull request that is built.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PullRequestFacts {
    pub(crate) id: i64,
    pub(crate) source_branch: String,
    pub(crate) target_branch: String,
    pub(crate) source_commit: String,
    pub(crate) title: String,
}

/// A variable that was given when queueing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct GivenVariable {
    pub(crate) name: String,
    /// Empty for a secret.
    pub(crate) value: String,
    pub(crate) secret: bool,
}

/// A stage of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StageRun {
    pub(crate) name: String,
    pub(crate) record: Uuid,
    pub(crate) progress: Progress,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) attempt: u32,
    /// Approvals that it waits for, by id, with whether they were given.
    pub(crate) approvals: Vec<Uuid>,
    /// Checks were looked for.
    pub(crate) checked: bool,
    /// A person started it (`trigger: manual`).
    pub(crate) released: bool,
    pub(crate) jobs: Vec<JobRun>,
}

/// A job of a stage: one for each leg.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JobRun {
    /// Name of the job in the plan.
    pub(crate) name: String,
    pub(crate) display_name: String,
    /// Leg of the matrix; empty for none.
    pub(crate) leg: String,
    pub(crate) leg_variables: Vec<(String, String)>,
    /// Hook of a deployment whose steps it runs; empty for all steps.
    #[serde(default)]
    pub(crate) hook: String,
    pub(crate) id: Uuid,
    pub(crate) progress: Progress,
    pub(crate) outcome: Option<Outcome>,
    /// Output variables as `step.name`; values of secrets stay sealed with the job's key.
    pub(crate) outputs: BTreeMap<String, OutputValue>,
    /// Records of its steps, in order.
    pub(crate) steps: Vec<Uuid>,
    /// How far it is where the server runs it and no agent does.
    #[serde(default)]
    pub(crate) server: Option<ServerJob>,
    /// It waits for an agent. After a restart it is looked at anew.
    #[serde(skip)]
    pub(crate) queued: bool,
}

/// An output variable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OutputValue {
    pub(crate) value: String,
    pub(crate) secret: bool,
}

/// A record of the timeline.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: Uuid,
    pub(crate) parent: Option<Uuid>,
    /// `Stage`, `Phase`, `Job`, `Task`, `Checkpoint`, `Checkpoint.Approval`.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) ref_name: String,
    pub(crate) identifier: String,
    pub(crate) progress: Progress,
    pub(crate) outcome: Option<Outcome>,
    /// A result that is none of a step's: `abandoned`.
    pub(crate) result_word: Option<String>,
    pub(crate) started_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    pub(crate) percent: Option<u32>,
    pub(crate) operation: Option<String>,
    /// Why it did not run, for people.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    pub(crate) order: i64,
    pub(crate) attempt: u32,
    pub(crate) issues: Vec<Issue>,
    pub(crate) log: Option<i64>,
    pub(crate) worker: Option<String>,
    pub(crate) task: Option<(String, u32)>,
    /// Earlier attempts, as `previousAttempts` shows them: attempt and record.
    pub(crate) previous: Vec<(u32, Uuid)>,
}

/// An artifact: a directory of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Artifact {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) job: Uuid,
}

/// An attachment: a file of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) job: Uuid,
    pub(crate) record: Uuid,
    pub(crate) category: String,
    pub(crate) name: String,
    pub(crate) created_at: String,
}

/// A log: a file of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Log {
    pub(crate) id: i64,
    pub(crate) job: Uuid,
    pub(crate) record: Uuid,
    pub(crate) created_at: String,
}

impl Run {
    pub(crate) fn record_mut(&mut self, id: Uuid) -> Option<&mut Record> {
        self.change += 1;
        self.records.iter_mut().find(|record| record.id == id)
    }

    pub(crate) fn job(&self, id: Uuid) -> Option<(&StageRun, &JobRun)> {
        self.stages
            .iter()
            .find_map(|stage| Some((stage, stage.jobs.iter().find(|job| job.id == id)?)))
    }

    pub(crate) fn job_mut(&mut self, id: Uuid) -> Option<&mut JobRun> {
        self.stages
            .iter_mut()
            .flat_map(|stage| &mut stage.jobs)
            .find(|job| job.id == id)
    }

    pub(crate) fn stage_mut(&mut self, name: &str) -> Option<&mut StageRun> {
        self.stages
            .iter_mut()
            .find(|stage| stage.name.eq_ignore_ascii_case(name))
    }

    /// State for those who only care for the run as a whole.
    pub(crate) fn state(&self) -> pave_devops::RunState {
        use pave_devops::RunState;
        match (self.progress, self.result) {
            (Progress::Completed, Some(Outcome::Canceled)) => RunState::Canceled,
            (
                Progress::Completed,
                Some(Outcome::Succeeded | Outcome::SucceededWithIssues | Outcome::Skipped),
            ) => RunState::Succeeded,
            (Progress::Completed, _) => RunState::Failed,
            _ => {
                let jobs = self.stages.iter().flat_map(|stage| &stage.jobs);
                let running = jobs.clone().any(|job| job.progress == Progress::Running);
                if running {
                    RunState::Running
                } else {
                    RunState::Waiting
                }
            }
        }
    }

    /// The number of the next log.
    pub(crate) fn next_log(&self) -> i64 {
        self.logs.last().map_or(1, |log| log.id + 1)
    }
}
