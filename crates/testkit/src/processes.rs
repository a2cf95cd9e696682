//! Processes that a platform under test may leave behind.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Ends every PostgreSQL server whose command line names something below a directory, at once.
pub(crate) fn end_servers_below(directory: &Path) {
    let needle = format!("{}/", directory.display());
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let program = command.split(' ').next().unwrap_or_default();
        if program.ends_with("/postgres") && command.contains(&needle) {
            // SIGQUIT: PostgreSQL's immediate shutdown, which takes its children along.
            kill_process(id, Signal::QUIT).ok();
        }
    }
}
