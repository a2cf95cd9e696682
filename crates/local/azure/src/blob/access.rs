//! Who asks a storage service, and whether they may: with a key of the account, or as a principal as everywhere else.

use axum::http::request::Parts;
use axum::http::{StatusCode, header};

use super::error::BlobError;
use super::{Asked, signature};
use crate::arm::{Arm, KEYS};
use crate::caller::{Caller, authenticate_for, authorize as may};
use crate::store::{Resource, find_secret};

/// What tokens for all storage accounts are meant for.
pub(super) const AUDIENCE: &str = "https://storage.azure.com";

/// Who signed a request.
pub(super) enum Signer {
    /// Whoever has a key of the account.
    Key,
    Principal(Box<Caller>),
}

impl Signer {
    /// Name and kind, for what is made.
    pub(super) fn stamp(&self) -> (String, &'static str) {
        match self {
            Self::Key => ("account key".to_owned(), "Key"),
            Self::Principal(caller) => (caller.name.clone(), caller.kind),
        }
    }
}

pub(super) async fn authenticate(
    arm: &Arm,
    head: &Parts,
    (account, service): (&Resource, &str),
    now: i64,
) -> Result<Signer, BlobError> {
    let shown = head
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some(shown) = shown else {
        let message = "Server failed to authenticate the request. Please refer to the information in the www-authenticate header. There is no public access, and no shared access signature, in the local cloud.";
        return Err(BlobError::new(
            StatusCode::UNAUTHORIZED,
            "NoAuthenticationInformation",
            message,
        ));
    };
    if let Some(signature) = shown.strip_prefix("SharedKey ") {
        if account.body["properties"]["allowSharedKeyAccess"] == serde_json::json!(false) {
            let message = "Key based authentication is not permitted on this storage account.";
            return Err(BlobError::new(
                StatusCode::FORBIDDEN,
                "KeyBasedAuthenticationNotPermitted",
                message,
            ));
        }
        let keys = keys(arm, account).await?;
        signature::check((head, service), signature, account.name(), &keys, now / 1000)?;
        return Ok(Signer::Key);
    }
    let own = format!(
        "https://{}.blob.{}",
        account.name(),
        super::storage_suffix(&arm.options)
    );
    let caller = authenticate_for(arm, &head.headers, &[AUDIENCE, &own]).await?;
    Ok(Signer::Principal(Box::new(caller)))
}

async fn keys(arm: &Arm, account: &Resource) -> Result<Vec<Vec<u8>>, BlobError> {
    let id = account.id.clone();
    let sealed = arm
        .engine
        .store
        .read(move |connection| {
            let found = KEYS.map(|name| find_secret(connection, &id, name));
            found.into_iter().collect::<rusqlite::Result<Vec<_>>>()
        })
        .await?;
    let open = |sealed: Vec<u8>| arm.options.keys.sealer().open_sealed(&sealed);
    let opened: Result<Vec<_>, _> = sealed.into_iter().flatten().map(open).collect();
    opened.map_err(|error| BlobError::internal(&error))
}

/// Asks the authorizer, where there is one, as for any resource; who has a key may do everything in its account.
pub(super) async fn authorize(arm: &Arm, asked: &Asked) -> Result<(), BlobError> {
    let Signer::Principal(caller) = &asked.signer else {
        return Ok(());
    };
    let mut path = format!("{}/blobservices/default", asked.account.id);
    if !asked.container.is_empty() {
        path = asked.container_key();
    }
    if !asked.blob.is_empty() {
        path = format!("{path}/blobs/{}", asked.blob);
    }
    Ok(may(&arm.options, caller, &asked.method, &path).await?)
}
