//! Who did what, to what, when: kept, and never with a secret in it.

use std::path::Path;

use pave_auth::Principal;
use pave_runtime::clock;
use pave_store::rusqlite::params;
use pave_store::{Database, StoreError};
use serde::Serialize;

const MIGRATIONS: &[&str] = &["CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
  subject TEXT NOT NULL, detail TEXT NOT NULL)"];

/// What was done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    SignIn,
    SignOut,
    RunTemplate,
    RevealSecret,
    DeleteEnvironment,
    SyncApplication,
    RefreshApplication,
    CreateToken,
    RevokeToken,
    RegisterLocation,
    UnregisterLocation,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::SignOut => "sign-out",
            Self::RunTemplate => "run-template",
            Self::RevealSecret => "reveal-secret",
            Self::DeleteEnvironment => "delete-environment",
            Self::SyncApplication => "sync-application",
            Self::RefreshApplication => "refresh-application",
            Self::CreateToken => "create-token",
            Self::RevokeToken => "revoke-token",
            Self::RegisterLocation => "register-location",
            Self::UnregisterLocation => "unregister-location",
        }
    }
}

/// One entry.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    time: String,
    actor: String,
    action: String,
    subject: String,
    detail: String,
}

/// The audit log.
#[derive(Clone)]
pub(crate) struct Audit {
    database: Database,
}

impl Audit {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            database: Database::open(path, MIGRATIONS)?,
        })
    }

    /// Records an action before it is answered.
    pub(crate) async fn record(
        &self,
        actor: &Principal,
        action: Action,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) -> Result<(), StoreError> {
        let (actor, subject, detail) = (actor.entity.to_string(), subject.into(), detail.into());
        let time = clock::now().to_string();
        self.database
            .write(move |tx| {
                tx.execute(
                    "INSERT INTO audit (time, actor, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![time, actor, action.as_str(), subject, detail],
                )
            })
            .await?;
        Ok(())
    }

    /// The latest entries, newest first.
    pub(crate) async fn latest(&self, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.database
            .read(move |db| {
                db.prepare(
                    "SELECT time, actor, action, subject, detail FROM audit ORDER BY sequence DESC LIMIT ?1",
                )?
                .query_map([limit], |row| {
                    Ok(Entry {
                        time: row.get(0)?,
                        actor: row.get(1)?,
                        action: row.get(2)?,
                        subject: row.get(3)?,
                        detail: row.get(4)?,
                    })
                })?
                .collect()
            })
            .await
    }
}
