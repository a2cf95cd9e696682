//! Jobs in containers, with a runtime that writes down what it was told and runs it on this machine.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::harness::{Scene, limits};

const JOB: &str = "trigger: none
resources:
  containers:
  - container: tools
    image: example/tools:1
    env: { WORD: hello }
jobs:
- job: J
  container: tools
  services: { web: 'example/web:2' }
  steps:
  - checkout: none
  - script: echo \"inside, $WORD\"
    displayName: Inside
  - script: echo outside
    displayName: Outside
    target: host
";

/// Writes down what it is told, and runs on this machine what is to run in a container.
fn obedient(told: &Path) -> String {
    format!(
        "echo \"$@\" >> {}\nif [ \"$1\" = exec ]; then\n  shift\n  while [ \"${{1#--}}\" != \"$1\" ]; do shift 2; done\n  shift\n  WORD=hello exec \"$@\"\nfi\n",
        told.display()
    )
}

/// A directory with a program `docker`.
fn runtime(root: &Path, script: &str) {
    let directory = root.join("bin");
    std::fs::create_dir(&directory).unwrap();
    let file = directory.join("docker");
    std::fs::write(&file, format!("#!/bin/sh\n{script}")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_run_in_the_container_of_their_job() {
    let scene = Scene::with_path(limits(), "bin").await;
    let told = scene.file("told");
    runtime(scene.root.path(), &obedient(&told));
    let build = scene.run(JOB).await;
    scene.assert_result(&build, "succeeded").await;
    assert!(scene.log(&build, "Inside").await.contains("\ninside, hello"));
    assert!(scene.log(&build, "Outside").await.contains("\noutside"));
    let told = std::fs::read_to_string(told).unwrap();
    let words: Vec<String> = told
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        words,
        [
            "info",
            "network create",
            "run --detach",
            "run --detach",
            "exec --user",
            "rm --force",
            "network rm"
        ],
        "{told}"
    );
    assert!(
        told.contains(" example/web:2\n") && told.contains("--env WORD "),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_in_a_container_fails_where_none_can_be_run() {
    let scene = Scene::with_path(limits(), "bin").await;
    let refuse = "echo 'the daemon does not answer' >&2\nexit 1\n";
    runtime(scene.root.path(), refuse);
    std::fs::copy(scene.file("bin/docker"), scene.file("bin/podman")).unwrap();
    let build = scene.run(JOB).await;
    scene.assert_result(&build, "failed").await;
    let job = scene.records(&build, "Job").await[0].clone();
    let message = job["issues"][0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("PV2261: ci.yml:9:")
            && message.contains("`docker` says: the daemon does not answer"),
        "{message}"
    );
    for step in scene.records(&build, "Task").await {
        assert_eq!(step["result"], "skipped");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_an_agent_that_dies_are_removed() {
    let scene = Scene::with_path(limits(), "bin").await;
    let told = scene.file("told");
    runtime(scene.root.path(), &obedient(&told));
    let id = scene
        .started(&JOB.replace("echo \"inside, $WORD\"", "sleep 600"))
        .await;
    scene.step_runs(id, "Inside").await;
    scene.kill_agent();
    let build = scene.ended(id).await;
    scene.assert_result(&build, "failed").await;
    let told = std::fs::read_to_string(told).unwrap();
    assert!(
        told.contains("\nrm --force --volumes pave-") && told.contains("\nnetwork rm "),
        "{told}"
    );
}
