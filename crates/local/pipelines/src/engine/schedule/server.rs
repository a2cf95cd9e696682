//! Jobs that the server runs itself (`pool: server`): their steps wait for a person, a time, or the answer of a service.
//!
//! [`look`] is asked whenever something may have changed, and works only from what is stored with the run, so that
//! waiting survives every end of Pave.

mod ask;
mod call;

use pave_pipeline::{Action, Level, Outcome, Step};
use uuid::Uuid;

use super::super::prepare::{self, ServerJobFacts};
use super::super::timeline;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{Progress, Run, ServerJob, ServerStep};

pub(crate) use ask::admit;

/// Minutes that a job may take which says `timeoutInMinutes: 0`, as upstream.
const LONGEST: i64 = 30 * 24 * 60;

/// How a step stands.
enum Standing {
    Waits(String),
    Ended(Outcome, String),
}

/// Begins a job.
pub(super) async fn begin(pipelines: &Pipelines, run: &mut Run, id: Uuid) -> Result {
    timeline::begin_record(run, id);
    let facts = match prepare::of_server(pipelines, run, id).await? {
        Ok(facts) => facts,
        Err(words) => {
            timeline::complain(run, id, &words);
            timeline::end_job(run, id, Outcome::Failed);
            return Ok(());
        }
    };
    timeline::add_steps(run, id, &facts.job.steps);
    let minutes = match i64::from(facts.job.timeout_minutes) {
        0 => LONGEST,
        minutes => minutes.min(LONGEST),
    };
    let now = pipelines.clock().now().as_second();
    let steps = facts.job.steps.iter().map(|_| ServerStep::default());
    let server = ServerJob {
        minutes,
        due_at: now + minutes * 60,
        steps: steps.collect(),
    };
    if let Some(job) = run.job_mut(id) {
        job.progress = Progress::Running;
        job.server = Some(server);
    }
    Ok(())
}

/// Takes the server's jobs as far as they go now; whether any has ended.
pub(super) async fn look(pipelines: &Pipelines, run: &mut Run) -> Result<bool> {
    let jobs = run.stages.iter().flat_map(|stage| &stage.jobs);
    let own: Vec<Uuid> = jobs
        .filter(|job| job.progress == Progress::Running && job.server.is_some())
        .map(|job| job.id)
        .collect();
    let mut ended = false;
    for id in &own {
        ended |= go_on(pipelines, run, *id).await?;
    }
    if !own.is_empty() {
        pipelines.gates_changed.notify_one();
    }
    Ok(ended)
}

/// Takes one job as far as it goes now; whether it has ended.
async fn go_on(pipelines: &Pipelines, run: &mut Run, id: Uuid) -> Result<bool> {
    let mut facts = None;
    loop {
        let Some(server) = run.job(id).and_then(|(_, job)| job.server.clone()) else {
            return Ok(false);
        };
        let Some(index) = server.current() else {
            timeline::end_job(run, id, so_far(&server));
            return Ok(true);
        };
        if let Some((outcome, words)) = over(pipelines, run, &server) {
            stop(pipelines, run, (id, index), outcome, &words).await?;
            return Ok(true);
        }
        let known = match facts.take() {
            Some(known) => known,
            None => match prepare::of_server(pipelines, run, id).await? {
                Ok(known) => known,
                Err(words) => {
                    stop(pipelines, run, (id, index), Outcome::Failed, &words).await?;
                    return Ok(true);
                }
            },
        };
        let Some(step) = known.job.steps.get(index) else {
            return Ok(false);
        };
        let here = Here { job: id, index, step };
        if server.steps[index].begun || wanted(run, &known, &here, so_far(&server)) {
            match look_at(pipelines, run, &known, &here).await? {
                Standing::Ended(outcome, words) => end(pipelines, run, &here, outcome, &words),
                Standing::Waits(words) => {
                    here.tell(run, &words);
                    return Ok(false);
                }
            }
        }
        facts = Some(known);
    }
}

/// Why a job ends before its steps have.
fn over(pipelines: &Pipelines, run: &Run, server: &ServerJob) -> Option<(Outcome, String)> {
    if run.canceled {
        return Some((Outcome::Canceled, "The run was canceled.".to_owned()));
    }
    let late = pipelines.clock().now().as_second() >= server.due_at;
    late.then(|| {
        let words = format!(
            "The job ran longer than the maximum time of {} minutes.",
            server.minutes
        );
        (Outcome::Failed, words)
    })
}

/// A step of a job.
struct Here<'a> {
    job: Uuid,
    index: usize,
    step: &'a Step,
}

impl Here<'_> {
    fn record(&self, run: &Run) -> Option<Uuid> {
        run.job(self.job)?.1.steps.get(self.index).copied()
    }

    fn state<'r>(&self, run: &'r mut Run) -> Option<&'r mut ServerStep> {
        run.job_mut(self.job)?.server.as_mut()?.steps.get_mut(self.index)
    }

    /// Says in the timeline what the step waits for.
    fn tell(&self, run: &mut Run, words: &str) {
        let known = |record: &crate::run::Record| record.operation.as_deref() == Some(words);
        let Some(id) = self.record(run) else { return };
        if run.records.iter().any(|record| record.id == id && known(record)) {
            return;
        }
        if let Some(record) = run.record_mut(id) {
            record.operation = Some(words.to_owned());
        }
    }

    /// The task and the text of an input, macros not filled in.
    fn task(&self) -> Option<(&str, &[(String, String)])> {
        match &self.step.action {
            Action::Task { name, inputs, .. } => Some((name, inputs)),
            _ => None,
        }
    }

    /// An input, filled in; of several names the first that is given.
    fn input(&self, facts: &ServerJobFacts, names: &[&str]) -> String {
        self.raw(names)
            .map(|text| facts.filled(&text))
            .unwrap_or_default()
    }

    fn raw(&self, names: &[&str]) -> Option<String> {
        let (_, inputs) = self.task()?;
        names.iter().find_map(|name| {
            let fits =
                |(key, value): &&(String, String)| key.eq_ignore_ascii_case(name) && !value.trim().is_empty();
            inputs.iter().find(fits).map(|(_, value)| value.clone())
        })
    }
}

/// Whether a step is to begin. Where not, it is ended here.
fn wanted(run: &mut Run, facts: &ServerJobFacts, here: &Here<'_>, job: Outcome) -> bool {
    let text = here.step.condition.as_deref().unwrap_or("succeeded()");
    let scope = pave_pipeline::RuntimeScope {
        level: Level::Step { job },
        variables: facts.variables.pairs(),
        ..facts.scope.clone()
    };
    let holds = pave_pipeline::condition(&facts.filled(text), &scope);
    let outcome = match holds {
        Ok(true) if here.step.enabled => return true,
        Ok(_) => Outcome::Skipped,
        Err(_) => Outcome::Failed,
    };
    if let (Err(error), Some(record)) = (holds, here.record(run)) {
        let words = format!("The condition `{text}` cannot be evaluated: {error}");
        timeline::complain(run, record, &words);
    }
    if let Some(state) = here.state(run) {
        state.ended = Some(outcome);
    }
    if let Some(record) = here.record(run) {
        timeline::end_record(run, record, outcome);
    }
    false
}

/// Looks at a step, and begins it where it has not begun.
async fn look_at(
    pipelines: &Pipelines,
    run: &mut Run,
    facts: &ServerJobFacts,
    here: &Here<'_>,
) -> Result<Standing> {
    let Some(state) = here.state(run).map(|state| state.clone()) else {
        return Ok(Standing::Ended(Outcome::Failed, String::new()));
    };
    let now = pipelines.clock().now().as_second();
    if !state.begun {
        let minutes = i64::from(here.step.timeout_minutes);
        if let Some(state) = here.state(run) {
            state.begun = true;
            state.minutes = minutes;
            state.due_at = (minutes > 0).then_some(now + minutes * 60);
        }
        if let Some(record) = here.record(run) {
            timeline::begin_record(run, record);
        }
        say(
            pipelines,
            run,
            here,
            &format!("##[section]Starting: {}", here.step.display_name),
        );
    }
    let name = here.task().map(|(name, _)| name.to_owned()).unwrap_or_default();
    let standing = match name.as_str() {
        "ManualValidation" => ask::look(pipelines, run, facts, here).await?,
        "InvokeRESTAPI" => call::look(pipelines, run, facts, here)?,
        "Delay" => delay(run, facts, here, now),
        other => Standing::Ended(Outcome::Failed, format!("The server does not run `{other}`.")),
    };
    let due = here.state(run).and_then(|state| state.due_at);
    let late = due.is_some_and(|due| due <= now);
    Ok(match standing {
        Standing::Waits(_) if late && name != "ManualValidation" => {
            let words = format!(
                "The task has timed out after {} minutes.",
                here.step.timeout_minutes
            );
            Standing::Ended(Outcome::Failed, words)
        }
        other => other,
    })
}

fn delay(run: &mut Run, facts: &ServerJobFacts, here: &Here<'_>, now: i64) -> Standing {
    let text = here.input(facts, &["delayForMinutes"]);
    let given = if text.trim().is_empty() { "0" } else { text.trim() };
    let Ok(minutes) = given.parse::<u32>().map(i64::from) else {
        let words = format!("`delayForMinutes` is a whole number, not `{given}`.");
        return Standing::Ended(Outcome::Failed, words);
    };
    let Some(state) = here.state(run) else {
        return Standing::Ended(Outcome::Failed, String::new());
    };
    let until = *state.next_at.get_or_insert(now + minutes * 60);
    if until <= now {
        return Standing::Ended(Outcome::Succeeded, format!("Waited for {minutes} minutes."));
    }
    let when = jiff::Timestamp::from_second(until).unwrap_or_default();
    Standing::Waits(format!("Waits until {when}."))
}

/// Ends a step that has begun.
fn end(pipelines: &Pipelines, run: &mut Run, here: &Here<'_>, outcome: Outcome, words: &str) {
    let outcome = match outcome {
        Outcome::Failed if here.step.continue_on_error => Outcome::SucceededWithIssues,
        other => other,
    };
    let bad = !matches!(outcome, Outcome::Succeeded);
    let prefix = if bad { "##[error]" } else { "" };
    if !words.is_empty() {
        say(pipelines, run, here, &format!("{prefix}{words}"));
    }
    say(
        pipelines,
        run,
        here,
        &format!("##[section]Finishing: {}", here.step.display_name),
    );
    if let Some(state) = here.state(run) {
        state.ended = Some(outcome);
    }
    if let Some(record) = here.record(run) {
        if bad {
            timeline::complain(run, record, words);
        }
        if let Some(record) = run.record_mut(record) {
            record.operation = None;
        }
        timeline::end_record(run, record, outcome);
    }
}

/// Ends a job before its steps have ended.
async fn stop(
    pipelines: &Pipelines,
    run: &mut Run,
    (id, index): (Uuid, usize),
    outcome: Outcome,
    words: &str,
) -> Result {
    if outcome == Outcome::Failed {
        timeline::complain(run, id, words);
    }
    let found = run.job(id).and_then(|(_, job)| job.server.clone());
    let Some(mut server) = found else { return Ok(()) };
    if let Some(approval) = server.steps[index].approval {
        let status = if run.canceled { "canceled" } else { "timedOut" };
        super::super::approve::end(pipelines, approval, status).await?;
    }
    for step in server.steps.iter_mut().filter(|step| step.ended.is_none()) {
        step.ended = Some(if step.begun { outcome } else { Outcome::Skipped });
    }
    let begun = server.steps[index].begun;
    if let Some(job) = run.job_mut(id) {
        job.server = Some(server);
    }
    let record = run.job(id).and_then(|(_, job)| job.steps.get(index).copied());
    if let Some(record) = record.filter(|_| begun) {
        write(pipelines, run, id, record, words);
        timeline::complain(run, record, words);
    }
    timeline::end_job(run, id, outcome);
    Ok(())
}

/// How the job stands after the steps that have ended.
fn so_far(server: &ServerJob) -> Outcome {
    let ended = server.steps.iter().filter_map(|step| step.ended);
    ended.fold(Outcome::Succeeded, |job, step| match (job, step) {
        (Outcome::Canceled, _) | (_, Outcome::Canceled) => Outcome::Canceled,
        (Outcome::Failed, _) | (_, Outcome::Failed) => Outcome::Failed,
        (Outcome::SucceededWithIssues, _) | (_, Outcome::SucceededWithIssues) => Outcome::SucceededWithIssues,
        (job, _) => job,
    })
}

fn say(pipelines: &Pipelines, run: &Run, here: &Here<'_>, text: &str) {
    if let Some(record) = here.record(run) {
        write(pipelines, run, here.job, record, text);
    }
}

/// Appends to the log of a step.
fn write(pipelines: &Pipelines, run: &Run, job: Uuid, record: Uuid, text: &str) {
    use std::io::Write as _;
    let Some(log) = run
        .records
        .iter()
        .find(|it| it.id == record)
        .and_then(|it| it.log)
    else {
        return;
    };
    let directory = pipelines.job_directory(job);
    let time = timeline::now();
    let lines: Vec<String> = text.lines().map(|line| format!("{time} {line}\n")).collect();
    let written = std::fs::create_dir_all(directory.file("logs")).and_then(|()| {
        let mut options = std::fs::OpenOptions::new();
        options
            .create(true)
            .append(true)
            .open(directory.log(log))?
            .write_all(lines.concat().as_bytes())
    });
    if let Err(error) = written {
        // What happened stands in the timeline, too.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a log could not be written"
        );
    }
}
