//! Artifacts of other pipelines.

use serde_json::json;

use crate::harness::Scene;

const LIBRARY: &str = "trigger: none
steps:
- checkout: none
- script: mkdir out && echo \"made by $(Build.BuildId)\" > out/file.txt
- publish: out
  artifact: drop
";

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_come_from_runs_of_other_pipelines() {
    let scene = Scene::new().await;
    let library = scene.define("library", LIBRARY).await;
    let first = scene.queue(library, json!({})).await;
    scene.ended(first).await;
    let second = scene.queue(library, json!({})).await;
    scene.ended(second).await;
    let build = scene
        .run(&format!(
            "trigger: none
resources:
  pipelines:
  - pipeline: lib
    source: library
steps:
- checkout: none
- download: lib
  displayName: By alias
- task: DownloadPipelineArtifact@2
  displayName: Latest
  inputs: {{ buildType: specific, project: $(System.TeamProject), pipeline: library, runVersion: latest, artifact: drop, path: $(Pipeline.Workspace)/latest }}
- task: DownloadPipelineArtifact@2
  displayName: Chosen
  inputs: {{ source: specific, runVersion: specific, runId: '{first}', artifact: drop, path: $(Pipeline.Workspace)/chosen }}
- script: cd $(Pipeline.Workspace); cat lib/drop/file.txt latest/file.txt chosen/file.txt
  displayName: Show
- task: DownloadPipelineArtifact@2
  displayName: Nothing
  continueOnError: true
  inputs: {{ source: specific, pipeline: library, runVersion: latestFromBranch, runBranch: other, path: x }}
"
        ))
        .await;
    scene.assert_result(&build, "partiallySucceeded").await;
    let log = scene.log(&build, "Show").await;
    let expected = format!("made by {second}\nmade by {second}\nmade by {first}");
    assert!(log.contains(&expected), "{log}");
    let nothing = scene.step(&build, "Nothing").await;
    assert_eq!(
        nothing["issues"][0]["message"],
        "Pipeline `library` has no run that succeeded on branch `other`."
    );
}
