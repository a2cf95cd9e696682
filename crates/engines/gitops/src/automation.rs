//! Whether to sync without being asked.

use jiff::Timestamp;
use pave_manifest::application::{
    Application, InitiatedBy, Operation, OperationState, ResourceSelector, SyncOperation,
};

use crate::compare::{Comparison, Entry};

/// A self-heal counts as one of a row if it follows the last one within this time.
const HEAL_COOLDOWN_SECONDS: i64 = 330;
/// Longest wait between self-heals.
const LONGEST_HEAL_WAIT_SECONDS: i64 = 300;

/// What automation wants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decision {
    /// Nothing to do.
    Nothing,
    /// Something to do, but not before so many seconds have passed.
    Wait(i64),
    /// Something to do that is not done; the condition says why.
    Refuse(String),
    /// Sync.
    Sync(Box<Operation>),
}

/// Decides by upstream's rules: one attempt for each revision, and self-heal with growing waits.
///
/// `forgive` lets a failed attempt be repeated: what it failed for has been resolved since.
pub(crate) fn decide(
    application: &Application,
    comparison: &Comparison,
    now: Timestamp,
    forgive: bool,
) -> Decision {
    let Some(automated) = application.automated() else {
        return Decision::Nothing;
    };
    if comparison.code != "OutOfSync" || comparison.is_blocked() {
        return Decision::Nothing;
    }
    let differing: Vec<&Entry> = comparison
        .entries
        .iter()
        .filter(|it| it.out_of_sync && !it.hook)
        .collect();
    if !automated.prune && differing.iter().all(|entry| entry.requires_pruning()) {
        return Decision::Nothing;
    }
    let mut sync = SyncOperation {
        revision: comparison.revision.clone(),
        prune: automated.prune,
        sync_options: application.sync_options().to_vec(),
        ..SyncOperation::default()
    };
    if let Some(attempt) = last_attempt(application, comparison) {
        if attempt.is_successful() {
            if !automated.self_heal {
                return Decision::Nothing;
            }
            sync.resources = differing.iter().map(|entry| selector(entry)).collect();
            match next_heal(attempt, &sync.resources, now) {
                Ok(count) => sync.auto_heal_attempts_count = count,
                Err(wait) => return Decision::Wait(wait),
            }
        } else if !forgive {
            let why = format!(
                "Failed last sync attempt to {}: {}",
                comparison.revision, attempt.message
            );
            return Decision::Refuse(why);
        }
    }
    let leaves_nothing = comparison
        .entries
        .iter()
        .filter(|it| !it.hook)
        .all(Entry::requires_pruning);
    if automated.prune && !automated.allow_empty && leaves_nothing {
        return Decision::Refuse(format!(
            "Skipping sync attempt to {}: auto-sync will wipe out all resources",
            comparison.revision
        ));
    }
    let retry = application
        .spec
        .sync_policy
        .as_ref()
        .and_then(|it| it.retry.clone())
        .unwrap_or_default();
    Decision::Sync(Box::new(Operation {
        sync: Some(sync),
        initiated_by: InitiatedBy {
            automated: true,
            ..InitiatedBy::default()
        },
        retry: Some(retry),
        ..Operation::default()
    }))
}

/// The ended operation, if it was for this very revision of this very source.
fn last_attempt<'a>(application: &'a Application, comparison: &Comparison) -> Option<&'a OperationState> {
    let state = application
        .status
        .operation_state
        .as_ref()
        .filter(|it| it.is_completed())?;
    let result = state.sync_result.as_ref()?;
    (result.revision == comparison.revision && result.source == comparison.source).then_some(state)
}

/// The number of the next self-heal in a row, or the seconds until it is due.
fn next_heal(attempt: &OperationState, differing: &[ResourceSelector], now: Timestamp) -> Result<u32, i64> {
    let last = attempt.operation.sync.clone().unwrap_or_default();
    let finished = attempt
        .finished_at
        .parse::<Timestamp>()
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let passed = now.as_second() - finished.as_second();
    let row = heals_in_a_row(&last, differing, passed);
    let wait = heal_wait(row) - passed;
    if wait > 0 { Err(wait) } else { Ok(row + 1) }
}

fn selector(entry: &Entry) -> ResourceSelector {
    ResourceSelector {
        group: entry.key.group.clone(),
        kind: entry.key.kind.clone(),
        name: entry.key.name.clone(),
        namespace: entry.key.namespace.clone(),
    }
}

/// How many self-heals of the same objects came just before.
///
/// Upstream counts all of them; here the count starts anew when other objects drift, because the waits are meant for
/// two controllers that fight over one object.
fn heals_in_a_row(last: &SyncOperation, differing: &[ResourceSelector], passed: i64) -> u32 {
    let same = differing.iter().any(|it| last.resources.contains(it));
    if same && passed < HEAL_COOLDOWN_SECONDS {
        last.auto_heal_attempts_count
    } else {
        0
    }
}

/// Waits of 0, 2, 6, 18, 54, 162, then 300 seconds.
fn heal_wait(row: u32) -> i64 {
    if row == 0 {
        return 0;
    }
    2_i64
        .saturating_mul(3_i64.saturating_pow(row - 1))
        .min(LONGEST_HEAL_WAIT_SECONDS)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pave_manifest::application::SyncResult;
    use serde_json::json;

    use super::*;

    fn entry(name: &str, wanted: bool, lives: bool) -> Entry {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}");
        let file = pave_manifest::directory::SourceFile {
            path: "x.yaml",
            bytes: text.as_bytes(),
        };
        let manifest = pave_manifest::directory::read(&[file]).manifests.remove(0);
        let target = pave_manifest::target::Target {
            key: pave_manifest::key_of(&object),
            gvk: pave_manifest::api_version_and_kind(&object),
            object: object.clone(),
            manifest,
        };
        Entry {
            key: target.key.clone(),
            gvk: target.gvk.clone(),
            target: wanted.then(|| Arc::new(target)),
            live: lives.then(|| Arc::new(object)),
            differences: Arc::default(),
            out_of_sync: true,
            hook: false,
            health: None,
            wave: 0,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests hand in what `json!` makes")]
    fn decision(policy: serde_json::Value, entries: Vec<Entry>, state: Option<OperationState>) -> Decision {
        let spec = json!({"spec": {"syncPolicy": {"automated": policy}}});
        let mut application = Application::from_value(spec).unwrap();
        application.status.operation_state = state;
        let comparison = Comparison {
            revision: "r1".into(),
            entries,
            code: "OutOfSync",
            ..Comparison::default()
        };
        decide(
            &application,
            &comparison,
            Timestamp::from_second(1000).unwrap(),
            false,
        )
    }

    fn ended(phase: &str, count: u32, finished: i64, healed: &str) -> OperationState {
        let resources = vec![ResourceSelector {
            kind: "ConfigMap".into(),
            name: healed.into(),
            ..ResourceSelector::default()
        }];
        let sync = SyncOperation {
            auto_heal_attempts_count: count,
            resources,
            ..SyncOperation::default()
        };
        OperationState {
            operation: Operation {
                sync: Some(sync),
                ..Operation::default()
            },
            phase: phase.into(),
            message: "no".into(),
            sync_result: Some(SyncResult {
                revision: "r1".into(),
                ..SyncResult::default()
            }),
            finished_at: Timestamp::from_second(finished).unwrap().to_string(),
            ..OperationState::default()
        }
    }

    fn synced(decision: Decision) -> SyncOperation {
        match decision {
            Decision::Sync(operation) => operation.sync.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_revision_is_synced_once() {
        let sync = synced(decision(
            json!({"prune": true}),
            vec![entry("a", true, false)],
            None,
        ));
        assert_eq!(
            (sync.revision.as_str(), sync.prune, sync.resources.len()),
            ("r1", true, 0)
        );
        let refused = decision(
            json!({}),
            vec![entry("a", true, false)],
            Some(ended("Failed", 0, 0, "a")),
        );
        assert_eq!(
            refused,
            Decision::Refuse("Failed last sync attempt to r1: no".into())
        );
        let nothing = decision(
            json!({}),
            vec![entry("a", true, true)],
            Some(ended("Succeeded", 0, 0, "a")),
        );
        assert_eq!(nothing, Decision::Nothing);
    }

    #[test]
    fn prunes_need_to_be_allowed_and_to_leave_something() {
        let gone = || vec![entry("a", false, true)];
        assert_eq!(decision(json!({}), gone(), None), Decision::Nothing);
        assert!(
            matches!(decision(json!({"prune": true}), gone(), None), Decision::Refuse(why) if why.contains("wipe out"))
        );
        assert!(synced(decision(json!({"prune": true, "allowEmpty": true}), gone(), None)).prune);
    }

    #[test]
    fn self_heals_of_one_object_wait_longer_and_longer() {
        let heal = json!({"selfHeal": true});
        let check = |count: u32, finished: i64, healed: &str, expected: Result<u32, i64>| {
            let state = ended("Succeeded", count, finished, healed);
            match decision(heal.clone(), vec![entry("a", true, true)], Some(state)) {
                Decision::Wait(seconds) => assert_eq!(Err(seconds), expected),
                other => {
                    let sync = synced(other);
                    assert_eq!(sync.resources[0].name, "a");
                    assert_eq!(Ok(sync.auto_heal_attempts_count), expected);
                }
            }
        };
        check(0, 1000, "a", Ok(1));
        check(1, 1000, "a", Err(2));
        check(1, 998, "a", Ok(2));
        check(3, 1000, "a", Err(18));
        check(9, 1000, "a", Err(300));
        check(9, 600, "a", Ok(1));
        check(3, 1000, "b", Ok(1));
    }
}
