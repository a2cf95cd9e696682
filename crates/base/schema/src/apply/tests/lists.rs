//! Lists, atomic values and values that no schema describes.

use serde_json::json;

use super::{A, Scene};

#[test]
fn map_lists_merge_by_key() {
    let mut scene = Scene::new();
    scene.apply(
        "alice",
        &json!({ "parts": [{ "name": "a", "v": 1 }, { "name": "b", "v": 2 }] }),
    );
    scene.apply(
        "bob",
        &json!({ "parts": [{ "name": "b", "w": 3 }, { "name": "c" }] }),
    );
    scene.check(
        &json!({ "parts": [{ "name": "a", "v": 1 }, { "name": "b", "v": 2, "w": 3 }, { "name": "c" }], "mode": "auto" }),
        &[
            ("alice", A, json!({ "f:spec": { "f:parts": {
                "k:{\"name\":\"a\"}": { ".": {}, "f:name": {}, "f:v": {} },
                "k:{\"name\":\"b\"}": { ".": {}, "f:name": {}, "f:v": {} } } } })),
            ("bob", A, json!({ "f:spec": { "f:parts": {
                "k:{\"name\":\"b\"}": { ".": {}, "f:name": {}, "f:w": {} },
                "k:{\"name\":\"c\"}": { ".": {}, "f:name": {} } } } })),
        ],
    );
    scene.apply("alice", &json!({ "parts": [] }));
    assert_eq!(
        scene.spec()["parts"],
        json!([{ "name": "b", "w": 3 }, { "name": "c" }])
    );
    assert_eq!(
        scene.conflict("alice", &json!({ "parts": [{ "name": "b", "w": 4 }] })),
        r#"Apply failed with 1 conflict: conflict with "bob": .spec.parts[name="b"].w"#
    );
}

#[test]
fn a_list_item_stays_while_an_updater_owns_something_in_it() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "parts": [{ "name": "a", "v": 1 }] }));
    scene.update("editor", |object| object["spec"]["parts"][0]["w"] = json!(2));
    scene.apply("alice", &json!({}));
    assert_eq!(scene.spec()["parts"], json!([{ "name": "a", "w": 2 }]));
}

#[test]
fn keys_may_have_defaults() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "ports": [{ "port": 80 }] }));
    assert_eq!(scene.spec()["ports"], json!([{ "port": 80, "protocol": "TCP" }]));
    assert!(!scene.apply("alice", &json!({ "ports": [{ "port": 80 }] })));
    scene.apply("bob", &json!({ "ports": [{ "port": 80, "protocol": "TCP", "name": "http" }, { "port": 80, "protocol": "UDP" }] }));
    assert_eq!(
        scene.spec()["ports"],
        json!([{ "port": 80, "protocol": "TCP", "name": "http" }, { "port": 80, "protocol": "UDP" }])
    );
}

#[test]
fn items_keep_their_place() {
    let names = |scene: &Scene| -> Vec<String> {
        let parts = scene.spec()["parts"].as_array().unwrap();
        parts
            .iter()
            .map(|part| part["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let parts = |names: &str| json!({ "parts": names.chars().map(|name| json!({ "name": name.to_string() })).collect::<Vec<_>>() });
    for (live, applied, expected) in [
        ("abc", "dbe", "adbce"),
        ("ab", "ba", "ba"),
        ("abc", "ba", "bca"),
        ("abc", "c", "abc"),
        ("abc", "xa", "xabc"),
        ("abc", "x", "abcx"),
        ("", "ab", "ab"),
    ] {
        let mut scene = Scene::new();
        scene.apply("alice", &parts(live));
        scene.apply("bob", &parts(applied));
        assert_eq!(names(&scene).concat(), expected, "{applied} over {live}");
    }
}

#[test]
fn atomic_values_are_one_piece() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "args": ["a"], "solid": { "x": "1" } }));
    scene.check(
        &json!({ "args": ["a"], "solid": { "x": "1" }, "mode": "auto" }),
        &[("alice", A, json!({ "f:spec": { "f:args": {}, "f:solid": {} } }))],
    );
    assert_eq!(
        scene.conflict("bob", &json!({ "args": ["a", "b"] })),
        r#"Apply failed with 1 conflict: conflict with "alice": .spec.args"#
    );
    assert_eq!(
        scene.conflict("bob", &json!({ "solid": { "y": "1" } })),
        r#"Apply failed with 1 conflict: conflict with "alice": .spec.solid"#
    );
    scene.force("bob", &json!({ "args": ["b"], "solid": { "y": "2" } }));
    scene.check(
        &json!({ "args": ["b"], "solid": { "y": "2" }, "mode": "auto" }),
        &[("bob", A, json!({ "f:spec": { "f:args": {}, "f:solid": {} } }))],
    );
}

#[test]
fn sets_merge_by_member() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "set": ["a", "b"] }));
    scene.apply("bob", &json!({ "set": ["b", "c"] }));
    scene.check(
        &json!({ "set": ["a", "b", "c"], "mode": "auto" }),
        &[
            (
                "alice",
                A,
                json!({ "f:spec": { "f:set": { "v:\"a\"": {}, "v:\"b\"": {} } } }),
            ),
            (
                "bob",
                A,
                json!({ "f:spec": { "f:set": { "v:\"b\"": {}, "v:\"c\"": {} } } }),
            ),
        ],
    );
    scene.apply("alice", &json!({ "set": ["x"] }));
    assert_eq!(scene.spec()["set"], json!(["b", "c", "x"]));
}

#[test]
fn unknown_subtrees_are_deduced() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "free": { "m": { "a": 1 }, "l": [1] } }));
    scene.apply("bob", &json!({ "free": { "m": { "b": 2 } } }));
    assert_eq!(scene.spec()["free"], json!({ "m": { "a": 1, "b": 2 }, "l": [1] }));
    assert_eq!(
        scene.fields("alice", A),
        json!({ "f:spec": { "f:free": { "f:l": {}, "f:m": { ".": {}, "f:a": {} } } } })
    );
    assert_eq!(
        scene.conflict("bob", &json!({ "free": { "l": [2] } })),
        r#"Apply failed with 1 conflict: conflict with "alice": .spec.free.l"#
    );
}

#[test]
fn live_duplicates_are_tolerated() {
    let mut scene = Scene::with(
        json!({ "metadata": { "name": "t" }, "spec": { "parts": [{ "name": "a" }, { "name": "a" }] } }),
    );
    scene.apply("alice", &json!({ "size": 1 }));
    assert_eq!(scene.spec()["parts"], json!([{ "name": "a" }, { "name": "a" }]));
}
