use rusqlite::{Connection, OptionalExtension as _, Result, params};

/// The control plane behind a managed cluster.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    /// Lower-case ARM id.
    pub(crate) id: String,
    /// Its name where it is kept; never used twice.
    pub(crate) name: String,
}

impl Plane {
    pub(crate) fn find(connection: &Connection, id: &str) -> Result<Option<Self>> {
        let sql = "SELECT name FROM control_planes WHERE id = ?1";
        let name = connection.query_row(sql, [id], |row| row.get(0)).optional()?;
        Ok(name.map(|name| Self {
            id: id.to_owned(),
            name,
        }))
    }

    /// The names of all.
    pub(crate) fn names(connection: &Connection) -> Result<Vec<String>> {
        connection
            .prepare("SELECT name FROM control_planes")?
            .query_map([], |row| row.get(0))?
            .collect()
    }

    pub(crate) fn insert(&self, connection: &Connection) -> Result<()> {
        connection.execute(
            "INSERT INTO control_planes (id, name) VALUES (?1, ?2)",
            params![self.id, self.name],
        )?;
        Ok(())
    }

    pub(crate) fn remove(connection: &Connection, id: &str) -> Result<()> {
        connection.execute("DELETE FROM control_planes WHERE id = ?1", [id])?;
        Ok(())
    }
}
