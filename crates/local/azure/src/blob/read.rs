//! Reading blobs, and the conditions that reads and writes come with.

use axum::http::{Method, StatusCode};

use super::answer::{Answer, http_date};
use super::error::BlobError;
use super::{Asked, files};
use crate::arm::Arm;
use crate::store::{Blob, Resource};

/// `GET` and `HEAD` of a blob, of one of its snapshots, or of its metadata.
pub(super) async fn show(arm: &Arm, asked: &Asked) -> Result<Answer, BlobError> {
    let wants_content = asked.method == Method::GET && asked.option("comp").is_empty();
    // Between reading row and file the blob may be replaced; the next row has another file.
    for _ in 0..5 {
        let blob = find(arm, asked).await?;
        check_conditions(asked, Some(&blob))?;
        blob.lease
            .check(asked.header("x-ms-lease-id"), false, asked.now)?;
        if !wants_content {
            let length = if asked.method == Method::HEAD {
                blob.size
            } else {
                0
            };
            let answer = properties(&blob, asked.now, StatusCode::OK);
            return Ok(answer.with("content-length", length.to_string()));
        }
        if let Some(content) = files::read(arm, &blob.file).await? {
            return with_content(asked, &blob, content);
        }
    }
    let message = "The content of the blob is not there.";
    Err(BlobError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalError",
        message,
    ))
}

async fn find(arm: &Arm, asked: &Asked) -> Result<Blob, BlobError> {
    let (container, name) = (asked.container_key(), asked.blob.clone());
    let snapshot = asked.option("snapshot").to_owned();
    let read = arm.engine.store.read(move |connection| {
        if let Err(error) = check_container(connection, &container)? {
            return Ok(Err(error));
        }
        let found = Blob::find(connection, &container, &name, &snapshot)?;
        Ok(found.ok_or_else(no_blob))
    });
    read.await?
}

pub(super) fn no_blob() -> BlobError {
    BlobError::not_found("BlobNotFound", "The specified blob does not exist.")
}

/// Whether the container is there.
pub(super) fn check_container(
    connection: &rusqlite::Connection,
    key: &str,
) -> rusqlite::Result<Result<Resource, BlobError>> {
    let found = Resource::find(connection, key)?.filter(|container| container.visible);
    Ok(found
        .ok_or_else(|| BlobError::not_found("ContainerNotFound", "The specified container does not exist.")))
}

fn with_content(asked: &Asked, blob: &Blob, content: Vec<u8>) -> Result<Answer, BlobError> {
    let wanted = asked.header("x-ms-range").or_else(|| asked.header("range"));
    let Some((first, last)) = wanted.and_then(range) else {
        return Ok(properties(blob, asked.now, StatusCode::OK).containing(content));
    };
    let size = content.len();
    if first >= size {
        let message = "The range specified is invalid for the current size of the resource.";
        return Err(BlobError::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidRange",
            message,
        ));
    }
    let last = last.unwrap_or(usize::MAX).min(size - 1);
    let shown = format!("bytes {first}-{last}/{size}");
    Ok(properties(blob, asked.now, StatusCode::PARTIAL_CONTENT)
        .with("content-range", shown)
        .containing(content[first..=last].to_vec()))
}

/// `bytes=first-last`; what has another form is not heeded.
fn range(text: &str) -> Option<(usize, Option<usize>)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    if last.is_empty() {
        return Some((first, None));
    }
    let last: usize = last.parse().ok()?;
    (last >= first).then_some((first, Some(last)))
}

/// Everything about a blob that stands in headers.
pub(super) fn properties(blob: &Blob, now: i64, status: StatusCode) -> Answer {
    let state = blob.lease.state(now);
    let mut answer = Answer::new(status)
        .with("etag", &blob.etag)
        .with("last-modified", http_date(blob.modified_at))
        .with("accept-ranges", "bytes")
        .with("x-ms-blob-type", "BlockBlob")
        .with("x-ms-creation-time", http_date(blob.created_at))
        .with("x-ms-lease-state", state.as_str())
        .with("x-ms-lease-status", state.status())
        .with("x-ms-server-encrypted", "true");
    if let Some(duration) = blob.lease.duration(now) {
        answer = answer.with("x-ms-lease-duration", duration);
    }
    for (name, value) in &blob.facts.headers {
        answer = answer.with(name, value);
    }
    for (name, value) in &blob.facts.metadata {
        answer = answer.with(&format!("x-ms-meta-{name}"), value);
    }
    answer
}

/// `If-Match` and `If-None-Match`.
pub(super) fn check_conditions(asked: &Asked, blob: Option<&Blob>) -> Result<(), BlobError> {
    let matches = |wanted: &str| {
        let etag = blob.map(|blob| blob.etag.trim_matches('"'));
        wanted
            .split(',')
            .map(|it| it.trim().trim_matches('"'))
            .any(|it| etag.is_some_and(|etag| it == "*" || it == etag))
    };
    let unmet = || {
        BlobError::precondition(
            "ConditionNotMet",
            "The condition specified using HTTP conditional header(s) is not met.",
        )
    };
    if asked.header("if-match").is_some_and(|wanted| !matches(wanted)) {
        return Err(unmet());
    }
    let Some(unwanted) = asked.header("if-none-match").filter(|it| matches(it)) else {
        return Ok(());
    };
    if asked.method == Method::GET || asked.method == Method::HEAD {
        return Err(BlobError {
            status: StatusCode::NOT_MODIFIED,
            ..unmet()
        });
    }
    if unwanted.trim() == "*" {
        return Err(BlobError::conflict(
            "BlobAlreadyExists",
            "The specified blob already exists.",
        ));
    }
    Err(unmet())
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_read_or_left_alone() {
        for (text, expected) in [
            ("bytes=0-9", Some((0, Some(9)))),
            ("bytes=5-", Some((5, None))),
            ("bytes=-5", None),
            ("bytes=9-5", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(range(text), expected, "{text}");
        }
    }
}
