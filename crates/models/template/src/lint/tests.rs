use pave_yaml::Dialect;
use serde_json::json;

use super::*;
use crate::action::Effect;

fn output(id: &str) -> serde_json::Value {
    match id {
        "fetch:plain" => json!({ "type": "object", "properties": { "remoteUrl": { "type": "string" } } }),
        _ => json!({}),
    }
}

fn actions() -> Vec<ActionSpec> {
    let action = |id: &str, input: serde_json::Value| ActionSpec {
        id: id.to_owned(),
        description: String::new(),
        input,
        output: output(id),
        examples: Vec::new(),
        supports_dry_run: true,
        effect: Effect::Idempotent,
    };
    vec![
        action(
            "debug:log",
            json!({ "type": "object", "properties": { "message": { "type": "string" }, "listWorkspace": { "type": ["boolean", "string"] } } }),
        ),
        action(
            "fetch:plain",
            json!({ "type": "object", "required": ["url"], "properties": { "url": { "type": "string" }, "targetPath": { "type": "string" } } }),
        ),
    ]
}

/// Checks the steps of a template against `code line:column` lines.
fn check(steps: &str, expected: &[&str]) {
    let text = format!(
        "kind: Template\nmetadata: {{name: t}}\nspec:\n  type: service\n  parameters:\n    properties:\n      envName: {{type: string}}\n  steps:\n{steps}"
    );
    let (documents, problems) = pave_yaml::parse("t.yaml", &text, Dialect::Backstage);
    assert!(problems.is_empty(), "{problems:?}");
    let found: Vec<String> = lint(&documents[0], &text, &actions())
        .iter()
        // The form's one parameter is not what these are about.
        .filter(|diagnostic| diagnostic.code != "PV1526")
        .map(|diagnostic| {
            let start = diagnostic.labels[0].location.span.start;
            format!("{} {}:{}", diagnostic.code, start.line, start.column)
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn findings_name_code_and_place() {
    check("    - {id: a, action: debug:log, input: {message: hi}}\n", &[]);
    check("    - {id: a, action: debug:lag}\n", &["PV1517 9:15"]);
    check(
        "    - action: debug:log\n      input:\n        message: a ${{ parameters.envname }}\n",
        &["PV1511 11:35"],
    );
    check(
        "    - action: debug:log\n      input:\n        message: ${{ parameters.envName | lowr }}\n",
        &["PV1502 11:43"],
    );
    check(
        "    - action: debug:log\n      input:\n        message: |\n          x\n          ${{ a && b }}\n",
        &["PV1501 13:17"],
    );
    check(
        "    - action: debug:log\n      input:\n        message: environments/$-env.yaml\n",
        &["PV1510 11:31"],
    );
    check(
        "    - action: fetch:plain\n      input:\n        path: x\n",
        &["PV1518 11:9", "PV1519 10:7"],
    );
    check(
        "    - action: fetch:plain\n      input:\n        url: 3\n",
        &["PV1520 11:9"],
    );
    check(
        "    - {id: make-it, action: debug:log}\n    - action: debug:log\n      input:\n        message: ${{ steps.make-it.output.x }}\n",
        &["PV1513 12:22"],
    );
    check(
        "    - {id: a, action: debug:log, if: \"${{ steps.b.output.x }}\"}\n    - {id: b, action: debug:log}\n",
        &["PV1512 9:49"],
    );
    check(
        "    - action: debug:log\n      input:\n        message: ${{ envName }}\n",
        &["PV1516 11:22"],
    );
    check(
        "    - action: debug:log\n      each: ${{ [1] }}\n      input:\n        message: ${{ each.value }}{% set q = 1 %}${{ q }}\n",
        &[],
    );
    check(
        "    - action: publish:github\n      input:\n        repoUrl: github.com:my-org/platform-configs\n        filePath: a\n        content: b\n",
        &["PV1521 11:9", "PV1525 9:7"],
    );
    check(
        "    - {id: a, action: debug:log}\n    - {id: a, action: debug:log, inputs: {}}\n",
        &["PV1522 10:8", "PV1524 10:34"],
    );
}

#[test]
fn outputs_of_actions_are_known() {
    check(
        "    - {id: get, action: fetch:plain, input: {url: x}}\n  output:\n    links:\n    - url: ${{ steps.get.output.remoteUrl }}\n",
        &[],
    );
    check(
        "    - {id: get, action: fetch:plain, input: {url: x}}\n  output:\n    links:\n    - url: ${{ steps.get.output.remoteURL }}\n",
        &["PV1514 12:33"],
    );
    check(
        "    - {id: get, action: fetch:plain, input: {url: x}}\n  output:\n    links:\n    - entityRef: ${{ steps.register.output.entityRef }}\n",
        &["PV1512 12:28"],
    );
}

#[test]
fn a_parameter_that_nobody_reads_is_told() {
    let check = |form: &str, message: &str, expected: &[&str]| {
        let text = format!(
            "kind: Template\nmetadata: {{name: t}}\nspec:\n  type: service\n  parameters:\n{form}  steps:\n    - action: debug:log\n      input: {{message: \"{message}\"}}\n"
        );
        let (documents, _) = pave_yaml::parse("t.yaml", &text, Dialect::Backstage);
        let diagnostics = lint(&documents[0], &text, &actions());
        let found: Vec<&str> = diagnostics.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    };
    let form = "    - properties:\n        name: {type: string}\n        size: {type: string}\n      dependencies: {size: {}}\n";
    check(form, "${{ parameters.name }}", &[]);
    check(form, "${{ parameters['name'] }}", &[]);
    check(form, "${{ parameters | dump }}", &[]);
    check(form, "name", &["nothing reads the parameter `name`"]);
    check(
        form,
        "${{ user.ref }} is a name2",
        &["nothing reads the parameter `name`"],
    );
}

#[test]
fn an_output_of_a_missing_step_is_no_error() {
    let text = "kind: Template\nmetadata: {name: t}\nspec:\n  type: service\n  steps:\n    - {id: a, action: debug:log}\n  output:\n    links:\n    - entityRef: ${{ steps.register.output.entityRef }}\n";
    let (documents, _) = pave_yaml::parse("t.yaml", text, Dialect::Backstage);
    let found = lint(&documents[0], text, &actions());
    assert!(!pave_diagnostic::has_errors(&found), "{found:?}");
    assert_eq!(found[0].message, "there is no step `register`");
    assert_eq!(found[0].labels[0].location.file, "t.yaml");
}
