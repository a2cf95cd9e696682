use serde_json::{Value, json};

use crate::harness::{Scene, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn steps_run_with_variables_conditions_outputs_and_artifacts() {
    let scene = Scene::new().await;
    let build = scene
        .run(
            "trigger: none
variables:
  greeting: hello
jobs:
- job: A
  steps:
  - script: |
      echo \"$(greeting) $GREETING from $(Build.SourceBranchName)\"
      echo '##vso[task.setvariable variable=made;isOutput=true]thing'
      echo '##vso[build.addbuildtag]blue'
      mkdir -p out && echo content > out/file.txt
      test -f ci.yml
    name: make
    displayName: Make
  - script: exit 3
    displayName: Breaks
    continueOnError: true
  - script: echo never
    displayName: Skipped
    condition: eq(variables['greeting'], 'bye')
  - publish: out
    artifact: drop
    displayName: Publish
- job: B
  dependsOn: A
  variables:
    got: $[ dependencies.A.outputs['make.made'] ]
  steps:
  - checkout: none
  - download: current
    artifact: drop
    displayName: Download
  - bash: |
      echo \"got=$(got)\"
      cat $(Pipeline.Workspace)/drop/file.txt
    displayName: Use
",
        )
        .await;
    scene.assert_result(&build, "partiallySucceeded").await;
    assert!(scene.log(&build, "Make").await.contains("hello hello from main"));
    assert_eq!(
        scene.step(&build, "Breaks").await["result"],
        "succeededWithIssues"
    );
    assert_eq!(scene.step(&build, "Skipped").await["result"], "skipped");
    let used = scene.log(&build, "Use").await;
    assert!(used.contains("got=thing\ncontent"), "{used}");
    assert_eq!(build["tags"], json!(["blue"]));
    let number = build["buildNumber"].as_str().unwrap();
    assert!(number.ends_with(".1") && number.len() == 10, "{number}");
    let zip = format!(
        "build/builds/{}/artifacts?artifactName=drop&$format=zip",
        build["id"]
    );
    let (_, bytes) = scene
        .call_as(&scene.admin, "GET", &zip, Value::Null)
        .await
        .unwrap();
    let path = scene.file("drop.zip");
    std::fs::write(&path, bytes).unwrap();
    let script = "import sys,zipfile; print(zipfile.ZipFile(sys.argv[1]).read('drop/file.txt').decode())";
    let read = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&read.stdout),
        "content\n\n",
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_matrix_and_a_failed_stage_that_is_run_again() {
    let scene = Scene::new().await;
    let marker = scene.file("repaired");
    let build = scene
        .run(&format!(
            "trigger: none
stages:
- stage: Build
  jobs:
  - job: legs
    strategy:
      matrix:
        one: {{ word: first }}
        two: {{ word: second }}
    steps:
    - checkout: none
    - script: echo \"leg $(word)\"
      displayName: Leg
- stage: Deploy
  jobs:
  - job: go
    steps:
    - checkout: none
    - script: test -e {}
      displayName: Go
- stage: After
  condition: failed()
  jobs:
  - job: clean
    steps:
    - checkout: none
    - script: echo cleaning
      displayName: Clean
",
            marker.display()
        ))
        .await;
    scene.assert_result(&build, "failed").await;
    let jobs = scene.records(&build, "Job").await;
    assert_eq!(
        jobs.iter()
            .filter(|it| it["name"].as_str().unwrap().contains("legs"))
            .count(),
        2
    );
    assert_eq!(scene.step(&build, "Clean").await["result"], "succeeded");
    let issue = scene.step(&build, "Go").await["issues"][0].clone();
    assert_eq!(issue["message"], "Bash exited with code '1'.");
    assert!(
        issue["data"]["logFileLineNumber"]
            .as_str()
            .unwrap()
            .parse::<u32>()
            .unwrap()
            > 3
    );
    std::fs::write(&marker, "").unwrap();
    let again = scene.retry(&build, "Deploy").await;
    scene.assert_result(&again, "succeeded").await;
    let tried = scene.records(&again, "Job").await;
    assert!(
        tried
            .iter()
            .any(|it| it["attempt"] == 2 && it["previousAttempts"][0]["attempt"] == 1),
        "{tried:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_starts_one_run_also_when_nobody_told_of_it() {
    let scene = Scene::new().await;
    let yaml = "trigger:\n  branches: { include: [main] }\n  paths: { exclude: [docs] }\nsteps:\n- script: echo hi\n";
    let definition = scene.define("ci", yaml).await;
    let builds = async |scene: &Scene| {
        scene.get(&format!("build/builds?definitions={definition}")).await["value"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert!(builds(&scene).await.is_empty());
    let head = scene.repository.push("main", "Change", &[("a", "1")]);
    scene.tell_push();
    scene.tell_push();
    let build = eventually("a run", async || builds(&scene).await.first().cloned()).await;
    let build = scene.ended(build["id"].as_i64().unwrap()).await;
    scene.assert_result(&build, "succeeded").await;
    assert_eq!(
        (build["reason"].as_str(), build["sourceVersion"].as_str()),
        (Some("individualCI"), Some(head.as_str()))
    );
    scene.repository.push("main", "Docs only", &[("docs/x", "1")]);
    scene.repository.push("other", "Elsewhere", &[("b", "1")]);
    let missed = scene
        .repository
        .push("main", "While nobody listened", &[("c", "1")]);
    let scene = scene.restart().await;
    let all = eventually("the run of the missed push", async || {
        Some(builds(&scene).await).filter(|it| it.len() > 1)
    })
    .await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["sourceVersion"], missed.as_str());
    scene.ended(all[0]["id"].as_i64().unwrap()).await;
    scene.repository.push("main", "Quiet [skip ci]", &[("d", "1")]);
    scene.tell_push();
    let scene = scene.restart().await;
    assert_eq!(builds(&scene).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_waits_for_its_approver() {
    let scene = Scene::new().await;
    let environment = scene
        .call(
            "POST",
            "distributedtask/environments",
            json!({"name": "production"}),
        )
        .await;
    let check = json!({
        "type": {"name": "Approval"}, "resource": {"type": "environment", "id": environment["id"].to_string()},
        "settings": {"approvers": [{"id": scene.bob.id}], "instructions": "look twice"},
    });
    scene.call("POST", "pipelines/checks/configurations", check).await;
    let definition = scene
        .define("deploy", "trigger: none\njobs:\n- deployment: D\n  environment: production\n  strategy:\n    runOnce:\n      deploy:\n        steps:\n        - script: echo \"to $(Environment.Name)\"\n          displayName: Deploy\n")
        .await;
    let id = scene.queue(definition, json!({})).await;
    let pending = "pipelines/approvals?state=pending&$expand=steps";
    let approval = eventually("an approval", async || {
        scene.get(pending).await["value"]
            .as_array()
            .unwrap()
            .first()
            .cloned()
    })
    .await;
    assert_eq!(approval["instructions"], "look twice");
    let wish = json!([{"approvalId": approval["id"], "status": "approved", "comment": "fine"}]);
    let refused = scene
        .call_as(&scene.admin, "PATCH", "pipelines/approvals", wish.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.status, 403);
    // Waiting survives a restart.
    let scene = scene.restart().await;
    assert_ne!(
        scene.get(&format!("build/builds/{id}")).await["status"],
        "completed"
    );
    scene
        .call_as(&scene.bob, "PATCH", "pipelines/approvals", wish)
        .await
        .unwrap();
    let build = scene.ended(id).await;
    scene.assert_result(&build, "succeeded").await;
    assert!(scene.log(&build, "Deploy").await.contains("to production"));
    let records = scene
        .get(&format!(
            "distributedtask/environments/{}/environmentdeploymentrecords",
            environment["id"]
        ))
        .await;
    assert_eq!(records["value"][0]["result"], "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_all_run() {
    let scene = Scene::new().await;
    let definition = scene
        .define(
            "many",
            "trigger: none\nsteps:\n- checkout: none\n- script: echo $(Build.BuildId)\n",
        )
        .await;
    let all = futures::future::join_all((0..50).map(|_| scene.queue(definition, json!({})))).await;
    let mut numbers = std::collections::BTreeSet::new();
    for id in all {
        let build = scene.ended(id).await;
        scene.assert_result(&build, "succeeded").await;
        numbers.insert(build["buildNumber"].as_str().unwrap().to_owned());
    }
    assert_eq!(numbers.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matrix_may_be_worked_out_by_an_earlier_job() {
    let scene = Scene::new().await;
    let build = scene
        .run(
            "trigger: none
jobs:
- job: A
  steps:
  - checkout: none
  - script: echo '##vso[task.setvariable variable=legs;isOutput=true]{\"x\":{\"word\":\"one\"},\"y\":{\"word\":\"two\"}}'
    name: make
- job: B
  dependsOn: A
  strategy:
    matrix: $[ dependencies.A.outputs['make.legs'] ]
  steps:
  - checkout: none
  - script: test -n \"$(word)\"
    displayName: Leg $(word)
",
        )
        .await;
    scene.assert_result(&build, "succeeded").await;
    let legs = scene.records(&build, "Task").await;
    for name in ["Leg one", "Leg two"] {
        assert!(legs.iter().any(|it| it["name"] == name), "{legs:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_run_may_count() {
    let scene = Scene::new().await;
    let yaml = |name: &str| {
        format!(
            "trigger: none
name: {name}
variables:
- name: major
  value: 2
- name: patch
  value: $[counter(format('v{{0}}', variables['major']), 7)]
steps:
- checkout: none
- script: echo \"patch=$(patch) number=$(Build.BuildNumber)\"
  displayName: Say
"
        )
    };
    let definition = scene.define("ci", &yaml("$(major).$(patch)")).await;
    for expected in ["2.7", "2.8"] {
        let build = scene.complete(definition, json!({})).await;
        scene.assert_result(&build, "succeeded").await;
        assert_eq!(build["buildNumber"], expected);
        let log = scene.log(&build, "Say").await;
        let words = format!("patch={} number={expected}", &expected[2..]);
        assert!(log.contains(&words), "{log}");
    }
    let definition = scene
        .define("whole", &yaml("\"$[format('r{0}', counter('', 40))]\""))
        .await;
    for expected in ["r40", "r41"] {
        let build = scene.complete(definition, json!({})).await;
        assert_eq!(build["buildNumber"], expected);
    }
}
