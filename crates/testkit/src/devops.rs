//! The second road in tests: repositories, pull requests and runs over the REST API of Azure DevOps, and the cloud.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use crate::platform::{Answer, Platform};
use crate::wait::wait_for;

/// Longest time for a run with its Terraform steps on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Id of a branch that does not exist yet.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// Steps that run these commands of Terraform in the root of the repository, each named `Terraform <command>`.
#[must_use]
pub fn terraform_steps(commands: &[&str]) -> String {
    let mut text = String::new();
    for command in commands {
        let _ = write!(
            text,
            "- task: TerraformTaskV4@4
  displayName: Terraform {command}
  inputs:
    provider: azurerm
    command: {command}
    backendServiceArm: azure-local
    backendAzureRmResourceGroupName: terraform-state
    backendAzureRmStorageAccountName: terraformstate
    backendAzureRmContainerName: state
    backendAzureRmKey: state.tfstate
    environmentServiceNameAzureRM: azure-local
"
        );
    }
    text
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// `succeeded`, `failed`, `canceled` …
    pub result: String,
    /// All records of its timeline.
    pub records: Vec<Value>,
}

impl Run {
    /// The record of a step, by its display name.
    ///
    /// # Errors
    /// When there is none.
    pub fn step(&self, name: &str) -> anyhow::Result<&Value> {
        let mut steps = self.records.iter().filter(|it| it["type"] == "Task");
        steps
            .find(|it| it["name"] == name)
            .with_context(|| format!("no step `{name}` in {self:#?}"))
    }

    /// The first error of a step that has a place: message, file and line. Without one, the first error.
    ///
    /// # Errors
    /// When the step has no error.
    pub fn error(&self, step: &str) -> anyhow::Result<(String, String)> {
        let record = self.step(step)?;
        let issues = record["issues"].as_array().into_iter().flatten();
        let errors: Vec<&Value> = issues.filter(|it| it["type"] == "error").collect();
        let placed = errors.iter().find(|it| it.pointer("/data/sourcepath").is_some());
        let found = placed
            .or(errors.first())
            .with_context(|| format!("no error in {record:#}"))?;
        let text = |pointer| found.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let place = format!("{}:{}", text("/data/sourcepath"), text("/data/linenumber"));
        Ok((text("/message").to_owned(), place))
    }
}

impl Platform {
    /// Calls Azure DevOps' API of the demo's second project; `path` is what comes after `_apis/`.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn devops(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let glue = if path.contains('?') { '&' } else { '?' };
        let path = format!("/pave/backstage/_apis/{path}{glue}api-version=7.1");
        self.api("/forge/url", token, method, &path, body).await
    }

    /// Calls it as the administrator, and wants success.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn devops_ok(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let answer = self
            .devops(self.text("/forge/token")?, method, path, body)
            .await?;
        answer.ok().with_context(|| format!("{method} {path}"))
    }

    /// Head of a branch, if it exists.
    ///
    /// # Errors
    /// When the forge does not answer.
    pub async fn head(&self, repository: &str, branch: &str) -> anyhow::Result<Option<String>> {
        let path = format!("git/repositories/{repository}/refs?filter=heads/{branch}");
        let found = self.devops_ok("GET", &path, None).await?;
        Ok(found
            .pointer("/value/0/objectId")
            .and_then(Value::as_str)
            .map(str::to_owned))
    }

    /// Pushes whole files in one commit through the API.
    ///
    /// # Errors
    /// When no answer comes; a refusal is an answer.
    pub async fn commit(
        &self,
        token: &str,
        repository: &str,
        branch: &str,
        files: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let head = self.head(repository, branch).await?;
        let mut changes = Vec::new();
        for (path, text) in files {
            let item = format!(
                "git/repositories/{repository}/items?path=/{path}&versionDescriptor.version={branch}"
            );
            let known = self
                .devops(self.text("/forge/token")?, "GET", &item, None)
                .await?;
            let kind = if known.status == 200 { "edit" } else { "add" };
            changes.push(json!({
                "changeType": kind, "item": { "path": format!("/{path}") },
                "newContent": { "content": text, "contentType": "rawtext" },
            }));
        }
        let body = json!({
            "refUpdates": [{ "name": format!("refs/heads/{branch}"), "oldObjectId": head.as_deref().unwrap_or(NOTHING) }],
            "commits": [{ "comment": "A change of a test", "changes": changes }],
        });
        self.devops(
            token,
            "POST",
            &format!("git/repositories/{repository}/pushes"),
            Some(&body),
        )
        .await
    }

    /// Makes a repository with files and a pipeline of the same name on its `azure-pipelines.yml`; gives the pipeline's id.
    ///
    /// # Errors
    /// When a part of it is refused.
    pub async fn pipeline(&self, name: &str, files: &[(&str, &str)]) -> anyhow::Result<i64> {
        let token = self.text("/forge/token")?;
        self.devops_ok("POST", "git/repositories", Some(&json!({ "name": name })))
            .await?;
        self.commit(token, name, "main", files).await?.ok()?;
        let body = json!({ "name": name, "configuration": {
            "type": "yaml", "path": "/azure-pipelines.yml", "repository": { "name": name, "type": "azureReposGit" },
        } });
        let made = self.devops_ok("POST", "pipelines", Some(&body)).await?;
        made["id"].as_i64().context("a pipeline has an id")
    }

    /// Starts a run and gives its number.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn queue(&self, pipeline: i64) -> anyhow::Result<i64> {
        let path = format!("pipelines/{pipeline}/runs");
        let run = self.devops_ok("POST", &path, Some(&json!({}))).await?;
        run["id"].as_i64().context("a run has an id")
    }

    /// Waits for the end of a run.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn run_ended(&self, id: i64) -> anyhow::Result<Run> {
        let path = format!("build/builds/{id}");
        let result = wait_for(PATIENCE, &format!("run {id} to end"), async || {
            let build = self.devops_ok("GET", &path, None).await.ok()?;
            (build["status"] == "completed").then(|| build["result"].as_str().unwrap_or_default().to_owned())
        })
        .await?;
        let records = self.records(id).await?;
        Ok(Run { id, result, records })
    }

    /// Starts a run, waits for its end, and wants this result.
    ///
    /// # Errors
    /// When it ends otherwise; the error holds the timeline.
    pub async fn run_to(&self, pipeline: i64, result: &str) -> anyhow::Result<Run> {
        let run = self.run_ended(self.queue(pipeline).await?).await?;
        anyhow::ensure!(run.result == result, "not {result}: {run:#?}");
        Ok(run)
    }

    /// The timeline of a run as it is now.
    ///
    /// # Errors
    /// When there is none.
    pub async fn records(&self, run: i64) -> anyhow::Result<Vec<Value>> {
        let timeline = self
            .devops_ok("GET", &format!("build/builds/{run}/timeline"), None)
            .await?;
        Ok(timeline["records"].as_array().cloned().unwrap_or_default())
    }

    /// The log of a step.
    ///
    /// # Errors
    /// When the run has no such step, or the step no log.
    pub async fn step_log(&self, run: &Run, step: &str) -> anyhow::Result<String> {
        let log = &run.step(step)?["log"]["id"];
        let text = self
            .devops_ok("GET", &format!("build/builds/{}/logs/{log}", run.id), None)
            .await?;
        Ok(text.as_str().context("a log is text")?.to_owned())
    }

    /// A token for the cloud, as any service principal gets one.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn cloud_token(&self) -> anyhow::Result<String> {
        let text = |pointer: &str| self.text(pointer).map(str::to_owned);
        let url = format!(
            "{}/{}/oauth2/v2.0/token",
            text("/azure/url")?,
            text("/azure/tenant")?
        );
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", text("/azure/clientId")?),
            ("client_secret", text("/azure/clientSecret")?),
            ("scope", format!("{}/.default", text("/azure/url")?)),
        ];
        let answer: Value = self.http().post(url).form(&form).send().await?.json().await?;
        Ok(answer["access_token"]
            .as_str()
            .with_context(|| answer.to_string())?
            .to_owned())
    }

    /// Calls the cloud; `path` is what comes after the subscription, with its `api-version`.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn cloud(&self, method: &str, path: &str) -> anyhow::Result<Answer> {
        let token = self.cloud_token().await?;
        let path = format!("/subscriptions/{}/{path}", self.text("/azure/subscription")?);
        self.api("/azure/url", &token, method, &path, None).await
    }
}
