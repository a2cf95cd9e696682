use pave_schema::path::JsonPath;
use serde_json::{Value, json};

/// How a cell is found in an object.
#[derive(Clone)]
pub(crate) enum Cell {
    /// A path in the dialect of `additionalPrinterColumns`.
    Path(JsonPath),
    /// A computation.
    Compute(fn(&Value) -> Value),
}

/// One column of a table.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// `OpenAPI` type; `date` cells are shown as ages.
    pub(crate) kind: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
    pub(crate) cell: Cell,
}

impl Column {
    fn computed(name: &str, kind: &str, priority: i64, compute: fn(&Value) -> Value) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            format: if name == "Name" {
                "name".to_owned()
            } else {
                String::new()
            },
            description: String::new(),
            priority,
            cell: Cell::Compute(compute),
        }
    }

    fn path(name: &str, kind: &str, priority: i64, path: &str) -> Option<Self> {
        let cell = Cell::Path(JsonPath::parse(path).ok()?);
        Some(Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            format: String::new(),
            description: String::new(),
            priority,
            cell,
        })
    }

    fn age() -> Self {
        Self::computed("Age", "date", 0, |object| {
            object["metadata"]["creationTimestamp"].clone()
        })
    }

    fn object_name() -> Self {
        Self::computed("Name", "string", 0, |object| object["metadata"]["name"].clone())
    }

    /// The value of this column for one object.
    pub(crate) fn value(&self, object: &Value) -> Value {
        let value = match &self.cell {
            Cell::Compute(compute) => compute(object),
            Cell::Path(path) => path.first(object).cloned().unwrap_or(Value::Null),
        };
        match (self.kind.as_str(), value) {
            (_, Value::Null) => Value::Null,
            ("date", Value::String(time)) => json!(age_of(&time)),
            ("string", value @ (Value::Object(_) | Value::Array(_) | Value::Number(_) | Value::Bool(_))) => {
                json!(value.to_string())
            }
            ("string" | "integer" | "number" | "boolean" | "date", value) => value,
            (_, value) => json!(value.to_string()),
        }
    }
}

/// `5m`, `3d2h`: as kubectl shows ages.
fn age_of(time: &str) -> String {
    let Ok(time) = time.parse::<jiff::Timestamp>() else {
        return "<invalid>".to_owned();
    };
    let seconds = pave_runtime::clock::unix_seconds() - time.as_second();
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |big: i64, big_unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{big}{big_unit}")
        } else {
            format!("{big}{big_unit}{small}{small_unit}")
        }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

/// Columns of a custom kind: the name, then what the definition says, else the age.
pub(super) fn custom_columns(version: &Value) -> Vec<Column> {
    let mut columns = vec![Column::object_name()];
    let Some(printed) = version["additionalPrinterColumns"]
        .as_array()
        .filter(|list| !list.is_empty())
    else {
        columns.push(Column::age());
        return columns;
    };
    for column in printed {
        let text = |key: &str| column[key].as_str().unwrap_or_default().to_owned();
        let priority = column["priority"].as_i64().unwrap_or_default();
        if let Some(mut parsed) = Column::path(&text("name"), &text("type"), priority, &text("jsonPath")) {
            parsed.format = text("format");
            parsed.description = text("description");
            columns.push(parsed);
        }
    }
    columns
}

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
    columns.push(Column::computed("Subobject", "string", 1, |event| {
        event["involvedObject"]["fieldPath"].clone()
    }));
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
    columns.push(Column::computed("Name", "string", 1, |event| {
        event["metadata"]["name"].clone()
    }));
    columns
}

/// Columns of a built-in kind.
pub(super) fn builtin_columns(group: &str, plural: &str) -> Vec<Column> {
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
            columns.push(column("Type", "string", 0, |object| object["type"].clone()));
            columns.push(column("Data", "string", 0, |object| {
                json!(count(&object["data"]).to_string())
            }));
        }
        ("", "namespaces") => {
            columns.push(column("Status", "string", 0, |object| {
                object["status"]["phase"].clone()
            }));
        }
        ("", "serviceaccounts") => {
            columns.push(column("Secrets", "string", 0, |object| {
                json!(count(&object["secrets"]).to_string())
            }));
        }
        ("", "services") => {
            columns.push(column("Type", "string", 0, |object| {
                object["spec"]["type"].clone()
            }));
            columns.push(column("Cluster-IP", "string", 0, |object| {
                or_none(&object["spec"]["clusterIP"])
            }));
        }
        ("", "pods") => {
            columns.push(column("Status", "string", 0, |object| {
                object["status"]["phase"].clone()
            }));
        }
        ("apps", "deployments" | "statefulsets" | "replicasets") => {
            columns.push(column("Ready", "string", 0, |object| {
                ready_of(&object["status"], &object["spec"]["replicas"], "readyReplicas")
            }));
        }
        ("rbac.authorization.k8s.io", "roles" | "clusterroles") => {
            columns.push(column("Created At", "string", 0, |object| {
                object["metadata"]["creationTimestamp"].clone()
            }));
            return columns;
        }
        ("rbac.authorization.k8s.io", _) => {
            binding_columns(&mut columns);
            return columns;
        }
        ("apiextensions.k8s.io", _) => {
            columns.push(column("Created At", "string", 0, |object| {
                object["metadata"]["creationTimestamp"].clone()
            }));
            return columns;
        }
        ("coordination.k8s.io", _) => {
            columns.push(column("Holder", "string", 0, |object| {
                object["spec"]["holderIdentity"].clone()
            }));
        }
        ("batch", "cronjobs") => {
            columns.push(column("Schedule", "string", 0, |object| {
                object["spec"]["schedule"].clone()
            }));
        }
        _ => {}
    }
    columns.push(Column::age());
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_shows_them() {
        let check = |seconds: i64, expected: &str| {
            let time = jiff::Timestamp::from_second(pave_runtime::clock::unix_seconds() - seconds).unwrap();
            assert_eq!(age_of(&time.to_string()), expected, "{seconds} seconds");
        };
        check(119, "119s");
        check(125, "2m5s");
        check(700, "11m");
        check(3 * 3600 + 60, "3h1m");
        check(3 * 86_400 + 2 * 3600 + 5, "3d2h");
    }
}
