//! Logging commands, with effect; and conditions, which see what they did.

use std::collections::BTreeMap;
use std::path::Path;

use pave_pipeline::{Level, LoggingCommand, Outcome, RuntimeScope};

use super::files::Inside;
use super::job::What;
use super::seal::seal;
use super::session::{Held, Session};

/// Whether a step's condition holds.
pub(crate) fn condition(session: &Session, text: &str) -> Result<bool, String> {
    pave_pipeline::condition(text, &scope(session)).map_err(|error| error.to_string())
}

/// Why a step does not run whose condition is false, as a sentence.
pub(crate) fn why_skipped(session: &Session, text: Option<&str>) -> String {
    let words = pave_pipeline::why_step_skipped(text, &scope(session));
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    let sentence: String = first.into_iter().flatten().chain(letters).collect();
    session.state().masker.mask(&format!("{sentence}.")).into_owned()
}

fn scope(session: &Session) -> RuntimeScope {
    let state = session.state();
    RuntimeScope {
        secrets: state
            .variables
            .values()
            .filter(|held| held.secret)
            .map(|held| held.name.clone())
            .collect(),
        variables: state
            .variables
            .values()
            .map(|held| (held.name.clone(), held.value.clone()))
            .collect(),
        dependencies: session.job.dependencies.clone(),
        stage_dependencies: session.job.stage_dependencies.clone(),
        level: Level::Step { job: state.outcome },
        canceled: state.outcome == Outcome::Canceled,
        ..RuntimeScope::default()
    }
}

/// Does what a line asked for.
pub(crate) fn obey(command: LoggingCommand, session: &Session) {
    match command {
        LoggingCommand::SetVariable {
            name,
            value,
            secret,
            output,
            read_only,
        } => {
            set_variable(
                session,
                &Held {
                    name,
                    value,
                    secret,
                    read_only,
                },
                output,
            );
        }
        LoggingCommand::SetSecret(secret) => session.state().hide(&secret),
        LoggingCommand::SetEndpoint { value, .. } => session.state().hide(&value),
        LoggingCommand::Complete { outcome, message } => complete(session, outcome, &message),
        LoggingCommand::LogIssue {
            error,
            message,
            source_path,
            line,
            column,
            code,
        } => {
            let number = |number: Option<u32>| number.map(|it| it.to_string());
            let fields = [
                ("sourcepath", source_path),
                ("linenumber", number(line)),
                ("columnnumber", number(column)),
                ("code", code),
            ];
            let data = fields
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?)));
            let data: BTreeMap<String, String> = data.collect();
            session
                .state()
                .complain(if error { "error" } else { "warning" }, &message, data);
        }
        LoggingCommand::PrependPath(path) => session.state().paths.push(path),
        LoggingCommand::Unknown(name) => {
            session.warn(&format!("`##vso[{name}]` is not a command that is known here."));
        }
        of_the_run => of_run(of_the_run, session),
    }
}

fn of_run(command: LoggingCommand, session: &Session) {
    let mut state = session.state();
    let step = state.step.as_ref().map(|step| step.index).unwrap_or_default();
    match command {
        LoggingCommand::SetProgress { percent, operation } => {
            let text = state.masker.mask(&operation).into_owned();
            state.event(What::Progress { step, percent, text });
        }
        LoggingCommand::LogDetail { message, .. } => state.say(&message),
        LoggingCommand::UpdateBuildNumber(number) => {
            let number = state.masker.mask(number.trim()).into_owned();
            state.event(What::BuildNumber { number });
        }
        LoggingCommand::AddBuildTag(tag) => {
            let tag = state.masker.mask(tag.trim()).into_owned();
            state.event(What::Tag { tag });
        }
        LoggingCommand::ArtifactAssociate {
            artifact,
            kind,
            location,
        } => {
            state.say(&format!("Artifact {artifact} of type {kind} is at {location}."));
        }
        files => {
            drop(state);
            of_files(files, session);
        }
    }
}

fn of_files(command: LoggingCommand, session: &Session) {
    let file_name = |path: &str| {
        Path::new(path.trim())
            .file_name()
            .map_or_else(String::new, |it| it.to_string_lossy().into_owned())
    };
    let done = match command {
        LoggingCommand::UploadSummary(path) => {
            attach(session, "Distributedtask.Core.Summary", &file_name(&path), &path)
        }
        LoggingCommand::UploadFile(path) | LoggingCommand::UploadLog(path) => attach(
            session,
            "Distributedtask.Core.FileAttachment",
            &file_name(&path),
            &path,
        ),
        LoggingCommand::AddAttachment { kind, name, path } => attach(session, &kind, &name, &path),
        LoggingCommand::ArtifactUpload {
            artifact,
            path,
            container_folder,
        } => {
            let name = if artifact.is_empty() {
                container_folder
            } else {
                artifact
            };
            super::task::artifact::publish(session, &path, &name).map_err(|error| error.to_string())
        }
        _ => Ok(()),
    };
    if let Err(error) = done {
        session.warn(&error);
    }
}

fn set_variable(session: &Session, held: &Held, output: bool) {
    let mut state = session.state();
    if held.name.trim().is_empty() {
        state.complain(
            "error",
            "`##vso[task.setvariable]` names no variable.",
            BTreeMap::new(),
        );
        return;
    }
    if held.secret && held.value.contains('\n') && held.value.lines().any(|line| line.trim().len() < 3) {
        state.say("##[warning]A short line of a secret with several lines cannot be masked.");
    }
    if held.secret {
        state.hide(&held.value);
    }
    let step = state
        .step
        .as_ref()
        .map(|step| step.name.clone())
        .unwrap_or_default();
    // An output is seen under the step's name, in its own job too.
    let name = if output && !step.is_empty() {
        format!("{step}.{}", held.name)
    } else {
        held.name.clone()
    };
    state.set(&name, &held.value, held.secret);
    if held.read_only
        && let Some(stored) = state.variables.get_mut(&name.to_lowercase())
    {
        stored.read_only = true;
    }
    if output && !step.is_empty() {
        let value = if held.secret {
            seal(&session.secrets.key, &held.value)
        } else {
            Some(held.value.clone())
        };
        let value = value.unwrap_or_default();
        state.event(What::Output {
            step,
            name: held.name.clone(),
            value,
            secret: held.secret,
        });
    }
}

fn complete(session: &Session, outcome: Outcome, message: &str) {
    let mut state = session.state();
    if !message.is_empty() {
        let kind = if outcome == Outcome::Failed {
            "error"
        } else {
            "warning"
        };
        if outcome.is_success() && outcome != Outcome::SucceededWithIssues {
            state.say(message);
        } else {
            state.complain(kind, message, BTreeMap::new());
        }
    }
    if let Some(step) = &mut state.step {
        step.completion = Some(outcome);
    }
}

/// Keeps a file of the step.
pub(crate) fn attach(session: &Session, category: &str, name: &str, path: &str) -> Result<(), String> {
    let words = |error: std::io::Error| format!("`{path}` cannot be attached: {error}");
    let inside = Inside::open(&session.job.workspace).map_err(words)?;
    let file = inside.file(&session.path(path)).map_err(words)?;
    let room = session
        .job
        .output
        .artifacts
        .saturating_sub(session.state().stored);
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, room + 1), &mut text).map_err(words)?;
    if text.len() as u64 > room {
        return Err(format!(
            "`{path}` cannot be attached: it is larger than what a job may keep"
        ));
    }
    keep(session, category, name, &text).map_err(words)
}

/// Keeps text as an attachment of the current step, without secrets.
pub(crate) fn keep(session: &Session, category: &str, name: &str, content: &[u8]) -> std::io::Result<()> {
    let target = session.directory.attachment(category, name);
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut state = session.state();
    let masked: Vec<u8> = match std::str::from_utf8(content) {
        Ok(text) => state.masker.mask(text).into_owned().into_bytes(),
        Err(_) => content.to_vec(),
    };
    std::fs::write(target, &masked)?;
    state.stored += masked.len() as u64;
    let step = state.step.as_ref().map(|step| step.index).unwrap_or_default();
    state.event(What::Attachment {
        step,
        category: category.to_owned(),
        name: name.to_owned(),
    });
    Ok(())
}
