//! Builds: queueing, listing, cancelling, their timeline, artifacts and attachments.

use axum::response::IntoResponse as _;
use http::{Method, header};
use pave_devops::{AreaError, AreaRequest};
use pave_pipeline::Outcome;
use serde_json::{Value, json};

use super::shape::{Links, build_result, encoded, status};
use super::{
    Answer, definitions, empty, id, list, logs, nothing, number, ok, permissions, project, text, top,
};
use crate::access::Realm;
use crate::engine::queue::{Wish, queue};
use crate::engine::{cancel, save};
use crate::pipelines::Pipelines;
use crate::run::Run;
use crate::zip::Archive;

/// `build`.
pub(crate) async fn serve(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    match (&request.method, rest) {
        (_, ["definitions", rest @ ..]) => definitions::definitions(pipelines, request, rest).await,
        (_, ["authorizedresources"]) => permissions(request),
        (&Method::GET, ["builds"]) => listed(pipelines, request).await,
        (&Method::POST, ["builds"]) => queued(pipelines, request).await,
        (&Method::GET, ["builds", number]) => ok(links.build(&find(pipelines, request, number).await?)),
        (&Method::PATCH, ["builds", number]) => changed(pipelines, request, number).await,
        (_, ["builds", number, rest @ ..]) => {
            let run = find(pipelines, request, number).await?;
            part(pipelines, request, &run, rest).await
        }
        _ => Err(nothing(request)),
    }
}

async fn part(pipelines: &Pipelines, request: &AreaRequest, run: &Run, rest: &[&str]) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    match (&request.method, rest) {
        (&Method::GET, ["timeline", ..]) => ok(links.timeline(run)),
        (&Method::GET, ["logs", rest @ ..]) => logs::of_build(pipelines, request, run, rest),
        (&Method::GET, ["artifacts"]) => artifacts(pipelines, request, run),
        (&Method::GET, ["attachments", _]) => {
            let category = request.tail.last().map(String::as_str).unwrap_or_default();
            attachments(request, run, category)
        }
        (&Method::GET, [_, record, "attachments", _, _]) => attachment(pipelines, request, run, record),
        (&Method::PATCH, ["stages", stage]) => stages(pipelines, request, run, stage).await,
        (&Method::GET, ["tags"]) => list(run.tags.iter().map(|tag| json!(tag)).collect()),
        (&Method::PUT, ["tags", _]) => tag(pipelines, request, run).await,
        (&Method::GET, ["changes" | "workitems"]) => list(vec![json!({
            "id": run.version, "message": run.message.lines().next(), "type": "TfsGit",
        })]),
        _ => Err(nothing(request)),
    }
}

/// A run of this project that the person may see.
pub(crate) async fn find(
    pipelines: &Pipelines,
    request: &AreaRequest,
    number: &str,
) -> Result<Run, AreaError> {
    let project = project(request)?;
    let missing = || {
        AreaError::new(
            http::StatusCode::NOT_FOUND,
            "BuildNotFoundException",
            format!("The requested build {number} could not be found."),
        )
    };
    let run = pipelines
        .run(id(number)?)
        .await?
        .filter(|run| run.project.id == project.id)
        .ok_or_else(missing)?;
    pipelines
        .check(
            &request.principal,
            "get",
            Realm::Pipelines,
            &run.project,
            &run.definition_name,
        )
        .await?;
    Ok(run)
}

async fn allow(pipelines: &Pipelines, request: &AreaRequest, run: &Run) -> Result<(), AreaError> {
    pipelines
        .check(
            &request.principal,
            "queue",
            Realm::Pipelines,
            &run.project,
            &run.definition_name,
        )
        .await
}

async fn listed(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let project = project(request)?;
    let links = Links {
        base: &request.base_url,
    };
    let numbers = |key: &str| -> Vec<i64> {
        let given = request.parameter(key).unwrap_or_default();
        given.split(',').filter_map(|it| it.trim().parse().ok()).collect()
    };
    let ids = numbers("buildIds");
    let most = top(request, 1000);
    let runs = pipelines
        .store()
        .runs(project.id, numbers("definitions"), usize::MAX)
        .await?;
    let mut seen: std::collections::HashMap<String, bool> = std::collections::HashMap::new();
    let mut found = Vec::new();
    for stored in runs {
        if !ids.is_empty() && !ids.contains(&stored.id) {
            continue;
        }
        let run = match pipelines.active(stored.id) {
            Some(active) => active.lock().await.clone(),
            None => stored,
        };
        if !matches(request, &run) {
            continue;
        }
        let known = seen.get(&run.definition_name).copied();
        let allowed = if let Some(allowed) = known {
            allowed
        } else {
            let name = run.definition_name.clone();
            let verdict = pipelines
                .allows(&request.principal, "get", Realm::Pipelines, project, &name)
                .await;
            seen.insert(name, verdict.is_ok());
            verdict.is_ok()
        };
        if allowed {
            found.push(links.build(&run));
            if found.len() >= most {
                break;
            }
        }
    }
    if request
        .parameter("queryOrder")
        .is_some_and(|it| it.to_lowercase().ends_with("ascending"))
    {
        found.reverse();
    }
    list(found)
}

/// Whether a run passes the filters of the query. Enumerations come as words or as numbers.
fn matches(request: &AreaRequest, run: &Run) -> bool {
    let filter = |key: &str, own: &str, numbers: &[(&str, &str)]| {
        let Some(given) = request.parameter(key).filter(|it| !it.is_empty()) else {
            return true;
        };
        given.split(',').map(str::trim).any(|wanted| {
            let number = numbers
                .iter()
                .find(|(number, _)| *number == wanted)
                .map(|(_, word)| *word);
            let wanted = number.unwrap_or(wanted);
            wanted.eq_ignore_ascii_case(own) || wanted.eq_ignore_ascii_case("all")
        })
    };
    let result = run.result.map(build_result).unwrap_or_default();
    let statuses = [
        ("1", "inProgress"),
        ("2", "completed"),
        ("4", "cancelling"),
        ("8", "postponed"),
        ("32", "notStarted"),
        ("47", "all"),
    ];
    let results = [
        ("2", "succeeded"),
        ("4", "partiallySucceeded"),
        ("8", "failed"),
        ("32", "canceled"),
    ];
    let reasons = [
        ("1", "manual"),
        ("2", "individualCI"),
        ("4", "batchedCI"),
        ("8", "schedule"),
        ("256", "pullRequest"),
    ];
    let branch = request.parameter("branchName").filter(|it| !it.is_empty());
    let branch = branch.is_none_or(|it| it == run.branch || format!("refs/heads/{it}") == run.branch);
    let minimum = request
        .parameter("minTime")
        .is_none_or(|time| run.queued_at.as_str() >= time);
    filter("statusFilter", status(run), &statuses)
        && filter("resultFilter", result, &results)
        && filter("reasonFilter", &run.reason, &reasons)
        && filter("buildNumber", &run.number, &[])
        && filter("repositoryId", &run.repository.id.to_string(), &[])
        && branch
        && minimum
}

async fn queued(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let body = request.json()?;
    let Some(definition) = number(&body, "/definition/id") else {
        return Err(AreaError::bad_request("A build needs `definition.id`."));
    };
    let stored = definitions::find(pipelines, request, &definition.to_string()).await?;
    pipelines
        .check(
            &request.principal,
            "queue",
            Realm::Pipelines,
            &stored.body.project,
            &stored.body.name,
        )
        .await?;
    // `parameters` is JSON in a text: variables of the run.
    let variables: Value = serde_json::from_str(text(&body, "/parameters").unwrap_or("{}"))
        .map_err(|error| AreaError::bad_request(format!("`parameters` is not JSON: {error}.")))?;
    let variables = variables.as_object().into_iter().flatten();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let wish = Wish {
        branch: text(&body, "/sourceBranch").unwrap_or_default().to_owned(),
        version: text(&body, "/sourceVersion").unwrap_or_default().to_owned(),
        reason: "manual".to_owned(),
        parameters: definitions::parameters(&body),
        variables: variables
            .map(|(name, value)| (name.clone(), plain(value), false))
            .collect(),
        ..Wish::default()
    };
    let run = queue(pipelines, &stored, &request.principal, wish, false).await?;
    ok(Links {
        base: &request.base_url,
    }
    .build(&run))
}

async fn changed(pipelines: &Pipelines, request: &AreaRequest, number: &str) -> Answer {
    let run = find(pipelines, request, number).await?;
    allow(pipelines, request, &run).await?;
    let body = request.json()?;
    let links = Links {
        base: &request.base_url,
    };
    if request
        .parameter("retry")
        .is_some_and(|it| it.eq_ignore_ascii_case("true"))
    {
        return retried(pipelines, request, &run).await;
    }
    let wanted = body.get("status").cloned().unwrap_or_default();
    if wanted.as_i64() == Some(4)
        || wanted
            .as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case("cancelling"))
    {
        let shared = pipelines.shared()?;
        return match cancel::cancel(&shared, run.id).await? {
            Some(run) => ok(links.build(&run)),
            None => Err(AreaError::new(
                http::StatusCode::CONFLICT,
                "BuildStatusInvalidChangeException",
                format!("Build {} has ended already.", run.id),
            )),
        };
    }
    Err(AreaError::bad_request(
        "Of a build only `status: cancelling` can be set.",
    ))
}

/// All stages that failed, once more.
async fn retried(pipelines: &Pipelines, request: &AreaRequest, run: &Run) -> Answer {
    let shared = pipelines.shared()?;
    let failed = run
        .stages
        .iter()
        .find(|it| matches!(it.outcome, Some(Outcome::Failed | Outcome::Canceled)));
    let Some(stage) = failed else {
        return Err(AreaError::bad_request(format!(
            "Build {} has no stage that failed.",
            run.id
        )));
    };
    cancel::retry(&shared, run.id, &stage.name, false).await?;
    let now = find(pipelines, request, &run.id.to_string()).await?;
    ok(Links {
        base: &request.base_url,
    }
    .build(&now))
}

async fn stages(pipelines: &Pipelines, request: &AreaRequest, run: &Run, stage: &str) -> Answer {
    allow(pipelines, request, run).await?;
    let body = request.json()?;
    let shared = pipelines.shared()?;
    let wanted = body.get("state").cloned().unwrap_or_default();
    let word = wanted.as_str().map(str::to_lowercase).unwrap_or_default();
    let all = body
        .get("forceRetryAllJobs")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let done = match (word.as_str(), wanted.as_i64()) {
        ("retry", _) | (_, Some(1)) => cancel::retry(&shared, run.id, stage, all).await?,
        ("run" | "start", _) => cancel::release(&shared, run.id, stage).await?,
        ("cancel", _) | (_, Some(0)) => cancel::cancel(&shared, run.id).await?.is_some(),
        _ => {
            return Err(AreaError::bad_request(
                "`state` of a stage is `retry`, `run` or `cancel`.",
            ));
        }
    };
    if done {
        return empty();
    }
    let names: Vec<&str> = run.stages.iter().map(|it| it.name.as_str()).collect();
    let words = format!(
        "Stage `{stage}` of build {} is not in a state for that; stages are: {}.",
        run.id,
        names.join(", ")
    );
    Err(AreaError::bad_request(words))
}

async fn tag(pipelines: &Pipelines, request: &AreaRequest, run: &Run) -> Answer {
    allow(pipelines, request, run).await?;
    let tag = request.tail.last().cloned().unwrap_or_default();
    let mut now = run.clone();
    if let Some(active) = pipelines.active(run.id) {
        let mut run = active.lock().await;
        run.tags.push(tag);
        save(pipelines, &mut run).await?;
        now = run.clone();
    } else {
        now.tags.push(tag);
        save(pipelines, &mut now).await?;
    }
    list(now.tags.iter().map(|tag| json!(tag)).collect())
}

fn artifacts(pipelines: &Pipelines, request: &AreaRequest, run: &Run) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    let wanted = request.parameter("artifactName");
    let shape = |it: &crate::run::Artifact| {
        let path = format!(
            "build/builds/{}/artifacts?artifactName={}&api-version=7.1",
            run.id,
            encoded(&it.name)
        );
        let url = links.api(&run.project, &path);
        json!({
            "id": it.id, "name": it.name, "source": it.job,
            "resource": {"type": "PipelineArtifact", "data": it.name, "url": url, "downloadUrl": format!("{url}&$format=zip")},
        })
    };
    let Some(wanted) = wanted else {
        return list(run.artifacts.iter().map(shape).collect());
    };
    let Some(found) = run
        .artifacts
        .iter()
        .rev()
        .find(|it| it.name.eq_ignore_ascii_case(wanted))
    else {
        return Err(AreaError::new(
            http::StatusCode::NOT_FOUND,
            "ArtifactNotFoundException",
            format!("Artifact {wanted} was not found for build {}.", run.id),
        ));
    };
    let zip = request
        .parameter("$format")
        .is_some_and(|it| it.eq_ignore_ascii_case("zip"));
    let accepts = request
        .headers
        .get(header::ACCEPT)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    if !zip && !accepts.contains("application/zip") {
        return ok(shape(found));
    }
    let mut archive = Archive::default();
    let directory = pipelines.job_directory(found.job).artifact(&found.name);
    let made = archive
        .add_path(&directory, &found.name)
        .and_then(|()| archive.finish());
    zipped(made, &found.name)
}

/// An archive as an answer.
pub(super) fn zipped(made: std::io::Result<Vec<u8>>, name: &str) -> Answer {
    let bytes = made.map_err(|error| AreaError::not_found(format!("`{name}` cannot be read: {error}.")))?;
    let name: String = name
        .chars()
        .filter(|it| it.is_ascii_alphanumeric() || "-_.".contains(*it))
        .collect();
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.zip\""),
        ),
    ];
    Ok((headers, bytes).into_response())
}

fn attachments(request: &AreaRequest, run: &Run, category: &str) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    let found = run
        .attachments
        .iter()
        .filter(|it| it.category.eq_ignore_ascii_case(category));
    let shape = |it: &crate::run::Attachment| {
        let path = format!(
            "build/builds/{}/{}/{}/attachments/{}/{}",
            run.id,
            run.plan_id,
            it.record,
            encoded(&it.category),
            encoded(&it.name)
        );
        json!({
            "name": it.name, "type": it.category, "recordId": it.record, "timelineId": run.plan_id, "createdOn": it.created_at,
            "_links": {"self": {"href": links.api(&run.project, &path)}},
        })
    };
    list(found.map(shape).collect())
}

fn attachment(pipelines: &Pipelines, request: &AreaRequest, run: &Run, record: &str) -> Answer {
    let [.., category, name] = request.tail.as_slice() else {
        return Err(nothing(request));
    };
    let mut all = run.attachments.iter();
    let found = all.find(|it| {
        it.record.to_string().eq_ignore_ascii_case(record)
            && it.category.eq_ignore_ascii_case(category)
            && it.name.eq_ignore_ascii_case(name)
    });
    let Some(found) = found else {
        return Err(AreaError::not_found(format!(
            "Build {} has no attachment {name} of type {category} there.",
            run.id
        )));
    };
    let bytes = std::fs::read(
        pipelines
            .job_directory(found.job)
            .attachment(&found.category, &found.name),
    );
    let bytes =
        bytes.map_err(|error| AreaError::not_found(format!("Attachment {name} cannot be read: {error}.")))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}
