//! What goes wrong: processes that die at any moment, wrong tokens, bad files, a taken port.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use pave_testkit::demo::{PATIENCE, claim_file, words};
use pave_testkit::{Platform, find_program, wait_for, wait_until};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_pave");
/// Requests that are interrupted.
const REQUESTS: u64 = 8;
/// The last of them are interrupted a second time while they are deleted.
const DELETIONS: u64 = 3;
/// A request takes about that long.
const SPREAD: u64 = 1_500;

#[tokio::test]
async fn killed_at_any_moment_a_request_is_completed() {
    let dice = Dice::new().unwrap();
    let seed = dice.0;
    let outcome = killed_at_any_moment(dice).await;
    outcome
        .with_context(|| format!("again with PAVE_TEST_SEED={seed}"))
        .unwrap();
}

#[tokio::test]
async fn a_bad_file_is_named_and_stops_nothing_else() {
    bad_files().await.unwrap();
}

#[tokio::test]
async fn a_refusal_comes_in_the_words_of_each_api() {
    refusals().await.unwrap();
}

/// Numbers from a seed, which `PAVE_TEST_SEED` gives again.
struct Dice(u64);

impl Dice {
    fn new() -> anyhow::Result<Self> {
        let seed = match std::env::var("PAVE_TEST_SEED") {
            Ok(seed) => seed.parse().context("PAVE_TEST_SEED is a number")?,
            Err(_) => u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?,
        };
        Ok(Self(seed | 1))
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

async fn killed_at_any_moment(mut dice: Dice) -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    let alice = platform.token_of("alice").await?;
    let mut made = Vec::new();
    for turn in 0..REQUESTS {
        let after = Duration::from_millis(turn * SPREAD / REQUESTS + dice.below(SPREAD / REQUESTS));
        let name = format!("fault-{turn}");
        let accepted = interrupted_request(&mut platform, &alice, &name, after).await?;
        let known = platform.get("/api/scaffolder/v2/tasks").await?.ok()?;
        if accepted || known.to_string().contains(&format!("\"envName\":\"{name}\"")) {
            is_complete(&platform, &name)
                .await
                .with_context(|| format!("{name}, killed after {after:?}"))?;
            made.push(name);
        }
    }
    nothing_is_double(&platform, &alice, &made).await?;
    let kept = made.len().saturating_sub(usize::try_from(DELETIONS)?);
    for name in made.split_off(kept) {
        let path = format!("/api/pave/v1/environments/team-a/{name}");
        let answer = platform.call(&alice, "DELETE", &path, None).await?;
        anyhow::ensure!(answer.status == 202, "{answer:?}");
        let after = Duration::from_millis(dice.below(SPREAD));
        tokio::time::sleep(after).await;
        platform.kill().await?;
        platform.restart().await?;
        is_gone(&platform, &name)
            .await
            .with_context(|| format!("{name}, killed {after:?} into its deletion"))?;
    }
    platform.down().await
}

/// Posts a request and kills the platform that long afterwards; says whether it was accepted before.
async fn interrupted_request(
    platform: &mut Platform,
    alice: &str,
    name: &str,
    after: Duration,
) -> anyhow::Result<bool> {
    let values = json!({ "envName": name, "dbUser": "fault_admin" });
    // The moment is the point of the test, not something to wait for.
    let moment = tokio::time::sleep(after);
    let accepted = {
        let request = platform.request(alice, &values);
        tokio::pin!(request);
        tokio::pin!(moment);
        tokio::select! {
            task = &mut request => {
                moment.await;
                task.is_ok()
            }
            () = &mut moment => false,
        }
    };
    platform.kill().await?;
    platform.restart().await?;
    Ok(accepted)
}

async fn is_complete(platform: &Platform, name: &str) -> anyhow::Result<()> {
    let connection = platform.environment("team-a", name).await?;
    anyhow::ensure!(
        platform
            .psql_with(&connection, "select current_database()")
            .await?
            == name
    );
    Ok(())
}

/// One commit, claim, composite and server for each, and nothing else.
async fn nothing_is_double(platform: &Platform, alice: &str, made: &[String]) -> anyhow::Result<()> {
    let clone = platform.clone_as(alice, "clone").await?;
    let log = platform
        .git_as(alice, &clone, &["log", "--format=%s"])
        .await?
        .ok()?;
    for name in made {
        let subject = format!("Provision new team environment {name}");
        let commits = log.lines().filter(|line| *line == subject).count();
        anyhow::ensure!(commits == 1, "{commits} commits for {name}:\n{log}");
    }
    for kind in ["namespaces/team-a/teamenvironmentclaims", "teamenvironments"] {
        let path = format!("/apis/platform.example.com/v1alpha1/{kind}");
        let found = platform.objects(&path).await?.len();
        anyhow::ensure!(found == made.len(), "{found} {kind} for {} requests", made.len());
    }
    let servers = platform.servers();
    anyhow::ensure!(servers.len() == made.len(), "servers {servers:?}");
    let directories = directories(platform)?;
    anyhow::ensure!(
        directories.len() == made.len(),
        "data directories {directories:?}"
    );
    Ok(())
}

fn directories(platform: &Platform) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(platform.data().join("azure/postgresql/servers"))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

async fn is_gone(platform: &Platform, name: &str) -> anyhow::Result<()> {
    wait_until(PATIENCE, "the claim to go", async || {
        platform.claim("team-a", name).await.is_ok_and(|it| it.is_none())
    })
    .await?;
    let named = format!("team-a-{name}");
    let paths = [
        "/apis/azure.upbound.io/v1beta1/resourcegroups",
        "/apis/dbforpostgresql.azure.upbound.io/v1beta1/flexibleservers",
        "/apis/platform.example.com/v1alpha1/teamenvironments",
        "/api/v1/namespaces/team-a/secrets",
    ];
    for path in paths {
        wait_until(PATIENCE, path, async || {
            let left = platform.objects(path).await.unwrap_or_default();
            !left.iter().any(|object| {
                let text = object.to_string();
                text.contains(&named) || text.contains(&format!("\"{name}-connection\""))
            })
        })
        .await?;
    }
    let claims = platform
        .objects("/apis/platform.example.com/v1alpha1/teamenvironmentclaims")
        .await?
        .len();
    wait_until(PATIENCE, "its server to go", async || {
        platform.servers().len() == claims && directories(platform).is_ok_and(|found| found.len() == claims)
    })
    .await
}

async fn bad_files() -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    let alice = platform.token_of("alice").await?;
    let clone = platform.clone_as(&alice, "clone").await?;
    let good = claim_file("team-a", "orders");
    platform
        .push(&alice, &clone, &[("environments/team-a/orders.yaml", &good)])
        .await?
        .ok()?;
    platform.environment("team-a", "orders").await?;

    malformed(&platform, &alice, &clone).await?;
    unknown_field(&platform, &alice, &clone).await?;
    no_composition(&platform, &alice, &clone).await?;
    refused_login(&platform, &alice, &clone).await?;
    platform.environment("team-a", "orders").await?;
    platform.down().await
}

type Clone = std::path::Path;

async fn malformed(platform: &Platform, alice: &str, clone: &Clone) -> anyhow::Result<()> {
    let broken = "apiVersion: platform.example.com/v1alpha1\nkind: TeamEnvironmentClaim\nmetadata:\n  name: broken\n name: twice\n";
    platform
        .push(alice, clone, &[("environments/team-a/broken.yaml", broken)])
        .await?
        .ok()?;
    let named = |application: &Value| {
        let status = application["status"]["conditions"].to_string();
        status.contains("environments/team-a/broken.yaml:5:")
    };
    platform
        .application_when("team-a", "the place of the mistake", named)
        .await?;
    let bob = platform.token_of("bob").await?;
    platform
        .request(&bob, &json!({ "envName": "bobs", "dbUser": "bob_admin" }))
        .await?;
    platform.environment("team-b", "bobs").await?;
    anyhow::ensure!(
        platform.claim("team-a", "orders").await?.is_some(),
        "nothing is pruned for a mistake"
    );
    let mended = claim_file("team-a", "broken");
    platform
        .push(alice, clone, &[("environments/team-a/broken.yaml", &mended)])
        .await?
        .ok()?;
    platform.environment("team-a", "broken").await?;
    let mended = |application: &Value| {
        !application["status"]["conditions"]
            .to_string()
            .contains("broken.yaml")
    };
    platform
        .application_when("team-a", "the mistake to be forgotten", mended)
        .await?;
    Ok(())
}

async fn unknown_field(platform: &Platform, alice: &str, clone: &Clone) -> anyhow::Result<()> {
    let mistaken = claim_file("team-a", "typo").replace("dbUser:", "dbUsr:");
    platform
        .push(alice, clone, &[("environments/team-a/typo.yaml", &mistaken)])
        .await?
        .ok()?;
    let named = |application: &Value| {
        let status = application["status"].to_string();
        ["environments/team-a/typo.yaml:11", "dbUsr", "dbUser"]
            .iter()
            .all(|part| status.contains(part))
    };
    platform
        .application_when("team-a", "the unknown field", named)
        .await?;
    remove(platform, alice, clone, "typo").await
}

async fn no_composition(platform: &Platform, alice: &str, clone: &Clone) -> anyhow::Result<()> {
    let mistaken = claim_file("team-a", "nowhere").replace("env: azure-dev", "env: azure-prod");
    platform
        .push(alice, clone, &[("environments/team-a/nowhere.yaml", &mistaken)])
        .await?
        .ok()?;
    let told = |claim: &Value| {
        let words = words(claim);
        ["azure-prod", "teamenv-azure", "azure-dev"]
            .iter()
            .all(|part| words.contains(part))
    };
    platform
        .claim_when("team-a", "nowhere", "words about the selector", told)
        .await?;
    let described = platform
        .kubectl(&["describe", "teamenvironmentclaim", "nowhere", "-n", "team-a"])
        .await?
        .ok()?;
    anyhow::ensure!(
        described.contains("azure-prod") && described.contains("teamenv-azure"),
        "{described}"
    );
    remove(platform, alice, clone, "nowhere").await
}

/// A login that Azure keeps for itself, past the form, whose pattern would not let it through.
async fn refused_login(platform: &Platform, alice: &str, clone: &Clone) -> anyhow::Result<()> {
    let mistaken = claim_file("team-a", "login").replace("login_admin", "azure_superuser");
    platform
        .push(alice, clone, &[("environments/team-a/login.yaml", &mistaken)])
        .await?
        .ok()?;
    let told = |application: &Value| {
        let status = application["status"].to_string();
        [
            "environments/team-a/login.yaml:11",
            "spec.dbUser",
            "azure_superuser",
        ]
        .iter()
        .all(|part| status.contains(part))
    };
    platform
        .application_when("team-a", "a refusal of the login", told)
        .await?;
    let described = platform
        .kubectl(&["describe", "application", "team-a", "-n", "argocd"])
        .await?
        .ok()?;
    anyhow::ensure!(described.contains("azure_superuser"), "{described}");
    remove(platform, alice, clone, "login").await
}

async fn remove(platform: &Platform, alice: &str, clone: &Clone, name: &str) -> anyhow::Result<()> {
    let path = format!("environments/team-a/{name}.yaml");
    platform
        .git_as(alice, clone, &["rm", "--quiet", &path])
        .await?
        .ok()?;
    platform
        .git_as(alice, clone, &["commit", "--quiet", "--message", "Away with it"])
        .await?
        .ok()?;
    platform
        .git_as(alice, clone, &["push", "origin", "HEAD:main"])
        .await?
        .ok()?;
    wait_until(PATIENCE, "the claim to go", async || {
        platform.claim("team-a", name).await.is_ok_and(|it| it.is_none())
    })
    .await?;
    let synced = |application: &Value| application["status"]["sync"]["status"] == "Synced";
    platform
        .application_when("team-a", "a synced Application", synced)
        .await?;
    Ok(())
}

async fn refusals() -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    wrong_tokens(&platform).await?;
    a_killed_database_comes_back(&platform).await?;
    a_taken_port(&mut platform).await
}

async fn wrong_tokens(platform: &Platform) -> anyhow::Result<()> {
    let group = format!(
        "/subscriptions/{}/resourcegroups?api-version=2022-09-01",
        platform.text("/azure/subscription")?
    );
    let cases = [
        (
            "/portal/url",
            "/api/scaffolder/v2/tasks",
            "/error/name",
            "AuthenticationError",
        ),
        ("/cluster/url", "/api/v1/namespaces", "/kind", "Status"),
        (
            "/forge/url",
            "/pave/_apis/projects",
            "/typeKey",
            "UnauthorizedRequestException",
        ),
        ("/azure/url", &group, "/error/code", "InvalidAuthenticationToken"),
    ];
    for (base, path, pointer, expected) in cases {
        let answer = platform.api(base, "wrong", "GET", path, None).await?;
        anyhow::ensure!(answer.status == 401, "{base}: {answer:?}");
        anyhow::ensure!(
            answer.body.pointer(pointer).is_some_and(|it| it == expected),
            "{base}: {answer:?}"
        );
    }
    let repository = platform.repository()?;
    let refused = platform
        .git_as("wrong", platform.scratch(), &["ls-remote", &repository])
        .await?;
    anyhow::ensure!(!refused.is_ok(), "git went through with a wrong token");
    Ok(())
}

async fn a_killed_database_comes_back(platform: &Platform) -> anyhow::Result<()> {
    let alice = platform.token_of("alice").await?;
    platform
        .request(&alice, &json!({ "envName": "orders", "dbUser": "orders_admin" }))
        .await?;
    let connection = platform.environment("team-a", "orders").await?;
    platform
        .psql_with(
            &connection,
            "create table kept (n int); insert into kept values (42)",
        )
        .await?;
    let servers = platform.servers();
    let (first, _) = servers.first().context("a server runs")?;
    let kill = find_program("kill").context("there is no kill")?;
    std::process::Command::new(kill)
        .args(["-9", &first.to_string()])
        .status()?;
    let login = async || {
        platform
            .psql_with(&connection, "select n from kept")
            .await
            .ok()
            .filter(|rows| rows == "42")
    };
    wait_for(PATIENCE, "the killed database to come back", login).await?;
    anyhow::ensure!(platform.servers().len() == 1, "{:?}", platform.servers());
    Ok(())
}

/// A recorded port that somebody else took meanwhile stops the start and names both.
async fn a_taken_port(platform: &mut Platform) -> anyhow::Result<()> {
    let url = platform.text("/forge/url")?;
    let port: u16 = url.rsplit(':').next().unwrap_or_default().parse()?;
    platform.down().await?;
    let holder = TcpListener::bind(("127.0.0.1", port))?;
    let refused = platform.pave(&["up", "--demo", "--output", "json"]).await?;
    anyhow::ensure!(refused.code == 1, "{refused:?}");
    let process = std::process::id().to_string();
    for part in [port.to_string(), "forge".to_owned(), process] {
        anyhow::ensure!(
            refused.stderr.contains(&part),
            "no `{part}` in {}",
            refused.stderr
        );
    }
    drop(holder);
    platform.restart().await?;
    platform.down().await
}
