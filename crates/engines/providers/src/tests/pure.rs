use std::sync::Arc;
use std::time::{Duration, Instant};

use pave_azure::mapping::{self, Kind};
use serde_json::{Value, json};

use crate::cache::{Cache, Key};
use crate::conditions::{self, Condition};
use crate::plan::{Gate, gate, jittered, poll_delay, retry_delay};
use crate::queue::Schedule;
use crate::references::{may_wait_for, resolve};
use crate::round::merge_patch;
use crate::secrets::generate;
use crate::usage::next_finalizers;

fn kind(name: &str) -> &'static Kind {
    mapping::kinds().iter().find(|kind| kind.kind == name).unwrap()
}

#[test]
fn the_gate_follows_annotations_policies_and_deletion() {
    const OURS: &str = "finalizer.managedresource.crossplane.io";
    let check = |object: Value, expected: &str| {
        let found = format!("{:?}", gate(&object));
        assert!(found.starts_with(expected), "{object}: {found}");
    };
    let leaving = |finalizers: Value, spec: Value| json!({"metadata": {"deletionTimestamp": "x", "finalizers": finalizers}, "spec": spec});
    check(
        json!({"metadata": {}, "spec": {}}),
        "Keep(Policies { create: true, update: true, delete: true, late",
    );
    check(
        json!({"metadata": {"annotations": {"crossplane.io/paused": "true"}, "deletionTimestamp": "x"}}),
        "Paused",
    );
    check(
        json!({"metadata": {}, "spec": {"managementPolicies": []}}),
        "Paused",
    );
    check(
        json!({"metadata": {}, "spec": {"managementPolicies": ["Create", "Delete"]}}),
        "Refused",
    );
    check(
        json!({"metadata": {}, "spec": {"managementPolicies": ["Observe", "Update"]}}),
        "Keep(Policies { create: false, update: true, delete: false, late_initialize: false })",
    );
    check(leaving(json!([OURS]), json!({})), "Remove");
    check(leaving(json!([OURS, "foregroundDeletion"]), json!({})), "Remove");
    check(leaving(json!([OURS, "somebody/else"]), json!({})), "Held");
    check(leaving(json!([]), json!({})), "Released");
    check(
        leaving(json!([OURS]), json!({"deletionPolicy": "Orphan"})),
        "Forget",
    );
    let policies = |list: Value| json!({"deletionPolicy": "Orphan", "managementPolicies": list});
    check(leaving(json!([OURS]), policies(json!(["*"]))), "Forget");
    check(
        leaving(json!([OURS]), policies(json!(["Observe", "Delete"]))),
        "Remove",
    );
    check(
        leaving(json!([OURS]), json!({"managementPolicies": ["Observe"]})),
        "Forget",
    );
    assert_eq!(
        gate(&leaving(json!([OURS]), json!({"deletionPolicy": "Delete"}))),
        Gate::Remove
    );
}

#[test]
fn waiting_is_short_where_arm_says_so() {
    let check = |retry_after: Option<u64>, elapsed: u64, expected: u64| {
        let delay = poll_delay(
            retry_after.map(Duration::from_secs),
            Duration::from_millis(elapsed),
        );
        assert_eq!(delay, Duration::from_millis(expected));
    };
    check(Some(0), 0, 2);
    check(Some(0), 400, 20);
    check(Some(0), 3_600_000, 1000);
    check(Some(15), 0, 15_000);
    check(None, 0, 500);
    check(None, 3_600_000, 10_000);
    let (first, last) = (Duration::from_secs(1), Duration::from_secs(30));
    for (failures, expected) in [(1, 1), (2, 2), (5, 16), (6, 30), (4_000_000_000, 30)] {
        assert_eq!(
            retry_delay(failures, first, last),
            Duration::from_secs(expected),
            "{failures}"
        );
    }
    assert_eq!(jittered(first, 0.0), Duration::from_millis(900));
    assert_eq!(jittered(first, 1.0), Duration::from_millis(1100));
}

fn group(name: &str, ready: bool) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"env": name}, "ownerReferences": [{"uid": format!("xr-{name}"), "controller": true}]},
        "status": {"conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }, "reason": "Creating"}]},
    })
}

fn server(parameters: &Value) -> Value {
    json!({"metadata": {"name": "pg", "ownerReferences": [{"uid": "xr-a", "controller": true}]}, "spec": {"forProvider": parameters}})
}

#[test]
fn references_take_what_is_ready_and_say_what_is_not() {
    let check = |parameters: Value, expected: Result<Value, &str>| {
        let candidates = |_: &Kind| vec![Arc::new(group("a", true)), Arc::new(group("b", false))];
        let found = resolve(kind("FlexibleServer"), &server(&parameters), &candidates);
        match expected {
            Ok(expected) => assert_eq!(found.map(Value::Object), Ok(expected)),
            Err(words) => assert!(found.as_ref().is_err_and(|it| it.ends_with(words)), "{found:?}"),
        }
    };
    let by_name = |name: &str| json!({"resourceGroupNameRef": {"name": name}});
    let name = "resourceGroupName";
    check(json!({}), Ok(json!({})));
    check(by_name("a"), Ok(json!({name: "a"})));
    check(
        by_name("b"),
        Err(
            "mg.Spec.ForProvider.ResourceGroupName: referenced ResourceGroup \"b\" is not ready yet: Creating",
        ),
    );
    check(by_name("c"), Err("referenced ResourceGroup \"c\" does not exist"));
    check(
        json!({name: "set", "resourceGroupNameRef": {"name": "c"}}),
        Ok(json!({})),
    );
    let always = json!({"name": "a", "policy": {"resolve": "Always"}});
    check(
        json!({name: "set", "resourceGroupNameRef": always}),
        Ok(json!({name: "a"})),
    );
    let optional = json!({"name": "c", "policy": {"resolution": "Optional"}});
    check(json!({"resourceGroupNameRef": optional}), Ok(json!({})));
    let selector = |selector: Value| json!({"resourceGroupNameSelector": selector});
    let both = json!({name: "a", "resourceGroupNameRef": {"name": "a"}});
    check(selector(json!({"matchControllerRef": true})), Ok(both.clone()));
    check(selector(json!({"matchLabels": {"env": "a"}})), Ok(both));
    check(
        selector(json!({"matchLabels": {"env": "b"}, "matchControllerRef": true})),
        Err("no ResourceGroup has the labels env=b and has the same controller"),
    );
}

#[test]
fn only_those_who_wait_for_it_are_woken() {
    let check = |parameters: Value, other: &str, expected: bool| {
        let found = may_wait_for(
            kind("FlexibleServer"),
            &server(&parameters),
            kind("ResourceGroup"),
            &group(other, true),
        );
        assert_eq!(found, expected);
    };
    check(json!({"resourceGroupNameRef": {"name": "a"}}), "a", true);
    check(json!({"resourceGroupNameRef": {"name": "a"}}), "b", false);
    check(json!({"resourceGroupName": "a"}), "a", true);
    check(json!({"resourceGroupName": "a"}), "b", false);
    check(
        json!({"resourceGroupNameSelector": {"matchControllerRef": true}}),
        "a",
        true,
    );
    check(
        json!({"resourceGroupNameSelector": {"matchControllerRef": true}}),
        "b",
        false,
    );
}

#[test]
fn a_condition_that_says_the_same_keeps_its_time() {
    let mut status = json!({});
    conditions::set(&mut status, &Condition::not_synced("no".into()), &json!(1), "t1");
    conditions::set(&mut status, &Condition::not_synced("no".into()), &json!(2), "t2");
    let expected = json!({"type": "Synced", "status": "False", "reason": "ReconcileError", "message": "no", "observedGeneration": 2, "lastTransitionTime": "t1"});
    assert_eq!(status["conditions"], json!([expected]));
    conditions::set(&mut status, &Condition::synced(), &Value::Null, "t3");
    let expected =
        json!({"type": "Synced", "status": "True", "reason": "ReconcileSuccess", "lastTransitionTime": "t3"});
    assert_eq!(status["conditions"], json!([expected]));
}

#[test]
fn the_cache_tells_what_matters() {
    let cache = Cache::default();
    let key = Key::new(kind("ResourceGroup"), "a").unwrap();
    let object = |version: u32, spec: u32, ready: &str| {
        json!({
            "metadata": {"name": "a", "uid": "u", "resourceVersion": version.to_string()}, "spec": spec,
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        })
    };
    let check = |object: Value, wants: bool, offers: bool| {
        let change = cache.apply(&key, object);
        assert_eq!((change.wants, change.offers), (wants, offers));
    };
    check(object(5, 1, "False"), true, true);
    check(object(6, 1, "True"), false, true);
    check(object(5, 2, "False"), false, false);
    check(object(7, 2, "True"), true, false);
    check(object(8, 2, "True"), false, false);
}

#[test]
fn nothing_runs_twice_at_a_time_and_no_wake_is_lost() {
    let now = Instant::now();
    let [a, b] = ["a", "b"].map(|name| Key::new(kind("ResourceGroup"), name).unwrap());
    let mut schedule = Schedule::default();
    schedule.wake(a.clone(), now);
    schedule.wake(a.clone(), now);
    assert_eq!(schedule.take_due(now, 9), vec![a.clone()]);
    schedule.wake(a.clone(), now);
    assert!(schedule.take_due(now, 9).is_empty());
    schedule.done(a.clone(), Some(Duration::from_secs(60)), now);
    schedule.wake(b.clone(), now);
    assert_eq!(schedule.take_due(now, 1).len(), 1, "no more than allowed");
    assert_eq!(schedule.take_due(now, 2).len(), 1);
    schedule.done(a.clone(), Some(Duration::from_secs(60)), now);
    schedule.done(b, None, now);
    assert_eq!(schedule.next_due(), Some(now + Duration::from_secs(60)));
    schedule.wake(a.clone(), now);
    assert_eq!((schedule.take_due(now, 9), schedule.next_due()), (vec![a], None));
}

#[test]
fn patches_say_what_changes_and_what_goes() {
    let from = json!({"a": 1, "b": {"x": 1, "y": 2}, "c": [1], "d": 4});
    let to = json!({"a": 1, "b": {"x": 1, "y": 3}, "c": [2]});
    assert_eq!(
        merge_patch(&from, &to),
        json!({"b": {"y": 3}, "c": [2], "d": null})
    );
    assert_eq!(merge_patch(&Value::Null, &to), to);
}

#[test]
fn a_configuration_is_held_while_it_is_used() {
    let check = |metadata: Value, users: usize, expected: Option<&[&str]>| {
        let expected = expected.map(|it| it.iter().map(|name| json!(name)).collect::<Vec<_>>());
        assert_eq!(next_finalizers(&metadata, users), expected, "{metadata}");
    };
    let held = json!(["in-use.crossplane.io", "x"]);
    check(
        json!({"finalizers": ["x"]}),
        0,
        Some(&["x", "in-use.crossplane.io"]),
    );
    check(json!({"finalizers": held}), 0, None);
    check(json!({"finalizers": held, "deletionTimestamp": "t"}), 1, None);
    check(
        json!({"finalizers": held, "deletionTimestamp": "t"}),
        0,
        Some(&["x"]),
    );
    check(json!({"finalizers": [], "deletionTimestamp": "t"}), 0, None);
}

#[test]
fn passwords_have_upstreams_form() {
    for _ in 0..50 {
        let password = generate();
        assert!(password.len() == 27 && password.bytes().all(|it| it.is_ascii_alphanumeric()));
        assert!(password.bytes().any(|it| it.is_ascii_digit()));
        assert_ne!(password, generate());
    }
}
