//! `pave down`: stops the platform and its databases.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::failure::Failure;
use crate::output;
use crate::platform::instance::{Instance, Lock};
use crate::platform::place::Place;
use crate::settings::Settings;

/// How long a platform may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(place: &Place) -> Result<(), Failure> {
    if let Some(instance) = Instance::running(place)? {
        stop(place, &instance).await?;
        output::note("the platform has stopped");
    }
    let stopped = stop_databases(place).await?;
    output::note(match stopped {
        0 => "no database was running".to_owned(),
        count => format!("{count} database(s) stopped; they start again with `pave up`"),
    });
    Ok(())
}

async fn stop(place: &Place, instance: &Instance) -> Result<(), Failure> {
    let process = i32::try_from(instance.process).ok().and_then(Pid::from_raw);
    let process = process.ok_or_else(|| Failure::ours("the recorded process id is not one"))?;
    kill_process(process, Signal::TERM)
        .map_err(|error| Failure::user(format!("cannot stop process {}: {error}", instance.process)))?;
    let begun = Instant::now();
    while Lock::take(place)?.is_none() {
        if begun.elapsed() > PATIENCE {
            return Err(
                Failure::user(format!("process {} does not end", instance.process))
                    .hint("look at its output; `kill -9` loses nothing, everything accepted is on disk"),
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Stops the databases of a platform that does not run; gives how many were running.
pub(crate) async fn stop_databases(place: &Place) -> Result<usize, Failure> {
    if Settings::read(place.root())?.is_none() {
        return Ok(0);
    }
    // Two processes must not manage the same servers.
    let Some(_lock) = Lock::take(place)? else {
        return Err(Failure::user("the platform is running").hint("stop it with `pave down`"));
    };
    Ok(pave_local_azure::stop_servers_below(&database_directory(place)).await)
}

/// Where the databases' data lies.
pub(crate) fn database_directory(place: &Place) -> PathBuf {
    pave_local_azure::reachable_database_directory(&place.azure())
}
