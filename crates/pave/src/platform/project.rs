//! The demo's second project: two repositories with their pipelines, and the connection to the cloud.
//!
//! Repositories are seeded as the first one is; the rest is set up over the REST API of Azure DevOps, as somebody
//! would do it with `az devops` or by hand, and only what is not there yet.

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::bootstrap::Cloud;
use super::demo;

/// Name of the connection that the pipelines of the example name.
const CONNECTION: &str = "azure-local";
/// Azure DevOps' branch policy "Minimum number of reviewers".
const REVIEWERS_POLICY: &str = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd";

/// Sets the project up, as the administrator whose token is given.
pub(crate) struct Project<'a> {
    pub(crate) http: &'a reqwest::Client,
    /// URL of the forge.
    pub(crate) forge: &'a str,
    pub(crate) token: &'a str,
    pub(crate) cloud: Cloud<'a>,
}

impl Project<'_> {
    /// Makes what is missing. The repositories must be there.
    pub(crate) async fn set_up(&self) -> anyhow::Result<()> {
        self.connection()
            .await
            .context("cannot set up the service connection")?;
        for repository in &demo::PIPELINES {
            let name = repository.name;
            self.pipeline(name)
                .await
                .with_context(|| format!("cannot set up the pipeline `{name}`"))?;
            self.reviewers(repository)
                .await
                .with_context(|| format!("cannot set up the branch policy of `{name}`"))?;
        }
        Ok(())
    }

    async fn connection(&self) -> anyhow::Result<()> {
        let path = "serviceendpoint/endpoints";
        if !is_empty(
            &self
                .call(Method::GET, &format!("{path}?endpointNames={CONNECTION}"), None)
                .await?,
        ) {
            return Ok(());
        }
        let project = self.call(Method::GET, "", None).await?;
        let cloud = &self.cloud;
        let body = json!({
            "name": CONNECTION, "type": "AzureRM", "url": format!("{}/", cloud.url.trim_end_matches('/')),
            "data": {
                "environment": "Pave", "scopeLevel": "Subscription", "creationMode": "Manual",
                "subscriptionId": cloud.subscription, "subscriptionName": "Pave",
            },
            "authorization": { "scheme": "ServicePrincipal", "parameters": {
                "tenantid": cloud.tenant, "serviceprincipalid": cloud.client_id,
                "authenticationType": "spnKey", "serviceprincipalkey": cloud.client_secret,
            } },
            "serviceEndpointProjectReferences": [{
                "projectReference": { "id": project["id"], "name": project["name"] }, "name": CONNECTION,
            }],
        });
        self.call(Method::POST, path, Some(&body)).await.map(drop)
    }

    async fn pipeline(&self, name: &str) -> anyhow::Result<()> {
        let path = "build/definitions";
        if !is_empty(
            &self
                .call(Method::GET, &format!("{path}?name={name}"), None)
                .await?,
        ) {
            return Ok(());
        }
        let body = json!({
            "name": name, "path": "\\", "type": "build", "quality": "definition",
            "process": { "type": 2, "yamlFilename": "azure-pipelines.yml" },
            "repository": { "name": name, "type": "TfsGit", "defaultBranch": "refs/heads/main" },
            "queue": { "name": "Azure Pipelines" },
            "triggers": [{ "triggerType": "continuousIntegration", "settingsSourceType": 2 }],
        });
        self.call(Method::POST, path, Some(&body)).await.map(drop)
    }

    async fn reviewers(&self, repository: &demo::Pipeline) -> anyhow::Result<()> {
        let found = self
            .call(
                Method::GET,
                &format!("git/repositories/{}", repository.name),
                None,
            )
            .await?;
        let path = "policy/configurations";
        let known = self.call(Method::GET, path, None).await?;
        let mut scopes = known["value"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| it.pointer("/settings/scope/0/repositoryId"));
        if scopes.any(|id| *id == found["id"]) {
            return Ok(());
        }
        let body = json!({
            "type": { "id": REVIEWERS_POLICY }, "isEnabled": true, "isBlocking": true,
            "settings": {
                "minimumApproverCount": 1, "creatorVoteCounts": repository.own_vote_counts,
                "resetOnSourcePush": true,
                "scope": [{ "repositoryId": found["id"], "refName": "refs/heads/main", "matchKind": "Exact" }],
            },
        });
        self.call(Method::POST, path, Some(&body)).await.map(drop)
    }

    /// A call below the project's `_apis`; without a path, the project itself.
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let (organization, project) = (demo::ORGANIZATION, demo::PIPELINE_PROJECT);
        let url = if path.is_empty() {
            format!("{}/{organization}/_apis/projects/{project}", self.forge)
        } else {
            format!("{}/{organization}/{project}/_apis/{path}", self.forge)
        };
        let mut request = self.http.request(method, &url).bearer_auth(self.token);
        request = request.header("accept", "application/json;api-version=7.1");
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = response.status();
        let answer: Value = response.json().await.unwrap_or_default();
        anyhow::ensure!(
            status.is_success(),
            "{status}: {}",
            answer["message"].as_str().unwrap_or_default()
        );
        Ok(answer)
    }
}

fn is_empty(list: &Value) -> bool {
    list["value"].as_array().is_none_or(Vec::is_empty)
}
