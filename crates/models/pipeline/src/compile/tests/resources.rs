use super::*;
use crate::{Filter, PipelineTrigger, Trigger};

const STEPS: &str = "steps:\n- script: x\n";

#[test]
fn pipelines_and_repositories_say_what_starts_them() {
    let text = format!(
        "resources:
  pipelines:
  - pipeline: up
    source: \\folder\\upstream
    project: other
    branch: main
    tags: [signed]
    trigger:
      branches: {{ include: [releases/*], exclude: [releases/old] }}
      stages: [Build]
      tags: [prod]
  - pipeline: any
    source: any
    trigger: true
  - pipeline: none
    source: quiet
  repositories:
  - repository: lib
    name: lib
    trigger: [main]
  - repository: silent
    name: silent
lockBehavior: sequential
{STEPS}"
    );
    let compiled = run(&Case {
        text: &text,
        files: &[],
        parameters: &[],
    });
    assert_eq!(said(&compiled), "");
    let plan = compiled.plan.unwrap();
    assert_eq!(plan.lock_behavior.as_deref(), Some("sequential"));
    let up = &plan.pipelines[0];
    assert_eq!(
        (up.alias.as_str(), up.project.as_str(), up.branch.as_str()),
        ("up", "other", "main")
    );
    assert_eq!(plan.pipelines[1].trigger, Some(PipelineTrigger::default()));
    assert_eq!(plan.pipelines[2].trigger, None);
    assert!(plan.repositories[0].trigger.matches("refs/heads/main", &[]));
    assert_eq!(plan.repositories[1].trigger, Trigger::None);
}

#[test]
fn which_completed_runs_start_a_pipeline() {
    let own = |list: &[&str]| -> Vec<String> { list.iter().map(|it| (*it).to_owned()).collect() };
    let trigger = PipelineTrigger {
        branches: Filter {
            include: own(&["main", "releases/*"]),
            exclude: own(&["releases/old"]),
        },
        stages: own(&["Build"]),
        tags: own(&["prod"]),
    };
    let check = |branch: &str, tags: &[&str], stages: &[&str], expected: bool| {
        let found = trigger.matches(branch, &own(tags), stages, false);
        assert_eq!(found, expected, "{branch} {tags:?} {stages:?}");
    };
    check("refs/heads/main", &["Prod", "x"], &["build", "test"], true);
    check("refs/heads/main", &[], &["Build"], false);
    check("refs/heads/main", &["prod"], &["test"], false);
    check("refs/heads/releases/1", &["prod"], &["Build"], true);
    check("refs/heads/releases/old", &["prod"], &["Build"], false);
    assert!(PipelineTrigger::default().matches("refs/heads/any", &[], &[], true));
    assert!(!PipelineTrigger::default().matches("refs/heads/any", &[], &["Build"], false));
}

#[test]
fn what_is_not_acted_on_is_named() {
    for (resources, expected) in [
        (
            "webhooks: [{webhook: w, connection: c}]",
            "azure-pipelines.yml:1:26: `webhook: w` is kept as written: nothing here listens for it [PV2220]",
        ),
        (
            "packages: [{package: p, type: npm, connection: c, name: a/b}]",
            "azure-pipelines.yml:1:26: `package: p` is kept as written: packages are not fetched here, and their publication starts nothing [PV2220]",
        ),
        (
            "webhooks: [{webhook: w, conection: c}]",
            "azure-pipelines.yml:1:38: a resource has no key `conection` (help: did you mean `connection`?) [PV2201]",
        ),
        (
            "containers: [{image: x}]",
            "azure-pipelines.yml:1:27: an entry of `containers` has no `container` [PV2203]",
        ),
        (
            "pipelines: [{pipeline: p}]",
            "azure-pipelines.yml:1:27: a pipeline resource has no `source` (help: write `pipeline:` for the alias, `source:` for the name of the pipeline) [PV2203]",
        ),
        (
            "pipelines: [{pipeline: p, source: a, triger: true}]",
            "azure-pipelines.yml:1:51: a pipeline resource has no key `triger` (help: did you mean `trigger`?) [PV2201]",
        ),
        (
            "pipelines: [{pipeline: p, source: a}, {pipeline: p, source: b}]",
            "PV2207",
        ),
    ] {
        let found = complaints(&format!("resources: {{ {resources} }}\n{STEPS}"), &[]);
        assert!(found.contains(expected), "{resources}\n{found}");
    }
}

#[test]
fn schedules_are_read_field_by_field() {
    for (cron, expected) in [
        ("0 3 * * 1-5", ""),
        (
            "0 3 * *",
            "azure-pipelines.yml:2:9: `0 3 * *` has 4 fields, a schedule has five",
        ),
        (
            "61 3 * * *",
            "azure-pipelines.yml:2:9: minute: `61` is none of 0 to 59",
        ),
        (
            "0 3 * * 1,Funday",
            "azure-pipelines.yml:2:19: day of the week: `Funday` is none of 0 to 6, or a name such as sun",
        ),
        (
            "0 3 * * Mon-Sun",
            "azure-pipelines.yml:2:17: day of the week: `Mon-Sun` runs backwards and means 0-1",
        ),
        ("0 3 1 * Mon", "either is enough"),
    ] {
        for text in [cron.to_owned(), format!("\"{cron}\"")] {
            let found = complaints(&format!("schedules:\n- cron: {text}\n{STEPS}"), &[]);
            let shifted = if text.starts_with('"') {
                expected
                    .replace(":2:9:", ":2:10:")
                    .replace(":2:17:", ":2:18:")
                    .replace(":2:19:", ":2:20:")
            } else {
                expected.to_owned()
            };
            // The whole text and its first field begin where the value does.
            assert!(
                found.contains(&shifted) || found.contains(expected),
                "{text}\n{found}"
            );
            assert_eq!(found.is_empty(), expected.is_empty(), "{text}\n{found}");
        }
    }
}

#[test]
fn extended_templates_are_kept() {
    let compiled = run(&Case {
        text: "resources: {repositories: [{repository: r, name: p/r, ref: refs/heads/main}]}\nextends: {template: safe.yml@r}\n",
        files: &[("safe.yml@r", STEPS)],
        parameters: &[],
    });
    assert_eq!(said(&compiled), "");
    let extended = &compiled.plan.unwrap().extends;
    assert_eq!(extended.len(), 1);
    assert_eq!(
        (extended[0].repository.as_deref(), extended[0].path.as_str()),
        (Some("r"), "safe.yml")
    );
}
