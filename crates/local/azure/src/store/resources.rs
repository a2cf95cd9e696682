use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who made and who last changed a resource; ARM's `systemData`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stamp {
    pub(crate) created_by: String,
    pub(crate) created_by_type: String,
    pub(crate) created_at: String,
    pub(crate) last_modified_by: String,
    pub(crate) last_modified_by_type: String,
    pub(crate) last_modified_at: String,
}

/// One resource as it is kept: the document without id, name, type and secrets.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// Lower-case id: the key.
    pub(crate) id: String,
    /// The id as it was first written, with ARM's own spelling of types.
    pub(crate) canonical: String,
    /// Lower-case type.
    pub(crate) kind: String,
    /// Lower-case id of what it lies in: a group for servers, a server for its children.
    pub(crate) parent: String,
    /// `provisioningState`.
    pub(crate) state: String,
    /// Children are invisible until they exist.
    pub(crate) visible: bool,
    pub(crate) body: Value,
    pub(crate) stamp: Stamp,
}

const COLUMNS: &str = "id, canonical, kind, parent, state, visible, body, stamp";

impl Resource {
    pub(crate) fn find(connection: &Connection, id: &str) -> Result<Option<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM resources WHERE id = ?1");
        connection.query_row(&sql, [id], Self::from_row).optional()
    }

    /// What lies directly in `parent`, of one type or of all, visible or not.
    pub(crate) fn children(connection: &Connection, parent: &str, kind: Option<&str>) -> Result<Vec<Self>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM resources WHERE parent = ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY rowid"
        );
        connection
            .prepare_cached(&sql)?
            .query_map(params![parent, kind], Self::from_row)?
            .collect()
    }

    /// All resources of one type.
    pub(crate) fn of_kind(connection: &Connection, kind: &str) -> Result<Vec<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM resources WHERE kind = ?1 ORDER BY rowid");
        connection
            .prepare_cached(&sql)?
            .query_map([kind], Self::from_row)?
            .collect()
    }

    /// All resources that lie directly in a group, and may be listed.
    pub(crate) fn in_groups(connection: &Connection) -> Result<Vec<Self>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM resources WHERE visible = 1
               AND parent IN (SELECT id FROM resources WHERE kind = 'microsoft.resources/resourcegroups') ORDER BY rowid"
        );
        connection
            .prepare_cached(&sql)?
            .query_map([], Self::from_row)?
            .collect()
    }

    /// Writes it, new or changed.
    pub(crate) fn put(&self, connection: &Connection) -> Result<()> {
        let sql = "INSERT INTO resources (id, canonical, kind, parent, state, visible, body, stamp)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET state = ?5, visible = ?6, body = ?7, stamp = ?8";
        let stamp = serde_json::to_string(&self.stamp).unwrap_or_default();
        let body = self.body.to_string();
        connection.execute(
            sql,
            params![
                self.id,
                self.canonical,
                self.kind,
                self.parent,
                self.state,
                self.visible,
                body,
                stamp
            ],
        )?;
        Ok(())
    }

    pub(crate) fn set_state(connection: &Connection, id: &str, state: &str, visible: bool) -> Result<()> {
        connection.execute(
            "UPDATE resources SET state = ?2, visible = ?3 WHERE id = ?1",
            params![id, state, visible],
        )?;
        Ok(())
    }

    /// Removes a resource with its children and secrets.
    pub(crate) fn remove(connection: &Connection, id: &str) -> Result<()> {
        connection.execute("DELETE FROM secrets WHERE resource = ?1", [id])?;
        connection.execute("DELETE FROM resources WHERE id = ?1 OR parent = ?1", [id])?;
        Ok(())
    }

    /// The last part of the id, as it was written.
    pub(crate) fn name(&self) -> &str {
        self.canonical.rsplit('/').next().unwrap_or_default()
    }

    /// A text in `properties`, or nothing.
    pub(crate) fn property(&self, name: &str) -> &str {
        self.body["properties"][name].as_str().unwrap_or_default()
    }

    fn from_row(row: &Row<'_>) -> Result<Self> {
        let text: String = row.get(6)?;
        let stamp: String = row.get(7)?;
        let damaged = |error| {
            rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, Box::new(error))
        };
        Ok(Self {
            id: row.get(0)?,
            canonical: row.get(1)?,
            kind: row.get(2)?,
            parent: row.get(3)?,
            state: row.get(4)?,
            visible: row.get(5)?,
            body: serde_json::from_str(&text).map_err(damaged)?,
            stamp: serde_json::from_str(&stamp).map_err(damaged)?,
        })
    }
}
