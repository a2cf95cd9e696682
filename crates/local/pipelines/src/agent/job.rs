//! What Pave and the agent tell each other, by files in the job's directory.
//!
//! | file | written by | what |
//! |---|---|---|
//! | `job.json`, `secrets.json` | Pave | what to do; the agent removes the secrets as soon as it has read them |
//! | `lock`, `agent.json` | agent | held while it runs; number and start time of its process |
//! | `events.jsonl`, `logs/<n>.log` | agent | what happened, only ever appended to |
//! | `containers.json` | agent | what the job's containers run with, where it has any |
//! | `cancel` | Pave | appears when the job is to stop |
//! | `exit` | agent | how it ended; the last thing written |

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use pave_pipeline::{Container, Dependency, Outcome, Step};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::isolation::Isolation;

/// A job, as the agent gets it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JobFile {
    pub(crate) id: Uuid,
    pub(crate) build: i64,
    pub(crate) definition: i64,
    /// Name for people.
    pub(crate) name: String,
    /// Seconds; 0 for no limit.
    pub(crate) timeout: u64,
    /// Seconds between SIGINT and SIGKILL.
    pub(crate) cancel_timeout: u64,
    pub(crate) output: OutputLimits,
    pub(crate) workspace: PathBuf,
    pub(crate) isolation: Isolation,
    pub(crate) variables: Vec<JobVariable>,
    /// Jobs of the stage that this one depends on.
    pub(crate) dependencies: Vec<Dependency>,
    /// Jobs of the stages that its stage depends on.
    pub(crate) stage_dependencies: Vec<(String, Vec<Dependency>)>,
    pub(crate) repositories: Vec<JobRepository>,
    pub(crate) connections: Vec<Connection>,
    /// Artifacts of the run so far: name and directory.
    pub(crate) artifacts: BTreeMap<String, PathBuf>,
    /// Runs of other pipelines whose artifacts steps may fetch.
    #[serde(default)]
    pub(crate) downloads: Vec<Download>,
    /// What steps run in, and beside; nothing for the machine itself.
    #[serde(default)]
    pub(crate) containers: Containers,
    pub(crate) terraform: TerraformJob,
    /// Steps with the id of their record; log `n` belongs to the step at `n`.
    pub(crate) steps: Vec<JobStep>,
    /// Certificate of the local authority, for clients that a step starts.
    pub(crate) authority: Option<PathBuf>,
}

/// How much of a step's output is kept.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct OutputLimits {
    pub(crate) head: u64,
    pub(crate) tail: u64,
    /// Bytes of artifacts and attachments of one job.
    pub(crate) artifacts: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JobStep {
    pub(crate) record: Uuid,
    pub(crate) log: i64,
    pub(crate) step: Step,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct JobVariable {
    pub(crate) name: String,
    /// Empty for a secret; its value is in the secrets.
    pub(crate) value: String,
    pub(crate) secret: bool,
    pub(crate) read_only: bool,
}

/// A repository that `checkout` may name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JobRepository {
    pub(crate) alias: String,
    pub(crate) name: String,
    pub(crate) url: String,
    /// Full name.
    pub(crate) reference: String,
    /// Commit; empty for the head of the reference.
    pub(crate) version: String,
}

/// A service connection, without its secrets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Connection {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) scheme: String,
    pub(crate) url: String,
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) parameters: BTreeMap<String, String>,
}

/// A run of another pipeline.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Download {
    /// Alias of the resource; empty where a step chooses the run itself.
    pub(crate) alias: String,
    /// Record of the step that chooses it; empty for a resource.
    pub(crate) step: String,
    /// For people.
    pub(crate) title: String,
    /// Why there is none.
    pub(crate) refused: String,
    /// Name and directory.
    pub(crate) artifacts: BTreeMap<String, PathBuf>,
}

/// Containers of a job, macros filled in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Containers {
    pub(crate) own: Option<Container>,
    /// With the names under which steps reach them.
    pub(crate) services: Vec<(String, Container)>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct TerraformJob {
    pub(crate) program: Option<PathBuf>,
    pub(crate) cli_config: Option<PathBuf>,
    pub(crate) metadata_authority: Option<PathBuf>,
    pub(crate) mirror: Option<PathBuf>,
    pub(crate) visible: Vec<PathBuf>,
    /// Directory of all kept states.
    pub(crate) states: PathBuf,
    /// Road id of the run, in UUID form.
    pub(crate) correlation: Option<String>,
    /// Where a federated token for a connection is asked for.
    pub(crate) oidc_request: String,
}

/// What must not stay on disk.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// Key that secret output variables are sealed with on their way back.
    pub(crate) key: String,
    pub(crate) access_token: String,
    pub(crate) variables: BTreeMap<String, String>,
    /// Secret parameters of connections, by the connection's id.
    pub(crate) connections: BTreeMap<String, BTreeMap<String, String>>,
}

/// An error or a warning of a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Issue {
    /// `error` or `warning`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) category: String,
    pub(crate) message: String,
    /// Upstream's words: `logFileLineNumber`, `sourcepath`, `linenumber`, `columnnumber`, `code`.
    pub(crate) data: BTreeMap<String, String>,
}

/// One line of `events.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) at: String,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What happened in a job. `step` is an index into the steps of the job file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum What {
    JobStarted,
    StepStarted {
        step: usize,
        name: String,
        attempt: u32,
    },
    StepEnded {
        step: usize,
        outcome: Outcome,
        issues: Vec<Issue>,
        lines: u64,
    },
    Progress {
        step: usize,
        percent: u32,
        text: String,
    },
    /// An output variable; the value of a secret is sealed.
    Output {
        step: String,
        name: String,
        value: String,
        secret: bool,
    },
    Artifact {
        name: String,
    },
    Attachment {
        step: usize,
        category: String,
        name: String,
    },
    Tag {
        tag: String,
    },
    BuildNumber {
        number: String,
    },
    Leftovers {
        ended: usize,
    },
}

/// How a job ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) outcome: Outcome,
    pub(crate) at: String,
    /// Why, where that is not the fault of a step.
    pub(crate) cause: String,
}

/// The files of a job.
#[derive(Debug, Clone)]
pub(crate) struct JobDirectory(pub(crate) PathBuf);

impl JobDirectory {
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn log(&self, number: i64) -> PathBuf {
        self.0.join("logs").join(format!("{number}.log"))
    }

    pub(crate) fn artifact(&self, name: &str) -> PathBuf {
        self.0.join("artifacts").join(safe_name(name))
    }

    pub(crate) fn attachment(&self, category: &str, name: &str) -> PathBuf {
        self.0
            .join("attachments")
            .join(safe_name(category))
            .join(safe_name(name))
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> std::io::Result<T> {
        let text = fs::read(self.file(name))?;
        serde_json::from_slice(&text).map_err(std::io::Error::other)
    }

    /// Writes a file so that it is there wholly or not at all, readable by its owner only.
    pub(crate) fn write<T: Serialize>(&self, name: &str, content: &T) -> std::io::Result<()> {
        let text = serde_json::to_vec(content).map_err(std::io::Error::other)?;
        write_private(&self.file(name), &text)
    }
}

/// Writes a file that only its owner can read, wholly or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

/// A name that people chose, as the name of one file: nothing in it leads elsewhere.
pub(crate) fn safe_name(name: &str) -> String {
    let keep = |character: char| character.is_alphanumeric() || "-_. ".contains(character);
    let safe: String = name
        .chars()
        .map(|it| if keep(it) { it } else { '_' })
        .take(100)
        .collect();
    if safe.is_empty() || safe.chars().all(|it| it == '.') {
        format!("_{safe}")
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_else() {
        for (name, expected) in [
            ("drop", "drop"),
            ("../x", ".._x"),
            ("..", "_.."),
            ("a/b", "a_b"),
            ("", "_"),
        ] {
            assert_eq!(safe_name(name), expected);
        }
    }
}
