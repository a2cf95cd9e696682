//! What an Application says of the commits that it is to bring into the cluster.

use jiff::Timestamp;
use pave_journal::Hop;
use pave_kube::metadata_text;
use pave_names::{Direction, RoadId, State, Station};
use serde_json::{Value, json};

/// The revisions an Application speaks of: the one it compares with, and the one it last synced.
#[must_use]
pub fn revisions(application: &Value) -> Vec<&str> {
    let mut found: Vec<&str> = [
        "/status/sync/revision",
        "/status/operationState/syncResult/revision",
    ]
    .iter()
    .filter_map(|pointer| application.pointer(pointer)?.as_str())
    .collect();
    found.dedup();
    found
}

/// Whether one of these files of a repository belongs to an Application's folder.
#[must_use]
pub fn concerns<'a>(application: &Value, files: impl IntoIterator<Item = &'a str>) -> bool {
    let path = application
        .pointer("/spec/source/path")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let folder = path.trim_matches('/');
    files.into_iter().any(|file| {
        folder.is_empty()
            || folder == "."
            || file
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
    })
}

/// The sync hop of a request whose commit this Application brings into the cluster at `revision`.
#[must_use]
pub fn hop(application: &Value, revision: &str, road: &RoadId, direction: Direction, now: Timestamp) -> Hop {
    let namespace = metadata_text(application, "namespace").unwrap_or_default();
    let name = metadata_text(application, "name").unwrap_or_default();
    let (state, cause) = standing(application, revision);
    let mut hop = Hop::new(
        road.clone(),
        Station::Sync,
        format!("application/{namespace}/{name}"),
        state,
        now,
    );
    hop.title = format!("Application {name}");
    hop.direction = direction;
    hop.cause = cause;
    hop.link = json!({ "application": { "namespace": namespace, "name": name }, "commit": revision });
    hop
}

/// Name of the Application that an object belongs to, by Argo CD's tracking annotation
/// (`name:group/Kind:namespace/name`, the name with its namespace and `_` before it outside the control namespace).
#[must_use]
pub fn owner_of(object: &Value) -> Option<&str> {
    let tracking = object
        .get("metadata")?
        .get("annotations")?
        .get("argocd.argoproj.io/tracking-id")?
        .as_str()?;
    let owner = tracking.split_once(':')?.0;
    Some(owner.rsplit_once('_').map_or(owner, |it| it.1))
}

/// The commit hop of a file that somebody pushed without a task, as the Application that synced it knows it.
#[must_use]
pub fn commit_hop(application: &Value, path: &str, commit: &str, road: &RoadId, now: Timestamp) -> Hop {
    let mut hop = Hop::new(
        road.clone(),
        Station::Commit,
        format!("commit/{commit}"),
        State::Ok,
        now,
    );
    let short: String = commit.chars().take(7).collect();
    hop.title = format!("Pushed {path} ({short})");
    hop.link = json!({
        "repository": application.pointer("/spec/source/repoURL"), "commit": commit, "files": [path],
    });
    hop
}

fn standing(application: &Value, revision: &str) -> (State, String) {
    let text = |pointer: &str| {
        application
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if let Some(condition) = application
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|condition| {
            condition["type"]
                .as_str()
                .is_some_and(|kind| kind.ends_with("Error"))
        })
    {
        return (
            State::Failed,
            condition["message"].as_str().unwrap_or_default().to_owned(),
        );
    }
    let synced_here = text("/status/operationState/syncResult/revision") == revision;
    match text("/status/operationState/phase") {
        "Succeeded" if synced_here => (State::Ok, String::new()),
        "Failed" | "Error" if synced_here => {
            let failed: Vec<String> = application
                .pointer("/status/operationState/syncResult/resources")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter(|resource| resource["status"] == "SyncFailed")
                .filter_map(|resource| {
                    Some(format!(
                        "{} {}: {}",
                        resource["kind"].as_str()?,
                        resource["name"].as_str()?,
                        resource["message"].as_str()?
                    ))
                })
                .collect();
            let cause = if failed.is_empty() {
                text("/status/operationState/message").to_owned()
            } else {
                failed.join("; ")
            };
            (State::Failed, cause)
        }
        _ if text("/status/sync/status") == "Synced" && text("/status/sync/revision") == revision => {
            (State::Ok, String::new())
        }
        _ => (State::Running, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: &Value, expected: (State, &str)) {
        let application = json!({
            "metadata": { "name": "team-a", "namespace": "argocd" },
            "spec": { "source": { "path": "environments/team-a" } },
            "status": status,
        });
        let road = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
        let hop = hop(&application, "abc", &road, Direction::Up, Timestamp::UNIX_EPOCH);
        assert_eq!((hop.state, hop.cause.as_str()), expected, "{status}");
    }

    #[test]
    fn sync_states_follow_the_operation() {
        check(
            &json!({ "sync": { "revision": "abc", "status": "OutOfSync" } }),
            (State::Running, ""),
        );
        check(
            &json!({ "sync": { "revision": "abc", "status": "Synced" } }),
            (State::Ok, ""),
        );
        check(
            &json!({ "operationState": { "phase": "Succeeded", "syncResult": { "revision": "abc" } } }),
            (State::Ok, ""),
        );
        check(
            &json!({ "operationState": { "phase": "Failed", "message": "m", "syncResult": { "revision": "abc",
                "resources": [{ "kind": "Claim", "name": "x", "status": "SyncFailed", "message": "forbidden" }] } } }),
            (State::Failed, "Claim x: forbidden"),
        );
        check(
            &json!({ "conditions": [{ "type": "ComparisonError", "message": "a.yaml:1:2: no" }] }),
            (State::Failed, "a.yaml:1:2: no"),
        );
    }

    #[test]
    fn the_owner_is_the_one_that_tracks() {
        for (id, expected) in [
            ("team-a:example.org/Claim:team-a/orders", Some("team-a")),
            ("argocd_team-a:example.org/Claim:team-a/orders", Some("team-a")),
            ("nothing", None),
        ] {
            let object = json!({ "metadata": { "annotations": { "argocd.argoproj.io/tracking-id": id } } });
            assert_eq!(owner_of(&object), expected, "{id}");
        }
    }

    #[test]
    fn only_files_of_the_folder_concern_it() {
        let application = json!({ "spec": { "source": { "path": "environments/team-a" } } });
        assert!(concerns(&application, ["environments/team-a/x.yaml"]));
        assert!(!concerns(
            &application,
            ["environments/team-ab/x.yaml", "infra/x.yaml"]
        ));
    }
}
