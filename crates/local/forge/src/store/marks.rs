//! What people put on references: locks, and favorites.

use pave_auth::Principal;
use rusqlite::params;
use uuid::Uuid;

use super::rows::{json_at, to_json, uuid_at};
use super::{Store, StoreError};

/// A reference that only its holder moves.
#[derive(Debug, Clone)]
pub(crate) struct Lock {
    pub(crate) name: String,
    pub(crate) holder: Principal,
}

impl Lock {
    /// Whether it keeps somebody from moving a reference.
    pub(crate) fn stops(&self, name: &str, who: &Principal) -> bool {
        self.name == name && self.holder.id != who.id
    }

    /// What that somebody is told.
    pub(crate) fn refusal(&self) -> String {
        format!(
            "The ref '{}' is locked by {}.",
            self.name, self.holder.display_name
        )
    }
}

/// A reference that somebody looks at often.
#[derive(Debug, Clone)]
pub(crate) struct Favorite {
    pub(crate) id: i64,
    pub(crate) repository: Uuid,
    pub(crate) name: String,
}

impl Store {
    /// The locked references of a repository.
    pub(crate) async fn locks(&self, repository: Uuid) -> Result<Vec<Lock>, StoreError> {
        self.database
            .read(move |connection| {
                let sql = "SELECT name, holder FROM reference_lock WHERE repository_id = ?1 ORDER BY name";
                let mut statement = connection.prepare_cached(sql)?;
                let rows = statement.query_map([repository.to_string()], |row| {
                    Ok(Lock {
                        name: row.get(0)?,
                        holder: json_at(row, 1)?,
                    })
                })?;
                rows.collect()
            })
            .await
    }

    /// Locks a reference; one that is locked keeps its holder.
    pub(crate) async fn add_lock(&self, repository: Uuid, lock: Lock) -> Result<(), StoreError> {
        self.database
            .write(move |tx| {
                let sql = "INSERT INTO reference_lock (repository_id, name, holder) VALUES (?1, ?2, ?3)
                           ON CONFLICT (repository_id, name) DO NOTHING";
                tx.execute(
                    sql,
                    params![repository.to_string(), lock.name, to_json(&lock.holder)],
                )?;
                Ok(())
            })
            .await
    }

    /// Unlocks a reference.
    pub(crate) async fn delete_lock(&self, repository: Uuid, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.database
            .write(move |tx| {
                let sql = "DELETE FROM reference_lock WHERE repository_id = ?1 AND name = ?2";
                tx.execute(sql, params![repository.to_string(), name])?;
                Ok(())
            })
            .await
    }

    /// Adds a favorite of a person; `None` if it is one already.
    pub(crate) async fn add_favorite(
        &self,
        person: Uuid,
        repository: Uuid,
        name: &str,
    ) -> Result<Option<Favorite>, StoreError> {
        let name = name.to_owned();
        self.database
            .write(move |tx| {
                let sql = "INSERT INTO favorite (repository_id, person, name) VALUES (?1, ?2, ?3)
                           ON CONFLICT (person, repository_id, name) DO NOTHING";
                let added = tx.execute(sql, params![repository.to_string(), person.to_string(), name])?;
                Ok((added == 1).then(|| Favorite {
                    id: tx.last_insert_rowid(),
                    repository,
                    name,
                }))
            })
            .await
    }

    /// The favorites of a person.
    pub(crate) async fn favorites(&self, person: Uuid) -> Result<Vec<Favorite>, StoreError> {
        self.database
            .read(move |connection| {
                let sql = "SELECT id, repository_id, name FROM favorite WHERE person = ?1 ORDER BY id";
                let mut statement = connection.prepare_cached(sql)?;
                let rows = statement.query_map([person.to_string()], |row| {
                    Ok(Favorite {
                        id: row.get(0)?,
                        repository: uuid_at(row, 1)?,
                        name: row.get(2)?,
                    })
                })?;
                rows.collect()
            })
            .await
    }

    /// Forgets a favorite of a person.
    pub(crate) async fn delete_favorite(&self, person: Uuid, id: i64) -> Result<(), StoreError> {
        self.database
            .write(move |tx| {
                let sql = "DELETE FROM favorite WHERE id = ?1 AND person = ?2";
                tx.execute(sql, params![id, person.to_string()])?;
                Ok(())
            })
            .await
    }
}
