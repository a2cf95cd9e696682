//! Objects in the form that was asked for, written straight into the answer.
//!
//! Lists of many thousand objects stand or fall with this: what is stored as bytes is copied, not taken apart and put
//! together again. [`respond`](super::respond) makes the same out of values, for encodings other than compact JSON.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::accept::Form;
use super::target::Query;
use super::{respond, span};
use crate::resource::Resource;
use crate::storage::Object;

/// What ends a list or a table.
pub(crate) const TAIL: &[u8] = b"]}";

/// What a row of a table carries beside its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    Nothing,
    Metadata,
    Object,
}

impl Include {
    pub(crate) fn parse(query: &Query) -> Self {
        match query.get("includeObject") {
            "None" => Self::Nothing,
            "Object" => Self::Object,
            _ => Self::Metadata,
        }
    }
}

/// An object as a version of its kind shows it; with its bytes if it is stored just so.
pub(crate) struct Shown<'a> {
    value: Cow<'a, Value>,
    bytes: Option<&'a [u8]>,
}

impl<'a> Shown<'a> {
    pub(crate) fn stored(resource: &Resource, object: &'a Object) -> Self {
        Self {
            value: respond::view(resource, object),
            bytes: respond::is_ready(resource, object).then_some(&*object.bytes),
        }
    }

    /// What is not (or not so) stored.
    pub(crate) fn made(value: Cow<'a, Value>) -> Self {
        Self { value, bytes: None }
    }

    pub(crate) fn into_value(self) -> Cow<'a, Value> {
        self.value
    }

    fn write_whole(&self, out: &mut Vec<u8>) {
        match self.bytes {
            Some(bytes) => out.extend_from_slice(bytes),
            None => append(out, &self.value),
        }
    }

    fn write_metadata(&self, out: &mut Vec<u8>) {
        match self.bytes {
            Some(bytes) => write_stored_metadata(bytes, &self.value, out),
            None => append(out, &self.value["metadata"]),
        }
    }
}

/// How the objects of one answer are written.
pub(crate) struct Shape<'a> {
    resource: &'a Resource,
    form: &'a Form,
    include: Include,
}

impl<'a> Shape<'a> {
    pub(crate) fn new(resource: &'a Resource, form: &'a Form, query: &Query) -> Self {
        Self {
            resource,
            form,
            include: Include::parse(query),
        }
    }

    /// What stands before the items of a list, or the rows of a table.
    pub(crate) fn head(&self, metadata: &Value, with_columns: bool) -> Vec<u8> {
        let resource = self.resource;
        let text = match self.form {
            Form::Whole | Form::Discovery(_) => format!(
                "{{\"kind\":{},\"apiVersion\":{},\"metadata\":{metadata},\"items\":[",
                json!(resource.list_kind),
                json!(resource.api_version())
            ),
            Form::Partial(version) => format!(
                "{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/{version}\",\
                 \"metadata\":{metadata},\"items\":["
            ),
            Form::Table(version) => {
                let columns = if with_columns {
                    respond::column_definitions(resource)
                } else {
                    json!([])
                };
                format!(
                    "{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/{version}\",\"metadata\":{metadata},\
                     \"columnDefinitions\":{columns},\"rows\":["
                )
            }
        };
        text.into_bytes()
    }

    /// A stored object as an item of a list or a row of a table.
    pub(crate) fn write_item(&self, object: &Object, out: &mut Vec<u8>) {
        match self.form {
            Form::Whole | Form::Discovery(_) => Shown::stored(self.resource, object).write_whole(out),
            Form::Partial(version) => write_partial(version, out, |out| {
                write_stored_metadata(&object.bytes, &object.value, out);
            }),
            Form::Table(version) => self.write_row(version, &Shown::stored(self.resource, object), out),
        }
    }

    /// One object by itself: the answer to a GET, or what an event of a watch is about.
    pub(crate) fn write_one(&self, object: &Shown<'_>, with_columns: bool, out: &mut Vec<u8>) {
        match self.form {
            Form::Whole | Form::Discovery(_) => object.write_whole(out),
            Form::Partial(version) => write_partial(version, out, |out| object.write_metadata(out)),
            Form::Table(version) => {
                let metadata = json!({ "resourceVersion": object.value["metadata"]["resourceVersion"] });
                out.extend_from_slice(&self.head(&metadata, with_columns));
                self.write_row(version, object, out);
                out.extend_from_slice(TAIL);
            }
        }
    }

    fn write_row(&self, version: &str, object: &Shown<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"cells\":[");
        for (index, column) in self.resource.columns.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            append(out, &column.value(&object.value));
        }
        out.push(b']');
        match self.include {
            Include::Nothing => {}
            Include::Metadata => {
                out.extend_from_slice(b",\"object\":");
                write_partial(version, out, |out| object.write_metadata(out));
            }
            Include::Object => {
                out.extend_from_slice(b",\"object\":");
                object.write_whole(out);
            }
        }
        out.push(b'}');
    }
}

fn write_partial(version: &str, out: &mut Vec<u8>, metadata: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/");
    out.extend_from_slice(version.as_bytes());
    out.extend_from_slice(b"\",\"metadata\":");
    metadata(out);
    out.push(b'}');
}

fn write_stored_metadata(bytes: &[u8], value: &Value, out: &mut Vec<u8>) {
    match span::field(bytes, "metadata") {
        Some(metadata) => out.extend_from_slice(metadata),
        None => append(out, &value["metadata"]),
    }
}

fn append(out: &mut Vec<u8>, value: &Value) {
    // Writing a value into memory cannot fail.
    drop(serde_json::to_writer(out, value));
}

#[cfg(test)]
mod tests;
