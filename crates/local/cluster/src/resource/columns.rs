//! Columns of tables: what kubectl shows of an object.

mod builtin;

use std::borrow::Cow;

use pave_schema::path::JsonPath;
use serde_json::{Value, json};

pub(super) use builtin::builtin_columns;

/// How a cell is found in an object.
#[derive(Clone)]
pub(crate) enum Cell {
    /// A path in the dialect of `additionalPrinterColumns`.
    Path(JsonPath),
    /// The field that these names lead to.
    Field(&'static [&'static str]),
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
    fn new(name: &str, kind: &str, priority: i64, cell: Cell) -> Self {
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
            cell,
        }
    }

    fn computed(name: &str, kind: &str, priority: i64, compute: fn(&Value) -> Value) -> Self {
        Self::new(name, kind, priority, Cell::Compute(compute))
    }

    fn field(name: &str, kind: &str, priority: i64, names: &'static [&'static str]) -> Self {
        Self::new(name, kind, priority, Cell::Field(names))
    }

    fn path(name: &str, kind: &str, priority: i64, path: &str) -> Option<Self> {
        let cell = Cell::Path(JsonPath::parse(path).ok()?);
        Some(Self {
            format: String::new(),
            ..Self::new(name, kind, priority, cell)
        })
    }

    fn age() -> Self {
        Self::field("Age", "date", 0, &["metadata", "creationTimestamp"])
    }

    fn object_name() -> Self {
        Self::field("Name", "string", 0, &["metadata", "name"])
    }

    /// The value of this column for one object, borrowed when it stands there as it is shown.
    pub(crate) fn value<'a>(&self, object: &'a Value) -> Cow<'a, Value> {
        let value = match &self.cell {
            Cell::Compute(compute) => Cow::Owned(compute(object)),
            Cell::Path(path) => borrowed(path.first(object)),
            Cell::Field(names) => borrowed(names.iter().try_fold(object, |value, name| value.get(name))),
        };
        match (self.kind.as_str(), &*value) {
            ("date", Value::String(time)) => Cow::Owned(json!(age_of(time))),
            ("string", Value::Object(_) | Value::Array(_) | Value::Number(_) | Value::Bool(_)) => {
                Cow::Owned(json!(value.to_string()))
            }
            ("string" | "integer" | "number" | "boolean" | "date", _) | (_, Value::Null) => value,
            _ => Cow::Owned(json!(value.to_string())),
        }
    }
}

fn borrowed(value: Option<&Value>) -> Cow<'_, Value> {
    value.map_or(Cow::Owned(Value::Null), Cow::Borrowed)
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
