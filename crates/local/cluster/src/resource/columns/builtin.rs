//! Columns of the built-in kinds.

use serde_json::{Value, json};

use super::Column;

fn count(value: &Value) -> usize {
    value
        .as_object()
        .map(serde_json::Map::len)
        .or_else(|| value.as_array().map(Vec::len))
        .unwrap_or_default()
}

fn or_none(value: &Value) -> Value {
    if value.is_null() {
        json!("<none>")
    } else {
        value.clone()
    }
}

fn ready_of(status: &Value, wanted: &Value, ready: &str) -> Value {
    json!(format!(
        "{}/{}",
        status[ready].as_i64().unwrap_or(0),
        wanted.as_i64().unwrap_or(0)
    ))
}

fn subjects(object: &Value, kind: &str) -> Value {
    let names: Vec<String> = object["subjects"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|subject| subject["kind"] == kind)
        .map(|subject| match subject["namespace"].as_str() {
            Some(namespace) => format!("{namespace}/{}", subject["name"].as_str().unwrap_or_default()),
            None => subject["name"].as_str().unwrap_or_default().to_owned(),
        })
        .collect();
    json!(names.join(", "))
}

fn binding_columns(columns: &mut Vec<Column>) {
    columns.push(Column::computed("Role", "string", 0, |object| {
        let role = &object["roleRef"];
        json!(format!(
            "{}/{}",
            role["kind"].as_str().unwrap_or_default(),
            role["name"].as_str().unwrap_or_default()
        ))
    }));
    columns.push(Column::age());
    columns.push(Column::computed("Users", "string", 1, |object| {
        subjects(object, "User")
    }));
    columns.push(Column::computed("Groups", "string", 1, |object| {
        subjects(object, "Group")
    }));
    columns.push(Column::computed("ServiceAccounts", "string", 1, |object| {
        subjects(object, "ServiceAccount")
    }));
}

fn event_columns() -> Vec<Column> {
    let mut columns = vec![Column::computed("Last Seen", "date", 0, |event| {
        let times = [
            &event["lastTimestamp"],
            &event["eventTime"],
            &event["firstTimestamp"],
        ];
        times
            .into_iter()
            .find(|time| !time.is_null())
            .unwrap_or(&event["metadata"]["creationTimestamp"])
            .clone()
    })];
    columns.extend(Column::path("Type", "string", 0, ".type"));
    columns.extend(Column::path("Reason", "string", 0, ".reason"));
    columns.push(Column::computed("Object", "string", 0, |event| {
        let about = &event["involvedObject"];
        let text = |key: &str| about[key].as_str().unwrap_or_default().to_owned();
        json!(format!("{}/{}", text("kind").to_lowercase(), text("name")))
    }));
    columns.push(Column::field(
        "Subobject",
        "string",
        1,
        &["involvedObject", "fieldPath"],
    ));
    columns.push(Column::computed("Source", "string", 1, |event| {
        let source = &event["source"]["component"];
        if source.is_null() {
            event["reportingComponent"].clone()
        } else {
            source.clone()
        }
    }));
    columns.push(Column::computed("Message", "string", 0, |event| {
        json!(event["message"].as_str().unwrap_or_default().trim())
    }));
    columns.push(Column::computed("Count", "integer", 1, |event| {
        if event["count"].is_null() {
            json!(1)
        } else {
            event["count"].clone()
        }
    }));
    columns.push(Column::field("Name", "string", 1, &["metadata", "name"]));
    columns
}

/// Columns of a built-in kind.
pub(in crate::resource) fn builtin_columns(group: &str, plural: &str) -> Vec<Column> {
    if plural == "events" {
        return event_columns();
    }
    let mut columns = vec![Column::object_name()];
    let column = Column::computed;
    match (group, plural) {
        ("", "configmaps") => columns.push(column("Data", "string", 0, |object| {
            json!((count(&object["data"]) + count(&object["binaryData"])).to_string())
        })),
        ("", "secrets") => {
            columns.push(Column::field("Type", "string", 0, &["type"]));
            columns.push(column("Data", "string", 0, |object| {
                json!(count(&object["data"]).to_string())
            }));
        }
        ("", "namespaces" | "pods") => {
            columns.push(Column::field("Status", "string", 0, &["status", "phase"]));
        }
        ("", "serviceaccounts") => {
            columns.push(column("Secrets", "string", 0, |object| {
                json!(count(&object["secrets"]).to_string())
            }));
        }
        ("", "services") => {
            columns.push(Column::field("Type", "string", 0, &["spec", "type"]));
            columns.push(column("Cluster-IP", "string", 0, |object| {
                or_none(&object["spec"]["clusterIP"])
            }));
        }
        ("apps", "deployments" | "statefulsets" | "replicasets") => {
            columns.push(column("Ready", "string", 0, |object| {
                ready_of(&object["status"], &object["spec"]["replicas"], "readyReplicas")
            }));
        }
        ("rbac.authorization.k8s.io", "roles" | "clusterroles") | ("apiextensions.k8s.io", _) => {
            let created = &["metadata", "creationTimestamp"];
            columns.push(Column::field("Created At", "string", 0, created));
            return columns;
        }
        ("rbac.authorization.k8s.io", _) => {
            binding_columns(&mut columns);
            return columns;
        }
        ("coordination.k8s.io", _) => {
            columns.push(Column::field("Holder", "string", 0, &["spec", "holderIdentity"]));
        }
        ("batch", "cronjobs") => {
            columns.push(Column::field("Schedule", "string", 0, &["spec", "schedule"]));
        }
        _ => {}
    }
    columns.push(Column::age());
    columns
}
