//! The second road, by the clients of its neighbours: a form, a pull request, an approval, a pipeline with the real
//! Terraform, a resource group.

use std::time::Duration;

use anyhow::Context as _;
use pave_testkit::{Platform, wait_for, wait_until};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_pave");
/// Longest time for a run with its four Terraform steps on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_form_becomes_a_resource_group_by_pull_request_and_pipeline() {
    the_story().await.unwrap();
}

#[tokio::test]
async fn two_people_get_two_resource_groups() {
    two_people().await.unwrap();
}

async fn the_story() -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    let [alice, bob] = [platform.token_of("alice").await?, platform.token_of("bob").await?];
    let pull_request = propose(&platform, &alice, "azure-repo-demo", "azure-demo", "rg-one").await?;
    refuses_direct_push(&platform, &alice).await?;
    let denied = complete(&platform, &alice, "azure-demo", &pull_request).await;
    anyhow::ensure!(denied.is_err(), "completed without an approval");
    approve(&platform, &bob, "azure-demo", &pull_request).await?;
    complete(&platform, &alice, "azure-demo", &pull_request).await?;
    resource_group(&platform, "rg-one").await?;
    let road = road_of(&platform, "rg-one").await?;
    for station in [
        "task",
        "commit",
        "pull-request",
        "review",
        "merge",
        "run",
        "plan",
        "apply",
        "cloud",
    ] {
        wait_for(PATIENCE, &format!("`{station}` to be reached"), async || {
            let road = platform
                .get(&format!("/api/pave/v1/roads/{road}"))
                .await
                .ok()?
                .ok()
                .ok()?;
            let mut hops = road["hops"].as_array()?.iter();
            hops.any(|hop| hop["station"] == station && hop["state"] == "ok")
                .then_some(())
        })
        .await?;
    }
    platform.down().await
}

async fn two_people() -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    let [alice, bob] = [platform.token_of("alice").await?, platform.token_of("bob").await?];
    for (owner, other, name) in [(&alice, &bob, "rg-alice"), (&bob, &alice, "rg-bob")] {
        let pull_request = propose(
            &platform,
            owner,
            "request-resource-group",
            "resource-groups",
            name,
        )
        .await?;
        approve(&platform, other, "resource-groups", &pull_request).await?;
        complete(&platform, owner, "resource-groups", &pull_request).await?;
        resource_group(&platform, name).await?;
    }
    resource_group(&platform, "rg-alice").await?;
    platform.down().await
}

/// Runs a template and gives the pull request that it opened.
async fn propose(
    platform: &Platform,
    token: &str,
    template: &str,
    repository: &str,
    name: &str,
) -> anyhow::Result<Value> {
    let body = json!({ "templateRef": format!("template:default/{template}"), "values": { "name": name } });
    let task = platform
        .call(token, "POST", "/api/scaffolder/v2/tasks", Some(&body))
        .await?
        .ok()?;
    let id = task["id"].as_str().context("no task id")?.to_owned();
    let path = format!("/api/scaffolder/v2/tasks/{id}");
    let done = wait_for(PATIENCE, "the task to end", async || {
        let task = platform.get(&path).await.ok()?.ok().ok()?;
        let status = task["status"].as_str()?.to_owned();
        (status != "processing" && status != "open").then_some(status)
    })
    .await?;
    anyhow::ensure!(
        done == "completed",
        "the task is {done}: {:?}",
        platform.task_events(token, &id).await?
    );
    let listed = devops(
        platform,
        token,
        "GET",
        &format!("git/repositories/{repository}/pullrequests"),
        None,
    )
    .await?;
    listed["value"]
        .as_array()
        .and_then(|all| all.first())
        .cloned()
        .context("no pull request")
}

async fn approve(
    platform: &Platform,
    token: &str,
    repository: &str,
    pull_request: &Value,
) -> anyhow::Result<()> {
    let path = "/pave/_apis/connectionData?api-version=7.1";
    let me = platform.api("/forge/url", token, "GET", path, None).await?.ok()?;
    let id = me
        .pointer("/authenticatedUser/id")
        .and_then(Value::as_str)
        .context("no id")?;
    let path = format!(
        "git/repositories/{repository}/pullrequests/{}/reviewers/{id}",
        pull_request["pullRequestId"]
    );
    devops(platform, token, "PUT", &path, Some(&json!({ "vote": 10 })))
        .await
        .map(drop)
}

async fn complete(
    platform: &Platform,
    token: &str,
    repository: &str,
    pull_request: &Value,
) -> anyhow::Result<()> {
    let path = format!(
        "git/repositories/{repository}/pullrequests/{}",
        pull_request["pullRequestId"]
    );
    let body =
        json!({ "status": "completed", "lastMergeSourceCommit": pull_request["lastMergeSourceCommit"] });
    devops(platform, token, "PATCH", &path, Some(&body)).await?;
    wait_for(PATIENCE, "the pull request to be completed", async || {
        let now = devops(platform, token, "GET", &path, None).await.ok()?;
        (now["status"] == "completed").then_some(())
    })
    .await
}

async fn refuses_direct_push(platform: &Platform, token: &str) -> anyhow::Result<()> {
    let url = format!("{}/pave/backstage/_git/azure-demo", platform.text("/forge/url")?);
    let scratch = platform.scratch().to_owned();
    platform
        .git_as(token, &scratch, &["clone", "--quiet", &url, "direct"])
        .await?
        .ok()?;
    let clone = scratch.join("direct");
    std::fs::write(clone.join("terraform/changed/main.tf"), "# by hand\n")?;
    platform.git_as(token, &clone, &["add", "--all"]).await?.ok()?;
    platform
        .git_as(
            token,
            &clone,
            &[
                "-c",
                "user.name=alice",
                "-c",
                "user.email=alice@example.com",
                "commit",
                "--quiet",
                "--message",
                "By hand",
            ],
        )
        .await?
        .ok()?;
    let pushed = platform
        .git_as(token, &clone, &["push", "--quiet", "origin", "main"])
        .await?;
    anyhow::ensure!(
        !pushed.is_ok() && pushed.stderr.contains("TF402455"),
        "{pushed:?}"
    );
    Ok(())
}

async fn resource_group(platform: &Platform, name: &str) -> anyhow::Result<()> {
    let subscription = platform.text("/azure/subscription")?.to_owned();
    let path = format!("/subscriptions/{subscription}/resourcegroups/{name}?api-version=2024-03-01");
    let bearer = platform.cloud_token().await?;
    let found = wait_until(PATIENCE, &format!("the resource group `{name}`"), async || {
        let answer = platform.api("/azure/url", &bearer, "GET", &path, None).await;
        answer.is_ok_and(|it| it.status == 200)
    })
    .await;
    if found.is_err() {
        let builds = devops(
            platform,
            platform.text("/forge/token")?,
            "GET",
            "build/builds",
            None,
        )
        .await?;
        anyhow::bail!("no resource group `{name}`; builds: {builds:#}");
    }
    Ok(())
}

async fn road_of(platform: &Platform, name: &str) -> anyhow::Result<String> {
    let tasks = platform.get("/api/scaffolder/v2/tasks").await?.ok()?;
    let mut tasks = tasks["tasks"].as_array().into_iter().flatten();
    let task = tasks
        .find(|it| it.pointer("/spec/parameters/name").is_some_and(|it| it == name))
        .context("no task")?;
    let detail = platform
        .get(&format!(
            "/api/scaffolder/v2/tasks/{}",
            task["id"].as_str().unwrap_or_default()
        ))
        .await?
        .ok()?;
    Ok(detail["road"].as_str().context("no road")?.to_owned())
}

/// A call below the demo's project that has to succeed.
async fn devops(
    platform: &Platform,
    token: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Value> {
    platform.devops(token, method, path, body).await?.ok()
}
