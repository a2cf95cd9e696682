use crate::Job;
use std::collections::HashMap;
use std::fmt::Write as _;

use super::*;
use crate::{CompileRequest, compile};

fn plan(text: &str) -> Plan {
    let files: HashMap<(Option<String>, String), String> = HashMap::new();
    let compiled = compile(&CompileRequest {
        path: "p.yml",
        text,
        files: &files,
        parameters: &[],
        variables: &[],
    });
    compiled
        .plan
        .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// Runs a plan; `ends` says how a job or `job.leg` ends, `Succeeded` unless named. Gives the story.
fn story(plan: &Plan, state: &mut RunState, ends: &[(&str, Outcome)]) -> String {
    let mut out = String::new();
    for _ in 0..50 {
        let decisions = next(plan, state);
        if decisions.is_empty() {
            break;
        }
        let mut started = Vec::new();
        for decision in decisions {
            state.apply(&decision);
            let line = match &decision {
                Decision::StartStage { stage } => format!("stage {stage}"),
                Decision::SkipStage {
                    stage,
                    outcome,
                    reason,
                } => format!("skip {stage}: {outcome:?}, {reason}"),
                Decision::SetMatrix { job, legs, .. } => format!("matrix {job}: {}", legs.len()),
                Decision::StartJob { stage, job, leg } => {
                    started.push((stage.clone(), job.clone(), leg.clone()));
                    format!(
                        "  job {job}{}",
                        leg.as_ref().map(|leg| format!(".{leg}")).unwrap_or_default()
                    )
                }
                Decision::SkipLeg { leg, reason, .. } => format!("  no {leg}, {reason}"),
                Decision::SkipJob {
                    job, outcome, reason, ..
                } => format!("  skip {job}: {outcome:?}, {reason}"),
                Decision::FinishJob { job, outcome, .. } => format!("  end {job}: {outcome:?}"),
                Decision::FinishStage { stage, outcome } => format!("end {stage}: {outcome:?}"),
                Decision::FinishRun { outcome } => format!("run: {outcome:?}"),
            };
            let _ = writeln!(out, "{line}");
        }
        for (stage, job, leg) in started {
            let name = leg
                .as_ref()
                .map_or_else(|| job.clone(), |leg| format!("{job}.{leg}"));
            let outcome = ends
                .iter()
                .find(|(end, _)| *end == name)
                .map_or(Outcome::Succeeded, |(_, end)| *end);
            let outputs = vec![("s.legs".to_owned(), r#"{"x":{},"y":{}}"#.to_owned())];
            state.finish(&stage, &job, leg.as_deref(), outcome, outputs);
        }
    }
    out
}

fn check(text: &str, ends: &[(&str, Outcome)], expected: &str) {
    let plan = plan(text);
    let found = story(&plan, &mut RunState::new(&plan), ends);
    assert_eq!(found.trim(), expected.trim(), "{text}");
}

const CHAIN: &str = "stages:\n- stage: A\n  jobs: [{job: a, steps: [{script: x}]}]\n- stage: B\n  jobs: [{job: b, steps: [{script: x}]}]\n- stage: C\n  condition: always()\n  jobs: [{job: c, steps: [{script: x}]}]\n- stage: D\n  dependsOn: A\n  condition: failed()\n  jobs: [{job: d, steps: [{script: x}]}]\n";

#[test]
fn stages_follow_each_other() {
    check(
        CHAIN,
        &[],
        "stage A\n  job a\n  end a: Succeeded\nend A: Succeeded\nstage B\nskip D: Skipped, its condition is false: failed(), where no stage before it has failed\n  job b\n  end b: Succeeded\nend B: Succeeded\nstage C\n  job c\n  end c: Succeeded\nend C: Succeeded\nrun: Succeeded",
    );
    check(
        CHAIN,
        &[("a", Outcome::Failed)],
        "stage A\n  job a\n  end a: Failed\nend A: Failed\nskip B: Skipped, stage `A` failed\nstage D\nstage C\n  job d\n  job c\n  end d: Succeeded\n  end c: Succeeded\nend D: Succeeded\nend C: Succeeded\nrun: Failed",
    );
}

#[test]
fn jobs_wait_for_each_other_and_a_tolerated_failure_counts_as_success() {
    let text = "jobs:\n- job: a\n  continueOnError: true\n  steps: [{script: x}]\n- job: b\n  dependsOn: a\n  steps: [{script: x}]\n- job: c\n  dependsOn: b\n  condition: eq(variables.none, 'x')\n  steps: [{script: x}]\n- job: d\n  dependsOn: c\n  steps: [{script: x}]\n";
    check(
        text,
        &[("a", Outcome::Failed)],
        "stage __default\n  job a\n  end a: SucceededWithIssues\n  job b\n  end b: Succeeded\n  skip c: Skipped, its condition is false: eq(variables.none, 'x'), where none is not set\n  skip d: Skipped, job `c` was skipped\nend __default: SucceededWithIssues\nrun: SucceededWithIssues",
    );
}

#[test]
fn legs_run_as_many_at_a_time_as_they_may() {
    let text = "jobs:\n- job: m\n  strategy: {maxParallel: 2, matrix: {a: {v: 1}, b: {v: 2}, c: {v: 3}}}\n  steps: [{script: x}]\n- job: after\n  dependsOn: m\n  steps: [{script: x}]\n";
    check(
        text,
        &[("m.b", Outcome::Failed)],
        "stage __default\n  job m.a\n  job m.b\n  job m.c\n  end m: Failed\n  skip after: Skipped, job `m` failed\nend __default: Failed\nrun: Failed",
    );
}

#[test]
fn a_matrix_can_come_from_another_job() {
    let text = "jobs:\n- job: a\n  steps: [{script: x, name: s}]\n- job: m\n  dependsOn: a\n  strategy: {matrix: \"$[ dependencies.a.outputs['s.legs'] ]\"}\n  steps: [{script: x}]\n- job: n\n  strategy: {matrix: \"$[ variables.none ]\"}\n  steps: [{script: x}]\n";
    let plan = plan(text);
    let found = story(&plan, &mut RunState::new(&plan), &[]);
    assert!(
        found.contains("matrix m: 2\n  job m.x\n  job m.y\n  end m: Succeeded"),
        "{found}"
    );
    assert!(
        found.contains(
            "skip n: Failed, its matrix `$[ variables.none ]` cannot be worked out: the matrix is not JSON"
        ),
        "{found}"
    );
}

#[test]
fn a_canceled_run_ends_and_can_be_run_again() {
    let plan = plan(CHAIN);
    let mut state = RunState::new(&plan);
    state.apply(&Decision::StartStage {
        stage: "A".to_owned(),
    });
    state.cancel();
    let found = story(&plan, &mut state, &[]);
    assert_eq!(
        found,
        "  skip a: Canceled, the run was canceled\nend A: Canceled\nskip B: Canceled, the run was canceled\nskip D: Canceled, the run was canceled\nstage C\n  skip c: Canceled, the run was canceled\nend C: Canceled\nrun: Canceled\n"
    );
    state.retry(&plan, "A", false);
    let found = story(&plan, &mut state, &[]);
    assert!(found.starts_with("stage A\n  job a\n"), "{found}");
    assert!(found.ends_with("run: Succeeded\n"), "{found}");
    assert_eq!(state.stages[0].attempt, 2);
}

#[test]
fn what_a_person_decides() {
    let text = "stages:\n- stage: A\n  jobs: [{job: a, steps: [{script: x}]}]\n- stage: B\n  trigger: manual\n  jobs: [{job: b, steps: [{script: x}]}]\n";
    let plan = plan(text);
    let mut state = RunState::new(&plan);
    state.skipped_by_person.push("A".to_owned());
    assert_eq!(
        story(&plan, &mut state, &[]),
        "skip A: Skipped, left out when the run was queued\n"
    );
    state.stage_mut("B").unwrap().started_by_person = true;
    assert!(story(&plan, &mut state, &[]).ends_with("end B: Succeeded\nrun: Succeeded\n"));
}

const HOOKS: &str = "jobs:\n- deployment: d\n  environment: e\n  strategy:\n    runOnce:\n      preDeploy: {steps: [{script: a}]}\n      deploy: {steps: [{script: b}]}\n      routeTraffic: {steps: [{script: c}]}\n      postRouteTraffic: {steps: [{script: d}]}\n      on:\n        failure: {steps: [{script: f}]}\n        success: {steps: [{script: g}]}\n- job: after\n  dependsOn: d\n  steps: [{script: x}]\n";

#[test]
fn hooks_of_a_deployment_follow_each_other() {
    for (ends, expected) in [
        (
            &[][..],
            "stage __default\n  job d.PreDeploy\n  job d.Deploy\n  job d.RouteTraffic\n  job d.PostRouteTraffic\n  job d.OnSuccess\n  no OnFailure, nothing has failed\n  end d: Succeeded\n  job after\n  end after: Succeeded\nend __default: Succeeded\nrun: Succeeded",
        ),
        (
            &[("d.Deploy", Outcome::Failed)][..],
            "stage __default\n  job d.PreDeploy\n  job d.Deploy\n  no RouteTraffic, a hook before it has failed\n  no PostRouteTraffic, a hook before it has failed\n  no OnSuccess, a hook before it has failed\n  job d.OnFailure\n  end d: Failed\n  skip after: Skipped, job `d` failed\nend __default: Failed\nrun: Failed",
        ),
        (
            &[("d.OnSuccess", Outcome::Failed)][..],
            "stage __default\n  job d.PreDeploy\n  job d.Deploy\n  job d.RouteTraffic\n  job d.PostRouteTraffic\n  job d.OnSuccess\n  job d.OnFailure\n  end d: Failed\n  skip after: Skipped, job `d` failed\nend __default: Failed\nrun: Failed",
        ),
        (
            &[("d.Deploy", Outcome::SucceededWithIssues)][..],
            "stage __default\n  job d.PreDeploy\n  job d.Deploy\n  job d.RouteTraffic\n  job d.PostRouteTraffic\n  job d.OnSuccess\n  no OnFailure, nothing has failed\n  end d: SucceededWithIssues\n  job after\n  end after: Succeeded\nend __default: SucceededWithIssues\nrun: SucceededWithIssues",
        ),
    ] {
        check(HOOKS, ends, expected);
    }
}

#[test]
fn a_canary_goes_up_step_by_step_and_stops_at_a_failure() {
    let text = "jobs:\n- deployment: d\n  environment: e\n  strategy:\n    canary:\n      increments: [10, 50]\n      preDeploy: {steps: [{script: a}]}\n      deploy: {steps: [{script: b, name: s}]}\n      postRouteTraffic: {steps: [{script: c}]}\n      on:\n        failure: {steps: [{script: f}]}\n        success: {steps: [{script: g}]}\n";
    check(
        text,
        &[("d.Deploy_50", Outcome::Failed)],
        "stage __default\n  job d.PreDeploy\n  job d.Deploy_10\n  job d.PostRouteTraffic_10\n  job d.Deploy_50\n  no PostRouteTraffic_50, a hook before it has failed\n  no OnSuccess, a hook before it has failed\n  job d.OnFailure\n  end d: Failed\nend __default: Failed\nrun: Failed",
    );
    let plan = plan(text);
    let job = &plan.stages[0].jobs[0];
    let told: Vec<String> = job
        .matrix
        .iter()
        .map(|leg| {
            let values: Vec<&str> = leg.variables.iter().map(|(_, value)| value.as_str()).collect();
            format!("{} {}: {}", leg.name, leg.hook, values.join(" "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "PreDeploy preDeploy: canary PreIteration deploy",
            "Deploy_10 deploy: canary Iteration deploy 10",
            "PostRouteTraffic_10 postRouteTraffic: canary Iteration deploy 10",
            "Deploy_50 deploy: canary Iteration deploy 50",
            "PostRouteTraffic_50 postRouteTraffic: canary Iteration deploy 50",
            "OnSuccess success: canary PostIteration promote",
            "OnFailure failure: canary PostIteration reject",
        ]
    );
    let mut state = RunState::new(&plan);
    for decision in next(&plan, &state) {
        state.apply(&decision);
    }
    state.finish(
        "__default",
        "d",
        Some("Deploy_10"),
        Outcome::Succeeded,
        vec![("s.v".to_owned(), "1".to_owned())],
    );
    state.apply(&Decision::FinishJob {
        stage: "__default".to_owned(),
        job: "d".to_owned(),
        outcome: Outcome::Succeeded,
    });
    let after = Job {
        depends_on: vec!["d".to_owned()],
        ..Job::default()
    };
    let scope = job_scope(&plan, &state, &plan.stages[0], &after);
    let names: Vec<&str> = scope.dependencies[0]
        .outputs
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["Deploy_10.s.v", "d.s.v"]);
}

#[test]
fn a_deployment_that_is_canceled_runs_no_further_hook_and_is_made_again_as_a_whole() {
    let plan = plan(HOOKS);
    let mut state = RunState::new(&plan);
    for _ in 0..2 {
        for decision in next(&plan, &state) {
            state.apply(&decision);
        }
    }
    state.cancel();
    state.finish("__default", "d", Some("PreDeploy"), Outcome::Canceled, Vec::new());
    assert_eq!(
        story(&plan, &mut state, &[]),
        "  end d: Canceled\n  skip after: Canceled, the run was canceled\nend __default: Canceled\nrun: Canceled\n"
    );
    state.retry(&plan, "__default", false);
    let found = story(&plan, &mut state, &[]);
    assert!(
        found.starts_with("stage __default\n  job d.PreDeploy\n  job d.Deploy\n"),
        "{found}"
    );
}

#[test]
fn what_runs_always_runs_after_a_cancel_too_with_all_its_legs() {
    let text = "jobs:\n- job: a\n  steps: [{script: x}]\n- job: m\n  dependsOn: a\n  condition: always()\n  strategy: {maxParallel: 1, matrix: {x: {v: 1}, y: {v: 2}}}\n  steps: [{script: x}]\n";
    let plan = plan(text);
    let mut state = RunState::new(&plan);
    for _ in 0..2 {
        for decision in next(&plan, &state) {
            state.apply(&decision);
        }
    }
    state.cancel();
    state.finish("__default", "a", None, Outcome::Canceled, Vec::new());
    assert_eq!(
        story(&plan, &mut state, &[]),
        "  end a: Canceled\n  job m.x\n  job m.y\n  end m: Succeeded\nend __default: Canceled\nrun: Canceled\n"
    );
}

#[test]
fn a_stage_that_a_person_starts_is_skipped_where_it_would_not_run() {
    let text = "stages:\n- stage: A\n  jobs: [{job: a, steps: [{script: x}]}]\n- stage: B\n  trigger: manual\n  jobs: [{job: b, steps: [{script: x}]}]\n";
    check(
        text,
        &[("a", Outcome::Failed)],
        "stage A\n  job a\n  end a: Failed\nend A: Failed\nskip B: Skipped, stage `A` failed\nrun: Failed",
    );
}

#[test]
fn outputs_of_stages_above_are_seen_by_stages_and_jobs() {
    let text = "stages:\n- stage: A\n  jobs: [{job: a, steps: [{script: x, name: s}]}]\n- stage: B\n  condition: eq(dependencies.A.outputs['a.s.legs'], 'no')\n  jobs: [{job: b, steps: [{script: x}]}]\n- stage: C\n  dependsOn: A\n  jobs:\n  - job: c\n    condition: contains(stageDependencies.A.a.outputs['s.legs'], 'x')\n    steps: [{script: x}]\n  - job: d\n    condition: eq(stageDependencies.A.a.result, 'Failed')\n    steps: [{script: x}]\n";
    check(
        text,
        &[],
        "stage A\n  job a\n  end a: Succeeded\nend A: Succeeded\nskip B: Skipped, its condition is false: eq(dependencies.A.outputs['a.s.legs'], 'no'), where dependencies.A.outputs['a.s.legs'] is `{\"x\":{},\"y\":{}}`\nstage C\n  job c\n  skip d: Skipped, its condition is false: eq(stageDependencies.A.a.result, 'Failed'), where stageDependencies.A.a.result is `Succeeded`\n  end c: Succeeded\nend C: Succeeded\nrun: Succeeded",
    );
}

#[test]
fn failed_jobs_run_again_alone_and_a_matrix_is_worked_out_anew_only_with_all() {
    let text = "jobs:\n- job: a\n  steps: [{script: x, name: s}]\n- job: m\n  dependsOn: a\n  strategy: {matrix: \"$[ dependencies.a.outputs['s.legs'] ]\"}\n  steps: [{script: x}]\n";
    let plan = plan(text);
    let mut state = RunState::new(&plan);
    story(&plan, &mut state, &[("m.x", Outcome::Failed)]);
    assert_eq!(state.outcome, Some(Outcome::Failed));
    state.retry(&plan, "__default", false);
    assert_eq!(
        story(&plan, &mut state, &[]),
        "stage __default\n  job m.x\n  end m: Succeeded\nend __default: Succeeded\nrun: Succeeded\n"
    );
    state.retry(&plan, "__default", true);
    let found = story(&plan, &mut state, &[]);
    assert!(
        found.contains("  job a\n") && found.contains("matrix m: 2\n"),
        "{found}"
    );
}

#[test]
fn reasons_name_what_a_condition_saw_and_no_secret() {
    let plan = plan(
        "stages:\n- stage: A\n  condition: and(eq(variables['Build.SourceBranch'], 'refs/heads/main'), ne(variables.token, ''), eq(variables['a.b'], 'x'))\n  jobs: [{job: a, steps: [{script: x}]}]\n- stage: B\n  dependsOn: []\n  condition: eq(variables['token'], 'guess')\n  jobs: [{job: b, steps: [{script: x}]}]\n",
    );
    let pairs = [
        ("Build.SourceBranch", "refs/heads/x"),
        ("Token", "hunter2"),
        ("a.b", ""),
    ];
    let mut state = RunState::new(&plan);
    state.variables = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    state.secrets = vec!["Token".to_owned()];
    let reasons: Vec<String> = next(&plan, &state)
        .into_iter()
        .map(|decision| match decision {
            Decision::SkipStage { reason, .. } => reason,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        reasons[0],
        "its condition is false: and(eq(variables['Build.SourceBranch'], 'refs/heads/main'), ne(variables.token, ''), eq(variables['a.b'], 'x')), where Build.SourceBranch is `refs/heads/x`, token is a secret, a.b is empty"
    );
    assert_eq!(
        reasons[1],
        "its condition is false: eq(variables['token'], 'guess'), where token is a secret"
    );
}
