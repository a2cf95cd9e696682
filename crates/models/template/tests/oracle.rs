//! The same texts through nunjucks 3.2.4 (recorded) and through ours.

use pave_template::expression::{Scope, render_string};
use pave_template::text::{Syntax, render};
use serde_json::Value;

/// Where ours differs on purpose: what ours gives, and why.
const DEVIATIONS: &[(&str, &str)] = &[
    (
        "${{ parameters.people | sum(attribute='age') }}",
        "keyword arguments reach every filter",
    ),
    ("${{ parameters.name[0:3] }}", "a slice of a string is a string"),
    ("${{ parameters.list[1:99] }}", "a slice ends where the list ends"),
];

fn ours(mode: &str, template: &str, scope: &Scope<'_>) -> Value {
    let missing = || serde_json::json!({ "undefined": true });
    let fails = || serde_json::json!({ "fails": true });
    if mode == "step" {
        let rendered = render_string(template, scope);
        return match (rendered.fault, rendered.value) {
            (Some(_), _) => fails(),
            (None, None) => missing(),
            (None, Some(value)) => serde_json::json!({ "value": value }),
        };
    }
    let trim = mode == "trim";
    let syntax = Syntax {
        trim_blocks: trim,
        lstrip_blocks: trim,
        ..Syntax::default()
    };
    render(template, &syntax, scope).map_or_else(
        |_| fails(),
        |rendered| serde_json::json!({ "value": rendered.text }),
    )
}

#[test]
fn ours_gives_what_nunjucks_gives() {
    let recorded: Value = serde_json::from_str(include_str!("nunjucks/recorded.json")).unwrap();
    let context = &recorded["context"];
    let mut scope = Scope::new();
    for (name, value) in context.as_object().unwrap() {
        scope = scope.with(name, value);
    }
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in recorded["cases"].as_array().unwrap() {
        let template = case["template"].as_str().unwrap();
        let found = ours(case["mode"].as_str().unwrap(), template, &scope);
        let mut expected = case.clone();
        expected
            .as_object_mut()
            .unwrap()
            .retain(|key, _| !matches!(key.as_str(), "mode" | "template"));
        count += 1;
        if found != expected && !DEVIATIONS.iter().any(|(known, _)| *known == template) {
            wrong.push(format!("{template}\n   expected {expected}\n   found    {found}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
