//! The whole road with unmodified clients: from a request over REST to a login by `psql`, and back to nothing.

use std::collections::BTreeMap;

use anyhow::Context;
use pave_testkit::demo::PATIENCE;
use pave_testkit::{Platform, wait_for, wait_until};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_pave");
const STATIONS: [&str; 8] = [
    "task",
    "commit",
    "sync",
    "claim",
    "composite",
    "resource",
    "cloud",
    "secret",
];

#[tokio::test]
async fn from_a_request_to_a_database_and_back() {
    walk().await.unwrap();
}

async fn walk() -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    the_summary_is_complete(&platform)?;
    let alice = platform.token_of("alice").await?;

    let task = platform
        .request(&alice, &json!({ "envName": "orders", "dbUser": "orders_admin" }))
        .await?;
    let events = platform.task_events(&alice, &task).await?;
    let last = events.last().context("a task has events")?;
    anyhow::ensure!(last["type"] == "completion", "{last}");
    anyhow::ensure!(
        last["body"]["message"] == "Run completed with status: completed",
        "{last}"
    );
    let connection = platform.environment("team-a", "orders").await?;

    every_station_is(&platform, "up", "ok").await?;
    logins_work(&platform, &connection).await?;
    history_names_the_person(&platform, &alice, &task).await?;
    a_second_start_keeps_everything(&mut platform, &connection).await?;
    deletion_takes_everything(&platform, &alice).await?;
    platform.down().await
}

fn the_summary_is_complete(platform: &Platform) -> anyhow::Result<()> {
    let texts = [
        "/portal/url",
        "/portal/token",
        "/kubeconfig",
        "/forge/url",
        "/forge/organization",
        "/forge/token",
        "/azure/url",
        "/azure/tenant",
        "/azure/clientId",
        "/azure/clientSecret",
        "/azure/subscription",
        "/data",
    ];
    for pointer in texts {
        anyhow::ensure!(!platform.text(pointer)?.is_empty(), "{pointer} is empty");
    }
    Ok(())
}

/// Waits until the newest road has every station in this state and direction.
async fn every_station_is(platform: &Platform, direction: &str, state: &str) -> anyhow::Result<()> {
    let mut road = Value::Null;
    let stands = wait_until(PATIENCE, "every station", async || {
        let Ok(answer) = platform.get("/api/pave/v1/trace?what=team-a/orders").await else {
            return false;
        };
        road = answer.body;
        let hops = road["hops"].as_array().cloned().unwrap_or_default();
        let ahead = |station: &str| matches!(station, "task" | "commit" | "sync");
        STATIONS.iter().all(|station| {
            let mut own = hops
                .iter()
                .filter(|hop| hop["station"] == *station && hop["direction"] == direction)
                .peekable();
            let expected = if ahead(station) { "ok" } else { state };
            own.peek().is_some() && own.all(|hop| hop["state"] == expected)
        })
    });
    let stands = stands.await;
    stands.with_context(|| format!("the road is {road:#}"))
}

async fn logins_work(platform: &Platform, connection: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let who = "select current_user || ' in ' || current_database()";
    anyhow::ensure!(platform.psql_with(connection, who).await? == "orders_admin in orders");
    anyhow::ensure!(platform.psql(&connection["uri"], who).await? == "orders_admin in orders");
    let (login, _) = connection["username"]
        .split_once('@')
        .context("a user name is login@server")?;
    let mut bare = connection.clone();
    bare.insert("username".into(), login.into());
    anyhow::ensure!(platform.psql_with(&bare, who).await? == "orders_admin in orders");
    bare.insert("password".into(), "wrong".into());
    anyhow::ensure!(
        platform.psql_with(&bare, who).await.is_err(),
        "a wrong password must not do"
    );
    platform
        .psql_with(
            connection,
            "create table kept (n int); insert into kept values (42)",
        )
        .await?;
    Ok(())
}

async fn history_names_the_person(platform: &Platform, alice: &str, task: &str) -> anyhow::Result<()> {
    let clone = platform.clone_as(alice, "clone").await?;
    let log = platform
        .git_as(alice, &clone, &["log", "-1", "--format=%an <%ae>%n%B"])
        .await?
        .ok()?;
    let expected = [
        "Alice <alice@example.com>",
        "Provision new team environment orders",
        "Pave-Requested-By: user:default/alice",
        &format!("Pave-Step: {task}/"),
        "Pave-Road: ",
    ];
    for part in expected {
        anyhow::ensure!(log.contains(part), "no `{part}` in:\n{log}");
    }
    anyhow::ensure!(clone.join("environments/team-a/orders.yaml").is_file());
    Ok(())
}

async fn a_second_start_keeps_everything(
    platform: &mut Platform,
    connection: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let before = platform.summary().clone();
    let servers = platform.servers();
    platform.kill().await?;
    let kept = "select n from kept";
    anyhow::ensure!(
        platform.psql_with(connection, kept).await? == "42",
        "a database goes on without the platform"
    );
    platform.restart().await?;
    anyhow::ensure!(platform.psql_with(connection, kept).await? == "42");
    anyhow::ensure!(
        platform.servers() == servers,
        "the server was adopted, not started again"
    );
    let same = |summary: &Value| {
        let mut summary = summary.clone();
        summary["portal"]["signIn"] = Value::Null;
        summary
    };
    anyhow::ensure!(
        same(platform.summary()) == same(&before),
        "{:#}",
        platform.summary()
    );

    platform.down().await?;
    anyhow::ensure!(platform.servers().is_empty(), "`pave down` stops the databases");
    platform.restart().await?;
    let again = async || {
        platform
            .psql_with(connection, kept)
            .await
            .ok()
            .filter(|rows| rows == "42")
    };
    wait_for(PATIENCE, "the database after a whole stop", again).await?;
    every_station_is(platform, "up", "ok").await
}

async fn deletion_takes_everything(platform: &Platform, alice: &str) -> anyhow::Result<()> {
    let answer = platform
        .call(alice, "DELETE", "/api/pave/v1/environments/team-a/orders", None)
        .await?;
    anyhow::ensure!(answer.status == 202, "{answer:?}");
    let everything = [
        "/apis/platform.example.com/v1alpha1/teamenvironmentclaims",
        "/apis/platform.example.com/v1alpha1/teamenvironments",
        "/apis/azure.upbound.io/v1beta1/resourcegroups",
        "/apis/dbforpostgresql.azure.upbound.io/v1beta1/flexibleservers",
        "/apis/dbforpostgresql.azure.upbound.io/v1beta1/flexibleserverdatabases",
        "/apis/dbforpostgresql.azure.upbound.io/v1beta1/flexibleserverfirewallrules",
        "/api/v1/namespaces/team-a/secrets",
    ];
    for path in everything {
        let what = format!("nothing at {path}");
        wait_until(PATIENCE, &what, async || {
            platform.objects(path).await.is_ok_and(|left| left.is_empty())
        })
        .await?;
    }
    wait_until(PATIENCE, "the server process to end", async || {
        platform.servers().is_empty()
    })
    .await?;
    let directories = platform.data().join("azure/postgresql/servers");
    let empty = || std::fs::read_dir(&directories).is_ok_and(|mut entries| entries.next().is_none());
    wait_until(PATIENCE, "the data directory to go", async || empty()).await?;
    every_station_is(platform, "down", "deleted").await?;
    let application = platform.application("team-a").await?;
    anyhow::ensure!(
        application["status"]["sync"]["status"] == "Synced",
        "{application:#}"
    );
    Ok(())
}
