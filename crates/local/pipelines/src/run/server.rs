//! A job that the server runs itself: how far its steps are. Everything that waits is decided from this.

use pave_pipeline::Outcome;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Progress, Run, StageGate};

/// How far a job without an agent is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ServerJob {
    /// Minutes that it may take, and when they are over, in seconds since the epoch.
    pub(crate) minutes: i64,
    pub(crate) due_at: i64,
    /// One for each step of the job.
    pub(crate) steps: Vec<ServerStep>,
}

/// How far a step is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ServerStep {
    pub(crate) begun: bool,
    pub(crate) ended: Option<Outcome>,
    /// Minutes that it may take, and when they are over, in seconds since the epoch.
    pub(crate) minutes: i64,
    pub(crate) due_at: Option<i64>,
    /// When it ends by itself, or something is to be looked at.
    pub(crate) next_at: Option<i64>,
    /// The question to people.
    pub(crate) approval: Option<Uuid>,
    /// Whether it goes on when nobody answers.
    pub(crate) resumes: bool,
    /// Its service was called, perhaps.
    pub(crate) called: bool,
    pub(crate) answer: Option<Answer>,
}

/// What a service answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) good: bool,
    pub(crate) words: String,
}

impl ServerJob {
    /// The first step that has not ended.
    pub(crate) fn current(&self) -> Option<usize> {
        self.steps.iter().position(|step| step.ended.is_none())
    }

    fn next_at(&self) -> Option<i64> {
        let step = &self.steps[self.current()?];
        let own = [step.due_at, step.next_at, Some(self.due_at)];
        own.into_iter().flatten().min()
    }
}

impl Run {
    /// When something that waits may change by itself, in seconds since the epoch.
    pub(crate) fn next_look(&self) -> Option<i64> {
        let jobs = self.stages.iter().flat_map(|stage| &stage.jobs);
        let waiting = jobs
            .filter(|job| job.progress == Progress::Running)
            .filter_map(|job| job.server.as_ref()?.next_at());
        self.gates
            .iter()
            .filter_map(StageGate::next_at)
            .chain(waiting)
            .min()
    }
}
