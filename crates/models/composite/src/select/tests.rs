#![expect(clippy::needless_pass_by_value, reason = "tables read better with values")]

use serde_json::json;

use super::*;

fn definition(spec: Value) -> Definition {
    let mut spec = spec;
    spec["group"] = json!("example.com");
    spec["names"] = json!({"kind": "Thing", "plural": "things"});
    spec["versions"] =
        json!([{"name": "v1", "served": true, "referenceable": true, "schema": {"openAPIV3Schema": {}}}]);
    let object = json!({"apiVersion": "apiextensions.crossplane.io/v1", "metadata": {"name": "things.example.com"}, "spec": spec});
    Definition::parse(&object).0.unwrap()
}

fn made(name: &str, kind: &str, labels: Value) -> Value {
    json!({"metadata": {"name": name, "labels": labels}, "spec": {"compositeTypeRef": {"apiVersion": "example.com/v1", "kind": kind}}})
}

/// `Err` holds a part of the expected message.
fn check(xrd: Value, spec: Value, expected: Result<(&str, bool), &str>) {
    let compositions = [
        made("zeta", "Thing", json!({"env": "dev", "cloud": "azure"})),
        made("beta", "Thing", json!({"env": "dev"})),
        made("plain", "Thing", json!({})),
        made("other", "Gadget", json!({"env": "dev"})),
    ];
    let composite = json!({"apiVersion": "example.com/v1", "kind": "Thing", "spec": spec});
    let found = composition(&composite, &definition(xrd), &compositions);
    match (found, expected) {
        (Ok(found), Ok((name, persist))) => assert_eq!(
            (found.name.as_str(), found.persist),
            (name, persist),
            "{composite}"
        ),
        (Err(failure), Err(part)) => {
            assert!(failure.to_string().contains(part), "{composite}: {failure}");
        }
        (found, expected) => panic!("{composite}: {found:?} instead of {expected:?}"),
    }
}

#[test]
fn the_order_of_upstream_is_kept() {
    let selector = json!({"compositionSelector": {"matchLabels": {"env": "dev"}}});
    check(
        json!({}),
        json!({"compositionRef": {"name": "plain"}}),
        Ok(("plain", false)),
    );
    check(
        json!({"enforcedCompositionRef": {"name": "beta"}}),
        json!({"compositionRef": {"name": "plain"}}),
        Ok(("beta", true)),
    );
    check(
        json!({"defaultCompositionRef": {"name": "plain"}}),
        json!({}),
        Ok(("plain", true)),
    );
    check(
        json!({"defaultCompositionRef": {"name": "plain"}}),
        selector.clone(),
        Ok(("beta", true)),
    );
    check(json!({}), selector, Ok(("beta", true)));
    check(
        json!({}),
        json!({"compositionSelector": {"matchLabels": {"env": "dev", "cloud": "azure"}}}),
        Ok(("zeta", true)),
    );
    check(json!({}), json!({}), Ok(("beta", true)));
}

#[test]
fn failures_name_the_nearest_candidate() {
    check(
        json!({}),
        json!({"compositionSelector": {"matchLabels": {"env": "azure-dev"}}}),
        Err(
            "no compatible Compositions found: none for example.com/v1 Thing has the labels env=azure-dev that `spec.compositionSelector` asks for; nearest: \
             `beta` has the label `env: dev` instead of `azure-dev`; `plain` lacks the label `env: azure-dev`",
        ),
    );
    check(
        json!({}),
        json!({"compositionRef": {"name": "betta"}}),
        Err("did you mean `beta`?"),
    );
    check(
        json!({}),
        json!({"compositionRef": {"name": "other"}}),
        Err("it is for example.com/v1 Gadget"),
    );
}

#[test]
fn revisions_follow_the_policy() {
    let revisions = [
        json!({"metadata": {"name": "c-1", "labels": {"channel": "stable"}}, "spec": {"revision": 1}}),
        json!({"metadata": {"name": "c-2"}, "spec": {"revision": 2}}),
    ];
    let check = |spec: Value, expected: Result<&str, &str>| {
        let composite = json!({"spec": spec});
        let found = composition_revision(&composite, &definition(json!({})), &revisions)
            .map(|it| text(it, "/metadata/name").to_owned())
            .map_err(|failure| failure.to_string());
        assert_eq!(
            found,
            expected.map(str::to_owned).map_err(str::to_owned),
            "{composite}"
        );
    };
    check(json!({}), Ok("c-2"));
    check(json!({"compositionRevisionRef": {"name": "c-1"}}), Ok("c-2"));
    check(
        json!({"compositionUpdatePolicy": "Manual", "compositionRevisionRef": {"name": "c-1"}}),
        Ok("c-1"),
    );
    check(json!({"compositionUpdatePolicy": "Manual"}), Ok("c-2"));
    check(
        json!({"compositionRevisionSelector": {"matchLabels": {"channel": "stable"}}}),
        Ok("c-1"),
    );
    check(
        json!({"compositionRevisionSelector": {"matchLabels": {"channel": "beta"}}}),
        Err("no compatible CompositionRevisions found"),
    );
    check(
        json!({"compositionUpdatePolicy": "Manual", "compositionRevisionRef": {"name": "x"}}),
        Err("there is no CompositionRevision `x`"),
    );
}
