//! What changes behind Git's back comes back, and what Git takes back goes.

use pave_testkit::demo::{PATIENCE, condition};
use pave_testkit::{Platform, wait_for, wait_until};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_pave");

#[tokio::test]
async fn git_has_the_last_word() {
    walk().await.unwrap();
}

async fn walk() -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    let alice = platform.token_of("alice").await?;
    platform
        .request(&alice, &json!({ "envName": "orders", "dbUser": "orders_admin" }))
        .await?;
    let connection = platform.environment("team-a", "orders").await?;

    an_edited_claim_is_put_right(&platform).await?;
    a_deleted_right_comes_back(&platform).await?;
    platform
        .psql_with(&connection, "create table kept (n int)")
        .await?;
    a_deleted_claim_comes_back_empty(&platform).await?;
    a_revert_undoes_the_request(&platform, &alice).await?;
    platform.down().await
}

async fn an_edited_claim_is_put_right(platform: &Platform) -> anyhow::Result<()> {
    let patch = r#"{"spec":{"compositionSelector":{"matchLabels":{"env":"elsewhere"}}}}"#;
    let arguments = [
        "patch",
        "teamenvironmentclaim",
        "orders",
        "-n",
        "team-a",
        "--type=merge",
        "-p",
        patch,
    ];
    platform.kubectl(&arguments).await?.ok()?;
    let selected = |claim: &Value| claim["spec"]["compositionSelector"]["matchLabels"]["env"] == "azure-dev";
    platform
        .claim_when("team-a", "orders", "the edit to be undone", selected)
        .await?;
    let synced = |application: &Value| application["status"]["sync"]["status"] == "Synced";
    platform
        .application_when("team-a", "a synced Application", synced)
        .await?;
    Ok(())
}

async fn a_deleted_right_comes_back(platform: &Platform) -> anyhow::Result<()> {
    platform
        .kubectl(&["delete", "clusterrolebinding", "forge-team-a"])
        .await?
        .ok()?;
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/forge-team-a";
    wait_until(PATIENCE, "the deleted binding to come back", async || {
        platform
            .cluster("GET", path, None)
            .await
            .is_ok_and(|answer| answer.status == 200)
    })
    .await
}

/// The database behind it is a new one, and everybody is told so.
async fn a_deleted_claim_comes_back_empty(platform: &Platform) -> anyhow::Result<()> {
    let before = platform.claim("team-a", "orders").await?.unwrap_or_default();
    platform
        .kubectl(&["delete", "teamenvironmentclaim", "orders", "-n", "team-a"])
        .await?
        .ok()?;
    let another = |claim: &Value| {
        claim["metadata"]["uid"] != before["metadata"]["uid"] && condition(claim, "Ready")["status"] == "True"
    };
    platform
        .claim_when("team-a", "orders", "a new claim that is ready", another)
        .await?;
    let tables = async || {
        let connection = platform.connection("team-a", "orders-connection").await.ok()?;
        platform
            .psql_with(
                &connection,
                "select count(*) from pg_tables where tablename = 'kept'",
            )
            .await
            .ok()
    };
    let tables = wait_for(PATIENCE, "a login to the new database", tables).await?;
    anyhow::ensure!(tables == "0", "the new database is empty");

    let events = platform
        .kubectl(&["get", "events", "-n", "team-a", "-o", "json"])
        .await?
        .json()?;
    let warning = events["items"].as_array().into_iter().flatten().find(|event| {
        event["type"] == "Warning"
            && event["involvedObject"]["name"] == "orders"
            && event["reason"] == "RecreatedEmpty"
    });
    let message = warning
        .and_then(|event| event["message"].as_str())
        .unwrap_or_default();
    for words in [
        "new and EMPTY",
        "deletionPolicy: Orphan",
        "environments/team-a/orders.yaml",
    ] {
        anyhow::ensure!(message.contains(words), "no `{words}` in {events:#}");
    }
    Ok(())
}

async fn a_revert_undoes_the_request(platform: &Platform, alice: &str) -> anyhow::Result<()> {
    let clone = platform.clone_as(alice, "clone").await?;
    platform
        .git_as(alice, &clone, &["revert", "--no-edit", "HEAD"])
        .await?
        .ok()?;
    platform
        .git_as(alice, &clone, &["push", "origin", "HEAD:main"])
        .await?
        .ok()?;
    wait_until(PATIENCE, "the claim to go", async || {
        platform
            .claim("team-a", "orders")
            .await
            .is_ok_and(|it| it.is_none())
    })
    .await?;
    wait_until(PATIENCE, "the server to end", async || {
        platform.servers().is_empty()
    })
    .await?;
    let synced = |application: &Value| application["status"]["sync"]["status"] == "Synced";
    platform
        .application_when("team-a", "a synced Application", synced)
        .await?;
    Ok(())
}
