use std::collections::HashMap;

use serde_json::json;

use super::*;
use crate::{Action, KnownVariable};

mod resources;
mod targets;

const SECOND_POST: &str = include_str!("tests/second_post.yml");

struct Case<'a> {
    text: &'a str,
    files: &'a [(&'a str, &'a str)],
    parameters: &'a [(&'a str, serde_json::Value)],
}

fn run(case: &Case) -> Compiled {
    let files: HashMap<(Option<String>, String), String> = case
        .files
        .iter()
        .map(|(name, text)| {
            let (path, alias) = name
                .split_once('@')
                .map_or((*name, None), |(path, alias)| (path, Some(alias)));
            ((alias.map(str::to_owned), path.to_owned()), (*text).to_owned())
        })
        .collect();
    let parameters: Vec<(String, serde_json::Value)> = case
        .parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let variable = |name: &str, value: &str, secret| KnownVariable {
        name: name.to_owned(),
        value: value.to_owned(),
        secret,
    };
    compile(&CompileRequest {
        path: "azure-pipelines.yml",
        text: case.text,
        files: &files,
        parameters: &parameters,
        variables: &[
            variable("Build.SourceBranch", "refs/heads/main", false),
            variable("Password", "", true),
        ],
    })
}

fn said(compiled: &Compiled) -> String {
    let lines: Vec<String> = compiled.diagnostics.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The expanded pipeline.
fn expanded(text: &str, files: &[(&str, &str)]) -> String {
    let compiled = run(&Case {
        text,
        files,
        parameters: &[],
    });
    match compiled.plan {
        Some(plan) => plan.final_yaml,
        None => said(&compiled),
    }
}

/// Everything that is said about a text.
fn complaints(text: &str, files: &[(&str, &str)]) -> String {
    said(&run(&Case {
        text,
        files,
        parameters: &[],
    }))
}

#[test]
fn the_second_posts_pipeline() {
    let compiled = run(&Case {
        text: SECOND_POST,
        files: &[],
        parameters: &[],
    });
    assert_eq!(said(&compiled), "");
    let plan = compiled.plan.unwrap();
    assert!(
        plan.trigger
            .matches("refs/heads/main", &["terraform/changed/main.tf".to_owned()])
    );
    assert!(!plan.trigger.matches("refs/heads/other", &[]));
    assert_eq!(plan.stages[0].name, "__default");
    let job = &plan.stages[0].jobs[0];
    assert_eq!(
        (job.name.as_str(), job.pool.vm_image.as_deref()),
        ("Job", Some("ubuntu-latest"))
    );
    let titles: Vec<&str> = job.steps.iter().map(|step| step.display_name.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Checkout",
            "Terraform Init",
            "Terraform Validate",
            "Terraform Plan",
            "Terraform Apply"
        ]
    );
    assert!(matches!(&job.steps[4].action, Action::Task { name, major: 4, .. } if name == "TerraformTaskV4"));
    assert_eq!(job.steps[4].place.to_string(), "azure-pipelines.yml:35:3");
    insta::assert_snapshot!("second_post", plan.final_yaml);
}

#[test]
fn everything_that_a_pipeline_can_say() {
    insta::assert_snapshot!("whole_language", expanded(include_str!("tests/whole.yml"), &[]));
}

#[test]
fn an_expanded_pipeline_means_the_same() {
    for text in [SECOND_POST, include_str!("tests/whole.yml")] {
        let once = expanded(text, &[]);
        assert_eq!(expanded(&once, &[]), once);
    }
}

#[test]
fn a_job_in_canary_steps_may_name_its_steps() {
    let text = "jobs:\n- deployment: a\n  environment: e\n  strategy:\n    canary:\n      increments: [10, 20]\n      deploy:\n        steps:\n        - script: x\n          name: one\n";
    assert_eq!(complaints(text, &[]), "");
}

#[test]
fn templates_of_every_kind() {
    let files = [
        ("ci/steps.yml", include_str!("tests/steps.yml")),
        (
            "ci/jobs.yml",
            "parameters:\n- name: names\n  type: stringList\njobs:\n- ${{ each name in parameters.names }}:\n  - job: build_${{ name }}\n    steps:\n    - template: steps.yml\n      parameters:\n        greeting: hello ${{ name }}\n",
        ),
        (
            "ci/stages.yml",
            "parameters: {suffix: x}\nstages:\n- stage: s_${{ parameters.suffix }}\n  jobs:\n  - template: /ci/jobs.yml\n    parameters:\n      names: [a, b]\n",
        ),
        (
            "vars.yml@shared",
            "parameters:\n- name: region\n  default: west\nvariables:\n- name: region\n  value: ${{ parameters.region }}\n",
        ),
    ];
    let text = "resources:\n  repositories:\n  - repository: shared\n    name: platform/shared\nvariables:\n- template: vars.yml@shared\n  parameters: {region: north}\n- name: place\n  value: in-${{ variables.region }}\nstages:\n- template: ci/stages.yml\n  parameters: {suffix: y}\n";
    insta::assert_snapshot!("templates", expanded(text, &files));
}

#[test]
fn a_template_can_be_extended() {
    let base = "parameters:\n- name: steps\n  type: stepList\n  default: []\nvariables:\n  a: 1\njobs:\n- job: guarded\n  steps:\n  - script: echo before\n  - ${{ each step in parameters.steps }}:\n    - ${{ each pair in step }}:\n        ${{ if ne(pair.key, 'enabled') }}:\n          ${{ pair.key }}: ${{ pair.value }}\n      continueOnError: true\n  - ${{ parameters.steps }}\n";
    let text = "trigger: none\nextends:\n  template: base.yml\n  parameters:\n    steps:\n    - script: echo own\n      enabled: false\n    - bash: echo two\n";
    insta::assert_snapshot!("extends", expanded(text, &[("base.yml", base)]));
}

#[test]
fn directives_choose_and_repeat() {
    let text = "parameters:\n- name: flag\n  type: boolean\n  default: false\n- name: map\n  type: object\n  default: {x: 1, y: 2}\n- name: empty\n  type: object\n  default: []\nvariables:\n  ${{ if parameters.flag }}:\n    chosen: if\n  ${{ elseif eq(variables['Build.SourceBranch'], 'refs/heads/main') }}:\n    chosen: elseif\n  ${{ else }}:\n    chosen: else\n  ${{ each pair in parameters.map }}:\n    v_${{ pair.key }}: ${{ pair.value }}\n  ${{ insert }}:\n    inserted: yes\nsteps:\n- ${{ if parameters.flag }}:\n  - script: echo if\n- ${{ else }}:\n  - script: echo else ${{ variables.chosen }}\n- ${{ each item in parameters.empty }}:\n  - script: never\n- script: echo ${{ parameters.flag }} }} ${{ 'a' }}${{ 'b' }}\n  enabled: ${{ parameters.flag }}\n  env: ${{ parameters.map }}\n";
    insta::assert_snapshot!("directives", expanded(text, &[]));
}

#[test]
fn parameters_given_when_queueing() {
    let text = "parameters:\n- name: count\n  type: number\n- name: kind\n  values: [small, large]\n  default: small\nsteps:\n- script: echo ${{ parameters.count }} ${{ parameters.kind }}\n";
    let with = |parameters: &[(&str, serde_json::Value)]| {
        let compiled = run(&Case {
            text,
            files: &[],
            parameters,
        });
        let script = compiled
            .plan
            .as_ref()
            .map(|plan| match &plan.stages[0].jobs[0].steps[1].action {
                Action::Script { text, .. } => text.clone(),
                other => format!("{other:?}"),
            });
        script.unwrap_or_else(|| said(&compiled))
    };
    assert_eq!(with(&[("count", json!("3"))]), "echo 3 small");
    assert_eq!(
        with(&[("count", json!(3.5)), ("KIND", json!("Large"))]),
        "echo 3.5 Large"
    );
    assert_eq!(
        with(&[]),
        "azure-pipelines.yml:1:1: parameter `count` needs a value [PV2211]"
    );
    assert_eq!(
        with(&[
            ("count", json!("x")),
            ("kind", json!("larg")),
            ("extra", json!(1))
        ]),
        "azure-pipelines.yml:1:1: there is no parameter `extra` (help: declared are count, kind) [PV2210]\nazure-pipelines.yml:1:1: parameter `count` is a number, not `x` [PV2211]\nazure-pipelines.yml:1:1: `larg` is none of the values of parameter `kind` (help: did you mean `large`?) [PV2211]"
    );
    let compiled = run(&Case {
        text,
        files: &[],
        parameters: &[],
    });
    assert_eq!(compiled.parameters.len(), 2);
    assert_eq!(compiled.parameters[1].default, Some(json!("small")));
}

#[test]
fn one_bad_thing_never_hides_the_others() {
    insta::assert_snapshot!(
        "bad_input",
        complaints(
            include_str!("tests/bad.yml"),
            &[
                ("jobs.yml", "jobs:\n- job: a\n  steps: []\n"),
                (
                    "strict.yml",
                    "parameters:\n- name: size\n  values: [s, m]\n- name: must\n  type: number\nsteps:\n- script: echo ${{ parameters.siz }}\n"
                ),
                ("loop.yml", "steps:\n- template: loop.yml\n"),
            ]
        )
    );
}

#[test]
fn texts_that_are_no_pipeline() {
    for (text, expected) in [
        ("", "azure-pipelines.yml:1:1: the file is empty [PV2203]"),
        (
            "- a",
            "azure-pipelines.yml:1:1: a pipeline is a mapping, not a list [PV2202]",
        ),
        (
            "trigger: none\n",
            "azure-pipelines.yml:1:1: the pipeline has nothing to run (help: it has exactly one of `stages`, `jobs`, `steps` and `extends`) [PV2203]",
        ),
        (
            "steps: []\njobs: []\n",
            "azure-pipelines.yml:2:1: `jobs` and `steps` exclude each other (help: put steps into a job, and jobs into a stage) [PV2203]",
        ),
    ] {
        let found = complaints(text, &[]);
        assert_eq!(found.lines().next().unwrap_or_default(), expected, "{text}");
    }
    assert!(complaints("steps: [a\n", &[]).contains("PV0101"));
}

#[test]
fn templates_that_are_elsewhere_are_named() {
    let compiled = run(&Case {
        text: "resources: {repositories: [{repository: r, name: a}]}\nsteps:\n- template: a/b.yml\n- template: c.yml@r\n",
        files: &[],
        parameters: &[],
    });
    let missing: Vec<String> = compiled
        .missing_files
        .iter()
        .map(|one| format!("{:?} {}", one.repository, one.path))
        .collect();
    assert_eq!(missing, ["None a/b.yml", "Some(\"r\") c.yml"]);
    assert_eq!(compiled.repositories[0].name, "a");
}

#[test]
fn containers_are_read_from_their_resources() {
    let text = "resources:\n  containers:\n  - container: tools\n    image: example/tools:1\n    options: --cpus 1\n    env: {A: b}\n    ports: [8080:80]\n    volumes: ['/x:/y']\nlockBehavior: sequential\nstages:\n- stage: A\n  lockBehavior: runLatest\n  jobs:\n  - job: a\n    container: tools\n    services: {web: tools}\n    steps: [{script: x}]\n- stage: B\n  jobs:\n  - job: b\n    container: {image: 'debian:13'}\n    steps: [{script: x}]\n  - job: c\n    container: debian:13\n    steps: [{script: x}]\n";
    let plan = run(&Case {
        text,
        files: &[],
        parameters: &[],
    })
    .plan
    .unwrap();
    let locks: Vec<Option<&str>> = plan
        .stages
        .iter()
        .map(|stage| stage.lock_behavior.as_deref())
        .collect();
    assert_eq!(locks, [Some("runLatest"), Some("sequential")]);
    let first = &plan.stages[0].jobs[0];
    let container = first.runs_in.as_ref().unwrap();
    assert_eq!(
        (
            container.image.as_str(),
            container.options.as_str(),
            container.ports.as_slice()
        ),
        ("example/tools:1", "--cpus 1", &["8080:80".to_owned()][..])
    );
    assert_eq!(container.place.span.start.line, 15);
    assert_eq!(first.services[0].0, "web");
    for job in &plan.stages[1].jobs {
        assert_eq!(job.runs_in.as_ref().unwrap().image, "debian:13");
    }
}

#[test]
fn limits_of_strategies_are_checked() {
    for (strategy, expected) in [
        (
            "canary: {increments: [10, 10]",
            "`increments` cannot have `10` here",
        ),
        ("canary: {increments: [0]", "`increments` cannot have `0` here"),
        ("canary: {increments: [10, 20]", ""),
        ("rolling: {maxParallel: 25%", ""),
        ("rolling: {maxParallel: 0%", "`maxParallel` cannot be `0%`"),
        ("rolling: {maxParallel: some", "`maxParallel` cannot be `some`"),
        (
            "runOnce: {increments: [1]",
            "`increments` does not go together with",
        ),
    ] {
        let text = format!(
            "jobs:\n- deployment: d\n  environment: e\n  strategy:\n    {strategy}, deploy: {{steps: [{{script: x}}]}}}}\n"
        );
        let found = complaints(&text, &[]);
        assert!(
            found.contains(expected) && found.is_empty() == expected.is_empty(),
            "{strategy}: {found}"
        );
    }
}
