//! Renaming and deleting projects and repositories, and looking pushes up.

use rusqlite::{OptionalExtension as _, params};
use uuid::Uuid;

use super::rows::read_push;
use super::{PUSH, Push, Store, StoreError, folded};
use crate::repository::{Project, Repository};

impl Store {
    /// Renames a repository; false if the name is taken.
    pub(crate) async fn rename_repository(
        &self,
        repository: &Repository,
        name: &str,
    ) -> Result<bool, StoreError> {
        let (id, project) = (repository.id.to_string(), repository.project.id.to_string());
        let name = name.to_owned();
        self.database
            .write(move |tx| {
                let sql = "SELECT id FROM repository WHERE project_id = ?1 AND folded = ?2 AND id <> ?3";
                let taken: Option<String> = tx
                    .query_row(sql, params![project, folded(&[&name]), id], |row| row.get(0))
                    .optional()?;
                if taken.is_some() {
                    return Ok(false);
                }
                let sql = "UPDATE repository SET name = ?2, folded = ?3 WHERE id = ?1";
                tx.execute(sql, params![id, name, folded(&[&name])])?;
                Ok(true)
            })
            .await
    }

    /// Forgets a repository; its name is free again, and nothing more is told of it.
    pub(crate) async fn delete_repository(&self, id: Uuid) -> Result<(), StoreError> {
        self.database
            .write(move |tx| {
                let id = id.to_string();
                // A slash cannot be part of a name, so this one is never taken.
                let sql = "UPDATE repository SET deleted_at = ?2, folded = folded || '/' || id
                           WHERE id = ?1 AND deleted_at IS NULL";
                tx.execute(sql, params![id, pave_runtime::clock::rfc3339()])?;
                let sql = "DELETE FROM delivery WHERE state = 'owed' AND
                           (push_id IN (SELECT id FROM push WHERE repository_id = ?1)
                            OR event_id IN (SELECT id FROM event WHERE repository_id = ?1))";
                tx.execute(sql, [id])?;
                Ok(())
            })
            .await
    }

    /// Forgets a project whose repositories are gone.
    pub(crate) async fn delete_project(&self, id: Uuid) -> Result<(), StoreError> {
        self.database
            .write(move |tx| {
                let sql = "UPDATE project SET deleted_at = ?2, folded = folded || '//' || id
                           WHERE id = ?1 AND deleted_at IS NULL";
                tx.execute(sql, params![id.to_string(), pave_runtime::clock::rfc3339()])?;
                tx.execute("DELETE FROM policy WHERE project_id = ?1", [id.to_string()])?;
                Ok(())
            })
            .await
    }

    /// Writes name, description and visibility of a project down; false if the name is taken.
    pub(crate) async fn change_project(&self, project: Project) -> Result<bool, StoreError> {
        let folded = folded(&[&project.organization, &project.name]);
        self.database
            .write(move |tx| {
                let sql = "SELECT id FROM project WHERE folded = ?1 AND id <> ?2";
                let id = project.id.to_string();
                let key = params![folded, id];
                let taken: Option<String> = tx.query_row(sql, key, |row| row.get(0)).optional()?;
                if taken.is_some() {
                    return Ok(false);
                }
                let sql = "UPDATE project SET name = ?2, folded = ?3, description = ?4, visibility = ?5 WHERE id = ?1";
                let Project {
                    name,
                    description,
                    visibility,
                    ..
                } = &project;
                tx.execute(sql, params![id, name, folded, description, visibility])?;
                Ok(true)
            })
            .await
    }

    /// Notes how a long operation ended.
    pub(crate) async fn add_operation(&self, message: &str) -> Result<Uuid, StoreError> {
        let (id, message) = (Uuid::new_v4(), message.to_owned());
        self.database
            .write(move |tx| {
                let sql = "INSERT INTO operation (id, status, message, created_at) VALUES (?1, 'succeeded', ?2, ?3)";
                tx.execute(sql, params![id.to_string(), message, pave_runtime::clock::rfc3339()])?;
                Ok(id)
            })
            .await
    }

    /// Status and message of an operation.
    pub(crate) async fn operation(&self, id: Uuid) -> Result<Option<(String, String)>, StoreError> {
        self.database
            .read(move |connection| {
                let sql = "SELECT status, message FROM operation WHERE id = ?1";
                connection
                    .query_row(sql, [id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .await
    }

    /// Pushes that happened, newest first.
    pub(crate) async fn pushes(&self, repository: Uuid, limit: usize) -> Result<Vec<Push>, StoreError> {
        self.database
            .read(move |connection| {
                let sql = format!(
                    "{PUSH} WHERE push.state = 'done' AND push.repository_id = ?1 ORDER BY push.id DESC LIMIT ?2"
                );
                let mut statement = connection.prepare_cached(&sql)?;
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let rows = statement.query_map(params![repository.to_string(), limit], |row| read_push(row, 0))?;
                rows.collect()
            })
            .await
    }
}
