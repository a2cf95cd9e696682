//! Artifacts: copied out of the workspace, and into the one of a later job.

use std::path::{Path, PathBuf};

use super::super::files::Inside;
use super::super::job::{Download, What};
use super::super::session::Session;
use super::super::step::{Result, StepError};
use super::copy::matches;

/// Keeps a file or directory as an artifact of the run.
pub(crate) fn publish(session: &Session, path: &str, name: &str) -> Result {
    let name = session.expand(name);
    let name = if name.is_empty() {
        session.job.name.clone()
    } else {
        name
    };
    let source = session.path(path);
    if !source.exists() {
        return Err(StepError::Words(format!(
            "Path does not exist: {}",
            source.display()
        )));
    }
    let inside = Inside::open(&session.job.workspace)?;
    let room = session
        .job
        .output
        .artifacts
        .saturating_sub(session.state().stored);
    let target = session.directory.artifact(&name);
    let (files, bytes) = inside.copy(&source, &target, room)?;
    session.state().stored += bytes;
    session.event(What::Artifact { name: name.clone() });
    session.say(&format!(
        "Published {files} files, {bytes} bytes, as artifact {name}."
    ));
    Ok(())
}

/// Artifacts that a step asks for.
pub(crate) struct Wish<'a> {
    /// `current`, `none`, an alias, or the record of a step that chooses a run; empty for everything.
    pub(crate) source: &'a str,
    /// Empty for all.
    pub(crate) name: &'a str,
    pub(crate) path: &'a str,
    pub(crate) patterns: &'a str,
}

/// Brings artifacts into the workspace: of this run, or of one of another pipeline.
pub(crate) fn download(session: &Session, wish: &Wish) -> Result {
    if wish.source.eq_ignore_ascii_case("none") {
        return Ok(());
    }
    if wish.source.is_empty() {
        fetch(session, wish, &available(session), "this run", "")?;
        for other in &session.job.downloads {
            if !other.alias.is_empty() && other.refused.is_empty() {
                fetch(session, wish, &of_other(other), &other.title, &other.alias)?;
            }
        }
        return Ok(());
    }
    if wish.source.eq_ignore_ascii_case("current") {
        return fetch(session, wish, &available(session), "this run", "");
    }
    let found = session
        .job
        .downloads
        .iter()
        .find(|it| it.alias.eq_ignore_ascii_case(wish.source) || it.step == wish.source);
    let Some(other) = found else {
        return Err(StepError::Words(format!(
            "There is no pipeline resource `{}`. Declare it below `resources: pipelines:`, or write `current`.",
            wish.source
        )));
    };
    if !other.refused.is_empty() {
        return Err(StepError::Words(other.refused.clone()));
    }
    session.say(&format!("Artifacts are those of {}.", other.title));
    fetch(session, wish, &of_other(other), &other.title, &other.alias)
}

fn of_other(other: &Download) -> Vec<(String, PathBuf)> {
    other.artifacts.clone().into_iter().collect()
}

/// Copies what is asked for out of `all`; `below` is a directory in the workspace.
fn fetch(session: &Session, wish: &Wish, all: &[(String, PathBuf)], title: &str, below: &str) -> Result {
    let name = session.expand(wish.name);
    let wanted: Vec<&(String, PathBuf)> = all
        .iter()
        .filter(|(other, _)| name.is_empty() || other.eq_ignore_ascii_case(&name))
        .collect();
    if wanted.is_empty() && !name.is_empty() {
        let known: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        return Err(StepError::Words(format!(
            "Artifact `{name}` was not found in {title}; there are: `{}`.",
            known.join("`, `")
        )));
    }
    let base = if wish.path.is_empty() {
        session.job.workspace.join(below)
    } else {
        session.path(wish.path)
    };
    if !base.starts_with(&session.job.workspace) {
        return Err(StepError::Words(
            "Artifacts can be put into the workspace only.".to_owned(),
        ));
    }
    let patterns = session.expand(wish.patterns);
    for (artifact, directory) in wanted {
        // A directory of its own, unless one artifact was asked for with a path.
        let target = if name.is_empty() || wish.path.is_empty() {
            base.join(artifact)
        } else {
            base.clone()
        };
        let files = bring(session, directory, &target, &patterns)?;
        session.say(&format!(
            "Downloaded {files} files of artifact {artifact} to {}.",
            target.display()
        ));
    }
    Ok(())
}

fn available(session: &Session) -> Vec<(String, PathBuf)> {
    let mut all: Vec<(String, PathBuf)> = session.job.artifacts.clone().into_iter().collect();
    let own = std::fs::read_dir(session.directory.file("artifacts"))
        .into_iter()
        .flatten()
        .flatten();
    all.extend(own.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())));
    all
}

fn bring(session: &Session, directory: &Path, target: &Path, patterns: &str) -> Result<u64> {
    let mut files = 0;
    let mut open = vec![directory.to_owned()];
    make_directory(session, target)?;
    while let Some(current) = open.pop() {
        for entry in std::fs::read_dir(&current)? {
            let entry = entry?;
            let path = entry.path();
            let relative = path.strip_prefix(directory).unwrap_or(&path).to_owned();
            let to = target.join(&relative);
            if entry.file_type()?.is_dir() {
                make_directory(session, &to)?;
                open.push(path);
            } else if matches(patterns, &relative.to_string_lossy()) {
                // A link that a step put here before must not be written through.
                drop(std::fs::remove_file(&to));
                std::fs::copy(&path, &to)?;
                session.job.isolation.own(&to)?;
                files += 1;
            }
        }
    }
    Ok(files)
}

fn make_directory(session: &Session, path: &Path) -> Result {
    let missing: Vec<&Path> = path.ancestors().take_while(|part| !part.exists()).collect();
    for part in missing.into_iter().rev() {
        std::fs::create_dir(part)?;
        session.job.isolation.own(part)?;
    }
    let real = path.canonicalize()?;
    if real.starts_with(session.job.workspace.canonicalize()?) {
        Ok(())
    } else {
        Err(StepError::Words(format!(
            "`{}` leads out of the workspace.",
            path.display()
        )))
    }
}
