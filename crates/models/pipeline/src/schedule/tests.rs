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
        "stage A\n  job a\n  end a: Succeeded\nend A: Succeeded\nstage B\nskip D: Skipped, its condition does not hold: failed()\n  job b\n  end b: Succeeded\nend B: Succeeded\nstage C\n  job c\n  end c: Succeeded\nend C: Succeeded\nrun: Succeeded",
    );
    check(
        CHAIN,
        &[("a", Outcome::Failed)],
        "stage A\n  job a\n  end a: Failed\nend A: Failed\nskip B: Skipped, `A` failed\nstage D\nstage C\n  job d\n  job c\n  end d: Succeeded\n  end c: Succeeded\nend D: Succeeded\nend C: Succeeded\nrun: Failed",
    );
}

#[test]
fn jobs_wait_for_each_other_and_a_tolerated_failure_counts_as_success() {
    let text = "jobs:\n- job: a\n  continueOnError: true\n  steps: [{script: x}]\n- job: b\n  dependsOn: a\n  steps: [{script: x}]\n- job: c\n  dependsOn: b\n  condition: eq(variables.none, 'x')\n  steps: [{script: x}]\n- job: d\n  dependsOn: c\n  steps: [{script: x}]\n";
    check(
        text,
        &[("a", Outcome::Failed)],
        "stage __default\n  job a\n  end a: SucceededWithIssues\n  job b\n  end b: Succeeded\n  skip c: Skipped, its condition does not hold: eq(variables.none, 'x')\n  skip d: Skipped, `c` was skipped\nend __default: SucceededWithIssues\nrun: SucceededWithIssues",
    );
}

#[test]
fn legs_run_as_many_at_a_time_as_they_may() {
    let text = "jobs:\n- job: m\n  strategy: {maxParallel: 2, matrix: {a: {v: 1}, b: {v: 2}, c: {v: 3}}}\n  steps: [{script: x}]\n- job: after\n  dependsOn: m\n  steps: [{script: x}]\n";
    check(
        text,
        &[("m.b", Outcome::Failed)],
        "stage __default\n  job m.a\n  job m.b\n  job m.c\n  end m: Failed\n  skip after: Skipped, `m` failed\nend __default: Failed\nrun: Failed",
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
        found.contains("skip n: Failed, its matrix cannot be worked out: the matrix is not JSON"),
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
