//! Changing blobs.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use rusqlite::Transaction;
use uuid::Uuid;

use super::answer::{Answer, http_date};
use super::error::BlobError;
use super::lease::LeaseAction;
use super::read::{check_conditions, check_container, no_blob};
use super::{Asked, files};
use crate::arm::Arm;
use crate::store::{Blob, Facts};

/// Headers that are kept with a blob: what clients send, and what it is in answers.
const KEPT: &[(&str, &str)] = &[
    ("x-ms-blob-content-type", "content-type"),
    ("x-ms-blob-content-encoding", "content-encoding"),
    ("x-ms-blob-content-language", "content-language"),
    ("x-ms-blob-content-md5", "content-md5"),
    ("x-ms-blob-cache-control", "cache-control"),
    ("x-ms-blob-content-disposition", "content-disposition"),
];
/// Longest name of a blob.
const LONGEST: usize = 1024;

/// Put Blob.
pub(super) async fn put(arm: &Arm, mut asked: Asked) -> Result<Answer, BlobError> {
    if asked.header("x-ms-copy-source").is_some() {
        return Err(BlobError::not_here("copying"));
    }
    match asked.header("x-ms-blob-type") {
        Some(kind) if kind.eq_ignore_ascii_case("BlockBlob") => {}
        Some(kind) => return Err(BlobError::not_here(&format!("blobs of the type {kind}"))),
        None => return Err(BlobError::bad_header("x-ms-blob-type")),
    }
    if asked.blob.chars().count() > LONGEST {
        let message = "The specified resource name length is not within the permissible limits.";
        return Err(BlobError::new(
            StatusCode::BAD_REQUEST,
            "OutOfRangeInput",
            message,
        ));
    }
    let content = std::mem::take(&mut asked.body);
    let size = content.len() as u64;
    let file = files::write(arm, content).await?;
    let name = file.clone();
    let written = write(arm, asked, move |transaction, asked, found| {
        let mut blob = Blob {
            container: asked.container_key(),
            name: asked.blob.clone(),
            snapshot: String::new(),
            file: name,
            size,
            etag: String::new(),
            created_at: asked.now,
            modified_at: 0,
            facts: Facts {
                headers: content_headers(asked),
                metadata: metadata(asked),
            },
            lease: found.map(|found| found.lease).unwrap_or_default(),
        };
        blob.lease.after_write(asked.now);
        touch(&mut blob, asked.now);
        blob.put(transaction)?;
        Ok(Ok(
            changed(&blob, StatusCode::CREATED).with("x-ms-request-server-encrypted", "true")
        ))
    })
    .await;
    if written.is_err() {
        files::discard(arm, &file).await;
    }
    files::sweep(&arm.engine.store, &arm.options.data).await?;
    written
}

/// Set Blob Metadata: all of it is replaced.
pub(super) async fn set_metadata(arm: &Arm, asked: Asked) -> Result<Answer, BlobError> {
    write(arm, asked, |transaction, asked, found| {
        let Some(mut blob) = found else {
            return Ok(Err(no_blob()));
        };
        blob.facts.metadata = metadata(asked);
        touch(&mut blob, asked.now);
        blob.put(transaction)?;
        Ok(Ok(changed(&blob, StatusCode::OK)))
    })
    .await
}

/// Set Blob Properties.
pub(super) async fn set_headers(arm: &Arm, asked: Asked) -> Result<Answer, BlobError> {
    write(arm, asked, |transaction, asked, found| {
        let Some(mut blob) = found else {
            return Ok(Err(no_blob()));
        };
        blob.facts.headers = content_headers(asked);
        touch(&mut blob, asked.now);
        blob.put(transaction)?;
        Ok(Ok(changed(&blob, StatusCode::OK)))
    })
    .await
}

/// Delete Blob: with its snapshots, alone if it has none, or one snapshot.
pub(super) async fn delete(arm: &Arm, asked: Asked) -> Result<Answer, BlobError> {
    let deleted = write(arm, asked, |transaction, asked, found| {
        let Some(blob) = found else {
            return Ok(Err(no_blob()));
        };
        let snapshots = asked.header("x-ms-delete-snapshots").unwrap_or_default();
        let of_itself = blob.snapshot.is_empty();
        match snapshots {
            "include" | "only" if of_itself => blob.remove_snapshots(transaction)?,
            _ if of_itself && Blob::snapshots(transaction, &blob.container, &blob.name)? > 0 => {
                return Ok(Err(BlobError::conflict(
                    "SnapshotsPresent",
                    "This operation is not permitted while the blob has snapshots.",
                )));
            }
            _ => {}
        }
        if snapshots != "only" {
            blob.remove(transaction)?;
        }
        Ok(Ok(Answer::new(StatusCode::ACCEPTED)))
    })
    .await?;
    files::sweep(&arm.engine.store, &arm.options.data).await?;
    Ok(deleted)
}

/// Snapshot Blob.
pub(super) async fn snapshot(arm: &Arm, asked: Asked) -> Result<Answer, BlobError> {
    let shown = asked.header("x-ms-lease-id").map(str::to_owned);
    change(arm, asked, move |transaction, asked, found| {
        let Some(blob) = found else {
            return Ok(Err(no_blob()));
        };
        if let Err(error) = blob.lease.check(shown.as_deref(), false, asked.now) {
            return Ok(Err(error));
        }
        let mut frozen = Blob {
            lease: super::Lease::default(),
            ..blob.clone()
        };
        if let given @ 1.. = metadata(asked).len() {
            tracing::trace!(given, "a snapshot has metadata of its own");
            frozen.facts.metadata = metadata(asked);
        }
        // Two in one moment are two all the same.
        let mut at = asked.now;
        loop {
            frozen.snapshot = moment(at);
            if Blob::find(transaction, &blob.container, &blob.name, &frozen.snapshot)?.is_none() {
                break;
            }
            at += 1;
        }
        frozen.put(transaction)?;
        Ok(Ok(
            changed(&blob, StatusCode::CREATED).with("x-ms-snapshot", frozen.snapshot)
        ))
    })
    .await
}

/// Lease Blob.
pub(super) async fn lease(arm: &Arm, asked: Asked) -> Result<Answer, BlobError> {
    let action = action(&asked)?;
    change(arm, asked, move |transaction, asked, found| {
        let Some(mut blob) = found else {
            return Ok(Err(no_blob()));
        };
        let left = match blob.lease.apply(&action, asked.now) {
            Ok(left) => left,
            Err(error) => return Ok(Err(error)),
        };
        blob.put(transaction)?;
        let status = match action {
            LeaseAction::Acquire { .. } => StatusCode::CREATED,
            LeaseAction::Break { .. } => StatusCode::ACCEPTED,
            _ => StatusCode::OK,
        };
        let mut answer = changed(&blob, status);
        if let Some(left) = left {
            answer = answer.with("x-ms-lease-time", left.to_string());
        } else if !blob.lease.id().is_empty() {
            answer = answer.with("x-ms-lease-id", blob.lease.id());
        }
        Ok(Ok(answer))
    })
    .await
}

fn action(asked: &Asked) -> Result<LeaseAction, BlobError> {
    let id = |name: &str| {
        let text = asked.header(name).ok_or_else(|| BlobError::bad_header(name))?;
        Uuid::parse_str(text)
            .map(|id| id.to_string())
            .map_err(|_| BlobError::bad_header(name))
    };
    let number = |name: &str| {
        let text = asked.header(name);
        text.map(|text| text.parse::<i64>().map_err(|_| BlobError::bad_header(name)))
            .transpose()
    };
    let proposed = "x-ms-proposed-lease-id";
    Ok(match asked.header("x-ms-lease-action").unwrap_or_default() {
        "acquire" => LeaseAction::Acquire {
            proposed: asked.header(proposed).map(|_| id(proposed)).transpose()?,
            seconds: number("x-ms-lease-duration")?
                .ok_or_else(|| BlobError::bad_header("x-ms-lease-duration"))?,
        },
        "renew" => LeaseAction::Renew {
            id: id("x-ms-lease-id")?,
        },
        "change" => LeaseAction::Change {
            id: id("x-ms-lease-id")?,
            proposed: id(proposed)?,
        },
        "release" => LeaseAction::Release {
            id: id("x-ms-lease-id")?,
        },
        "break" => LeaseAction::Break {
            period: number("x-ms-lease-break-period")?.map(|period| period.clamp(0, 60)),
        },
        _ => return Err(BlobError::bad_header("x-ms-lease-action")),
    })
}

type Changed = rusqlite::Result<Result<Answer, BlobError>>;

/// Changes a blob as [`change`] does, if who asks holds its lease, if there is one.
async fn write(
    arm: &Arm,
    asked: Asked,
    work: impl FnOnce(&Transaction<'_>, &Asked, Option<Blob>) -> Changed + Send + 'static,
) -> Result<Answer, BlobError> {
    change(arm, asked, move |transaction, asked, found| {
        let shown = asked.header("x-ms-lease-id");
        let lease = found.as_ref().map(|blob| blob.lease.clone()).unwrap_or_default();
        // A blob that is not there is what is said about it, whoever shows a lease.
        let checked = match &found {
            None => Ok(()),
            Some(_) => lease.check(shown, true, asked.now),
        };
        match checked {
            Ok(()) => work(transaction, asked, found),
            Err(error) => Ok(Err(error)),
        }
    })
    .await
}

/// Changes a blob in one transaction with all that has to hold for it.
async fn change(
    arm: &Arm,
    asked: Asked,
    work: impl FnOnce(&Transaction<'_>, &Asked, Option<Blob>) -> Changed + Send + 'static,
) -> Result<Answer, BlobError> {
    let written = arm.engine.store.write(move |transaction| {
        let container = asked.container_key();
        if let Err(error) = check_container(transaction, &container)? {
            return Ok(Err(error));
        }
        let snapshot = asked.option("snapshot");
        let found = Blob::find(transaction, &container, &asked.blob, snapshot)?;
        match check_conditions(&asked, found.as_ref()) {
            Ok(()) => work(transaction, &asked, found),
            Err(error) => Ok(Err(error)),
        }
    });
    written.await?
}

/// A new version of a blob.
fn touch(blob: &mut Blob, now: i64) {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    blob.etag = format!("\"0x{high:016X}\"");
    blob.modified_at = now;
}

fn changed(blob: &Blob, status: StatusCode) -> Answer {
    Answer::new(status)
        .with("etag", &blob.etag)
        .with("last-modified", http_date(blob.modified_at))
}

fn moment(milliseconds: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    moment.strftime("%Y-%m-%dT%H:%M:%S.%3f0000Z").to_string()
}

fn content_headers(asked: &Asked) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = KEPT
        .iter()
        .filter_map(|(sent, kept)| {
            let given = asked
                .header(sent)
                .or_else(|| asked.header(kept).filter(|_| asked.option("comp").is_empty()));
            given
                .filter(|given| !given.is_empty())
                .map(|given| ((*kept).to_owned(), given.to_owned()))
        })
        .collect();
    headers
        .entry("content-type".to_owned())
        .or_insert_with(|| "application/octet-stream".to_owned());
    headers
}

fn metadata(asked: &Asked) -> BTreeMap<String, String> {
    let named = asked.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("x-ms-meta-")?;
        Some((name.to_owned(), value.to_str().ok()?.trim().to_owned()))
    });
    named.collect()
}
