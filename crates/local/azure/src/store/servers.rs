use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

/// What a server does, in the words of Azure's `properties.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerState {
    Provisioning,
    Ready,
    Starting,
    Stopping,
    Stopped,
    Updating,
    Dropping,
    Inaccessible,
}

impl ServerState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "Provisioning",
            Self::Ready => "Ready",
            Self::Starting => "Starting",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Updating => "Updating",
            Self::Dropping => "Dropping",
            Self::Inaccessible => "Inaccessible",
        }
    }
}

/// The PostgreSQL server behind a flexible server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// Lower-case ARM id.
    pub(crate) id: String,
    /// Name, unique in the whole cloud.
    pub(crate) name: String,
    /// Name of its directory.
    pub(crate) directory: String,
    /// Its loopback address, once one was chosen.
    pub(crate) address: Option<String>,
    pub(crate) port: u16,
    pub(crate) login: String,
    /// Full version of what runs, once that is known.
    pub(crate) version: String,
    /// The data directory is complete and the administrator exists.
    pub(crate) created: bool,
    /// It is to run; false after `stop`.
    pub(crate) wanted: bool,
    pub(crate) state: String,
    /// Why it is not ready, in words.
    pub(crate) reason: String,
}

const COLUMNS: &str = "id, name, directory, address, port, login, version, created, wanted, state, reason";

impl Server {
    pub(crate) fn find(connection: &Connection, id: &str) -> Result<Option<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM servers WHERE id = ?1");
        connection.query_row(&sql, [id], Self::from_row).optional()
    }

    /// Whether a name is taken, wherever in the cloud.
    pub(crate) fn name_is_taken(connection: &Connection, name: &str) -> Result<bool> {
        connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM servers WHERE name = ?1)",
            [name],
            |row| row.get(0),
        )
    }

    pub(crate) fn all(connection: &Connection) -> Result<Vec<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM servers ORDER BY rowid");
        connection.prepare(&sql)?.query_map([], Self::from_row)?.collect()
    }

    pub(crate) fn insert(&self, connection: &Connection) -> Result<()> {
        let sql =
            format!("INSERT INTO servers ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
        connection.execute(
            &sql,
            params![
                self.id,
                self.name,
                self.directory,
                self.address,
                self.port,
                self.login,
                self.version,
                self.created,
                self.wanted,
                self.state,
                self.reason
            ],
        )?;
        Ok(())
    }

    pub(crate) fn set_address(connection: &Connection, id: &str, address: &str) -> Result<()> {
        connection.execute(
            "UPDATE servers SET address = ?2 WHERE id = ?1",
            params![id, address],
        )?;
        Ok(())
    }

    pub(crate) fn set_version(connection: &Connection, id: &str, version: &str) -> Result<()> {
        connection.execute(
            "UPDATE servers SET version = ?2 WHERE id = ?1",
            params![id, version],
        )?;
        Ok(())
    }

    pub(crate) fn set_login(connection: &Connection, id: &str, login: &str) -> Result<()> {
        connection.execute("UPDATE servers SET login = ?2 WHERE id = ?1", params![id, login])?;
        Ok(())
    }

    pub(crate) fn set_created(connection: &Connection, id: &str) -> Result<()> {
        connection.execute("UPDATE servers SET created = 1 WHERE id = ?1", [id])?;
        Ok(())
    }

    pub(crate) fn set_wanted(connection: &Connection, id: &str, wanted: bool) -> Result<()> {
        connection.execute(
            "UPDATE servers SET wanted = ?2 WHERE id = ?1",
            params![id, wanted],
        )?;
        Ok(())
    }

    pub(crate) fn set_state(
        connection: &Connection,
        id: &str,
        state: ServerState,
        reason: &str,
    ) -> Result<()> {
        let sql = "UPDATE servers SET state = ?2, reason = ?3 WHERE id = ?1";
        connection.execute(sql, params![id, state.as_str(), reason])?;
        Ok(())
    }

    pub(crate) fn remove(connection: &Connection, id: &str) -> Result<()> {
        connection.execute("DELETE FROM servers WHERE id = ?1", [id])?;
        Ok(())
    }

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            directory: row.get(2)?,
            address: row.get(3)?,
            port: row.get(4)?,
            login: row.get(5)?,
            version: row.get(6)?,
            created: row.get(7)?,
            wanted: row.get(8)?,
            state: row.get(9)?,
            reason: row.get(10)?,
        })
    }
}
