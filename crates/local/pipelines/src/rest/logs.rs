//! Logs: listed, as text, as lines, and all of them in an archive.

use axum::response::IntoResponse as _;
use http::header;
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Value, json};

use super::artifacts::{signed, zipped};
use super::shape::Links;
use super::{Answer, id, list, nothing, ok};
use crate::pipelines::Pipelines;
use crate::run::{Log, Run};
use crate::zip::Archive;

/// `build/builds/{id}/logs`.
pub(crate) fn of_build(pipelines: &Pipelines, request: &AreaRequest, run: &Run, rest: &[&str]) -> Answer {
    match rest {
        [] if wants(request, "zip") => archive(pipelines, run),
        [] => {
            let links = Links {
                base: &request.base_url,
            };
            list(
                existing(pipelines, run)
                    .map(|(log, text)| links.log(run, log, count(&text)))
                    .collect(),
            )
        }
        [number] => one(pipelines, request, run, number),
        _ => Err(nothing(request)),
    }
}

/// `pipelines/{id}/runs/{id}/logs`.
pub(crate) fn of_pipelines(pipelines: &Pipelines, request: &AreaRequest, run: &Run, rest: &[&str]) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    let signs = request
        .parameter("$expand")
        .is_some_and(|it| it == "1" || it.eq_ignore_ascii_case("signedContent"));
    let shape = |log: &Log, text: &str| {
        let own = links.api(&run.project, &format!("build/builds/{}/logs/{}", run.id, log.id));
        let mut all = json!({
            "id": log.id, "createdOn": log.created_at, "lastChangedOn": log.created_at, "lineCount": count(text),
            "url": links.api(&run.project, &format!("pipelines/{}/runs/{}/logs/{}", run.definition, run.id, log.id)),
        });
        if signs {
            all["signedContent"] = signed(&own);
        }
        all
    };
    match rest {
        [] => {
            let all: Vec<Value> = existing(pipelines, run)
                .map(|(log, text)| shape(log, &text))
                .collect();
            ok(
                json!({"logs": all, "url": links.api(&run.project, &format!("pipelines/{}/runs/{}/logs", run.definition, run.id))}),
            )
        }
        [number] => {
            let wanted = id(number)?;
            let found = existing(pipelines, run).find(|(log, _)| log.id == wanted);
            let (log, text) = found.ok_or_else(|| missing(run, number))?;
            ok(shape(log, &text))
        }
        _ => Err(nothing(request)),
    }
}

fn one(pipelines: &Pipelines, request: &AreaRequest, run: &Run, number: &str) -> Answer {
    let wanted = id(number)?;
    let log = run
        .logs
        .iter()
        .find(|log| log.id == wanted)
        .ok_or_else(|| missing(run, number))?;
    // A step that has not begun has an empty log.
    let text = read(pipelines, log).unwrap_or_default();
    let bound = |key: &str| request.parameter(key).and_then(|it| it.parse::<usize>().ok());
    let (start, end) = (
        bound("startLine").unwrap_or(1).max(1),
        bound("endLine").unwrap_or(usize::MAX),
    );
    let lines: Vec<&str> = text
        .lines()
        .skip(start - 1)
        .take(end.saturating_sub(start - 1))
        .collect();
    if wants(request, "json") {
        return ok(json!({"count": lines.len(), "value": lines}));
    }
    if wants(request, "zip") {
        let mut archive = Archive::default();
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        let made = archive.add(&format!("{wanted}.txt"), text.as_bytes());
        return zipped(made.and_then(|()| archive.finish()), &format!("log_{wanted}"));
    }
    let mut body = lines.join("\n");
    if !body.is_empty() {
        body.push('\n');
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response())
}

/// Whether the client asks for this form, by `$format` or by `Accept`.
fn wants(request: &AreaRequest, form: &str) -> bool {
    if let Some(format) = request.parameter("$format") {
        return format.eq_ignore_ascii_case(form);
    }
    let accept = request
        .headers
        .get(header::ACCEPT)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    accept.trim_start().starts_with(&format!("application/{form}"))
}

fn archive(pipelines: &Pipelines, run: &Run) -> Answer {
    let mut archive = Archive::default();
    let mut made = Ok(());
    for (log, text) in existing(pipelines, run) {
        let record = run.records.iter().find(|it| it.id == log.record);
        let name = record.map_or_else(String::new, |it| crate::agent::job::safe_name(&it.name));
        made = made.and_then(|()| archive.add(&format!("{}_{name}.txt", log.id), text.as_bytes()));
    }
    zipped(made.and_then(|()| archive.finish()), &format!("logs_{}", run.id))
}

fn existing<'a>(pipelines: &'a Pipelines, run: &'a Run) -> impl Iterator<Item = (&'a Log, String)> {
    run.logs
        .iter()
        .filter_map(|log| Some((log, read(pipelines, log)?)))
}

fn read(pipelines: &Pipelines, log: &Log) -> Option<String> {
    let bytes = std::fs::read(pipelines.job_directory(log.job).log(log.id)).ok()?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    // A line that is being written is shown when it is whole, so that line numbers stay.
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    text.truncate(end);
    Some(text)
}

fn count(text: &str) -> u64 {
    text.matches('\n').count() as u64
}

fn missing(run: &Run, number: &str) -> AreaError {
    AreaError::not_found(format!("Build {} has no log {number}.", run.id))
}
