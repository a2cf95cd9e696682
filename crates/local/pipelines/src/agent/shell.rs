//! Steps that are lines for a shell.

use std::path::PathBuf;
use std::sync::Arc;

use pave_pipeline::Shell;
use tokio_util::sync::CancellationToken;

use super::child::{self, Start};
use super::container;
use super::session::Session;
use super::step::{Result, StepError};

/// What a shell is to run.
pub(crate) struct Script {
    pub(crate) shell: Shell,
    pub(crate) text: String,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) fail_on_stderr: bool,
    pub(crate) arguments: Vec<String>,
}

/// Runs a script in a file of its own, as upstream does.
pub(crate) async fn run(
    session: &Arc<Session>,
    script: Script,
    environment: &[(String, String)],
    stop: &CancellationToken,
) -> Result {
    let (program, mut arguments, extension) = match script.shell {
        Shell::Bash | Shell::Script => ("bash", vec!["--noprofile".to_owned(), "--norc".to_owned()], ".sh"),
        Shell::Pwsh | Shell::PowerShell => {
            let own = ["-NoLogo", "-NoProfile", "-NonInteractive", "-File"];
            ("pwsh", own.map(str::to_owned).to_vec(), ".ps1")
        }
    };
    let inside = container::of_step(session).map_err(StepError::Words)?;
    let found = match inside {
        Some(_) => Some(PathBuf::from(program)),
        None => which(session, program),
    };
    let Some(found) = found else {
        return Err(StepError::Words(format!(
            "`{program}` is not on this machine. {}",
            if program == "pwsh" {
                "Install PowerShell, or write the step as `bash`."
            } else {
                "Install it."
            }
        )));
    };
    // The mark at the start of the file lets PowerShell read it as UTF-8.
    let text = if extension == ".ps1" {
        format!("\u{feff}{}", script.text)
    } else {
        script.text
    };
    let file = session.temporary_file(extension, &text)?;
    arguments.push(file.display().to_string());
    arguments.extend(script.arguments);
    session.say("Script contents:");
    session.say(text.trim_start_matches('\u{feff}'));
    session.say("========================== Starting Command Output ===========================");
    session.say(&format!("##[command]{} {}", found.display(), arguments.join(" ")));
    let directory = script.directory.unwrap_or_else(|| session.sources());
    if !directory.is_dir() {
        return Err(StepError::Words(format!(
            "The working directory `{}` does not exist.",
            directory.display()
        )));
    }
    let start = Start {
        program: found.display().to_string(),
        arguments,
        environment: session.environment(environment),
        directory,
        container: inside,
        ..Start::default()
    };
    let ended = child::run(session, start, stop).await?;
    drop(std::fs::remove_file(file));
    if ended.stopped {
        return Err(StepError::Said);
    }
    if ended.number() != 0 {
        let name = if program == "bash" { "Bash" } else { "PowerShell" };
        return Err(StepError::Words(format!(
            "{name} exited with code '{}'.",
            ended.number()
        )));
    }
    let complained = session.state().step.as_ref().is_some_and(|step| step.complained);
    if script.fail_on_stderr && complained {
        let words = format!("{program} wrote one or more lines to the standard error stream.");
        return Err(StepError::Words(words));
    }
    Ok(())
}

/// Where a program lies, on the PATH of steps.
pub(crate) fn which(session: &Session, program: &str) -> Option<PathBuf> {
    let path = session
        .environment(&[])
        .into_iter()
        .find(|(name, _)| name == "PATH")?
        .1;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}
