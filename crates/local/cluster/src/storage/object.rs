use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::Value;

/// Names one resource's table: logical cluster, API group, plural.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TableId {
    pub(crate) cluster: Arc<str>,
    pub(crate) group: Arc<str>,
    pub(crate) resource: Arc<str>,
}

impl TableId {
    pub(crate) fn new(cluster: &str, group: &str, resource: &str) -> Self {
        Self {
            cluster: cluster.into(),
            group: group.into(),
            resource: resource.into(),
        }
    }

    /// Secrets are the only objects whose bytes are encrypted.
    pub(super) fn is_sealed(&self) -> bool {
        self.group.is_empty() && &*self.resource == "secrets"
    }
}

/// Names one object within its table. Orders by namespace, then name, as lists do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ObjectName {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl ObjectName {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

/// One stored version of an object: its value, and the bytes it is served as, made once.
pub(crate) struct Object {
    pub(crate) table: TableId,
    pub(crate) name: ObjectName,
    pub(crate) revision: u64,
    pub(crate) value: Value,
    pub(crate) bytes: Bytes,
}

impl fmt::Debug for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}/{}/{}@{}",
            self.table.resource, self.name.namespace, self.name.name, self.revision
        )
    }
}

impl Object {
    pub(crate) fn metadata(&self) -> &Value {
        &self.value["metadata"]
    }

    pub(crate) fn uid(&self) -> &str {
        self.metadata()["uid"].as_str().unwrap_or_default()
    }

    pub(crate) fn is_terminating(&self) -> bool {
        !self.metadata()["deletionTimestamp"].is_null()
    }

    pub(crate) fn finalizers(&self) -> impl Iterator<Item = &str> {
        self.metadata()["finalizers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// The uids in `metadata.ownerReferences`.
    pub(crate) fn owners(&self) -> impl Iterator<Item = &Value> {
        self.metadata()["ownerReferences"]
            .as_array()
            .into_iter()
            .flatten()
    }
}

/// What a commit did to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    Added,
    Modified,
    Deleted,
}

impl EventKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One entry of the log. A deletion carries the final state at the deletion's own revision.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: EventKind,
    pub(crate) object: Arc<Object>,
    pub(crate) previous: Option<Arc<Object>>,
    pub(crate) unix_seconds: i64,
    line: OnceLock<Bytes>,
}

impl Event {
    pub(crate) fn new(kind: EventKind, object: Arc<Object>, previous: Option<Arc<Object>>, now: i64) -> Self {
        Self {
            kind,
            object,
            previous,
            unix_seconds: now,
            line: OnceLock::new(),
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.object.revision
    }

    /// The line of a watch without transformation, encoded once for all watchers.
    pub(crate) fn line(&self) -> Bytes {
        self.line
            .get_or_init(|| watch_line(self.kind.name(), &self.object.bytes))
            .clone()
    }
}

/// `{"type":…,"object":…}` and a newline.
pub(crate) fn watch_line(kind: &str, object: &[u8]) -> Bytes {
    let mut line = Vec::with_capacity(object.len() + 40);
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(kind.as_bytes());
    line.extend_from_slice(b"\",\"object\":");
    line.extend_from_slice(object);
    line.extend_from_slice(b"}\n");
    line.into()
}
