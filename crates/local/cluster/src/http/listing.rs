//! The answer to LIST, made piece by piece while it is sent.
//!
//! The next piece is written while the connection encrypts the last one, a slow reader holds no more than the objects
//! themselves, and other requests get their turn in between.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::respond;
use super::shape::{Shape, TAIL};
use crate::api::Call;
use crate::storage::Object;

const JSON: &str = "application/json";

/// About how much is handed to the connection at once.
const PIECE: usize = 128 * 1024;
/// Room for the last object of a piece.
const SLACK: usize = 8 * 1024;

/// A list of stored objects in compact JSON.
pub(crate) fn answer(call: Arc<Call>, metadata: &Value, objects: Vec<Arc<Object>>) -> Response {
    let head = Shape::new(&call.resource, &call.accept.form, &call.query).head(metadata, true);
    let mut pieces = Pieces {
        call,
        objects: objects.into_iter(),
        head: Some(head),
        ended: false,
    };
    let first = pieces.next().unwrap_or_default();
    if pieces.ended {
        return respond::bytes(StatusCode::OK, JSON, first);
    }
    let pieces = std::iter::once(first).chain(pieces).map(Ok::<_, Infallible>);
    let mut response = Body::from_stream(futures::stream::iter(pieces)).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

struct Pieces {
    call: Arc<Call>,
    objects: std::vec::IntoIter<Arc<Object>>,
    /// Until the first piece has been made.
    head: Option<Vec<u8>>,
    ended: bool,
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let call = &self.call;
        let shape = Shape::new(&call.resource, &call.accept.form, &call.query);
        let mut separate = self.head.is_none();
        let mut piece = self.head.take().unwrap_or_default();
        if !self.objects.as_slice().is_empty() {
            // Not more than is likely to be needed: most lists are short.
            let likely: usize = self
                .objects
                .as_slice()
                .iter()
                .take(64)
                .map(|object| object.bytes.len())
                .sum();
            piece.reserve(likely.clamp(SLACK, PIECE + SLACK));
        }
        while piece.len() < PIECE {
            let Some(object) = self.objects.next() else {
                piece.extend_from_slice(TAIL);
                self.ended = true;
                break;
            };
            if std::mem::replace(&mut separate, true) {
                piece.push(b',');
            }
            shape.write_item(&object, &mut piece);
        }
        Some(piece.into())
    }
}
