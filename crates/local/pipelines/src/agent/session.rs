//! What is known while a job runs: variables, what to mask, the log and the issues of the current step.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pave_pipeline::{Masker, Outcome};

use super::container::Runtime;
use super::job::{Event, Issue, JobDirectory, JobFile, Secrets, What};
use super::log::StepLog;
use super::terraform::errors::Reader;

/// Issues of one step that are kept; a thousand equal lines help nobody.
const MOST_ISSUES: usize = 50;

/// How deep variables may name each other.
const DEEPEST: u32 = 10;

/// A job that runs.
pub(crate) struct Session {
    pub(crate) directory: JobDirectory,
    pub(crate) job: JobFile,
    pub(crate) secrets: Secrets,
    state: Mutex<State>,
}

/// A variable with its value.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) secret: bool,
    pub(crate) read_only: bool,
}

/// What changes while a job runs.
pub(crate) struct State {
    /// By lower-case name.
    pub(crate) variables: BTreeMap<String, Held>,
    pub(crate) masker: Masker,
    /// Directories put before PATH, the last one first.
    pub(crate) paths: Vec<String>,
    pub(crate) step: Option<StepState>,
    /// Process groups of everything that was started.
    pub(crate) groups: BTreeSet<i32>,
    /// How the job stands.
    pub(crate) outcome: Outcome,
    /// Bytes of artifacts and attachments so far.
    pub(crate) stored: u64,
    /// What the job's containers are run with, once they run.
    pub(crate) runtime: Option<Runtime>,
    /// States of Terraform that are ours until the job ends, by working directory.
    pub(crate) kept: BTreeMap<PathBuf, Arc<super::terraform::Kept>>,
    events: File,
}

/// The step that runs now.
pub(crate) struct StepState {
    pub(crate) index: usize,
    /// Name under which its outputs are seen.
    pub(crate) name: String,
    pub(crate) log: StepLog,
    pub(crate) issues: Vec<Issue>,
    /// What the step itself says it ended with.
    pub(crate) completion: Option<Outcome>,
    /// Whether anything came on standard error.
    pub(crate) complained: bool,
    /// `target` of the step.
    pub(crate) target: Option<String>,
    /// Understands Terraform's messages while Terraform runs.
    pub(crate) reader: Option<Reader>,
}

impl Session {
    pub(crate) fn open(directory: JobDirectory, job: JobFile, secrets: Secrets) -> std::io::Result<Self> {
        let events = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(directory.file("events.jsonl"))?;
        let hidden = secrets
            .variables
            .values()
            .chain(std::iter::once(&secrets.access_token));
        let hidden = hidden.chain(secrets.connections.values().flat_map(BTreeMap::values));
        let masker = Masker::new(hidden.filter(|secret| !secret.trim().is_empty()).cloned());
        let variables = job.variables.iter().map(|variable| {
            let secret = secrets.variables.get(&variable.name);
            let held = Held {
                name: variable.name.clone(),
                value: secret.unwrap_or(&variable.value).clone(),
                secret: variable.secret,
                read_only: variable.read_only,
            };
            (variable.name.to_lowercase(), held)
        });
        let state = State {
            variables: variables.collect(),
            masker,
            paths: Vec::new(),
            step: None,
            groups: BTreeSet::new(),
            outcome: Outcome::Succeeded,
            stored: 0,
            runtime: None,
            kept: BTreeMap::new(),
            events,
        };
        Ok(Self {
            directory,
            job,
            secrets,
            state: Mutex::new(state),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Value of a variable, whatever the case of its name.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.state()
            .variables
            .get(&name.to_lowercase())
            .map(|held| held.value.clone())
    }

    /// Fills in `$(macros)`.
    pub(crate) fn expand(&self, text: &str) -> String {
        self.state().expand(text, true)
    }

    /// Writes a line of our own into the log of the current step.
    pub(crate) fn say(&self, text: &str) {
        let mut state = self.state();
        for line in text.lines() {
            state.say(line);
        }
    }

    /// Notes an error of the current step, in its log too.
    pub(crate) fn fail(&self, message: &str) {
        let mut state = self.state();
        state.complain("error", message, BTreeMap::new());
    }

    /// Notes a warning of the current step, in its log too.
    pub(crate) fn warn(&self, message: &str) {
        let mut state = self.state();
        state.complain("warning", message, BTreeMap::new());
    }

    pub(crate) fn event(&self, what: What) {
        self.state().event(what);
    }

    /// Sets a variable from now on.
    pub(crate) fn set(&self, name: &str, value: &str, secret: bool) {
        self.state().set(name, value, secret);
    }
}

impl State {
    /// Fills in `$(macros)`, also those in the values of variables; secrets only where they may be seen.
    pub(crate) fn expand(&self, text: &str, secrets: bool) -> String {
        self.expand_to(text, secrets, DEEPEST)
    }

    fn expand_to(&self, text: &str, secrets: bool, depth: u32) -> String {
        pave_pipeline::expand_macros(text, &|name: &str| {
            let held = self
                .variables
                .get(&name.to_lowercase())
                .filter(|held| secrets || !held.secret)?;
            let value = &held.value;
            let nested = depth > 0 && !held.secret && value.contains("$(");
            Some(if nested {
                self.expand_to(value, secrets, depth - 1)
            } else {
                value.clone()
            })
        })
    }

    /// Appends an event. It is on disk before anything that depends on it happens.
    pub(crate) fn event(&mut self, what: What) {
        let at = pave_runtime::clock::now().to_string();
        let Ok(mut line) = serde_json::to_vec(&Event { at, what }) else {
            return;
        };
        line.push(b'\n');
        // Whoever waits for the job learns from `exit` how it ended; a full disk must not end an apply.
        drop(self.events.write_all(&line));
    }

    /// Makes all events durable.
    pub(crate) fn sync(&self) {
        drop(self.events.sync_data());
    }

    pub(crate) fn say(&mut self, line: &str) {
        let masked = self.masker.mask(line).into_owned();
        if let Some(step) = &mut self.step {
            step.log.line(&masked);
        }
    }

    /// Notes an issue and writes it into the log.
    pub(crate) fn complain(&mut self, kind: &str, message: &str, data: BTreeMap<String, String>) {
        for (index, line) in message.lines().enumerate() {
            let prefix = if index == 0 {
                format!("##[{kind}]")
            } else {
                String::new()
            };
            self.say(&format!("{prefix}{line}"));
        }
        let line = self.step.as_ref().map_or(0, |step| step.log.lines());
        let first = line.saturating_sub(message.lines().count().saturating_sub(1) as u64);
        self.issue(kind, message, data, first);
    }

    /// Notes an issue whose text stands in the log already, at `line`.
    pub(crate) fn issue(&mut self, kind: &str, message: &str, mut data: BTreeMap<String, String>, line: u64) {
        let message = self.masker.mask(message).into_owned();
        let Some(step) = &mut self.step else { return };
        if step.issues.len() >= MOST_ISSUES {
            return;
        }
        data.insert("type".to_owned(), kind.to_owned());
        if line > 0 {
            data.entry("logFileLineNumber".to_owned())
                .or_insert_with(|| line.to_string());
        }
        let category = if data.contains_key("sourcepath") {
            "Code"
        } else {
            "General"
        };
        step.issues.push(Issue {
            kind: kind.to_owned(),
            category: category.to_owned(),
            message,
            data,
        });
    }

    /// Sets a variable unless it is read-only; says so if it is.
    pub(crate) fn set(&mut self, name: &str, value: &str, secret: bool) {
        let key = name.to_lowercase();
        if self.variables.get(&key).is_some_and(|held| held.read_only) {
            let message = format!("Overwriting readonly variable '{name}' is not permitted.");
            self.complain("warning", &message, BTreeMap::new());
            return;
        }
        if secret {
            self.hide(value);
        }
        let held = Held {
            name: name.to_owned(),
            value: value.to_owned(),
            secret,
            read_only: false,
        };
        self.variables.insert(key, held);
    }

    pub(crate) fn hide(&mut self, secret: &str) {
        if !secret.trim().is_empty() {
            self.masker.add(secret);
        }
    }
}
