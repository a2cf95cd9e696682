//! The agent: runs one job in a process of its own, so that neither the end of Pave nor its death ends the job.
//!
//! It is told by files and tells by files, see [`job`].

mod checkout;
mod child;
mod command;
mod container;
mod environment;
mod files;
pub(crate) mod job;
mod log;
pub(crate) mod process;
mod pump;
mod run;
mod seal;
mod session;
mod shell;
mod step;
mod task;
mod terraform;
mod tunnel;

pub(crate) use container::clean as clean_containers;
pub(crate) use seal::{new_key, open_sealed};

use std::fs;
use std::path::Path;
use std::sync::Arc;

use pave_pipeline::Outcome;
use rustix::fs::{FlockOperation, flock};

use job::{Exit, JobDirectory, JobFile, Secrets};
use process::Process;
use session::Session;

/// Runs the job whose directory is the first argument; gives the exit code of the process.
#[must_use]
pub fn main(arguments: &[String]) -> i32 {
    let [directory] = arguments else { return 2 };
    // A terminal's Ctrl-C and the end of Pave's session are not meant for the job. Fails only if we lead one already.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    match work(Path::new(directory)) {
        Ok(()) => 0,
        Err(error) => {
            let directory = JobDirectory(Path::new(directory).to_owned());
            let cause = format!("the agent could not run the job: {error}");
            let exit = Exit {
                outcome: Outcome::Failed,
                at: pave_runtime::clock::now().to_string(),
                cause,
            };
            i32::from(directory.write("exit", &exit).is_err()) + 1
        }
    }
}

fn work(directory: &Path) -> std::io::Result<()> {
    let directory = JobDirectory(directory.to_owned());
    let lock = fs::File::create(directory.file("lock"))?;
    // Another agent has the job: this one was started by a Pave that did not know.
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() || directory.file("exit").exists() {
        return Ok(());
    }
    let own = Process::own().ok_or_else(|| std::io::Error::other("`/proc` cannot be read"))?;
    directory.write("agent.json", &own)?;
    let job: JobFile = directory.read("job.json")?;
    let secrets: Secrets = directory.read("secrets.json")?;
    fs::remove_file(directory.file("secrets.json"))?;
    fs::create_dir_all(directory.file("logs"))?;
    make_workspace(&job)?;
    let session = Arc::new(Session::open(directory, job, secrets)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let exit = runtime.block_on(run::job(&session));
    runtime.shutdown_background();
    let groups = session.state().groups.clone();
    let ended = process::end_all(&session.job.id.to_string(), &groups);
    if ended > 0 {
        session.event(job::What::Leftovers { ended });
    }
    // What cannot be removed now costs space, not correctness: Pave looks again at its start.
    drop(fs::remove_dir_all(&session.job.workspace));
    session.state().sync();
    session.directory.write("exit", &exit)
}

fn make_workspace(job: &JobFile) -> std::io::Result<()> {
    for name in ["", "s", "a", "b", "TestResults", "_temp", "_temp/home"] {
        let path = job.workspace.join(name);
        fs::create_dir_all(&path)?;
        job.isolation.own(&path)?;
    }
    // Who may enter: the user that runs steps, and nobody else.
    fs::set_permissions(
        &job.workspace,
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )?;
    let authorities = [
        (&job.authority, "authority.pem"),
        (&job.terraform.metadata_authority, "metadata-authority.pem"),
    ];
    for (authority, name) in authorities {
        let Some(authority) = authority else { continue };
        // The original may lie where steps cannot read.
        let copy = job.workspace.join("_temp").join(name);
        fs::copy(authority, &copy)?;
        fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    }
    Ok(())
}
