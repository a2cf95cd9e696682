//! Server processes: found by data directory and start time, watched, signalled. They outlive us.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal};

/// How often a process is looked at in the long run. The end of those that we started ourselves is heard of at once, see the engine.
const POLL: Duration = Duration::from_millis(100);

/// The main process of one server. Number and start time together name a process for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Postmaster {
    pub(crate) pid: i32,
    /// Start time in clock ticks since the machine started.
    pub(crate) started: u64,
}

impl Postmaster {
    /// The process with this number, if it is alive.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        start_time(pid).map(|started| Self { pid, started })
    }

    /// The living server process of a data directory, whoever started it.
    pub(crate) fn find(data: &Path) -> Option<Self> {
        let recorded = recorded_pid(data).filter(|pid| serves(*pid, data));
        // The file is missing for a moment while a server starts; the process list is not.
        recorded
            .or_else(|| processes().find(|pid| serves(*pid, data)))
            .and_then(Self::of)
    }

    pub(crate) fn is_alive(self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    /// Returns when the process has ended. It need not be a child of ours, so nobody tells us.
    pub(crate) async fn ended(self) {
        let mut pause = POLL / 32;
        while self.is_alive() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(POLL);
        }
    }

    fn signal(self, signal: Signal) {
        if let (true, Some(pid)) = (self.is_alive(), Pid::from_raw(self.pid)) {
            // It may have ended in between, which is what a signal is for.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Stops the server, letting running transactions roll back; harder as time goes on.
    pub(crate) async fn stop(self) {
        for (signal, patience) in [(Signal::INT, 8), (Signal::QUIT, 4), (Signal::KILL, 4)] {
            self.signal(signal);
            if tokio::time::timeout(Duration::from_secs(patience), self.ended())
                .await
                .is_ok()
            {
                return;
            }
        }
    }

    /// Stops the server at once; its data is going to be removed.
    pub(crate) async fn stop_now(self) {
        for (signal, patience) in [(Signal::QUIT, 3), (Signal::KILL, 4)] {
            self.signal(signal);
            if tokio::time::timeout(Duration::from_secs(patience), self.ended())
                .await
                .is_ok()
            {
                return;
            }
        }
    }
}

/// Ends what a killed server left behind: its children hold the shared memory that a new server must not join.
pub(crate) fn end_orphans(data: &Path) {
    for pid in processes().filter(|pid| works_in(*pid, data)) {
        if let Some(pid) = Pid::from_raw(pid) {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

/// Removes lock files that name a process which is not this server: after a crash its number may have been reused.
///
/// Files that name a dead process stay, PostgreSQL knows better how to check what else is left of it.
pub(crate) fn remove_stale_locks(data: &Path, socket_directory: &Path, port: u16) {
    let socket_lock = socket_directory.join(format!(".s.PGSQL.{port}.lock"));
    for file in [data.join("postmaster.pid"), socket_lock] {
        if let Some(pid) = first_line(&file)
            && start_time(pid).is_some()
            && !serves(pid, data)
        {
            drop(fs::remove_file(file));
        }
    }
}

/// Whether the server says in its lock file that it accepts connections. A file left by an earlier process does not count.
pub(crate) fn is_ready(data: &Path, postmaster: Postmaster) -> bool {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    let same = lines.next().and_then(|pid| pid.parse().ok()) == Some(postmaster.pid);
    same && lines.nth(6) == Some("ready")
}

fn recorded_pid(data: &Path) -> Option<i32> {
    first_line(&data.join("postmaster.pid"))
}

fn first_line(file: &Path) -> Option<i32> {
    fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether this is a `postgres -D <data>`: children overwrite their command line, so only the main process matches.
fn serves(pid: i32, data: &Path) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = command.split(|byte| *byte == 0);
    let program = words
        .next()
        .map(|word| PathBuf::from(OsString::from_vec(word.to_vec())));
    let is_server = program
        .as_deref()
        .and_then(Path::file_name)
        .is_some_and(|name| name == "postgres");
    is_server && words.next() == Some(b"-D") && words.next() == Some(data.as_os_str().as_bytes())
}

fn works_in(pid: i32, data: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|directory| directory == data)
}

/// Start time of a living process; a zombie has ended.
fn start_time(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; what follows the last one is regular.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_itself_and_nobody_else() {
        let own = i32::try_from(std::process::id()).unwrap();
        let found = Postmaster::of(own).unwrap();
        assert!(found.is_alive());
        assert!(
            !Postmaster {
                started: found.started + 1,
                ..found
            }
            .is_alive()
        );
        assert_eq!(Postmaster::find(Path::new("/nowhere")), None);
    }

    #[test]
    fn a_lock_file_of_a_stranger_is_removed_and_of_the_dead_kept() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("postmaster.pid");
        for (pid, kept) in [(std::process::id(), false), (4_194_300, true)] {
            fs::write(&file, format!("{pid}\n")).unwrap();
            remove_stale_locks(directory.path(), directory.path(), 5432);
            assert_eq!(file.exists(), kept, "{pid}");
        }
    }
}
