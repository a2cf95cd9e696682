use std::time::{Duration, Instant};

use pave_local_pipelines::Limits;
use serde_json::json;

use crate::harness::{Scene, eventually, limits};

/// Processes that still carry the mark of a job of this build's.
fn left_running(word: &str) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(word))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_goes_on_while_pave_is_gone() {
    let scene = Scene::new().await;
    let gate = scene.file("gate");
    let yaml = format!(
        "trigger: none\nsteps:\n- checkout: none\n- script: |\n    for n in $(seq 1 200); do echo line $n; sleep 0.005; done\n    while [ ! -e {} ]; do sleep 0.02; done\n    echo after\n  displayName: Long\n- script: echo next\n  displayName: Next\n",
        gate.display()
    );
    let id = scene.started(&yaml).await;
    scene.step_runs(id, "Long").await;
    let scene = scene.restart().await;
    std::fs::write(&gate, "").unwrap();
    let build = scene.ended(id).await;
    scene.assert_result(&build, "succeeded").await;
    let log = scene.log(&build, "Long").await;
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with("line ")).collect();
    assert_eq!(lines.len(), 200);
    assert!(log.contains("\nafter") && scene.log(&build, "Next").await.contains("next"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_dies_is_noticed_and_the_run_can_be_run_again() {
    let scene = Scene::new().await;
    let gate = scene.file("gate-2");
    let yaml = format!(
        "trigger: none\nsteps:\n- checkout: none\n- script: test -e {} || sleep 7654.5\n  displayName: Long\n",
        gate.display()
    );
    let id = scene.started(&yaml).await;
    eventually("the step's process", async || {
        (left_running("7654.5") > 0).then_some(())
    })
    .await;
    scene.kill_agent();
    let build = scene.ended(id).await;
    scene.assert_result(&build, "failed").await;
    let job = scene.records(&build, "Job").await[0].clone();
    assert_eq!(job["result"], "abandoned");
    assert!(
        job["issues"][0]["message"]
            .as_str()
            .unwrap()
            .starts_with("PV2254")
    );
    assert_eq!(left_running("7654.5"), 0);
    std::fs::write(&gate, "").unwrap();
    scene
        .call("PATCH", &format!("build/builds/{id}?retry=true"), json!({}))
        .await;
    let again = scene.ended(id).await;
    scene.assert_result(&again, "succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_of_output_leaves_head_and_tail() {
    let scene = Scene::new().await;
    let build = scene
        .run("trigger: none\nsteps:\n- checkout: none\n- script: |\n    echo first\n    yes | head -c 1073741824\n    head -c 1073741824 /dev/zero | tr '\\0' x\n    echo\n    echo last\n  displayName: Flood\n")
        .await;
    scene.assert_result(&build, "succeeded").await;
    let log = scene.log(&build, "Flood").await;
    assert!(
        log.contains("first") && log.contains("bytes of output are cut here"),
        "{}",
        log.len()
    );
    assert!(
        log.trim_end().lines().rev().take(3).any(|line| line == "last"),
        "{}",
        &log[log.len() - 300..]
    );
    assert!(log.len() < 400_000, "{}", log.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_masked_however_they_come_out() {
    let scene = Scene::new().await;
    let group = json!({"name": "vault", "type": "Vsts", "variables": {
        "password": {"value": "hunter2hunter2", "isSecret": true},
        "key": {"value": "-----BEGIN-----\nabcdefgh\nijklmnop", "isSecret": true},
        "plain": {"value": "shown"},
    }});
    let shown = scene.call("POST", "distributedtask/variablegroups", group).await;
    assert_eq!(
        shown["variables"]["password"],
        json!({"value": null, "isSecret": true})
    );
    let build = scene
        .run("trigger: none\nvariables:\n- group: vault\njobs:\n- job: A\n  steps:\n  - checkout: none\n  - bash: |\n      echo \"one $(password) $(plain) [$PASSWORD]\"\n      printf 'hunter2'; sleep 0.1; printf 'hunter2\\n'\n      echo \"$KEY\"\n      end=99; echo \"##vso[task.setvariable variable=late;isSecret=true;isOutput=true]lateSecret$end\"\n      echo \"##vso[task.logissue type=error]bad hunter2hunter2\"\n      echo \"a lateSecret$end b\"\n    displayName: Leak\n    name: leak\n    env: { KEY: $(key) }\n- job: B\n  dependsOn: A\n  variables: { handed: \"$[ dependencies.A.outputs['leak.late'] ]\" }\n  steps:\n  - checkout: none\n  - script: echo \"x$(handed)x\" && test '$(handed)' = lateSecret99 && test -z \"$HANDED\"\n    displayName: Later\n")
        .await;
    scene.assert_result(&build, "succeeded").await;
    let log = scene.log(&build, "Leak").await;
    assert!(
        log.contains("one *** shown []") && log.contains("a *** b"),
        "{log}"
    );
    assert!(scene.log(&build, "Later").await.contains("x***x"));
    let zip = format!("build/builds/{}/timeline", build["id"]);
    let everything = format!("{}{}", scene.everything(&build).await, scene.get(&zip).await);
    let secrets = ["hunter2hunter2", "abcdefgh", "ijklmnop", "lateSecret99"];
    for secret in secrets {
        assert!(!everything.contains(secret), "{secret}");
    }
    // Nor anywhere on the disk.
    let mut open = vec![scene.file("pipelines")];
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(path).unwrap().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).into_owned();
            // The pipeline's own text is the author's; what came from the group must not be there.
            for secret in &secrets[1..3] {
                assert!(!text.contains(secret), "{secret} in {}", entry.path().display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_step_ends_with_its_time_and_leaves_nothing_running() {
    let limits = Limits {
        job_seconds: 2,
        cancel_seconds: 1,
        ..limits()
    };
    let scene = Scene::with(limits).await;
    let began = Instant::now();
    let build = scene
        .run("trigger: none\nsteps:\n- checkout: none\n- script: |\n    trap '' INT TERM\n    setsid sleep 8765.4 &\n    while true; do sleep 0.1; done\n  displayName: Endless\n")
        .await;
    scene.assert_result(&build, "failed").await;
    assert!(began.elapsed() < Duration::from_secs(30));
    let step = scene.step(&build, "Endless").await;
    assert!(
        step["issues"][0]["message"]
            .as_str()
            .unwrap()
            .contains("maximum time"),
        "{step}"
    );
    assert_eq!(left_running("8765.4"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_interrupts_its_step_and_still_cleans_up() {
    let scene = Scene::new().await;
    let id = scene
        .started("trigger: none\nsteps:\n- checkout: none\n- script: |\n    trap 'echo interrupted; exit 1' INT\n    echo ready\n    while true; do sleep 0.05; done\n  displayName: Long\n- script: echo cleaning\n  displayName: Clean\n  condition: always()\n- script: echo never\n  displayName: Never\n")
        .await;
    let build = json!({"id": id});
    eventually("the step runs", async || {
        let running = scene
            .records(&build, "Task")
            .await
            .iter()
            .any(|it| it["name"] == "Long" && it["state"] == "inProgress");
        (running && scene.log(&build, "Long").await.contains("\nready")).then_some(())
    })
    .await;
    let told = scene.cancel(id).await;
    assert_eq!(told["status"], "cancelling");
    let build = scene.ended(id).await;
    scene.assert_result(&build, "canceled").await;
    assert!(scene.log(&build, "Long").await.contains("interrupted"));
    assert_eq!(scene.step(&build, "Clean").await["result"], "succeeded");
    assert_eq!(scene.step(&build, "Never").await["result"], "skipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_cannot_read_home_and_data() {
    let scene = Scene::new().await;
    let data = scene.file("pipelines");
    let build = scene
        .run(&format!(
            "trigger: none\nsteps:\n- checkout: none\n- script: |\n    test -w . || echo no workspace\n    cat {0}/pipelines.db >/dev/null 2>&1 && echo read data\n    ls {0}/jobs >/dev/null 2>&1 && echo listed jobs\n    ls /root >/dev/null 2>&1 && echo listed root\n    true\n  displayName: Pry\n",
            data.display()
        ))
        .await;
    scene.assert_result(&build, "succeeded").await;
    let log = scene.log(&build, "Pry").await;
    let pool = scene.get("distributedtask/pools/1").await;
    assert_eq!(pool["isolated"], scene.isolation().is_isolated());
    if scene.isolation().is_isolated() {
        let output = log.split("Starting Command Output").nth(1).unwrap();
        for found in ["no workspace", "read data", "listed jobs"] {
            assert!(!output.contains(found), "{output}");
        }
    } else {
        assert!(log.contains("not isolated"), "{log}");
    }
}
