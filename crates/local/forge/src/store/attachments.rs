//! Files that people attach to pull requests.

use pave_auth::Principal;
use rusqlite::{OptionalExtension as _, params};

use super::rows::{json_at, to_json};
use super::{Store, StoreError};

/// A file of a pull request, without its content.
#[derive(Debug, Clone)]
pub(crate) struct Attachment {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) author: Principal,
    pub(crate) created_at: String,
}

impl Store {
    /// Adds a file; `None` if there is one of that name.
    pub(crate) async fn add_attachment(
        &self,
        pull: i64,
        name: &str,
        author: &Principal,
        content: Vec<u8>,
    ) -> Result<Option<Attachment>, StoreError> {
        let mut attachment = Attachment {
            id: 0,
            name: name.to_owned(),
            author: author.clone(),
            created_at: pave_runtime::clock::rfc3339(),
        };
        self.database
            .write(move |tx| {
                let sql = "INSERT INTO attachment (pull_id, name, author, created_at, content)
                           VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (pull_id, name) DO NOTHING";
                let Attachment {
                    name,
                    author,
                    created_at,
                    ..
                } = &attachment;
                let added = tx.execute(sql, params![pull, name, to_json(author), created_at, content])?;
                attachment.id = tx.last_insert_rowid();
                Ok((added == 1).then_some(attachment))
            })
            .await
    }

    /// The files of a pull request.
    pub(crate) async fn attachments(&self, pull: i64) -> Result<Vec<Attachment>, StoreError> {
        self.database
            .read(move |connection| {
                let sql =
                    "SELECT id, name, author, created_at FROM attachment WHERE pull_id = ?1 ORDER BY id";
                let mut statement = connection.prepare_cached(sql)?;
                let rows = statement.query_map([pull], |row| {
                    Ok(Attachment {
                        id: row.get(0)?,
                        name: row.get(1)?,
                        author: json_at(row, 2)?,
                        created_at: row.get(3)?,
                    })
                })?;
                rows.collect()
            })
            .await
    }

    /// What a file holds.
    pub(crate) async fn attachment(&self, pull: i64, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        self.database
            .read(move |connection| {
                let sql = "SELECT content FROM attachment WHERE pull_id = ?1 AND name = ?2";
                connection
                    .query_row(sql, params![pull, name], |row| row.get(0))
                    .optional()
            })
            .await
    }

    /// Removes a file; false if there is none.
    pub(crate) async fn delete_attachment(&self, pull: i64, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.database
            .write(move |tx| {
                let sql = "DELETE FROM attachment WHERE pull_id = ?1 AND name = ?2";
                Ok(tx.execute(sql, params![pull, name])? == 1)
            })
            .await
    }
}
