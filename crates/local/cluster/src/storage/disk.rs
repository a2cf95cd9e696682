use std::path::Path;
use std::sync::Arc;

use pave_keys::Sealer;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::StorageError;
use super::clusters::{ClusterRecord, Order};
use super::object::{Event, EventKind, Object, ObjectName, TableId};
use super::state::State;

/// Version of the stored format, kept in `user_version`.
const FORMAT: i64 = 2;
/// Log rows kept beyond a restart.
const LOG_ROWS: u64 = 2_000;

/// The file behind the memory: `current` holds each object, `log` the recent events.
pub(super) struct Disk {
    connection: Connection,
    sealer: Sealer,
}

impl Disk {
    pub(super) fn open(path: &Path, sealer: Sealer) -> Result<Self, StorageError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        let format: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if format > FORMAT {
            return Err(StorageError::Newer {
                found: format,
                known: FORMAT,
            });
        }
        if format < 1 {
            connection.execute_batch(
                "BEGIN;
                 CREATE TABLE current (key TEXT PRIMARY KEY, rev INTEGER NOT NULL, uid TEXT NOT NULL,
                   sealed INTEGER NOT NULL, bytes BLOB NOT NULL) WITHOUT ROWID;
                 CREATE TABLE log (rev INTEGER PRIMARY KEY, key TEXT NOT NULL, op INTEGER NOT NULL,
                   at INTEGER NOT NULL, sealed INTEGER NOT NULL, bytes BLOB NOT NULL, prev_bytes BLOB);
                 CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
                 PRAGMA user_version = 1;
                 COMMIT;",
            )?;
        }
        if format < 2 {
            connection.execute_batch(
                "BEGIN;
                 CREATE TABLE clusters (id TEXT PRIMARY KEY, url TEXT NOT NULL, running INTEGER NOT NULL,
                   tokens BLOB NOT NULL) WITHOUT ROWID;
                 PRAGMA user_version = 2;
                 COMMIT;",
            )?;
        }
        Ok(Self { connection, sealer })
    }

    /// Reads everything into memory.
    pub(super) fn load(&self) -> Result<State, StorageError> {
        let revision = self.meta("revision")?.unwrap_or(1);
        let first: Option<i64> = self
            .connection
            .query_row("SELECT min(rev) FROM log", [], |row| row.get(0))
            .optional()?
            .flatten();
        let first = first.and_then(|first| u64::try_from(first).ok());
        let floor = first.map_or(revision, |first| first.saturating_sub(1));
        let mut state = State::new(revision, floor);
        let mut rows = self
            .connection
            .prepare("SELECT key, sealed, bytes FROM current")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            let object = self.object(&key, row.get(1)?, row.get(2)?)?;
            state.load(object);
        }
        self.load_log(&mut state)?;
        self.load_clusters(&mut state)?;
        Ok(state)
    }

    fn load_log(&self, state: &mut State) -> Result<(), StorageError> {
        let mut rows = self
            .connection
            .prepare("SELECT key, op, at, sealed, bytes, prev_bytes FROM log ORDER BY rev")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            let kind = match row.get::<_, i64>(1)? {
                0 => EventKind::Added,
                1 => EventKind::Modified,
                _ => EventKind::Deleted,
            };
            let sealed = row.get(3)?;
            let object = self.object(&key, sealed, row.get(4)?)?;
            let previous = match row.get::<_, Option<Vec<u8>>>(5)? {
                Some(bytes) => Some(self.object(&key, sealed, bytes)?),
                None => None,
            };
            state.load_event(Arc::new(Event::new(kind, object, previous, row.get(2)?)));
        }
        Ok(())
    }

    fn load_clusters(&self, state: &mut State) -> Result<(), StorageError> {
        let mut rows = self
            .connection
            .prepare("SELECT id, url, running, tokens FROM clusters")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let damaged = || StorageError::Damaged {
                key: format!("/clusters/{id}"),
            };
            let sealed: Vec<u8> = row.get(3)?;
            let tokens = self.sealer.open_sealed(&sealed).map_err(|_| damaged())?;
            let tokens = serde_json::from_slice(&tokens).map_err(|_| damaged())?;
            let record = ClusterRecord {
                id: id.clone(),
                url: row.get(1)?,
                running: row.get(2)?,
                tokens,
            };
            state.clusters.insert(id, record);
        }
        Ok(())
    }

    /// Records or removes a logical cluster: all of it in one transaction, so that there never is half of one.
    pub(super) fn obey(&self, order: &Order) -> Result<(), StorageError> {
        match order {
            Order::Put(record) => {
                let tokens = serde_json::to_vec(&record.tokens).map_err(|_| StorageError::Sealing)?;
                let tokens = self.sealer.seal(&tokens).map_err(|_| StorageError::Sealing)?;
                self.connection.execute(
                    "INSERT OR REPLACE INTO clusters (id, url, running, tokens) VALUES (?1, ?2, ?3, ?4)",
                    params![record.id, record.url, record.running, tokens],
                )?;
            }
            Order::Remove(id) => {
                let transaction = self.connection.unchecked_transaction()?;
                // Keys are `/clusters/<id>/…`; `0` comes right after `/`.
                let range = [format!("/clusters/{id}/"), format!("/clusters/{id}0")];
                for table in ["current", "log"] {
                    let sql = format!("DELETE FROM {table} WHERE key >= ?1 AND key < ?2");
                    transaction.execute(&sql, params![range[0], range[1]])?;
                }
                transaction.execute("DELETE FROM clusters WHERE id = ?1", [id])?;
                transaction.commit()?;
            }
        }
        Ok(())
    }

    fn meta(&self, name: &str) -> Result<Option<u64>, StorageError> {
        let statement = "SELECT value FROM meta WHERE name = ?1";
        let value: Option<i64> = self
            .connection
            .query_row(statement, [name], |row| row.get(0))
            .optional()?;
        Ok(value.and_then(|value| u64::try_from(value).ok()))
    }

    fn object(&self, key: &str, sealed: bool, bytes: Vec<u8>) -> Result<Arc<Object>, StorageError> {
        let damaged = || StorageError::Damaged { key: key.to_owned() };
        let (table, name) = parse_key(key).ok_or_else(damaged)?;
        let bytes = if sealed {
            self.sealer.open_sealed(&bytes).map_err(|_| damaged())?
        } else {
            bytes
        };
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let revision = value["metadata"]["resourceVersion"]
            .as_str()
            .and_then(|text| text.parse().ok());
        let revision = revision.ok_or_else(damaged)?;
        Ok(Arc::new(Object {
            table,
            name,
            revision,
            value,
            bytes: bytes.into(),
        }))
    }

    /// Writes a batch in one transaction; when this returns, it is on the disk.
    pub(super) fn write(&mut self, events: &[Arc<Event>]) -> Result<(), StorageError> {
        let Some(last) = events.last().map(|event| event.revision()) else {
            return Ok(());
        };
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for event in events {
            let object = &event.object;
            let key = format_key(&object.table, &object.name);
            let is_sealed = object.table.is_sealed();
            let seal = |bytes: &[u8]| {
                let sealed = || self.sealer.seal(bytes).map_err(|_| StorageError::Sealing);
                if is_sealed { sealed() } else { Ok(bytes.to_vec()) }
            };
            let bytes = seal(&object.bytes)?;
            if event.kind == EventKind::Deleted {
                transaction
                    .prepare_cached("DELETE FROM current WHERE key = ?1")?
                    .execute([&key])?;
            } else {
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO current (key, rev, uid, sealed, bytes) VALUES (?1, ?2, ?3, ?4, ?5)")?
                    .execute(params![key, row(object.revision), object.uid(), is_sealed, bytes])?;
            }
            let previous = event
                .previous
                .as_ref()
                .map(|previous| seal(&previous.bytes))
                .transpose()?;
            transaction
                .prepare_cached("INSERT INTO log (rev, key, op, at, sealed, bytes, prev_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                .execute(params![
                    row(object.revision),
                    key,
                    event.kind as i64,
                    event.unix_seconds,
                    is_sealed,
                    bytes,
                    previous
                ])?;
        }
        transaction
            .prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES ('revision', ?1)")?
            .execute([row(last)])?;
        if last > LOG_ROWS {
            transaction
                .prepare_cached("DELETE FROM log WHERE rev <= ?1")?
                .execute([row(last - LOG_ROWS)])?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// A revision as `SQLite` has integers.
fn row(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn format_key(table: &TableId, name: &ObjectName) -> String {
    let part = |text: &'_ str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text.to_owned()
        }
    };
    let (group, namespace) = (part(&table.group), part(&name.namespace));
    format!(
        "/clusters/{}/{group}/{}/{namespace}/{}",
        table.cluster, table.resource, name.name
    )
}

fn parse_key(key: &str) -> Option<(TableId, ObjectName)> {
    let part = |text: &'_ str| {
        if text == "-" {
            String::new()
        } else {
            text.to_owned()
        }
    };
    let mut parts = key.strip_prefix("/clusters/")?.splitn(5, '/');
    let (cluster, group, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let (namespace, name) = (parts.next()?, parts.next()?);
    Some((
        TableId::new(cluster, &part(group), resource),
        ObjectName::new(&part(namespace), name),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_their_cluster_and_read_back() {
        let check = |group: &str, namespace: &str, name: &str, expected: &str| {
            let (table, name) = (
                TableId::new("local", group, "things"),
                ObjectName::new(namespace, name),
            );
            assert_eq!(format_key(&table, &name), expected);
            assert_eq!(parse_key(expected), Some((table, name)));
        };
        check("", "default", "a", "/clusters/local/-/things/default/a");
        check("apps", "", "system:a", "/clusters/local/apps/things/-/system:a");
    }
}
