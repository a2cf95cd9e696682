//! The demo's road, as tests walk it: ask for an environment, wait for it, log in to it, see it go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::platform::{Answer, Platform};
use crate::processes::servers_below;
use crate::wait::wait_for;

/// Longest time for anything that the engines bring about, on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Path of the demo's claims of a namespace in the Kubernetes API.
fn claims(namespace: &str) -> String {
    format!("/apis/platform.example.com/v1alpha1/namespaces/{namespace}/teamenvironmentclaims")
}

/// A claim as the template writes it; login and database have fixed names.
#[must_use]
pub fn claim_file(namespace: &str, name: &str) -> String {
    format!(
        "apiVersion: platform.example.com/v1alpha1
kind: TeamEnvironmentClaim
metadata:
  name: {name}
  namespace: {namespace}
spec:
  compositionSelector:
    matchLabels:
      env: azure-dev
  dbName: {name}
  dbUser: {user}
  writeConnectionSecretToRef:
    name: {name}-connection
",
        user = format!("{name}_admin").replace('-', "_"),
    )
}

impl Platform {
    /// Starts the demo's template as somebody and gives the task's id.
    ///
    /// # Errors
    /// When the portal does not accept the request.
    pub async fn request(&self, token: &str, values: &Value) -> anyhow::Result<String> {
        let body = json!({ "templateRef": "template:default/create-team-environment", "values": values });
        let answer = self
            .call(token, "POST", "/api/scaffolder/v2/tasks", Some(&body))
            .await?
            .ok()?;
        Ok(answer["id"].as_str().context("a task has an id")?.to_owned())
    }

    /// All events of a task, read from its stream, which ends with the task.
    ///
    /// # Errors
    /// When the stream does not end in time.
    pub async fn task_events(&self, token: &str, task: &str) -> anyhow::Result<Vec<Value>> {
        let path = format!("/api/scaffolder/v2/tasks/{task}/eventstream");
        let stream = tokio::time::timeout(PATIENCE, self.call(token, "GET", &path, None));
        let answer = stream.await.context("the event stream did not end")??.ok()?;
        let text = answer.as_str().context("an event stream is no JSON")?;
        text.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).context("an event is JSON"))
            .collect()
    }

    /// Calls the Kubernetes API as the administrator.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn cluster(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        self.api("/cluster/url", self.text("/portal/token")?, method, path, body)
            .await
    }

    /// A claim, or nothing.
    ///
    /// # Errors
    /// When the cluster answers neither.
    pub async fn claim(&self, namespace: &str, name: &str) -> anyhow::Result<Option<Value>> {
        let answer = self
            .cluster("GET", &format!("{}/{name}", claims(namespace)), None)
            .await?;
        if answer.status == 404 {
            Ok(None)
        } else {
            answer.ok().map(Some)
        }
    }

    /// Objects of a kind by the collection's path.
    ///
    /// # Errors
    /// When the cluster does not list them.
    pub async fn objects(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let list = self.cluster("GET", path, None).await?.ok()?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until a claim satisfies a condition; an error shows the last state of the claim.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn claim_when(
        &self,
        namespace: &str,
        name: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let mut last = Value::Null;
        let found = wait_for(PATIENCE, what, async || {
            last = self.claim(namespace, name).await.ok()??;
            holds(&last).then(|| last.clone())
        });
        let found = found.await;
        found.with_context(|| {
            format!(
                "claim {namespace}/{name} is {last:#}; the log ends:\n{}",
                self.log_tail()
            )
        })
    }

    /// Waits until an environment is ready and its secret complete, and gives the connection's values.
    ///
    /// # Errors
    /// When it does not become ready in time.
    pub async fn environment(&self, namespace: &str, name: &str) -> anyhow::Result<BTreeMap<String, String>> {
        self.claim_when(namespace, name, "a ready environment", |claim| {
            condition(claim, "Ready")["status"] == "True"
        })
        .await?;
        self.connection(namespace, &format!("{name}-connection")).await
    }

    /// The values of a secret, read by `kubectl`.
    ///
    /// # Errors
    /// When there is no such secret.
    pub async fn connection(
        &self,
        namespace: &str,
        secret: &str,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let arguments = [
            "get",
            "secret",
            secret,
            "--namespace",
            namespace,
            "--output",
            "json",
        ];
        let secret = self.kubectl(&arguments).await?.json()?;
        let data = secret["data"].as_object().context("a secret has data")?;
        data.iter()
            .map(|(key, value)| {
                let bytes = STANDARD.decode(value.as_str().unwrap_or_default())?;
                Ok((key.clone(), String::from_utf8(bytes)?))
            })
            .collect()
    }

    /// An Application of the demo.
    ///
    /// # Errors
    /// When there is none.
    pub async fn application(&self, name: &str) -> anyhow::Result<Value> {
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{name}");
        self.cluster("GET", &path, None).await?.ok()
    }

    /// Waits until an Application satisfies a condition; an error shows its last status.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn application_when(
        &self,
        name: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let mut last = Value::Null;
        let found = wait_for(PATIENCE, what, async || {
            last = self.application(name).await.ok()?;
            holds(&last).then(|| last.clone())
        });
        let found = found.await;
        found.with_context(|| format!("Application {name}: {:#}", last["status"]))
    }

    /// Data directories of the PostgreSQL servers that run for this platform.
    #[must_use]
    pub fn servers(&self) -> Vec<(i32, PathBuf)> {
        servers_below(self.scratch())
    }

    /// Clones the demo's repository as somebody into a directory below the scratch directory.
    ///
    /// # Errors
    /// When git does not.
    pub async fn clone_as(&self, token: &str, directory: &str) -> anyhow::Result<PathBuf> {
        let arguments = ["clone", "--quiet", &self.repository()?, directory];
        self.git_as(token, self.scratch(), &arguments).await?.ok()?;
        Ok(self.scratch().join(directory))
    }

    /// Writes files, commits and pushes; gives what the push said.
    ///
    /// # Errors
    /// When anything before the push fails.
    pub async fn push(
        &self,
        token: &str,
        clone: &Path,
        files: &[(&str, &str)],
    ) -> anyhow::Result<crate::program::Finished> {
        self.git_as(token, clone, &["fetch", "--quiet"]).await?.ok()?;
        self.git_as(token, clone, &["reset", "--quiet", "--hard", "origin/main"])
            .await?
            .ok()?;
        for (path, text) in files {
            std::fs::write(clone.join(path), text).with_context(|| format!("cannot write `{path}`"))?;
        }
        self.git_as(token, clone, &["add", "--all"]).await?.ok()?;
        self.git_as(token, clone, &["commit", "--quiet", "--message", "By hand"])
            .await?
            .ok()?;
        self.git_as(token, clone, &["push", "origin", "HEAD:main"]).await
    }
}

/// A condition of an object by type; null when there is none.
#[must_use]
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    object["status"]["conditions"]
        .as_array()
        .and_then(|conditions| conditions.iter().find(|condition| condition["type"] == kind))
        .unwrap_or(&Value::Null)
}

/// All messages of an object's conditions as one text.
#[must_use]
pub fn words(object: &Value) -> String {
    let conditions = object["status"]["conditions"].as_array();
    let messages = conditions
        .into_iter()
        .flatten()
        .filter_map(|condition| condition["message"].as_str());
    messages.collect::<Vec<_>>().join("\n")
}
