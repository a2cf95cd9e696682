//! Containers of a job: started before its first step by the runtime that is on this machine, removed after its last.
//!
//! Nothing is pretended: where there is no runtime, the job does not run.

mod line;

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use pave_pipeline::Container;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

pub(crate) use line::Inside;

use super::job::{JobDirectory, JobFile};
use super::session::Session;
use crate::isolation::Isolation;

/// Programs that run containers, the preferred one first.
const PROGRAMS: [&str; 2] = ["docker", "podman"];

/// The file of a job that says what its containers run with.
const NOTE: &str = "containers.json";

/// What containers of a job are run with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Runtime {
    pub(crate) program: PathBuf,
    /// Name of the network of the job, and beginning of its containers' names.
    pub(crate) name: String,
}

/// Starts what the job asks for; `Err` says in words why that is not possible.
pub(crate) async fn start(session: &Arc<Session>) -> Result<(), String> {
    let containers = &session.job.containers;
    let Some(first) = containers
        .own
        .as_ref()
        .or_else(|| containers.services.first().map(|(_, it)| it))
    else {
        return Ok(());
    };
    let runtime = find(session, first).await?;
    // For whoever finds the job without its agent.
    let noted = session.directory.write(NOTE, &runtime);
    noted.map_err(|error| refusal(first, &error.to_string()))?;
    session.state().runtime = Some(runtime.clone());
    tell(&runtime, &line::network(&runtime.name), &[])
        .await
        .map_err(|said| refusal(first, &said))?;
    for (alias, service) in &containers.services {
        let arguments = line::service(&runtime.name, alias, service);
        tell(&runtime, &arguments, &service.env)
            .await
            .map_err(|said| refusal(service, &said))?;
    }
    if let Some(own) = &containers.own {
        let arguments = line::own(&runtime.name, own, &session.job.workspace, user(session));
        tell(&runtime, &arguments, &own.env)
            .await
            .map_err(|said| refusal(own, &said))?;
    }
    Ok(())
}

/// Removes the containers of the job and what still runs in them.
pub(crate) async fn remove(session: &Session) {
    let Some(runtime) = session.state().runtime.take() else {
        return;
    };
    remove_all(&runtime, &session.job).await;
}

/// Removes the containers of a job whose agent has died.
pub(crate) async fn clean(directory: &JobDirectory) {
    if let (Ok(runtime), Ok(job)) = (directory.read::<Runtime>(NOTE), directory.read("job.json")) {
        remove_all(&runtime, &job).await;
    }
}

async fn remove_all(runtime: &Runtime, job: &JobFile) {
    for arguments in line::remove(&runtime.name, &job.containers.services) {
        // What was not started cannot be removed, and that is what is wanted.
        drop(tell(runtime, &arguments, &[]).await);
    }
}

/// Where the current step runs; `None`: on the machine itself.
pub(crate) fn of_step(session: &Session) -> Result<Option<Inside>, String> {
    let state = session.state();
    let target = state.step.as_ref().and_then(|step| step.target.clone());
    let target = target.unwrap_or_default();
    let own = session.job.containers.own.is_some();
    let (Some(runtime), true) = (&state.runtime, own) else {
        return match target.as_str() {
            "" | "host" => Ok(None),
            other => Err(format!(
                "The step has `target: {other}`, and the job has no container. Write `container: {other}` at the job."
            )),
        };
    };
    if target == "host" {
        return Ok(None);
    }
    Ok(Some(Inside {
        program: runtime.program.clone(),
        name: format!("{}-job", runtime.name),
        user: user(session),
    }))
}

/// Whom steps run as: the same as on the machine itself, so that the workspace belongs to one.
fn user(session: &Session) -> (u32, u32) {
    match &session.job.isolation {
        Isolation::User { uid, gid } => (*uid, *gid),
        _ => (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        ),
    }
}

async fn find(session: &Session, wanted: &Container) -> Result<Runtime, String> {
    let mut said = Vec::new();
    for program in PROGRAMS {
        let Some(found) = super::shell::which(session, program) else {
            continue;
        };
        let runtime = Runtime {
            program: found,
            name: format!("pave-{}", &session.job.id.simple().to_string()[..12]),
        };
        match tell(&runtime, &["info".to_owned()], &[]).await {
            Ok(()) => return Ok(runtime),
            Err(words) => said.push(format!("`{program}` says: {words}")),
        }
    }
    let found = if said.is_empty() {
        "neither `docker` nor `podman` is on this machine".to_owned()
    } else {
        format!("no containers can be run on this machine ({})", said.join("; "))
    };
    Err(format!(
        "PV2261: {}: the job is to run with container `{}`, and {found}. Install one of them and let the user that Pave runs as use it, or remove `container` and `services` and install what the job needs in a step.",
        wanted.place, wanted.image
    ))
}

fn refusal(container: &Container, said: &str) -> String {
    let registry = match container.endpoint.as_str() {
        "" => String::new(),
        endpoint => format!(
            " Service connection `{endpoint}` is not used for pulling: log in to the registry on this machine."
        ),
    };
    format!(
        "PV2262: {}: container `{}` could not be started: {said}.{registry}",
        container.place, container.image
    )
}

/// Runs the runtime; `Err` is the last line that it said.
async fn tell(runtime: &Runtime, arguments: &[String], env: &[(String, String)]) -> Result<(), String> {
    let output = Command::new(&runtime.program)
        .args(arguments)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    Err(last
        .unwrap_or("it failed without a word")
        .trim()
        .trim_end_matches('.')
        .to_owned())
}
