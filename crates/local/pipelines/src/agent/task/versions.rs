//! `UsePythonVersion`, `NodeTool` and `UseNode`: what is installed is put first on PATH; nothing is fetched.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::super::container;
use super::super::files::Inside;
use super::super::session::Session;
use super::super::step::{Result, StepError};
use super::{Inputs, tool};

/// A program that was found, with its version.
struct Found {
    path: PathBuf,
    version: String,
}

/// `UsePythonVersion@0`.
pub(super) async fn python(session: &Arc<Session>, inputs: &Inputs, stop: &CancellationToken) -> Result {
    let spec = inputs.get(&["versionSpec"]).unwrap_or("3.x").trim().to_owned();
    let is_python = |name: &str| {
        name.strip_prefix("python")
            .is_some_and(|rest| rest.chars().all(|char| char.is_ascii_digit() || char == '.'))
    };
    let chosen = choose(session, "Python", &spec, &is_python, stop).await?;
    let location = chosen.path.parent().unwrap_or(&chosen.path).display().to_string();
    if inputs.get(&["addToPath"]).is_none() || inputs.flag("addToPath") {
        prepend(session, "python", &chosen.path, &["python", "python3"])?;
    }
    output(session, "pythonLocation", &location);
    session.say(&format!(
        "Python {} is {}.",
        chosen.version,
        chosen.path.display()
    ));
    Ok(())
}

/// `NodeTool@0` and `UseNode@1`.
pub(super) async fn node(
    session: &Arc<Session>,
    inputs: &Inputs,
    usual: &str,
    stop: &CancellationToken,
) -> Result {
    let from_file = inputs
        .get(&["versionSource"])
        .is_some_and(|source| source.eq_ignore_ascii_case("fromFile"));
    let spec = if from_file {
        use std::io::Read as _;
        let file = session.path(inputs.must(&["versionFilePath"])?);
        let mut text = String::new();
        let opened = Inside::open(&session.job.workspace)?.file(&file)?;
        opened.take(4096).read_to_string(&mut text)?;
        text
    } else {
        inputs
            .get(&["versionSpec", "version"])
            .unwrap_or(usual)
            .to_owned()
    };
    let spec = spec.trim();
    let chosen = choose(session, "Node.js", spec, &|name| name == "node", stop).await?;
    prepend(session, "node", &chosen.path, &["node"])?;
    session.say(&format!(
        "Node.js {} is {}.",
        chosen.version,
        chosen.path.display()
    ));
    Ok(())
}

/// The newest of those on PATH that fits.
async fn choose(
    session: &Arc<Session>,
    title: &str,
    spec: &str,
    wanted: &dyn Fn(&str) -> bool,
    stop: &CancellationToken,
) -> Result<Found> {
    if container::of_step(session).map_err(StepError::Words)?.is_some() {
        return Err(StepError::Words(format!(
            "The step runs in a container: choose an image that has {title} {spec}, or write `target: host`."
        )));
    }
    let mut all: Vec<Found> = Vec::new();
    for path in candidates(session, wanted) {
        let program = path.display().to_string();
        let arguments = ["--version".to_owned()];
        let directory = session.sources();
        let asked = tool::run(session, (&program, &arguments), &directory, &[], true, stop).await;
        // What does not even say its version is none.
        let Ok(said) = asked else { continue };
        let version = said.split_whitespace().find(|word| {
            let plain = word.trim_start_matches('v');
            plain.starts_with(|char: char| char.is_ascii_digit())
        });
        if let Some(version) = version {
            all.push(Found {
                version: version.trim_start_matches('v').to_owned(),
                path,
            });
        }
    }
    let here: Vec<String> = all
        .iter()
        .map(|found| format!("{} ({})", found.version, found.path.display()))
        .collect();
    let fitting = all
        .into_iter()
        .filter(|found| pave_pipeline::version_fits(spec, &found.version));
    // Of equal ones the first on PATH.
    let best = fitting.reduce(|best, next| {
        if order(&next.version) > order(&best.version) {
            next
        } else {
            best
        }
    });
    best.ok_or_else(|| {
        let here = if here.is_empty() {
            format!("no {title} is on this machine")
        } else {
            format!("on this machine is {}", here.join(", "))
        };
        StepError::Words(format!(
            "{title} {spec} is asked for, and {here}. Nothing is fetched here: install a version that fits and put it on the PATH that Pave runs with, or ask for one that is here."
        ))
    })
}

fn order(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn candidates(session: &Session, wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let environment = session.environment(&[]);
    let path = environment.into_iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, path)| path).unwrap_or_default();
    let mut all = Vec::new();
    for directory in std::env::split_paths(&path) {
        let mut here: Vec<PathBuf> = std::fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| wanted(&entry.file_name().to_string_lossy()))
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
            .collect();
        here.sort();
        all.extend(here);
    }
    all
}

/// Puts a program first on PATH, under its usual names and nothing else that lies beside it.
fn prepend(session: &Session, tool: &str, program: &Path, names: &[&str]) -> Result {
    let directory = session
        .temporary()
        .join(format!("tool-{tool}-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir(&directory)?;
    for name in names {
        std::os::unix::fs::symlink(program, directory.join(name))?;
    }
    // What is installed with it, such as npm, is found beside it.
    let beside = program.parent().unwrap_or(program).display().to_string();
    let mut state = session.state();
    state.paths.push(beside);
    state.paths.push(directory.display().to_string());
    Ok(())
}

fn output(session: &Session, name: &str, value: &str) {
    let mut state = session.state();
    let step = state
        .step
        .as_ref()
        .map(|step| step.name.clone())
        .unwrap_or_default();
    if step.is_empty() {
        state.set(name, value, false);
    } else {
        state.set(&format!("{step}.{name}"), value, false);
    }
}
