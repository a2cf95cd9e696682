//! What goes wrong on the second road: tokens, branches, merges, pipeline files, Terraform in each of its steps, steps
//! that never end or that talk too much, and a platform that dies in the middle.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use pave_testkit::devops::{PATIENCE, terraform_steps};
use pave_testkit::{Platform, wait_for};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_pave");
const ALL: [&str; 4] = ["init", "validate", "plan", "apply"];
/// A pull request is merged about that fast.
const MERGE: u64 = 120;
/// Merges that are interrupted.
const MERGES: u64 = 3;
/// An apply of a resource group and a database server takes about that long.
const APPLY: u64 = 1_500;

#[tokio::test]
async fn tokens_branches_merges_and_forms_are_refused_in_words() {
    refusals().await.unwrap();
}

#[tokio::test]
async fn a_run_that_fails_names_the_cause_and_a_kill_loses_nothing() {
    let seed = seed().unwrap();
    let outcome = failures_and_kills(seed).await;
    outcome
        .with_context(|| format!("again with PAVE_TEST_SEED={seed}"))
        .unwrap();
}

/// A number that `PAVE_TEST_SEED` gives again.
fn seed() -> anyhow::Result<u64> {
    match std::env::var("PAVE_TEST_SEED") {
        Ok(seed) => seed.parse().context("PAVE_TEST_SEED is a number"),
        Err(_) => Ok(u64::try_from(
            SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis(),
        )?),
    }
}

async fn refusals() -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    let alice = platform.token_of("alice").await?;
    tokens(&platform).await?;
    protected_branch(&platform, &alice).await?;
    conflict(&platform).await?;
    files_and_forms(&platform, &alice).await?;
    platform.down().await
}

/// A token that was never made and one that has expired look the same from outside, and both are told what to do.
async fn tokens(platform: &Platform) -> anyhow::Result<()> {
    let expired = platform
        .pave(&["token", "create", "--user", "alice", "--days", "0"])
        .await?;
    let expired = expired.ok()?;
    let expired = expired
        .split_whitespace()
        .last()
        .context("no token was printed")?;
    for token in ["wrong", expired] {
        let answer = platform.devops(token, "GET", "git/repositories", None).await?;
        let words = answer.body["message"].as_str().unwrap_or_default();
        anyhow::ensure!(
            answer.status == 401
                && ["TF400813", "expired", "pave token create"]
                    .iter()
                    .all(|it| words.contains(it)),
            "{answer:?}"
        );
        let forge = platform.text("/forge/url")?;
        let url = format!("{forge}/pave/backstage/_git/azure-demo")
            .replace("https://", &format!("https://any:{token}@"));
        let refused = platform
            .git_as(token, platform.scratch(), &["ls-remote", &url])
            .await?;
        anyhow::ensure!(
            !refused.is_ok() && refused.stderr.contains("Authentication failed"),
            "{refused:?}"
        );
    }
    Ok(())
}

async fn protected_branch(platform: &Platform, alice: &str) -> anyhow::Result<()> {
    let before = platform.head("azure-demo", "main").await?;
    let answer = platform
        .commit(
            alice,
            "azure-demo",
            "main",
            &[("terraform/changed/x.tf", "# by hand\n")],
        )
        .await?;
    let words = answer.body.to_string();
    anyhow::ensure!(
        answer.status >= 400 && words.contains("TF402455") && words.contains("pull request"),
        "{answer:?}"
    );
    anyhow::ensure!(platform.head("azure-demo", "main").await? == before);
    Ok(())
}

async fn conflict(platform: &Platform) -> anyhow::Result<()> {
    platform
        .pipeline(
            "conflict",
            &[
                ("azure-pipelines.yml", "trigger: none\n"),
                ("docs/a.txt", "base\n"),
            ],
        )
        .await?;
    let first = propose(platform, "conflict", "one", "docs/a.txt").await?;
    let second = propose(platform, "conflict", "two", "docs/a.txt").await?;
    let (path, body) = completion("conflict", &first);
    platform.devops_ok("PATCH", &path, Some(&body)).await?;
    merged(platform, &path).await?;
    let head = platform.head("conflict", "main").await?;
    let (path, body) = completion("conflict", &second);
    let token = platform.text("/forge/token")?;
    let answer = platform.devops(token, "PATCH", &path, Some(&body)).await?;
    anyhow::ensure!(
        answer.status == 409 && answer.body["message"].to_string().contains("docs/a.txt"),
        "{answer:?}"
    );
    let now = platform.devops_ok("GET", &path, None).await?;
    anyhow::ensure!(
        now["status"] == "active"
            && now["mergeStatus"] == "conflicts"
            && now["mergeFailureMessage"].to_string().contains("docs/a.txt"),
        "{now:#}"
    );
    anyhow::ensure!(platform.head("conflict", "main").await? == head);
    Ok(())
}

/// A branch that writes its name into a file, and its pull request.
async fn propose(platform: &Platform, repository: &str, branch: &str, file: &str) -> anyhow::Result<Value> {
    let head = platform
        .head(repository, "main")
        .await?
        .context("no main branch")?;
    let nothing = "0".repeat(40);
    let made =
        json!([{ "name": format!("refs/heads/{branch}"), "oldObjectId": nothing, "newObjectId": head }]);
    platform
        .devops_ok(
            "POST",
            &format!("git/repositories/{repository}/refs"),
            Some(&made),
        )
        .await?;
    let token = platform.text("/forge/token")?;
    platform
        .commit(token, repository, branch, &[(file, &format!("{branch}\n"))])
        .await?
        .ok()?;
    let body = json!({ "title": branch, "sourceRefName": format!("refs/heads/{branch}"), "targetRefName": "refs/heads/main" });
    platform
        .devops_ok(
            "POST",
            &format!("git/repositories/{repository}/pullrequests"),
            Some(&body),
        )
        .await
}

/// Path and body that complete a pull request.
fn completion(repository: &str, pull_request: &Value) -> (String, Value) {
    let path = format!(
        "git/repositories/{repository}/pullrequests/{}",
        pull_request["pullRequestId"]
    );
    let body =
        json!({ "status": "completed", "lastMergeSourceCommit": pull_request["lastMergeSourceCommit"] });
    (path, body)
}

async fn merged(platform: &Platform, path: &str) -> anyhow::Result<()> {
    wait_for(PATIENCE, "a merge", async || {
        let now = platform.devops_ok("GET", path, None).await.ok()?;
        (now["status"] == "completed").then_some(())
    })
    .await
}

async fn files_and_forms(platform: &Platform, alice: &str) -> anyhow::Result<()> {
    let pipeline = platform
        .pipeline(
            "files",
            &[("azure-pipelines.yml", "trigger: none\nsteps:\n- script: echo\n")],
        )
        .await?;
    let cases = [
        (
            "trigger: none\nsteps:\n- script: a\n  dispalyName: b\n",
            "(Line: 4, Col: 3)",
            "displayName",
        ),
        ("trigger: none\nsteps:\n- tsk: a\n", "(Line: 3, Col: 3)", "task"),
        (
            "trigger: none\nsteps:\n - script: a\n  - script: b\n",
            "(Line: 4, Col: 3)",
            "'-'",
        ),
        (
            "parameters:\n- name: region\n  type: string\nsteps:\n- script: a\n",
            "(Line: ",
            "`region` needs a value",
        ),
        (
            "steps:\n- template: missing.yml\n",
            "(Line: 2, Col: ",
            "missing.yml",
        ),
    ];
    for (text, place, expected) in cases {
        let body = json!({ "previewRun": true, "yamlOverride": text });
        let path = format!("pipelines/{pipeline}/preview");
        let answer = platform
            .devops(platform.text("/forge/token")?, "POST", &path, Some(&body))
            .await?;
        let words = answer.body["message"].as_str().unwrap_or_default();
        anyhow::ensure!(
            answer.status == 400
                && words.starts_with("/azure-pipelines.yml ")
                && words.contains(place)
                && words.contains(expected),
            "{text}{answer:?}"
        );
    }
    let body = json!({ "templateRef": "template:default/azure-repo-demo", "values": {} });
    let answer = platform
        .call(alice, "POST", "/api/scaffolder/v2/tasks", Some(&body))
        .await?;
    anyhow::ensure!(
        answer.status == 400 && answer.body.pointer("/errors/0/argument") == Some(&json!("name")),
        "{answer:?}"
    );
    Ok(())
}

async fn failures_and_kills(seed: u64) -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    // Takes its minute while everything else goes on, and while the platform is killed.
    let endless = begin_endless(&platform).await?;
    terraform_fails(&platform).await?;
    an_apply_is_refused_and_run_again(&platform).await?;
    the_road_names_the_place(&platform).await?;
    a_secret_stays_one(&platform).await?;
    killed_in_a_merge(&mut platform, seed).await?;
    killed_in_an_apply(&mut platform, seed).await?;
    endless_ends(&platform, endless).await?;
    platform.down().await
}

const GROUP: &str = "provider \"azurerm\" {
  features {}
}

resource \"azurerm_resource_group\" \"main\" {
  name     = \"rg-fails\"
  location = \"westeurope\"
}
";

/// Each mistake ends in the step that finds it, with file and line.
async fn terraform_fails(platform: &Platform) -> anyhow::Result<()> {
    let yaml = format!("trigger: none\nsteps:\n{}", terraform_steps(&ALL));
    let pipeline = platform
        .pipeline("fails", &[("azure-pipelines.yml", &yaml), ("main.tf", GROUP)])
        .await?;
    let unreadable =
        format!("{GROUP}data \"azurerm_resource_group\" \"other\" {{\n  name = \"rg-not-there\"\n}}\n");
    let cases = [
        (
            GROUP.replace("westeurope\"", "westeurope"),
            "init",
            "main.tf:7",
            "multi-line string",
        ),
        (
            GROUP.replace("location ", "locatoin "),
            "init",
            "main.tf:7",
            "`location`",
        ),
        (
            GROUP.replace("westeurope", "middleearth"),
            "validate",
            "main.tf:7",
            "middleearth",
        ),
        (
            GROUP.replace("\"rg-fails\"", "var.name"),
            "validate",
            "main.tf:6",
            "undeclared input variable",
        ),
        (unreadable, "plan", "main.tf:10", "rg-not-there"),
    ];
    let token = platform.text("/forge/token")?;
    for (text, step, place, words) in cases {
        platform
            .commit(token, "fails", "main", &[("main.tf", &text)])
            .await?
            .ok()?;
        let run = platform.run_to(pipeline, "failed").await?;
        let (message, found) = run.error(&format!("Terraform {step}"))?;
        anyhow::ensure!(
            found == place && message.contains(words),
            "{step}: {found}: {message}"
        );
        anyhow::ensure!(run.step("Terraform apply")?["result"] == "skipped", "{run:#?}");
    }
    platform
        .commit(token, "fails", "main", &[("main.tf", GROUP)])
        .await?
        .ok()?;
    platform.run_to(pipeline, "succeeded").await.map(drop)
}

/// Azure refuses, the reason goes away, and the failed stage is run again as it is.
async fn an_apply_is_refused_and_run_again(platform: &Platform) -> anyhow::Result<()> {
    let account = "provider \"azurerm\" {
  features {}
}

resource \"azurerm_storage_account\" \"files\" {
  name                     = \"filesofateam\"
  resource_group_name      = \"rg-later\"
  location                 = \"westeurope\"
  account_tier             = \"Standard\"
  account_replication_type = \"LRS\"
}
";
    let yaml = format!("trigger: none\nsteps:\n{}", terraform_steps(&ALL));
    let pipeline = platform
        .pipeline("refused", &[("azure-pipelines.yml", &yaml), ("main.tf", account)])
        .await?;
    let run = platform.run_to(pipeline, "failed").await?;
    let (message, place) = run.error("Terraform apply")?;
    anyhow::ensure!(
        message.contains("ResourceGroupNotFound") && place == "main.tf:7",
        "{place}: {message}"
    );
    let group = GROUP.replace("rg-fails", "rg-later");
    let other = platform
        .pipeline("later", &[("azure-pipelines.yml", &yaml), ("main.tf", &group)])
        .await?;
    platform.run_to(other, "succeeded").await?;
    let retry = format!("build/builds/{}?retry=true", run.id);
    platform.devops_ok("PATCH", &retry, Some(&json!({}))).await?;
    let run = platform.run_ended(run.id).await?;
    anyhow::ensure!(run.result == "succeeded", "{run:#?}");
    Ok(())
}

/// The road of a push says what the run says.
async fn the_road_names_the_place(platform: &Platform) -> anyhow::Result<()> {
    let alice = platform.token_of("alice").await?;
    let body = json!({ "templateRef": "template:default/azure-repo-demo", "values": { "name": "rg-ends-in-a-dot." } });
    let task = platform
        .call(&alice, "POST", "/api/scaffolder/v2/tasks", Some(&body))
        .await?
        .ok()?;
    let task = task["id"].as_str().context("a task has an id")?.to_owned();
    platform.task_events(&alice, &task).await?;
    let detail = platform
        .get(&format!("/api/scaffolder/v2/tasks/{task}"))
        .await?
        .ok()?;
    let road = detail["road"].as_str().context("a task has a road")?.to_owned();
    let listed = platform
        .devops_ok("GET", "git/repositories/azure-demo/pullrequests", None)
        .await?;
    let me = platform
        .api(
            "/forge/url",
            &alice,
            "GET",
            "/pave/_apis/connectionData?api-version=7.1",
            None,
        )
        .await?
        .ok()?;
    let (path, body) = completion("azure-demo", &listed["value"][0]);
    let vote = format!(
        "{path}/reviewers/{}",
        me.pointer("/authenticatedUser/id")
            .and_then(Value::as_str)
            .unwrap_or_default()
    );
    platform
        .devops(&alice, "PUT", &vote, Some(&json!({ "vote": 10 })))
        .await?
        .ok()?;
    platform.devops(&alice, "PATCH", &path, Some(&body)).await?.ok()?;
    let mut last = Value::Null;
    let found = wait_for(PATIENCE, "the failed run on the road", async || {
        last = platform
            .get(&format!("/api/pave/v1/roads/{road}"))
            .await
            .ok()?
            .body;
        let mut hops = last["hops"].as_array()?.iter();
        hops.find(|hop| hop["station"] == "run" && hop["state"] == "failed")
            .map(|hop| hop["cause"].as_str().unwrap_or_default().to_owned())
    });
    let cause = found.await.with_context(|| format!("{last:#}"))?;
    anyhow::ensure!(
        cause.contains("terraform/changed/main.tf:") && cause.contains("ends in a dot"),
        "{cause}"
    );
    Ok(())
}

async fn a_secret_stays_one(platform: &Platform) -> anyhow::Result<()> {
    let group = json!({ "name": "vault", "type": "Vsts", "variables": { "password": { "value": "hunter2-hunter2", "isSecret": true } } });
    platform
        .devops_ok("POST", "distributedtask/variablegroups", Some(&group))
        .await?;
    let yaml = "trigger: none
variables:
- group: vault
steps:
- checkout: none
- bash: echo \"it is $(password)\" && echo \"again $IT\" >&2
  displayName: Tells
  env:
    IT: $(password)
";
    let pipeline = platform
        .pipeline("tells", &[("azure-pipelines.yml", yaml)])
        .await?;
    let run = platform.run_to(pipeline, "succeeded").await?;
    let log = platform.step_log(&run, "Tells").await?;
    anyhow::ensure!(
        log.contains("it is ***") && log.contains("again ***") && !log.contains("hunter2"),
        "{log}"
    );
    Ok(())
}

/// A step that never ends, with the shortest limit that the service knows.
async fn begin_endless(platform: &Platform) -> anyhow::Result<i64> {
    let yaml = "trigger: none
steps:
- checkout: none
- bash: while true; do sleep 0.2; done
  displayName: Endless
  timeoutInMinutes: 1
- bash: echo cleaning
  displayName: Cleans
  condition: always()
";
    let pipeline = platform
        .pipeline("endless", &[("azure-pipelines.yml", yaml)])
        .await?;
    platform.queue(pipeline).await
}

async fn endless_ends(platform: &Platform, id: i64) -> anyhow::Result<()> {
    let run = platform.run_ended(id).await?;
    let (message, _) = run.error("Endless")?;
    anyhow::ensure!(
        run.result == "failed" && message.contains("timed out after"),
        "{run:#?}"
    );
    anyhow::ensure!(run.step("Cleans")?["result"] == "succeeded", "{run:#?}");
    Ok(())
}

/// A merge is there or it is not; afterwards it can be made.
async fn killed_in_a_merge(platform: &mut Platform, seed: u64) -> anyhow::Result<()> {
    platform
        .pipeline(
            "merges",
            &[("azure-pipelines.yml", "trigger: none\n"), ("a.txt", "base\n")],
        )
        .await?;
    for turn in 0..MERGES {
        let file = format!("file-{turn}.txt");
        let pull_request = propose(platform, "merges", &format!("branch-{turn}"), &file).await?;
        let (path, body) = completion("merges", &pull_request);
        let moment = Duration::from_millis(turn * MERGE / MERGES + seed % (MERGE / MERGES));
        {
            let token = platform.text("/forge/token")?;
            let request = platform.devops(token, "PATCH", &path, Some(&body));
            // The moment is the point of the test, not something to wait for.
            drop(tokio::time::timeout(moment, request).await);
        }
        platform.kill().await?;
        platform.restart().await?;
        let now = platform.devops_ok("GET", &path, None).await?;
        let merge = platform.head("merges", "main").await?.context("no main branch")?;
        let there = format!("git/repositories/merges/items?path=/{file}&versionDescriptor.version=main");
        let there = platform
            .devops(platform.text("/forge/token")?, "GET", &there, None)
            .await?
            .status
            == 200;
        match now["status"].as_str().unwrap_or_default() {
            "completed" => anyhow::ensure!(there, "completed, but not merged: {merge} {now:#}"),
            "active" => {
                anyhow::ensure!(!there, "merged, but active: {merge} {now:#}");
                platform.devops_ok("PATCH", &path, Some(&body)).await?;
                merged(platform, &path).await?;
            }
            other => anyhow::bail!("the pull request is {other}: {now:#}"),
        }
        let url = format!("{}/pave/backstage/_git/merges", platform.text("/forge/url")?);
        let clone = format!("merges-{turn}");
        platform
            .git(platform.scratch(), &["clone", "--quiet", &url, &clone])
            .await?
            .ok()?;
        let clone = platform.scratch().join(clone);
        platform
            .git(&clone, &["fsck", "--strict", "--no-dangling"])
            .await?
            .ok()?;
        anyhow::ensure!(clone.join(&file).is_file(), "the merge did not bring `{file}`");
    }
    Ok(())
}

/// The agent lives on, its Terraform waits for the cloud to come back, and the state is kept.
async fn killed_in_an_apply(platform: &mut Platform, seed: u64) -> anyhow::Result<()> {
    let server = format!(
        "{}
resource \"azurerm_postgresql_flexible_server\" \"db\" {{
  name                   = \"db-that-survives\"
  resource_group_name    = azurerm_resource_group.main.name
  location               = \"westeurope\"
  administrator_login    = \"db_admin\"
  administrator_password = \"Sup3r-secret-99\"
  sku_name               = \"B_Standard_B1ms\"
  storage_mb             = 32768
  version                = \"15\"
}}
",
        GROUP.replace("rg-fails", "rg-survives")
    );
    let yaml = format!("trigger: none\nsteps:\n{}", terraform_steps(&ALL));
    let pipeline = platform
        .pipeline(
            "survives",
            &[("azure-pipelines.yml", &yaml), ("main.tf", &server)],
        )
        .await?;
    let id = platform.queue(pipeline).await?;
    wait_for(PATIENCE, "the apply to begin", async || {
        let records = platform.records(id).await.ok()?;
        let mut steps = records.iter().filter(|it| it["name"] == "Terraform apply");
        steps.any(|it| it["state"] == "inProgress").then_some(())
    })
    .await?;
    let moment = Duration::from_millis(seed % APPLY);
    tokio::time::sleep(moment).await;
    platform.kill().await?;
    platform.restart().await?;
    let told = || format!("killed {moment:?} into the apply");
    let run = platform.run_ended(id).await.with_context(told)?;
    anyhow::ensure!(run.result == "succeeded", "{}: {run:#?}", told());
    let group = "resourcegroups/rg-survives?api-version=2024-03-01";
    anyhow::ensure!(platform.cloud("GET", group).await?.status == 200, told());
    let again = platform.run_to(pipeline, "succeeded").await.with_context(told)?;
    let plan = platform.step_log(&again, "Terraform plan").await?;
    anyhow::ensure!(plan.contains("No changes."), "{}: {plan}", told());
    Ok(())
}
