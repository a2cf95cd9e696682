//! WATCH: each watcher is a cursor into the ring of its resource.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, header};
use rand::Rng as _;
use serde_json::{Value, json};
use tokio::time::{Instant, interval_at};

use super::read::{invalid_options, parse_revision, wait_for};
use super::{Call, Server};
use crate::http::accept::Form;
use crate::http::failure::Failure;
use crate::http::respond;
use crate::http::selector::Selectors;
use crate::http::shape::{Shape, Shown};
use crate::storage::{Event, EventKind, Gone, Object, watch_line};

/// The most events handed to a connection at once.
const BATCH: usize = 500;
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);

/// What a watch begins with.
struct Start {
    initial: Vec<Arc<Object>>,
    cursor: u64,
    /// A bookmark ends the initial events.
    marks_end: bool,
}

pub(super) async fn watch(server: &Arc<Server>, call: Arc<Call>) -> Result<Response, Failure> {
    let selectors = call.selectors()?;
    let start = start(server, &call, &selectors).await?;
    let seconds = call.query.number("timeoutSeconds").filter(|seconds| *seconds > 0);
    let seconds = seconds.unwrap_or_else(|| rand::rng().random_range(1_800..3_600));
    let watcher = Watcher {
        server: server.clone(),
        call,
        selectors,
        sends_columns: true,
    };
    let stream = watcher.stream(start, Duration::from_secs(seconds));
    let mut response = Body::from_stream(stream).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn start(server: &Server, call: &Call, selectors: &Selectors) -> Result<Start, Failure> {
    let query = &call.query;
    let matching = query.get("resourceVersionMatch");
    let sends_initial = query
        .has("sendInitialEvents")
        .then(|| query.flag("sendInitialEvents"));
    if sends_initial.is_some() && matching != "NotOlderThan" {
        let why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(invalid_options(
            "resourceVersionMatch",
            "FieldValueForbidden",
            why,
        ));
    }
    if sends_initial.is_none() && !matching.is_empty() {
        let why =
            "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        return Err(invalid_options(
            "resourceVersionMatch",
            "FieldValueForbidden",
            why,
        ));
    }
    let asked = query.get("resourceVersion");
    let asked = if asked.is_empty() {
        None
    } else {
        Some(parse_revision(asked)?)
    };
    let synthetic = match sends_initial {
        Some(wanted) => wanted,
        None => asked.is_none_or(|asked| asked == 0),
    };
    if synthetic {
        wait_for(server, asked.unwrap_or(0)).await?;
        let (cursor, mut initial) = server.storage.list(&call.resource.table, call.namespace());
        initial.retain(|object| selectors.matches(&object.value));
        let marks_end = sends_initial == Some(true) && query.flag("allowWatchBookmarks");
        return Ok(Start {
            initial,
            cursor,
            marks_end,
        });
    }
    let cursor = asked
        .filter(|asked| *asked > 0)
        .unwrap_or_else(|| server.storage.revision());
    // A revision that is already gone is told before the stream begins.
    server
        .storage
        .events_after(&call.resource.table, cursor, 1)
        .map_err(|gone| too_old(cursor, gone))?;
    Ok(Start {
        initial: Vec::new(),
        cursor,
        marks_end: false,
    })
}

fn too_old(asked: u64, gone: Gone) -> Failure {
    Failure::expired(format!("too old resource version: {asked} ({})", gone.oldest))
}

struct Watcher {
    server: Arc<Server>,
    call: Arc<Call>,
    selectors: Selectors,
    sends_columns: bool,
}

impl Watcher {
    fn stream(
        mut self,
        start: Start,
        lifetime: Duration,
    ) -> impl futures::Stream<Item = Result<Bytes, std::convert::Infallible>> {
        async_stream::stream! {
            let table = self.call.resource.table.clone();
            let mut changes = self.server.storage.changes(&table);
            let bookmarks = self.call.query.flag("allowWatchBookmarks");
            let mut cursor = start.cursor;
            for chunk in start.initial.chunks(BATCH) {
                let mut lines = BytesMut::new();
                for object in chunk {
                    lines.extend_from_slice(&self.line(EventKind::Added, object));
                }
                yield Ok(lines.freeze());
            }
            if start.marks_end {
                yield Ok(self.bookmark(cursor, true));
            }
            let deadline = tokio::time::sleep(lifetime);
            tokio::pin!(deadline);
            let first = Instant::now() + BOOKMARK_PERIOD;
            let mut tick = interval_at(first, BOOKMARK_PERIOD);
            loop {
                changes.borrow_and_update();
                match self.server.storage.events_after(&table, cursor, BATCH) {
                    Err(gone) => {
                        let status = too_old(cursor, gone).to_status().to_string();
                        yield Ok(watch_line("ERROR", status.as_bytes()));
                        break;
                    }
                    Ok((events, complete)) => {
                        let is_full = events.len() == BATCH;
                        // Never backwards: a watch may begin at a revision that is still to come.
                        let lines = self.lines(&events, cursor);
                        cursor = cursor.max(complete);
                        if !lines.is_empty() {
                            yield Ok(lines);
                        }
                        if is_full {
                            continue;
                        }
                    }
                }
                tokio::select! {
                    outcome = changes.changed() => if outcome.is_err() { break },
                    _ = tick.tick(), if bookmarks => yield Ok(self.bookmark(cursor, false)),
                    () = &mut deadline => {
                        if bookmarks {
                            yield Ok(self.bookmark(cursor, false));
                        }
                        break;
                    }
                    () = self.server.stop.cancelled() => break,
                }
            }
        }
    }

    fn lines(&mut self, events: &[Arc<Event>], after: u64) -> Bytes {
        if let [event] = events
            && self.is_plain()
            && event.revision() > after
            && self.kind_of(event) == Some(event.kind)
        {
            return event.line();
        }
        let mut lines = BytesMut::new();
        for event in events.iter().filter(|event| event.revision() > after) {
            match self.kind_of(event) {
                None => {}
                Some(kind) if kind == event.kind && self.is_plain() => lines.extend_from_slice(&event.line()),
                Some(EventKind::Deleted) if event.kind == EventKind::Modified => {
                    lines.extend_from_slice(&self.left(event));
                }
                Some(kind) => lines.extend_from_slice(&self.line(kind, &event.object)),
            }
        }
        lines.freeze()
    }

    /// Whether objects go out as they are stored.
    fn is_plain(&self) -> bool {
        self.call.accept.form == Form::Whole && self.call.resource.serves_stored()
    }

    /// What an event is to this watcher; an object that leaves the selection was deleted for it.
    fn kind_of(&self, event: &Event) -> Option<EventKind> {
        if self
            .call
            .namespace()
            .is_some_and(|namespace| *event.object.name.namespace != *namespace)
        {
            return None;
        }
        if self.selectors.is_empty() {
            return Some(event.kind);
        }
        let now = self.selectors.matches(&event.object.value);
        let before = event
            .previous
            .as_ref()
            .is_some_and(|previous| self.selectors.matches(&previous.value));
        match (event.kind, before, now) {
            (EventKind::Deleted, before, now) => (before || now).then_some(EventKind::Deleted),
            (_, false, true) => Some(EventKind::Added),
            (_, true, true) => Some(EventKind::Modified),
            (_, true, false) => Some(EventKind::Deleted),
            (_, false, false) => None,
        }
    }

    /// The last state that matched, at the revision at which it ceased to.
    fn left(&mut self, event: &Event) -> Bytes {
        let previous = event.previous.as_ref().unwrap_or(&event.object);
        let mut value = respond::view(&self.call.resource, previous).into_owned();
        value["metadata"]["resourceVersion"] = json!(event.revision().to_string());
        self.transformed(EventKind::Deleted.name(), &Shown::made(Cow::Owned(value)))
    }

    fn line(&mut self, kind: EventKind, object: &Object) -> Bytes {
        if self.is_plain() && respond::is_ready(&self.call.resource, object) {
            return watch_line(kind.name(), &object.bytes);
        }
        let call = self.call.clone();
        self.transformed(kind.name(), &Shown::stored(&call.resource, object))
    }

    fn transformed(&mut self, kind: &str, object: &Shown<'_>) -> Bytes {
        let call = &self.call;
        let with_columns = std::mem::take(&mut self.sends_columns);
        let mut body = Vec::new();
        Shape::new(&call.resource, &call.accept.form, &call.query).write_one(object, with_columns, &mut body);
        watch_line(kind, &body)
    }

    fn bookmark(&mut self, revision: u64, ends_initial: bool) -> Bytes {
        let resource = &self.call.resource;
        let mut metadata = json!({ "resourceVersion": revision.to_string(), "creationTimestamp": null });
        if ends_initial {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let object = match &self.call.accept.form {
            Form::Partial(version) => {
                json!({ "kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": metadata })
            }
            Form::Table(version) => {
                let row = json!({ "cells": [], "object": partial_of(version, &metadata) });
                json!({ "kind": "Table", "apiVersion": format!("meta.k8s.io/{version}"),
                    "metadata": { "resourceVersion": revision.to_string() }, "columnDefinitions": [], "rows": [row] })
            }
            Form::Whole | Form::Discovery(_) => {
                json!({ "kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata })
            }
        };
        watch_line("BOOKMARK", object.to_string().as_bytes())
    }
}

fn partial_of(version: &str, metadata: &Value) -> Value {
    respond::partial(version, &json!({ "metadata": metadata }))
}
