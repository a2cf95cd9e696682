use serde_json::json;

use super::*;

fn lines(predicted: &Value, live: &Value, rules: Value) -> Vec<String> {
    let rules: Vec<IgnoreDifference> = serde_json::from_value(rules).unwrap();
    compare(predicted, live, &rules)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[expect(clippy::needless_pass_by_value, reason = "tests hand in what `json!` makes")]
fn check(predicted: Value, live: Value, expected: &[&str]) {
    assert_eq!(lines(&predicted, &live, json!([])), expected);
}

#[test]
fn what_the_server_and_pave_write_is_no_difference() {
    check(
        json!({"metadata": {"name": "a", "resourceVersion": "1", "annotations": {"pave.dev/road": "1"}}, "status": {"a": 1}}),
        json!({"metadata": {"name": "a", "resourceVersion": "2", "generation": 3, "managedFields": []}, "status": {"a": 2}}),
        &[],
    );
    check(json!({"spec": {"n": 1}}), json!({"spec": {"n": 1.0}}), &[]);
    check(json!({"rules": null}), json!({}), &[]);
}

#[test]
fn differences_are_told_in_words() {
    check(
        json!({"spec": {"size": 2, "new": true, "list": [1, 2]}, "metadata": {"labels": {"a.b/c": "x"}}}),
        json!({"spec": {"size": 3, "old": "x", "list": [1]}}),
        &[
            "`metadata` is missing, Git says {\"labels\":{\"a.b/c\":\"x\"}}",
            "`spec.list` is [1], Git says [1,2]",
            "`spec.new` is missing, Git says true",
            "`spec.old` is \"x\", Git has no such field",
            "`spec.size` is 3, Git says 2",
        ],
    );
}

#[test]
fn secrets_are_folded_and_masked() {
    let secret =
        |field: &str, value: &str| json!({"apiVersion": "v1", "kind": "Secret", field: {"a": value}});
    check(secret("stringData", "hello"), secret("data", "aGVsbG8="), &[]);
    check(
        secret("stringData", "other"),
        secret("data", "aGVsbG8="),
        &["`data.a` is \"+++++\", Git says \"++++++++\""],
    );
}

#[test]
fn rules_take_fields_out_on_both_sides() {
    let live = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "n", "managedFields": [
            {"manager": "scaler", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "tagger", "fieldsV1": {"f:spec": {"f:ports": {"k:{\"name\":\"web\"}": {"f:port": {}}}}}},
        ]},
        "spec": {"replicas": 5, "ports": [{"name": "web", "port": 1}], "paused": true},
    });
    let mut predicted = live.clone();
    predicted["spec"] = json!({"replicas": 1, "ports": [{"name": "web", "port": 2}]});
    let check =
        |rule: Value, expected: &[&str]| assert_eq!(lines(&predicted, &live, json!([rule])), expected);
    let paused = "`spec.paused` is true, Git has no such field";
    let port = "`spec.ports.0.port` is 1, Git says 2";
    let replicas = "`spec.replicas` is 5, Git says 1";
    check(
        json!({"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}),
        &[paused, port],
    );
    check(
        json!({"group": "*", "kind": "*", "managedFieldsManagers": ["scaler"]}),
        &[paused, port],
    );
    check(
        json!({"group": "*", "kind": "*", "managedFieldsManagers": ["tagger"]}),
        &[paused, replicas],
    );
    check(
        json!({"group": "apps", "kind": "StatefulSet", "jsonPointers": ["/spec"]}),
        &[paused, port, replicas],
    );
    check(
        json!({"group": "apps", "kind": "*", "name": "b", "jsonPointers": ["/spec"]}),
        &[paused, port, replicas],
    );
    check(
        json!({"group": "apps", "kind": "*", "jsonPointers": ["/spec/ports/0"]}),
        &[paused, replicas],
    );
}

#[test]
fn the_three_way_prediction_keeps_what_git_never_named() {
    let check = |original: Option<Value>, target: Value, live: Value, expected: Value| {
        let mut live = live;
        if let Some(original) = original {
            live["metadata"] = json!({"annotations": {LAST_APPLIED: original.to_string()}});
        }
        assert_eq!(predict(&target, &live)["spec"], expected);
    };
    check(
        None,
        json!({"spec": {"a": 1}}),
        json!({"spec": {"a": 2, "b": 3}}),
        json!({"a": 1, "b": 3}),
    );
    check(
        Some(json!({"spec": {"a": 1, "gone": 1}})),
        json!({"spec": {"a": 1}}),
        json!({"spec": {"a": 1, "gone": 1, "b": 3}}),
        json!({"a": 1, "b": 3}),
    );
    check(
        None,
        json!({"spec": {"list": [{"a": 1}]}}),
        json!({"spec": {"list": [{"a": 1, "defaulted": true}]}}),
        json!({"list": [{"a": 1, "defaulted": true}]}),
    );
}
