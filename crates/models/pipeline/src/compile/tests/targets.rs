//! What can run on the server, on an agent, and in which container.

use super::*;

fn check(text: &str, expected: &str) {
    assert_eq!(complaints(text, &[]), expected, "{text}");
}

const SERVER: &str = "jobs:
- job: ask
  pool: server
  timeoutInMinutes: 4320
  steps:
  - task: ManualValidation@1
    timeoutInMinutes: 1440
    inputs:
      notifyUsers: ''
      approvers: alice, bob
      instructions: look
      onTimeout: resume
  - task: Delay@1
    inputs: { delayForMinutes: '5' }
  - task: InvokeRESTAPI@1
    inputs: { serviceConnection: svc, method: GET, urlSuffix: /x }
";

#[test]
fn the_server_waits_and_calls() {
    check(SERVER, "");
    let once = expanded(SERVER, &[]);
    assert_eq!(expanded(&once, &[]), once);
}

#[test]
fn steps_run_where_they_can() {
    let on_server = |step: &str| format!("jobs:\n- job: a\n  pool: server\n  steps:\n  - {step}\n");
    let help =
        "  move it to a job with an agent; the server runs `Delay`, `ManualValidation`, `InvokeRESTAPI`";
    for (step, what) in [
        ("script: echo", "a script"),
        ("checkout: self", "`checkout`"),
        ("publish: a", "`publish`"),
        ("download: current", "`download`"),
        (
            "task: CopyFiles@2\n    inputs: { TargetFolder: a }",
            "task `CopyFiles`",
        ),
    ] {
        let found = complaints(&on_server(step), &[]);
        let start = format!(
            "error[PV2222] azure-pipelines.yml:5:5: {what} needs an agent, and job `a` has `pool: server`"
        );
        assert!(
            found.contains(&start) || found.contains(&format!("{what} needs an agent")),
            "{found}"
        );
        assert!(found.contains(help.trim()) && found.contains(":5:"), "{found}");
    }
    for (task, inputs) in [
        ("Delay@1", "delayForMinutes: 1"),
        ("ManualValidation@1", "notifyUsers: a"),
        ("InvokeRESTAPI@1", "serviceConnection: a"),
    ] {
        let found = complaints(
            &format!("steps:\n- task: {task}\n  inputs: {{ {inputs} }}\n"),
            &[],
        );
        assert!(found.contains("PV2222") && found.contains(":2:"), "{found}");
        assert!(
            found.contains("runs on the server only, and job `Job` has an agent"),
            "{found}"
        );
    }
    for deployment in [
        "jobs:\n- deployment: d\n  pool: server\n  environment: e\n  strategy: { runOnce: { deploy: { steps: [{script: a}] } } }\n",
        "jobs:\n- deployment: d\n  environment: e\n  strategy: { runOnce: { preDeploy: { pool: server, steps: [] }, deploy: { steps: [{script: a}] } } }\n",
    ] {
        let found = complaints(deployment, &[]);
        assert!(
            found.contains("PV2222") && found.contains("on the server here"),
            "{found}"
        );
    }
}

#[test]
fn inputs_of_server_tasks() {
    let step = |task: &str, inputs: &str| {
        complaints(
            &format!(
                "jobs:\n- job: a\n  pool: server\n  steps:\n  - task: {task}\n    inputs: {{ {inputs} }}\n"
            ),
            &[],
        )
    };
    for (task, inputs, expected) in [
        (
            "ManualValidation@1",
            "onTimeout: skip",
            "is one of reject, resume, not `skip`",
        ),
        (
            "Delay@1",
            "delayForMinutes: soon",
            "is a whole number, not `soon`",
        ),
        ("Delay@1", "delayForMinutes: $(minutes)", ""),
        (
            "InvokeRESTAPI@1",
            "method: GET",
            "needs the input `serviceConnection`",
        ),
        (
            "InvokeRESTAPI@1",
            "serviceConnection: a, waitForCompletion: true",
            "is not waited for here",
        ),
        (
            "InvokeRESTAPI@1",
            "serviceConnection: a, method: TRACE",
            "is one of GET, POST",
        ),
    ] {
        let found = step(task, inputs);
        assert!(
            if expected.is_empty() {
                found.is_empty()
            } else {
                found.contains(expected)
            },
            "{found}"
        );
    }
}

#[test]
fn a_step_runs_in_the_container_of_its_job_or_in_none() {
    let text = |container: &str, target: &str| {
        format!(
            "resources:\n  containers:\n  - container: one\n    image: a:1\n  - container: two\n    image: b:1\njobs:\n- job: j\n{container}  steps:\n  - script: x\n    target: {target}\n"
        )
    };
    check(&text("  container: one\n", "one"), "");
    check(&text("  container: one\n", "host"), "");
    check(&text("", "host"), "");
    let other = complaints(&text("  container: one\n", "two"), &[]);
    assert!(
        other.contains("PV2222") && other.contains("is to run in container `two`, and job `j` runs in `a:1`"),
        "{other}"
    );
    let none = complaints(&text("", "two"), &[]);
    assert!(
        none.contains("and job `j` has no container") && none.contains("write `container: two` at the job"),
        "{none}"
    );
}
