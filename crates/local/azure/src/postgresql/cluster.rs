//! One server on disk: its directories, its configuration, and starting it.

use std::fs;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use pave_keys::Keys;

use super::account::Account;
use super::binaries::Binaries;
use super::template::{as_account, make_directory, remove_directory};

/// Longest path of a socket that the system accepts, less the file's own name.
const SOCKET_PATH: usize = 85;
/// Size at which a server's log is begun anew.
const LOG_LIMIT: u64 = 8 * 1024 * 1024;

/// Where one server lives and listens.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) directory: PathBuf,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    pub(crate) account: Option<Account>,
}

impl Cluster {
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    /// Directory of the socket. A long path does not fit into a socket's name, then it is below `/tmp`.
    pub(crate) fn socket_directory(&self) -> PathBuf {
        let below = self.directory.join("run");
        if below.as_os_str().len() <= SOCKET_PATH {
            return below;
        }
        let name = self
            .directory
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        PathBuf::from("/tmp").join(format!("pave-{}", name.unwrap_or_default()))
    }

    /// Makes the directories around the data directory.
    pub(crate) fn make_directories(&self) -> io::Result<()> {
        make_directory(&self.directory, self.account.as_ref())?;
        make_directory(&self.socket_directory(), self.account.as_ref())
    }

    /// Removes everything that the server ever had on disk.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let socket_directory = self.socket_directory();
        if !socket_directory.starts_with(&self.directory) {
            remove_directory(&socket_directory)?;
        }
        remove_directory(&self.directory)
    }

    /// Writes certificate and settings; `access` is the text of `pg_hba.conf`.
    pub(crate) fn configure(&self, keys: &Keys, access: &str) -> io::Result<()> {
        let certificate = keys
            .issue_server(&[&self.address.to_string()])
            .map_err(io::Error::other)?;
        self.write("server.crt", &certificate.chain_pem)?;
        self.write("server.key", &certificate.key_pem)?;
        self.write("pg_hba.conf", access)?;
        self.write("pave.conf", &self.settings())?;
        let main = self.data().join("postgresql.conf");
        let text = fs::read_to_string(&main)?;
        if !text.contains("include 'pave.conf'") {
            self.write("postgresql.conf", &format!("{text}\ninclude 'pave.conf'\n"))?;
        }
        Ok(())
    }

    /// Writes who may connect; the server reads it when told to reload.
    pub(crate) fn write_access(&self, access: &str) -> io::Result<()> {
        self.write("pg_hba.conf", access)
    }

    fn settings(&self) -> String {
        let socket = self.socket_directory().to_string_lossy().replace('\'', "''");
        format!(
            "# Written by Pave at each start; server parameters set through ARM are in postgresql.auto.conf.\n\
             listen_addresses = '{}'\n\
             port = {}\n\
             unix_socket_directories = '{socket}'\n\
             unix_socket_permissions = 0700\n\
             ssl = on\n\
             ssl_cert_file = 'server.crt'\n\
             ssl_key_file = 'server.key'\n\
             password_encryption = 'scram-sha-256'\n\
             max_connections = 50\n\
             shared_buffers = 16MB\n\
             max_worker_processes = 4\n\
             max_wal_senders = 2\n\
             max_wal_size = 256MB\n\
             huge_pages = off\n\
             jit = off\n\
             logging_collector = off\n\
             log_timezone = 'UTC'\n\
             timezone = 'UTC'\n\
             cluster_name = 'pave'\n",
            self.address, self.port
        )
    }

    /// Replaces a file in the data directory in one step.
    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let unfinished = self.data().join(format!("{name}.unfinished"));
        remove_file(&unfinished)?;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        Account::own(self.account.as_ref(), &unfinished)?;
        fs::rename(&unfinished, self.data().join(name))
    }

    /// Starts the server in a process group of its own, so that it outlives us and our terminal.
    pub(crate) fn start(&self, binaries: &Binaries) -> io::Result<tokio::process::Child> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|found| found.len() > LOG_LIMIT) {
            remove_file(&path)?;
        }
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)?;
        Account::own(self.account.as_ref(), &path)?;
        let mut command = as_account(&binaries.program("postgres"), self.account.as_ref());
        command
            .arg("-D")
            .arg(self.data())
            .process_group(0)
            .stdout(log.try_clone()?)
            .stderr(log);
        tokio::process::Command::from(command).spawn()
    }

    /// The last complaint in the server's log, for messages.
    pub(crate) fn last_complaint(&self) -> Option<String> {
        let text = fs::read(self.log()).ok()?;
        let text = String::from_utf8_lossy(&text[text.len().saturating_sub(8192)..]).into_owned();
        let complaint = |line: &&str| {
            ["FATAL:", "PANIC:", "could not"]
                .iter()
                .any(|word| line.contains(word))
        };
        let line = text.lines().rfind(complaint)?;
        let words = line.split_once("] ").map_or(line, |(_, words)| words);
        Some(words.trim().to_owned())
    }
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
