//! Kubernetes RBAC decides, whichever way somebody comes: portal, kubectl or Git.

use pave_testkit::Platform;
use pave_testkit::demo::claim_file;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_pave");

/// A platform with an environment of team-a, and the tokens of its people.
struct Scene {
    platform: Platform,
    alice: String,
    bob: String,
}

#[tokio::test]
async fn rights_decide_at_every_gate() {
    walk().await.unwrap();
}

async fn walk() -> anyhow::Result<()> {
    let platform = Platform::start(BINARY).await?;
    let alice = platform.token_of("alice").await?;
    let bob = platform.token_of("bob").await?;
    platform
        .request(&alice, &json!({ "envName": "orders", "dbUser": "orders_admin" }))
        .await?;
    platform.environment("team-a", "orders").await?;
    let mut scene = Scene { platform, alice, bob };
    scene.portal().await?;
    scene.kubectl().await?;
    scene.git().await?;
    scene.secret_on_click().await?;
    scene.platform.down().await
}

/// Fails unless the text says everything that is expected.
fn says(text: &str, expected: &[&str]) -> anyhow::Result<()> {
    for part in expected {
        anyhow::ensure!(text.contains(part), "no `{part}` in:\n{text}");
    }
    Ok(())
}

impl Scene {
    async fn tip(&self) -> anyhow::Result<String> {
        let repository = self.platform.repository()?;
        self.platform
            .git(self.platform.scratch(), &["ls-remote", &repository, "main"])
            .await?
            .ok()
    }

    /// The review says no, and so does the run; nothing is committed.
    async fn portal(&self) -> anyhow::Result<()> {
        let platform = &self.platform;
        let values = json!({ "envName": "stolen", "dbUser": "bob_admin", "team": "group:default/team-a" });
        let body = json!({ "templateRef": "template:default/create-team-environment", "values": values });
        let plan = platform
            .call(&self.bob, "POST", "/api/pave/v1/plan", Some(&body))
            .await?
            .ok()?;
        anyhow::ensure!(plan["permitted"] == false, "{plan:#}");
        let words = [
            "environments/team-a/stolen.yaml",
            "verbs [\"push\"]",
            "members of group `platform` can add it",
            "cannot patch resource \"teamenvironmentclaims\"",
            "in the namespace \"team-a\"",
        ];
        let denials: Vec<_> = plan["denials"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        says(&denials.join("\n"), &words)?;

        let before = self.tip().await?;
        let task = platform.request(&self.bob, &values).await?;
        let events = platform.task_events(&self.bob, &task).await?;
        let end = events.last().cloned().unwrap_or_default();
        anyhow::ensure!(
            end["body"]["message"] == "Run completed with status: failed",
            "{end:#}"
        );
        says(
            end["body"]["error"]["message"].as_str().unwrap_or_default(),
            &words,
        )?;
        anyhow::ensure!(self.tip().await? == before, "something was committed");

        let own = json!({ "envName": "bobs", "dbUser": "bob_admin" });
        let body = json!({ "templateRef": "template:default/create-team-environment", "values": own });
        let plan = platform
            .call(&self.bob, "POST", "/api/pave/v1/plan", Some(&body))
            .await?
            .ok()?;
        anyhow::ensure!(plan["permitted"] == true, "{plan:#}");
        says(&plan["files"].to_string(), &["environments/team-b/bobs.yaml"])?;
        let deletion = platform
            .call(
                &self.bob,
                "DELETE",
                "/api/pave/v1/environments/team-a/orders",
                None,
            )
            .await?;
        if deletion.status == 202 {
            let task = deletion.body["taskId"].as_str().unwrap_or_default().to_owned();
            let events = platform.task_events(&self.bob, &task).await?;
            let end = events.last().cloned().unwrap_or_default();
            anyhow::ensure!(
                end["body"]["message"] == "Run completed with status: failed",
                "{end:#}"
            );
        } else {
            anyhow::ensure!(deletion.status == 403, "{deletion:?}");
        }
        anyhow::ensure!(self.tip().await? == before, "something was committed");
        Ok(())
    }

    async fn kubectl(&self) -> anyhow::Result<()> {
        let platform = &self.platform;
        let file = platform.scratch().join("stolen.yaml");
        std::fs::write(&file, claim_file("team-a", "stolen"))?;
        let file = file.display().to_string();
        let refused = platform.kubectl_as(&self.bob, &["create", "-f", &file]).await?;
        anyhow::ensure!(!refused.is_ok(), "bob created a claim in team-a");
        says(
            &refused.stderr,
            &[
                "forbidden",
                "User \"bob\"",
                "teamenvironmentclaims",
                "namespace \"team-a\"",
            ],
        )?;
        says(
            &refused.stderr,
            &["verbs [\"create\"]", "members of group `platform`"],
        )?;

        let secret = ["get", "secret", "orders-connection", "-n", "team-a"];
        platform.kubectl_as(&self.alice, &secret).await?.ok()?;
        let refused = platform.kubectl_as(&self.bob, &secret).await?;
        says(&refused.stderr, &["forbidden", "User \"bob\""])?;
        let refused = platform
            .kubectl_as(&self.alice, &["get", "secrets", "-n", "team-b"])
            .await?;
        says(
            &refused.stderr,
            &["forbidden", "User \"alice\"", "namespace \"team-b\""],
        )?;
        let answer = platform.kubectl_as(
            &self.alice,
            &["auth", "can-i", "create", "teamenvironmentclaims", "-n", "team-a"],
        );
        anyhow::ensure!(answer.await?.stdout.trim() == "yes");
        Ok(())
    }

    async fn git(&self) -> anyhow::Result<()> {
        let (platform, bob) = (&self.platform, self.bob.as_str());
        let clone = platform.clone_as(bob, "clone").await?;
        let claim = claim_file("team-a", "stolen");
        for path in ["environments/team-a/stolen.yaml", "infra/stolen.yaml"] {
            let before = self.tip().await?;
            let refused = platform.push(bob, &clone, &[(path, &claim)]).await?;
            anyhow::ensure!(!refused.is_ok(), "bob pushed `{path}`");
            let url = format!("/forge/pave/platform/platform-configs/{path}");
            says(
                &refused.stderr,
                &["remote: ", path, &url, "push", "members of group `platform`"],
            )?;
            anyhow::ensure!(self.tip().await? == before, "a refused push changed main");
        }

        // His own folder takes the file, but his team's account may not make the object.
        platform
            .push(bob, &clone, &[("environments/team-b/stolen.yaml", &claim)])
            .await?
            .ok()?;
        let refused = |application: &Value| {
            let status = application["status"].to_string();
            status.contains("stolen") && (status.contains("forbidden") || status.contains("not permitted"))
        };
        let application = platform
            .application_when("team-b", "the refusal", refused)
            .await?;
        says(
            &application["status"].to_string(),
            &["team-a", "TeamEnvironmentClaim"],
        )?;
        anyhow::ensure!(platform.claim("team-a", "stolen").await?.is_none());

        let alice = self.alice.as_str();
        let own = platform.clone_as(alice, "own").await?;
        platform
            .push(
                alice,
                &own,
                &[(
                    "environments/team-a/invoices.yaml",
                    &claim_file("team-a", "invoices"),
                )],
            )
            .await?
            .ok()?;
        platform.environment("team-a", "invoices").await?;
        Ok(())
    }

    async fn secret_on_click(&self) -> anyhow::Result<()> {
        let path = "/api/pave/v1/environments/team-a/orders/reveal";
        let refused = self
            .platform
            .call(&self.bob, "POST", path, Some(&json!({})))
            .await?;
        anyhow::ensure!(refused.status == 403, "{refused:?}");
        says(
            &refused.body.to_string(),
            &["secrets", "team-a", "members of group `platform`"],
        )?;
        let revealed = self
            .platform
            .call(&self.alice, "POST", path, Some(&json!({})))
            .await?
            .ok()?;
        for key in ["endpoint", "port", "username", "password", "database", "uri"] {
            anyhow::ensure!(revealed["values"][key].is_string(), "no {key} in {revealed:#}");
        }
        let audit = self.platform.get("/api/pave/v1/audit?limit=50").await?.ok()?;
        let entry = audit["items"].as_array().into_iter().flatten().find(|item| {
            item["action"] == "reveal-secret"
                && item["actor"] == "user:default/alice"
                && item["subject"] == "team-a/orders"
        });
        anyhow::ensure!(entry.is_some(), "{audit:#}");
        let refused = self
            .platform
            .call(&self.bob, "GET", "/api/pave/v1/audit", None)
            .await?;
        anyhow::ensure!(refused.status == 403, "{refused:?}");
        Ok(())
    }
}
