//! `azure:pipeline:*`: definitions and runs of pipelines.

use std::time::Duration;

use http::Method;
use pave_hosts::devops::{DevOps, DevOpsError};
use serde_json::{Map, Value, json};

use super::super::publishing::credential;
use crate::action::{ActionContext, ActionError, Outputs};

const CLOUD: &str = "dev.azure.com";
const VERSION: (&str, &str) = ("api-version", "7.1-preview.1");
/// How long a run is waited for when the template does not say.
const PATIENCE: f64 = 3600.0;

/// The organization's client, and the project.
async fn client<'c>(context: &'c ActionContext<'_>) -> Result<(DevOps, &'c str), ActionError> {
    let host = context.text("host").or(context.text("server")).unwrap_or(CLOUD);
    let organization = context.text("organization").unwrap_or_default();
    let project = context.text("project").unwrap_or_default();
    let plain = DevOps::new(context.http.clone(), host, organization, None)?;
    // Credentials are chosen by repository URLs; any of the project will do.
    let mut url = plain.base().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend([project, "_git", project]);
    }
    let credential = credential(context, &url).await?;
    Ok((
        DevOps::new(context.http.clone(), host, organization, credential)?,
        project,
    ))
}

/// Output `null` for a dry run: nothing outside is touched, and nothing is known.
async fn would(context: &ActionContext<'_>, what: &str, outputs: Value) -> Outputs {
    context.log(&format!("Would {what}")).await;
    outputs.as_object().cloned().unwrap_or_default()
}

pub(super) async fn create(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let either = |one: &str, other: &str| {
        context
            .text(one)
            .or(context.text(other))
            .ok_or_else(|| ActionError::input(format!("`{one}` (or `{other}`) is required")))
    };
    let name = either("name", "pipelineName")?;
    let repository = either("repositoryName", "repository").or(either("repositoryId", "repository"))?;
    let folder = context
        .text("folder")
        .or(context.text("pipelineFolder"))
        .unwrap_or("\\");
    let path = context
        .text("yamlPath")
        .or(context.text("pipelineYamlFile"))
        .unwrap_or("/azure-pipelines.yaml");
    if context.dry_run {
        let outputs = json!({ "pipelineId": "0", "pipelineUrl": "<example>" });
        return Ok(would(context, &format!("create the pipeline {name} on {path}"), outputs).await);
    }
    let (client, project) = client(context).await?;
    let id = match context.text("repositoryId") {
        Some(id) => id.to_owned(),
        None => client.repository(project, repository).await?.id,
    };
    let body = json!({
        "name": name,
        "folder": folder,
        "configuration": {
            "type": "yaml",
            "path": path,
            "repository": { "id": id, "name": repository, "type": "azureReposGit" },
        },
    });
    let segments = [project, "_apis", "pipelines"];
    let created = client
        .call(Method::POST, &segments, &[VERSION], Some(&body))
        .await;
    let pipeline = match created {
        Ok(pipeline) => pipeline,
        // An interrupted run of this step made it, or somebody else under the same name; which one, its file tells.
        Err(error @ DevOpsError::Conflict { .. }) => {
            find(&client, project, name, path).await?.ok_or(error)?
        }
        Err(error) => return Err(error.into()),
    };
    let page = pipeline["_links"]["web"]["href"]
        .as_str()
        .or(pipeline["url"].as_str())
        .unwrap_or_default()
        .to_owned();
    let id = pipeline["id"].to_string().trim_matches('"').to_owned();
    context
        .log(&format!("Pipeline {name} has the id {id}: {page}"))
        .await;
    Ok(Map::from_iter([
        ("pipelineId".to_owned(), Value::from(id)),
        ("pipelineUrl".to_owned(), Value::from(page)),
    ]))
}

async fn find(client: &DevOps, project: &str, name: &str, path: &str) -> Result<Option<Value>, DevOpsError> {
    let all = client
        .call(Method::GET, &[project, "_apis", "pipelines"], &[VERSION], None)
        .await?;
    let mut known = all["value"].as_array().into_iter().flatten();
    let Some(known) = known.rfind(|known| known["name"] == name) else {
        return Ok(None);
    };
    let id = known["id"].to_string();
    let found = client
        .call(
            Method::GET,
            &[project, "_apis", "pipelines", &id],
            &[VERSION],
            None,
        )
        .await?;
    let same = |found: &str| found.trim_start_matches('/') == path.trim_start_matches('/');
    let is_ours = found["configuration"]["path"].as_str().is_none_or(same);
    Ok(is_ours.then_some(found))
}

pub(super) async fn permit(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let text = |key: &str| context.text(key).unwrap_or_default();
    let (kind, resource, pipeline) = (text("resourceType"), text("resourceId"), text("pipelineId"));
    let authorized = context
        .input
        .get("authorized")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    if context.dry_run {
        let what = format!("let pipeline {pipeline} use {kind} {resource}: {authorized}");
        return Ok(would(context, &what, json!({})).await);
    }
    let (client, project) = client(context).await?;
    let id = pipeline
        .parse::<u64>()
        .map_or_else(|_| Value::from(pipeline), Value::from);
    let body = json!({ "pipelines": [{ "id": id, "authorized": authorized }] });
    let segments = [
        project,
        "_apis",
        "pipelines",
        "pipelinePermissions",
        kind,
        resource,
    ];
    client
        .call(Method::PATCH, &segments, &[VERSION], Some(&body))
        .await?;
    context
        .log(&format!(
            "Pipeline {pipeline} may {}use {kind} {resource}",
            if authorized { "" } else { "not " }
        ))
        .await;
    Ok(Map::new())
}

pub(super) async fn run(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let pipeline = context.text("pipelineId").unwrap_or_default();
    if context.dry_run {
        let outputs = json!({ "pipelineRunUrl": "<example>", "pipelineRunId": 0, "pipelineRunStatus": "unknown", "pipelineTimeoutExceeded": false });
        return Ok(would(context, &format!("run pipeline {pipeline}"), outputs).await);
    }
    let (client, project) = client(context).await?;
    let mut body = json!({});
    if let Some(branch) = context.text("branch") {
        let branch = format!("refs/heads/{}", branch.trim_start_matches("refs/heads/"));
        body["resources"] = json!({ "repositories": { "self": { "refName": branch } } });
    }
    let parameters = ["templateParameters", "pipelineParameters"];
    if let Some(parameters) = parameters.iter().find_map(|key| context.input.get(*key)) {
        body["templateParameters"] = parameters.clone();
    }
    let segments = [project, "_apis", "pipelines", pipeline, "runs"];
    let mut run = client
        .call(Method::POST, &segments, &[VERSION], Some(&body))
        .await?;
    let id = run["id"].as_u64().unwrap_or_default();
    let page = run["_links"]["web"]["href"]
        .as_str()
        .or(run["url"].as_str())
        .unwrap_or_default()
        .to_owned();
    context.log(&format!("Run {id} has begun: {page}")).await;
    let seconds = |key: &str| context.input.get(key).and_then(Value::as_f64);
    let pause = seconds("pollingInterval").unwrap_or(0.0);
    let started = std::time::Instant::now();
    let patience = Duration::from_secs_f64(
        seconds("pipelineTimeout")
            .unwrap_or(PATIENCE)
            .clamp(0.0, 86_400.0),
    );
    let mut exceeded = false;
    if pause > 0.0 {
        let id = id.to_string();
        while run["state"] != "completed" {
            exceeded = started.elapsed() > patience;
            if exceeded || context.cancelled.is_cancelled() {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs_f64(pause.clamp(0.2, 3600.0))) => {}
                () = context.cancelled.cancelled() => {}
            }
            let segments = [project, "_apis", "pipelines", pipeline, "runs", &id];
            run = client.call(Method::GET, &segments, &[VERSION], None).await?;
        }
    }
    let status = run["result"].as_str().unwrap_or("unknown").to_owned();
    context.log(&format!("Run {id}: {status}")).await;
    if context.flag("failIfNotSuccessful") && pause > 0.0 && status != "succeeded" {
        return Err(ActionError::new(
            "Error",
            format!("run {id} of pipeline {pipeline} is {status}: {page}"),
        ));
    }
    Ok(Map::from_iter([
        ("pipelineRunUrl".to_owned(), Value::from(page)),
        ("pipelineRunId".to_owned(), Value::from(id)),
        ("pipelineRunStatus".to_owned(), Value::from(status)),
        ("pipelineTimeoutExceeded".to_owned(), Value::from(exceeded)),
        ("pipelineOutput".to_owned(), run["variables"].clone()),
    ]))
}
