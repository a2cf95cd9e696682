use serde::{Deserialize, Serialize};

use super::Decision;
use crate::{JobKind, Outcome, Plan, Stage};

/// How far a run is. Can be written down and read again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Whether somebody has canceled it.
    pub canceled: bool,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Variables that all conditions see: predefined and of the run, worked out.
    pub variables: Vec<(String, String)>,
    /// Names of those variables whose values must not be shown.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Stages that a person left out when queueing.
    pub skipped_by_person: Vec<String>,
    /// Stages, in the order of the plan.
    pub stages: Vec<StageState>,
}

/// How far a stage is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageState {
    /// Name.
    pub name: String,
    /// How far.
    pub progress: Progress,
    /// Variables that conditions of the stage and of its jobs see besides, worked out.
    pub variables: Vec<(String, String)>,
    /// For `trigger: manual`: whether a person has started it.
    pub started_by_person: bool,
    /// 1 at first.
    pub attempt: u32,
    /// Jobs, in the order of the plan.
    pub jobs: Vec<JobState>,
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobState {
    /// Name.
    pub name: String,
    /// How far.
    pub progress: Progress,
    /// Legs; one without a name where there is no matrix.
    pub legs: Vec<LegState>,
}

/// How far one leg of a job is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LegState {
    /// Name; `None` where there is no matrix.
    pub name: Option<String>,
    /// How far.
    pub progress: Progress,
    /// 1 at first.
    pub attempt: u32,
    /// Output variables: `step.variable`.
    pub outputs: Vec<(String, String)>,
}

/// How far something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Not begun.
    #[default]
    Pending,
    /// A stage whose checks are open.
    Waiting,
    /// Under way.
    Running,
    /// Ended.
    Completed(Outcome),
}

impl Progress {
    /// How it ended.
    #[must_use]
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Completed(outcome) => Some(outcome),
            _ => None,
        }
    }
}

fn leg(name: Option<String>) -> LegState {
    LegState {
        name,
        attempt: 1,
        ..LegState::default()
    }
}

impl RunState {
    /// Nothing has begun.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let job = |job: &crate::Job| JobState {
            name: job.name.clone(),
            progress: Progress::Pending,
            legs: if job.matrix.is_empty() {
                vec![leg(None)]
            } else {
                job.matrix.iter().map(|one| leg(Some(one.name.clone()))).collect()
            },
        };
        Self {
            stages: plan
                .stages
                .iter()
                .map(|stage| StageState {
                    name: stage.name.clone(),
                    attempt: 1,
                    jobs: stage.jobs.iter().map(job).collect(),
                    ..StageState::default()
                })
                .collect(),
            ..Self::default()
        }
    }

    /// A stage by name.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&StageState> {
        self.stages
            .iter()
            .find(|stage| stage.name.eq_ignore_ascii_case(name))
    }

    /// A stage by name, to change.
    pub fn stage_mut(&mut self, name: &str) -> Option<&mut StageState> {
        self.stages
            .iter_mut()
            .find(|stage| stage.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn is_skipped_by_person(&self, stage: &str) -> bool {
        self.skipped_by_person
            .iter()
            .any(|name| name.eq_ignore_ascii_case(stage))
    }

    /// Records that a decision was carried out. A stage with open checks is set to [`Progress::Waiting`] instead.
    pub fn apply(&mut self, decision: &Decision) {
        match decision {
            Decision::StartStage { stage } => self.set_stage(stage, Progress::Running),
            Decision::SkipStage { stage, outcome, .. } => {
                self.set_stage(stage, Progress::Completed(*outcome));
                for job in self
                    .stage_mut(stage)
                    .into_iter()
                    .flat_map(|stage| &mut stage.jobs)
                {
                    job.end(*outcome);
                }
            }
            Decision::FinishStage { stage, outcome } => self.set_stage(stage, Progress::Completed(*outcome)),
            Decision::SetMatrix { stage, job, legs } => {
                if let Some(job) = self.job_mut(stage, job) {
                    job.legs = legs.iter().map(|one| leg(Some(one.name.clone()))).collect();
                    job.progress = Progress::Running;
                }
            }
            Decision::StartJob { stage, job, leg } => {
                if let Some(job) = self.job_mut(stage, job) {
                    job.progress = Progress::Running;
                    if let Some(leg) = job.legs.iter_mut().find(|one| one.name == *leg) {
                        leg.progress = Progress::Running;
                    }
                }
            }
            Decision::SkipLeg { stage, job, leg, .. } => {
                self.finish(stage, job, Some(leg), Outcome::Skipped, Vec::new());
            }
            Decision::SkipJob {
                stage, job, outcome, ..
            } => {
                if let Some(job) = self.job_mut(stage, job) {
                    job.end(*outcome);
                }
            }
            Decision::FinishJob { stage, job, outcome } => {
                if let Some(job) = self.job_mut(stage, job) {
                    job.progress = Progress::Completed(*outcome);
                }
            }
            Decision::FinishRun { outcome } => self.outcome = Some(*outcome),
        }
    }

    /// Records how a job or leg ended.
    pub fn finish(
        &mut self,
        stage: &str,
        job: &str,
        leg: Option<&str>,
        outcome: Outcome,
        outputs: Vec<(String, String)>,
    ) {
        let found = self.job_mut(stage, job);
        let found = found.and_then(|job| job.legs.iter_mut().find(|one| one.name.as_deref() == leg));
        if let Some(leg) = found {
            leg.progress = Progress::Completed(outcome);
            leg.outputs = outputs;
        }
    }

    /// Cancels the run: what has not begun does not begin, except where its condition says otherwise.
    pub fn cancel(&mut self) {
        self.canceled = true;
        for leg in self
            .stages
            .iter_mut()
            .flat_map(|stage| &mut stage.jobs)
            .filter(|job| job.progress == Progress::Running)
            .flat_map(|job| &mut job.legs)
        {
            if leg.progress == Progress::Pending {
                leg.progress = Progress::Completed(Outcome::Canceled);
            }
        }
    }

    /// Runs a stage again: its failed, canceled and skipped jobs, or all of them, and every stage after it.
    pub fn retry(&mut self, plan: &Plan, stage: &str, all_jobs: bool) {
        self.canceled = false;
        self.outcome = None;
        if let (Some(found), Some(planned)) = (self.stage_mut(stage), of_plan(plan, stage)) {
            found.again(planned, all_jobs);
        }
        let mut reopened = vec![stage.to_ascii_lowercase()];
        // Plans have no cycles, so going through them once per stage reaches everything below.
        for _ in &plan.stages {
            for one in &plan.stages {
                let name = one.name.to_ascii_lowercase();
                let below = one
                    .depends_on
                    .iter()
                    .any(|above| reopened.contains(&above.to_ascii_lowercase()));
                if below && !reopened.contains(&name) {
                    if let Some(found) = self.stage_mut(&one.name) {
                        found.again(one, true);
                    }
                    reopened.push(name);
                }
            }
        }
    }

    fn set_stage(&mut self, stage: &str, progress: Progress) {
        if let Some(stage) = self.stage_mut(stage) {
            stage.progress = progress;
        }
    }

    fn job_mut(&mut self, stage: &str, job: &str) -> Option<&mut JobState> {
        let jobs = &mut self.stage_mut(stage)?.jobs;
        jobs.iter_mut().find(|one| one.name.eq_ignore_ascii_case(job))
    }
}

impl StageState {
    /// A job by name.
    #[must_use]
    pub fn job(&self, name: &str) -> Option<&JobState> {
        self.jobs.iter().find(|job| job.name.eq_ignore_ascii_case(name))
    }

    fn again(&mut self, plan: &Stage, all_jobs: bool) {
        // What is under way goes on to its end.
        if self.progress.outcome().is_none() {
            return;
        }
        self.progress = Progress::Pending;
        self.attempt += 1;
        // Whoever asks for it again has started it.
        self.started_by_person = true;
        for job in &mut self.jobs {
            let good = job.progress.outcome().is_some_and(Outcome::is_success);
            if good && !all_jobs {
                continue;
            }
            let planned = plan.jobs.iter().find(|one| one.name == job.name);
            let deploys = planned.is_some_and(|one| matches!(one.kind, JobKind::Deployment { .. }));
            job.progress = Progress::Pending;
            if all_jobs && planned.is_some_and(|one| one.matrix_expression.is_some()) {
                // Whatever it is worked out from may say something else now.
                job.legs = vec![LegState {
                    attempt: self.attempt,
                    ..leg(None)
                }];
                continue;
            }
            for leg in &mut job.legs {
                // Hooks depend on each other: a deployment is made again as a whole.
                if all_jobs || deploys || !leg.progress.outcome().is_some_and(Outcome::is_success) {
                    leg.progress = Progress::Pending;
                    leg.attempt = self.attempt;
                    leg.outputs.clear();
                }
            }
        }
    }
}

fn of_plan<'a>(plan: &'a Plan, stage: &str) -> Option<&'a Stage> {
    plan.stages
        .iter()
        .find(|one| one.name.eq_ignore_ascii_case(stage))
}

impl JobState {
    fn end(&mut self, outcome: Outcome) {
        self.progress = Progress::Completed(outcome);
        for leg in &mut self.legs {
            if leg.progress.outcome().is_none() {
                leg.progress = Progress::Completed(outcome);
            }
        }
    }
}
