use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};
use serde_json::Value;

use super::{Activity, Resource};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperationKind {
    CreateServer,
    UpdateServer,
    DeleteServer,
    StartServer,
    StopServer,
    RestartServer,
    PutDatabase,
    DeleteDatabase,
    PutFirewallRule,
    DeleteFirewallRule,
    PutConfiguration,
    PutAdministrator,
    DeleteAdministrator,
    DeleteGroup,
    CreateCluster,
    UpdateCluster,
    DeleteCluster,
    StartCluster,
    StopCluster,
    RotateCluster,
    /// Something that was done with the request that asked for it.
    Write,
}

impl OperationKind {
    const ALL: [Self; 21] = [
        Self::CreateServer,
        Self::UpdateServer,
        Self::DeleteServer,
        Self::StartServer,
        Self::StopServer,
        Self::RestartServer,
        Self::PutDatabase,
        Self::DeleteDatabase,
        Self::PutFirewallRule,
        Self::DeleteFirewallRule,
        Self::PutConfiguration,
        Self::PutAdministrator,
        Self::DeleteAdministrator,
        Self::DeleteGroup,
        Self::CreateCluster,
        Self::UpdateCluster,
        Self::DeleteCluster,
        Self::StartCluster,
        Self::StopCluster,
        Self::RotateCluster,
        Self::Write,
    ];

    /// Name in the table.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CreateServer => "create-server",
            Self::UpdateServer => "update-server",
            Self::DeleteServer => "delete-server",
            Self::StartServer => "start-server",
            Self::StopServer => "stop-server",
            Self::RestartServer => "restart-server",
            Self::PutDatabase => "put-database",
            Self::DeleteDatabase => "delete-database",
            Self::PutFirewallRule => "put-firewall-rule",
            Self::DeleteFirewallRule => "delete-firewall-rule",
            Self::PutConfiguration => "put-configuration",
            Self::PutAdministrator => "put-administrator",
            Self::DeleteAdministrator => "delete-administrator",
            Self::DeleteGroup => "delete-group",
            Self::CreateCluster => "create-cluster",
            Self::UpdateCluster => "update-cluster",
            Self::DeleteCluster => "delete-cluster",
            Self::StartCluster => "start-cluster",
            Self::StopCluster => "stop-cluster",
            Self::RotateCluster => "rotate-cluster",
            Self::Write => "write",
        }
    }

    /// How the activity log calls it: the last part of the operation's name.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::StartServer | Self::StartCluster => "start/action",
            Self::StopServer | Self::StopCluster => "stop/action",
            Self::RestartServer => "restart/action",
            Self::RotateCluster => "rotateClusterCertificates/action",
            kind if kind.is_deletion() => "delete",
            _ => "write",
        }
    }

    /// Whether its success means that the resource is gone.
    pub(crate) fn is_deletion(self) -> bool {
        self.as_str().starts_with("delete-")
    }
}

/// How an operation ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Succeeded,
    Failed { code: String, message: String },
}

/// One long-running operation. Its row is the durable intent: it is there before anything is done.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    /// Operations of one lane run one after the other: all those of a server and its children.
    pub(crate) lane: String,
    /// Lower-case id of the resource.
    pub(crate) resource: String,
    pub(crate) kind: OperationKind,
    /// What the operation needs beyond the resource itself; without secrets.
    pub(crate) request: Value,
    /// A sealed password, kept only while the operation runs.
    pub(crate) secret: Option<Vec<u8>>,
    pub(crate) status: String,
    /// What it waits for, in words.
    pub(crate) message: String,
    pub(crate) error: Option<Value>,
    pub(crate) location: String,
    pub(crate) correlation: String,
    /// Who asked for it, by name.
    pub(crate) caller: String,
    pub(crate) started_at: String,
    pub(crate) ended_at: Option<String>,
}

const COLUMNS: &str = "id, lane, resource, kind, request, secret, status, message, error, location, correlation, caller, started_at, ended_at";

/// Status of an operation that is not over.
pub(crate) const RUNNING: &str = "InProgress";

impl Operation {
    pub(crate) fn find(connection: &Connection, id: &str) -> Result<Option<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM operations WHERE id = ?1");
        connection.query_row(&sql, [id], Self::from_row).optional()
    }

    /// The oldest operation of a lane that is not over.
    pub(crate) fn next(connection: &Connection, lane: &str) -> Result<Option<Self>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM operations WHERE lane = ?1 AND status = '{RUNNING}' ORDER BY sequence LIMIT 1"
        );
        connection.query_row(&sql, [lane], Self::from_row).optional()
    }

    /// Whether an operation of this kind waits or runs in a lane.
    pub(crate) fn is_pending(connection: &Connection, lane: &str, kind: OperationKind) -> Result<bool> {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM operations WHERE lane = ?1 AND status = '{RUNNING}' AND kind = ?2)"
        );
        connection.query_row(&sql, params![lane, kind.as_str()], |row| row.get(0))
    }

    /// The running operation of this kind on a resource, so that asking twice does it once.
    pub(crate) fn running(
        connection: &Connection,
        resource: &str,
        kind: OperationKind,
    ) -> Result<Option<Self>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM operations WHERE resource = ?1 AND status = '{RUNNING}' AND kind = ?2 LIMIT 1"
        );
        connection
            .query_row(&sql, params![resource, kind.as_str()], Self::from_row)
            .optional()
    }

    /// All lanes in which something is to be done.
    pub(crate) fn lanes(connection: &Connection) -> Result<Vec<String>> {
        let sql = format!("SELECT DISTINCT lane FROM operations WHERE status = '{RUNNING}'");
        connection
            .prepare(&sql)?
            .query_map([], |row| row.get(0))?
            .collect()
    }

    pub(crate) fn insert(&self, connection: &Connection) -> Result<()> {
        let sql = format!(
            "INSERT INTO operations ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL, ?9, ?10, ?11, ?12, NULL)"
        );
        connection.execute(
            &sql,
            params![
                self.id,
                self.lane,
                self.resource,
                self.kind.as_str(),
                self.request.to_string(),
                self.secret,
                self.status,
                self.message,
                self.location,
                self.correlation,
                self.caller,
                self.started_at
            ],
        )?;
        Ok(())
    }

    /// Says what it waits for.
    pub(crate) fn set_message(connection: &Connection, id: &str, message: &str) -> Result<()> {
        connection.execute(
            "UPDATE operations SET message = ?2 WHERE id = ?1",
            params![id, message],
        )?;
        Ok(())
    }

    /// Ends it, and forgets its secret.
    pub(crate) fn finish(connection: &Connection, id: &str, outcome: &Outcome) -> Result<()> {
        let (status, error) = match outcome {
            Outcome::Succeeded => ("Succeeded", None),
            Outcome::Failed { code, message } => (
                "Failed",
                Some(serde_json::json!({ "code": code, "message": message }).to_string()),
            ),
        };
        let sql = "UPDATE operations SET status = ?2, error = ?3, ended_at = ?4, secret = NULL, message = ''
             WHERE id = ?1";
        connection.execute(sql, params![id, status, error, pave_runtime::clock::rfc3339()])?;
        match Self::find(connection, id)? {
            Some(operation) => operation.log(connection, outcome),
            None => Ok(()),
        }
    }

    /// Writes its end into the activity log; what ended with its request stands there already.
    fn log(&self, connection: &Connection, outcome: &Outcome) -> Result<()> {
        if self.kind == OperationKind::Write {
            return Ok(());
        }
        let action = format!("{}/{}", crate::kinds::type_of(&self.resource), self.kind.action());
        let known = Resource::find(connection, &self.resource)?;
        let resource = known.map_or_else(|| self.resource.clone(), |known| known.canonical);
        let (status, code, message) = match outcome {
            Outcome::Succeeded => ("Succeeded", "OK", ""),
            Outcome::Failed { code, message } => ("Failed", code.as_str(), message.as_str()),
        };
        Activity {
            operation: self.id.clone(),
            status: status.to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
            ..Activity::now(&self.caller, &self.correlation, &action, &resource)
        }
        .insert(connection)
    }

    /// Ends everything in a lane that came before a deletion.
    pub(crate) fn cancel_before(connection: &Connection, deletion: &Self) -> Result<()> {
        let sql = format!(
            "UPDATE operations SET status = 'Canceled', secret = NULL, message = '', ended_at = ?3
             WHERE lane = ?1 AND status = '{RUNNING}'
               AND sequence < (SELECT sequence FROM operations WHERE id = ?2)"
        );
        connection.execute(
            &sql,
            params![deletion.lane, deletion.id, pave_runtime::clock::rfc3339()],
        )?;
        Ok(())
    }

    /// Forgets operations that ended before this moment; nobody asks for them any more.
    pub(crate) fn prune(connection: &Connection, before: &str) -> Result<()> {
        connection.execute(
            "DELETE FROM operations WHERE ended_at IS NOT NULL AND ended_at < ?1",
            [before],
        )?;
        Ok(())
    }

    fn from_row(row: &Row<'_>) -> Result<Self> {
        let kind: String = row.get(3)?;
        let request: String = row.get(4)?;
        let error: Option<String> = row.get(8)?;
        let unknown = || rusqlite::Error::InvalidColumnType(3, kind.clone(), rusqlite::types::Type::Text);
        let known = OperationKind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)
            .ok_or_else(unknown)?;
        Ok(Self {
            id: row.get(0)?,
            lane: row.get(1)?,
            resource: row.get(2)?,
            kind: known,
            request: serde_json::from_str(&request).unwrap_or_default(),
            secret: row.get(5)?,
            status: row.get(6)?,
            message: row.get(7)?,
            error: error.and_then(|error| serde_json::from_str(&error).ok()),
            location: row.get(9)?,
            correlation: row.get(10)?,
            caller: row.get(11)?,
            started_at: row.get(12)?,
            ended_at: row.get(13)?,
        })
    }
}
