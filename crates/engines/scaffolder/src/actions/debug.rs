//! `debug:log` and `debug:wait`.

use std::time::Duration;

use serde_json::{Map, Value};

use super::schema::declare;
use super::{BuiltIn, Outcome};
use crate::action::{ActionContext, ActionError, Outputs};

/// Longest wait, as upstream.
const LONGEST: Duration = Duration::from_secs(600);

pub(super) fn actions() -> Vec<BuiltIn> {
    vec![
        declare(
            "debug:log",
            "Writes a message into the log and/or lists all files in the workspace.",
            &[
                (
                    "message",
                    "string|number|boolean|object|array|null",
                    "Message to output.",
                ),
                (
                    "listWorkspace",
                    "boolean|string",
                    "List all files in the workspace; `with-filenames` or `with-contents`.",
                ),
            ],
            &[],
            |context| Box::pin(log(context)) as Outcome<'_>,
        )
        .with_example("Write a message", "message: Hello"),
        declare(
            "debug:wait",
            "Waits for a certain period of time.",
            &[
                ("minutes", "number", "Minutes."),
                ("seconds", "number", "Seconds."),
                ("milliseconds", "number", "Milliseconds."),
            ],
            &[],
            |context| Box::pin(wait(context)) as Outcome<'_>,
        )
        .with_example("Wait for five seconds", "seconds: 5"),
    ]
}

async fn log(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    match context.input.get("message") {
        None => {}
        Some(Value::String(text)) => context.log(text).await,
        Some(other) => context.log(&other.to_string()).await,
    }
    let list = context.input.get("listWorkspace");
    let with_contents = list.is_some_and(|list| list == "with-contents");
    if with_contents || list.is_some_and(|list| *list == Value::Bool(true) || list == "with-filenames") {
        let mut text = "Workspace:".to_owned();
        for file in context.workspace.files(".")? {
            text.extend(["\n  - ", &file.path]);
            if with_contents {
                let indented = String::from_utf8_lossy(&file.content).replace('\n', "\n  ");
                text.extend([":\n\n  ", &indented]);
            }
        }
        context.log(&text).await;
    }
    Ok(Map::new())
}

async fn wait(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let number = |key: &str| {
        context
            .input
            .get(key)
            .and_then(Value::as_f64)
            .unwrap_or(0.0)
            .max(0.0)
    };
    let seconds = number("minutes") * 60.0 + number("seconds") + number("milliseconds") / 1000.0;
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    if duration > LONGEST {
        return Err(ActionError::input(
            "Waiting duration is longer than the maximum threshold of 0 hours, 10 minutes, 0 seconds",
        ));
    }
    context.log(&format!("Waiting for {seconds} seconds")).await;
    if !context.dry_run {
        tokio::time::sleep(duration).await;
    }
    Ok(Map::new())
}
