//! A whole platform under test: the program `pave` with a data directory of its own, and the unmodified clients.

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::processes::end_servers_below;
use crate::program::{Finished, find_program, run};

/// Longest time from the start to the summary. A first start makes keys, a repository and a cluster.
const START: Duration = Duration::from_secs(60);
/// Longest time for `pave down` and for the process to be gone.
const STOP: Duration = Duration::from_secs(30);
/// Most of the log that an error shows.
const LOG_TAIL: usize = 6_000;

/// A running platform, or one between two starts. Dropping it stops the platform and its databases and deletes its data.
pub struct Platform {
    binary: PathBuf,
    home: TempDir,
    child: Option<Child>,
    summary: Value,
    client: reqwest::Client,
    ready_after: Duration,
}

/// What an HTTP API answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// The body as JSON; a body that is not JSON is a string.
    pub body: Value,
}

impl Answer {
    /// The body, if the status says success.
    ///
    /// # Errors
    /// When it does not; the error holds the answer.
    pub fn ok(self) -> anyhow::Result<Value> {
        anyhow::ensure!(
            (200..300).contains(&self.status),
            "answered {}: {}",
            self.status,
            self.body
        );
        Ok(self.body)
    }
}

impl Platform {
    /// Starts the demo in a fresh data directory, every listener on a free port.
    ///
    /// `binary` is the program `pave`; a test of its own crate passes `env!("CARGO_BIN_EXE_pave")`.
    ///
    /// # Errors
    /// When the platform does not become ready; the error holds the end of its log.
    pub async fn start(binary: impl AsRef<Path>) -> anyhow::Result<Self> {
        // Another user may run PostgreSQL when the tests run as root, so that user must be able to pass.
        let home = tempfile::Builder::new()
            .prefix("pave-test-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .context("cannot make a temporary directory")?;
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut platform = Self {
            binary: binary.as_ref().to_owned(),
            home,
            child: None,
            summary: Value::Null,
            client: reqwest::Client::builder().build()?,
            ready_after: Duration::ZERO,
        };
        platform.restart().await?;
        Ok(platform)
    }

    /// Starts it again after [`Self::down`] or [`Self::kill`], with the same data.
    ///
    /// # Errors
    /// When it does not become ready, or still runs.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(self.child.is_none(), "the platform still runs");
        let began = Instant::now();
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let mut child = Command::new(&self.binary)
            .args(["up", "--demo", "--portal-port", "0", "--output", "json", "--data"])
            .arg(self.data())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start `{}`", self.binary.display()))?;
        let summary = tokio::time::timeout(START, read_summary(&mut child)).await;
        // Kept from here on, so that a platform that started too slowly is stopped as well.
        self.child = Some(child);
        self.summary = summary
            .map_err(|_| anyhow::anyhow!("not ready within {START:?}"))
            .and_then(|read| read)
            .with_context(|| format!("the platform did not start; its log ends:\n{}", self.log_tail()))?;
        self.ready_after = began.elapsed();
        self.client = trusting_client(Path::new(self.text("/authority")?))?;
        Ok(())
    }

    /// Stops it as a person would, databases included.
    ///
    /// # Errors
    /// When `pave down` fails or the process does not end.
    pub async fn down(&mut self) -> anyhow::Result<()> {
        self.pave(&["down"]).await?.ok()?;
        if let Some(mut child) = self.child.take() {
            tokio::time::timeout(STOP, child.wait())
                .await
                .context("the platform did not end after `pave down`")??;
        }
        Ok(())
    }

    /// Ends the process as `kill -9` does: nothing is told, databases run on.
    ///
    /// # Errors
    /// When there is no process to end.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("the platform does not run")?;
        child.kill().await?;
        Ok(())
    }

    /// Process id, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Time from the last start to the summary.
    #[must_use]
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A directory for the test's own files, deleted with the platform.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.home.path()
    }

    /// What `pave up --output json` printed.
    #[must_use]
    pub fn summary(&self) -> &Value {
        &self.summary
    }

    /// A text of the summary, by JSON pointer, such as `/portal/url`.
    ///
    /// # Errors
    /// When the summary has no such text.
    pub fn text(&self, pointer: &str) -> anyhow::Result<&str> {
        self.summary
            .pointer(pointer)
            .and_then(Value::as_str)
            .with_context(|| format!("the summary has no text at `{pointer}`: {}", self.summary))
    }

    /// The end of the platform's log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = std::fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_TAIL)..]).into_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("platform.log")
    }

    /// Runs a command of `pave` on this platform's data.
    ///
    /// # Errors
    /// When it cannot be started or does not end.
    pub async fn pave(&self, arguments: &[&str]) -> anyhow::Result<Finished> {
        let data = self.data().display().to_string();
        let environment = [
            ("PAVE_DATA", data),
            ("NO_COLOR", "1".into()),
            ("HOME", self.home()),
        ];
        run(&self.binary, arguments, self.home.path(), &environment).await
    }

    /// Runs `kubectl` as the administrator.
    ///
    /// # Errors
    /// When there is no kubectl, or it does not end.
    pub async fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<Finished> {
        let kubeconfig = self.text("/kubeconfig")?.to_owned();
        let environment = [("KUBECONFIG", kubeconfig), ("HOME", self.home())];
        run(&required("kubectl")?, arguments, self.home.path(), &environment).await
    }

    /// Runs `kubectl` with somebody else's token, as `pave token create` prints it.
    ///
    /// # Errors
    /// When there is no kubectl, or it does not end.
    pub async fn kubectl_as(&self, token: &str, arguments: &[&str]) -> anyhow::Result<Finished> {
        let server = self.text("/cluster/url")?;
        let authority = self.text("/authority")?;
        let mut all = vec![
            "--server",
            server,
            "--certificate-authority",
            authority,
            "--token",
            token,
        ];
        all.extend(arguments);
        let environment = [("KUBECONFIG", "/dev/null".to_owned()), ("HOME", self.home())];
        run(&required("kubectl")?, &all, self.home.path(), &environment).await
    }

    /// Makes a token for a person and gives it.
    ///
    /// # Errors
    /// When `pave token create` fails.
    pub async fn token_of(&self, user: &str) -> anyhow::Result<String> {
        let printed = self.pave(&["token", "create", "--user", user]).await?.ok()?;
        let token = printed
            .split_whitespace()
            .last()
            .context("no token was printed")?;
        Ok(token.to_owned())
    }

    /// Runs `git` in a directory, with the administrator's token for the forge.
    ///
    /// # Errors
    /// When git cannot be started or does not end.
    pub async fn git(&self, directory: &Path, arguments: &[&str]) -> anyhow::Result<Finished> {
        self.git_as(self.text("/forge/token")?, directory, arguments)
            .await
    }

    /// Runs `git` in a directory, with somebody's token for the forge. The token travels in the environment only.
    ///
    /// # Errors
    /// When git cannot be started or does not end.
    pub async fn git_as(
        &self,
        token: &str,
        directory: &Path,
        arguments: &[&str],
    ) -> anyhow::Result<Finished> {
        let header = format!("Authorization: Basic {}", STANDARD.encode(format!("any:{token}")));
        let environment = [
            ("HOME", self.home()),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
            ("GIT_SSL_CAINFO", self.text("/authority")?.to_owned()),
            ("GIT_AUTHOR_NAME", "A tester".to_owned()),
            ("GIT_AUTHOR_EMAIL", "tester@example.com".to_owned()),
            ("GIT_COMMITTER_NAME", "A tester".to_owned()),
            ("GIT_COMMITTER_EMAIL", "tester@example.com".to_owned()),
            ("GIT_CONFIG_COUNT", "1".to_owned()),
            (
                "GIT_CONFIG_KEY_0",
                format!("http.{}/.extraHeader", self.text("/forge/url")?),
            ),
            ("GIT_CONFIG_VALUE_0", header),
        ];
        run(&required("git")?, arguments, directory, &environment).await
    }

    /// URL of the demo's repository.
    ///
    /// # Errors
    /// When the summary names no forge.
    pub fn repository(&self) -> anyhow::Result<String> {
        Ok(format!(
            "{}/pave/platform/_git/platform-configs",
            self.text("/forge/url")?
        ))
    }

    /// Reads from the portal as the administrator.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.call(self.text("/portal/token")?, "GET", path, None).await
    }

    /// Posts JSON to the portal as the administrator.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.call(self.text("/portal/token")?, "POST", path, Some(body))
            .await
    }

    /// Deletes through the portal as the administrator.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.call(self.text("/portal/token")?, "DELETE", path, None).await
    }

    /// Calls the portal with any token and method.
    ///
    /// # Errors
    /// When no answer comes, or `method` is none.
    pub async fn call(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        self.api("/portal/url", token, method, path, body).await
    }

    /// Calls any of the platform's APIs; `base` points to its address in the summary, such as `/cluster/url`.
    ///
    /// # Errors
    /// When no answer comes, or `method` is none.
    pub async fn api(
        &self,
        base: &str,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let url = format!("{}{path}", self.text(base)?);
        let mut request = self
            .client
            .request(reqwest::Method::from_bytes(method.as_bytes())?, &url)
            .bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| format!("{method} {url}"))?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok(Answer {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        })
    }

    /// An HTTP client that trusts the platform's certificate authority, for cluster, forge and cloud.
    #[must_use]
    pub fn http(&self) -> &reqwest::Client {
        &self.client
    }

    /// Logs in with a connection URI by the installed `psql`, runs a statement and gives the bare rows.
    ///
    /// # Errors
    /// When there is no psql, the login is refused or the statement fails.
    pub async fn psql(&self, uri: &str, sql: &str) -> anyhow::Result<String> {
        let environment = [("PGCONNECT_TIMEOUT", "10".to_owned()), ("HOME", self.home())];
        let arguments = [
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            "--command",
            sql,
            uri,
        ];
        run(&required("psql")?, &arguments, self.home.path(), &environment)
            .await?
            .ok()
    }

    /// Logs in by the installed `psql` with exactly the fields of a connection secret, runs a statement and gives the
    /// bare rows.
    ///
    /// # Errors
    /// When there is no psql, a field is missing, the login is refused or the statement fails.
    pub async fn psql_with(&self, fields: &BTreeMap<String, String>, sql: &str) -> anyhow::Result<String> {
        let field = |name: &str| {
            fields
                .get(name)
                .cloned()
                .with_context(|| format!("the secret has no `{name}`"))
        };
        let environment = [
            ("PGHOST", field("endpoint")?),
            ("PGPORT", field("port")?),
            ("PGUSER", field("username")?),
            ("PGPASSWORD", field("password")?),
            ("PGDATABASE", field("database")?),
            ("PGSSLMODE", "require".to_owned()),
            ("PGCONNECT_TIMEOUT", "10".to_owned()),
            ("HOME", self.home()),
        ];
        let arguments = [
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            "--command",
            sql,
        ];
        run(&required("psql")?, &arguments, self.home.path(), &environment)
            .await?
            .ok()
    }

    fn home(&self) -> String {
        self.home.path().display().to_string()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // A test that failed half-way leaves a platform that runs; ask it first, so that its databases end too.
            std::process::Command::new(&self.binary)
                .arg("down")
                .env("PAVE_DATA", self.home.path().join("data"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .ok();
            child.start_kill().ok();
        }
        end_servers_below(self.home.path());
        // Databases may lie elsewhere, where the user that runs them cannot reach the temporary directory.
        std::process::Command::new(&self.binary)
            .args(["reset", "--yes"])
            .env("PAVE_DATA", self.home.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .ok();
    }
}

/// Reads standard output until it holds one whole JSON object.
async fn read_summary(child: &mut Child) -> anyhow::Result<Value> {
    let mut stdout = child.stdout.take().context("no standard output")?;
    let mut printed = Vec::new();
    loop {
        anyhow::ensure!(
            stdout.read_buf(&mut printed).await? > 0,
            "it ended without a summary"
        );
        if let Ok(summary) = serde_json::from_slice(&printed) {
            // What comes later goes nowhere, but the pipe must stay open.
            tokio::spawn(async move { tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await });
            return Ok(summary);
        }
    }
}

fn trusting_client(authority: &Path) -> anyhow::Result<reqwest::Client> {
    let pem = std::fs::read(authority).with_context(|| format!("cannot read `{}`", authority.display()))?;
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem)?])
        .timeout(Duration::from_secs(60))
        .build()?;
    Ok(client)
}

fn required(program: &str) -> anyhow::Result<PathBuf> {
    find_program(program).with_context(|| {
        format!("`{program}` is not installed; `scripts/prerequisites.sh --test` installs it")
    })
}
