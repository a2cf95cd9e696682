//! What the journal is told.

use pave_journal::{Hop, Journal};
use pave_names::{Direction, RoadId, State, Station};
use pave_runtime::clock;
use serde_json::{Value, json};

use crate::model::Task;

/// Records how a task stands. A journal that fails must not stop the task.
pub(crate) async fn task(journal: &Journal, task: &Task, state: State, cause: &str) {
    let mut hop = Hop::new(
        task.road.clone(),
        Station::Task,
        format!("task/{}", task.id),
        state,
        clock::now(),
    );
    hop.direction = task.direction;
    hop.title = task.title();
    cause.clone_into(&mut hop.cause);
    hop.link = json!({
        "taskId": task.id,
        "template": task.spec.template_info["entityRef"],
        "requestedBy": task.created_by,
    });
    if proposes(&task.spec.steps) {
        hop.link["route"] = json!("pull-request");
    }
    record(journal, hop).await;
}

/// Whether a task's steps open a pull request: then its road is known before it gets there.
fn proposes(steps: &[Value]) -> bool {
    let opens = |step: &Value| {
        let action = step["action"].as_str().unwrap_or_default();
        matches!(
            action,
            "azure:repo:pr" | "azure:pr:create" | "publish:azure:pull-request"
        )
    };
    steps.iter().any(opens)
}

/// Records a commit.
pub(crate) async fn commit(
    journal: &Journal,
    road: &RoadId,
    direction: Direction,
    commit: &str,
    title: &str,
    link: Value,
) {
    let mut hop = Hop::new(
        road.clone(),
        Station::Commit,
        format!("commit/{commit}"),
        State::Ok,
        clock::now(),
    );
    hop.direction = direction;
    title.clone_into(&mut hop.title);
    hop.link = link;
    record(journal, hop).await;
}

async fn record(journal: &Journal, hop: Hop) {
    let subject = hop.subject.clone();
    if let Err(error) = journal.record(hop).await {
        tracing::warn!(subject, %error, "a hop could not be recorded");
    }
}
