//! Other programs: where they are, and what they said.

use std::ffi::OsStr;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;

/// Longest time a program under test may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Gives a port of 127.0.0.1 that was free a moment ago.
///
/// # Errors
/// When the machine has no free port.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Finds a program on the path, or among the installed PostgreSQL versions, newest first.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(postgresql_folders());
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// Where Debian keeps each major version of PostgreSQL.
fn postgresql_folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    versions.sort_unstable_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl Finished {
    /// Whether the program ended with 0.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.code == 0
    }

    /// Standard output without the white space around it, if the program succeeded.
    ///
    /// # Errors
    /// When the program ended with another code than 0; the error holds what it said.
    pub fn ok(self) -> anyhow::Result<String> {
        anyhow::ensure!(
            self.is_ok(),
            "ended with {}:\n{}{}",
            self.code,
            self.stdout,
            self.stderr
        );
        Ok(self.stdout.trim().to_owned())
    }

    /// Standard output as JSON, if the program succeeded.
    ///
    /// # Errors
    /// When the program failed, or did not print JSON.
    pub fn json(self) -> anyhow::Result<serde_json::Value> {
        let text = self.ok()?;
        serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"))
    }
}

/// Runs a program to its end, without standard input and with nothing of this process's environment but the path.
///
/// # Errors
/// When the program cannot be started or does not end in time.
pub async fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: &[A],
    directory: &Path,
    environment: &[(&str, String)],
) -> anyhow::Result<Finished> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .kill_on_drop(true);
    for name in ["PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null());
    let name = program.display();
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .with_context(|| format!("`{name}` did not end within {PATIENCE:?}"))?
        .with_context(|| format!("cannot start `{name}`"))?;
    Ok(Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_there() {
        assert!(find_program("sh").is_some());
        assert_eq!(find_program("no-program-has-this-name"), None);
    }

    #[test]
    fn a_free_port_can_be_bound() {
        let port = free_port().unwrap();
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    }

    #[tokio::test]
    async fn keeps_what_a_program_said() {
        let shell = find_program("sh").unwrap();
        let said = run(
            &shell,
            &["-c", "echo out; echo err >&2; exit 3"],
            Path::new("/"),
            &[],
        )
        .await
        .unwrap();
        assert_eq!(
            (said.code, said.stdout.as_str(), said.stderr.as_str()),
            (3, "out\n", "err\n")
        );
        assert!(said.ok().is_err());
    }
}
