//! From rows to values.

use std::path::{Path, PathBuf};

use rusqlite::Row;
use serde::Serialize;
use uuid::Uuid;

use super::{Push, Subscription};
use crate::repository::{Project, Repository};

pub(super) fn directory(root: &Path, id: Uuid) -> PathBuf {
    root.join(format!("{id}.git"))
}

pub(super) fn read_project(row: &Row<'_>) -> rusqlite::Result<Project> {
    project_at(row, 0)
}

pub(super) fn project_at(row: &Row<'_>, id: usize) -> rusqlite::Result<Project> {
    Ok(Project {
        id: uuid_at(row, id)?,
        organization: row.get(id + 1)?,
        name: row.get(id + 2)?,
        created_at: row.get(id + 3)?,
        description: row.get(id + 4)?,
        visibility: row.get(id + 5)?,
    })
}

pub(super) fn read_repository(row: &Row<'_>, root: &Path) -> rusqlite::Result<Repository> {
    let id = uuid_at(row, 0)?;
    let parent: Option<String> = row.get(2)?;
    Ok(Repository {
        id,
        name: row.get(1)?,
        parent: parent.and_then(|id| Uuid::parse_str(&id).ok()),
        project: project_at(row, 3)?,
        directory: directory(root, id),
    })
}

pub(super) fn read_push(row: &Row<'_>, at: usize) -> rusqlite::Result<Push> {
    Ok(Push {
        id: row.get(at)?,
        repository: uuid_at(row, at + 1)?,
        pusher: json_at(row, at + 2)?,
        updates: json_at(row, at + 3)?,
        created_at: row.get(at + 4)?,
    })
}

pub(super) fn read_subscription(row: &Row<'_>, at: usize) -> rusqlite::Result<Subscription> {
    Ok(Subscription {
        id: uuid_at(row, at)?,
        organization: row.get(at + 1)?,
        event_type: row.get(at + 2)?,
        body: json_at(row, at + 3)?,
        secret: row.get(at + 4)?,
        created_at: row.get(at + 5)?,
    })
}

pub(super) fn uuid_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Uuid> {
    let text: String = row.get(index)?;
    Uuid::parse_str(&text).map_err(|error| unreadable(index, error))
}

pub(super) fn json_at<T: serde::de::DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text).map_err(|error| unreadable(index, error))
}

pub(super) fn unreadable(
    index: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
}

pub(super) fn to_json<T: Serialize>(value: &T) -> String {
    // These types have string keys only, which is all that could fail.
    serde_json::to_string(value).unwrap_or_default()
}
