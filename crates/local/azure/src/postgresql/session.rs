//! SQL as the server's own administrator, over the private socket.

use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use super::cluster::Cluster;
use super::password::to_verifier;
use super::template::{SUPERUSER, has_locale};

/// Why SQL could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("the server does not answer on its socket")]
    Connect(#[source] tokio_postgres::Error),
    #[error("{}", words(.0))]
    Statement(#[source] tokio_postgres::Error),
    #[error("the system has no collation `{0}`")]
    Collation(String),
}

impl SessionError {
    /// Whether the disk is full.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Connect(error) | Self::Statement(error) if error.code() == Some(&SqlState::DISK_FULL))
    }

    /// Whether the connection was lost, so that the same work may go through later.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Connect(_) => true,
            Self::Statement(error) => error.is_closed() || error.code().is_none() || is_passing(error.code()),
            Self::Collation(_) => false,
        }
    }
}

/// Whether a statement failed for what passes: the server is ending, or a session of a predecessor that was killed is
/// still doing the same.
fn is_passing(code: Option<&SqlState>) -> bool {
    let codes = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::OBJECT_IN_USE,
        SqlState::UNIQUE_VIOLATION,
        // "tuple concurrently updated".
        SqlState::INTERNAL_ERROR,
    ];
    code.is_some_and(|code| codes.contains(code))
}

fn words(error: &tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

impl From<tokio_postgres::Error> for SessionError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Statement(error)
    }
}

/// A connection as the superuser.
pub(crate) struct Session {
    client: Client,
}

impl Session {
    pub(crate) async fn open(cluster: &Cluster, tasks: &pave_runtime::Tasks) -> Result<Self, SessionError> {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(cluster.socket_directory())
            .port(cluster.port)
            .user(SUPERUSER)
            .dbname("postgres")
            .application_name("pave")
            .connect_timeout(Duration::from_secs(5));
        let connected = match config.connect(NoTls).await {
            // The administrator owns that database, as on Azure, and may have dropped it.
            Err(error) if error.code() == Some(&SqlState::INVALID_CATALOG_NAME) => {
                config.dbname("template1").connect(NoTls).await
            }
            other => other,
        };
        let (client, connection) = connected.map_err(SessionError::Connect)?;
        tasks.spawn("azure: server session", async move {
            // An error ends the session; whoever uses it hears of it there.
            drop(connection.await);
        });
        Ok(Self { client })
    }

    /// Makes the administrator (and its form `login@server`), or gives the existing one this password.
    pub(crate) async fn ensure_administrator(
        &self,
        login: &str,
        server: &str,
        password: Option<&str>,
    ) -> Result<(), SessionError> {
        self.ensure_role("azure_pg_admin", "NOLOGIN").await?;
        self.client
            .batch_execute(
                "GRANT pg_monitor, pg_signal_backend TO azure_pg_admin WITH ADMIN OPTION;
                 ALTER DATABASE postgres OWNER TO azure_pg_admin",
            )
            .await?;
        let long = format!("{login}@{server}");
        self.ensure_role(login, "LOGIN CREATEDB CREATEROLE").await?;
        self.ensure_role(&long, "LOGIN CREATEDB CREATEROLE").await?;
        let (role, long) = (identifier(login), identifier(&long));
        let mut sql = format!(
            "GRANT azure_pg_admin TO {role}; GRANT {role} TO {long}; ALTER ROLE {long} SET role TO {role};"
        );
        if let Some(password) = password {
            let verifier = literal(&to_verifier(password));
            for role in [&role, &long] {
                sql.extend(["ALTER ROLE ", role, " PASSWORD ", &verifier, ";"]);
            }
        }
        // Should the statement fail, the server's log must not repeat it.
        let quiet = "SET log_statement = 'none'; SET log_min_error_statement = 'panic'; SET log_min_duration_statement = -1";
        self.client.batch_execute(quiet).await?;
        Ok(self.client.batch_execute(&sql).await?)
    }

    async fn ensure_role(&self, name: &str, attributes: &str) -> Result<(), SessionError> {
        let create = format!("CREATE ROLE {} {attributes}", identifier(name));
        match self.client.batch_execute(&create).await {
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_OBJECT) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Makes a database unless it exists.
    pub(crate) async fn ensure_database(
        &self,
        name: &str,
        charset: &str,
        collation: &str,
    ) -> Result<(), SessionError> {
        let exists = "SELECT 1 FROM pg_database WHERE datname = $1";
        if self.client.query_opt(exists, &[&name]).await?.is_some() {
            return Ok(());
        }
        let locale = self.locale_clause(collation).await?;
        let sql = format!(
            "CREATE DATABASE {} OWNER azure_pg_admin TEMPLATE template0 ENCODING {} {locale}",
            identifier(name),
            literal(charset)
        );
        match self.client.batch_execute(&sql).await {
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
            other => Ok(other?),
        }
    }

    /// How a collation is asked for: by the system where it knows it, else by ICU, which knows every language.
    async fn locale_clause(&self, collation: &str) -> Result<String, SessionError> {
        let wanted = collation.to_owned();
        let known = tokio::task::spawn_blocking(move || {
            matches!(
                wanted.to_ascii_uppercase().as_str(),
                "C" | "POSIX" | "C.UTF-8" | "C.UTF8"
            ) || has_locale(&wanted)
        });
        if known.await.unwrap_or(false) {
            let name = literal(collation);
            return Ok(format!("LC_COLLATE {name} LC_CTYPE {name}"));
        }
        let language = collation
            .split(['.', '@'])
            .next()
            .unwrap_or_default()
            .replace('_', "-");
        let icu = "SELECT 1 FROM pg_collation WHERE collprovider = 'i' AND collname = $1 \
                   AND current_setting('server_version_num')::int >= 150000";
        if self
            .client
            .query_opt(icu, &[&format!("{language}-x-icu")])
            .await?
            .is_none()
        {
            return Err(SessionError::Collation(collation.to_owned()));
        }
        Ok(format!(
            "LOCALE_PROVIDER icu ICU_LOCALE {} LC_COLLATE 'C' LC_CTYPE 'C'",
            literal(&language)
        ))
    }

    /// Removes a database, ending its connections; one that is not there is removed already.
    pub(crate) async fn drop_database(&self, name: &str) -> Result<(), SessionError> {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(name));
        Ok(self.client.batch_execute(&sql).await?)
    }

    /// Sets a server parameter, or takes it back to its default, and lets the server read its files again.
    pub(crate) async fn set_parameter(&self, name: &str, value: Option<&str>) -> Result<(), SessionError> {
        let name = name.split('.').map(identifier).collect::<Vec<_>>().join(".");
        let sql = match value {
            Some(value) => format!("ALTER SYSTEM SET {name} = {}", literal(value)),
            None => format!("ALTER SYSTEM RESET {name}"),
        };
        self.client.batch_execute(&sql).await?;
        self.reload().await
    }

    /// Lets the server read its files again.
    pub(crate) async fn reload(&self) -> Result<(), SessionError> {
        Ok(self.client.batch_execute("SELECT pg_reload_conf()").await?)
    }

    /// All parameters, or one of them.
    pub(crate) async fn parameters(&self, name: Option<&str>) -> Result<Vec<Parameter>, SessionError> {
        let sql = "SELECT name, setting, coalesce(unit, ''), short_desc, context, vartype, coalesce(min_val, ''), \
                   coalesce(max_val, ''), coalesce(enumvals, '{}'), coalesce(boot_val, ''), pending_restart \
                   FROM pg_settings WHERE $1::text IS NULL OR lower(name) = lower($1) ORDER BY name";
        let rows = self.client.query(sql, &[&name]).await?;
        Ok(rows.iter().map(Parameter::from_row).collect())
    }
}

/// A server parameter as the server knows it.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) unit: String,
    pub(crate) description: String,
    pub(crate) context: String,
    pub(crate) kind: String,
    pub(crate) least: String,
    pub(crate) most: String,
    pub(crate) choices: Vec<String>,
    pub(crate) default: String,
    pub(crate) pending_restart: bool,
}

impl Parameter {
    fn from_row(row: &tokio_postgres::Row) -> Self {
        Self {
            name: row.get(0),
            value: row.get(1),
            unit: row.get(2),
            description: row.get(3),
            context: row.get(4),
            kind: row.get(5),
            least: row.get(6),
            most: row.get(7),
            choices: row.get(8),
            default: row.get(9),
            pending_restart: row.get(10),
        }
    }
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('\'', "''");
    if escaped.contains('\\') {
        format!(" E'{escaped}'")
    } else {
        format!("'{escaped}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_quoted() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\b"), " E'a\\\\b'");
    }
}
