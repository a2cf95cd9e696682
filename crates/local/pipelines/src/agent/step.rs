//! One step: whether it runs, how often, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use pave_pipeline::{Action, Outcome};
use tokio_util::sync::CancellationToken;

use super::job::{JobStep, What};
use super::log::StepLog;
use super::run::Stop;
use super::session::{Session, StepState};
use super::{checkout, shell, task};

/// Why a step could not do its work; the words are for its log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// Said in the log already.
    #[error("the step failed")]
    Said,
    /// To be said.
    #[error("{0}")]
    Words(String),
    /// Something of the machine.
    #[error("{0}")]
    Machine(#[from] std::io::Error),
}

pub(crate) type Result<T = ()> = std::result::Result<T, StepError>;

/// Runs a step unless its condition says otherwise.
pub(crate) async fn run(session: &Arc<Session>, index: usize, stop: &Stop) {
    let JobStep { step, log, .. } = session.job.steps[index].clone();
    let name = session.expand(&step.display_name);
    match wanted(session, &step) {
        Ok(true) => {}
        Ok(false) => {
            let text = if step.enabled {
                let condition = step
                    .condition
                    .as_deref()
                    .map(|text| session.state().expand(text, false));
                super::command::why_skipped(session, condition.as_deref())
            } else {
                "It is disabled (`enabled: false`).".to_owned()
            };
            session.event(What::Progress {
                step: index,
                percent: 0,
                text,
            });
            session.event(What::StepEnded {
                step: index,
                outcome: Outcome::Skipped,
                issues: Vec::new(),
                lines: 0,
            });
            return;
        }
        Err(error) => {
            begin(session, index, log, &name, 1);
            session.fail(&format!(
                "The condition `{}` cannot be evaluated: {error}",
                step.condition.unwrap_or_default()
            ));
            end(session, index, Outcome::Failed, false);
            return;
        }
    }
    let mut attempt = 1;
    loop {
        begin(session, index, log, &name, attempt);
        let outcome = attempt_step(session, index, stop).await;
        let again = outcome == Outcome::Failed && attempt <= step.retries && !stop.asked.is_cancelled();
        if again {
            session.warn(&format!(
                "Retrying the step, attempt {} of {}.",
                attempt + 1,
                step.retries + 1
            ));
            close(session);
            attempt += 1;
            continue;
        }
        end(session, index, outcome, step.continue_on_error);
        return;
    }
}

fn wanted(session: &Session, step: &pave_pipeline::Step) -> std::result::Result<bool, String> {
    if !step.enabled {
        return Ok(false);
    }
    let condition = step.condition.as_deref().unwrap_or("succeeded()");
    let expanded = session.expand(condition);
    super::command::condition(session, &expanded)
}

fn begin(session: &Session, index: usize, log: i64, name: &str, attempt: u32) {
    session.event(What::StepStarted {
        step: index,
        name: name.to_owned(),
        attempt,
    });
    let limits = session.job.output;
    let Ok(log) = StepLog::create(&session.directory.log(log), limits.head, limits.tail) else {
        return;
    };
    let step = &session.job.steps[index].step;
    session.state().step = Some(StepState {
        index,
        name: step.name.clone().unwrap_or_default(),
        target: step.target.clone(),
        log,
        issues: Vec::new(),
        completion: None,
        complained: false,
        reader: None,
    });
    session.say(&format!("##[section]Starting: {name}"));
    if !session.job.isolation.is_isolated() {
        session.say(&format!(
            "##[warning]This step is {}.",
            session.job.isolation.describe()
        ));
    }
}

async fn attempt_step(session: &Arc<Session>, index: usize, stop: &Stop) -> Outcome {
    let wanted = &session.job.steps[index].step;
    let token = stop.for_step().child_token();
    let late = CancellationToken::new();
    let timer = (wanted.timeout_minutes > 0).then(|| {
        let (token, late) = (token.clone(), late.clone());
        let limit = Duration::from_secs(u64::from(wanted.timeout_minutes) * 60);
        tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            late.cancel();
            token.cancel();
        })
    });
    let done = act(session, index, &token).await;
    if let Some(timer) = timer {
        timer.abort();
    }
    if late.is_cancelled() {
        session.fail(&format!(
            "The task has timed out after {} minutes.",
            wanted.timeout_minutes
        ));
        return Outcome::Failed;
    }
    if stop.late.is_cancelled() && token.is_cancelled() {
        session.fail(&format!(
            "The job ran longer than the maximum time of {} seconds; the step was ended.",
            session.job.timeout
        ));
        return Outcome::Failed;
    }
    if token.is_cancelled() {
        session.fail("The operation was canceled.");
        return Outcome::Canceled;
    }
    match done {
        Ok(()) => {}
        Err(StepError::Said) => return Outcome::Failed,
        Err(error) => {
            session.fail(&error.to_string());
            return Outcome::Failed;
        }
    }
    session
        .state()
        .step
        .as_ref()
        .and_then(|step| step.completion)
        .unwrap_or(Outcome::Succeeded)
}

async fn act(session: &Arc<Session>, index: usize, ended: &CancellationToken) -> Result {
    let step = &session.job.steps[index].step;
    match &step.action {
        Action::Script {
            shell,
            text,
            working_directory,
            fail_on_stderr,
        } => {
            let script = shell::Script {
                shell: *shell,
                text: session.expand(text),
                directory: working_directory.as_ref().map(|text| session.path(text)),
                fail_on_stderr: *fail_on_stderr,
                arguments: Vec::new(),
            };
            shell::run(session, script, &step.env, ended).await
        }
        Action::Checkout(checkout) => checkout::run(session, checkout, ended).await,
        Action::Task { name, major, inputs } => {
            task::run(session, (name, *major), inputs, &step.env, ended).await
        }
        Action::Publish { path, artifact } => task::artifact::publish(session, path, artifact),
        Action::Download {
            source,
            run,
            artifact,
            path,
            patterns,
        } => {
            let chosen = run.as_ref().map(|_| session.job.steps[index].record.to_string());
            let wish = task::artifact::Wish {
                source: chosen.as_deref().unwrap_or(source),
                name: artifact,
                path,
                patterns,
            };
            task::artifact::download(session, &wish)
        }
    }
}

/// Writes what the step leaves behind in its log; gives its issues and the number of lines.
fn close(session: &Session) -> (Vec<super::job::Issue>, u64) {
    let mut state = session.state();
    let Some(mut step) = state.step.take() else {
        return (Vec::new(), 0);
    };
    if let Some(found) = step
        .reader
        .as_mut()
        .and_then(super::terraform::errors::Reader::finish)
    {
        state.step = Some(step);
        state.issue(found.kind, &found.message, found.data, found.line);
        let Some(reopened) = state.step.take() else {
            return (Vec::new(), 0);
        };
        step = reopened;
    }
    step.log.finish(&|text| {
        let lines: Vec<_> = text
            .lines()
            .map(|line| state.masker.mask(line).into_owned())
            .collect();
        lines.join("\n")
    });
    (step.issues, step.log.lines())
}

fn end(session: &Session, index: usize, outcome: Outcome, tolerated: bool) {
    let outcome = match outcome {
        Outcome::Failed if tolerated => Outcome::SucceededWithIssues,
        other => other,
    };
    let name = session.expand(&session.job.steps[index].step.display_name);
    session.say(&format!("##[section]Finishing: {name}"));
    let (issues, lines) = close(session);
    let mut state = session.state();
    state.outcome = worse(state.outcome, outcome);
    let status = state.outcome.as_str().to_owned();
    state.set("Agent.JobStatus", &status, false);
    state.event(What::StepEnded {
        step: index,
        outcome,
        issues,
        lines,
    });
}

/// How the job stands after one more step.
fn worse(job: Outcome, step: Outcome) -> Outcome {
    match (job, step) {
        (Outcome::Canceled, _) | (_, Outcome::Canceled) => Outcome::Canceled,
        (Outcome::Failed, _) | (_, Outcome::Failed) => Outcome::Failed,
        (Outcome::SucceededWithIssues, _) | (_, Outcome::SucceededWithIssues) => Outcome::SucceededWithIssues,
        (job, _) => job,
    }
}
