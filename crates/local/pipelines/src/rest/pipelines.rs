//! `pipelines`: the new area of definitions, and its runs.

use http::Method;
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Value, json};

use super::definitions::seen::by_name;
use super::definitions::{allow, create, find, visible};
use super::listing::page_of;
use super::shape::Links;
use super::{Answer, list, logs, nothing, ok, text, top};
use crate::engine::queue::{Wish, prepare, queue, refusal};
use crate::engine::resources::Asked;
use crate::pipelines::Pipelines;
use crate::run::Run;
use crate::store::Stored;
use crate::things::Definition;

/// `pipelines`: the new area.
pub(crate) async fn pipelines(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let mut all = visible(pipelines, request).await?;
            // "name asc" when nothing is said; there is nothing else to order by.
            let order = request.parameter("orderBy").unwrap_or_default().to_lowercase();
            by_name(&mut all, order.trim().ends_with("desc"));
            page_of(request, all.iter().map(|it| links.pipeline(it)).collect(), 1000)
        }
        (&Method::POST, []) => {
            let body = request.json()?;
            let repository = body
                .pointer("/configuration/repository")
                .cloned()
                .unwrap_or_default();
            let yaml = text(&body, "/configuration/path")
                .unwrap_or("azure-pipelines.yml")
                .to_owned();
            let folder = text(&body, "/folder").unwrap_or("\\").to_owned();
            let stored = create(pipelines, request, &body, &repository, &yaml, &folder).await?;
            ok(links.pipeline(&stored))
        }
        (_, [number, rest @ ..]) => {
            let stored = find(pipelines, request, number).await?;
            one(pipelines, request, &stored, rest).await
        }
        _ => Err(nothing(request)),
    }
}

async fn one(
    pipelines: &Pipelines,
    request: &AreaRequest,
    stored: &Stored<Definition>,
    rest: &[&str],
) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    match (&request.method, rest) {
        (&Method::GET, []) => ok(links.pipeline(stored)),
        (&Method::GET, ["runs"]) => {
            let runs = pipelines
                .store()
                .runs(stored.body.project.id, vec![stored.id], top(request, 10_000))
                .await?;
            list(runs.iter().map(|run| shown(&links, stored, run)).collect())
        }
        (&Method::POST, ["runs"]) => run(pipelines, request, stored, false).await,
        (&Method::POST, ["preview"]) => run(pipelines, request, stored, true).await,
        (&Method::GET, ["runs", number]) => {
            let run = run_of(pipelines, request, stored, number).await?;
            ok(shown(&links, stored, &run))
        }
        (&Method::GET, ["runs", number, "artifacts"]) => {
            let run = run_of(pipelines, request, stored, number).await?;
            super::artifacts::of_pipelines(request, &run)
        }
        (&Method::GET, ["runs", number, "logs", rest @ ..]) => {
            let run = run_of(pipelines, request, stored, number).await?;
            logs::of_pipelines(pipelines, request, &run, rest)
        }
        _ => Err(nothing(request)),
    }
}

async fn run(
    pipelines: &Pipelines,
    request: &AreaRequest,
    stored: &Stored<Definition>,
    preview: bool,
) -> Answer {
    let body = if request.body.is_empty() {
        json!({})
    } else {
        request.json()?
    };
    let preview = preview || body.get("previewRun").and_then(Value::as_bool) == Some(true);
    let verb = if preview { "get" } else { "queue" };
    allow(pipelines, request, verb, &stored.body).await?;
    let resource = body
        .pointer("/resources/repositories/self")
        .cloned()
        .unwrap_or_default();
    let wish = Wish {
        branch: text(&resource, "/refName").unwrap_or_default().to_owned(),
        version: text(&resource, "/version").unwrap_or_default().to_owned(),
        reason: "manual".to_owned(),
        parameters: parameters(&body),
        variables: variables(&body),
        stages_to_skip: strings(&body, "stagesToSkip"),
        text: text(&body, "/yamlOverride")
            .filter(|_| preview)
            .map(str::to_owned),
        pipelines: asked(&body, "pipelines"),
        repositories: asked(&body, "repositories"),
        ..Wish::default()
    };
    let links = Links {
        base: &request.base_url,
    };
    if preview {
        let prepared = prepare(pipelines, stored, &wish).await?;
        let Some(plan) = prepared
            .plan
            .filter(|_| !pave_diagnostic::has_errors(&prepared.diagnostics))
        else {
            return Err(refusal(&prepared.diagnostics));
        };
        return ok(json!({
            "id": -1, "name": null, "state": "unknown", "finalYaml": plan.final_yaml, "templateParameters": wish.parameters.into_iter().collect::<serde_json::Map<_, _>>(),
            "pipeline": links.pipeline(stored), "diagnostics": prepared.diagnostics,
            "parameters": prepared.parameters,
        }));
    }
    if stored.body.queue_status == "disabled" {
        return Err(AreaError::bad_request(format!(
            "Pipeline {} is disabled.",
            stored.body.name
        )));
    }
    let run = queue(pipelines, stored, &request.principal, wish, false).await?;
    ok(shown(&links, stored, &run))
}

/// A run of this pipeline; one of another is not found here.
async fn run_of(
    pipelines: &Pipelines,
    request: &AreaRequest,
    stored: &Stored<Definition>,
    number: &str,
) -> Result<Run, AreaError> {
    let run = super::builds::find(pipelines, request, number).await?;
    if run.definition != stored.id {
        let words = format!("Pipeline {} has no run {number}.", stored.body.name);
        return Err(AreaError::not_found(words));
    }
    Ok(run)
}

/// A run, with the folder that its pipeline is in now.
fn shown(links: &Links<'_>, stored: &Stored<Definition>, run: &Run) -> Value {
    let mut shape = links.run(run);
    if stored.id == run.definition {
        shape["pipeline"]["folder"] = json!(stored.body.path);
        shape["pipeline"]["revision"] = json!(stored.body.revision);
    }
    shape
}

/// Versions of resources that a run is asked to use; `self` is the branch of the run.
fn asked(body: &Value, kind: &str) -> Vec<Asked> {
    let given = body
        .pointer(&format!("/resources/{kind}"))
        .and_then(Value::as_object);
    let one = |(alias, it): (&String, &Value)| Asked {
        alias: alias.clone(),
        reference: text(it, "/refName").unwrap_or_default().to_owned(),
        version: text(it, "/version").unwrap_or_default().to_owned(),
    };
    let others = given.into_iter().flatten().filter(|(alias, _)| *alias != "self");
    others.map(one).collect()
}

pub(super) fn parameters(body: &Value) -> Vec<(String, Value)> {
    let given = body.get("templateParameters").and_then(Value::as_object);
    given
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn variables(body: &Value) -> Vec<(String, String, bool)> {
    let given = body.get("variables").and_then(Value::as_object);
    let one = |(name, value): (&String, &Value)| {
        let secret = value.get("isSecret").and_then(Value::as_bool).unwrap_or(false);
        let value = value.get("value").unwrap_or(value);
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), plain, secret)
    };
    given.into_iter().flatten().map(one).collect()
}

fn strings(body: &Value, key: &str) -> Vec<String> {
    let list = body.get(key).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}
