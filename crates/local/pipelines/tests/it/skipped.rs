//! Why stages and jobs did not run, as the timeline says it.

use serde_json::json;

use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_says_why_something_did_not_run() {
    let scene = Scene::new().await;
    let yaml = "trigger: none
variables:
- name: word
  value: no
stages:
- stage: Build
  jobs:
  - job: fails
    steps:
    - checkout: none
    - script: exit 1
  - job: after
    dependsOn: fails
    steps:
    - script: echo never
- stage: Deploy
  jobs:
  - job: deploy
    steps:
    - script: echo never
- stage: Release
  dependsOn: []
  condition: and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/release'), eq(variables.word, 'yes'))
  jobs:
  - job: release
    steps:
    - script: echo never
- stage: Guess
  dependsOn: []
  condition: eq(variables.secret, 'guess')
  jobs:
  - job: guess
    steps:
    - script: echo never
";
    let definition = scene.define("ci", yaml).await;
    let variables = json!({"variables": {"secret": {"value": "hunter2", "isSecret": true}}});
    let build = scene.complete(definition, variables).await;
    scene.assert_result(&build, "failed").await;
    let reason = async |kind: &str, name: &str| {
        let all = scene.records(&build, kind).await;
        let found = all.iter().find(|it| it["name"] == name).unwrap().clone();
        assert_eq!(found["result"], "skipped", "{found}");
        assert_eq!(found["resultCode"], found["currentOperation"]);
        found["resultCode"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(reason("Job", "after").await, "Job `fails` failed.");
    assert_eq!(reason("Stage", "Deploy").await, "Stage `Build` failed.");
    assert_eq!(reason("Job", "deploy").await, "Its stage does not run.");
    assert_eq!(
        reason("Stage", "Release").await,
        "Its condition is false: and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/release'), eq(variables.word, 'yes')), where Build.SourceBranch is `refs/heads/main`, word is `no`."
    );
    assert_eq!(
        reason("Stage", "Guess").await,
        "Its condition is false: eq(variables.secret, 'guess'), where secret is a secret."
    );
    let timeline = scene.get(&format!("build/builds/{}/timeline", build["id"])).await;
    assert!(!timeline.to_string().contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_step_says_why() {
    let scene = Scene::new().await;
    let build = scene
        .run(
            "trigger: none
steps:
- checkout: none
- script: echo a
  displayName: Off
  enabled: false
- script: echo b
  displayName: Guarded
  condition: eq(variables['Build.Reason'], 'Schedule')
- script: exit 1
- script: echo c
  displayName: After
",
        )
        .await;
    scene.assert_result(&build, "failed").await;
    for (name, words) in [
        ("Off", "It is disabled (`enabled: false`)."),
        (
            "Guarded",
            "Its condition is false: eq(variables['Build.Reason'], 'Schedule'), where Build.Reason is `Manual`.",
        ),
        ("After", "A step before it failed."),
    ] {
        let step = scene.step(&build, name).await;
        assert_eq!(
            (&step["result"], &step["currentOperation"]),
            (&"skipped".into(), &words.into())
        );
    }
}
