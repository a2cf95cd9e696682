//! Running the `git` program: a closed environment, a deadline, and an end when nobody waits any more.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::remote::Remote;
use crate::{Commit, GitError, RefName, stderr};

/// Variables that may pass from our environment to Git's; everything else stays out, `GIT_DIR` and its like above all.
const PASSED: [&str; 16] = [
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "PATH",
    "HOME",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

/// How long a command may take unless told otherwise.
const DEADLINE: Duration = Duration::from_secs(120);

/// A way to call `git` in one repository with fixed settings.
#[derive(Clone)]
pub struct Program {
    directory: PathBuf,
    url: String,
    environment: Vec<(String, String)>,
    configuration: Vec<(String, String)>,
    deadline: Duration,
}

/// Git's whole path. With a bare name and an environment of its own, the standard library has to fork this process, which
/// takes the longer the more memory it has; a whole path is spawned without.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .map(|directory| directory.join("git"))
            .find(|it| is_executable(it));
        // The call then fails with the words for a missing program.
        found.unwrap_or_else(|| PathBuf::from("git"))
    })
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// What a command printed.
pub(crate) struct Output {
    pub(crate) success: bool,
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Program {
    /// Git in the (bare) repository `directory`.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        let configuration = [
            ("safe.directory", "*"),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
            ("core.hooksPath", "/dev/null"),
            ("credential.helper", ""),
            ("protocol.ext.allow", "never"),
        ];
        Self {
            directory: directory.to_owned(),
            url: directory.display().to_string(),
            environment: Vec::new(),
            configuration: configuration
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            deadline: DEADLINE,
        }
    }

    /// The repository it works in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The commit that a reference names, read from its file; `None` if it has none of its own (it may be packed).
    pub async fn loose_reference(&self, name: &str) -> Option<Commit> {
        let name = RefName::parse(name).ok()?;
        let text = tokio::fs::read_to_string(self.directory.join(name.as_str()))
            .await
            .ok()?;
        Commit::parse(text.trim()).ok()
    }

    /// The same, with the remote known as `origin`. The credential travels in the environment only.
    #[must_use]
    pub fn with_remote(mut self, remote: &Remote) -> Self {
        let url = remote.public_url();
        self = self.config("remote.origin.url", url.as_str());
        self = self.config("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*");
        // Small and large packs alike go in one request; 100 MB is still held in memory by curl.
        self = self.config("http.postBuffer", "104857600");
        if let Some(credential) = remote.effective_credential() {
            let origin = url.origin().ascii_serialization();
            let header = format!("Authorization: {}", credential.header());
            self = self.config(&format!("http.{origin}/.extraHeader"), &header);
        }
        if let Some(authority) = &remote.authority {
            self = self.env("GIT_SSL_CAINFO", &authority.display().to_string());
        }
        self.url = url.to_string();
        self
    }

    /// Adds a configuration value for this call only.
    #[must_use]
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.configuration.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Sets how long a command may take.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The command, ready to spawn, for callers that stream. It leads a process group of its own.
    #[must_use]
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(program());
        command.env_clear();
        for name in PASSED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .args(arguments)
            .current_dir("/")
            .env("GIT_DIR", &self.directory)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "true")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_COUNT", self.configuration.len().to_string());
        for (index, (key, value)) in self.configuration.iter().enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{index}"), key)
                .env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }

    /// Runs a command with `input` on its standard input and returns its standard output.
    pub async fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, GitError> {
        let output = self.output(arguments, input).await?;
        if output.success {
            Ok(output.stdout)
        } else {
            Err(self.failure(arguments, &output))
        }
    }

    /// Runs a command and reports its status instead of failing on it.
    pub(crate) async fn output(&self, arguments: &[&str], input: &[u8]) -> Result<Output, GitError> {
        let started = std::time::Instant::now();
        let mut child = self.spawn(arguments)?;
        let finished = tokio::time::timeout(self.deadline, child.communicate(input)).await;
        let output = finished.map_err(|_| GitError::Timeout {
            command: subcommand(arguments),
            seconds: self.deadline.as_secs(),
            url: self.url.clone(),
        })??;
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::trace!(
            command = subcommand(arguments),
            milliseconds,
            status = output.status,
            "git"
        );
        Ok(output)
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Result<Process, GitError> {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        let child = command
            .spawn()
            .map_err(|source| spawn_error(&subcommand(arguments), source))?;
        Ok(Process { child, ended: false })
    }

    /// Turns a failed command into the error that a person can act on.
    pub(crate) fn failure(&self, arguments: &[&str], output: &Output) -> GitError {
        stderr::classify(&subcommand(arguments), &self.url, output.status, &output.stderr)
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Program")
            .field("directory", &self.directory)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A running command; dropping it ends the whole process group, helpers such as `git-remote-https` included.
pub(crate) struct Process {
    pub(crate) child: Child,
    ended: bool,
}

impl Process {
    async fn communicate(&mut self, input: &[u8]) -> Result<Output, GitError> {
        let (stdin, stdout, stderr) = (
            self.child.stdin.take(),
            self.child.stdout.take(),
            self.child.stderr.take(),
        );
        let write = async {
            if let Some(mut stdin) = stdin {
                // A command may end before it has read everything; its status tells why.
                stdin.write_all(input).await.ok();
                stdin.shutdown().await.ok();
            }
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let read_out = async {
            match stdout {
                Some(mut stdout) => stdout.read_to_end(&mut out).await,
                None => Ok(0),
            }
        };
        let read_err = async {
            match stderr {
                Some(mut stderr) => stderr.read_to_end(&mut err).await,
                None => Ok(0),
            }
        };
        let ((), read_out, read_err) = tokio::join!(write, read_out, read_err);
        read_out
            .and(read_err)
            .map_err(|source| GitError::io("read from git", source))?;
        let status = self
            .child
            .wait()
            .await
            .map_err(|source| GitError::io("wait for git", source))?;
        self.ended = true;
        let stderr = String::from_utf8_lossy(&err).into_owned();
        Ok(Output {
            success: status.success(),
            status: status.code(),
            stdout: out,
            stderr,
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let pid = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            rustix::process::kill_process_group(pid, rustix::process::Signal::KILL).ok();
        }
    }
}

pub(crate) fn spawn_error(command: &str, source: std::io::Error) -> GitError {
    if source.kind() == std::io::ErrorKind::NotFound {
        GitError::NotInstalled
    } else {
        GitError::io(format!("start git {command}"), source)
    }
}

fn subcommand(arguments: &[&str]) -> String {
    arguments.first().copied().unwrap_or_default().to_owned()
}

/// The version of the installed program, e.g. `2.47.3`.
pub async fn installed_version() -> Result<String, GitError> {
    let printed = Program::new(Path::new("/")).run(&["version"], b"").await?;
    let text = String::from_utf8_lossy(&printed);
    Ok(text.trim().trim_start_matches("git version ").to_owned())
}

/// Makes `directory` a bare repository with the default branch `main`, unless it is one.
pub async fn init_bare(directory: &Path) -> Result<(), GitError> {
    if directory.join("HEAD").is_file() && directory.join("objects").is_dir() {
        return Ok(());
    }
    tokio::fs::create_dir_all(directory)
        .await
        .map_err(|source| GitError::io(format!("create {}", directory.display()), source))?;
    let program = Program::new(directory)
        .config("init.defaultBranch", "main")
        .config("core.fsync", "all");
    program
        .run(&["init", "--quiet", "--bare", "--template="], b"")
        .await?;
    Ok(())
}
