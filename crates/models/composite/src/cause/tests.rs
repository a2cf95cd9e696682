#![expect(clippy::needless_pass_by_value, reason = "tables read better with values")]

use serde_json::json;

use super::*;

fn object(kind: &str, conditions: Value) -> Value {
    json!({"kind": kind, "metadata": {"name": format!("{}-1", kind.to_lowercase())}, "status": {"conditions": conditions}})
}

fn part<'a>(name: &'a str, object: &'a Value) -> Part<'a> {
    Part {
        name,
        desired: object,
        observed: Some(object),
        ready: is_true(object, "Ready"),
        failure: None,
        waiting_for: None,
        skipped: None,
    }
}

#[test]
fn the_real_failure_wins_over_those_that_wait_for_it() {
    let waiting = object(
        "Database",
        json!([{"type": "Synced", "status": "False", "reason": "ReconcileError",
        "message": "cannot resolve references: mg.Spec.ForProvider.ServerID: referenced field was empty"}]),
    );
    let creating = object(
        "Firewall",
        json!([{"type": "Synced", "status": "True"}, {"type": "Ready", "status": "False", "reason": "Creating"}]),
    );
    let failed = object(
        "Server",
        json!([{"type": "Synced", "status": "False", "reason": "ReconcileError",
        "message": "create failed: admin user name `admin` is reserved", "lastTransitionTime": "2026-01-01T10:00:00Z"}]),
    );
    let ready = object("Group", json!([{"type": "Ready", "status": "True"}]));
    let mut server = part("server", &failed);
    server.skipped = Some("patch at index 1 of resource `server` was skipped: `spec.dbUser` is not set");
    let cause = deepest(&[
        part("group", &ready),
        part("db", &waiting),
        part("fw", &creating),
        server,
    ])
    .unwrap();
    assert_eq!(
        cause.sentence,
        "Server `server-1` (resource `server`) says Synced=False (ReconcileError): create failed: \
        admin user name `admin` is reserved, since 2026-01-01T10:00:00Z; note that patch at index 1 of resource `server` \
        was skipped: `spec.dbUser` is not set"
    );
    let cause = deepest(&[part("db", &waiting), part("fw", &creating)]).unwrap();
    assert_eq!(
        cause.sentence,
        "Firewall `firewall-1` (resource `fw`) is being created"
    );
    assert_eq!(deepest(&[part("group", &ready)]), None);
}

#[test]
fn each_state_has_its_words() {
    let check = |conditions: Value, expected: &str| {
        let object = object("Server", conditions);
        let sentence = deepest(&[part("s", &object)]).unwrap().sentence;
        assert!(sentence.contains(expected), "{sentence}");
    };
    check(json!([]), "has not been looked at by its provider yet");
    check(
        json!([{"type": "Synced", "status": "True"}]),
        "is synced but not ready yet",
    );
    check(
        json!([{"type": "Ready", "status": "False", "reason": "Unavailable", "message": "stopped"}]),
        "says Ready=False (Unavailable): stopped",
    );
    let object =
        json!({"kind": "Server", "metadata": {"name": "x", "deletionTimestamp": "t", "finalizers": ["a.b"]}});
    assert!(
        deepest(&[part("s", &object)])
            .unwrap()
            .sentence
            .ends_with("is being deleted and waits for a.b")
    );
    let mut failed = part("s", &object);
    failed.failure = Some("spec.size: must be positive");
    assert!(
        deepest(&[failed])
            .unwrap()
            .sentence
            .ends_with("cannot be applied: spec.size: must be positive")
    );
}

#[test]
fn a_claim_repeats_what_its_composite_says() {
    let check = |conditions: Value, expected: Option<&str>| {
        assert_eq!(of_claim(&object("X", conditions)).as_deref(), expected);
    };
    check(
        json!([{"type": "Synced", "status": "False", "message": "no compatible Compositions found"}]),
        Some("no compatible Compositions found"),
    );
    check(
        json!([{"type": "Synced", "status": "False", "message": "Unsynced resources: a"},
        {"type": "Ready", "status": "False", "message": "deep"}]),
        Some("deep"),
    );
    check(json!([{"type": "Ready", "status": "True"}]), None);
}
