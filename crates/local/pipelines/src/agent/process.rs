//! Processes of a job: named by number and start time, found again by the mark in their environment.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

/// The variable that marks every process of a job.
pub(crate) const MARK: &str = "PAVE_JOB";

/// A process. Number and start time together name it for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// Start time in clock ticks since the machine started.
    pub(crate) started: u64,
}

impl Process {
    pub(crate) fn own() -> Option<Self> {
        Self::of(i32::try_from(std::process::id()).ok()?)
    }

    pub(crate) fn of(pid: i32) -> Option<Self> {
        stat(pid).map(|stat| Self {
            pid,
            started: stat.started,
        })
    }

    pub(crate) fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.started == self.started)
    }

    pub(crate) fn signal(self, signal: Signal) {
        if let (true, Some(pid)) = (self.is_alive(), Pid::from_raw(self.pid)) {
            // It may have ended in between, which is what a signal is for.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// Signals a process group, if there is one.
pub(crate) fn signal_group(group: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(group) {
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

/// Ends every process that carries the job's mark, is in one of its groups, or descends from such a one.
///
/// A process that forks while we look is found in the next round. Returns how many there were.
pub(crate) fn end_all(job: &str, groups: &BTreeSet<i32>) -> usize {
    let mut ended = BTreeSet::new();
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let found = belonging(job, groups);
        if found.is_empty() || Instant::now() > deadline {
            return ended.len();
        }
        for pid in found {
            ended.insert(pid);
            if let Some(pid) = Pid::from_raw(pid) {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn belonging(job: &str, groups: &BTreeSet<i32>) -> BTreeSet<i32> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mark = format!("{MARK}={job}");
    let all: Vec<(i32, Stat)> = processes().filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let mut found: BTreeSet<i32> = all
        .iter()
        .filter(|(pid, stat)| {
            *pid != own && (groups.contains(&stat.group) || is_marked(*pid, mark.as_bytes()))
        })
        .map(|(pid, _)| *pid)
        .collect();
    loop {
        let before = found.len();
        let children = all
            .iter()
            .filter(|(_, stat)| found.contains(&stat.parent))
            .map(|(pid, _)| *pid);
        let children: Vec<i32> = children.collect();
        found.extend(children);
        if found.len() == before {
            return found;
        }
    }
}

fn is_marked(pid: i32, mark: &[u8]) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == mark)
}

struct Stat {
    parent: i32,
    group: i32,
    started: u64,
}

/// Of a living process; a zombie has ended.
fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; what follows the last one is regular.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
