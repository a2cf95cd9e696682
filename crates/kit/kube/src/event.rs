use std::fmt::Write as _;

use kube::api::{Api, DynamicObject, PostParams};
use kube::core::ApiResource;
use pave_runtime::clock;
use serde_json::{Value, json};

use crate::metadata_text;

/// Whether an event tells of normal progress or of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Normal progress.
    Normal,
    /// Trouble.
    Warning,
}

/// Writes a Kubernetes event about an object; events of cluster-scoped objects go to `default`.
///
/// The caller emits on change only: events are not counted up here.
pub async fn emit_event(
    client: &kube::Client,
    regarding: &Value,
    kind: EventKind,
    reason: &str,
    message: &str,
    reporter: &str,
) -> Result<(), kube::Error> {
    let namespace = metadata_text(regarding, "namespace").unwrap_or("default");
    let name = metadata_text(regarding, "name").unwrap_or_default();
    let now = clock::rfc3339();
    let event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": event_name(name), "namespace": namespace },
        "involvedObject": {
            "apiVersion": regarding["apiVersion"], "kind": regarding["kind"], "name": name,
            "namespace": metadata_text(regarding, "namespace"), "uid": metadata_text(regarding, "uid"),
            "resourceVersion": metadata_text(regarding, "resourceVersion"),
        },
        "type": if kind == EventKind::Normal { "Normal" } else { "Warning" },
        "reason": reason,
        "message": message.chars().take(1024).collect::<String>(),
        "source": { "component": reporter },
        "reportingComponent": reporter,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    });
    let resource = ApiResource {
        group: String::new(),
        version: "v1".into(),
        api_version: "v1".into(),
        kind: "Event".into(),
        plural: "events".into(),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let event: DynamicObject = serde_json::from_value(event).map_err(kube::Error::SerdeError)?;
    api.create(&PostParams::default(), &event).await.map(drop)
}

/// `<object>.<16 hex digits>`, as client-go's recorder names events.
fn event_name(object: &str) -> String {
    let mut name: String = object.chars().take(230).collect();
    let unique = clock::now().as_nanosecond();
    // Writing to a String does not fail.
    let _ignored = write!(name, ".{unique:016x}");
    name
}
