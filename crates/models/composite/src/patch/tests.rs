use serde_json::json;

use super::*;

fn composite() -> Value {
    json!({"metadata": {"name": "x"}, "spec": {"dbName": "orders", "size": 3, "tags": ["a"], "deep": {"k": 1}}})
}

/// `Err` holds a part of the expected message; `Ok(None)` means skipped.
fn check(patch: &Value, target: Value, expected: Result<Option<Value>, &str>) {
    let (patches, problems) = parse_all(std::slice::from_ref(patch), "/p", &PatchSets::new());
    let mut target = target;
    let result = match (patches.first(), problems.first()) {
        (Some(patch), None) => patch
            .apply(&composite(), &mut target)
            .map_err(|error| error.to_string()),
        (_, Some(problem)) => Err(problem.message.clone()),
        _ => panic!("nothing parsed"),
    };
    match (result, expected) {
        (Ok(Outcome::Applied { .. }), Ok(Some(expected))) => assert_eq!(target, expected, "{patch}"),
        (Ok(Outcome::Skipped { .. }), Ok(None)) => {}
        (Err(message), Err(part)) => assert!(message.contains(part), "{patch}: {message}"),
        (result, expected) => panic!("{patch}: {result:?} instead of {expected:?}"),
    }
}

#[test]
fn fields_move() {
    check(
        &json!({"fromFieldPath": "spec.dbName"}),
        json!({}),
        Ok(Some(json!({"spec": {"dbName": "orders"}}))),
    );
    check(
        &json!({"type": "FromCompositeFieldPath", "fromFieldPath": "spec.size", "toFieldPath": "spec.forProvider.n"}),
        json!({"spec": {"forProvider": {"a": 1}}}),
        Ok(Some(json!({"spec": {"forProvider": {"a": 1, "n": 3}}}))),
    );
    check(
        &json!({"fromFieldPath": "spec.dbName", "toFieldPath": "metadata.annotations[crossplane.io/external-name]"}),
        json!({}),
        Ok(Some(
            json!({"metadata": {"annotations": {"crossplane.io/external-name": "orders"}}}),
        )),
    );
    check(
        &json!({"fromFieldPath": "spec.size", "toFieldPath": "rules[*].port"}),
        json!({"rules": [{}, {"port": 1}]}),
        Ok(Some(json!({"rules": [{"port": 3}, {"port": 3}]}))),
    );
}

#[test]
fn missing_sources_follow_the_policy() {
    check(&json!({"fromFieldPath": "spec.nothing"}), json!({}), Ok(None));
    let required = json!({"fromFieldPath": "spec.nothing", "policy": {"fromFieldPath": "Required"}});
    check(
        &required,
        json!({}),
        Err("required field `spec.nothing` is not set"),
    );
    check(
        &json!({"fromFieldPath": "spec.dbName.x"}),
        json!({}),
        Err("spec.dbName: not an object"),
    );
}

#[test]
fn combine_needs_every_variable() {
    let combine = |variables: Value| {
        json!({"type": "CombineFromComposite", "toFieldPath": "name", "combine": {
            "strategy": "string", "string": {"fmt": "%s-%d"}, "variables": variables}})
    };
    let both = json!([{"fromFieldPath": "spec.dbName"}, {"fromFieldPath": "spec.size"}]);
    check(&combine(both), json!({}), Ok(Some(json!({"name": "orders-3"}))));
    check(
        &combine(json!([{"fromFieldPath": "spec.dbName"}, {"fromFieldPath": "spec.no"}])),
        json!({}),
        Ok(None),
    );
    check(
        &combine(json!([])),
        json!({}),
        Err("`combine.variables` is empty"),
    );
    check(
        &json!({"type": "CombineFromComposite", "toFieldPath": "a"}),
        json!({}),
        Err("`combine` is missing"),
    );
}

#[test]
fn unreadable_patches_say_why() {
    check(
        &json!({"type": "FromCompositeFieldpath", "fromFieldPath": "a"}),
        json!({}),
        Err("did you mean `FromCompositeFieldPath`?"),
    );
    check(
        &json!({"toFieldPath": "a"}),
        json!({}),
        Err("`fromFieldPath` is missing"),
    );
    check(&json!({"fromFieldPath": "a["}), json!({}), Err("unterminated"));
    check(
        &json!({"fromFieldPath": "a", "policy": {"fromFieldPath": "Maybe"}}),
        json!({}),
        Err("unknown"),
    );
    check(
        &json!({"fromFieldPath": "a", "transforms": [{"type": "x"}]}),
        json!({}),
        Err("transform at index 0"),
    );
    check(
        &json!({"type": "PatchSet", "patchSetName": "no"}),
        json!({}),
        Err("there is no patch set `no`"),
    );
    check(
        &json!({"fromFieldPath": "spec.size", "toFieldPath": "r[*].p"}),
        json!({"r": []}),
        Err("matches nothing"),
    );
}

#[test]
fn patch_sets_are_inlined_with_their_place() {
    let sets: PatchSets = [(
        "common".to_owned(),
        (
            vec![json!({"fromFieldPath": "spec.size"}), json!({"type": "PatchSet"})],
            "/spec/patchSets/0".to_owned(),
        ),
    )]
    .into();
    let (patches, problems) = parse_all(
        &[json!({"type": "PatchSet", "patchSetName": "common"})],
        "/spec/resources/0/patches",
        &sets,
    );
    assert_eq!(
        patches[0].place.to_string(),
        "patch at index 0 (patch set `common`, index 0)"
    );
    assert_eq!(patches[0].place.pointer, "/spec/patchSets/0/patches/0");
    assert_eq!(problems[0].message, "a patch set may not contain a patch set");
}
