//! Processes that a platform under test may leave behind.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

/// Ends every PostgreSQL server whose command line names something below a directory, at once.
pub(crate) fn end_servers_below(directory: &Path) {
    for (id, _) in servers_below(directory) {
        // SIGQUIT: PostgreSQL's immediate shutdown, which takes its children along.
        if let Some(id) = Pid::from_raw(id) {
            kill_process(id, Signal::QUIT).ok();
        }
    }
}

/// PostgreSQL servers whose command line names something below a directory: process id and data directory.
pub(crate) fn servers_below(directory: &Path) -> Vec<(i32, PathBuf)> {
    let needle = format!("{}/", directory.display());
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let servers = processes.filter_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).into_owned();
        let mut words = command.split('\0');
        let program = words.next()?;
        let place = words.find(|word| word.starts_with(&needle))?;
        program.ends_with("/postgres").then(|| (id, PathBuf::from(place)))
    });
    servers.collect()
}
