use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pave_keys::Keys;
use pave_names::EntityRef;
use pave_runtime::clock;
use pave_store::Database;
use pave_store::rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::{AuthError, Principal, token};

const MIGRATIONS: &[&str] = &["
CREATE TABLE principal (
  entity TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, user_name TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL,
  email TEXT NOT NULL, groups TEXT NOT NULL);
CREATE TABLE token (
  id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, entity TEXT NOT NULL REFERENCES principal (entity) ON DELETE CASCADE,
  purpose TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER);
CREATE TABLE sign_in (
  digest BLOB PRIMARY KEY, entity TEXT NOT NULL REFERENCES principal (entity) ON DELETE CASCADE, expires_at INTEGER NOT NULL);
"];

/// Lifetime of service-account tokens, in seconds.
const SERVICE_ACCOUNT_LIFETIME: i64 = 24 * 60 * 60;
/// Lifetime of a one-time sign-in code, in seconds.
const SIGN_IN_LIFETIME: i64 = 15 * 60;
/// Tokens whose principal is remembered, at most.
const CACHED: usize = 10_000;
/// How long a principal is remembered before the store is asked again: another process may have revoked the token.
const REMEMBERED: Duration = Duration::from_secs(30);
/// Issuer of the tokens that we sign for service accounts.
const ISSUER: &str = "https://kubernetes.default.svc";

/// Who is known here, and the tokens that prove it. Cheap to clone.
#[derive(Clone)]
pub struct Identities {
    database: Database,
    keys: Keys,
    cache: Arc<Mutex<HashMap<Vec<u8>, Cached>>>,
}

#[derive(Clone)]
struct Cached {
    principal: Principal,
    expires_at: i64,
    seen: Instant,
}

/// An issued token, without the token.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenInfo {
    /// Id to revoke it by.
    pub id: Uuid,
    /// Whose it is.
    pub entity: EntityRef,
    /// What it was made for.
    pub purpose: String,
    /// Seconds since the epoch.
    pub created_at: i64,
    /// Seconds since the epoch; absent when it does not expire.
    pub expires_at: Option<i64>,
}

impl Identities {
    /// Opens the identity store.
    pub fn open(path: &Path, keys: Keys) -> Result<Self, AuthError> {
        let database = Database::open(path, MIGRATIONS)?;
        Ok(Self {
            database,
            keys,
            cache: Arc::default(),
        })
    }

    /// Adds a person, or brings names and groups up to date; the id stays.
    pub async fn upsert_user(
        &self,
        entity: &EntityRef,
        display_name: &str,
        email: &str,
        groups: &[String],
    ) -> Result<Principal, AuthError> {
        let principal = Principal {
            id: Uuid::new_v4(),
            entity: entity.clone(),
            user: entity.name().to_owned(),
            groups: groups.to_vec(),
            display_name: display_name.to_owned(),
            email: email.to_owned(),
        };
        let stored = self
            .database
            .write(move |tx| {
                tx.execute(
                    "INSERT INTO principal (entity, id, user_name, display_name, email, groups) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (entity) DO UPDATE SET display_name = excluded.display_name, email = excluded.email,
                       groups = excluded.groups",
                    params![
                        principal.entity.to_string(),
                        principal.id.to_string(),
                        principal.user,
                        principal.display_name,
                        principal.email,
                        json!(principal.groups).to_string(),
                    ],
                )?;
                tx.query_row(
                    "SELECT entity, id, user_name, display_name, email, groups FROM principal WHERE entity = ?1",
                    [principal.entity.to_string()],
                    read_principal,
                )
            })
            .await?;
        self.forget();
        Ok(stored)
    }

    /// Everybody, by reference.
    pub async fn principals(&self) -> Result<Vec<Principal>, AuthError> {
        Ok(self
            .database
            .read(|db| {
                db.prepare("SELECT entity, id, user_name, display_name, email, groups FROM principal ORDER BY entity")?
                    .query_map([], read_principal)?
                    .collect()
            })
            .await?)
    }

    /// One person, by reference.
    pub async fn find(&self, entity: &EntityRef) -> Result<Option<Principal>, AuthError> {
        let entity = entity.to_string();
        Ok(self
            .database
            .read(move |db| {
                db.query_row(
                    "SELECT entity, id, user_name, display_name, email, groups FROM principal WHERE entity = ?1",
                    [entity],
                    read_principal,
                )
                .optional()
            })
            .await?)
    }

    /// Makes a token for a person. It is shown this once; the store keeps a hash.
    pub async fn issue_token(
        &self,
        entity: &EntityRef,
        purpose: &str,
        lifetime: Option<Duration>,
    ) -> Result<String, AuthError> {
        self.known(entity).await?;
        let token = token::generate();
        let (digest, entity, purpose) = (token::digest(&token), entity.to_string(), purpose.to_owned());
        let now = clock::unix_seconds();
        let expires_at = lifetime.map(|lifetime| now.saturating_add_unsigned(lifetime.as_secs()));
        self.database
            .write(move |tx| {
                tx.execute(
                    "INSERT INTO token (id, digest, entity, purpose, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![Uuid::new_v4().to_string(), digest, entity, purpose, now, expires_at],
                )
            })
            .await?;
        Ok(token)
    }

    /// The tokens of a person, newest first.
    pub async fn tokens(&self, entity: &EntityRef) -> Result<Vec<TokenInfo>, AuthError> {
        let entity = entity.to_string();
        Ok(self
            .database
            .read(move |db| {
                db.prepare("SELECT id, entity, purpose, created_at, expires_at FROM token WHERE entity = ?1 ORDER BY created_at DESC")?
                    .query_map([entity], |row| {
                        Ok(TokenInfo {
                            id: parse(row, 0)?,
                            entity: reference(row, 1)?,
                            purpose: row.get(2)?,
                            created_at: row.get(3)?,
                            expires_at: row.get(4)?,
                        })
                    })?
                    .collect()
            })
            .await?)
    }

    /// Makes a token worthless, at once.
    pub async fn revoke_token(&self, id: Uuid) -> Result<bool, AuthError> {
        let removed = self
            .database
            .write(move |tx| tx.execute("DELETE FROM token WHERE id = ?1", [id.to_string()]))
            .await?;
        self.forget();
        Ok(removed > 0)
    }

    /// Makes a token worthless that is at hand itself, as at the end of a session.
    pub async fn revoke_value(&self, token: &str) -> Result<(), AuthError> {
        let digest = token::digest(token);
        self.database
            .write(move |tx| tx.execute("DELETE FROM token WHERE digest = ?1", [digest]))
            .await?;
        self.forget();
        Ok(())
    }

    /// Forgets tokens and sign-in codes that have expired; gives how many.
    pub async fn prune(&self) -> Result<usize, AuthError> {
        let now = clock::unix_seconds();
        let removed = self
            .database
            .write(move |tx| {
                let tokens = tx.execute("DELETE FROM token WHERE expires_at <= ?1", [now])?;
                Ok(tokens + tx.execute("DELETE FROM sign_in WHERE expires_at <= ?1", [now])?)
            })
            .await?;
        Ok(removed)
    }

    /// Who a token belongs to; nobody when it is unknown, revoked or expired.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Principal>, AuthError> {
        if token.matches('.').count() == 2 {
            return Ok(self.service_account(token));
        }
        let digest = token::digest(token);
        let now = clock::unix_seconds();
        if let Some(cached) = self.lock().get(&digest)
            && cached.seen.elapsed() < REMEMBERED
        {
            return Ok((cached.expires_at > now).then(|| cached.principal.clone()));
        }
        let key = digest.clone();
        let found = self
            .database
            .read(move |db| {
                db.query_row(
                    "SELECT p.entity, p.id, p.user_name, p.display_name, p.email, p.groups, t.expires_at
                     FROM token t JOIN principal p ON p.entity = t.entity WHERE t.digest = ?1",
                    [key],
                    |row| {
                        Ok((
                            read_principal(row)?,
                            row.get::<_, Option<i64>>(6)?.unwrap_or(i64::MAX),
                        ))
                    },
                )
                .optional()
            })
            .await?;
        let Some((principal, expires_at)) = found else {
            self.lock().remove(&digest);
            return Ok(None);
        };
        let mut cache = self.lock();
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(
            digest,
            Cached {
                principal: principal.clone(),
                expires_at,
                seen: Instant::now(),
            },
        );
        Ok((expires_at > now).then_some(principal))
    }

    /// A signed token for a service account, valid for a day.
    pub fn service_account_token(&self, namespace: &str, name: &str) -> Result<String, AuthError> {
        let now = clock::unix_seconds();
        let claims = json!({
            "iss": ISSUER,
            "aud": [ISSUER],
            "sub": format!("system:serviceaccount:{namespace}:{name}"),
            "iat": now, "nbf": now, "exp": now + SERVICE_ACCOUNT_LIFETIME,
            "kubernetes.io": { "namespace": namespace, "serviceaccount": { "name": name } },
        });
        Ok(self.keys.sign_jwt(&claims)?)
    }

    fn service_account(&self, token: &str) -> Option<Principal> {
        let claims = self.keys.verify_jwt(token).ok()?;
        let now = clock::unix_seconds();
        let current = claims["exp"].as_i64()? > now && claims["nbf"].as_i64().unwrap_or(0) <= now + 60;
        if !current || claims["iss"] != ISSUER {
            return None;
        }
        let (namespace, name) = claims["sub"]
            .as_str()?
            .strip_prefix("system:serviceaccount:")?
            .split_once(':')?;
        Some(Principal::service_account(namespace, name))
    }

    /// Makes a code that signs a person in once, within a quarter of an hour.
    pub async fn issue_sign_in(&self, entity: &EntityRef) -> Result<String, AuthError> {
        self.known(entity).await?;
        let code = token::generate();
        let (digest, entity) = (token::digest(&code), entity.to_string());
        let expires_at = clock::unix_seconds() + SIGN_IN_LIFETIME;
        self.database
            .write(move |tx| {
                tx.execute(
                    "DELETE FROM sign_in WHERE expires_at < ?1",
                    [clock::unix_seconds()],
                )?;
                tx.execute(
                    "INSERT INTO sign_in (digest, entity, expires_at) VALUES (?1, ?2, ?3)",
                    params![digest, entity, expires_at],
                )
            })
            .await?;
        Ok(code)
    }

    /// Takes a sign-in code; it works once.
    pub async fn redeem_sign_in(&self, code: &str) -> Result<Option<Principal>, AuthError> {
        let digest = token::digest(code);
        let entity: Option<String> = self
            .database
            .write(move |tx| {
                tx.query_row(
                    "DELETE FROM sign_in WHERE digest = ?1 AND expires_at >= ?2 RETURNING entity",
                    params![digest, clock::unix_seconds()],
                    |row| row.get(0),
                )
                .optional()
            })
            .await?;
        match entity.and_then(|entity| EntityRef::parse(&entity, None, "default").ok()) {
            Some(entity) => self.find(&entity).await,
            None => Ok(None),
        }
    }

    async fn known(&self, entity: &EntityRef) -> Result<Principal, AuthError> {
        self.find(entity)
            .await?
            .ok_or_else(|| AuthError::UnknownPrincipal(entity.to_string()))
    }

    fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Vec<u8>, Cached>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_principal(row: &Row<'_>) -> pave_store::rusqlite::Result<Principal> {
    Ok(Principal {
        entity: reference(row, 0)?,
        id: parse(row, 1)?,
        user: row.get(2)?,
        display_name: row.get(3)?,
        email: row.get(4)?,
        groups: serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or_default(),
    })
}

fn parse(row: &Row<'_>, column: usize) -> pave_store::rusqlite::Result<Uuid> {
    Ok(Uuid::try_parse(&row.get::<_, String>(column)?).unwrap_or_default())
}

fn reference(row: &Row<'_>, column: usize) -> pave_store::rusqlite::Result<EntityRef> {
    let text: String = row.get(column)?;
    Ok(EntityRef::parse(&text, Some("user"), "default")
        .unwrap_or_else(|_| EntityRef::new("user", "default", "unknown")))
}
