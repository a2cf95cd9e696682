use rusqlite::{Connection, Result, Row, params};
use uuid::Uuid;

/// One entry of the activity log: who did what to which resource, and how it went.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) at: String,
    pub(crate) caller: String,
    pub(crate) correlation: String,
    /// Id of the long-running operation, or of the request.
    pub(crate) operation: String,
    /// `Microsoft.Storage/storageAccounts/write`.
    pub(crate) action: String,
    /// Id of the resource.
    pub(crate) resource: String,
    /// `Accepted`, `Succeeded` or `Failed`.
    pub(crate) status: String,
    /// HTTP status, or the code of an error.
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Which entries are asked for; an empty field asks for all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) since: String,
    pub(crate) until: String,
    pub(crate) correlation: String,
    /// Lower-case id of a resource or group: itself and what lies in it.
    pub(crate) below: String,
    pub(crate) status: String,
    pub(crate) caller: String,
    pub(crate) namespace: String,
}

const COLUMNS: &str = "id, at, caller, correlation, operation, action, resource, status, code, message";
/// The most entries of one answer.
const MOST: usize = 1_000;

impl Activity {
    /// An entry of this moment.
    pub(crate) fn now(caller: &str, correlation: &str, action: &str, resource: &str) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            at: pave_runtime::clock::rfc3339(),
            caller: caller.to_owned(),
            correlation: correlation.to_owned(),
            operation: String::new(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            status: String::new(),
            code: String::new(),
            message: String::new(),
        }
    }

    pub(crate) fn insert(&self, connection: &Connection) -> Result<()> {
        let sql =
            format!("INSERT INTO activity ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
        connection.prepare_cached(&sql)?.execute(params![
            self.id,
            self.at,
            self.caller,
            self.correlation,
            self.operation,
            self.action,
            self.resource,
            self.status,
            self.code,
            self.message
        ])?;
        Ok(())
    }

    /// What a filter asks for, newest first.
    pub(crate) fn select(connection: &Connection, filter: &Filter) -> Result<Vec<Self>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM activity
             WHERE (?1 = '' OR at >= ?1) AND (?2 = '' OR at <= ?2) AND (?3 = '' OR correlation = ?3 COLLATE NOCASE)
               AND (?4 = '' OR lower(resource) = ?4 OR substr(lower(resource), 1, length(?4) + 1) = ?4 || '/')
               AND (?5 = '' OR status = ?5 COLLATE NOCASE) AND (?6 = '' OR caller = ?6 COLLATE NOCASE)
               AND (?7 = '' OR substr(lower(action), 1, length(?7) + 1) = lower(?7) || '/')
             ORDER BY sequence DESC LIMIT {MOST}"
        );
        connection
            .prepare_cached(&sql)?
            .query_map(
                params![
                    filter.since,
                    filter.until,
                    filter.correlation,
                    filter.below,
                    filter.status,
                    filter.caller,
                    filter.namespace
                ],
                Self::from_row,
            )?
            .collect()
    }

    /// Forgets what happened before this moment.
    pub(crate) fn prune(connection: &Connection, before: &str) -> Result<()> {
        connection.execute("DELETE FROM activity WHERE at < ?1", [before])?;
        Ok(())
    }

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            at: row.get(1)?,
            caller: row.get(2)?,
            correlation: row.get(3)?,
            operation: row.get(4)?,
            action: row.get(5)?,
            resource: row.get(6)?,
            status: row.get(7)?,
            code: row.get(8)?,
            message: row.get(9)?,
        })
    }
}
