//! Programs of the machine that tasks are made of. They run as the step does, so what a task may touch is what a script
//! could.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::super::child::{self, Start};
use super::super::container;
use super::super::files::Inside;
use super::super::session::Session;
use super::super::shell::which;
use super::super::step::{Result, StepError};

/// Entries of a directory that a task looks at.
const MOST_ENTRIES: usize = 200_000;
/// Arguments of one call.
const AT_ONCE: usize = 200;

/// Runs a program; fails where it is missing or ends badly. Gives what it wrote, where that is wanted.
pub(super) async fn run(
    session: &Arc<Session>,
    (program, arguments): (&str, &[String]),
    directory: &Path,
    own: &[(String, String)],
    capture: bool,
    stop: &CancellationToken,
) -> Result<String> {
    let inside = container::of_step(session).map_err(StepError::Words)?;
    let found = match inside {
        Some(_) => PathBuf::from(program),
        None if program.contains('/') => PathBuf::from(program),
        None => which(session, program)
            .ok_or_else(|| StepError::Words(format!("`{program}` is not on this machine. Install it.")))?,
    };
    if !capture {
        session.say(&format!("##[command]{program} {}", shown(arguments)));
    }
    let start = Start {
        program: found.display().to_string(),
        arguments: arguments.to_vec(),
        environment: session.environment(own),
        directory: directory.to_owned(),
        container: inside,
        capture,
        ..Start::default()
    };
    let ended = child::run(session, start, stop).await?;
    if ended.stopped {
        return Err(StepError::Said);
    }
    if ended.number() != 0 {
        let words = format!("`{program}` exited with code '{}'.", ended.number());
        return Err(StepError::Words(words));
    }
    Ok(String::from_utf8_lossy(&ended.output).into_owned())
}

fn shown(arguments: &[String]) -> String {
    let first: Vec<&str> = arguments.iter().take(12).map(String::as_str).collect();
    let dots = if arguments.len() > 12 { " …" } else { "" };
    format!("{}{dots}", first.join(" "))
}

/// Removes files and directories, whatever is in them.
pub(super) async fn remove(session: &Arc<Session>, paths: &[PathBuf], stop: &CancellationToken) -> Result {
    for some in paths.chunks(AT_ONCE) {
        let mut arguments = vec!["-rf".to_owned(), "--".to_owned()];
        arguments.extend(some.iter().map(|path| path.display().to_string()));
        run(
            session,
            ("rm", &arguments),
            &session.job.workspace,
            &[],
            false,
            stop,
        )
        .await?;
    }
    Ok(())
}

/// Makes a directory and those above it.
pub(super) async fn make_directory(session: &Arc<Session>, path: &Path, stop: &CancellationToken) -> Result {
    let arguments = ["-p".to_owned(), "--".to_owned(), path.display().to_string()];
    run(
        session,
        ("mkdir", &arguments),
        &session.job.workspace,
        &[],
        true,
        stop,
    )
    .await
    .map(drop)
}

/// Something below a directory.
pub(super) struct Entry {
    /// Counted from the directory.
    pub(super) relative: String,
    pub(super) is_directory: bool,
}

/// Everything below a directory of the workspace, links not followed; what is above comes first.
pub(super) fn below(session: &Session, directory: &Path) -> Result<Vec<Entry>> {
    use std::os::fd::AsRawFd as _;
    let inside = Inside::open(&session.job.workspace)?;
    let mut all = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(current) = open.pop() {
        let handle = inside.file(&directory.join(&current))?;
        let entries = std::fs::read_dir(format!("/proc/self/fd/{}", handle.as_raw_fd()))?;
        let mut names: Vec<_> = entries.flatten().collect();
        names.sort_by_key(std::fs::DirEntry::file_name);
        for entry in names {
            let relative = current.join(entry.file_name());
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            all.push(Entry {
                relative: relative.to_string_lossy().into_owned(),
                is_directory,
            });
            if is_directory {
                open.push(relative);
            }
            if all.len() > MOST_ENTRIES {
                return Err(StepError::Words(format!(
                    "There are more than {MOST_ENTRIES} files below `{}`.",
                    directory.display()
                )));
            }
        }
    }
    Ok(all)
}
