//! Turns objects into answers in the form that was asked for.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::accept::{Accept, Encoding, Form};
use super::shape::{Include, Shape, Shown};
use super::target::Query;
use crate::resource::{Resource, to_served};
use crate::storage::Object;

/// The object as a version of its kind serves it, borrowed when it is stored just so.
pub(crate) fn view<'a>(resource: &Resource, object: &'a Object) -> Cow<'a, Value> {
    if is_ready(resource, object) {
        return Cow::Borrowed(&object.value);
    }
    let mut value = object.value.clone();
    to_served(resource, &mut value);
    if resource.is_custom() {
        drop(resource.schema().prune(&mut value));
        resource.schema().default(&mut value);
    }
    Cow::Owned(value)
}

/// The object's bytes as a version of its kind serves it.
pub(crate) fn view_bytes(resource: &Resource, object: &Object) -> Bytes {
    if is_ready(resource, object) {
        return object.bytes.clone();
    }
    view(resource, object).to_string().into()
}

/// Whether the stored bytes can go out as they are: same version, and not older than the schema.
pub(crate) fn is_ready(resource: &Resource, object: &Object) -> bool {
    resource.serves_stored()
        && resource
            .custom()
            .is_none_or(|custom| object.revision >= custom.schema_revision)
}

/// Metadata only.
pub(crate) fn partial(version: &str, object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": format!("meta.k8s.io/{version}"),
        "metadata": object["metadata"],
    })
}

/// A table of some objects.
pub(crate) fn table(
    resource: &Resource,
    version: &str,
    query: &Query,
    metadata: &Value,
    objects: &[Cow<'_, Value>],
) -> Value {
    let include = Include::parse(query);
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells: Vec<_> = resource
                .columns
                .iter()
                .map(|column| column.value(object))
                .collect();
            let mut row = json!({ "cells": cells });
            match include {
                Include::Nothing => {}
                Include::Object => row["object"] = object.clone().into_owned(),
                Include::Metadata => row["object"] = partial(version, object),
            }
            row
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": format!("meta.k8s.io/{version}"),
        "metadata": metadata,
        "columnDefinitions": column_definitions(resource),
        "rows": rows,
    })
}

/// What a table says about its columns.
pub(crate) fn column_definitions(resource: &Resource) -> Value {
    let columns = resource.columns.iter().map(|column| {
        json!({
            "name": column.name, "type": column.kind, "format": column.format,
            "description": column.description, "priority": column.priority,
        })
    });
    columns.collect()
}

/// One object.
pub(crate) fn object(
    status: StatusCode,
    accept: &Accept,
    query: &Query,
    resource: &Resource,
    object: &Object,
) -> Response {
    match &accept.form {
        Form::Whole if is_compact(accept, query) => {
            bytes(status, "application/json", view_bytes(resource, object))
        }
        _ => shown(status, accept, query, resource, Shown::stored(resource, object)),
    }
}

/// One object that is not (or not yet) stored: a dry run's.
pub(crate) fn one(
    status: StatusCode,
    accept: &Accept,
    query: &Query,
    resource: &Resource,
    object: Cow<'_, Value>,
) -> Response {
    shown(status, accept, query, resource, Shown::made(object))
}

fn shown(
    status: StatusCode,
    accept: &Accept,
    query: &Query,
    resource: &Resource,
    object: Shown<'_>,
) -> Response {
    if is_compact(accept, query) {
        let mut body = Vec::new();
        Shape::new(resource, &accept.form, query).write_one(&object, true, &mut body);
        return bytes(status, "application/json", body.into());
    }
    let object = object.into_value();
    match &accept.form {
        Form::Table(version) => {
            let metadata = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
            let table = table(resource, version, query, &metadata, &[object]);
            value(status, accept, query, &table)
        }
        Form::Partial(version) => value(status, accept, query, &partial(version, &object)),
        Form::Whole | Form::Discovery(_) => value(status, accept, query, &object),
    }
}

/// Whether an answer is JSON without line breaks, so that it can be made of what is stored.
pub(crate) fn is_compact(accept: &Accept, query: &Query) -> bool {
    accept.encoding == Encoding::Json && !query.flag("pretty")
}

/// Any value in the encoding asked for.
pub(crate) fn value(status: StatusCode, accept: &Accept, query: &Query, value: &Value) -> Response {
    match accept.encoding {
        Encoding::Yaml => bytes(status, "application/yaml", pave_yaml::to_string(value).into()),
        Encoding::Json if query.flag("pretty") => {
            let text = serde_json::to_vec_pretty(value).unwrap_or_default();
            bytes(status, "application/json", text.into())
        }
        Encoding::Json => bytes(status, "application/json", value.to_string().into()),
    }
}

/// Ready bytes of a media type.
pub(crate) fn bytes(status: StatusCode, media_type: &'static str, body: Bytes) -> Response {
    let mut response = (status, Body::from(body)).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// JSON of a value.
pub(crate) fn json_value(status: StatusCode, value: &Value) -> Response {
    bytes(status, "application/json", value.to_string().into())
}
