use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pave_keys::Keys;
use pave_local_azure::{Azure, Fault, FaultHook, Options, ServicePrincipal};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const SECRET: &str = "a-client-secret";
pub(crate) const PASSWORD: &str = "Secret-123";
pub(crate) const VERSION: &str = "2025-08-01";
/// Long enough for two busy cores.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }

    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }
}

/// One local cloud on a port of its own, that can be ended and opened again.
pub(crate) struct Cloud {
    pub(crate) options: Options,
    pub(crate) azure: Azure,
    pub(crate) base: String,
    pub(crate) subscription: Uuid,
    client: reqwest::Client,
    token: String,
    server: tokio::task::JoinHandle<()>,
    /// Held from the beginning, so that nobody takes the port while the cloud is closed.
    listener: TcpListener,
    directory: tempfile::TempDir,
}

/// A directory that the server's user may walk through.
pub(crate) fn directory() -> tempfile::TempDir {
    let directory = tempfile::Builder::new().prefix("pave-az-").tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

impl Cloud {
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub(crate) async fn open_with(adapt: impl FnOnce(&mut Options)) -> Self {
        let directory = directory();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let keys = Keys::open(&directory.path().join("keys")).unwrap();
        let (tenant, subscription) = (Uuid::new_v4(), Uuid::new_v4());
        let mut options = Options::new(directory.path().join("azure"), keys, &base, tenant, subscription);
        options.database_directory = directory.path().join("postgresql");
        options.postgresql_port = free_port();
        options.service_principals = vec![ServicePrincipal::new(
            Uuid::from_u128(7),
            Uuid::from_u128(8),
            "demo",
            SECRET,
        )];
        adapt(&mut options);
        let azure = Azure::open(options.clone()).await.unwrap();
        let server = serve(&azure, &listener);
        let client = options.keys.http_client().unwrap();
        let mut cloud = Self {
            options,
            azure,
            base,
            subscription,
            client,
            token: String::new(),
            server,
            listener,
            directory,
        };
        let signed_in = cloud.sign_in(SECRET).await.expect(200);
        signed_in.body["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut cloud.token);
        cloud
    }

    /// Ends it as a crash would, as far as files and processes can tell, and opens it again.
    pub(crate) async fn reopen(&mut self) {
        self.server.abort();
        self.azure.shutdown().await;
        self.options.fault = None;
        self.azure = Azure::open(self.options.clone()).await.unwrap();
        self.server = serve(&self.azure, &self.listener);
    }

    pub(crate) async fn sign_in(&self, secret: &str) -> Answer {
        let url = format!("{}/{}/oauth2/v2.0/token", self.base, self.options.tenant);
        let scope = format!("{}/.default", self.base);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "00000000-0000-0000-0000-000000000007"),
            ("client_secret", secret),
            ("scope", &scope),
        ];
        answer(self.client.post(url).form(&form).send().await.unwrap()).await
    }

    /// Asks for a token with the token of somebody else.
    pub(crate) async fn sign_in_federated(&self, client: &str, assertion: &str) -> Answer {
        let url = format!("{}/{}/oauth2/v2.0/token", self.base, self.options.tenant);
        let scope = format!("{}/.default", self.base);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion),
            ("scope", &scope),
        ];
        answer(self.client.post(url).form(&form).send().await.unwrap()).await
    }

    /// A request with the token of the service principal.
    pub(crate) fn signed(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.request(method, path).bearer_auth(&self.token)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let separator = if path.contains('?') { '&' } else { '?' };
        let version = if path.contains("api-version=") {
            String::new()
        } else {
            format!("{separator}api-version={VERSION}")
        };
        let url = format!("{}{path}{version}", self.base);
        self.client.request(method, url)
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    pub(crate) fn group(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/team-a", self.subscription)
    }

    pub(crate) fn server(&self, name: &str) -> String {
        format!(
            "{}/providers/Microsoft.DBforPostgreSQL/flexibleServers/{name}",
            self.group()
        )
    }

    pub(crate) async fn make_group(&self) {
        self.put(&self.group(), json!({ "location": "West Europe" }))
            .await
            .expect(201);
    }

    /// Follows an accepted request to its end and gives the operation.
    pub(crate) async fn finish(&self, accepted: Answer) -> Value {
        let accepted = accepted.expect(202);
        self.follow(accepted.header("azure-asyncoperation")).await
    }

    pub(crate) async fn follow(&self, url: &str) -> Value {
        let path = url.strip_prefix(&self.base).expect("an absolute URL of ours");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let url = format!("{}{path}", self.base);
            let reply = answer(
                self.client
                    .get(url)
                    .bearer_auth(&self.token)
                    .send()
                    .await
                    .unwrap(),
            )
            .await
            .expect(200);
            if reply.body["status"] != "InProgress" {
                return reply.body;
            }
            assert!(Instant::now() < deadline, "{}", reply.body);
        }
    }

    pub(crate) async fn succeed(&self, accepted: Answer) {
        let operation = self.finish(accepted).await;
        assert_eq!(operation["status"], "Succeeded", "{operation}");
    }

    /// A group, a server and a rule that lets this machine in.
    pub(crate) async fn make_server(&self, name: &str) {
        self.make_group().await;
        self.succeed(self.put(&self.server(name), server_body()).await)
            .await;
        self.succeed(
            self.put(&format!("{}/firewallRules/all", self.server(name)), rule_body())
                .await,
        )
        .await;
    }

    pub(crate) async fn address(&self, name: &str) -> String {
        let server = self.get(&self.server(name)).await.expect(200);
        server.body["properties"]["fullyQualifiedDomainName"]
            .as_str()
            .expect("an address")
            .to_owned()
    }

    /// Logs in as any client would, over TLS that is verified, and runs a statement.
    pub(crate) async fn psql(
        &self,
        server: &str,
        login: &str,
        password: &str,
        database: &str,
        sql: &str,
    ) -> Output {
        let address = self.address(server).await;
        let mut command = Command::new(program("psql"));
        command
            .args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .env("PGHOST", address)
            .env("PGPORT", self.options.postgresql_port.to_string())
            .env("PGUSER", login)
            .env("PGPASSWORD", password)
            .env("PGDATABASE", database)
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", self.options.keys.ca_path())
            .env("PGCONNECT_TIMEOUT", "10");
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    /// The same as a question that has to be answered.
    pub(crate) async fn ask(
        &self,
        server: &str,
        login: &str,
        password: &str,
        database: &str,
        sql: &str,
    ) -> String {
        let output = self.psql(server, login, password, database, sql).await;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// All server processes of this cloud, counted independently of its own book-keeping.
    pub(crate) fn processes(&self) -> Vec<i32> {
        processes_below(self.directory.path())
    }

    /// Waits until something holds.
    pub(crate) async fn until<T>(&self, what: &str, mut check: impl AsyncFnMut(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = check(self).await {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether a data directory is being made ahead of need.
    fn is_copying(&self) -> bool {
        let entries = std::fs::read_dir(&self.options.database_directory)
            .into_iter()
            .flatten()
            .flatten();
        entries
            .into_iter()
            .any(|entry| entry.file_name().to_string_lossy().ends_with(".unfinished"))
    }

    pub(crate) fn data_directories(&self) -> usize {
        std::fs::read_dir(self.options.database_directory.join("servers"))
            .unwrap()
            .count()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.server.abort();
        // One poll is enough to tell everything to end; nobody may start a server again that is killed below.
        let _ = futures::FutureExt::now_or_never(self.azure.shutdown());
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut quiet = 0;
        while quiet < 3 && Instant::now() < deadline {
            let processes = self.processes();
            quiet = if processes.is_empty() && !self.is_copying() {
                quiet + 1
            } else {
                0
            };
            for pid in processes.into_iter().filter_map(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Main processes of servers whose data directories are below `root`.
fn processes_below(root: &Path) -> Vec<i32> {
    let root = root.canonicalize().unwrap();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let text = String::from_utf8_lossy(&command).into_owned();
        let mut words = text.split('\0');
        let is_server = words.next().is_some_and(|program| program.ends_with("/postgres"));
        if is_server && words.any(|word| Path::new(word).starts_with(&root)) {
            found.push(pid);
        }
    }
    found
}

pub(crate) fn server_body() -> Value {
    json!({
        "location": "westeurope",
        "sku": { "name": "Standard_B1ms", "tier": "Burstable" },
        "properties": { "version": "15", "administratorLogin": "appuser", "administratorLoginPassword": PASSWORD },
    })
}

pub(crate) fn rule_body() -> Value {
    json!({ "properties": { "startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255" } })
}

/// Dies whenever it passes a point.
pub(crate) fn die_at(point: &'static str) -> FaultHook {
    Arc::new(move |passed| {
        if passed == point {
            Fault::Die
        } else {
            Fault::Nothing
        }
    })
}

/// The installed PostgreSQL's programs.
pub(crate) fn program(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| PathBuf::from(name))
}

fn serve(azure: &Azure, listener: &TcpListener) -> tokio::task::JoinHandle<()> {
    let listener = listener.try_clone().unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let router = azure.router();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

async fn answer(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer {
        status,
        headers,
        body,
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
