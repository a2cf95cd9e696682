//! Rows become values, filters become SQL.

use jiff::Timestamp;
use pave_store::rusqlite::{Result as Row, Row as SqlRow};

use crate::error::ScaffolderError;
use crate::model::{Event, EventKind, Task, TaskFilter, TaskStatus};

fn moment(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(|_| String::new(), |moment| format!("{moment:.3}"))
}

fn read<T: serde::de::DeserializeOwned>(what: &'static str, text: &str) -> Result<T, ScaffolderError> {
    serde_json::from_str(text).map_err(|source| ScaffolderError::Stored { what, source })
}

/// Reads the columns that `TASK_COLUMNS` names, in that order.
pub(super) fn task_row(row: &SqlRow<'_>) -> Row<Result<Task, ScaffolderError>> {
    let text = |index: usize| row.get::<_, String>(index);
    let (spec, principal, road, direction) = (text(1)?, text(2)?, text(8)?, text(9)?);
    let (id, created_by, status) = (text(0)?, text(3)?, text(4)?);
    let (waiting, created_at): (Option<String>, i64) = (row.get(5)?, row.get(6)?);
    let heartbeat: Option<i64> = row.get(7)?;
    let build = || {
        Ok(Task {
            id,
            spec: read("task", &spec)?,
            status: TaskStatus::parse(&status),
            waiting,
            created_at: moment(created_at),
            last_heartbeat_at: heartbeat.map(moment),
            created_by,
            road: read("road", &serde_json::Value::from(road).to_string())?,
            direction: read("direction", &direction)?,
            principal: read("principal", &principal)?,
        })
    };
    Ok(build())
}

pub(super) fn event_sql() -> &'static str {
    "SELECT id, task, kind, body, created_at FROM events WHERE task = ?1 AND (id > ?2 OR kind = 'completion') ORDER BY id"
}

pub(super) fn event_row(row: &SqlRow<'_>) -> Row<Result<Event, ScaffolderError>> {
    let (id, task_id): (i64, String) = (row.get(0)?, row.get(1)?);
    let (kind, body): (String, String) = (row.get(2)?, row.get(3)?);
    let created_at: i64 = row.get(4)?;
    let build = || {
        let body = read("event", &body)?;
        Ok(Event {
            id,
            task_id,
            kind: EventKind::parse(&kind),
            created_at: moment(created_at),
            body,
        })
    };
    Ok(build())
}

/// Condition, order and arguments of a list of tasks.
pub(super) fn filter_sql(filter: &TaskFilter) -> (String, String, Vec<String>) {
    let mut arguments = Vec::new();
    let mut conditions = Vec::new();
    let mut any_of = |column: &str, values: Vec<String>| {
        if !values.is_empty() {
            conditions.push(format!("{column} IN ({})", vec!["?"; values.len()].join(", ")));
            arguments.extend(values);
        }
    };
    any_of("created_by", filter.created_by.clone());
    any_of(
        "status",
        filter
            .status
            .iter()
            .map(|status| status.as_str().to_owned())
            .collect(),
    );
    let condition = if conditions.is_empty() {
        String::new()
    } else {
        format!("WHERE {}", conditions.join(" AND "))
    };
    let mut order: Vec<String> = filter
        .order
        .iter()
        .filter_map(|order| order.split_once(':'))
        .filter(|(_, field)| matches!(*field, "created_at" | "status" | "created_by"))
        .map(|(direction, field)| format!("{field} {}", if direction == "asc" { "ASC" } else { "DESC" }))
        .collect();
    if order.is_empty() {
        order.push("created_at DESC".to_owned());
    }
    (
        condition,
        format!("ORDER BY {}, rowid DESC", order.join(", ")),
        arguments,
    )
}
