use rusqlite::{Connection, OptionalExtension as _, Result, params};

/// A sealed secret of a resource; it goes with the resource.
pub(crate) fn find_secret(connection: &Connection, resource: &str, name: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT sealed FROM secrets WHERE resource = ?1 AND name = ?2";
    connection
        .query_row(sql, params![resource, name], |row| row.get(0))
        .optional()
}

/// Keeps a sealed secret, in place of what it was before.
pub(crate) fn put_secret(connection: &Connection, resource: &str, name: &str, sealed: &[u8]) -> Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO secrets (resource, name, sealed) VALUES (?1, ?2, ?3)",
        params![resource, name, sealed],
    )?;
    Ok(())
}
