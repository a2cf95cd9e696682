//! A job's agent: started, or found running, and followed until it has ended.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pave_devops::Event as FeedEvent;
use pave_pipeline::Outcome;
use rustix::process::Signal;
use tokio::process::{Child, Command};
use uuid::Uuid;

use super::{advance, events, save, timeline};
use crate::agent::job::{Event, Exit, JobDirectory};
use crate::agent::process::{Process, end_all};
use crate::error::{PipelinesError, Result};
use crate::pipelines::Pipelines;
use crate::run::{Progress, Run};

/// How often a job's files are looked at, while something happens and while nothing does.
const LOOK: (Duration, Duration) = (Duration::from_millis(8), Duration::from_millis(80));
/// How often a growing log is told of.
const TELL: Duration = Duration::from_millis(150);
/// How long an agent may take to say that it runs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a job as soon as an agent is free.
pub(crate) fn start(pipelines: &Arc<Pipelines>, run: i64, job: Uuid) {
    let own = Arc::clone(pipelines);
    pipelines.options().tasks.spawn("pipeline job", async move {
        let done = begin(&own, run, job).await;
        conclude(&own, run, job, done).await;
    });
}

/// Follows a job that was under way when we started.
pub(crate) fn adopt(pipelines: &Arc<Pipelines>, run: i64, job: Uuid) {
    let own = Arc::clone(pipelines);
    pipelines.options().tasks.spawn("pipeline job", async move {
        // It has its agent; whoever comes next waits for it to end.
        let permit = Arc::clone(&own.agents).try_acquire_owned().ok();
        let done = async {
            let child = if own.is_prepared(job) {
                Some(spawn(&own, job)?)
            } else {
                None
            };
            Follower::new(&own, run, job, child).follow().await
        };
        let done = done.await;
        drop(permit);
        conclude(&own, run, job, done).await;
    });
}

async fn conclude(pipelines: &Arc<Pipelines>, run: i64, job: Uuid, done: Result<bool>) {
    match done {
        Ok(true) => {}
        // We are being ended: the agent goes on, and is adopted by the next Pave.
        Ok(false) => return,
        Err(error) => {
            tracing::error!(
                run,
                error = &error as &dyn std::error::Error,
                "a job could not be run"
            );
            if let Some(active) = pipelines.active(run) {
                let mut run = active.lock().await;
                timeline::complain(&mut run, job, &format!("The job could not be run: {error}."));
                timeline::end_job(&mut run, job, Outcome::Failed);
            }
        }
    }
    advance(pipelines, run).await;
}

async fn begin(pipelines: &Arc<Pipelines>, id: i64, job: Uuid) -> Result<bool> {
    let token = pipelines.options().tasks.token();
    let agents = Arc::clone(&pipelines.agents);
    let waiting = agents.acquire_owned();
    tokio::pin!(waiting);
    let permit = loop {
        let cancelled = pipelines.cancelled.notified();
        tokio::select! {
            biased;
            () = token.cancelled() => return Ok(false),
            permit = &mut waiting => break permit.ok(),
            () = cancelled => {
                if !is_queued(pipelines, id, job).await {
                    return Ok(true);
                }
            }
        }
    };
    let Some(active) = pipelines.active(id) else {
        return Ok(true);
    };
    {
        let mut run = active.lock().await;
        // It was cancelled while it waited, or somebody else waited for the same.
        if !run.job(job).is_some_and(|(_, job)| job.queued) {
            return Ok(true);
        }
        match super::prepare::write(pipelines, &mut run, job).await? {
            Ok(()) => {}
            Err(words) => {
                timeline::begin_record(&mut run, job);
                timeline::complain(&mut run, job, &words);
                timeline::end_job(&mut run, job, Outcome::Failed);
                return Ok(true);
            }
        }
        if let Some(found) = run.job_mut(job) {
            found.progress = Progress::Running;
            found.queued = false;
        }
        timeline::begin_record(&mut run, job);
        // Saved before the agent starts: after a crash we look for it.
        save(pipelines, &mut run).await?;
        if super::schedule::is_first_leg(&run, job) {
            super::approve::note_deployment(pipelines, &run, job).await?;
        }
    }
    let child = spawn(pipelines, job)?;
    let done = Follower::new(pipelines, id, job, Some(child)).follow().await;
    drop(permit);
    done
}

async fn is_queued(pipelines: &Pipelines, id: i64, job: Uuid) -> bool {
    match pipelines.active(id) {
        Some(active) => active.lock().await.job(job).is_some_and(|(_, job)| job.queued),
        None => false,
    }
}

fn spawn(pipelines: &Pipelines, job: Uuid) -> Result<Child> {
    let directory = pipelines.job_directory(job);
    let wrong = |source| PipelinesError::Write {
        path: directory.file("agent.log"),
        source,
    };
    let log = std::fs::File::create(directory.file("agent.log")).map_err(wrong)?;
    let program = &pipelines.options().agent;
    let mut command = Command::new(&program.program);
    command
        .args(&program.arguments)
        .arg(&directory.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(log))
        .kill_on_drop(false);
    let started = command.spawn();
    started.map_err(|source| PipelinesError::Write {
        path: program.program.clone(),
        source,
    })
}

/// What is known of a job that is being followed.
struct Follower<'a> {
    pipelines: &'a Arc<Pipelines>,
    run: i64,
    job: Uuid,
    directory: JobDirectory,
    child: Option<Child>,
    /// How far the reports were read.
    read: u64,
    /// A report that is not written to its end.
    rest: Vec<u8>,
    /// The log that grows now: its number, bytes and lines seen.
    log: Option<(i64, u64, u64)>,
    told: Instant,
    began: Instant,
}

impl<'a> Follower<'a> {
    fn new(pipelines: &'a Arc<Pipelines>, run: i64, job: Uuid, child: Option<Child>) -> Self {
        let now = Instant::now();
        let directory = pipelines.job_directory(job);
        Self {
            pipelines,
            run,
            job,
            directory,
            child,
            read: 0,
            rest: Vec::new(),
            log: None,
            told: now,
            began: now,
        }
    }

    /// Follows to the end; false when we are to end before.
    async fn follow(mut self) -> Result<bool> {
        let token = self.pipelines.options().tasks.token();
        let mut pause = LOOK.0;
        let mut checked = Instant::now();
        loop {
            let exit = self.directory.file("exit").exists();
            let moved = self.events().await? | self.logs().await;
            if exit {
                self.end().await?;
                return Ok(true);
            }
            if checked.elapsed() > Duration::from_millis(200) {
                checked = Instant::now();
                if !self.is_alive() && !self.directory.file("exit").exists() {
                    self.abandon().await?;
                    return Ok(true);
                }
            }
            pause = if moved { LOOK.0 } else { (pause * 2).min(LOOK.1) };
            tokio::select! {
                () = token.cancelled() => return Ok(false),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn is_alive(&mut self) -> bool {
        // A child that has ended stays in the process list until we ask for it.
        if let Some(child) = &mut self.child {
            return matches!(child.try_wait(), Ok(None));
        }
        match self.directory.read::<Process>("agent.json") {
            Ok(process) => process.is_alive(),
            Err(_) => self.began.elapsed() < PATIENCE && self.pipelines.is_prepared(self.job),
        }
    }

    async fn events(&mut self) -> Result<bool> {
        let fresh = self.fresh();
        if fresh.is_empty() {
            return Ok(false);
        }
        let Some(active) = self.pipelines.active(self.run) else {
            return Ok(false);
        };
        let mut run = active.lock().await;
        for event in fresh {
            if let crate::agent::job::What::StepStarted { step, .. } = &event.what {
                let log = log_of(&run, self.job, *step);
                // The last lines of the step before are told of too.
                self.tell_log(&run);
                self.log = log.map(|log| (log, 0, 0));
            }
            events::apply(&mut run, self.job, event);
        }
        save(self.pipelines, &mut run).await?;
        Ok(true)
    }

    /// Reports that were added since we last looked.
    fn fresh(&mut self) -> Vec<Event> {
        let Ok(mut file) = std::fs::File::open(self.directory.file("events.jsonl")) else {
            return Vec::new();
        };
        if file.metadata().map_or(0, |it| it.len()) <= self.read
            || file.seek(SeekFrom::Start(self.read)).is_err()
        {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        self.read += file.read_to_end(&mut bytes).unwrap_or_default() as u64;
        self.rest.append(&mut bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        whole
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }

    /// Tells of the log that grows.
    async fn logs(&mut self) -> bool {
        let Some((number, seen, lines)) = self.log else {
            return false;
        };
        let size = std::fs::metadata(self.directory.log(number)).map_or(0, |it| it.len());
        if size <= seen || self.told.elapsed() < TELL {
            return false;
        }
        let Ok(mut file) = std::fs::File::open(self.directory.log(number)) else {
            return false;
        };
        let mut bytes = Vec::new();
        if file.seek(SeekFrom::Start(seen)).is_err() || file.read_to_end(&mut bytes).is_err() {
            return false;
        }
        let lines = lines + bytes.split(|byte| *byte == b'\n').count().saturating_sub(1) as u64;
        self.log = Some((number, seen + bytes.len() as u64, lines));
        self.told = Instant::now();
        if let Some(active) = self.pipelines.active(self.run) {
            let project = active.lock().await.project.clone();
            let event = FeedEvent::Log {
                project,
                build: self.run,
                log: number,
                lines,
            };
            self.pipelines.options().feed.publish(event);
        }
        true
    }

    async fn end(&mut self) -> Result {
        if let Some(child) = &mut self.child {
            drop(child.wait().await);
        }
        self.events().await?;
        let exit: std::io::Result<Exit> = self.directory.read("exit");
        let Some(active) = self.pipelines.active(self.run) else {
            return Ok(());
        };
        let mut run = active.lock().await;
        let (outcome, cause) = match exit {
            Ok(exit) => (exit.outcome, exit.cause),
            Err(error) => (
                Outcome::Failed,
                format!("How the job ended cannot be read: {error}."),
            ),
        };
        if !cause.is_empty() {
            timeline::complain(&mut run, self.job, &cause);
        }
        timeline::end_job(&mut run, self.job, outcome);
        self.tell_log(&run);
        Ok(())
    }

    fn tell_log(&self, run: &Run) {
        let Some((log, _, lines)) = self.log else { return };
        let project = run.project.clone();
        self.pipelines.options().feed.publish(FeedEvent::Log {
            project,
            build: run.id,
            log,
            lines,
        });
    }

    /// The agent is gone without a word.
    async fn abandon(&mut self) -> Result {
        self.events().await?;
        let job = self.job.to_string();
        let ended = tokio::task::spawn_blocking(move || end_all(&job, &std::collections::BTreeSet::new()));
        let ended = ended.await.unwrap_or_default();
        crate::agent::clean_containers(&self.directory).await;
        drop(std::fs::remove_file(self.directory.file("secrets.json")));
        drop(std::fs::remove_dir_all(self.pipelines.workspace(self.job)));
        let Some(active) = self.pipelines.active(self.run) else {
            return Ok(());
        };
        let mut run = active.lock().await;
        let words = format!(
            "PV2254: We stopped hearing from the agent: its process ended before the job did ({ended} processes of it were ended). What Terraform had done stands in its state; run again to go on."
        );
        timeline::complain(&mut run, self.job, &words);
        if let Some(record) = run.record_mut(self.job) {
            record.result_word = Some("abandoned".to_owned());
        }
        timeline::end_job(&mut run, self.job, Outcome::Failed);
        Ok(())
    }
}

fn log_of(run: &Run, job: Uuid, step: usize) -> Option<i64> {
    let record = *run.job(job)?.1.steps.get(step)?;
    run.records.iter().find(|it| it.id == record)?.log
}

/// Asks a job's agent to stop.
pub(crate) fn cancel(pipelines: &Pipelines, job: Uuid) {
    let directory = pipelines.job_directory(job);
    // The file says it, the signal makes it sooner.
    drop(std::fs::write(directory.file("cancel"), ""));
    if let Ok(process) = directory.read::<Process>("agent.json") {
        process.signal(Signal::TERM);
    }
}
