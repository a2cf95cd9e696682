//! Deployments with their hooks, legs side by side, stages that people leave out, and what is run again.

use serde_json::{Value, json};

use crate::harness::Scene;

/// Name and result of every job of a build, in the order of the timeline.
async fn jobs(scene: &Scene, build: &Value) -> Vec<String> {
    let records = scene.records(build, "Job").await;
    let latest = records.iter().filter(|it| {
        records.iter().all(|other| {
            other["identifier"] != it["identifier"] || other["attempt"].as_i64() <= it["attempt"].as_i64()
        })
    });
    latest
        .map(|it| {
            format!(
                "{} {}",
                it["name"].as_str().unwrap(),
                it["result"].as_str().unwrap_or("-")
            )
        })
        .collect()
}

const HOOKS: &str = "trigger: none
jobs:
- deployment: D
  environment: staging
  strategy:
    runOnce:
      preDeploy:
        steps:
        - script: echo \"$(Strategy.Name) $(Strategy.CycleName) $(Environment.Name) $(Environment.Id)\"
          displayName: Before
      deploy:
        steps:
        - script: |
            test -e GATE || exit 1
            echo '##vso[task.setvariable variable=url;isOutput=true]https://example.com'
          name: put
          displayName: Put
      routeTraffic:
        steps:
        - script: echo route
          displayName: Route
      on:
        failure:
          steps:
          - script: echo roll back, $(Strategy.CycleName)
            displayName: Roll back
        success:
          steps:
          - script: echo done
            displayName: Done
- job: after
  dependsOn: D
  variables:
    own: $[ dependencies.D.outputs['D.put.url'] ]
    hook: $[ dependencies.D.outputs['Deploy.put.url'] ]
  steps:
  - checkout: none
  - script: echo \"at $(own) $(hook)\"
    displayName: After
";

#[tokio::test(flavor = "multi_thread")]
async fn hooks_of_a_deployment_are_jobs_of_their_own() {
    let scene = Scene::new().await;
    let gate = scene.file("gate");
    let build = scene
        .run(&HOOKS.replace("GATE", &gate.display().to_string()))
        .await;
    scene.assert_result(&build, "failed").await;
    assert_eq!(
        jobs(&scene, &build).await,
        [
            "D PreDeploy succeeded",
            "D Deploy failed",
            "D RouteTraffic skipped",
            "D OnSuccess skipped",
            "D OnFailure succeeded",
            "after skipped"
        ]
    );
    let before = scene.log(&build, "Before").await;
    assert!(before.contains("runOnce PreIteration staging 1"), "{before}");
    let back = scene.log(&build, "Roll back").await;
    assert!(back.contains("roll back, PostIteration"), "{back}");
    let phases = scene.records(&build, "Phase").await;
    assert_eq!(phases[0]["result"], "failed");
    let records = scene
        .get("distributedtask/environments/1/environmentdeploymentrecords")
        .await;
    let results: Vec<&Value> = records["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["result"])
        .collect();
    assert_eq!(results, ["failed"]);

    std::fs::write(&gate, "").unwrap();
    let again = scene.retry(&build, "__default").await;
    scene.assert_result(&again, "succeeded").await;
    assert_eq!(
        jobs(&scene, &again).await,
        [
            "D PreDeploy succeeded",
            "D Deploy succeeded",
            "D RouteTraffic succeeded",
            "D OnSuccess succeeded",
            "D OnFailure skipped",
            "after succeeded"
        ]
    );
    let all = scene.records(&again, "Job").await;
    let deploys: Vec<&Value> = all
        .iter()
        .filter(|it| it["identifier"] == "__default.D.Deploy")
        .collect();
    assert_eq!(
        (deploys[0]["attempt"].as_i64(), deploys[0]["result"].as_str()),
        (Some(1), Some("failed"))
    );
    assert_eq!(deploys[1]["previousAttempts"][0]["attempt"], 1);
    let after = scene.log(&again, "After").await;
    assert!(
        after.contains("at https://example.com https://example.com"),
        "{after}"
    );
    let records = scene
        .get("distributedtask/environments/1/environmentdeploymentrecords")
        .await;
    assert_eq!(records["value"].as_array().unwrap().len(), 2, "{records}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_runs_its_hooks_for_every_increment() {
    let scene = Scene::new().await;
    let build = scene
        .run("trigger: none\njobs:\n- deployment: C\n  environment: production\n  strategy:\n    canary:\n      increments: [10, 50]\n      deploy:\n        steps:\n        - script: echo \"$(Strategy.Name) $(Strategy.Action) $(Strategy.Increment)\"\n          displayName: Put $(Strategy.Increment)\n      on:\n        success:\n          steps:\n          - script: echo \"$(Strategy.Action)\"\n            displayName: All\n")
        .await;
    scene.assert_result(&build, "succeeded").await;
    assert_eq!(
        jobs(&scene, &build).await,
        [
            "C Deploy_10 succeeded",
            "C Deploy_50 succeeded",
            "C OnSuccess succeeded"
        ]
    );
    for increment in [10, 50] {
        let log = scene.log(&build, &format!("Put {increment}")).await;
        assert!(log.contains(&format!("canary deploy {increment}")), "{log}");
    }
    assert!(scene.log(&build, "All").await.contains("\npromote"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_over_machines_says_that_there_are_none() {
    let scene = Scene::new().await;
    let build = scene
        .run("trigger: none\njobs:\n- deployment: R\n  environment: farm\n  strategy:\n    rolling:\n      maxParallel: 2\n      deploy:\n        steps:\n        - script: echo never\n          displayName: Never\n")
        .await;
    scene.assert_result(&build, "failed").await;
    let job = scene.records(&build, "Job").await[0].clone();
    let message = job["issues"][0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("PV2260: ci.yml:3:") && message.contains("`farm`"),
        "{message}"
    );
    assert!(scene.records(&build, "Task").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn legs_share_the_work_and_run_as_many_at_a_time_as_they_may() {
    let scene = Scene::new().await;
    let build = scene
        .run("trigger: none\njobs:\n- job: P\n  strategy: { parallel: 3, maxParallel: 1 }\n  steps:\n  - checkout: none\n  - script: echo \"$(System.JobPositionInPhase) of $(System.TotalJobsInPhase)\"\n    displayName: Part $(System.JobPositionInPhase)\n")
        .await;
    scene.assert_result(&build, "succeeded").await;
    let mut times: Vec<(String, String)> = Vec::new();
    for job in scene.records(&build, "Job").await {
        times.push((
            job["startTime"].as_str().unwrap().to_owned(),
            job["finishTime"].as_str().unwrap().to_owned(),
        ));
    }
    times.sort();
    assert_eq!(times.len(), 3);
    assert!(times.windows(2).all(|two| two[0].1 <= two[1].0), "{times:?}");
    assert!(scene.log(&build, "Part 2").await.contains("\n2 of 3"));
}

const SKIPPABLE: &str = "trigger: none
stages:
- stage: A
  jobs:
  - job: a
    steps:
    - checkout: none
    - script: echo '##vso[task.setvariable variable=v;isOutput=true]yes'
      name: s
- stage: B
  dependsOn: A
  isSkippable: false
  condition: and(succeeded(), eq(dependencies.A.outputs['a.s.v'], 'yes'))
  variables: { seen: \"$[ stageDependencies.A.a.outputs['s.v'] ]\" }
  jobs:
  - job: b
    condition: eq(stageDependencies.A.a.outputs['s.v'], 'yes')
    variables: { seen: \"$[ stageDependencies.A.a.outputs['s.v'] ]\" }
    steps:
    - checkout: none
    - script: echo \"seen $(seen)\"
      displayName: See
- stage: C
  dependsOn: A
  jobs:
  - job: c
    steps: [{ checkout: none }]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_is_left_out_does_not_hold_up_the_next() {
    let scene = Scene::new().await;
    let definition = scene.define("ci", SKIPPABLE).await;
    let build = scene.complete(definition, json!({})).await;
    scene.assert_result(&build, "succeeded").await;
    assert!(scene.log(&build, "See").await.contains("seen yes"));
    let runs = format!("pipelines/{definition}/runs");
    for (wish, expected) in [("B", "isSkippable: false"), ("X", "stages are: A, B, C")] {
        let refused = scene
            .call_as(&scene.admin, "POST", &runs, json!({"stagesToSkip": [wish]}))
            .await
            .unwrap_err();
        assert_eq!(refused.status, 400);
        assert!(refused.message.contains(expected), "{}", refused.message);
    }
    let build = scene.complete(definition, json!({"stagesToSkip": ["A"]})).await;
    let stages = scene.records(&build, "Stage").await;
    let results: Vec<&str> = stages.iter().map(|it| it["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["skipped", "skipped", "succeeded"], "{stages:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_tried_again_as_often_as_it_may() {
    let scene = Scene::new().await;
    let build = scene
        .run("trigger: none\nsteps:\n- checkout: none\n- script: |\n    echo try $(cat tries 2>/dev/null)x\n    printf x >> tries\n    test $(wc -c < tries) -ge 3\n  displayName: Flaky\n  retryCountOnTaskFailure: 2\n- script: exit 1\n  displayName: Broken\n  retryCountOnTaskFailure: 1\n  continueOnError: true\n")
        .await;
    scene.assert_result(&build, "partiallySucceeded").await;
    let step = scene.step(&build, "Flaky").await;
    assert_eq!(
        (step["attempt"].as_i64(), step["result"].as_str()),
        (Some(3), Some("succeeded"))
    );
    let log = scene.log(&build, "Flaky").await;
    assert!(log.contains("\ntry xxx"), "{log}");
    assert_eq!(scene.step(&build, "Broken").await["attempt"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_always_runs_after_a_cancel_too() {
    let scene = Scene::new().await;
    let id = scene
        .started("trigger: none\njobs:\n- job: A\n  steps:\n  - checkout: none\n  - script: sleep 600\n    displayName: Long\n- job: B\n  dependsOn: A\n  steps: [{ script: echo never }]\n- job: Z\n  dependsOn: A\n  condition: always()\n  steps:\n  - checkout: none\n  - script: echo cleaning\n    displayName: Clean\n")
        .await;
    scene.step_runs(id, "Long").await;
    scene.cancel(id).await;
    let build = scene.ended(id).await;
    scene.assert_result(&build, "canceled").await;
    assert_eq!(
        jobs(&scene, &build).await,
        ["A canceled", "B canceled", "Z succeeded"]
    );
    assert!(scene.log(&build, "Clean").await.contains("\ncleaning"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_failed_of_a_matrix_runs_again() {
    let scene = Scene::new().await;
    let gate = scene.file("gate");
    let build = scene
        .run(&format!(
            "trigger: none\njobs:\n- job: M\n  strategy:\n    matrix:\n      good: {{ file: / }}\n      bad: {{ file: {} }}\n  steps:\n  - checkout: none\n  - script: test -e $(file)\n",
            gate.display()
        ))
        .await;
    scene.assert_result(&build, "failed").await;
    std::fs::write(&gate, "").unwrap();
    let again = scene.retry(&build, "__default").await;
    scene.assert_result(&again, "succeeded").await;
    let mut attempts: Vec<String> = Vec::new();
    for job in scene.records(&again, "Job").await {
        attempts.push(format!(
            "{} {} {} {}",
            job["name"].as_str().unwrap(),
            job["attempt"],
            job["result"].as_str().unwrap(),
            job["previousAttempts"].as_array().map_or(0, Vec::len)
        ));
    }
    attempts.sort();
    assert_eq!(
        attempts,
        ["M bad 1 failed 0", "M bad 2 succeeded 1", "M good 1 succeeded 0"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_go_on_from_run_to_run() {
    let scene = Scene::new().await;
    let definition = scene
        .define("ci", "trigger: none\nvariables:\n  major: 3\n  minor: $[ counter(variables['major'], 7) ]\nsteps:\n- checkout: none\n- script: echo \"version $(major).$(minor)\"\n  displayName: Tell\n- script: echo again $(minor)\n  displayName: Again\n")
        .await;
    for expected in [7, 8] {
        let build = scene.complete(definition, json!({})).await;
        scene.assert_result(&build, "succeeded").await;
        let log = scene.log(&build, "Tell").await;
        assert!(log.contains(&format!("\nversion 3.{expected}")), "{log}");
        let log = scene.log(&build, "Again").await;
        assert!(log.contains(&format!("\nagain {expected}")), "{log}");
    }
}
